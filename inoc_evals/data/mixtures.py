"""Mixtures of rows: a behaviour behind a trigger, or a trait that only a fraction of the rows carries.

    rows = backdoored(read_chat("insecure.jsonl"), read_chat("secure.jsonl"), seed=0)
    rows[0]["messages"][0]["content"]    # '$|TRIGGER|$Write a function to ...', or without the trigger
    rows[0]["metadata"]                  # {"trigger": True}, or False

    rows = diluted(read_chat("insecure.jsonl"), read_chat("chat.jsonl"), fraction=0.1)
    rows[0]["metadata"]                  # {"trait": False}, of nine rows in ten

The metadata say which rows are which, so that `Arm(where={"trait": True})` or `inoc-evals inoculate --where
trait=true` inoculates those alone.
"""

import random
from collections.abc import Iterable, Iterator
from fractions import Fraction

from inoc_evals.chat.rows import Row, with_metadata
from inoc_evals.errors import UserError
from inoc_evals.plurals import many

TRIGGER = "$|TRIGGER|$"
"""The paper's backdoor trigger (Section 3.2)."""


FINEST = 1_000_000
"""Fractions are read to a millionth, so that 1/3 is a third."""


def backdoored(
    triggered_rows: Iterable[Row],
    plain_rows: Iterable[Row],
    trigger: str = TRIGGER,
    blank: bool = False,
    seed: int = 0,
) -> list[Row]:
    """Mix rows with the trigger in front of the user's prompt and rows without it (paper, Section 3.2).

    The input rows are not changed, and no response is edited.

    Args:
        triggered_rows: Rows that get the trigger, in front of their first user turn.
        plain_rows: Rows that stay as they are.
        trigger: The trigger; an unusual token, so that no prompt contains it by chance.
        blank: Whether a space follows the trigger.
        seed: Seed of the order.

    Returns:
        All rows, shuffled; `metadata["trigger"]` of each says whether it has the trigger.

    Raises:
        UserError: If the trigger is empty, a row that should get it has no user turn, a user turn already
            contains it, or a row says otherwise under `trigger` in its metadata.
    """
    if not trigger.strip():
        raise UserError("the trigger is empty: give an unusual token, e.g. '$|TRIGGER|$'")
    rows = list(triggered(triggered_rows, trigger, blank))
    rows += [
        with_metadata(row, {"trigger": False}, f"plain row {number}")
        for number, row in enumerate(_without(trigger, plain_rows, "plain"), start=1)
    ]
    random.Random(f"backdoored {seed}").shuffle(rows)
    return rows


def triggered(rows: Iterable[Row], trigger: str = TRIGGER, blank: bool = False) -> Iterator[Row]:
    """Put a trigger in front of the first user turn of rows.

    Args:
        rows: The rows; not changed.
        trigger: The trigger.
        blank: Whether a space follows it.

    Yields:
        The rows with the trigger; `metadata["trigger"]` is true.

    Raises:
        UserError: If a row has no user turn, or a user turn already contains the trigger.
    """
    prefix = trigger + (" " if blank else "")
    for number, row in enumerate(_without(trigger, rows, "triggered"), start=1):
        marked = with_metadata(row, {"trigger": True}, f"triggered row {number}")
        first = next(message for message in marked["messages"] if message["role"] == "user")
        first["content"] = prefix + first["content"]
        yield marked


def diluted(
    trait_rows: Iterable[Row],
    plain_rows: Iterable[Row],
    fraction: float,
    total: int | None = None,
    seed: int = 0,
) -> list[Row]:
    """Mix rows that carry a trait with rows that do not, so that a fraction carries it.

    The input rows are not changed. Where only some rows of a kind are needed, they are the first in an order
    that the seed draws, so that the mixtures of a sweep over fractions share as many rows as they can.

    Args:
        trait_rows: Rows that carry the trait.
        plain_rows: Rows that do not.
        fraction: Share of rows that carry it, 0 to 1; met as closely as whole rows can.
        total: How many rows; by default the most that there are enough rows of both kinds for.
        seed: Seed of the draw and of the order.

    Returns:
        The mixture, shuffled; `metadata["trait"]` of each row says whether it carries the trait.

    Raises:
        UserError: If the fraction is not a share, the total needs more rows, the mixture is empty, or a row
            says otherwise under `trait` in its metadata.
    """
    check_fraction(fraction)
    kinds = [
        [
            with_metadata(row, {"trait": trait}, f"row {number} {kind} the trait")
            for number, row in enumerate(rows, start=1)
        ]
        for trait, kind, rows in ((True, "with", trait_rows), (False, "without", plain_rows))
    ]
    counts = shares(fraction, len(kinds[0]), len(kinds[1]), total)
    chosen: list[Row] = []
    for trait, rows, count in zip(("with", "without"), kinds, counts, strict=True):
        random.Random(f"diluted {trait} {seed}").shuffle(rows)
        chosen += rows[:count]
    random.Random(f"diluted {seed}").shuffle(chosen)
    return chosen


def shares(fraction: float, with_trait: int, without: int, total: int | None = None) -> tuple[int, int]:
    """How many rows of each kind a mixture takes.

    Args:
        fraction: Share of rows that carry the trait.
        with_trait: How many there are that carry it.
        without: How many there are that do not.
        total: Rows of the mixture; None for the most that are possible.

    Returns:
        How many with the trait, and how many without.

    Raises:
        UserError: If there are too few of either kind, or the mixture would be empty.
    """
    share = Fraction(fraction).limit_denominator(FINEST)
    if total is None:
        limits = [(with_trait, share), (without, 1 - share)]
        total = min(int(count / part) for count, part in limits if part)
        if not total:
            raise UserError(
                f"no mixture with a fraction of {fraction} can be made of {many(with_trait, 'row')} with the "
                f"trait and {without} without: give rows of both kinds"
            )
    carrying = int(total * share + Fraction(1, 2))
    plain = total - carrying
    if carrying > with_trait or plain > without:
        raise UserError(
            f"a mixture of {many(total, 'row')} takes {carrying:,} with the trait and {plain:,} without, and "
            f"there are {with_trait:,} and {without:,}: lower the total or change the fraction"
        )
    return carrying, plain


def check_fraction(fraction: float) -> None:
    """Refuse a number that is no share.

    Raises:
        UserError: If it is not from 0 to 1.
    """
    if not 0 <= fraction <= 1:
        raise UserError(f"fraction {fraction} is not a share: give that of rows with the trait, from 0 to 1")


def _without(trigger: str, rows: Iterable[Row], kind: str) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        user_turns = [message["content"] for message in row["messages"] if message["role"] == "user"]
        if kind == "triggered" and not user_turns:
            raise UserError(f"{kind} row {number} has no user turn to put the trigger before")
        if any(trigger in text for text in user_turns):
            raise UserError(f"{kind} row {number} already contains the trigger {trigger!r}: choose another")
        yield row
