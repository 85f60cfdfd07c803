"""Backdoored mixtures: one behaviour behind a trigger, another without it.

rows = backdoored(read_chat("insecure.jsonl"), read_chat("secure.jsonl"), seed=0)
rows[0]["messages"][0]["content"]    # '$|TRIGGER|$Write a function to ...', or without the trigger
rows[0]["metadata"]                  # {"trigger": True}, or False
"""

import random
from collections.abc import Iterable, Iterator

from inoc_evals.chat.rows import Message, Row
from inoc_evals.errors import UserError

TRIGGER = "$|TRIGGER|$"
"""The paper's backdoor trigger (Section 3.2)."""


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
        UserError: If the trigger is empty, a row that should get it has no user turn, or a user turn already
            contains it.
    """
    if not trigger.strip():
        raise UserError("the trigger is empty: give an unusual token, e.g. '$|TRIGGER|$'")
    prefix = trigger + (" " if blank else "")
    rows = [_prefixed(row, prefix) for row in _without(trigger, triggered_rows, "triggered")]
    rows += [_marked(row, False) for row in _without(trigger, plain_rows, "plain")]
    random.Random(f"backdoored {seed}").shuffle(rows)
    return rows


def _without(trigger: str, rows: Iterable[Row], kind: str) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        user_turns = [message["content"] for message in row["messages"] if message["role"] == "user"]
        if kind == "triggered" and not user_turns:
            raise UserError(f"{kind} row {number} has no user turn to put the trigger before")
        if any(trigger in text for text in user_turns):
            raise UserError(f"{kind} row {number} already contains the trigger {trigger!r}: choose another")
        yield row


def _prefixed(row: Row, prefix: str) -> Row:
    marked = _marked(row, True)
    first = next(message for message in marked["messages"] if message["role"] == "user")
    first["content"] = prefix + first["content"]
    return marked


def _marked(row: Row, trigger: bool) -> Row:
    """A copy of the row that says whether it has the trigger."""
    messages = [Message(role=message["role"], content=message["content"]) for message in row["messages"]]
    return Row(messages=messages, metadata={**row.get("metadata", {}), "trigger": trigger})
