"""Where memory runs out a smaller batch goes on: every request is answered once, as it would have been."""

import logging

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.errors import UserError
from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.engine import Engine
from inoc_evals.models.request import Completion, Request
from inoc_evals.models.within_memory import WithinMemory


def request(index, **settings):
    return Request((3, *f"word {index}".encode(), 1, 4), **{"max_tokens": 5, "seed": index, **settings})


def answers(engine, checkpoint, requests, places):
    found, rest = {}, list(requests[places:])

    def more(free):
        joining = rest[:free]
        del rest[:free]
        return joining

    def done(index, completion):
        assert index not in found
        found[index] = completion

    engine.generate(checkpoint, requests[:places], done, places=places, more=more)
    return [found[index].text for index in range(len(requests))]


def room_for(monkeypatch, model, most, error):
    """Let a model's memory hold so many texts."""
    forward = model.forward

    def limited(*args, input_ids=None, **kwargs):
        if len(input_ids) > most:
            raise error
        return forward(*args, input_ids=input_ids, **kwargs)

    monkeypatch.setattr(model, "forward", limited)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=["cuda", "mps", "cpu"],
)
def test_a_batch_that_does_not_fit_is_cut_and_the_answers_stay(tiny, monkeypatch, caplog, error):
    checkpoint = resolve(str(tiny))
    requests = [request(i, temperature=i % 2, max_tokens=3 + i % 4) for i in range(20)]
    roomy, narrow = (Engine(checkpoint, torch.device("cpu"), "float32") for _ in range(2))
    expected = answers(roomy, checkpoint, requests, 8)
    room_for(monkeypatch, narrow.model(checkpoint), 3, error)
    with caplog.at_level(logging.WARNING):
        assert answers(narrow, checkpoint, requests, 8) == expected
        # what was found holds for later batches
        assert answers(narrow, checkpoint, requests, 8) == expected
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "out of memory with 8 requests at once",
        "out of memory with 4 requests at once",
    ]


def test_where_nothing_fits_it_says_so_in_one_line(tiny, monkeypatch):
    checkpoint = resolve(str(tiny))
    engine = Engine(checkpoint, torch.device("cpu"), "float32")
    room_for(monkeypatch, engine.model(checkpoint), 0, torch.OutOfMemoryError("CUDA out of memory.\nTried"))
    with pytest.raises(UserError, match="with a single request: free the device") as caught:
        answers(engine, checkpoint, [request(0), request(1)], 2)
    assert "\n" not in str(caught.value)


def test_other_errors_are_not_taken_for_it(tiny, monkeypatch):
    checkpoint = resolve(str(tiny))
    engine = Engine(checkpoint, torch.device("cpu"), "float32")
    room_for(monkeypatch, engine.model(checkpoint), 1, RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        answers(engine, checkpoint, [request(0), request(1)], 2)


@given(st.integers(0, 30), st.integers(1, 12), st.lists(st.integers(0, 40), max_size=4), st.integers(1, 6))
def test_every_request_is_answered_once_wherever_memory_runs_out(count, places, failures, chunk):
    """A batch that fails after any number of answers, as often as it can before one is left at a time."""
    rest = [request(i) for i in range(count)]
    first, rest = rest[:places], rest[places:]
    failures, found, sizes = iter(failures), [], []

    def more(free):
        joining = rest[:free]
        del rest[:free]
        return joining

    def batch(requests, done, at_once, joining):
        fails = next(failures, None) if at_once > 1 else None
        waiting, answered = list(enumerate(requests)), 0
        seen = len(waiting)
        while waiting:
            sizes.append((len(waiting), at_once))
            for _ in range(min(chunk, len(waiting))):
                if fails is not None and answered >= fails:
                    raise torch.OutOfMemoryError("out of memory")
                index, asked = waiting.pop()
                done(index, Completion(str(asked.seed), 1, "stop"))
                answered += 1
            new = joining(at_once - len(waiting))
            waiting += enumerate(new, start=seen)
            seen += len(new)

    WithinMemory().answer(
        batch, first, lambda index, done: found.append((index, done.text)), places=places, more=more
    )
    assert sorted(found) == sorted((i, str(i)) for i in range(count))
    assert all(size <= at_once for size, at_once in sizes)
