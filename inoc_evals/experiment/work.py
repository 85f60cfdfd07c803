"""Make one cell: build its rows, train it, measure it. What every engine calls, in whatever process.

    done = run_cell(cell, Place(runs="runs", logs="logs/demo"))
    done.logs

Each step finds what it did before: a finished run by the digest of its spec and bytes, a complete log by what
decided its answers and scores. So a cell can be killed and begun again at any moment.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from upath import UPath

from inoc_evals.errors import UserError
from inoc_evals.experiment.cell import BASE, Cell
from inoc_evals.experiment.evaluate import evaluate
from inoc_evals.experiment.remote import fetch, is_url, push
from inoc_evals.finetune import FinetuneSpec, Run, finetune
from inoc_evals.finetune.backends import backend


@dataclass(frozen=True)
class Place:
    """Where an experiment keeps what it makes; on a cluster, what every node sees under the same name.

    Attributes:
        runs: Folder of run directories, local or by URL (`remote.py`).
        logs: Folder of Inspect logs, local or by URL.
    """

    runs: str
    logs: str


@dataclass(frozen=True)
class Done:
    """What became of a cell.

    Attributes:
        logs: The locations of its logs.
        run: Its run directory; None for the base.
        seconds: How long it took, this time.
    """

    logs: tuple[str, ...]
    run: str | None
    seconds: float


def run_cell(cell: Cell, place: Place) -> Done:
    """Train one cell, or find it trained, and measure it.

    Args:
        cell: What to make and measure.
        place: Where.

    Returns:
        What came of it.

    Raises:
        UserError: If it cannot be trained, or an evaluation did not finish.
    """
    started = time.monotonic()
    trainer = backend(cell.spec.backend)
    model, identity, run = trainer.address(cell.spec), trainer.base_digest(cell.spec), None
    labels: dict[str, Any] = {
        "setting": cell.found.name,
        "world": cell.world,
        "arm": cell.arm,
        "seed": cell.seed,
        "base": cell.spec.base,
        "backend": cell.spec.backend,
    }
    if cell.arm != BASE:
        if is_url(place.runs):
            run = trained(cell, fetch(place.runs, cell.run_name))
            push(run, place.runs)
        else:
            run = trained(cell, Path(place.runs))
        manifest = run.manifest
        assert manifest.result is not None  # finetune() returns finished runs only
        model, identity = f"inoc/{run.folder}", manifest.result.checkpoint_digest
        labels |= {"run": run.folder.name, "run_digest": manifest.run_digest}
    local = cell.spec.backend == "local"
    arguments = cell.evaluation.model_args if model.startswith("inoc/") else trainer.arguments()
    logs = evaluate(cell, model, identity, labels, UPath(place.logs), local=local, arguments=arguments)
    return Done(tuple(logs), str(run.folder) if run else None, time.monotonic() - started)


def trained(cell: Cell, runs: Path) -> Run:
    """The finished run of a cell.

    Args:
        cell: A cell with an arm.
        runs: Folder of run directories.

    Raises:
        UserError: If its rows cannot be had, or the training breaks down.
    """
    setting, seed = cell.found, cell.seed or 0
    about = {
        "setting": cell.family or setting.name,
        "arm": cell.arm,
        "world": cell.world,
        "declared": cell.declared,
    }
    return finetune(
        _after_first_stage(cell, runs),
        setting.prepare(setting.arm(cell.arm), cell.world, seed),
        name=cell.run_name,
        runs=runs,
        metadata=about,
        progress=False,
    )


def _after_first_stage(cell: Cell, runs: Path) -> FinetuneSpec:
    """The spec of a cell; where its setting has a first stage, from what that stage left behind.

    The first stage is trained once a seed: the cells of all arms find the same run.
    """
    setting = cell.found
    if not setting.first:
        return cell.spec
    if cell.world not in setting.first:
        raise UserError(
            f"setting {setting.name} has no rows of its first stage in world {cell.world!r}: "
            f"it has {', '.join(setting.first)}"
        )
    from inoc_evals.finetune.merged import merged

    changes = {**setting.first_finetune.get(cell.world, {}), "probe": None}
    first = finetune(
        FinetuneSpec(**{**cell.spec.model_dump(), **changes}),
        setting.first[cell.world](cell.seed or 0),
        name=f"{cell.world}-{setting.name.replace('_', '-')}-first-{cell.seed}",
        runs=runs,
        metadata={"setting": setting.name, "stage": "first", "world": cell.world},
        progress=False,
    )
    return FinetuneSpec(**{**cell.spec.model_dump(), "base": str(merged(first))})
