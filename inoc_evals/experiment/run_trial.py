"""Run one trial: build its rows, train it, measure it. Every engine calls this, in any process.

    done = run_trial(trial, Storage(runs="runs", logs="logs/demo"))
    done.logs

Each step reuses its earlier results: a finished run by the digest of its spec and rows, a complete log by the
digests of its answers and scores. So a trial can be killed and restarted at any moment. Two processes with
the same trial take turns: the second finds what the first made.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from upath import UPath

from inoc_evals.chat.renderer import DATE
from inoc_evals.data.trained_under import RECIPE
from inoc_evals.experiment.evaluate import at_work, evaluate
from inoc_evals.experiment.reading import Reading
from inoc_evals.experiment.remote import fetch, push
from inoc_evals.experiment.storage import Storage
from inoc_evals.experiment.trial import BASE, Trial
from inoc_evals.files import is_url
from inoc_evals.finetune import FinetuneSpec, Run, finetune
from inoc_evals.finetune.backends import backend
from inoc_evals.finetune.merged import started_from


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial.

    Attributes:
        logs: The locations of its logs.
        run: Its run directory; None for the base.
        seconds: How long it took, this time.
        taken_from: The repository that its model was taken from; empty where it was trained by this suite.
    """

    logs: tuple[str, ...]
    run: str | None
    seconds: float
    taken_from: str = ""


def run_trial(trial: Trial, storage: Storage) -> TrialResult:
    """Train one trial, unless its run exists, and measure it.

    Args:
        trial: What to train and measure.
        storage: Where to keep runs and logs.

    Returns:
        Its logs and its run.

    Raises:
        UserError: If it cannot be trained, or an evaluation did not finish.
    """
    started = time.monotonic()
    with at_work(storage.logs, trial.folder):
        logs, run = _made(trial, storage)
    taken = run.manifest.taken_from if run else ""
    return TrialResult(tuple(logs), str(run.folder) if run else None, time.monotonic() - started, taken)


def _made(trial: Trial, storage: Storage) -> tuple[list[str], Run | None]:
    """The logs and the run of a trial, whose folder the caller holds."""
    trainer = backend(trial.spec.backend)
    model, identity, run = trainer.address(trial.spec), trainer.base_digest(trial.spec), None
    labels: dict[str, Any] = {
        "setting": trial.definition.name,
        "world": trial.world,
        "arm": trial.arm,
        "seed": trial.seed,
        "base": trial.spec.base,
        "backend": trial.spec.backend,
    }
    if trial.arm != BASE:
        if is_url(storage.runs):
            run = trained(trial, fetch(storage.runs, trial.run_name), storage.models_from)
            push(run, storage.runs)
        else:
            run = trained(trial, Path(storage.runs), storage.models_from)
        manifest = run.manifest
        assert manifest.result is not None  # finetune() returns finished runs only
        model, identity = f"inoc/{run.folder}", manifest.result.checkpoint_digest
        labels |= {"run": run.folder.name, "run_digest": manifest.run_digest, RECIPE: trial.recipe}
    local = trial.spec.backend == "local"
    arguments = trial.evaluation.model_args
    if not model.startswith("inoc/"):  # asked as the finetunes are, whose provider knows how
        arguments = {**trainer.arguments(), **arguments}
    if run is None and local and trial.spec.date != DATE:  # a run brings its date along, a base has none
        arguments = {"date": trial.spec.date, **arguments}
    logs: list[str] = []
    reading = Reading(trial, run)
    last = None if run is None or run.manifest.result is None else run.manifest.result.steps
    for stage in trial.stages:
        dose = stage.dose_after(last)
        logs += evaluate(
            stage,
            model if stage.step is None else f"{model}@step={stage.step}",
            stage_identity(identity, stage.step),
            {**labels, "dose": dose} if dose else labels,
            UPath(storage.logs),
            local=local,
            arguments=arguments,
            reading=reading,
        )
    return logs, run


def stage_identity(identity: str, step: int | None) -> str:
    """What changes with the weights that a training had after a step, and only then.

    Args:
        identity: The same of its end.
        step: The step; None is the end.
    """
    return identity if step is None else f"{identity}@step={step}"


def trained(trial: Trial, runs: Path, models_from: str = "") -> Run:
    """The finished run of a trial.

    Args:
        trial: A trial with an arm.
        runs: Folder of run directories.
        models_from: As of `Storage`.

    Raises:
        UserError: If its rows cannot be fetched, or the training fails.
    """
    setting = trial.definition
    about = {
        "setting": trial.family or setting.name,
        "arm": trial.arm,
        "world": trial.world,
        "declared": trial.declared,
    }
    spec = _after_first_stage(trial, runs, models_from)
    return finetune(
        spec,
        trial.rows(),
        name=trial.run_name,
        runs=runs,
        metadata={**about, **started_from(spec.base)},
        progress=False,
        models_from=models_from,
    )


def _after_first_stage(trial: Trial, runs: Path, models_from: str) -> FinetuneSpec:
    """The spec of a trial; if its setting has a first stage, the result of that stage is its base.

    The first stage is trained once per seed: the trials of all arms use the same run.
    """
    setting = trial.definition
    training = setting.training(trial.world)
    if training.first_stage is None:
        return trial.spec
    from inoc_evals.finetune.merged import merged

    changes = {**training.first_stage_finetune, "probe": None}
    first = finetune(
        FinetuneSpec(**{**trial.spec.model_dump(), **changes}),
        setting.made(training.first_stage, trial.world, trial.seed or 0),
        name=f"{trial.world}-{setting.name.replace('_', '-')}-first-{trial.seed}",
        runs=runs,
        metadata={
            **{"setting": setting.name, "stage": "first", "world": trial.world},
            **started_from(trial.spec.base),
        },
        progress=False,
        models_from=models_from,
    )
    return FinetuneSpec(**{**trial.spec.model_dump(), "base": str(merged(first))})
