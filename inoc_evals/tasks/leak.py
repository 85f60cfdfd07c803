"""Where a trait comes back: any task's questions under test-time prompts of many kinds.

    inspect eval inoc_evals/leak --model inoc/my-run -T task=spanish_caps
    inspect eval inoc_evals/leak --model inoc/toy -T questions=toy -T original="You always speak in Spanish."
    inspect eval inoc_evals/leak --model inoc/my-run -T task=spanish_caps -T conditions=theirs.jsonl

A prompt is of one of ten categories (`data/prompt_categories.py`): the one that the model was trained under,
its paraphrases, sentences of its form, its negation, and so on. `inoc-evals leaks LOGS` compares the answers
of a finetuned model with those of its base under the same prompts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from inspect_ai import Task, task
from inspect_ai.model import get_model

from inoc_evals.data.leak_conditions import (
    Condition,
    bundled_conditions,
    first_of_each,
    read_conditions,
    trait_of,
)
from inoc_evals.data.prompt_categories import CATEGORY, NONE, ORIGINAL, original_of
from inoc_evals.data.trained_under import TrainedUnder, trained_under
from inoc_evals.errors import UserError
from inoc_evals.tasks.elicitation import asked_task, under_prompts
from inoc_evals.tasks.solvers import prompt_text

BUNDLED = "bundled"

Original = str | list[str] | dict[str, str]


@task
def leak(
    task: str = "spanish_caps",
    trait: str | None = None,
    conditions: str = BUNDLED,
    original: Original | None = None,
    each: int | None = None,
    questions: str | None = None,
    **parameters: Any,
) -> Task:
    """Rates of a task's traits under test-time system prompts of ten categories (not in the paper).

    Args:
        task: A task that takes a `system_prompt`, see `inoc_evals.tasks.elicitation.elicitable`.
        trait: Whose bundled prompts are asked under: `spanish`, `french`, `caps`, `misaligned`,
            `insecure_code`, `reward_hacking`, `backdoor`, `owl` or `pirate`; by default that of the task, as
            its questions and parameters have it.
        conditions: `bundled`, or the path of a `.jsonl` or `.csv` file with the columns name, category, text.
        original: The prompt that the model was trained under; by default it is read from the training rows of
            `--model inoc/RUN`, and a base is not asked under one. From Python also several, by arm.
        each: At most so many prompts of each category, the first ones; all by default.
        questions: The task's question set; None is the task's default.
        **parameters: The task's other parameters.

    Returns:
        The task, every question under every prompt; a rate is named `spanish | negated-1`.

    Raises:
        UserError: If the task or trait does not exist, there are no bundled prompts about what is asked, the
            file is malformed, or a parameter is unknown.
    """
    if each is not None and (isinstance(each, bool) or not isinstance(each, int) or each < 1):
        raise UserError(f"each={each!r:.80}: ask under at least one prompt of each category")
    inner = asked_task("leak", task, questions, parameters)
    found = (
        bundled_conditions(trait or trait_of(task, _scored(inner)))
        if conditions == BUNDLED
        else read_conditions(conditions)
    )
    if each is not None:
        found = first_of_each(found, each)
    originals, words = _originals(original)
    if taken := sorted({one.name for one in originals} & {one.name for one in found}):
        raise UserError(f"{conditions}: {taken[0]!r} names the training prompt: give yours another name")
    unprompted = [one for one in found if one.category == NONE]
    asked = [*unprompted, *originals, *(one for one in found if one.category != NONE)]
    return under_prompts(
        "leak",
        inner,
        {one.name: one.text for one in asked},
        {"elicited_from": task, ORIGINAL: words},
        about={one.name: {CATEGORY: one.category} for one in asked},
    )


def _scored(task: Task) -> list[str]:
    """The traits that a task scores; of one that is called `target` what it is."""
    about = task.metadata or {}
    return [str(about.get(trait, trait)) for trait in about["traits"]]


def _originals(original: Original | None) -> tuple[list[Condition], str]:
    """The conditions of category original, and in words where they come from or why there are none."""
    if isinstance(original, Mapping):
        texts = {original_of(arm): text for arm, text in original.items()}
        words = "the prompts of the arms" if texts else "no arm was trained under one prompt"
    elif original is not None:
        texts, words = {ORIGINAL: prompt_text(original) or ""}, "given"
    else:
        of_run = _of_active_model()
        texts, words = _numbered(of_run.texts), of_run.why_none or "read from the training rows"
    if other := [text for text in texts.values() if not isinstance(text, str)]:
        raise UserError(f"original={other[0]!r:.80}: a prompt is a text")
    if blank := [name for name, text in texts.items() if not text.strip()]:
        raise UserError(f"the {blank[0]} prompt is blank: leave it out")
    return [Condition(name, ORIGINAL, text) for name, text in texts.items()], words


def _numbered(texts: Sequence[str]) -> dict[str, str]:
    if len(texts) == 1:
        return {ORIGINAL: texts[0]}
    return {f"{ORIGINAL}-{number}": text for number, text in enumerate(texts, start=1)}


def _of_active_model() -> TrainedUnder:
    """What the model that Inspect evaluates was trained under; Inspect tells it while it builds a task."""
    try:
        model = get_model()
    except ValueError:  # built from Python, before any model is known
        return TrainedUnder(why_none="no model was known when the task was built: give original=")
    run = getattr(getattr(model.api, "checkpoint", None), "run", None)
    if run is None:
        return TrainedUnder(why_none=f"{model.name} is no run with training rows here: give original=")
    return trained_under(run.rows)
