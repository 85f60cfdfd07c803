"""What an experiment asks its models: its tasks, each built once, its judges, and how many answers that is.

    built = tasks_by_group(trials)          # by setting and base
    judges_of(experiment, built)            # by the names that logs give them
    asked(trial, built[trial.group][0])     # answers, judgements and judges' calls of one task

What is wrong with a task or a judge is an error of one line here, before anything is trained.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from inoc_evals.errors import UserError, one_line
from inoc_evals.experiment.declared import check_declared
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.measure_tasks import Built, build
from inoc_evals.experiment.trial import Trial, one_per_group
from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.served import served
from inoc_evals.scorers.model_named import model_named
from inoc_evals.worlds import WORLDS


def tasks_by_group(trials: Sequence[Trial]) -> dict[str, list[Built]]:
    """The tasks of every setting and base, those of settings with the same measures built once.

    Args:
        trials: All of them.

    Returns:
        Tasks by `Trial.group`, in the order of `Trial.measured`.

    Raises:
        UserError: If a task cannot be built, or has not what its setting declares.
    """
    known: dict[str, Built] = {}
    built: dict[str, list[Built]] = {}
    for trial in one_per_group(trials):
        limit = trial.evaluation.limit
        tasks = built.setdefault(trial.group, [])
        for measure in trial.measured:
            most = sorted(measure.max_questions.items())
            key = repr((measure.task, sorted(measure.parameters.items()), most, trial.world, limit))
            if key not in known:
                known[key] = build(measure, trial.world, limit)
            tasks.append(known[key])
        setting = trial.definition
        taken = {one.asked for one in trial.measured}
        whole = taken >= {one.asked for one in setting.measured(trial.world)} and all(
            one.is_in(trial.world) for one in setting.measures
        )
        # a task may be another setting's, too, which declares other traits
        here = [
            replace(one, measure=replace(one.measure, traits=measure.traits, conditions=measure.conditions))
            for one, measure in zip(tasks, trial.measured, strict=True)
        ]
        check_declared(setting, here, whole=whole)
    return built


def judges_of(experiment: Experiment, built: dict[str, list[Built]]) -> list[str]:
    """The judges by the names that logs give them, each known to be usable.

    Args:
        experiment: The experiment.
        built: Its tasks.

    Returns:
        Names; none where no task needs a judge.

    Raises:
        UserError: If a judge is needed and none is named, or one cannot be asked.
    """
    judged = [one.measure.task for tasks in built.values() for one in tasks if one.judged]
    if not judged:
        return []
    if not experiment.graders:
        raise UserError(
            f"{judged[0]} needs a judge: give --grader MODEL, e.g. --grader openai/gpt-4o-2024-08-06"
        )
    return [_versioned(grader) for grader in experiment.graders]


def _versioned(grader: str) -> str:
    """A judge's name as its logs will have it. It is not loaded; of ours not even torch is."""
    try:
        if grader.startswith("inoc/"):
            elsewhere = served(grader)
            return f"inoc/{(elsewhere or resolve(grader)).versioned_name}"
    except Exception as error:
        raise UserError(f"judge {grader!r} cannot be asked: {one_line(error)}") from error
    try:
        return str(model_named(grader))
    except UserError as error:
        raise UserError(f"judge {error.message}") from error


def asked(trial: Trial, one: Built) -> tuple[int, int, int]:
    """How many answers a trial gives in one task, how many judgements of them, and judge calls for those."""
    answers = len(one.task.dataset) * (trial.evaluation.epochs or one.task.epochs or 1)
    judged = answers * len(trial.evaluation.grader) if one.judged else 0
    return answers, judged, judged * one.judge_calls


def asked_by_the_paper(
    experiment: Experiment, trials: Sequence[Trial], built: dict[str, list[Built]]
) -> dict[str, Any] | None:
    """What the paper's code asks, beside what is asked here, in the settings that it has."""
    world = WORLDS.get(experiment.world)
    theirs = world.asked_by_the_paper() if world else {}
    count: Counter[str] = Counter()
    settings = [setting for setting in experiment.definitions if setting.name in theirs]
    for setting in settings:
        there = theirs[setting.name]
        here = [trial for trial in trials if trial.definition.name == setting.name]
        models = len(here)
        if experiment.arms is None:
            models = len(experiment.bases) * (1 + there["arms"] * len(experiment.seeds))
        count.update(
            models=models, answers=models * there["answers"], judge_calls=models * there["judge_calls"]
        )
        for trial in here:
            count.update(our_models=1)
            for one in built[trial.group] * len(trial.stages):
                answers, _, calls = asked(trial, one)
                count.update(our_answers=answers, our_judge_calls=calls)
    return {"settings": [setting.name for setting in settings], **count} if settings else None
