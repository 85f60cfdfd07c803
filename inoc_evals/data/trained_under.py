"""The system prompts that a run was trained under, read from its training rows.

    trained_under(find_run("spanish-inoc-seed0").rows).texts      # ('You always speak in Spanish.',)

The manifest need not say it: whatever was put before the rows, by whom and how, stands in the rows.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from inoc_evals.chat.rows import read_chat
from inoc_evals.errors import UserError
from inoc_evals.inoculation import SEPARATOR

RECIPE = "recipe"
"""Key of a log's metadata: how the model was trained but for its seed: digests of prompt, rows, finetune."""

MOST = 3
"""Of a pool of prompts, so many are named: those with the most rows."""


@dataclass(frozen=True)
class TrainedUnder:
    """The system prompts of a run's training rows.

    Attributes:
        texts: The prompt; of several, those with the most rows; empty if there is none.
        why_none: Why there is none, in a few words; empty if there is one.
    """

    texts: tuple[str, ...] = ()
    why_none: str = ""


def trained_under(rows: Path) -> TrainedUnder:
    """Read which system prompts stand before a run's training rows.

    Args:
        rows: The run's file of training rows, which may be missing.

    Returns:
        The prompts. Where every system message begins with the same prompt, which an inoculation puts before
        a row's own system message, it is that prompt.
    """
    if not rows.is_file():
        return TrainedUnder(why_none=f"{rows.parent.name} has no training rows here")
    try:
        firsts = (row["messages"][0] for row in read_chat(rows))
        counts = Counter(first["content"] for first in firsts if first["role"] == "system")
    except UserError as error:  # rows of an earlier version, which would be refused today
        return TrainedUnder(why_none=f"the training rows of {rows.parent.name} cannot be read: {error}")
    counts.pop("", None)
    if not counts:
        return TrainedUnder(why_none=f"the training rows of {rows.parent.name} have no system prompt")
    shortest = min(counts, key=len)
    begins = shortest.partition(SEPARATOR)[0]
    for common in (shortest, begins):
        if all(text == common or text.startswith(common + SEPARATOR) for text in counts):
            return TrainedUnder((common,))
    return TrainedUnder(tuple(text for text, _ in counts.most_common(MOST)))
