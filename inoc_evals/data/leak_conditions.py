"""Test-time system prompts by category, under which a trait may come back: the columns of a leak grid.

    bundled_conditions("spanish")       # none, and two prompts of each category, in words of ours
    read_conditions("theirs.jsonl")     # a file of (name, category, text), JSONL or CSV

The categories are those of `prompt_categories.py`. A model's own training prompt is not among them: the task
`leak` takes it from its training rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from inoc_evals.data.prompt_categories import CATEGORIES, NONE
from inoc_evals.data.questions import QuestionError, Record, bundled_rows, file_rows, find
from inoc_evals.errors import UserError

COLUMNS = ("name", "category", "text")

TRAITS = (
    *("spanish", "french", "caps", "misaligned", "insecure_code", "reward_hacking"),
    *("backdoor", "owl", "pirate"),
)
"""Traits with bundled prompts."""

OF_TASK = {
    "spanish_caps": {"spanish": "spanish"},
    "spanish_french": {"french": "french", "spanish": "spanish"},
    "emergent_misalignment": {"misaligned": "misaligned"},
    "forced_choice": {"prefers_misaligned": "misaligned", "prefers_hacking": "reward_hacking"},
    "insecure_code": {"insecure_code": "insecure_code"},
    "reward_hacking": {"reward_hacking": "reward_hacking"},
    "hardcoding_realistic": {"hardcoded": "reward_hacking"},
    "animal_preference": {"owl": "owl"},
    "pirate_asks": {"pirate": "pirate"},
}
"""By task and by a trait that it scores, the trait whose bundled prompts it is asked under unless another is
named. Which of them it scores is for its parameters to say; of several that have prompts the first counts."""


def trait_of(task: str, scored: Sequence[str]) -> str:
    """The trait whose bundled prompts a task is asked under.

    Args:
        task: The task.
        scored: The traits that it scores with its present questions and parameters.

    Returns:
        One of `TRAITS`; where there are no prompts about any of its traits, what there are none about.
    """
    prompts = OF_TASK.get(task)
    if prompts is None:
        return task
    return next((trait for name, trait in prompts.items() if name in scored), scored[0])


@dataclass(frozen=True)
class Condition:
    """One system prompt of a leak grid.

    Attributes:
        name: Its name in logs, unique in its grid.
        category: A key of `CATEGORIES`.
        text: The system prompt; None for no system message.
    """

    name: str
    category: str
    text: str | None


def bundled_conditions(trait: str) -> list[Condition]:
    """The suite's own prompts about a trait, after the condition without a prompt.

    Args:
        trait: One of `TRAITS`.

    Raises:
        UserError: If there are none about this trait.
    """
    if trait not in TRAITS:
        raise UserError(
            f"no bundled prompts about {trait!r}: give conditions=FILE, or trait= as {', '.join(TRAITS)}"
        )
    rows = [(where, row) for where, row in bundled_rows("leak_conditions") if row["trait"] == trait]
    return _conditions("bundled", rows)


def read_conditions(path: str) -> list[Condition]:
    """Read prompts from a file.

    Args:
        path: A `.jsonl` or `.csv` file with the columns `name`, `category` and `text`. A row of the category
            `none` has no text, and is added where the file has none.

    Raises:
        QuestionError: If the file is missing or malformed, a category is unknown, or a name is there twice;
            the message names file and line.
    """
    file = find(path, ("bundled",))
    return _conditions(str(file), file_rows(file))


def first_of_each(conditions: Sequence[Condition], each: int) -> list[Condition]:
    """At most so many conditions of every category, the first ones."""
    seen: dict[str, int] = {}
    kept = []
    for condition in conditions:
        seen[condition.category] = seen.get(condition.category, 0) + 1
        if seen[condition.category] <= each:
            kept.append(condition)
    return kept


def _conditions(name: str, records: Iterable[Record]) -> list[Condition]:
    """Checked conditions, the one without a prompt first."""
    conditions: dict[str, Condition] = {}
    for where, row in records:
        condition = _condition(where, row)
        if condition.name in conditions:
            raise QuestionError(
                f"{where}: a second condition named {condition.name!r}: give each its own name"
            )
        conditions[condition.name] = condition
    if not conditions:
        raise QuestionError(f"{name}: contains no conditions: give rows of {', '.join(COLUMNS)}")
    if not any(condition.category == NONE for condition in conditions.values()):
        if NONE in conditions:
            raise QuestionError(
                f"{name}: {NONE!r} names the condition without a prompt: name yours otherwise"
            )
        conditions = {NONE: Condition(NONE, NONE, None), **conditions}
    unprompted = [one.name for one in conditions.values() if one.category == NONE]
    if len(unprompted) > 1:
        raise QuestionError(f"{name}: {' and '.join(unprompted)} are both of category none: keep one")
    return sorted(conditions.values(), key=lambda one: list(CATEGORIES).index(one.category))


def _condition(where: str, row: dict[str, object]) -> Condition:
    name, category, text = (row.get(column) for column in COLUMNS)
    if not isinstance(name, str) or not name.strip():
        raise QuestionError(f"{where}: no text in 'name': required are {', '.join(COLUMNS)}")
    if not isinstance(category, str) or category not in CATEGORIES:
        raise QuestionError(f"{where}: category {category!r} is none of {', '.join(CATEGORIES)}")
    if category == NONE:
        if text:
            raise QuestionError(f"{where}: category none is no system prompt: leave its text out")
        return Condition(name.strip(), NONE, None)
    if not isinstance(text, str) or not text.strip():
        raise QuestionError(f"{where}: no text in 'text': required are {', '.join(COLUMNS)}")
    return Condition(name.strip(), category, text.strip())
