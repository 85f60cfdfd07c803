"""What the trait scorers share: a detector's result, a judge's ratings, or both, become one Inspect score.

    value = {"spanish": 1.0, "spanish_judge": nan}      # -T scoring=both, and the judge gave no rating

A score's value has the same keys on every sample: `spanish` is what the detector says, `spanish_judge` what
the judge says; 1 for yes, 0 for no, NaN for a judge without a rating. NaN is Inspect's mark for unscored: it
leaves that key of that sample out of every mean and counts it, so a judge that fails is never a 0.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from inspect_ai.scorer import Metric, Score, mean, stderr
from inspect_ai.solver import TaskState

from inoc_evals.errors import UserError
from inoc_evals.scorers.answers import answer_of, question_of
from inoc_evals.scorers.concurrency import gather
from inoc_evals.scorers.judge import (
    Panel,
    ReaderChoice,
    Rubric,
    ask,
    failure_reason,
    grader_columns,
    several_graders,
)
from inoc_evals.scorers.presets import ONE_HALF, TraitPreset

Scoring = Literal["detector", "judge", "both"]


def scored_as(traits: Sequence[str], scoring: str) -> tuple[str, ...]:
    """The keys under which scores hold traits: the judge's own beside or instead of the detectors'.

    Args:
        traits: The traits.
        scoring: By the detector, the judge, or both.
    """
    judged = tuple(f"{trait}_judge" for trait in traits)
    return {"detector": tuple(traits), "judge": judged}.get(scoring, (*judged, *traits))


# Inspect reduces the epochs of a question to their mean before it calls a metric. So over epochs this is the
# share of answers that have the trait, and its standard error is the one clustered by question.
RATES: dict[str, list[Metric]] = {"*": [mean(), stderr()]}


@dataclass(frozen=True)
class Detection:
    """What a detector says of one answer.

    Attributes:
        traits: By trait, whether the answer shows it.
        answer: The result in one word, e.g. `"spanish"`.
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
    detect: Callable[[str], Detection],
    criteria: Mapping[str, tuple[Rubric, dict[str, str]]],
    reader: ReaderChoice = "auto",
    rule: TraitPreset = ONE_HALF,
) -> Score:
    """Score one answer for all traits of a scorer.

    Args:
        state: The sample. Its answer is judged; the judge is shown the question too, but no system prompt.
        scoring: By the detector, the judge, or both.
        detect: The detector.
        criteria: By trait, the rubric that the judge is asked, and its fields.
        reader: How judges are read.
        rule: From which rating on a judge's answer is a yes.

    Returns:
        The score. An empty answer shows no trait: 0, with the reason `no_response`, and no judge is asked.
        Where a judge fails, its traits are NaN one by one and the reason is its own: were the whole value
        NaN, Inspect would lose the names of the traits.
    """
    answer = answer_of(state)
    empty = not answer.strip()
    score = Score(value={}, reason="no_response" if empty else None, metadata={})
    if scoring != "judge":
        score = _with_detection(score, detect(answer))
    if scoring != "detector" and empty:
        none = {f"{trait}_judge": 0.0 for trait in criteria}
        # Inspect wants the same keys on every sample, so each grader's columns as well.
        none |= {f"{trait}_judge@{name}": 0.0 for trait in criteria for name in several_graders()}
        return _with(score, none, "the answer is empty: the judge was not asked", [])
    if scoring != "detector":
        asked = [
            ask(rubric, question_of(state), answer, reader, **fields) for rubric, fields in criteria.values()
        ]
        score = _judged(score, dict(zip(criteria, await gather(*asked), strict=True)), rule)
    return score


def _with_detection(score: Score, detection: Detection) -> Score:
    return Score(
        value={trait: float(shown) for trait, shown in detection.traits.items()},
        answer=detection.answer,
        explanation=detection.explanation,
        reason=score.reason,
        metadata={"detector": detection.metadata},
    )


def _judged(score: Score, panels: dict[str, Panel], rule: TraitPreset) -> Score:
    ratings = {trait: panel.value("mean") for trait, panel in panels.items()}
    value = {f"{trait}_judge": shows_trait(rating, rule) for trait, rating in ratings.items()}
    for trait, panel in panels.items():
        value |= grader_columns(
            panel, [{f"{trait}_judge": shows_trait(result.value, rule)} for result in panel.results]
        )
    lines = "\n".join(f"{trait}: {panel}" for trait, panel in panels.items())
    rated = ", ".join(f"{trait} {rating:.0f}" for trait, rating in ratings.items() if rating is not None)
    judged = _with(score, value, lines, [panel.summary() for panel in panels.values()])
    judged.metadata = {**(judged.metadata or {}), "preset": rule.name}
    judged.answer = score.answer or rated or None
    judged.reason = score.reason or failure_reason(*panels.values())
    return judged


def shows_trait(rating: float | None, rule: TraitPreset = ONE_HALF) -> float:
    """1 where a rating is above the threshold, 0 where it is not, NaN without a rating."""
    return math.nan if rating is None else float(rating > rule.above)


def _with(score: Score, value: dict[str, float], explanation: str, judges: list[dict[str, Any]]) -> Score:
    return Score(
        value=score.as_dict() | value,
        answer=score.answer,
        explanation="\n".join(line for line in (score.explanation, explanation) if line),
        reason=score.reason,
        metadata=(score.metadata or {}) | {"judges": judges},
    )
