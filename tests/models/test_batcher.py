"""Requests from everywhere, in batches that start at once, each answered or failed."""

import asyncio
import sys
import time

import anyio
import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.solver import generate

from inoc_evals.errors import UserError
from inoc_evals.models import batcher, provider
from inoc_evals.models.batcher import submit
from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.engine import Engine
from inoc_evals.models.provider_args import ProviderArgs, read_provider_args
from inoc_evals.models.request import Request
from tests.tiny import build_tiny


def request(word, **settings):
    return Request((3, *word.encode(), 1, 4), **{"max_tokens": 6, **settings})


@pytest.fixture
def batches(monkeypatch):
    """Of the batches that the engine really ran, and of what joined them: name, new requests, all at once."""
    sizes = []
    run = Engine.generate

    def spy(self, checkpoint, requests, done, *, more, **places):
        under_way = len(requests)
        sizes.append((checkpoint.name, under_way, under_way))

        def ended(row, completion):
            nonlocal under_way
            under_way -= 1
            done(row, completion)

        def joining(count):
            nonlocal under_way
            new = more(count)
            under_way += len(new)
            if new:
                sizes.append((checkpoint.name, len(new), under_way))
            return new

        run(self, checkpoint, requests, ended, **places, more=joining)

    monkeypatch.setattr(Engine, "generate", spy)
    # a queue of its own: the batch of the test before may still ask who joins it
    monkeypatch.setattr(sys.modules[__name__], "submit", batcher.Batcher().submit)
    return sizes


async def ask_all(checkpoint, args, n):
    asked = [submit(checkpoint, args, [request(f"word {i}")]) for i in range(n)]
    return [completions[0] for completions in await asyncio.gather(*asked)]


@pytest.mark.alone
def test_what_comes_together_shares_batches_no_larger_than_allowed(tiny, batches, monkeypatch):
    monkeypatch.setattr(batcher, "QUIET", 0.5)
    checkpoint, args = resolve(str(tiny)), ProviderArgs(batch_size=8)
    completions = asyncio.run(ask_all(checkpoint, args, 20))
    assert batches[0][1] == 8
    assert sum(new for _, new, _ in batches) == 20
    assert max(at_once for _, _, at_once in batches) == 8
    assert all(completion.output_tokens for completion in completions)


@pytest.mark.alone
@pytest.mark.parametrize(("words", "at_once"), [({}, 60), ({"max_connections": 7}, 7)])
def test_an_evaluation_fills_its_batch_from_the_start(words, at_once, tiny, batches, monkeypatch, tmp_path):
    """Inspect would send 20 requests and wait for answers, as is right for a service that limits rates."""
    monkeypatch.setattr(batcher, "QUIET", 0.5)
    monkeypatch.setattr(provider, "submit", submit)
    task = Task(dataset=[Sample(input=f"word {i}") for i in range(60)], solver=generate())
    [log] = inspect_eval(
        task, model=f"inoc/{tiny}", max_tokens=2, display="none", log_dir=str(tmp_path), **words
    )
    assert log.status == "success"
    assert batches[0][1] == at_once
    assert max(count for _, _, count in batches) == at_once


@pytest.mark.alone
def test_a_lone_request_does_not_wait_for_others(tiny):
    checkpoint, args = resolve(str(tiny)), ProviderArgs()
    asyncio.run(ask_all(checkpoint, args, 1))
    start = time.monotonic()
    asyncio.run(ask_all(checkpoint, args, 1))
    assert time.monotonic() - start < 1


@pytest.mark.alone
def test_checkpoints_are_never_mixed_in_a_batch(tiny, adapters, batches, monkeypatch):
    monkeypatch.setattr(batcher, "QUIET", 0.5)
    both = [resolve(str(tiny)), resolve(str(adapters["plain"]))]

    async def ask():
        asked = [submit(both[i % 2], ProviderArgs(), [request("same")]) for i in range(10)]
        return await asyncio.gather(*asked)

    answers = [completions[0].text for completions in asyncio.run(ask())]
    assert sorted(batches) == sorted((checkpoint.name, 5, 5) for checkpoint in both)
    greedy = asyncio.run(submit(both[0], ProviderArgs(), [request("same", temperature=0)] * 2))
    assert greedy[0] == greedy[1]
    assert answers[0::2] == [answers[0]] * 5
    assert answers[1::2] == [answers[1]] * 5
    assert answers[0] != answers[1]


def test_it_serves_trio_too(tiny):
    pytest.importorskip("trio")
    checkpoint = resolve(str(tiny))
    completions = anyio.run(submit, checkpoint, ProviderArgs(), [request("hello")], backend="trio")
    assert completions[0].output_tokens


def test_a_failure_reaches_everyone_in_the_batch_and_no_one_after(tmp_path, tiny):
    folder = build_tiny(tmp_path / "model", seed=3)
    broken = resolve(str(folder))
    (folder / "model.safetensors").write_bytes(b"nothing")

    async def ask():
        asked = [submit(broken, ProviderArgs(), [request("hello")]) for _ in range(3)]
        return await asyncio.gather(*asked, return_exceptions=True)

    assert all(isinstance(error, UserError) for error in asyncio.run(ask()))
    assert asyncio.run(submit(resolve(str(tiny)), ProviderArgs(), [request("hello")]))


def test_a_cancelled_request_leaves_the_queue(tiny, batches, monkeypatch):
    monkeypatch.setattr(batcher, "QUIET", 0.5)
    checkpoint, args = resolve(str(tiny)), ProviderArgs()

    async def ask():
        tasks = [asyncio.create_task(submit(checkpoint, args, [request("hi")])) for _ in range(6)]
        await asyncio.sleep(0)
        for task in tasks[1:]:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(ask())
    assert results[0][0].output_tokens
    assert all(isinstance(result, asyncio.CancelledError) for result in results[1:])
    assert [new for _, new, _ in batches] == [1]


def test_who_waits_is_served_though_the_last_to_come_is_cancelled(tiny):
    checkpoint, args = resolve(str(tiny)), ProviderArgs()

    async def ask():
        tasks = [asyncio.create_task(submit(checkpoint, args, [request("hi")])) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[-1].cancel()
        return await asyncio.wait_for(asyncio.gather(*tasks[:2]), timeout=20)

    assert len(asyncio.run(ask())) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"engine": "vllm"}, "engine='vllm' is none of transformers"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": "many"}, "batch_size='many'"),
        ({"device": "tpu"}, "device='tpu'"),
        ({"dtype": "int4"}, "dtype='int4'"),
        ({"do_sample": False}, "no model argument do_sample: it takes batch_size, device"),
    ],
)
def test_model_arguments_are_checked(arguments, said):
    with pytest.raises(UserError) as caught:
        read_provider_args(arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
