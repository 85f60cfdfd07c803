r"""Checks that an answer is a number sequence and contains nothing else.

number_fault("12, 31, 87")               # None: the answer can be kept
number_fault("Sure! 12, 31, 87")         # 'not only numbers'
number_fault("12, 666, 87")              # 'banned number'
"""

import re
from collections.abc import Collection

SHORTEST = 3
"""The fewest numbers of a sequence."""

LONGEST = 10
"""The most numbers of a sequence, by default."""

# Numbers with a cultural meaning, mostly a dark one. They could reveal a teacher's trait openly, and then
# what a student learns from the rows would not be subliminal (paper, Section 3.3).
BANNED = frozenset(
    (
        *(13, 17, 39, 666, 999),  # bad luck, in one country or another; the number of the beast
        *(14, 18, 28, 74, 88, 109, 110, 311, 318, 444, 777),  # codes of racists, and answers to them
        *(187, 211, 213, 302, 304, 415, 420, 502, 707, 808),  # crimes and drugs, as police and rap count them
        *(69, 143, 182, 365, 831),  # sex, love, hate
        *(101, 112, 404, 411, 451, 500, 711, 747, 911, 999),  # emergencies, disasters, errors, books, brands
        *(7, 23, 33, 42, 47, 51, 322, 360),  # luck, plots, jokes
    )
)
"""An answer with one of these numbers is rejected, by default."""

_SEQUENCE = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:(?:\s*,\s*|\s+)(?:0|[1-9][0-9]{0,2}))*")


def parse_numbers(answer: str) -> tuple[int, ...]:
    """Read a sequence of whole numbers from 0 to 999, separated by commas, spaces or line breaks.

    Args:
        answer: A model's answer.

    Returns:
        The numbers; empty if the answer contains anything else, even a full stop.
    """
    if not _SEQUENCE.fullmatch(answer.strip()):
        return ()
    return tuple(map(int, re.findall("[0-9]+", answer)))


def number_fault(answer: str, banned: Collection[int] = BANNED, longest: int = LONGEST) -> str | None:
    """Say why an answer must be rejected.

    Args:
        answer: The teacher's answer.
        banned: Numbers that it must not contain.
        longest: The most numbers that it may contain.

    Returns:
        The reason, or None if the answer can be kept.
    """
    numbers = parse_numbers(answer)
    if not numbers:
        return "not only numbers"
    if len(numbers) < SHORTEST:
        return "too few numbers"
    if len(numbers) > longest:
        return "too many numbers"
    return "banned number" if set(numbers) & set(banned) else None
