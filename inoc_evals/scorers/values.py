"""Scores' values as numbers, read as Inspect's own metrics read them: a scorer may say them in words.

    as_number("C"), as_number("yes"), as_number("0.5"), as_number(True)      # (1.0, 1.0, 0.5, 1.0)
    as_number("unreadable"), as_number(None)      # (None, None)
    is_score(1e308), is_score(math.nan)           # (False, True)

Inspect takes what it cannot read for 0, with a warning (`value_to_float`); here it is no value.
"""

import math

GRADES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""Inspect's grades: correct, partly correct, incorrect, no answer."""

WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
"""Words that are values, in any case."""

LARGEST = 1e50
"""The largest score, with either sign. Intervals take variances of variances: its fourth power, a million
times added up, must still be a number."""


def is_score(number: float) -> bool:
    """Whether statistics can be made with a number; NaN is a score that is missing.

    Args:
        number: What `as_number` has read.
    """
    return math.isnan(number) or abs(number) <= LARGEST


def as_number(value: object) -> float | None:
    """The number that a value is or says.

    Args:
        value: A score's value, or one of several in it.

    Returns:
        The number; NaN and infinity stay what they are. None of anything else.
    """
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:  # a whole number of hundreds of digits
            return math.inf if value > 0 else -math.inf
    if not isinstance(value, str):
        return None
    said = GRADES.get(value, WORDS.get(value.lower()))
    if said is not None:
        return said
    try:
        read = float(value)
    except ValueError:
        return None
    return read if math.isfinite(read) else None
