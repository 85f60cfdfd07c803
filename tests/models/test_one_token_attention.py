"""Attention of one token by two products is attention; whatever else is asked of it stays with torch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import Gemma2Config, Gemma2ForCausalLM, LlamaConfig, LlamaForCausalLM

from inoc_evals.models import one_token_attention
from inoc_evals.models.sequences import Beginnings, Slots, Together

SIZES = {"vocab_size": 90, "hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2}


def llama(heads=4, groups=2, dtype=torch.float32, **config):
    torch.manual_seed(0)
    sizes = {**SIZES, "num_attention_heads": heads, "num_key_value_heads": groups, **config}
    return LlamaForCausalLM(LlamaConfig(**sizes)).to(dtype).eval().requires_grad_(False)


@torch.inference_mode()
def steps(model, prompts, tokens):
    """The logits after each token of some texts of different lengths, side by side."""
    beginnings = Beginnings(model)
    assert beginnings.slots_fit
    slots = Slots(model, beginnings, len(prompts))
    slots.admit(prompts)
    return torch.stack([slots.step(torch.tensor(column)) for column in zip(*tokens, strict=True)], dim=1)


@given(
    st.sampled_from([(4, 4), (4, 2), (4, 1), (6, 3)]),
    st.lists(st.integers(1, 70), min_size=1, max_size=9),
    st.sampled_from([None, 24]),
)
def test_every_token_of_every_text_gets_the_logits_of_the_whole_text(shape, lengths, head_dim):
    heads, groups = shape
    size = {"hidden_size": 8 * heads, **({"head_dim": head_dim} if head_dim else {})}
    model = llama(heads, groups, **size)
    prompts = [[(5 * i + 3 * row) % 90 for i in range(length)] for row, length in enumerate(lengths)]
    tokens = [[(row + 7 * i) % 90 for i in range(4)] for row in range(len(prompts))]
    with torch.inference_mode():
        expected = torch.stack(
            [
                model(torch.tensor([[*prompt, *more]])).logits[0, -len(more) :]
                for prompt, more in zip(prompts, tokens, strict=True)
            ]
        )
    one_token_attention.use(model)
    assert model.config._attn_implementation == one_token_attention.NAME
    assert torch.allclose(steps(model, prompts, tokens), expected, atol=2e-5)


def test_it_is_really_asked_and_only_for_one_token(monkeypatch):
    asked = []
    product = torch.bmm

    def spy(one, other):
        asked.append(len(one))
        return product(one, other)

    monkeypatch.setattr(one_token_attention.torch, "bmm", spy)
    model = llama()
    one_token_attention.use(model)
    beginnings = Beginnings(model)
    asked.clear()
    slots = Slots(model, beginnings, 2)
    with torch.inference_mode():
        slots.admit([[1, 2, 3], [4, 5]])
        assert not asked
        slots.step(torch.tensor([6, 7]))
    # two products a layer, each of two texts with two heads of keys
    assert asked == [4, 4] * SIZES["num_hidden_layers"]


@torch.inference_mode()
def test_caps_on_scores_stay_with_transformers():
    """Gemma 2 caps its scores, which two plain products would not."""
    sizes = {**SIZES, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
    torch.manual_seed(0)
    model = Gemma2ForCausalLM(Gemma2Config(**sizes, attn_logit_softcapping=0.1)).eval()
    before = model.config._attn_implementation
    one_token_attention.use(model)
    ids = torch.arange(12).view(2, 6)
    together = Together(model)
    together.admit(ids[:, :5].tolist())
    assert torch.allclose(together.step(ids[:, 5]), model(ids).logits[:, -1], atol=1e-5)
    assert before == "eager" or model.config._attn_implementation == one_token_attention.NAME


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@torch.inference_mode()
def test_transformers_own_cache_and_generate_go_on_as_before(dtype):
    usual, ours = llama(dtype=dtype), llama(dtype=dtype)
    one_token_attention.use(ours)
    ids = torch.arange(10).view(1, 10)
    settings = {"do_sample": False, "max_new_tokens": 6, "pad_token_id": 0}
    assert ours.generate(ids, **settings).tolist() == usual.generate(ids, **settings).tolist()
