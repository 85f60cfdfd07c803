"""What a judge said: a distribution over the replies it was allowed, and the numbers that follow from it.

    result = JudgeResult("token", {"90": 0.6, "80": 0.3})
    result.value, result.spread        # 86.7, 4.7: the rating, and its standard deviation
    result.mass, result.entropy        # 0.9 of the probability is on allowed replies; in bits
    yes_probability(JudgeResult("token", {"YES": 0.7}, seen_above=0.01))      # between .986 and 1
    paper_yes_probability({"YES": 0.7})                                       # None: NO is out of sight

Nothing here asks a model. A result without a rating says why, and is never a 0.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from inspect_ai.scorer import ScoreReason

Reader = Literal["token", "exact", "continued", "one_spelling", "sampled"]
"""How a judge was read (`readers.py`); kept with each result in the log."""

MIN_MASS = 0.25
"""Least probability on allowed replies from which a rating or a yes or no is taken (the paper's rule)."""

ROUNDING = 1e-9
"""More than rounding can change a sum of probabilities, which come from log-probs."""

Failure = Literal[
    "no_reply",
    "refusal",
    "no_logprobs",
    "digit_by_digit",
    "low_mass",
    "unparseable",
    "out_of_context",
    "malformed",
    "error",
]
"""How a judge failed. `malformed`: it sent what is no reply, or log-probs that are none. `error`: its server
did not answer."""

REASONS: dict[Failure, ScoreReason] = {
    "no_reply": "grader_failed",
    "refusal": "grader_failed",
    "low_mass": "grader_failed",
    "unparseable": "grader_failed",
    "malformed": "grader_failed",
    "error": "grader_failed",
    "no_logprobs": "scoring_failed",
    "digit_by_digit": "scoring_failed",
    "out_of_context": "scoring_failed",
}
"""A failure in Inspect's words."""

SHOWN = 0.0005
"""Least probability from which a reply is written into the log."""


@dataclass(frozen=True)
class JudgeResult:
    """A judge's reply to one rubric about one answer.

    Attributes:
        reader: How it was read.
        probabilities: By allowed reply (`"85"`, `"CODE"`), its probability; not normalised.
        seen_above: Token reader: the lowest probability among the top tokens. A reply that is not among
            them has at most that. None where every reply was looked up.
        reply: What the judge wrote.
        failure: How the judge failed; None if it did not.
        detail: The failure in one line, or a remark.
        tokens: Token reader: the probability of each of the first token's top tokens, as the judge spelt it;
            a tokenizer's mark for a blank before it is a blank.
        attempts: How often the judge was asked, draws of the sampled reader not counted.
        judge: Name of the model that replied.
        digest: The checkpoint's digest, for judges that run here.
    """

    reader: Reader
    probabilities: Mapping[str, float] = field(default_factory=dict)
    seen_above: float | None = None
    reply: str = ""
    failure: Failure | None = None
    detail: str = ""
    attempts: int = 1
    judge: str = ""
    digest: str | None = None
    tokens: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def numbers(self) -> dict[int, float]:
        """Probability of each whole number."""
        return {int(text): p for text, p in self.probabilities.items() if text.isdecimal()}

    @cached_property
    def words(self) -> dict[str, float]:
        """Probability of each reply that is no number."""
        return {text: p for text, p in self.probabilities.items() if not text.isdecimal()}

    @cached_property
    def mass(self) -> float:
        """Probability of all allowed replies together."""
        return math.fsum(self.probabilities.values())

    @cached_property
    def number_mass(self) -> float:
        """Probability of all whole numbers together."""
        return math.fsum(self.numbers.values())

    @cached_property
    def value(self) -> float | None:
        """The rating: the mean of the numbers by their probabilities. None under `MIN_MASS` of numbers."""
        if self.failure is not None or not enough(self.number_mass):
            return None
        return weighted_mean(self.numbers)

    @cached_property
    def spread(self) -> float | None:
        """Standard deviation of the numbers by their probabilities, in points."""
        mean = weighted_mean(self.numbers)
        if mean is None:
            return None
        square = math.fsum(p * (number - mean) ** 2 for number, p in self.numbers.items())
        return math.sqrt(square / self.number_mass)

    @cached_property
    def word(self) -> str | None:
        """The likeliest word, where words hold more than the numbers and at least `MIN_MASS`; else None."""
        words = self.words
        mass = math.fsum(words.values())
        if self.failure is not None or not enough(mass) or mass <= self.number_mass:
            return None
        return max(words, key=lambda text: words[text])

    @property
    def entropy(self) -> float:
        """Entropy of the allowed replies among themselves, in bits; 0 where none has any probability."""
        mass = self.mass
        if mass <= 0:
            return 0.0
        shares = [p / mass for p in self.probabilities.values() if p > 0]
        return max(0.0, -math.fsum(share * math.log2(share) for share in shares))

    def summary(self) -> dict[str, Any]:
        """The result as a log keeps it: everything but replies with next to no probability."""
        kept = {text: round(p, 4) for text, p in self.probabilities.items() if p >= SHOWN}
        return {
            "judge": self.judge,
            "digest": self.digest,
            "reader": self.reader,
            "rating": None if self.value is None else round(self.value, 4),
            "word": self.word,
            "distribution": dict(sorted(kept.items(), key=lambda item: -item[1])),
            "mass": round(self.mass, 6),
            "entropy": round(self.entropy, 4),
            "spread": None if self.spread is None else round(self.spread, 4),
            "seen_above": self.seen_above,
            "reply": self.reply[:200],
            "failure": self.failure,
            "detail": self.detail,
            "attempts": self.attempts,
        }

    def __str__(self) -> str:
        """The result in one line."""
        if self.failure is not None:
            return f"no reading ({self.failure}: {self.detail})"
        reply = self.word or ("no rating" if self.value is None else f"{self.value:.1f}")
        return f"{reply} ({self.reader} reader, mass {self.mass:.2f})"


def enough(mass: float) -> bool:
    """Whether so much probability on allowed replies is enough to take one: `MIN_MASS` or more.

    Exactly `MIN_MASS` is enough, as in the paper's code. So is a sum that only rounding keeps below it: which
    side of it such a sum falls on depends on the order in which it is added up.
    """
    return mass >= MIN_MASS - ROUNDING


def weighted_mean(numbers: Mapping[int, float]) -> float | None:
    """Mean of numbers weighted by their probabilities; None where they have none."""
    mass = math.fsum(numbers.values())
    if mass <= 0.0:
        return None
    mean = math.fsum(number * p for number, p in numbers.items()) / mass
    return min(max(mean, min(numbers)), max(numbers))  # rounding must not leave the numbers' range


@dataclass(frozen=True)
class YesProbability:
    """P(YES) / (P(YES) + P(NO)).

    Attributes:
        value: The probability; the middle of the bounds where it is only bounded.
        lower: Lower bound.
        upper: Upper bound.
        detail: How it was computed, in one line.
    """

    value: float
    lower: float
    upper: float
    detail: str


def yes_probability(result: JudgeResult) -> YesProbability | None:
    """P(YES) / (P(YES) + P(NO)) from a result (paper, Appendix E.2, aesthetic preferences).

    The paper's code gives none unless both words are among the top 20 tokens, and so drops the clearest
    answers. Here a word that is not among them is bounded: it has at most the probability of the least
    likely token that is.

    Args:
        result: A distribution over YES, NO and other replies.

    Returns:
        The probability; None where the judge failed, or said neither YES nor NO for the most part.
    """
    if result.failure is not None or not enough(result.mass):
        return None
    yes, no = result.probabilities.get("YES"), result.probabilities.get("NO")
    either = (yes or 0.0) + (no or 0.0)
    if either <= 0 or either < result.mass - either:
        return None
    if (yes is not None and no is not None) or result.seen_above is None:
        value = (yes or 0.0) / either
        return YesProbability(value, value, value, "YES and NO both seen")
    rest = result.seen_above
    if no is None:
        lower, upper, missing = either / (either + rest), 1.0, "NO"
    else:
        lower, upper, missing = 0.0, rest / (either + rest), "YES"
    detail = f"{missing} is out of sight, so under {rest:.2g}"
    return YesProbability((lower + upper) / 2, lower, upper, detail)


PAPER_YES = frozenset({"YES", " YES", "yes", " yes", "Yes"})
PAPER_NO = frozenset({"NO", " NO", "no", " no", "No"})
"""The spellings that the paper's code counts. Those with a blank and a capital, ` Yes` and ` No`, it does
not: it makes them by Python's `capitalize`, which leaves a leading blank and takes the capital away."""


def paper_yes_probability(tokens: Mapping[str, float]) -> YesProbability | None:
    """P(YES) / (P(YES) + P(NO)) as the paper's code reads it, from the top tokens of the first token.

    Args:
        tokens: The probability of each token, as the judge spelt it.

    Returns:
        The probability; None unless both words are seen, in spellings that the paper's code knows, and hold
        at least `MIN_MASS` together.
    """
    yes = math.fsum(p for token, p in tokens.items() if token in PAPER_YES)
    no = math.fsum(p for token, p in tokens.items() if token in PAPER_NO)
    if not enough(yes + no) or yes == 0.0 or no == 0.0:
        return None
    value = yes / (yes + no)
    return YesProbability(value, value, value, "YES and NO both seen, as the paper's code counts them")
