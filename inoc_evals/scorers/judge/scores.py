"""From panels to Inspect scores: what all judged scorers do alike.

    if not answer.strip():
        return empty_answer({"unpopular": math.nan, "decided": 0.0})
    panel = await ask(rubric, question, answer)
    if panel.all_failed:
        return unscored(panel)
    value |= grader_columns(panel, each)          # "unpopular@gpt-4o", where there are several graders
    return Score(value=value, ..., metadata=judge_metadata(panel))

An empty answer is scored without a judge. A failure of the judges leaves the answer unscored, with a reason;
where one of several graders failed, the others' columns keep what these say. All scores of a scorer have the
same columns, so that a trait has one denominator whoever read it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from inspect_ai.scorer import Score, ScoreReason

from inoc_evals.scorers.judge.panel import Panel, column_names, several_graders


def empty_answer(
    value: Mapping[str, float],
    metadata: dict[str, Any] | None = None,
    each: Mapping[str, float] | None = None,
) -> Score:
    """The score of an empty answer, about which no judge needs to be asked.

    Args:
        value: What an empty answer scores.
        metadata: Metadata of the score.
        each: What it scores in the columns of each of several graders; by default the same.
    """
    names, columns = several_graders(), value if each is None else each
    by_grader = {f"{key}@{name}": number for name in names for key, number in columns.items()}
    return Score(
        value={**value, **by_grader},
        answer="empty",
        explanation="the answer is empty: no judge was asked",
        reason="no_response",
        metadata=metadata,
    )


def unscored(*panels: Panel, metadata: Mapping[str, Any] | None = None) -> Score:
    """The score of an answer on which the judges failed: NaN, with the first failure's reason.

    Args:
        *panels: The panels that were asked.
        metadata: Metadata of the score besides the judges' own.
    """
    return Score.unscored(
        reason=failure_reason(*panels),
        explanation=explanation(*panels),
        metadata=judge_metadata(*panels, metadata=metadata),
    )


def judge_metadata(*panels: Panel, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a judged score keeps: `judged`, whether no panel failed, and `judges`, each panel's summary.

    Args:
        *panels: The panels that were asked.
        metadata: What comes before these in the metadata.
    """
    judged = all(panel.failed is None for panel in panels)
    return {**(metadata or {}), "judged": judged, "judges": [panel.summary() for panel in panels]}


def failure_reason(*panels: Panel) -> ScoreReason | None:
    """Why the first panel that failed did so, in Inspect's words; None where none failed."""
    return next((panel.reason for panel in panels if panel.reason is not None), None)


def explanation(*panels: Panel) -> str:
    """One line per panel."""
    return "\n".join(str(panel) for panel in panels)


def grader_columns(panel: Panel, each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """What each of several graders says by itself, in columns named after it.

    Args:
        panel: The panel.
        each: By grader, its values.

    Returns:
        `{"insecure_code@gpt-4o": 1.0, ...}`; nothing for a single grader.
    """
    if len(panel.results) < 2:
        return {}
    names = column_names([result.judge for result in panel.results])
    return {
        f"{key}@{name}": value
        for name, values in zip(names, each, strict=True)
        for key, value in values.items()
    }


def or_nan(value: float | bool | None) -> float:
    """A number for a score. None becomes NaN, which Inspect leaves out of every mean."""
    return math.nan if value is None else float(value)
