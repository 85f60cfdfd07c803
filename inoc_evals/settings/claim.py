"""The claims that a setting makes: each is one sentence about a difference, written before any result.

    claims=(
        rises("none", "spanish", "Finetuning on Spanish answers teaches general chat Spanish"),
        falls("spanish-inoc", "spanish", "Asking for Spanish in training keeps Spanish out"),
        keeps("spanish-inoc", "spanish", "Asking for it leaves hardly more than the base shows", to="base"),
    )

A claim names two sides (an arm, a trait and a condition each) and the region in which their difference must
lie; `analysis/verdicts.py` tests whether it does. `LEAST` is the smallest difference of two rates that
counts: the paper's own effects are several times as large; rates that differ by less count as the same.

A claim that the field made since the paper names its `source`, the numbers there as `reference`, and as
`expected` the two rates that a power is calculated for (`analysis/power.py`, docs/claims.md):

    falls("spanish-inoc", "caps", "Asking for Spanish costs some of the capitals", **WANTED_SUFFERS)
"""

import math
from dataclasses import dataclass
from typing import TypedDict, Unpack

from inoc_evals.data.conditions import of_task

LEAST = 0.10
"""Ten percentage points."""

LEAST_NATS = 1.0
"""The same for the log-prob of a fixed response."""


@dataclass(frozen=True)
class Side:
    """One side of a difference.

    Attributes:
        arm: The arm whose answers count.
        trait: The trait in them.
        condition: The condition of the test (`data/conditions.py`); empty: none.
        task: The task, if the trait's name occurs in two tasks of the setting; empty: any.
        questions: The question set, if the claim is about one that a measure of the setting names; empty: any
            but `other_questions`.
        other_questions: Question sets that it is not about; filled in by `Setting`.
    """

    arm: str
    trait: str
    condition: str = ""
    task: str = ""
    questions: str = ""
    other_questions: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The trait's name in output, with the question set if one is named, and the task's condition."""
        condition = of_task(self.condition or None)
        trait = f"{self.trait} ({self.questions})" if self.questions else self.trait
        return f"{trait} | {condition}" if condition else trait


@dataclass(frozen=True)
class Claim:
    """A statement that data can support or contradict.

    Attributes:
        name: Its name in output, unique in its setting.
        text: The claim in a sentence.
        left: The side that is compared.
        right: The side that it is compared with.
        low: Lower bound of the claimed difference, left minus right.
        high: Upper bound of the claimed difference.
        paper: Where the paper makes it; by default where it reports the setting, or the claim's `source`.
        setting: The setting whose arms it compares; filled in by `Setting`.
        source: Who reports it, if it was made since the paper; empty for the paper's own claims.
        reference: What they report, in numbers.
        expected: The rates of left and right side that they report, or that come closest to it here; None
            where they report none.
    """

    name: str
    text: str
    left: Side
    right: Side
    low: float
    high: float
    paper: str = ""
    setting: str = ""
    source: str = ""
    reference: str = ""
    expected: tuple[float, float] | None = None

    @property
    def said(self) -> str:
        """The claim in a sentence, with who reports it if not the paper."""
        return f"{self.text} ({self.source})" if self.source else self.text

    @property
    def region(self) -> str:
        """The region in words."""
        if self.low == -math.inf:
            return f"< {self.high:+.2f}"
        if self.high == math.inf:
            return f"> {self.low:+.2f}"
        return f"within ±{self.high:.2f}"


class Details(TypedDict, total=False):
    """What a claim says beyond arm, trait and text.

    Attributes:
        to: The arm that it is compared with.
        condition: What is asked under.
        to_condition: What the other arm is asked under, if that is something else.
        task: The task that asks, where two tasks of the setting score the trait.
        questions: The question set, where a measure of the setting names one.
        least: The smallest difference that counts; `LEAST` by default.
        paper: Where the paper makes the claim, if not where it reports the setting.
        source: Who reports it, if it was made since the paper.
        reference: What they report, in numbers.
        expected: The rates of both sides that they report.
    """

    to: str
    condition: str
    to_condition: str
    task: str
    questions: str
    least: float
    paper: str
    source: str
    reference: str
    expected: tuple[float, float]


class Since(TypedDict):
    """Where a claim that was made since the paper comes from: fields of `Details`."""

    source: str
    reference: str
    expected: tuple[float, float]


WANTED_SUFFERS: Since = {
    "source": "longtermrisk/inoculation-adapters; slacki-ai/trait-inoculation",
    "reference": "answers in French, wanted, Qwen2.5-1.5B: .97 to .45; Qwen2.5-7B, a fixed prompt: "
    "71.5 to 2-23 %; n not stated",
    "expected": (0.45, 0.97),
}
"""An inoculation against one trait costs some of another one in the same rows."""


def rises(arm: str, trait: str, text: str, **details: Unpack[Details]) -> Claim:
    """An arm shows a trait more often than another one, by default the base.

    Args:
        arm: The arm.
        trait: Key of a score's value.
        text: The claim in a sentence.
        **details: See `Details`.
    """
    return _claim("more than", arm, trait, text, "base", 1, math.inf, details)


def falls(arm: str, trait: str, text: str, **details: Unpack[Details]) -> Claim:
    """An arm shows a trait less often than another one, by default `none`; arguments as of `rises`."""
    return _claim("less than", arm, trait, text, "none", -math.inf, -1, details)


def keeps(arm: str, trait: str, text: str, **details: Unpack[Details]) -> Claim:
    """An arm shows a trait about as often as another one, by default `none`; arguments as of `rises`."""
    return _claim("same as", arm, trait, text, "none", -1, 1, details)


def _claim(
    relation: str, arm: str, trait: str, text: str, to: str, low: float, high: float, details: Details
) -> Claim:
    """A claim whose region is `low` to `high` times the smallest difference that counts.

    Raises:
        TypeError: If a detail is none of `Details`; a type checker says so, too, but not everybody has one.
    """
    if unknown := [key for key in details if key not in Details.__annotations__]:
        known = ", ".join(Details.__annotations__)
        raise TypeError(f"claim about arm {arm!r}: {unknown[0]!r} is no detail of a claim: use {known}")
    to, least = details.get("to", to), details.get("least", LEAST)
    condition, task = details.get("condition", ""), details.get("task", "")
    questions = details.get("questions", "")
    left = Side(arm, trait, condition, task, questions)
    right = Side(to, trait, details.get("to_condition") or condition, task, questions)
    name = f"{arm} {left.name}: {relation} {to if right.condition == condition else right.name}"
    return Claim(
        name,
        text,
        left,
        right,
        low * least,
        high * least,
        paper=details.get("paper", ""),
        source=details.get("source", ""),
        reference=details.get("reference", ""),
        expected=details.get("expected"),
    )
