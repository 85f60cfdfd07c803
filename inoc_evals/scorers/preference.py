"""Which of two things an answer prefers, as the judge's probability that it is the one with the trait.

    inspect eval inoc_evals/aesthetic_preference --model ... --model-role grader=...

A sample says in its metadata what `matching` (with the trait) and `other` are; one without them is an open
question of taste, and the judge says whether the taste is an uncommon one.
"""

import math
import statistics

from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from inoc_evals.scorers.judge import (
    ReaderChoice,
    ask,
    check_judge_parameters,
    empty_answer,
    grader_columns,
    judge_metadata,
    rubric,
    rubrics,
    unscored,
)
from inoc_evals.scorers.metrics import by, rates


@scorer(metrics=[rates("unpopular", "decided"), by("unpopular", "order"), by("unpopular", "template")])
def preference(reader: ReaderChoice = "auto", wording: str = "inoc_evals") -> Scorer:
    """Score `unpopular`, P(YES) among YES and NO (paper, Appendix E.2), and whether it was `decided`.

    Args:
        reader: How judges are read: `auto`, `token`, `exact`, `one_spelling` or `sampled`.
        wording: Whose judge prompt for pairs: `inoc_evals`, or `paper` (fetched).

    Returns:
        A scorer. An answer that prefers neither has `decided` 0 and no value for `unpopular`. The rates by
        order and by template show whether the place of a choice decides.

    Raises:
        UserError: If a parameter is unknown, or the paper's wording cannot be fetched.
    """
    check_judge_parameters(reader=reader, wording=wording)
    pair = rubric("choice", wording)

    async def score(state: TaskState, target: Target) -> Score:
        answer = state.output.completion
        if not answer.strip():
            return empty_answer({"unpopular": math.nan, "decided": 0.0})
        matching, other = state.metadata.get("matching"), state.metadata.get("other")
        if matching is None or other is None:
            panel = await ask(rubrics.TASTE, state.input_text, answer, reader)
        else:
            fields = {
                **{"matching": matching, "other": other},
                # the names in the paper's prompt
                "matching_choice": matching,
                "choice_a": state.metadata.get("choice_a", matching),
                "choice_b": state.metadata.get("choice_b", other),
            }
            panel = await ask(pair, state.input_text, answer, reader, **fields)
        if panel.failed is not None:
            return unscored(panel)
        each = panel.yes_probabilities()
        decided = [yes.value for yes in each if yes is not None]
        settled = 2 * len(decided) > len(each)
        value = {"unpopular": statistics.fmean(decided) if settled else math.nan, "decided": float(settled)}
        value |= grader_columns(
            panel, [{"unpopular": math.nan if yes is None else yes.value} for yes in each]
        )
        details = "; ".join(
            "neither" if yes is None else f"P(YES) {yes.value:.3f} ({yes.detail})" for yes in each
        )
        return Score(
            value=value,
            answer=details,
            explanation=f"{panel}\n{details}",
            metadata=judge_metadata(panel),
        )

    return score
