"""Traits that a finetuned model still has, elicited by system prompts at test time.

    inspect eval inoc_evals/elicitation --model inoc/my-run --model-role grader=...
    inspect eval inoc_evals/elicitation --model inoc/my-run -T task=spanish_caps -T prompts=my_prompts.txt
    inspect eval inoc_evals/elicitation --model inoc/my-run -T own="You always speak in Spanish." ...

Any task of the suite that takes a `system_prompt` is run under each of several. A trait that shows under one
is still in the model: the inoculation only kept it from showing without a prompt (paper, Appendix G.2).
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from inspect_ai import Task, task

from inoc_evals.data.elicitation_prompts import SETS, PromptSet, prompt_set
from inoc_evals.data.questions import find
from inoc_evals.errors import UserError
from inoc_evals.scorers.metrics import CONDITION, by_condition
from inoc_evals.tasks.grid import crossed, under
from inoc_evals.tasks.solvers import prompt_text
from inoc_evals.user_files import given_text, lines

EMPTY = '""'
"""What stands for an empty system message in a file of prompts."""

OWN_CONDITIONS = ("backdoor", "elicitation", "language_backdoor", "trait_logprobs")
"""Tasks that define their own conditions, so that they cannot take others as well."""


def elicitable() -> dict[str, Callable[..., Task]]:
    """The tasks that can be run under test-time prompts, by name: those with a `system_prompt`."""
    from inoc_evals import tasks

    return {
        name: getattr(tasks, name)
        for name in tasks.__all__
        if name not in OWN_CONDITIONS
        and "system_prompt" in inspect.signature(getattr(tasks, name)).parameters
    }


@task
def elicitation(
    task: str = "emergent_misalignment",
    prompts: str | dict[str, str | None] = "paper",
    questions: str | None = None,
    own: str | list[str] | dict[str, str] | None = None,
    **parameters: Any,
) -> Task:
    """Rates of a task's traits under each of several test-time system prompts (paper, Appendix G.2).

    Args:
        task: A task that takes a `system_prompt`, see `elicitable`.
        prompts: `paper` (the nine of the paper's code, and no system message), `educational` (its two for
            educational insecure code, and none), `bundled` (nine of ours, no network), or the path of a
            `.txt` file with one system prompt per line; an empty line means no system message, `""` an empty
            one, and `name: prompt` gives it a name; from Python also prompts by name.
        questions: The task's question set; None is the task's default.
        own: A further prompt, e.g. the one that the model was inoculated with; from Python also several by
            name.
        **parameters: The task's other parameters.

    Returns:
        The task, every question under every prompt; a rate is named `misaligned | evil`.

    Raises:
        UserError: If the task does not exist, its questions have conditions of their own, the file contains
            no prompts, or a parameter is unknown.
    """
    inner = asked_task("elicitation", task, questions, parameters)
    if isinstance(prompts, str):
        prompts = prompt_set(prompts) if prompts in SETS else read_prompts(prompts)
    system_prompts = with_own(prompts, own)
    return under_prompts("elicitation", inner, system_prompts, {"elicited_from": task})


def asked_task(name: str, task: str, questions: str | None, parameters: Mapping[str, Any]) -> Task:
    """Build the task whose questions another one asks under system prompts.

    Args:
        name: The other one's name, for messages.
        task: The task, see `elicitable`.
        questions: Its question set; None is its default.
        parameters: Its further parameters.

    Raises:
        UserError: If it does not exist, its questions have conditions of their own, or a parameter is
            unknown.
    """
    tasks = elicitable()
    if not isinstance(task, str) or task not in tasks:
        raise UserError(f"no task {task!r} to elicit from: use {', '.join(tasks)}")
    if "system_prompt" in parameters:
        raise UserError(f"{name} sets the system prompts itself: leave system_prompt out")
    question_set = {} if questions is None else {"questions": questions}
    try:
        inner = tasks[task](**question_set, **parameters)
    except TypeError as error:
        raise UserError(f"task {task}: {error}") from error
    if any(CONDITION in (sample.metadata or {}) for sample in inner.dataset):
        raise UserError(f"task {task} asks under conditions of its own: choose questions= that have none")
    return inner


def under_prompts(
    name: str,
    inner: Task,
    prompts: Mapping[str, str | None],
    metadata: Mapping[str, Any],
    about: Mapping[str, Mapping[str, Any]] | None = None,
) -> Task:
    """Make a task that asks another one's questions under each of several system prompts.

    Args:
        name: Its name.
        inner: The other task.
        prompts: The system prompts by name; None is no system message.
        metadata: Further metadata for the log.
        about: By name of a prompt, further metadata for its samples.

    Returns:
        The task, every question under every prompt; a rate is named `misaligned | evil`.
    """
    of_inner = inner.metadata or {}
    return Task(
        name=name,
        dataset=crossed(inner.dataset, {prompt: under(text) for prompt, text in prompts.items()}, about),
        setup=inner.setup,
        solver=inner.solver,
        scorer=inner.scorer,
        metrics=[by_condition(*of_inner["traits"])],
        epochs=inner.epochs,
        config=inner.config,
        version=1,
        metadata={**of_inner, **metadata, "prompts": dict(prompts)},
    )


OWN = "own"
"""The name of a single further prompt."""


def with_own(
    prompts: Mapping[str, str | None], own: str | Sequence[str] | Mapping[str, str] | None
) -> PromptSet:
    """Add further prompts to a set.

    Args:
        prompts: The set.
        own: One prompt (a list where Inspect has cut it at its commas), or several by name.

    Raises:
        UserError: If a name is taken.
    """
    if own is None:
        return dict(prompts)
    further = own if isinstance(own, Mapping) else {OWN: prompt_text(own)}
    if taken := sorted(set(further) & set(prompts)):
        raise UserError(f"own: a prompt named {taken[0]!r} exists already: give it another name")
    return {**prompts, **further}


def read_prompts(path: str) -> PromptSet:
    """Read system prompts from a text file.

    Args:
        path: One prompt per line, `name: prompt` or the prompt alone; an empty line means no system message,
            and `""` an empty one.

    Returns:
        The prompts by name; a prompt without a name is named by its first words.

    Raises:
        UserError: If the file cannot be read, is empty, or gives two prompts the same name.
    """
    file: Path = find(path, SETS, (".txt",))
    prompts: PromptSet = {}
    for number, line in enumerate(lines(given_text(file)), start=1):
        name, colon, text = line.partition(": ")
        if not colon or " " in name:
            name, text = {"": "none", EMPTY: "no-sys"}.get(line.strip(), line.strip()[:30]), line
        if name in prompts:
            raise UserError(f"{file}:{number}: a second prompt named {name!r}: give each its own name")
        prompts[name] = "" if text.strip() == EMPTY else text.strip() or None
    if not prompts:
        raise UserError(f"{file}: contains no prompts: write one per line")
    return prompts
