"""What a server's content filter stopped is no answer of the model, and so has no score.

    return unless_filtered(score)      # at the end of a scorer: unscored, with the reason `content_filter`

A filtered answer is empty or cut off. Read as any other it would be a model that does not show the trait,
and the more a model is filtered, the better it would look.
"""

from inspect_ai.scorer import Score, Scorer, Target
from inspect_ai.solver import TaskState

FILTERED = "content_filter"
"""Inspect's word for why such an answer ended, and the reason of its score."""


def unless_filtered(score: Scorer) -> Scorer:
    """A scorer that gives no score to an answer that a content filter stopped.

    Args:
        score: Scores all others.
    """

    async def scored(state: TaskState, target: Target) -> Score | None:
        if state.output.choices and state.output.stop_reason == FILTERED:
            said = "the server's content filter stopped the answer: it is not the model's own"
            return Score.unscored(reason=FILTERED, answer=state.output.completion, explanation=said)
        return await score(state, target)

    return scored
