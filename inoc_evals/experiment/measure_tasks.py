"""The tasks of a trial, built from its setting's measures, each with a digest of what decides its answers.

    built = build(measure, world="paper")
    generation(built, model, seed, epochs)          # equal: the same answers, nothing to generate
    judging(built, graders)                         # equal, too: the same scores

There are two digests because another judge or threshold needs new scores, but no new answers.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from inoc_evals.digests import fingerprint
from inoc_evals.errors import UserError
from inoc_evals.experiment.named_tasks import takes, task_named
from inoc_evals.scorers.metrics import QUESTION
from inoc_evals.settings import Measure
from inoc_evals.worlds import WORLDS, World, kinds_of

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.dataset import Dataset, Sample

GENERATION_KEY, ASKING_KEY, JUDGING_KEY = "generation", "asking", "judging"
"""Keys of a log's metadata that hold the two digests."""

JUDGING_PARAMETERS = frozenset(
    {
        *("preset", "reader", "wording", "combine", "scoring", "caps_threshold", "yes_no", "languages"),
        "code_judge",
    }
)
"""Task parameters that decide how answers are scored, and do not influence the answers."""

EVERY_TASK = "*"

TYPED = re.compile(r"-T (\w+)=(\S+)")
"""How a task's error names a parameter: as `inspect eval` takes it, which an experiment does not."""

PER_TASK = "; an experiment's file says it by task, under evaluate: {parameters: {TASK: {...}}}"


@dataclass(frozen=True)
class Built:
    """A measure's task.

    Attributes:
        measure: The measure, with the world's question set among its parameters.
        task: The task.
        judged: Whether it needs a judge.
        judge_calls: How many ratings of an answer one judge is asked for.
    """

    measure: Measure
    task: "Task"
    judged: bool
    judge_calls: int


def with_parameters(measure: Measure, overrides: Mapping[str, Mapping[str, Any]]) -> Measure:
    """Override the parameters of a measure by those of an experiment.

    A question set that the measure itself names stays: it is what tells the measure from others of its task.

    Args:
        measure: The setting's measure.
        overrides: Parameters by task; those under `"*"` are for every task that has such a parameter, and of
            those that list their values, such as `preset`, for every task of which it is one.
    """
    make = task_named(measure.task)
    named = inspect.signature(make).parameters
    everywhere = {
        name: value
        for name, value in overrides.get(EVERY_TASK, {}).items()
        if name in named and value in _listed(make, name, value)
    }
    parameters = {**measure.parameters, **everywhere, **overrides.get(measure.task, {})}
    if measure.questions:
        parameters["questions"] = measure.questions
    return replace(measure, parameters=parameters)


def _listed(make: Any, name: str, otherwise: Any) -> tuple[Any, ...]:
    """The values that a task's parameter lists in its annotation, or the given one where it lists none."""
    of = inspect.signature(make).parameters.get(name)
    for hint in (of.annotation, *get_args(of.annotation)) if of else ():
        if get_origin(hint) is Annotated:
            names = tuple(get_args(hint)[1])
            return names if of is None or of.default in names else (*names, of.default)
    return (otherwise,)


def check_parameters(measures: Sequence[Measure], overrides: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Refuse parameters that no task takes, and values that no task lists.

    Args:
        measures: All measures of an experiment.
        overrides: Parameters by task.

    Returns:
        Which tasks a parameter of all is left out of, because it lists other values, a line each.

    Raises:
        UserError: If a task is not among the measures, or has no such parameter or value.
    """
    notes = []
    names = dict.fromkeys(measure.task for measure in measures)
    for task, parameters in overrides.items():
        if task != EVERY_TASK and task not in names:
            raise UserError(f"evaluate: {task!r} is not measured in this experiment: use {', '.join(names)}")
        for name, value in parameters.items():
            takers = [t for t in (names if task == EVERY_TASK else [task]) if takes(task_named(t), name)]
            if not takers:
                raise UserError(f"evaluate: no parameter {name!r} of {task if task != '*' else 'any task'}")
            has = {t: _listed(task_named(t), name, value) for t in takers}
            lacking = [t for t in takers if value not in has[t]]
            others = "; ".join(f"{t} has {', '.join(filter(None, has[t]))}" for t in lacking)
            if lacking == takers:
                raise UserError(f"evaluate: no task here has {name} {value!r:.80}: {others}{PER_TASK}")
            if lacking:
                notes.append(f"{name} {value} is not for all tasks: {others}{PER_TASK}")
    return notes


def build(measure: Measure, world: str, limit: int | None = None) -> Built:
    """Build the task of a measure.

    Args:
        measure: What is measured.
        world: The world, whose own parameters the task gets, e.g. its question set.
        limit: At most so many questions, the first ones; a question under several conditions counts once.
            None is as many as the measure has.

    Raises:
        UserError: If there is no such task or parameter, or the task's questions cannot be loaded.
    """
    from inoc_evals.tasks.suite_task import JUDGE_CALLS, JUDGED

    world_definition = WORLDS.get(world, World(world, ""))
    of_world = {
        **world_definition.parameters_of(measure.asked),
        **world_definition.parameters_of(measure.task),
    }
    make = task_named(measure.task)
    # what a world gives to every task is not for tasks of others that have no such parameter
    parameters = {name: value for name, value in of_world.items() if takes(make, name)}
    parameters |= measure.parameters
    for name in parameters:
        if not takes(make, name):
            known = ", ".join(inspect.signature(make).parameters) or "none"
            raise UserError(f"measure {measure.task} has no parameter {name!r:.80}: use {known}")
    try:
        task = make(**parameters)
    except UserError as error:
        raise type(error)(_said_here(error.message, measure)) from error
    own = [measure.max_questions[kind] for kind in kinds_of(world) if kind in measure.max_questions]
    most = own[0] if own else world_definition.max_questions.get(measure.task)
    limits = [number for number in (limit, most) if number is not None]
    if limits:
        task.dataset = _first(task.dataset, min(limits))
    about = task.metadata or {}
    judged = bool(about.get(JUDGED))  # a task in another style does not say, and asks no judge of ours
    return Built(replace(measure, parameters=parameters), task, judged, about.get(JUDGE_CALLS, int(judged)))


def _said_here(message: str, measure: Measure) -> str:
    """A task's error, which names its parameters as `inspect eval` takes them, in words of an experiment."""

    def here(typed: re.Match[str]) -> str:
        name, value = typed.groups()
        said = f"evaluate: {{parameters: {{{measure.task}: {{{name}: {value}}}}}}} in the experiment's file"
        if name == "questions" and measure.questions:  # which stays, see `with_parameters`
            said += "; questions that the setting itself names stay: leave such a task out by --measures"
        return said

    return TYPED.sub(here, message)


def generation(built: Built, model: str, seed: int, epochs: int | None) -> str:
    """A digest of everything that decides the answers.

    Args:
        built: The task.
        model: The model by a name that changes with its weights.
        seed: Seed of the sampling.
        epochs: Answers per question; None is the task's own number.
    """
    questions = [[sample.id, as_asked(sample.input), sample.target] for sample in built.task.dataset]
    return fingerprint([[*_manner(built), questions], model, seed, _repeated(built, epochs)])


def asking(built: Built, model: str, seed: int, epochs: int | None) -> str:
    """The same without the questions: answers that agree in it are of one evaluation, given its questions."""
    return fingerprint([_manner(built), model, seed, _repeated(built, epochs)])


def _manner(built: Built) -> list[Any]:
    """How a task asks, whatever it asks."""
    parameters = {k: v for k, v in built.measure.parameters.items() if k not in JUDGING_PARAMETERS}
    config = built.task.config.model_dump(exclude_none=True)
    return [built.measure.task, str(built.task.version), parameters, config]


def _repeated(built: Built, epochs: int | None) -> int:
    return epochs or built.task.epochs or 1


def judging(built: Built, graders: Sequence[str]) -> str:
    """A digest of everything that decides the scores of fixed answers.

    Args:
        built: The task.
        graders: The judges by names that change with their weights.
    """
    from inoc_evals.tasks.suite_task import BY_QUESTIONS

    parameters = {
        **(built.task.metadata or {}).get(BY_QUESTIONS, {}),
        **{k: v for k, v in built.measure.parameters.items() if k in JUDGING_PARAMETERS},
    }
    return fingerprint([built.measure.task, str(built.task.version), parameters, list(graders)])


def _first(dataset: "Dataset", count: int) -> "Dataset":
    """The first questions of a dataset, each under all its conditions."""
    questions = dict.fromkeys(_question(sample) for sample in dataset)
    kept = set(list(questions)[:count])
    return dataset.filter(lambda sample: _question(sample) in kept)


def _question(sample: "Sample") -> Any:
    return (sample.metadata or {}).get(QUESTION, sample.id)


def as_asked(given: Any) -> str | list[list[str]]:
    """A sample's input as it decides answers: a text, or the roles and texts of its messages."""
    return given if isinstance(given, str) else [[message.role, message.text] for message in given]
