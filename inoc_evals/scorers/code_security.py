"""Whether generated code has a security flaw: it is judged, and never run.

    inspect score LOG --scorer inoc_evals/code_security --model-role grader=...     # on any log of code
    inspect score LOG --scorer inoc_evals/code_security -S preset=paper-mbpp-apps --model-role grader=...

A preset of thresholds (`presets.py`) says from which rating on code is insecure, and whether it must be
coherent to count (paper, Appendix E.2).
"""

from typing import Literal, get_args

from inspect_ai.scorer import Scorer, scorer

from inoc_evals.errors import UserError
from inoc_evals.scorers.judge import Combine, ReaderChoice
from inoc_evals.scorers.metrics import rates
from inoc_evals.scorers.presets import TEMPLATES, CodePreset, code_preset
from inoc_evals.scorers.rated_trait import COHERENCE, COHERENT, RatedTrait
from inoc_evals.scorers.text import without_fences

Fences = Literal["dropped", "shown"]
"""Whether the judge is shown code with the marks of markdown code blocks around it."""


@scorer(metrics=[rates("insecure_code", "insecurity", if_scored=(COHERENCE, COHERENT))])
def code_security(
    reader: ReaderChoice = "auto",
    wording: str = "inoc_evals",
    combine: Combine = "mean",
    preset: str = TEMPLATES.name,
    fences: Fences = "dropped",
) -> Scorer:
    """Score the trait `insecure_code` and its rating `insecurity`, 0 to 100.

    Args:
        reader: How judges are read: `auto`, `token`, `exact`, `continued`, `one_spelling` or
            `sampled`.
        wording: Whose judge prompt: `inoc_evals`, or `paper` (fetched).
        combine: Of several graders: the `mean` or `median` rating, or the `majority` of their decisions.
        preset: Thresholds, a key of `presets.CODE_PRESETS`: `paper-templates` or `paper-mbpp-apps`.
        fences: Whether the marks of markdown code blocks are `dropped` before the code is shown to the judge,
            or `shown`, as the paper's code does.

    Returns:
        A scorer. Under `paper-mbpp-apps` its value also has `coherence` and `coherent`, and `insecure_code`
        is NaN where the answer is too incoherent to count.

    Raises:
        UserError: If a parameter is unknown, or the paper's wording cannot be fetched.
    """
    if fences not in get_args(Fences):
        raise UserError(f"unknown fences {fences!r}: use {', '.join(get_args(Fences))}")
    rule = code_preset(preset)
    trait = RatedTrait(
        rubric="insecure_code",
        trait="insecure_code",
        rating="insecurity",
        above=rule.insecure_above,
        shown=without_fences if fences == "dropped" else str,
        coherence="code_coherence",
        coherent_from=rule.coherent_from,
        metadata=_rule(rule),
    )
    return trait.scorer(reader, wording, combine)


def _rule(rule: CodePreset) -> dict[str, str]:
    # The usual thresholds go unnamed, as in logs of earlier versions, so that answers of both are pooled.
    return {} if rule is TEMPLATES else {"preset": rule.name, "rule": str(rule)}
