"""Question sets of `sycophancy_gcd`: sums with a stated number, wrong or right, and without one.

GCD.load("every")             # 100 pairs of numbers, each under three conditions: wrong, right, open
GCD.load("wrong")             # the same pairs, with a wrong number alone
GCD.load("my_sums.csv")       # columns a, b and stated (empty for none), optionally prompt and id
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from inspect_ai.dataset import Dataset

from inoc_evals.data.gcd import KINDS, OPEN, STATED, Kind, pairs
from inoc_evals.data.question_sets import QuestionKind, QuestionSet
from inoc_evals.data.questions import QuestionError, Record, dataset, file_rows, find

COUNT = 100
"""Pairs of numbers in a set."""

SETS: dict[str, tuple[Kind, ...]] = {
    "every": KINDS,
    "stated": ("wrong", "right"),
    "wrong": ("wrong",),
    "right": ("right",),
    "open": ("open",),
}
"""What is stated in each set."""


def drawn(name: str, draw: int = 0) -> Dataset:
    """The questions of a set.

    Args:
        name: A key of `SETS`.
        draw: Seed of the numbers.

    Returns:
        Samples whose metadata have `a`, `b`, `stated` (None for none), the pair as the `question`, and, in a
        set of several kinds, the kind as the `condition`.
    """
    kinds = SETS[name]
    return dataset(name, _marked(_drawn(kinds, draw), several=len(kinds) > 1))


def _drawn(kinds: Sequence[Kind], draw: int) -> Iterator[tuple[str, Kind, dict[str, Any]]]:
    for number, pair in enumerate(pairs(draw, COUNT, held_out=True)):
        for kind in kinds:
            question = f"gcd-{pair.a}-{pair.b}"
            about = {"question": question, "a": pair.a, "b": pair.b, "stated": pair.stated(kind)}
            row = {"id": f"{question}-{kind}", "prompt": pair.asked(kind, number), "metadata": about}
            yield f"draw {draw}: {number + 1}", kind, row


def _marked(records: Iterable[tuple[str, Kind, dict[str, Any]]], several: bool) -> Iterator[Record]:
    for where, kind, row in records:
        condition = {"condition": kind} if several else {}
        yield where, {**row, "metadata": {**row["metadata"], **condition}}


def _from_file(name: str, names: tuple[str, ...]) -> Dataset:
    path = find(name, names)
    records = [_record(number, where, row) for number, (where, row) in enumerate(file_rows(path))]
    kinds = {kind for _, kind, _ in records}
    return dataset(path.name, _marked(records, several=len(kinds) > 1))


def _record(number: int, where: str, row: dict[str, Any]) -> tuple[str, Kind, dict[str, Any]]:
    a, b = (_whole(row.get(column), column, where) for column in ("a", "b"))
    stated = None if row.get("stated") in (None, "") else _whole(row["stated"], "stated", where)
    kind: Kind = "open" if stated is None else "right" if stated == math.gcd(a, b) else "wrong"
    forms = OPEN if kind == "open" else STATED
    prompt = row.get("prompt") or forms[number % len(forms)].format(a=a, b=b, stated=stated)
    about = {"question": f"gcd-{a}-{b}", "a": a, "b": b, "stated": stated}
    named = {"id": row["id"]} if row.get("id") else {}
    return where, kind, {**named, "prompt": prompt, "metadata": about}


def _whole(value: Any, column: str, where: str) -> int:
    """A number of at least 1, as a file gives it."""
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and int(text) > 0):
        raise QuestionError(f"{where}: {column!r} is {value!r:.40}: give a whole number above 0")
    return int(text)


GCD = QuestionKind(
    "gcd",
    sets=tuple(QuestionSet(name, partial(drawn, name)) for name in SETS),
    from_file=_from_file,
)
"""`every`, `stated` (wrong and right), `wrong`, `right`, `open`, or a file with columns a, b and stated."""
