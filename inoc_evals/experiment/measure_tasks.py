"""The tasks of a trial, built from its setting's measures, each with a digest of what decides its answers.

    built = build(measure, world="paper")
    generation(built, model, seed, epochs)          # equal: the same answers, nothing to generate
    judging(built, graders)                         # equal, too: the same scores

There are two digests because another judge or threshold needs new scores, but no new answers.
"""

import difflib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from inoc_evals.data.conditions import of_task
from inoc_evals.digests import fingerprint
from inoc_evals.errors import UserError, one_line
from inoc_evals.scorers.metrics import CONDITION, QUESTION, SCORED
from inoc_evals.settings import Measure, Setting
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
        overrides: Parameters by task; those under `"*"` are for every task that has such a parameter.
    """
    takes = inspect.signature(task_named(measure.task)).parameters
    everywhere = {name: value for name, value in overrides.get(EVERY_TASK, {}).items() if name in takes}
    parameters = {**measure.parameters, **everywhere, **overrides.get(measure.task, {})}
    if measure.questions:
        parameters["questions"] = measure.questions
    return replace(measure, parameters=parameters)


def check_parameters(measures: Sequence[Measure], overrides: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse parameters that no task takes.

    Args:
        measures: All measures of an experiment.
        overrides: Parameters by task.

    Raises:
        UserError: If a task is not among the measures, or has no such parameter.
    """
    names = dict.fromkeys(measure.task for measure in measures)
    for task, parameters in overrides.items():
        if task != EVERY_TASK and task not in names:
            raise UserError(f"evaluate: {task!r} is not measured in this experiment: use {', '.join(names)}")
        for name in parameters:
            takers = [t for t in (names if task == EVERY_TASK else [task]) if _takes(t, name)]
            if not takers:
                raise UserError(f"evaluate: no parameter {name!r} of {task if task != '*' else 'any task'}")


def check_declared(setting: Setting, built: Sequence[Built], *, whole: bool) -> None:
    """Refuse traits and conditions that no task of a setting has: they would be found missing at the end.

    Args:
        setting: The setting.
        built: Its tasks. Those of other packages need not say which traits they score, and are taken at the
            setting's word.
        whole: Whether these are all that it measures, so that its claims and aims can be held against them.

    Raises:
        UserError: If there is no such trait or condition.
    """
    known = [*setting.traits, *(trait for one in setting.measures for trait in one.traits)]
    every = True
    for one in built:
        whose = f"setting {setting.name}, measure {one.measure.task}"
        scored, is_all = _scored(one.task)
        every = every and is_all
        # what a world measures in place of a trait is the world's word, not the setting's
        own = [
            trait for measure in setting.measures for trait in measure.traits if trait in one.measure.traits
        ]
        _refuse_unknown(whose, "trait", own, scored, is_all=is_all)
        known += scored
        if one.measure.conditions:
            given = (of_task((sample.metadata or {}).get(CONDITION)) for sample in one.task.dataset)
            asked = list(filter(None, given))
            none_is_there = not set(one.measure.conditions) & set(asked)  # some may be another world's
            _refuse_unknown(whose, "condition", one.measure.conditions, asked, is_all=none_is_there)
    if not whole:
        return
    for claim in setting.claims:
        named = [side.trait for side in (claim.left, claim.right)]
        whose = f"setting {setting.name}, claim {claim.name!r:.80}"
        _refuse_unknown(whose, "trait", named, known, is_all=every)
    aims = {"unwanted": setting.unwanted or (), "wanted": setting.wanted or ()}
    aims |= {f"unwanted of arm {arm.name}": arm.unwanted for arm in setting.arms}
    for which, names in aims.items():
        named = [name.partition(" | ")[0].partition(" (")[0] for name in names]
        _refuse_unknown(f"setting {setting.name}, {which}", "trait", named, known, is_all=every)


def _scored(task: "Task") -> tuple[list[str], bool]:
    """The traits that a task is known to score, and whether these are all."""
    from inspect_ai.util import registry_info

    traits: list[str] = list((task.metadata or {}).get("traits", ()))
    is_all = bool(traits)
    for scorer in task.scorer or ():
        try:
            metrics = registry_info(scorer).metadata.get("metrics")
        except ValueError:  # of no registered kind
            metrics = None
        if isinstance(metrics, Mapping):
            found = list(metrics)
        else:
            found = [trait for one in metrics or () for trait in getattr(one, SCORED, ())]
        is_all = is_all and bool(found) and "*" not in found  # which is any other key
        traits += [trait for trait in found if trait != "*"]
    return traits, is_all


def _refuse_unknown(
    whose: str, what: str, names: Sequence[str], known: Iterable[str], *, is_all: bool
) -> None:
    """Refuse a name that is not known: any, if the known ones are all there are, else what misspells one."""
    has = list(dict.fromkeys(known))
    for name in names:
        near = difflib.get_close_matches(name, has, n=3, cutoff=0.8)
        if name not in has and (is_all or near):
            raise UserError(
                f"{whose}: no task here has the {what} {name!r:.80}: use {', '.join(near or has) or 'none'}"
            )


def task_named(name: str) -> Any:
    """The task of this name: the suite's, or as `PACKAGE/NAME` one that a package registers with Inspect.

    Args:
        name: The name, as `Measure` takes it.

    Returns:
        What makes the task.

    Raises:
        UserError: If there is no such task, with what is close to it.
    """
    import inoc_evals.tasks as suite

    package, _, short = name.rpartition("/")
    if not package and short in suite.__all__:
        return getattr(suite, short)
    packages = sorted({entry.name for entry in entry_points(group="inspect_ai")} - {"inoc_evals"})
    if not package:
        near = difflib.get_close_matches(short, suite.__all__, n=3, cutoff=0.5) or suite.__all__
        others = f" (installed: {', '.join(packages)})" if packages else ""
        raise UserError(
            f"no task {short!r:.80} in the suite: use {', '.join(near)}, or PACKAGE/{short:.80} for one that "
            f"another package registers with Inspect{others}"
        )
    if package not in packages:
        raise UserError(
            f"task {name!r:.80}: no installed package {package!r:.80} registers anything with Inspect; "
            f"installed: {', '.join(packages) or 'none'}"
        )
    tasks = _tasks_of(package)
    if name not in tasks:
        raise UserError(
            f"package {package} has no task {short!r:.80}: use {', '.join(tasks) or 'another one'}"
        )
    return tasks[name]


def _tasks_of(package: str) -> dict[str, Any]:
    """The tasks that a package registers, by their names with the package, as Inspect finds them."""
    from inspect_ai.util import registry_info

    found: dict[str, Any] = {}
    for entry in entry_points(group="inspect_ai", name=package):
        try:
            module = entry.load()
        except Exception as error:
            raise UserError(
                f"package {package} cannot be loaded: {type(error).__name__}: {one_line(error)}"
            ) from error
        for value in vars(module).values():
            try:
                about = registry_info(value)
            except ValueError:  # nothing that is registered
                continue
            if about.type == "task":
                found[f"{package}/{about.name.rpartition('/')[2]}"] = value
    return found


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
    parameters = {name: value for name, value in of_world.items() if _takes(measure.task, name)}
    parameters |= measure.parameters
    for name in parameters:
        if not _takes(measure.task, name):
            known = ", ".join(inspect.signature(make).parameters) or "none"
            raise UserError(f"measure {measure.task} has no parameter {name!r:.80}: use {known}")
    task = make(**parameters)
    own = [measure.max_questions[kind] for kind in kinds_of(world) if kind in measure.max_questions]
    most = own[0] if own else world_definition.max_questions.get(measure.task)
    limits = [number for number in (limit, most) if number is not None]
    if limits:
        task.dataset = _first(task.dataset, min(limits))
    about = task.metadata or {}
    judged = bool(about.get(JUDGED))  # a task in another style does not say, and asks no judge of ours
    return Built(replace(measure, parameters=parameters), task, judged, about.get(JUDGE_CALLS, int(judged)))


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


def _takes(task: str, name: str) -> bool:
    parameters = inspect.signature(task_named(task)).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
