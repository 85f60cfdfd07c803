"""Layers whose weights are laid out for the processor compute what they did before, or are left alone."""

import copy
import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from inoc_evals.models import prepacked
from inoc_evals.models.prepacked import PartOfOne, Prepacked, PrepackedLinear, fits


def llama(dtype=torch.float32):
    config = LlamaConfig(
        vocab_size=300,
        hidden_size=48,
        intermediate_size=72,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        attention_bias=True,
    )
    torch.manual_seed(0)
    return LlamaForCausalLM(config).to(dtype).eval().requires_grad_(False)


def tree_over(model):
    """Another tree of modules over the same weights, as the engine makes it."""
    shared = itertools.chain(model.parameters(), model.buffers())
    return copy.deepcopy(model, {id(tensor): tensor for tensor in shared})


@given(
    st.integers(1, 70),
    st.integers(1, 3),
    st.integers(1, 90),
    st.integers(1, 90),
    st.booleans(),
    st.sampled_from(prepacked.FORMATS),
)
def test_a_layer_computes_what_it_computed(rows, tokens, wide, out, bias, dtype):
    torch.manual_seed(0)
    layer = nn.Linear(wide, out, bias=bias).to(dtype).requires_grad_(False)
    numbers = torch.randn(rows, tokens, wide).to(dtype)
    whole = nn.Sequential(layer)
    Prepacked(whole).into(whole)
    assert type(whole[0]) is PrepackedLinear
    with torch.inference_mode():
        ours, usual = whole(numbers), layer(numbers)
    assert ours.dtype == usual.dtype and ours.shape == usual.shape
    assert torch.allclose(
        ours.float(), usual.float(), **{"atol": 1e-5} if dtype == torch.float32 else {"atol": 2e-2}
    )


@pytest.mark.parametrize("dtype", prepacked.FORMATS, ids=str)
@torch.inference_mode()
def test_a_model_and_an_adapter_over_it(dtype):
    base = llama(dtype)
    copies = Prepacked(base)
    plain = tree_over(base)
    copies.into(plain)
    lora = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    adapted = get_peft_model(tree_over(base), lora).eval().to(dtype)
    ids = torch.arange(24).view(2, 12)
    before, adapted_before = base(ids).logits, adapted(ids).logits
    copies.into(adapted)
    close = {"atol": 1e-4} if dtype == torch.float32 else {"atol": 0.05}
    assert torch.allclose(plain(ids).logits.float(), before.float(), **close)
    assert torch.allclose(adapted(ids).logits.float(), adapted_before.float(), **close)
    assert not torch.allclose(before.float(), adapted_before.float(), **close)
    # the base is what the next adapter is put over, and its copies serve both trees
    assert not any(isinstance(module, PrepackedLinear) for module in base.modules())
    one = plain.model.layers[1].mlp.down_proj
    other = adapted.get_base_model().model.layers[1].mlp.down_proj.base_layer
    assert one.packed is other.packed
    assert one.weight is other.weight is base.model.layers[1].mlp.down_proj.weight


@pytest.mark.parametrize("adapter", [False, True], ids=["base", "adapter"])
@torch.inference_mode()
def test_layers_of_one_input_are_one_product(adapter, monkeypatch):
    base = llama()
    tree = tree_over(base)
    if adapter:
        tree = get_peft_model(tree, LoraConfig(r=4, target_modules=["q_proj", "up_proj"])).eval()
    Prepacked(base).into(tree)
    made, product = [], prepacked._product

    def counted(numbers, packed, bias):
        made.append(product(numbers, packed, bias))
        return made[-1]

    monkeypatch.setattr(prepacked, "_product", counted)
    tree(torch.arange(6).view(1, 6))
    # queries, keys and values; what attention gives; gate and up; down; and the adapter's two for two layers
    assert len(made) == 2 * (4 + 4 * adapter) + 1
    held = [module.product for module in tree.modules() if isinstance(module, PartOfOne)]
    assert len(held) == 2 * 5 and all(product._input is None for product in held)  # nothing stays in memory


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=12))
def test_layers_may_be_asked_in_any_order_any_number_of_times(asked):
    torch.manual_seed(0)
    tree = nn.Module()
    tree.q_proj, tree.k_proj, tree.v_proj = nn.Linear(8, 6), nn.Linear(8, 4), nn.Linear(8, 4)
    plain = [tree.q_proj, tree.k_proj, tree.v_proj]
    Prepacked(tree).into(tree)
    ours = [tree.q_proj, tree.k_proj, tree.v_proj]
    assert all(type(layer) is PartOfOne for layer in ours)
    inputs = torch.randn(2, 3, 8)
    views = [inputs[0], inputs[1]]
    with torch.inference_mode():
        for which, view in asked:
            assert torch.allclose(ours[which](views[view]), plain[which](views[view]), atol=1e-5)


def test_layers_that_differ_in_input_or_bias_stay_apart():
    tree = nn.Module()
    tree.q_proj, tree.k_proj, tree.v_proj = nn.Linear(8, 6), nn.Linear(8, 4), nn.Linear(8, 4, bias=False)
    tree.gate_proj, tree.up_proj = nn.Linear(8, 6), nn.Linear(4, 6)
    Prepacked(tree).into(tree)
    assert {type(layer) for layer in tree.children()} == {PrepackedLinear}


@torch.inference_mode()
def test_weights_of_its_own_are_laid_out_anew():
    base = llama()
    copies = Prepacked(base)
    merged = copy.deepcopy(base)
    merged.model.layers[0].mlp.up_proj.weight.mul_(3.0)
    ids = torch.arange(10).view(1, 10)
    right = merged(ids).logits
    copies.into(merged)
    assert torch.allclose(merged(ids).logits, right, atol=1e-4)
    assert not torch.allclose(right, base(ids).logits, atol=1e-2)


def missing(*_):
    raise AttributeError("'_OpNamespace' 'mkldnn' object has no attribute '_linear_pointwise'")


@pytest.mark.parametrize(
    "product", [missing, lambda numbers, packed, bias: numbers.new_zeros(3, 1, 1)], ids=["missing", "wrong"]
)
def test_layers_stay_where_the_operation_does_not_do(product, monkeypatch):
    model = llama()
    assert fits(model)
    monkeypatch.setattr(prepacked, "_product", product)
    assert not fits(model)


def test_only_what_computes_in_one_known_format_on_a_processor():
    assert not fits(llama(torch.float16))
    mixed = llama()
    mixed.lm_head.to(torch.bfloat16)
    assert not fits(mixed)
    assert not fits(llama().to("meta"))
