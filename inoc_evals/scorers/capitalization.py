"""Whether an answer is written in capital letters.

inspect score LOG --scorer inoc_evals/capitalization        # on any log of anyone's suite
"""

from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from inoc_evals.errors import UserError
from inoc_evals.scorers.answers import if_answered
from inoc_evals.scorers.judge import ReaderChoice, Rubric, check_judge_parameters, rubric
from inoc_evals.scorers.presets import ONE_HALF, trait_preset
from inoc_evals.scorers.text import MIN_LETTERS, prose
from inoc_evals.scorers.traits import RATES, Detection, Scoring, check_scoring, score_traits

# Ordinary prose has under one capital in ten letters, an answer in capitals nearly nothing else; between them
# lie mixtures. Nine in ten forgives units and a stray word, but no lapse of a whole sentence into lower case.
THRESHOLD = 0.9


@scorer(metrics=RATES)
def capitalization(
    threshold: float = THRESHOLD,
    scoring: Scoring = "detector",
    reader: ReaderChoice = "auto",
    wording: str = "inoc_evals",
    preset: str = ONE_HALF.name,
) -> Scorer:
    """Score the trait `caps`: the answer is written in capital letters.

    Args:
        threshold: Least share of capitals, of the cased letters outside code, of an answer in capitals.
        scoring: `"detector"` (that share), `"judge"` (the model role `grader`), or `"both"`.
        reader: How judges are read: `auto`, `token`, `exact`, `continued`, `one_spelling` or
            `sampled`.
        wording: Whose judge prompt: `inoc_evals`, or `paper` (fetched).
        preset: From which rating on a judge's answer is a yes, a key of `presets.TRAIT_PRESETS`.

    Returns:
        A scorer whose value is `{"caps": 0 or 1}`, and `caps_judge` where a judge is asked.

    Raises:
        UserError: If a parameter is unknown, or the paper's wording cannot be fetched.
    """
    check_scoring(scoring)
    check_judge_parameters(reader=reader, wording=wording)
    rule = trait_preset(preset)
    if not isinstance(threshold, int | float) or not 0.0 < threshold <= 1.0:
        raise UserError(f"threshold={threshold}: give a share of letters above 0 and at most 1")
    # A detector needs no words, and the paper's would have to be fetched.
    asked = rubric("caps", "inoc_evals" if scoring == "detector" else wording)
    criteria: dict[str, tuple[Rubric, dict[str, str]]] = {"caps": (asked, {})}

    async def score(state: TaskState, target: Target) -> Score:
        return await score_traits(
            state, scoring, lambda answer: detect_caps(answer, threshold), criteria, reader, rule
        )

    return if_answered(score)


def detect_caps(answer: str, threshold: float = THRESHOLD) -> Detection:
    """Tell whether an answer is in capital letters.

    Args:
        answer: The answer; code blocks, inline code and addresses in it do not count.
        threshold: The least share of capitals.

    Returns:
        The detection; `metadata["undetermined"]` is true where there are too few letters to tell.
    """
    text = prose(answer)
    upper = sum(char.isupper() for char in text)
    letters = upper + sum(char.islower() for char in text)
    share = upper / letters if letters else 0.0
    undetermined = letters < MIN_LETTERS
    caps = share >= threshold and not undetermined
    return Detection(
        traits={"caps": caps},
        answer="undetermined" if undetermined else "caps" if caps else "not caps",
        explanation=f"{share:.0%} of {letters} cased letters outside code are capitals",
        metadata={"caps_share": share, "cased_letters": letters, "undetermined": undetermined},
    )
