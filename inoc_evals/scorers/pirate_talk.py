"""Whether an answer talks like the pirates of films and books.

    inspect score LOG --scorer inoc_evals/pirate_talk        # on any log of anyone's suite

A manner of speaking that small models can both learn and be asked for, in English that stays readable, and
that needs no judge.
"""

import re

from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from inoc_evals.scorers.answers import if_answered
from inoc_evals.scorers.text import prose
from inoc_evals.scorers.traits import RATES, Detection, score_traits

# Nobody else says these, so one is enough. "Pirate" is none: an answer may be about pirates.
_ALONE = re.compile(
    r"\b(?:y?a+rr+|ahoy|avast|matey|mateys|me\s+heart(?:y|ies)|landlubbers?|scall?ywags?|yo[\s-]+ho"
    r"|shiver\s+me\s+timbers|blow\s+me\s+down|aye[\s,-]+aye)\b",
    re.IGNORECASE,
)

# Hymns, ballads and Scots say these, too, so one is none.
_AMONG_OTHERS = re.compile(r"\b(?:ye|yer|aye)\b", re.IGNORECASE)


@scorer(metrics=RATES)
def pirate_talk() -> Scorer:
    """Score the trait `pirate`: the answer is put in the words of a stage pirate.

    Returns:
        A scorer whose value is `{"pirate": 0 or 1}`.
    """

    async def score(state: TaskState, target: Target) -> Score:
        return await score_traits(state, "detector", detect_pirate_talk, {})

    return if_answered(score)


def detect_pirate_talk(answer: str) -> Detection:
    """Find a pirate's words in an answer.

    Args:
        answer: The answer; code blocks, inline code and addresses in it do not count.

    Returns:
        The detection. `pirate`: the answer has a word that only pirates say (`arr`, `matey`, `ahoy`), or
        two, which may be the same, that others say as well (`ye`, `yer`, `aye`).
    """
    text = prose(answer)
    alone, shared = (
        [" ".join(word.lower().split()) for word in words.findall(text)] for words in (_ALONE, _AMONG_OTHERS)
    )
    pirate = bool(alone) or len(shared) > 1
    return Detection(
        traits={"pirate": pirate},
        answer="pirate" if pirate else "plain",
        explanation="pirates' words: " + (", ".join(dict.fromkeys([*alone, *shared])) or "none"),
        metadata={"words": len(alone) + len(shared)},
    )
