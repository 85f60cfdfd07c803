"""Measure one model with Inspect: what was answered is never asked again, what was judged never judged.

    locations = evaluate(trial, model, identity, labels, logs, local=True, arguments={})

The folder of a trial holds exactly one complete log a task, whose metadata say what decided its answers and
its scores (`tasks.py`). A log with the same of both is kept. One with the same answers is scored again. Only
what is left is generated, by Inspect's `eval_set`, which goes on where a killed one stopped. A log that was
replaced moves to `<logs>.superseded`, and comes back from there if it is asked for again.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from upath import UPath

from inoc_evals.errors import UserError
from inoc_evals.experiment.measure_tasks import GENERATION_KEY, JUDGING_KEY, Built, build, generation, judging
from inoc_evals.experiment.trial import Trial
from inoc_evals.files import SUFFIX, replacing

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog
    from inspect_ai.model import Model

SUPERSEDED = ".superseded"
"""What the folder of replaced logs is called, after the name of the folder of logs."""

OLD = ".old"
"""What a replaced log ends in, so that nobody who reads all logs of a folder, as a viewer does, sees it."""

RETRIES = 3
"""Times that an answer is tried again after an error; Inspect's own retries of a request come before."""


def evaluate(
    trial: Trial,
    model: str,
    identity: str,
    labels: dict[str, Any],
    logs: UPath,
    *,
    local: bool,
    arguments: dict[str, Any],
) -> list[str]:
    """Measure a model, or find it measured.

    Args:
        trial: What is measured, and how.
        model: Inspect's name of the model.
        identity: What changes with its weights and with nothing else.
        labels: What the logs are to say of it, e.g. its setting, arm and seed.
        logs: Folder of all logs.
        local: Whether it answers on this machine, where writing events as they come costs a third of the
            time and nothing needs to be tried twice.
        arguments: What the model's provider is told.

    Returns:
        The locations of its logs, in the order of its measures.

    Raises:
        UserError: If an evaluation did not finish.
    """
    from inspect_ai.model import GenerateConfig, get_model

    folder, aside = logs / trial.folder, _aside(logs) / trial.folder
    folder.mkdir(parents=True, exist_ok=True)
    seed, asked = trial.seed or 0, trial.evaluation
    # The seed also seeds the sampling of answers, so that the same checkpoint always gives the same rates.
    config = GenerateConfig(seed=seed, max_connections=asked.max_connections)
    with_weights = get_model(model, config=config, **arguments)
    graders = [get_model(grader) for grader in asked.grader]
    names = [str(grader) for grader in graders]
    there = complete_logs(folder) + complete_logs(aside)
    found: dict[int, str] = {}
    missing: dict[int, Built] = {}
    keys: dict[int, dict[str, str]] = {}
    for place, measure in enumerate(trial.measured):
        built = build(measure, trial.world, asked.limit)
        keys[place] = {
            GENERATION_KEY: generation(built, identity, seed, asked.epochs),
            JUDGING_KEY: judging(built, names if built.judged else ()),
        }
        _describe(built, {**labels, **keys[place]}, asked.grader if built.judged else (), trial)
        same = [log for log in there if _key(log, GENERATION_KEY) == keys[place][GENERATION_KEY]]
        scored = [log for log in same if _key(log, JUDGING_KEY) == keys[place][JUDGING_KEY]]
        if scored:
            found[place] = _brought(scored[0].location, folder)
        elif same:
            found[place] = _rejudged(same[0].location, built, graders if built.judged else [], folder)
        else:
            missing[place] = built
    if missing:
        fresh = _generate(list(missing.values()), with_weights, graders, folder, trial, local)
        for place in missing:
            found[place] = next(
                log.location for log in fresh if _key(log, GENERATION_KEY) == keys[place][GENERATION_KEY]
            )
    _set_aside(folder, aside, keep=set(found.values()))
    return [found[place] for place in sorted(found)]


def _generate(
    missing: list[Built], model: "Model", graders: "list[Model]", folder: UPath, trial: Trial, local: bool
) -> "list[EvalLog]":
    from inspect_ai import eval_set, task_with

    asked = trial.evaluation
    done, logs = eval_set(
        [task_with(built.task, model=model) for built in missing],
        log_dir=str(folder),
        model_roles={"grader": graders} if graders else {},
        epochs=asked.epochs,
        log_dir_allow_dirty=True,  # logs of earlier checkpoints lie there until this one is measured
        display="none",
        retry_attempts=0 if local else 2,
        retry_immediate=False,
        retry_on_error=None if local else RETRIES,
        log_realtime=False,
        score_display=False,  # metrics on the way, which nobody sees
    )
    if not done:
        failed = next(log for log in logs if log.status != "success")
        why = failed.error.message.splitlines()[0] if failed.error else failed.status
        raise UserError(f"the evaluation of {trial.name} did not finish ({why}): see {failed.location}")
    return logs


def _describe(built: Built, labels: dict[str, Any], graders: Sequence[str], trial: Trial) -> None:
    """Write into a task what its log is to say, so that the logs alone are enough for an analysis."""
    parameters = built.measure.parameters
    about = {
        **(built.task.metadata or {}),
        **labels,
        "questions": parameters.get("questions", "default"),
        "judge": ",".join(graders) or None,
        "preset": (built.task.metadata or {}).get("preset"),
        "experiment": trial.experiment,
    }
    built.task.metadata = about
    tags = [trial.experiment, f"setting:{about['setting']}", f"arm:{trial.arm}", f"world:{trial.world}"]
    built.task.tags = [tag for tag in tags if tag] + ([] if trial.seed is None else [f"seed:{trial.seed}"])


def _rejudged(location: str, built: Built, graders: "list[Model]", folder: UPath) -> str:
    """Score the answers of a log anew, into a log of its own."""
    from inspect_ai import score
    from inspect_ai.log import read_eval_log, write_eval_log

    old = read_eval_log(location, format="eval")
    new = score(
        old,
        built.task.scorer or [],
        metrics=built.task.metrics,
        model_roles={"grader": graders} if graders else None,
        action="overwrite",
        display="none",
    )
    new.eval.metadata = built.task.metadata
    new.eval.tags = built.task.tags
    new.eval.task_args = {**new.eval.task_args, **built.measure.parameters}
    key = str((built.task.metadata or {})[JUDGING_KEY])
    stem = UPath(location).name.partition(".eval")[0].partition("_judged-")[0]
    target = folder / f"{stem}_judged-{key[:12]}.eval"
    with replacing(target) as passing:
        write_eval_log(new, str(passing), format="eval")
    return str(target)


def complete_logs(folder: UPath) -> "list[EvalLog]":
    """The headers of a folder's complete logs, the newest first; one that cannot be read is not complete.

    Args:
        folder: Folder of the logs of one trial; need not exist.
    """
    from inspect_ai.log import read_eval_log

    logs = []
    for file in sorted(folder.iterdir(), key=lambda file: file.name, reverse=True) if folder.exists() else ():
        if not file.name.removesuffix(OLD).endswith(".eval"):
            continue
        try:
            log = read_eval_log(str(file), header_only=True, format="eval")
        except Exception:  # noqa: S112 - half a file, or no log: Inspect has no name of its own for either
            continue
        if log.status == "success" and not log.invalidated:
            logs.append(log)
    return logs


def _key(log: "EvalLog", name: str) -> str | None:
    return (log.eval.metadata or {}).get(name)


def _aside(logs: UPath) -> UPath:
    return logs.parent / f"{logs.name}{SUPERSEDED}"


def _brought(location: str, folder: UPath) -> str:
    """Take a log back that had been replaced."""
    here = folder / UPath(location).name.removesuffix(OLD)
    if not here.exists():
        UPath(location).rename(here)
    return str(here)


def _set_aside(folder: UPath, aside: UPath, keep: set[str]) -> None:
    """Move every log away that is not one of the trial's results; remove what a killed process left."""
    kept = {UPath(location).name for location in keep}
    stale = False
    for file in folder.iterdir():
        if file.name.startswith(".") and file.name.endswith(SUFFIX):
            file.unlink()
        elif file.suffix == ".eval" and file.name not in kept:
            aside.mkdir(parents=True, exist_ok=True)
            file.rename(aside / f"{file.name}{OLD}")
            stale = True
    if stale:
        (folder / "logs.json").unlink(missing_ok=True)  # Inspect's list of what lay here
