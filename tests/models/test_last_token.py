"""The output layer reads the last token of every prompt, without a copy of its weights for each."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from inoc_evals.models.sequences import Beginnings, last_token, read_with

SEQUENCES, TOKENS, WORDS, SIZE = 16, 6, 4096, 32


@pytest.fixture(scope="module")
def model():
    config = LlamaConfig(
        vocab_size=WORDS,
        hidden_size=SIZE,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
    )
    torch.manual_seed(0)
    return (
        LlamaForCausalLM(config).eval().requires_grad_(False)
    )  # as the engine has it: torch then decides otherwise


@pytest.mark.parametrize("slots", [True, False], ids=["slots", "together"])
@torch.inference_mode()
def test_reading_prompts_copies_no_weights(model, slots) -> None:
    prompts = [[(31 * row + 7 * place) % WORDS for place in range(TOKENS)] for row in range(SEQUENCES)]
    sequences = read_with(model, Beginnings(model) if slots else None, most=SEQUENCES)
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, record_shapes=True) as profiled:
        logits = sequences.admit(prompts)
    # a product for every sequence by itself, for which bfloat16 weights are copied
    apart = [
        event
        for event in profiled.events()
        if event.name == "aten::bmm" and any(WORDS in shape for shape in event.input_shapes)
    ]
    assert not apart
    assert torch.allclose(logits, model(torch.tensor(prompts)).logits[:, -1], atol=1e-4)


@torch.inference_mode()
def test_it_is_the_last_one(model) -> None:
    ids = torch.arange(12).reshape(2, 6)
    kept = model(ids, logits_to_keep=last_token(ids)).logits
    assert kept.shape == (2, 1, WORDS)
    assert torch.allclose(kept[:, 0], model(ids).logits[:, -1], atol=1e-5)
