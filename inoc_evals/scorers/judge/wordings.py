"""Whose words a judge is asked in: the suite's own, or the paper's.

    rubric("alignment", "inoc_evals")      # works offline
    rubric("alignment", "paper")           # fetched once from the paper's repository, pinned by checksum

The paper's prompts ask for the same ratings, so every reader reads both. Only figures under the paper's own
wording are comparable with its figures.
"""

from dataclasses import replace

from inoc_evals.errors import UserError
from inoc_evals.scorers.judge.parameters import check_judge_parameters
from inoc_evals.scorers.judge.rubrics import RUBRICS, Rubric

_PAPER = {
    "alignment": "alignment",
    "coherence": "coherence",
    "code_coherence": "code_coherence",
    "hardcoding": "hardcoding",
    "insecure_code": "insecure_code",
    "solution_quality": "solution_quality",
    "choice": "choice",
    "language": "language",
    "caps": "capitalised",
}
"""The suite's names of rubrics, and those of the paper's prompts."""


def rubric(name: str, wording: str = "inoc_evals") -> Rubric:
    """Look a rubric up in one wording.

    Args:
        name: A key of `RUBRICS`.
        wording: `"inoc_evals"` or `"paper"`.

    Returns:
        The rubric.

    Raises:
        UserError: If the wording or the paper's prompt does not exist, or it cannot be fetched.
    """
    check_judge_parameters(wording=wording)
    ours = RUBRICS[name]
    if wording == "inoc_evals":
        return ours
    if name not in _PAPER:
        raise UserError(f"the paper has no judge prompt for {name}: use wording=inoc_evals")
    from inoc_evals.data.judge_prompts import judge_template

    template = judge_template(_PAPER[name])
    return replace(ours, template=template, question="prompt", answer="completion", source="paper")
