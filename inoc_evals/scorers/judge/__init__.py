"""The judge that model-graded scorers share: what it is asked, how it is read, and what becomes of its reply.

    from inoc_evals.scorers.judge import ask, check_judge_parameters, rubric

    check_judge_parameters(reader="auto", wording="paper")
    panel = await ask(rubric("alignment", "paper"), question, answer)      # every model in the role `grader`
    panel.value("mean")                                                    # 93.7, or None: see panel.failed

Scorers import from here and from no module of the package. The modules in the order in which an answer passes
them: `parameters`, `rubrics` and `wordings` (the request), `reader_choice`, `readers` and `one_spelling` (the
judge's reply), `result` (one judge), `panel` (all of them), `scores` (Inspect's score).
"""

from inoc_evals.scorers.judge import rubrics
from inoc_evals.scorers.judge.panel import (
    NO_GRADER,
    Panel,
    ask,
    combined,
    majority,
    probe_graders,
    require_grader,
    several_graders,
    short_name,
)
from inoc_evals.scorers.judge.parameters import (
    Combine,
    ReaderChoice,
    Wording,
    YesNo,
    check_judge_parameters,
)
from inoc_evals.scorers.judge.reader_choice import READER_TEST_PROMPT, reader_for
from inoc_evals.scorers.judge.readers import READERS
from inoc_evals.scorers.judge.result import (
    JudgeResult,
    Reader,
    YesProbability,
    paper_yes_probability,
    yes_probability,
)
from inoc_evals.scorers.judge.rubrics import RUBRICS, Rubric, fill
from inoc_evals.scorers.judge.scores import (
    empty_answer,
    explanation,
    failure_reason,
    grader_columns,
    judge_metadata,
    or_nan,
    unscored,
)
from inoc_evals.scorers.judge.wordings import rubric

__all__ = [  # noqa: RUF022 (in sections)
    # The parameters that every judged task and scorer takes
    "Combine",
    "ReaderChoice",
    "Wording",
    "YesNo",
    "check_judge_parameters",
    # What a judge is asked
    "RUBRICS",
    "Rubric",
    "fill",
    "rubric",
    "rubrics",
    # Asking every model in the role `grader`
    "NO_GRADER",
    "Panel",
    "ask",
    "combined",
    "majority",
    "probe_graders",
    "require_grader",
    "several_graders",
    "short_name",
    # What one judge said
    "JudgeResult",
    "Reader",
    "YesProbability",
    "paper_yes_probability",
    "yes_probability",
    # From results to Inspect's scores
    "empty_answer",
    "explanation",
    "failure_reason",
    "grader_columns",
    "judge_metadata",
    "or_nan",
    "unscored",
    # Reading one judge, without the role `grader`
    "READERS",
    "READER_TEST_PROMPT",
    "reader_for",
]
