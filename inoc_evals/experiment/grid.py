"""Train every arm of a setting with every seed, and evaluate what comes out beside the base.

    trained = train(setting("spanish_caps"), "toy", range(3), toy_spec, runs=Path("runs"))
    logs = evaluate(setting("spanish_caps"), trained, "inoc/toy", "toy", Path("logs/demo"))

Both pick up where they were stopped: a finished run is found again by the digest of its spec and its training
bytes, and Inspect's `eval_set` keeps the logs that are complete.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from inoc_evals.errors import UserError
from inoc_evals.finetune import finetune
from inoc_evals.finetune.runs import Run
from inoc_evals.finetune.spec import FinetuneSpec
from inoc_evals.settings import Arm, Setting

if TYPE_CHECKING:
    from inspect_ai import Task

BASE = "base"
"""Name of the model before finetuning, beside the arms."""


@dataclass(frozen=True)
class Trained:
    """One run of the grid: an arm, a seed, and where its finetune lives."""

    arm: Arm
    seed: int
    run: Run


def train(
    setting: Setting,
    world: str,
    seeds: Iterable[int],
    spec: Callable[[int], FinetuneSpec],
    runs: Path,
    console: Console | None = None,
) -> list[Trained]:
    """Finetune every arm with every seed, one after another.

    Args:
        setting: What is trained.
        world: Key of `setting.rows`.
        seeds: Seeds; each decides the rows, their order and the adapter's first weights.
        spec: From a seed to the finetune.
        runs: Folder of run directories.
        console: Where to say what is under way; silent by default.

    Returns:
        The runs, arm by arm.

    Raises:
        UserError: If the setting has no rows in that world.
    """
    if world not in setting.rows:
        raise UserError(
            f"setting {setting.name} has no rows in world {world!r}; it has {', '.join(setting.rows)}"
        )
    console = console or Console(quiet=True)
    trained = []
    for arm in setting.arms:
        for seed in seeds:
            name = f"{world}-{setting.name.replace('_', '-')}-{arm.name}-{seed}"
            run = finetune(
                spec(seed),
                arm.prepare(setting.rows[world](seed), seed),
                name=name,
                runs=runs,
                metadata={"setting": setting.name, "arm": arm.name, "world": world},
                progress=not console.quiet,
            )
            console.print(f"[dim]run[/dim] {run.folder.name}", highlight=False)
            trained.append(Trained(arm, seed, run))
    return trained


def evaluate(
    setting: Setting, trained: list[Trained], base: str, questions: str, log_dir: Path, display: str = "rich"
) -> list[str]:
    """Ask the base and every run the setting's questions, without any system prompt.

    Args:
        setting: What is measured.
        trained: What `train` returned.
        base: Inspect's name of the model before finetuning.
        questions: The question set.
        log_dir: Folder for the logs; used for nothing else.
        display: Inspect's display.

    Returns:
        The locations of the logs, base first.

    Raises:
        UserError: If an evaluation did not finish; its log says why.
    """
    from inspect_ai import eval_set

    tasks = [_tasks(setting, questions, base, {"setting": setting.name, "arm": BASE}, seed=0)]
    for item in trained:
        labels = {
            "setting": setting.name,
            "arm": item.arm.name,
            "seed": item.seed,
            "run": item.run.folder.name,
        }
        tasks.append(_tasks(setting, questions, f"inoc/{item.run.folder.resolve()}", labels, item.seed))
    log_dir.mkdir(parents=True, exist_ok=True)
    done, logs = eval_set(
        [task for group in tasks for task in group],
        log_dir=str(log_dir),
        # Logs of earlier checkpoints may lie there; they stay, and are not read.
        log_dir_allow_dirty=True,
        display=display,  # type: ignore[arg-type]
        max_tasks=4,
        retry_attempts=1,
    )
    if not done:
        failed = [log.location for log in logs if log.status != "success"]
        raise UserError(
            f"{len(failed)} evaluations did not finish, e.g. {failed[0]}; run the same command to resume"
        )
    return [log.location for log in logs]


def _tasks(setting: Setting, questions: str, model: str, labels: dict[str, Any], seed: int) -> "list[Task]":
    """The setting's tasks for one model, with what analysis needs to know in their metadata.

    The seed also seeds the sampling of answers, so that the same checkpoint always gives the same rates.
    """
    from inspect_ai import task_with
    from inspect_ai.model import GenerateConfig, get_model

    import inoc_evals.tasks as suite

    out = []
    for measure in setting.broad:
        task = getattr(suite, measure.task)(questions=questions, **measure.parameters)
        metadata = {**(task.metadata or {}), **labels, "questions": questions}
        checkpoint = get_model(model, config=GenerateConfig(seed=seed))
        out.append(task_with(task, model=checkpoint, metadata=metadata))
    return out
