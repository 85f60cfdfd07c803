"""The tasks of a trial, built from its setting's measures, each with a digest of what decides its answers.

    built = build(measure, world="paper")
    generation(built, model, seed, epochs)          # equal: the same answers, nothing is to be generated
    judging(built, graders)                         # equal, too: the same scores

Two digests, because the two cost differently: another judge or threshold reads the answers that are there.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inoc_evals.digests import fingerprint
from inoc_evals.errors import UserError
from inoc_evals.scorers.metrics import QUESTION
from inoc_evals.settings import Measure
from inoc_evals.worlds import WORLDS, World

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.dataset import Dataset, Sample

GENERATION_KEY, JUDGING_KEY = "generation", "judging"
"""Keys of a log's metadata that hold the two digests."""

JUDGING_PARAMETERS = frozenset({"preset", "reader", "wording", "combine", "scoring", "caps_threshold"})
"""Parameters of tasks that decide how answers are scored, and nothing of how they come about."""

EVERY_TASK = "*"


@dataclass(frozen=True)
class Built:
    """A measure's task.

    Attributes:
        measure: The measure, its parameters with the world's question set among them.
        task: The task.
        judged: Whether a judge is needed.
    """

    measure: Measure
    task: "Task"
    judged: bool


def with_parameters(measure: Measure, given: Mapping[str, Mapping[str, Any]]) -> Measure:
    """Put an experiment's task parameters over those of a measure.

    Args:
        measure: The setting's measure.
        given: Parameters by task; under `"*"` those for every task that has such a parameter.
    """
    takes = inspect.signature(task_named(measure.task)).parameters
    everywhere = {name: value for name, value in given.get(EVERY_TASK, {}).items() if name in takes}
    return replace(measure, parameters={**measure.parameters, **everywhere, **given.get(measure.task, {})})


def check_parameters(measures: Sequence[Measure], given: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse parameters that no task takes.

    Args:
        measures: All measures of an experiment.
        given: Parameters by task.

    Raises:
        UserError: If a task is not among the measures, or has no such parameter.
    """
    names = dict.fromkeys(measure.task for measure in measures)
    for task, parameters in given.items():
        if task != EVERY_TASK and task not in names:
            raise UserError(f"evaluate: {task!r} is not measured here; there are {', '.join(names)}")
        for name in parameters:
            takers = [t for t in (names if task == EVERY_TASK else [task]) if _takes(t, name)]
            if not takers:
                raise UserError(f"evaluate: no parameter {name!r} of {task if task != '*' else 'any task'}")


def task_named(name: str) -> Any:
    """The suite's task of this name."""
    import inoc_evals.tasks as suite

    return getattr(suite, name)


def build(measure: Measure, world: str, limit: int | None = None) -> Built:
    """Build the task of a measure.

    Args:
        measure: What is measured.
        world: Gives the task the parameters that it says, e.g. its own question set.
        limit: Questions that are asked at most, the first ones; one that is asked under several conditions
            is one question. None is all that the measure wants.

    Raises:
        UserError: If the task's questions or a parameter are no good.
    """
    from inoc_evals.tasks.suite_task import JUDGED

    known = WORLDS.get(world, World(world, ""))
    asked = {**known.parameters_of(measure.task), **measure.parameters}
    task = task_named(measure.task)(**asked)
    most = measure.max_questions.get(world, known.max_questions.get(measure.task))
    wanted = [number for number in (limit, most) if number is not None]
    if wanted:
        task.dataset = _first(task.dataset, min(wanted))
    return Built(replace(measure, parameters=asked), task, bool((task.metadata or {})[JUDGED]))


def generation(built: Built, model: str, seed: int, epochs: int | None) -> str:
    """A digest of everything that decides the answers.

    Args:
        built: The task.
        model: The model by a name that changes with its weights.
        seed: Seed of the sampling.
        epochs: Answers a question; None is the task's own number.
    """
    parameters = {k: v for k, v in built.measure.parameters.items() if k not in JUDGING_PARAMETERS}
    asked = [
        [sample.id, sample.input if isinstance(sample.input, str) else _words(sample.input), sample.target]
        for sample in built.task.dataset
    ]
    repeated = epochs or built.task.epochs or 1
    config = built.task.config.model_dump(exclude_none=True)
    task = [built.measure.task, str(built.task.version), parameters, config, asked]
    return fingerprint([task, model, seed, repeated])


def judging(built: Built, graders: Sequence[str]) -> str:
    """A digest of everything that decides the scores of given answers.

    Args:
        built: The task.
        graders: The judges by names that change with their weights.
    """
    parameters = {k: v for k, v in built.measure.parameters.items() if k in JUDGING_PARAMETERS}
    return fingerprint([built.measure.task, str(built.task.version), parameters, list(graders)])


def _first(dataset: "Dataset", count: int) -> "Dataset":
    """The first questions of a dataset, each under all its conditions."""
    questions = dict.fromkeys(_question(sample) for sample in dataset)
    kept = set(list(questions)[:count])
    return dataset.filter(lambda sample: _question(sample) in kept)


def _question(sample: "Sample") -> Any:
    return (sample.metadata or {}).get(QUESTION, sample.id)


def _words(messages: Any) -> list[list[str]]:
    return [[message.role, message.text] for message in messages]


def _takes(task: str, name: str) -> bool:
    parameters = inspect.signature(task_named(task)).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
