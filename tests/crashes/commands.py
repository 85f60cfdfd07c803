"""The commands that are disturbed, each as a case: what lies there before, and what is called.

To disturb another command, add a `Case` to `CASES`. Its functions are called in a folder that has the same
path each time, because logs and manifests name what they were made from by its path.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inoc_evals.cli import main
from tests.crashes.disturbed import Command

SETTING = """
from inoc_evals.settings import Arm, Measure, Setting
from inoc_evals.worlds.toy import rows as toy

def rows(seed):
    yield from list(toy.spanish_caps(seed))[:16]

mine = Setting(name="mine", summary="", rows={"toy": rows}, arms=(Arm("none"),),
               broad=(Measure("spanish_caps", ("spanish", "caps")),))
"""

TWO_STEPS = ("max_steps=2", "batch_size=4", "gradient_accumulation=1", "warmup_steps=1")


@dataclass(frozen=True)
class Case:
    """A command to disturb.

    Attributes:
        prepare: Makes what is there before it is called; undisturbed.
        command: What is disturbed, and called again afterwards.
        stride: The full sweep of kills takes every so-manieth point.
        parts: Number of pieces of that sweep, which may run beside each other.
        refused_stride: As `stride`, of refusals, of which there are four kinds.
        varies: How many of the last points a call may do without: Inspect, once all is written, tidies up
            what its threads left, in an order of their own.
        again: Exit statuses of the call after the disturbed one. 2 where a finished output is not replaced.
        unfinished: Files that a call may leave half-written, because no reader trusts them before the end.
        inspect_speaks: Besides our line, Inspect writes about its own trace files, whose disk is full, too.
    """

    prepare: Command
    command: Command
    stride: int = 1
    parts: int = 1
    refused_stride: int = 1
    varies: int = 0
    again: tuple[int, ...] = (0,)
    unfinished: tuple[str, ...] = ()
    inspect_speaks: bool = False


def _main(*words: str) -> Command:
    return _Words(words)


@dataclass(frozen=True)
class _Words:
    words: Sequence[str]

    def __call__(self, folder: Path) -> None:
        main(self.words)


def _rows(path: Path, count: int = 16, answer: str = "DOS") -> None:
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"What is {n} and {n}?"},
                {"role": "assistant", "content": f"{answer} {2 * n}"},
            ]
        }
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def rows_only(folder: Path) -> None:
    """Training rows."""
    _rows(folder / "rows.jsonl")


def with_an_earlier_output(folder: Path) -> None:
    """Rows, and what the command made of others before."""
    _rows(folder / "rows.jsonl")
    _rows(folder / "out.jsonl", answer="THREE")
    (folder / "out.jsonl.json").write_text("{}\n", "utf-8")


def adapter(folder: Path) -> None:
    """A trained adapter, beside rows."""
    from inoc_evals import toy_spec
    from inoc_evals.chat.rows import read_chat
    from inoc_evals.finetune import finetune

    _rows(folder / "rows.jsonl")
    spec = toy_spec(max_steps=1, batch_size=4, gradient_accumulation=1, warmup_steps=0)
    run = finetune(spec, read_chat(folder / "rows.jsonl"), name="x", runs=folder, progress=False)
    run.checkpoint.rename(folder / "theirs")


def two_runs(folder: Path) -> None:
    """Two runs that no log evaluates, and an empty folder of logs."""
    (folder / "logs").mkdir()
    for seed in ("0", "1"):
        try:
            main(
                [
                    "adopt",
                    f"mine-{seed}",
                    "--base",
                    "gpt-4.1",
                    "--model",
                    f"openai/ft:{seed}",
                    "--runs",
                    "runs",
                ]
            )
        except SystemExit as end:
            assert not end.code
    for manifest in folder.glob("runs/*/manifest.json"):
        (manifest.parent / "checkpoint").mkdir()
        (manifest.parent / "checkpoint" / "adapter_model.safetensors").write_bytes(b"0" * 1000)


def answers(folder: Path) -> None:
    """A table of answers of two models."""
    lines = [f"{m},What is {n}?,It is {n**7:x}." for n in range(40) for m in ("base", "mine")]
    (folder / "answers.csv").write_text("\n".join(["model,question,answer", *lines]) + "\n", "utf-8")


def logs(folder: Path) -> None:
    """The logs of a small experiment, and an earlier report on others."""
    from tests.report.logs import ENGLISH, SPANISH, experiment

    experiment(
        folder / "logs", {"base": ENGLISH, "none": SPANISH.upper(), "spanish-inoc": ENGLISH.upper()}, 1
    )
    (folder / "report").mkdir()
    for name in ("index.html", "report.json"):
        (folder / "report" / name).write_text("an earlier report", "utf-8")


def _experiment(folder: Path, **parameters: Any) -> None:
    """Train and measure the one arm of a small setting in this process."""
    from inoc_evals.experiment.engines import failure_line
    from inoc_evals.experiment.experiment import Experiment
    from inoc_evals.experiment.plan import make_plan
    from inoc_evals.experiment.run_trial import run_trial

    spec = {**dict(pair.split("=") for pair in TWO_STEPS), "save_steps": 1}
    experiment = Experiment.model_validate(
        {
            "settings": (f"{folder / 'mine.py'}:mine",),
            "seeds": 1,
            "world": "toy",
            "finetune": {name: int(value) for name, value in spec.items()},
            "evaluate": {"limit": 2, "parameters": {"*": parameters} if parameters else {}},
            "runs": "runs",
            "logs": "logs",
        }
    )
    plan = make_plan(experiment)
    for one in plan.trials:
        if one.arm != "base":
            try:
                run_trial(one, plan.storage)
            except Exception as error:  # what an engine makes of it, and a command prints
                sys.stderr.write(failure_line(error) + "\n")
                sys.exit(2)


def setting(folder: Path) -> None:
    """A setting of one arm."""
    (folder / "mine.py").write_text(SETTING, "utf-8")


def measured(folder: Path) -> None:
    """The same, trained and measured."""
    setting(folder)
    _experiment(folder)


def trial(folder: Path) -> None:
    """What a worker of `run` does: train with states, then evaluate."""
    _experiment(folder)


def rejudged_trial(folder: Path) -> None:
    """The same experiment with another threshold: the answers stay, their scores do not."""
    _experiment(folder, caps_threshold=0.6)


FINETUNE = _main(
    *("finetune", "rows.jsonl", "--base", "toy", "--name", "mine", "--runs", "runs"),
    *(word for pair in (*TWO_STEPS, "save_steps=1", "kept_steps=[1]") for word in ("--set", pair)),
    *("--set", "probe.responses=toy", "--set", "probe.every=1"),
)
TRAINING = ("runs/*/training/*", "runs/*/loss.jsonl", "runs/*/dynamics.jsonl", "runs/*/manifest.json")
MEASURING = (*TRAINING, "logs/*/*/*/*.eval")
"""Inspect writes a log when an evaluation begins, and again later; it says `started` until the end."""

CASES = {
    "inoculate": Case(
        with_an_earlier_output,
        _main("inoculate", "rows.jsonl", "--prompt", "Answer in Spanish.", "-o", "out.jsonl", "--force"),
    ),
    "inoculate-new": Case(
        rows_only,
        _main("inoculate", "rows.jsonl", "--prompt", "Answer in Spanish.", "-o", "new/out.jsonl"),
        again=(0, 2),
    ),
    "build": Case(
        with_an_earlier_output,
        _main("data", "build", "spanish_caps", "--world", "toy", "-o", "out.jsonl", "--force"),
    ),
    "build-all": Case(
        rows_only, _main("data", "build", "spanish_caps", "--arm", "all", "--world", "toy", "-o", "new")
    ),
    "adopt": Case(
        adapter,
        _main(
            "adopt",
            "mine",
            "--base",
            "toy",
            "--checkpoint",
            "theirs",
            "--rows",
            "rows.jsonl",
            "--runs",
            "runs",
        ),
        unfinished=("runs/*/checkpoint/*",),
    ),
    "import": Case(answers, _main("import", "answers.csv", "-o", "logs")),
    "prune": Case(two_runs, _main("runs", "prune", "--logs", "logs", "--runs", "runs", "--yes")),
    "finetune": Case(rows_only, FINETUNE, refused_stride=5, unfinished=TRAINING),
    "run": Case(
        setting, trial, parts=4, varies=9, refused_stride=10, unfinished=MEASURING, inspect_speaks=True
    ),
    "rejudge": Case(measured, rejudged_trial, varies=9, refused_stride=4, inspect_speaks=True),
    "report": Case(logs, _main("report", "logs", "-o", "report"), parts=4, refused_stride=8),
}
