"""Scorers as users name them, for texts that no task has asked for: answers of a table, responses of rows.

by_name("toy_lexicon")                            # as registered with Inspect, and as `list scorers` says
by_name("language", {"languages": "german"})
why_not("forced_choice")                          # why it cannot score a text, and what can
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from inoc_evals import scorers

if TYPE_CHECKING:
    from inspect_ai.scorer import Scorer

OF_A_TASK = {
    **dict.fromkeys(("forced_choice", "likelier_answer"), "forced_choice"),
    **{"response_logprob": "trait_logprobs", "hidden_tests": "mbpp_hack"},
}
"""Scorers, by either name, that read what a task's solver has found beside the answer, and that task."""

IN_A_WORLD = ("toy_lexicon",)
"""Scorers of a world's own. Worlds lie above this room, so they are found in Inspect's registry."""


def usable() -> list[str]:
    """Names of the scorers that need a text and nothing of a task."""
    return sorted({*scorers.__all__, *IN_A_WORLD} - OF_A_TASK.keys())


def why_not(name: str) -> str:
    """Why a scorer cannot score a text, in a line that ends with those that can; empty if it can.

    Args:
        name: Its name, without `inoc_evals/`.
    """
    if name in usable():
        return ""
    instead = f"use one of {', '.join(usable())}"
    if task := OF_A_TASK.get(name):
        return (
            f"reads what the task {task} finds beside an answer, which a text alone does not have: {instead}"
        )
    return f"unknown: {instead}"


def by_name(name: str, options: Mapping[str, Any] | None = None) -> "Scorer":
    """Make a scorer of a text.

    Args:
        name: One of `usable`.
        options: Its parameters.

    Raises:
        TypeError: If it has no such parameter.
    """
    from inspect_ai.util import registry_create

    made: Scorer = registry_create("scorer", f"inoc_evals/{name}", **(options or {}))
    return made
