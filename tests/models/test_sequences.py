"""Answers that begin at different times, share beginnings, outgrow buffers: each as if it were alone."""

import pytest
import torch
from transformers import AutoModelForCausalLM, Gemma2Config, Gemma2ForCausalLM

from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.engine import load_engine
from inoc_evals.models.request import Request
from inoc_evals.models.sequences import Beginnings, Slots, Together, read_with

HEAD = (3, *range(30, 60), 1)
PROMPTS = [(*HEAD, 70 + i, *range(80, 80 + 3 * i), 1, 4) for i in range(7)] + [
    (3, 99, 1, 4),
    (3, 98, 97, 1, 4),
]


def plain(tiny, prompt, length):
    model = AutoModelForCausalLM.from_pretrained(tiny).eval()
    return model.generate(torch.tensor([prompt]), do_sample=False, max_new_tokens=length)[
        0, len(prompt) :
    ].tolist()


def greedy(prompt, length):
    return Request(prompt, max_tokens=length, temperature=0, logprobs=True)


def asked(engine, checkpoint, requests, places):
    """Answers where only some places are free, so that the others join later."""
    waiting, done, most = list(requests[places:]), {}, 0

    def more(free):
        nonlocal most
        joining = waiting[:free]
        del waiting[:free]
        most = max(most, free)
        return joining

    engine.generate(checkpoint, requests[:places], done.__setitem__, places=places, more=more)
    assert most <= places
    return [[entry.token for entry in done[row].logprobs] for row in range(len(requests))]


@pytest.mark.parametrize("places", [2, 3, 9])
def test_who_joins_later_answers_as_if_alone(tiny, places):
    engine, checkpoint = load_engine(resolve(str(tiny)), "cpu", "auto"), resolve(str(tiny))
    requests = [greedy(prompt, 3 + 5 * i) for i, prompt in enumerate(PROMPTS)]
    answers = asked(engine, checkpoint, requests, places)
    for request, answer in zip(requests, answers, strict=True):
        assert answer == plain(tiny, request.prompt, request.max_tokens)


def test_equal_prompts_are_read_once_and_drawn_apart(tiny):
    engine, checkpoint = load_engine(resolve(str(tiny)), "cpu", "auto"), resolve(str(tiny))
    prompts = [PROMPTS[3], PROMPTS[1], PROMPTS[3], PROMPTS[3], PROMPTS[1]]
    requests = [Request(p, max_tokens=20, seed=i % 4, logprobs=True) for i, p in enumerate(prompts)]
    alone = [asked(engine, checkpoint, [request], 1)[0] for request in requests]
    assert asked(engine, checkpoint, requests, 5) == alone
    assert len({tuple(answer) for answer in alone}) > 2


def test_answers_outgrow_their_buffers(tiny):
    engine, checkpoint = load_engine(resolve(str(tiny)), "cpu", "auto"), resolve(str(tiny))
    requests = [greedy(prompt, 150 if i % 2 else 9) for i, prompt in enumerate(PROMPTS)]
    for request, answer in zip(requests, asked(engine, checkpoint, requests, 4), strict=True):
        assert answer == plain(tiny, request.prompt, request.max_tokens)


def test_what_prompts_share_is_read_once(tiny):
    model = AutoModelForCausalLM.from_pretrained(tiny).eval()
    beginnings, read = Beginnings(model), []
    model.register_forward_pre_hook(
        lambda module, args, kwargs: read.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    with torch.inference_mode():
        for _ in range(2):
            read_with(model, beginnings, most=7).admit(PROMPTS[:7])
    assert read[0] == (1, len(HEAD))
    tokens = sum(rows * width for rows, width in read[1:])
    own = 2 * sum(len(prompt) - len(HEAD) for prompt in PROMPTS[:7])
    assert own <= tokens <= 1.3 * own


def test_a_model_with_windows_keeps_transformers_own_cache(tmp_path):
    torch.manual_seed(0)
    size = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "head_dim": 8}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    model = Gemma2ForCausalLM(Gemma2Config(vocab_size=128, sliding_window=8, **size, **heads)).eval()
    assert isinstance(read_with(model, Beginnings(model)), Together)


def test_a_model_that_computes_otherwise_in_slots_keeps_transformers_own_cache(tiny, monkeypatch):
    model = AutoModelForCausalLM.from_pretrained(tiny).eval()
    assert isinstance(read_with(model, Beginnings(model)), Slots)
    forward = type(model).forward

    def without_positions(self, *args, position_ids=None, **kwargs):
        return forward(self, *args, **kwargs)  # as of a model that counts positions itself

    monkeypatch.setattr(type(model), "forward", without_positions)
    assert isinstance(read_with(model, Beginnings(model)), Together)
