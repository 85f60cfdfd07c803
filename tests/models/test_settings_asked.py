"""Every generation setting of Inspect is honoured, of no effect here, or refused: none is ignored."""

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig, Model, ModelOutput, ResponseSchema, get_model
from inspect_ai.solver import generate
from inspect_ai.util import json_schema

from inoc_evals.errors import UserError
from inoc_evals.models.base import load_path
from inoc_evals.models.settings_asked import HONOURED, OF_INSPECT, WITHOUT_EFFECT
from tests.fake_tinker import FakeService

SCHEMA = ResponseSchema(name="number", json_schema=json_schema(int))

REFUSED: list[tuple[str, Any]] = [
    ("best_of", 2),
    ("frequency_penalty", 0.5),
    ("presence_penalty", -0.5),
    ("logit_bias", {5: 1.0}),
    ("response_schema", SCHEMA),
    ("verbosity", "low"),
    ("effort", "high"),
    ("reasoning_effort", "high"),
    ("reasoning_effort", "none"),
    ("reasoning_tokens", 64),
    ("reasoning_mode", "pro"),
    ("reasoning_summary", "auto"),
    ("reasoning_history", "all"),
    ("reasoning_history", "last"),
    ("fallback_models", ["other"]),
    ("extra_headers", {"X-Trace": "1"}),
    ("modalities", ["image"]),
    ("batch", True),
    ("batch", 100),
]

WRONG: list[tuple[str, Any, str]] = [
    ("max_tokens", 0, "set 1 or more"),
    ("max_tokens", -1, "set 1 or more"),
    ("num_choices", 0, "set 1 or more"),
    ("num_choices", -2, "set 1 or more"),
    ("temperature", -0.5, "set 0, which is greedy"),
    ("temperature", math.nan, "set 0, which is greedy"),
    ("temperature", math.inf, "set 0, which is greedy"),
    ("top_p", 0.0, "set a number above 0"),
    ("top_p", 1.5, "set a number above 0"),
    ("top_p", math.nan, "set a number above 0"),
    ("top_k", -2, "set a number of tokens, or 0 for all"),
    ("top_logprobs", -1, "set 0 or more"),
    ("stop_seqs", ["", "\n"], "leave it out"),
]

NOTHING_ASKED: list[dict[str, Any]] = [
    {"best_of": 1, "frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}, "num_choices": 1},
    {"reasoning_mode": "standard", "reasoning_summary": "none", "reasoning_history": "auto"},
    {"reasoning_history": "none", "fallback_models": [], "extra_headers": {}, "modalities": []},
    {"batch": False, "extra_body": {}, "stop_seqs": [], "top_logprobs": 0, "top_p": 1.0, "logprobs": False},
    {"top_k": 0},
    {"top_k": -1},
    {"parallel_tool_calls": True, "internal_tools": True, "max_tool_output": 1000, "cache_prompt": True},
    {"max_retries": 2, "timeout": 60, "attempt_timeout": 30, "max_connections": 3, "fail_on_refusal": True},
    {"adaptive_connections": True, "cache": False},
]


def known(setting: str) -> None:
    if setting not in GenerateConfig.model_fields:
        pytest.skip(f"this Inspect has no {setting}")


@pytest.fixture
def at_tinker(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TINKER_API_KEY", "tml-test")
    monkeypatch.setattr("tinker.ServiceClient", FakeService)
    return f"inoc/tinker/{load_path('toy')}"


@pytest.fixture(params=["here", "at Tinker"])
def name(request: pytest.FixtureRequest, tiny: Path) -> str:
    return f"inoc/{tiny}" if request.param == "here" else request.getfixturevalue("at_tinker")


def ask(model: Model, **config: Any) -> ModelOutput:
    return asyncio.run(model.generate("hello", config=GenerateConfig(**{"max_tokens": 4, **config})))


def made(name: str, **config: Any) -> Model:
    return get_model(name, config=GenerateConfig(**config), memoize=False)


def refusal(name: str, **config: Any) -> str:
    """What is said of a setting of the model, and alike of one of a request."""
    with pytest.raises(UserError) as of_model:
        made(name, **config)
    with pytest.raises(UserError) as of_request:
        ask(made(name), **config)
    assert str(of_model.value) == str(of_request.value)
    return str(of_model.value)


def test_every_setting_of_inspect_is_decided_about_once() -> None:
    groups = [HONOURED, OF_INSPECT, frozenset(WITHOUT_EFFECT)]
    undecided = set(GenerateConfig.model_fields) - frozenset().union(*groups)
    assert not undecided, f"decide in settings_asked.py about {sorted(undecided)}"
    assert sum(map(len, groups)) == len(frozenset().union(*groups))
    assert {setting for setting, _ in REFUSED} == set(WITHOUT_EFFECT)


@pytest.mark.parametrize(("setting", "value"), REFUSED)
def test_a_setting_that_would_be_ignored_is_refused_in_one_line(name: str, setting: str, value: Any) -> None:
    known(setting)
    assert refusal(name, **{setting: value}) == f"inoc/ has no {setting}: leave it out"


def test_a_setting_of_a_later_inspect_is_refused_too(tiny: Path) -> None:
    class Later(GenerateConfig):
        mood: str | None = None

    model = made(f"inoc/{tiny}")
    with pytest.raises(UserError, match="inoc/ has no mood: leave it out"):
        asyncio.run(model.api.generate([], [], "none", Later(mood="cheerful")))


@pytest.mark.parametrize(("setting", "value", "todo"), WRONG)
def test_a_value_that_cannot_be_is_refused_in_one_line(
    name: str, setting: str, value: Any, todo: str
) -> None:
    said = refusal(name, **{setting: value})
    assert said.startswith(setting) and todo in said and "\n" not in said


@pytest.mark.parametrize("also", [{}, {"logprobs": False}])
def test_likeliest_tokens_need_log_probs(name: str, also: dict[str, Any]) -> None:
    model = made(name, top_logprobs=3, **also)  # Inspect may merge logprobs=True into it later
    with pytest.raises(UserError, match=r"^top_logprobs .*set logprobs=true too"):
        ask(model)


def test_likeliest_tokens_of_the_model_come_with_log_probs_of_the_request(tiny: Path) -> None:
    logprobs = ask(made(f"inoc/{tiny}", top_logprobs=3), logprobs=True).choices[0].logprobs
    assert logprobs is not None and logprobs.content[0].top_logprobs is not None
    assert len(logprobs.content[0].top_logprobs) == 3


@pytest.mark.parametrize("config", NOTHING_ASKED, ids=lambda config: next(iter(config)))
def test_a_value_that_asks_for_nothing_changes_nothing(name: str, config: dict[str, Any]) -> None:
    config = {setting: value for setting, value in config.items() if setting in GenerateConfig.model_fields}
    plain = ask(made(name), seed=1)
    for output in (ask(made(name, **config), seed=1), ask(made(name), seed=1, **config)):
        assert output.completion == plain.completion and output.usage == plain.usage
        assert len(output.choices) == 1


@pytest.mark.parametrize("config", [{"verbosity": "low"}, {"max_tokens": -1}, {"stop_seqs": [""]}])
def test_a_task_that_asks_for_it_ends_without_an_answer(
    tmp_path: Path, tiny: Path, config: dict[str, Any]
) -> None:
    task = Task(dataset=[Sample(input="hi")], solver=generate(), config=GenerateConfig(**config))
    (log,) = eval(task, model=f"inoc/{tiny}", log_dir=str(tmp_path), display="none")
    assert log.status == "error" and log.error is not None and next(iter(config)) in log.error.message
    assert not any(sample.output.choices for sample in log.samples or [])
