"""SmolLM2 through `inoc/`: greedy answers are those of transformers, deterministic ones alike in any company.

Two minutes on two cores.
"""

import asyncio

import pytest
import torch
from transformers import AutoModelForCausalLM

from inoc_evals.chat.renderer import Renderer, load_tokenizer
from inoc_evals.models.batcher import submit
from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.provider_args import ProviderArgs, read_provider_args
from inoc_evals.models.request import Request
from tests.real_model import smollm

TOKENS = 24


@pytest.fixture(scope="module")
def checkpoint():
    return resolve(str(smollm()))


@pytest.fixture(scope="module")
def prompts(checkpoint):
    renderer = Renderer(load_tokenizer(checkpoint.tokenizer))
    questions = [f"Tell me {'more ' * (i % 5)}about number {i}." for i in range(12)]
    return [renderer.render_prompt([{"role": "user", "content": text}]).ids for text in questions]


def answers(checkpoint, args, requests):
    async def together():
        return await asyncio.gather(*[submit(checkpoint, args, [request]) for request in requests])

    return [completions[0] for completions in asyncio.run(together())]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_greedy_answers_are_those_of_generate(checkpoint, prompts, dtype):
    count = 12 if dtype == torch.float32 else 2
    name = str(dtype).removeprefix("torch.")
    requests = [Request(ids, max_tokens=TOKENS, temperature=0, logprobs=True) for ids in prompts[:count]]
    # in bfloat16 rounding depends on a batch's shape, so generate's batch of one is compared with one of ours
    args = ProviderArgs(batch_size=5 if dtype == torch.float32 else 1, device="cpu", dtype=name)
    model = AutoModelForCausalLM.from_pretrained(smollm(), dtype=dtype).eval()
    for ids, completion in zip(prompts, answers(checkpoint, args, requests), strict=False):
        with torch.inference_mode():
            whole = model.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=TOKENS)[0, len(ids) :]
        assert [entry.token for entry in completion.logprobs] == whole.tolist()


def test_log_probabilities_are_those_of_a_plain_forward_pass(checkpoint, prompts):
    requests = [Request(ids, max_tokens=TOKENS, seed=i, logprobs=True) for i, ids in enumerate(prompts)]
    args = ProviderArgs(batch_size=5, device="cpu", dtype="float32")
    model = AutoModelForCausalLM.from_pretrained(smollm(), dtype=torch.float32).eval()
    for ids, completion in zip(prompts, answers(checkpoint, args, requests), strict=True):
        tokens = [entry.token for entry in completion.logprobs]
        with torch.inference_mode():
            expected = model(torch.tensor([[*ids, *tokens]])).logits[0].log_softmax(-1)
        for place, entry in enumerate(completion.logprobs, start=len(ids) - 1):
            assert entry.logprob == pytest.approx(expected[place, entry.token].item(), abs=1e-4)


def test_a_deterministic_answer_is_the_same_in_any_company(checkpoint, prompts):
    args = read_provider_args({"deterministic": True, "device": "cpu"})
    mine = Request(prompts[3], max_tokens=TOKENS, seed=7, logprobs=True, top_logprobs=5)
    others = [Request(ids, max_tokens=5, seed=i) for i, ids in enumerate(prompts[4:9])]
    alone = answers(checkpoint, args, [mine])[0]
    assert answers(checkpoint, args, [*others, mine])[-1] == alone  # log-probabilities to the last bit
    assert answers(checkpoint, args, [others[0], mine, *others[1:]])[1] == alone
    # also after a batch that has read what its prompts share
    answers(checkpoint, ProviderArgs(batch_size=8, device="cpu", dtype="float32"), others)
    assert answers(checkpoint, args, [mine])[0] == alone
