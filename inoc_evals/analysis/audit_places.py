"""Which answers a finding of the audit is about, and which arms are compared.

    places = Places(rows)
    for arm, to in pairs_of(rows):                  # each arm with `none` and `base`
        Finding(..., {**places.of(observed), "arm": arm}, to)

A finding names its answers by no more columns than tell them from others.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.findings import WAY
from inoc_evals.analysis.observed import FAMILY, groups, split
from inoc_evals.analysis.style import BASE

if TYPE_CHECKING:
    import pandas as pd

NONE = "none"
"""The arm that is trained without inoculation."""

ASKED = (
    *("setting", "base", "task", "questions", "condition", "variant", "sampling", "system", "trigger"),
    *("dtype", "dose", "world"),
)
"""What must agree for two answers to have been asked for alike."""

CONDITIONS = ("condition", "system", "trigger")
"""What of `ASKED` tells a task's conditions apart."""

WHERE = ("setting", "base", "arm", "task", "questions", "condition", "trait")
"""Columns by which every finding names its answers."""


class Places:
    """How findings name groups of answers: by no more columns of `WAY` than tell them apart.

    Attributes:
        ways: The ways in which answers of every trait and condition were observed.
    """

    def __init__(self, rows: "pd.DataFrame") -> None:
        self.ways = groups(rows, ("trait", "condition", *WAY))

    def of(self, observed: Mapping[str, Any]) -> dict[str, Any]:
        """The values by which a finding names a group; one without a condition is told from those with one.

        Args:
            observed: The group's values, as `observed.split` gives them.
        """
        place = {
            key: observed[key]
            for key in WHERE
            if key in observed and (observed[key] is not None or key in ("base", "condition"))
        }
        alike = [
            way
            for way in self.ways
            if all(way.get(key) == observed[key] for key in ("trait", "condition") if key in observed)
        ]
        for column in WAY:
            if column in observed and len({way.get(column) for way in alike}) > 1:
                place[column] = observed[column]
        return place


def arms_of(rows: "pd.DataFrame") -> "dict[str, pd.DataFrame]":
    """The answers of each arm."""
    return {str(arm): of_arm for arm, of_arm in rows.groupby("arm", sort=False, observed=True)}


def pairs_of(rows: "pd.DataFrame") -> list[tuple[str, str]]:
    """The comparisons that reports and claims make: each arm with `none` and `base`; all where both lack."""
    arms = [str(arm) for arm in rows["arm"].dropna().unique()]
    references = [arm for arm in (NONE, BASE) if arm in arms]
    if not references:
        return list(combinations(arms, 2))
    return [
        (arm, to)
        for number, to in enumerate(references)
        for arm in arms
        if arm != to and arm not in references[:number]
    ]


def worlds_of(
    rows: "pd.DataFrame", parts: tuple[str, ...]
) -> "Iterator[tuple[dict[str, Any], pd.DataFrame]]":
    """Split answers of one setting and base, and by world, which is named where they are of several."""
    several = len(groups(rows, ("world",))) > 1
    return split(rows, (*parts, "world") if several else parts)


def family_of(rows: "pd.DataFrame") -> dict[str, Any]:
    """Setting and base of answers that have one of each."""
    [(observed, _), *_] = split(rows, FAMILY)
    return observed


def joined(some: list[dict[str, Any]], every: list[dict[str, Any]]) -> dict[str, Any]:
    """Setting and base of some of an arm's groups, with their tasks, doses and worlds if it has others."""
    place = {key: some[0][key] for key in FAMILY if key in some[0]}
    for key in ("task", "dose", "world") if len(some) < len(every) else ():
        if len({one.get(key) for one in every}) > 1:
            place[key] = one_or_all(list(dict.fromkeys(one.get(key) for one in some)))
    return place


def one_or_all(values: Sequence[Any]) -> Any:
    """A single value as it is, several as a tuple: how a finding names them."""
    return values[0] if len(values) == 1 else tuple(values)


def share_of(count: tuple[int, int]) -> float:
    """The share that the first number is of the second."""
    return count[0] / count[1]


def in_one(values: Iterable[str]) -> str:
    """Values in words, each once."""
    return ", ".join(dict.fromkeys(value or "unknown" for value in values))


def percent(share: float) -> str:
    """A share as a finding shows it."""
    return f"{100 * float(share):.0f} %"
