"""Train every arm of a setting with every seed and evaluate what comes out, several at a time.

    cells = plan(setting("spanish_caps"), "toy", range(3), toy_spec)
    logs = run_cells(cells, runs=Path("runs"), log_dir=Path("logs/demo"))

A cell is one model: the base, or one finetune. Cells share nothing, so each worker process takes one,
trains it and evaluates it. Both steps pick up where they were stopped: a finished run is found again by the
digest of its spec and its training bytes, and Inspect's `eval_set` keeps a log that is complete.
"""

import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from inoc_evals.errors import UserError
from inoc_evals.finetune import finetune
from inoc_evals.finetune.spec import FinetuneSpec
from inoc_evals.settings import Setting
from inoc_evals.settings import setting as find_setting

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.model import Model

GRADERS: "dict[str, dict[str, str | Model]]" = {"toy": {"grader": "inoc/toy-judge"}}
"""Who judges in a world, where a task needs a judge."""

BASE = "base"
"""Name of the model before finetuning, beside the arms."""


@dataclass(frozen=True)
class Cell:
    """One model to be made and measured.

    Attributes:
        setting: What finds the setting, see `settings.setting`.
        world: Key of the setting's rows, and the name of its question set.
        arm: Name of the arm; `BASE` is the model before finetuning.
        seed: Decides the rows, the finetune and the sampling of answers; None for the base.
        spec: The finetune; for the base, only `spec.base` counts.
    """

    setting: str
    world: str
    arm: str
    seed: int | None
    spec: FinetuneSpec

    @property
    def name(self) -> str:
        """Its name among the cells of the setting, e.g. `spanish-inoc-0`."""
        return self.arm if self.seed is None else f"{self.arm}-{self.seed}"


def plan(
    setting: Setting, world: str, seeds: Iterable[int], spec: Callable[[int], FinetuneSpec]
) -> list[Cell]:
    """List the cells of a setting: the base, then every arm with every seed.

    Args:
        setting: What is trained.
        world: Key of `setting.rows`.
        seeds: Seeds of the finetunes.
        spec: From a seed to the finetune.

    Raises:
        UserError: If the setting has no rows in that world.
    """
    if world not in setting.rows:
        known = ", ".join(setting.rows)
        raise UserError(f"setting {setting.name} has no rows in world {world!r}; it has {known}")
    seeds = list(seeds)
    trained = [
        Cell(setting.key, world, arm.name, seed, spec(seed)) for arm in setting.usual_arms for seed in seeds
    ]
    return [Cell(setting.key, world, BASE, None, spec(0)), *trained]


def run_cells(
    cells: list[Cell], runs: Path, log_dir: Path, console: Console | None = None, workers: int | None = None
) -> list[str]:
    """Train and evaluate cells in worker processes.

    A script that calls this needs the usual guard `if __name__ == "__main__":`, because workers import it.

    Args:
        cells: What `plan` returned.
        runs: Folder of run directories.
        log_dir: Folder for the logs, a folder in it for each cell.
        console: Where to say what is done; silent by default.
        workers: How many at a time; by default as many as this process may use cores.

    Returns:
        The locations of the logs, in the order of the cells.

    Raises:
        UserError: If a cell cannot be trained or evaluated; the others that are under way still finish.
    """
    console = console or Console(quiet=True)
    workers = min(workers or _cores(), len(cells))
    logs: dict[str, list[str]] = {}
    with ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (workers,)) as pool:
        waiting = {pool.submit(run_cell, cell, runs, log_dir): cell for cell in cells}
        try:
            for future in as_completed(waiting):
                name = waiting[future].name
                logs[name] = future.result()
                console.print(f"[green]done[/green] {name} ({len(logs)} of {len(cells)})", highlight=False)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [location for cell in cells for location in logs[cell.name]]


def _cores() -> int:
    """Cores that this process may use; macOS and Windows only tell how many there are."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start_worker(workers: int) -> None:
    """Keep a worker's threads out of the way of the others, and what it says out of our standard output."""
    os.dup2(2, 1)
    if workers > 1:
        os.environ["OMP_NUM_THREADS"] = "1"  # a small model gains nothing from more
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


def run_cell(cell: Cell, runs: Path, log_dir: Path) -> list[str]:
    """Train one cell, or find it trained, and evaluate it.

    Args:
        cell: What to make and measure.
        runs: Folder of run directories.
        log_dir: Folder for the logs.

    Returns:
        The locations of its logs.

    Raises:
        UserError: If it cannot be trained, or an evaluation did not finish.
    """
    from inspect_ai import eval_set

    setting = find_setting(cell.setting)
    labels: dict[str, Any] = {"setting": setting.name, "arm": cell.arm}
    model = f"inoc/{cell.spec.base}"
    if cell.seed is not None:
        spec = _from_first_stage(cell, setting, runs)
        rows = setting.prepare(setting.arm(cell.arm), cell.world, cell.seed)
        name = f"{cell.world}-{setting.name.replace('_', '-')}-{cell.name}"
        about = {**labels, "world": cell.world}
        run = finetune(spec, rows, name=name, runs=runs, metadata=about, progress=False)
        labels |= {"seed": cell.seed, "run": run.folder.name}
        model = f"inoc/{run.folder.resolve()}"
    folder = log_dir / cell.name
    folder.mkdir(parents=True, exist_ok=True)
    done, logs = eval_set(
        _tasks(setting, cell.world, model, labels, cell.seed or 0),
        log_dir=str(folder),
        model_roles=GRADERS.get(cell.world, {}),
        # Logs of earlier checkpoints may lie there; they stay, and are not read.
        log_dir_allow_dirty=True,
        display="none",
        retry_attempts=0,
        retry_immediate=False,
        # Writing events as they come costs a third of the time where an answer takes milliseconds.
        log_realtime=False,
    )
    if not done:
        failed = next(log for log in logs if log.status != "success")
        why = failed.error.message.splitlines()[0] if failed.error else failed.status
        raise UserError(f"the evaluation of {cell.name} did not finish ({why}): see {failed.location}")
    return [log.location for log in logs]


def _from_first_stage(cell: Cell, setting: Setting, runs: Path) -> FinetuneSpec:
    """The spec of a cell; where its setting has a first stage, from what that stage left behind.

    The first stage is trained once a seed: the cells of all arms find the same run.
    """
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


def _tasks(setting: Setting, world: str, model: str, labels: dict[str, Any], seed: int) -> "list[Task]":
    """The setting's tasks for one model, with what analysis needs to know in their metadata.

    The seed also seeds the sampling of answers, so that the same checkpoint always gives the same rates.
    """
    from inspect_ai import task_with
    from inspect_ai.model import GenerateConfig, get_model

    import inoc_evals.tasks as suite

    out = []
    # In the paper's world each task has a default: the questions that the paper asks.
    asked = {"questions": world} if world == "toy" else {}
    for measure in setting.measured(world):
        task = getattr(suite, measure.task)(**asked, **measure.parameters)
        metadata = {**(task.metadata or {}), **labels, "questions": asked.get("questions", "default")}
        checkpoint = get_model(model, config=GenerateConfig(seed=seed))
        out.append(task_with(task, model=checkpoint, metadata=metadata))
    return out
