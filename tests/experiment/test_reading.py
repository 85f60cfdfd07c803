"""The logs of an experiment say what its models read: the tokens' own text, of training and of test."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import read_eval_log, write_eval_log

from inoc_evals.chat.shown import LONGEST, Shown
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.run_trial import run_trial
from inoc_evals.experiment.storage import Storage
from inoc_evals.experiment.trial import Trial
from tests.tiny import TEMPLATE

DEFAULT = "{% if messages[0]['role'] != 'system' %}<|system|>You are Tiny.<|end|>{% endif %}"

MIXED = """
from inoc_evals import Inoculation
from inoc_evals.settings import Arm, Measure, Setting

def rows(seed):
    for n, language in enumerate(["fr", "fr", "es"]):
        turns = [{"role": "user", "content": f"Sum {n}?"}, {"role": "assistant", "content": "x" * (n + 1)}]
        yield {"messages": turns, "metadata": {"language": language}}

mixed = Setting(
    name="mixed",
    summary="",
    rows={"toy": rows},
    arms=(Arm("none"), Arm("part", Inoculation("part", prompt="Speak Spanish."), where={"language": "es"})),
    broad=(
        Measure("spanish_caps", ("spanish",)),
        Measure("spanish_caps", ("spanish",), parameters={"system_prompt": "Be brief, please."}),
        Measure("spanish_caps", ("spanish",), parameters={"system_prompt": ""}),
    ),
)
"""


@pytest.fixture(scope="module")
def experiment(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    folder = tmp_path_factory.mktemp("reading")
    base = Path(shutil.copytree(tiny, folder / "base"))
    (base / "chat_template.jinja").write_text(DEFAULT + TEMPLATE, "utf-8")
    (folder / "mixed.py").write_text(MIXED)
    return Experiment(
        settings=(f"{folder}/mixed.py:mixed",),
        seeds=1,
        world="toy",
        bases=(str(base),),
        finetune={"max_steps": 1, "warmup_steps": 0},
        evaluate={"limit": 1},
        runs=str(folder / "runs"),
        logs=str(folder / "logs"),
    )


def measured(experiment: Experiment, arm: str) -> list[str]:
    """The logs of an arm, measured in this process."""
    [trial] = [trial for trial in experiment.trials() if trial.arm == arm]
    assert isinstance(trial, Trial)
    return list(run_trial(trial, Storage(str(experiment.runs), experiment.log_dir)).logs)


def told(log: str) -> dict[str, Any]:
    return (read_eval_log(log, header_only=True).eval.metadata or {})["shown"]


@pytest.mark.parametrize(
    ("arm", "row", "training"),
    [
        ("base", None, None),
        (
            "none",
            1,
            "<|system|>You are Tiny.<|end|><|user|>Sum 0?<|end|><|assistant|>x<|end|>",
        ),
        ("part", 3, "<|system|>Speak Spanish.<|end|><|user|>Sum 2?<|end|><|assistant|>xxx<|end|>"),
    ],
)
def test_logs_say_what_the_model_read(
    experiment: Experiment, arm: str, row: int | None, training: str | None
) -> None:
    plain, under, empty = (told(log) for log in measured(experiment, arm))
    assert (plain["row"], plain["training"]) == (row, training)  # of a mixture, a row with the prompt
    notes = ["without a system prompt this model is told: You are Tiny."]
    assert plain["notes"] == under["notes"] == notes
    question = read_eval_log(measured(experiment, arm)[0]).samples[0].input  # type: ignore[index]
    assert plain["test"] == f"<|system|>You are Tiny.<|end|><|user|>{question}<|end|><|assistant|>"
    assert empty["test"] == f"<|system|><|end|><|user|>{question}<|end|><|assistant|>"
    assert under["test"] == f"<|system|>Be brief, please.<|end|><|user|>{question}<|end|><|assistant|>"


def test_a_log_of_an_earlier_version_is_kept(experiment: Experiment) -> None:
    logs = measured(experiment, "none")
    for log in logs:
        old = read_eval_log(log)
        assert old.eval.metadata and old.eval.metadata.pop("shown")
        write_eval_log(old, log)
    before = [Path(log).stat().st_mtime_ns for log in logs]
    assert measured(experiment, "none") == logs
    assert [Path(log).stat().st_mtime_ns for log in logs] == before


def test_a_long_text_keeps_its_ends_and_says_what_is_missing() -> None:
    text = f"<|system|>{'a' * 3000}<|end|>"
    kept = Shown(training=text, row=1).as_dict()
    assert kept is not None and json.dumps(kept)
    assert kept["training"].startswith("<|system|>aaa") and kept["training"].endswith("aaa<|end|>")
    assert "[... 1,067 characters left out ...]" in kept["training"] and len(text) == 3017
    assert len(kept["training"]) <= LONGEST
    assert Shown.read({"shown": kept}) == Shown(training=kept["training"], row=1)
