"""In which language an answer is written.

    inspect score LOG --scorer inoc_evals/language -S languages=german     # on any log of anyone's suite

The detector is lingua (n-gram statistics) in its high-accuracy mode, on lower-cased prose without code. In
low-accuracy mode it is certain of wrong answers ("I think that gardens are small": German, .84).
"""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from inoc_evals.errors import UserError
from inoc_evals.scorers.answers import if_answered
from inoc_evals.scorers.judge import ReaderChoice, check_judge_parameters, rubric
from inoc_evals.scorers.presets import ONE_HALF, trait_preset
from inoc_evals.scorers.text import MIN_LETTERS, prose
from inoc_evals.scorers.traits import (
    RATES,
    Detection,
    Scoring,
    check_scoring,
    score_traits,
)

if TYPE_CHECKING:
    from lingua import LanguageDetector

# What the detector may answer. The neighbours of Spanish and French are listed so that they are not taken for
# them; the languages with a script of their own, which cost nothing, so that an answer in one has a name.
LANGUAGES = (
    *("english", "spanish", "french", "german", "italian", "portuguese", "catalan", "dutch"),
    *("chinese", "japanese", "korean", "russian", "arabic", "hindi"),
)

# Under this confidence (0 to 1, shared out over LANGUAGES) the detector does not know. Measured: of 1,200
# answers of 4 to 12 words in English, Spanish and French, half in capitals, none fell under it and none was
# mistaken; of 1,370 single sentences from GSM8K questions 6 fell under it and 7 were mistaken.
MIN_CONFIDENCE = 0.25


@scorer(metrics=RATES)
def language(
    languages: str | Sequence[str] = ("spanish", "french"),
    scoring: Scoring = "detector",
    reader: ReaderChoice = "auto",
    wording: str = "inoc_evals",
    preset: str = ONE_HALF.name,
) -> Scorer:
    """Score, for each language, the trait that the answer is written in it.

    Args:
        languages: One or several of `LANGUAGES`.
        scoring: `"detector"` (lingua), `"judge"` (the model role `grader`), or `"both"`.
        reader: How judges are read: `auto`, `token`, `exact`, `continued`, `one_spelling` or
            `sampled`.
        wording: Whose judge prompt: `inoc_evals`, or `paper` (fetched).
        preset: From which rating on a judge's answer is a yes, a key of `presets.TRAIT_PRESETS`.

    Returns:
        A scorer whose value is `{"spanish": 0 or 1, ...}`, and `spanish_judge` where a judge is asked.

    Raises:
        UserError: If a parameter is unknown, or the paper's wording cannot be fetched.
    """
    check_scoring(scoring)
    check_judge_parameters(reader=reader, wording=wording)
    rule = trait_preset(preset)
    names = named_languages(languages)
    # A detector needs no words, and the paper's would have to be fetched.
    asked = rubric("language", "inoc_evals" if scoring == "detector" else wording)
    criteria = {name: (asked, {"language": name.capitalize()}) for name in names}

    async def score(state: TaskState, target: Target) -> Score:
        return await score_traits(
            state, scoring, lambda answer: detect_language(answer, names), criteria, reader, rule
        )

    return if_answered(score)


def named_languages(languages: str | Sequence[str]) -> tuple[str, ...]:
    """The languages that a parameter names.

    Args:
        languages: One or several of `LANGUAGES`; in one text they are separated by commas.

    Raises:
        UserError: If it is none of them.
    """
    # `-S languages=` gives None, and a number is no list either
    given = languages.split(",") if isinstance(languages, str) else languages
    names = tuple(str(name).strip() for name in (given if isinstance(given, list | tuple) else (given,)))
    if not names or not set(names) <= set(LANGUAGES):
        raise UserError(f"languages={','.join(names)}: use one or several of {', '.join(LANGUAGES)}")
    return names


def detect_language(answer: str, languages: Sequence[str]) -> Detection:
    """Tell in which language an answer is written, as a whole: a quotation in another does not change it.

    Args:
        answer: The answer, in any case; code blocks, inline code and addresses in it do not count.
        languages: The languages that are traits.

    Returns:
        The detection; its answer is the language, or `"undetermined"` where there are too few letters or
        too little confidence to tell (then it is none of the languages).
    """
    text = prose(answer).lower()
    letters = sum(char.isalpha() for char in text)
    detected, confidence = "undetermined", 0.0
    if letters >= MIN_LETTERS:
        best = _detector().compute_language_confidence_values(text)[0]
        confidence = best.value
        if confidence >= MIN_CONFIDENCE:
            detected = best.language.name.lower()
    return Detection(
        traits={name: name == detected for name in languages},
        answer=detected,
        explanation=f"{detected} (confidence {confidence:.2f}, {letters} letters outside code)",
        metadata={
            "language": detected,
            "confidence": confidence,
            "letters": letters,
            "undetermined": detected == "undetermined",
            "by": _by(),
        },
    )


@cache
def _by() -> str:
    """The detector and its version, for the log: another version may read an answer in another way."""
    return f"lingua {version('lingua-language-detector')}"


@cache
def _detector() -> "LanguageDetector":
    """The detector, loaded once a process (2 seconds, 200 MB); lingua's are safe to share between threads."""
    from lingua import Language, LanguageDetectorBuilder

    return LanguageDetectorBuilder.from_languages(*(Language.from_str(name) for name in LANGUAGES)).build()
