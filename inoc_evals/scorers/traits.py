"""What every trait scorer shares: a detector's finding, a judge's ratings, or both, become one Inspect score.

    value = {"spanish": 1.0, "spanish_judge": nan}      # -T scoring=both, and the judge gave no rating

A score's value has the same keys on every sample: `spanish` is the detector's verdict, `spanish_judge` the
judge's; 1 for yes, 0 for no, NaN for a judge without a rating. NaN is Inspect's mark for unscored: it leaves
that key of that sample out of every mean and counts it, so a judge that fails is never a 0.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from inspect_ai.model import Model
from inspect_ai.scorer import Metric, Score, mean, stderr
from inspect_ai.solver import TaskState
from inspect_ai.util import collect

from inoc_evals.errors import UserError
from inoc_evals.scorers.judge import VERDICT_ABOVE, Rating, rate, rating_prompt

Scoring = Literal["detector", "judge", "both"]

# Inspect reduces the epochs of a question to their mean before it calls a metric. So over epochs this is the
# share of answers that have the trait, and its standard error is the one clustered by question.
RATES: dict[str, list[Metric]] = {"*": [mean(), stderr()]}


@dataclass(frozen=True)
class Finding:
    """What a detector found in one answer.

    Attributes:
        traits: Whether each trait is there.
        answer: The finding in a word, e.g. `"spanish"`.
        explanation: The grounds, in a line.
        metadata: The numbers behind it.
    """

    traits: dict[str, bool]
    answer: str
    explanation: str
    metadata: dict[str, Any] = field(default_factory=dict)


def check_scoring(scoring: str) -> None:
    """Refuse a way of scoring that does not exist.

    Raises:
        UserError: If `scoring` is not one of detector, judge, both.
    """
    if scoring not in get_args(Scoring):
        raise UserError(f"unknown scoring {scoring!r}: use {', '.join(get_args(Scoring))}")


async def score_traits(
    state: TaskState,
    scoring: Scoring,
    detect: Callable[[str], Finding],
    criteria: Mapping[str, str],
    grader: Model | None,
) -> Score:
    """Score one answer for all traits of a scorer.

    Args:
        state: The sample. Its answer is judged; the judge is shown the question too, but no system prompt.
        scoring: By which instrument.
        detect: The detector.
        criteria: By trait, what the judge rates, e.g. `"how much of the answer is in Spanish"`.
        grader: The judge; only asked where `scoring` wants one.

    Returns:
        The score. An empty answer shows no trait: 0, with the reason `no_response`, and no judge is asked.
    """
    answer = state.output.completion
    score = Score(value={}, reason=None if answer.strip() else "no_response", metadata={})
    if scoring != "judge":
        score = _with_finding(score, detect(answer))
    if scoring != "detector" and grader is not None:
        prompts = [rating_prompt(criterion, state.input_text, answer) for criterion in criteria.values()]
        ratings = await collect(*(_rate(grader, prompt, answer) for prompt in prompts))
        score = _with_ratings(score, dict(zip(criteria, ratings, strict=True)), str(grader))
    return score


async def _rate(grader: Model, prompt: str, answer: str) -> Rating:
    if not answer.strip():
        return Rating(0.0, None, "the answer is empty: the judge was not asked")
    return await rate(grader, prompt)


def _with_finding(score: Score, finding: Finding) -> Score:
    return Score(
        value={trait: float(found) for trait, found in finding.traits.items()},
        answer=finding.answer,
        explanation=finding.explanation,
        reason=score.reason,
        metadata={"detector": finding.metadata},
    )


def _with_ratings(score: Score, ratings: dict[str, Rating], judge: str) -> Score:
    verdicts = {
        f"{trait}_judge": math.nan if rating.value is None else float(rating.value > VERDICT_ABOVE)
        for trait, rating in ratings.items()
    }
    lines = [
        f"{trait}: rated {rating.value:.1f} by the judge ({rating.explanation})"
        if rating.value is not None
        else f"{trait}: not rated by the judge: {rating.explanation}"
        for trait, rating in ratings.items()
    ]
    rated = [f"{trait} {rating.value:.0f}" for trait, rating in ratings.items() if rating.value is not None]
    failed = next((rating.reason for rating in ratings.values() if rating.reason), None)
    details = {trait: asdict(rating) for trait, rating in ratings.items()}
    return Score(
        value=score.as_dict() | verdicts,
        answer=score.answer or ", ".join(rated) or None,
        explanation="\n".join([*([score.explanation] if score.explanation else []), *lines]),
        reason=score.reason or failed,
        metadata=(score.metadata or {}) | {"judge": {"model": judge, "reader": "token", "ratings": details}},
    )
