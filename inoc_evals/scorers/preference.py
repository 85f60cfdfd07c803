"""Which of two things an answer prefers, as the judge's probability that it is the one with the trait.

    inspect eval inoc_evals/aesthetic_preference --model ... --model-role grader=...

A sample says in its metadata what `matching` (with the trait) and `other` are; one without them is an open
question of taste, and the judge says whether the taste is an uncommon one.
"""

import math

from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from inoc_evals.scorers.answers import answer_of, if_answered, question_of
from inoc_evals.scorers.judge import (
    ReaderChoice,
    YesNo,
    ask,
    check_judge_parameters,
    empty_answer,
    rubric,
    rubrics,
)
from inoc_evals.scorers.metrics import by, rates
from inoc_evals.scorers.yes_no import DECIDED, yes_no_reader, yes_no_score


@scorer(metrics=[rates("unpopular", "decided"), by("unpopular", "order"), by("unpopular", "template")])
def preference(
    reader: ReaderChoice = "auto", wording: str = "inoc_evals", yes_no: YesNo = "all-spellings"
) -> Scorer:
    """Score `unpopular`, P(YES) among YES and NO (paper, Appendix E.2), and whether it was `decided`.

    Args:
        reader: How judges are read: `auto`, `token`, `exact`, `continued`, `one_spelling` or
            `sampled`.
        wording: Whose judge prompt for pairs: `inoc_evals`, or `paper` (fetched).
        yes_no: How YES and NO are read: by `all-spellings`, or as the `paper-code` does (by the `token`
            reader).

    Returns:
        A scorer. An answer that prefers neither has `decided` 0 and no value for `unpopular`. The rates by
        order and by template show whether the place of a choice decides.

    Raises:
        UserError: If a parameter is unknown, or the paper's wording cannot be fetched.
    """
    check_judge_parameters(reader=reader, wording=wording, yes_no=yes_no)
    pair, read_by = rubric("choice", wording), yes_no_reader(reader, yes_no)

    async def score(state: TaskState, target: Target) -> Score:
        answer = answer_of(state)
        if not answer.strip():
            return empty_answer({"unpopular": math.nan, DECIDED: 0.0}, each={"unpopular": math.nan})
        matching, other = state.metadata.get("matching"), state.metadata.get("other")
        if matching is None or other is None:
            panel = await ask(rubrics.TASTE, question_of(state), answer, read_by)
        else:
            fields = {
                **{"matching": matching, "other": other},
                # the names in the paper's prompt
                "matching_choice": matching,
                "choice_a": state.metadata.get("choice_a", matching),
                "choice_b": state.metadata.get("choice_b", other),
            }
            panel = await ask(pair, question_of(state), answer, read_by, **fields)
        return yes_no_score(panel, "unpopular", yes_no)

    return if_answered(score)
