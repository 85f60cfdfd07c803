"""How much of what a model was given in training: a point of a sweep, as logs and tables name it.

    words({"steps": 8, "learning_rate": 1e-4})                        # "learning_rate=0.0001, steps=8"
    parsed("learning_rate=0.0001, steps=8")                           # {"learning_rate": 0.0001, "steps": 8}
    agree(parsed("inoculated=any, steps=8"), parsed("inoculated=0.5, steps=8"))         # True

A dose names every axis of its sweep. An axis that does not concern an arm (the inoculated share of the rows,
in an arm without a prompt) has the value `any` there, and such a model is compared with all others.
"""

from collections.abc import Mapping

Value = float | int | str
"""A place on an axis."""

Dose = Mapping[str, Value]
"""Places by axis."""

ANY = "any"
"""The place of a model that an axis does not concern: at all of them."""

KINDS: dict[str, type] = {
    "learning_rate": float,
    "epochs": float,
    "steps": int,
    "rank": int,
    "weights": str,
    "inoculated": float,
    "with_trait": float,
    "pool": int,
}
"""The axes, in their order in names, each with the type of its places."""

TRAINING = ("learning_rate", "epochs", "steps")
"""Axes along which there is more and more training."""

GEOMETRIC = ("learning_rate", "epochs", "steps", "rank", "pool")
"""Axes on which factors count, not differences."""

WEIGHTS = ("lora", "full")
"""Places of the axis `weights`: an adapter is trained, or all weights."""


def words(dose: Dose) -> str:
    """A dose as text; the same for equal doses. Empty if it has no axis.

    Args:
        dose: The dose.
    """
    known = [axis for axis in KINDS if axis in dose]
    axes = known + sorted(set(dose) - set(known))
    return ", ".join(f"{axis}={word(dose[axis])}" for axis in axes)


def word(value: Value) -> str:
    """A place on an axis as text, e.g. `3e-05`."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def parsed(text: str) -> dict[str, Value]:
    """The dose that `words` made a text of; places on unknown axes stay text.

    Args:
        text: What `words` returns.
    """
    pairs = (part.partition("=") for part in text.split(", ") if part)
    return {axis: ANY if place == ANY else KINDS.get(axis, str)(place) for axis, _, place in pairs}


def agree(one: Dose, other: Dose) -> bool:
    """Whether two doses can be compared: the same axes, and equal places wherever both are concerned."""
    return set(one) == set(other) and all(
        one[axis] == other[axis] or ANY in (one[axis], other[axis]) for axis in one
    )


def height(axis: str, place: Value) -> float:
    """A number that grows along an axis, to sort places by.

    Args:
        axis: The axis.
        place: A place on it.
    """
    if axis == "weights":
        return float(WEIGHTS.index(str(place)))
    return float("-inf") if isinstance(place, str) else float(place)
