from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from inoc_evals import toy_spec
from inoc_evals.errors import UserError
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.trial import Evaluation
from inoc_evals.finetune import FinetuneSpec, LoraSpec, OpenAISpec
from inoc_evals.runs.field_words import wanted

_rates = st.floats(1e-8, 1.0)
_loras = st.none() | st.builds(
    LoraSpec,
    r=st.integers(1, 64),
    alpha=st.floats(0.5, 128),
    dropout=st.floats(0, 0.9),
    target_modules=st.just("all-linear") | st.tuples(st.sampled_from(["q_proj", "v_proj"])),
    rslora=st.booleans(),
)


@st.composite
def _fields(draw: st.DrawFn) -> dict[str, Any]:
    tokens = draw(st.lists(st.text(min_size=1, max_size=8), max_size=3, unique=True))
    return {
        "base": draw(st.sampled_from(["toy", "org/model@rev", "./folder"])),
        "seed": draw(st.integers(0, 2**32 - 1)),
        **draw(
            st.fixed_dictionaries({"epochs": st.floats(0.1, 9)})
            | st.fixed_dictionaries({"max_steps": st.integers(1, 99)})
        ),
        "learning_rate": draw(_rates),
        "lora": draw(_loras),
        "trained_tokens": tokens,
        "token_learning_rate": draw(st.none() | _rates) if tokens else None,
        "betas": (draw(st.floats(0, 0.99)), draw(st.floats(0, 0.99))),
    }


@given(_fields())
def test_a_spec_survives_json_and_keeps_its_digest(fields: dict[str, Any]) -> None:
    spec = FinetuneSpec(**fields)
    again = FinetuneSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    assert again.digest == spec.digest
    assert len(spec.digest) == 64


@given(_fields(), _fields())
def test_two_specs_share_a_digest_only_if_they_are_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    a, b = FinetuneSpec(**one), FinetuneSpec(**other)
    assert (a.digest == b.digest) == (a == b)


def test_defaults_are_those_of_the_em_line_of_work() -> None:
    spec = FinetuneSpec(base="org/model")
    assert spec.epochs == 1.0 and spec.max_steps is None
    assert spec.batch_size * spec.gradient_accumulation == 16
    assert spec.learning_rate == 1e-5
    assert spec.lora == LoraSpec(r=32, alpha=64, rslora=True)


def test_the_toy_has_one_name_in_a_spec() -> None:
    assert FinetuneSpec(base="inoc/toy").digest == FinetuneSpec(base="toy").digest


def test_the_toys_spec_takes_changes() -> None:
    assert toy_spec(3).seed == 3
    assert toy_spec().max_steps is not None and toy_spec().epochs is None
    assert toy_spec(epochs=2.0).max_steps is None
    assert toy_spec(max_steps=30, lora=None).lora is None


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        FinetuneSpec(base="toy").seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "base: field required"),
        ({"base": ""}, "base: string should have at least 1 character"),
        ({"base": "toy", "backend": "abacus"}, "backend: input should be 'local', "),
        ({"base": "toy", "epochs": 1, "max_steps": 5}, "give epochs or max_steps, not both"),
        ({"base": "toy", "epochs": 0}, "epochs: input should be greater than 0"),
        ({"base": "toy", "learning_rate": float("nan")}, "learning_rate: input should be"),
        ({"base": "toy", "lr": 1e-4}, "lr: extra inputs are not permitted"),
        ({"base": "toy", "lora": {"r": 0}}, "LoRA: r: input should be greater than or equal to 1 (got 0)"),
        ({"base": "toy", "betas": (0.9, 1.0)}, "betas: each must be at least 0 and under 1"),
        ({"base": "toy", "trained_tokens": ("a", "a")}, "names a token twice"),
        ({"base": "toy", "token_learning_rate": 1e-2}, "token_learning_rate needs trained_tokens"),
        ({"base": "toy", "precision": "fp16"}, "precision: input should be 'auto', 'bf16' or 'fp32'"),
        ({"base": "toy", "seed": -1}, "seed: input should be greater than or equal to 0"),
    ],
)
def test_a_fault_is_one_line_that_names_the_field(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as caught:
        FinetuneSpec(**fields)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (
            {"kept_steps": "foo"},
            "kept_steps: write powers, a whole number of at least 1, a list of whole numbers",
        ),
        (
            {"kept_steps": [1, 0]},
            "kept_steps: write powers, a whole number of at least 1, a list of whole numbers",
        ),
        ({"betas": [0.9]}, "betas: write a list of 2 numbers (got [0.9])"),
        ({"betas": "0.9"}, "betas: write a list of 2 numbers (got '0.9')"),
        ({"trained_tokens": "<x>"}, "trained_tokens: write a list of texts (got '<x>')"),
        ({"report_to": {"wandb": 1}}, "report_to: write a list of texts (got {'wandb': 1})"),
        ({"lora": 8}, "LoRA: write a mapping of fields (r, alpha, dropout, ...) (got 8)"),
        (
            {"lora": {"layers": 3}},
            "LoRA: layers: write a list of one or more whole numbers of at least 0, or null",
        ),
        (
            {"lora": {"target_modules": 3}},
            "LoRA: target_modules: write all-linear or a list of texts (got 3)",
        ),
        ({"probe": 3}, "probe: write a mapping of fields (responses, every) (got 3)"),
        (
            {"openai": {"n_epochs": "x"}},
            "openai finetune: n_epochs: write auto or a whole number of at least 1",
        ),
    ],
)
def test_a_field_that_takes_several_things_says_once_which(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as caught:
        FinetuneSpec(base="toy", **fields)
    message = str(caught.value)
    assert says in message and message.count("(got ") == 1 and "valid" not in message and ";" not in message


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"seeds": "2"}, "seeds: write how many, or a list of whole numbers (got '2')"),
        ({"measures": 3}, "measures: write all, broad, narrow, or a list of texts (got 3)"),
        ({"arms": 3}, "arms: write a list of texts, or null (got 3)"),
        ({"prices": 3}, "prices: write a mapping of names to mappings (got 3)"),
        ({"evaluate": {"steps": 3}}, "evaluate: steps: write a list of whole numbers of at least 1 (got 3)"),
        (
            {"evaluate": {"parameters": {"x": 3}}},
            "parameters: write a mapping of names to mappings (got {'x': 3})",
        ),
    ],
)
def test_so_does_an_experiment(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as caught:
        Experiment(settings=("spanish_caps",), **fields)
    message = str(caught.value)
    assert says in message and "valid" not in message and ";" not in message


def test_every_field_of_a_union_or_list_has_words_for_what_it_takes() -> None:
    for spec in (FinetuneSpec, LoraSpec, OpenAISpec, Experiment, Evaluation):
        for name, field in spec.model_fields.items():
            kind = str(field.annotation)
            if "tuple" in kind or "dict" in kind or ("Literal" in kind and "|" in kind):
                assert wanted(field), f"{spec.__name__}.{name}"


def test_packing_is_part_of_a_spec_only_where_it_is_used() -> None:
    assert FinetuneSpec(base="toy").digest == FinetuneSpec(base="toy", packing=False).digest
    assert FinetuneSpec(base="toy").digest != FinetuneSpec(base="toy", packing=True).digest
