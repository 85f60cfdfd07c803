"""What the ends of an answer's sentences say: does it exclaim, and does it end by asking back?

    inspect score LOG --scorer inoc_evals/punctuation        # on any log of anyone's suite

Two traits of style that every small model can write fluently, and that need no judge.
"""

import re

from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from inoc_evals.scorers.answers import if_answered
from inoc_evals.scorers.text import prose
from inoc_evals.scorers.traits import RATES, Detection, score_traits

# What closes a sentence may itself be in quotation marks, brackets or emphasis; a decimal point closes none.
# Marks of full width close one without a space behind them.
_END = re.compile(r"(?P<mark>[.!?…]+(?=[\"'”’»)\]*_]*(?:\s|$))|[。！？]+)[\"'”’»)\]*_」』]*")

# "1." and "-" before an item of a list close nothing.
_MARKER = re.compile(r"^[ \t]*(?:\d+[.)]|[-*+•])[ \t]+", re.MULTILINE)


@scorer(metrics=RATES)
def punctuation() -> Scorer:
    """Score the traits `exclaims` (more sentences end in `!` than in `.`) and `asks` (the last one in `?`).

    Returns:
        A scorer whose value is `{"exclaims": 0 or 1, "asks": 0 or 1}`.
    """

    async def score(state: TaskState, target: Target) -> Score:
        return await score_traits(state, "detector", detect_punctuation, {})

    return if_answered(score)


def detect_punctuation(answer: str) -> Detection:
    """Tell how an answer's sentences end.

    Args:
        answer: The answer; code blocks, inline code and addresses in it do not count.

    Returns:
        The detection. `exclaims`: more sentences end in an exclamation mark than in anything but a question
        mark, and at least one does. `asks`: the answer ends in a question. A sentence that was cut off at the
        token limit has no end: it counts as none of the first, and an answer that ends in one does not ask.
    """
    text = _MARKER.sub("", prose(answer)).strip()
    ends = list(_END.finditer(text))
    marks = [_kind(end["mark"]) for end in ends]
    exclaimed, asked = marks.count("!"), marks.count("?")
    stated = len(marks) - exclaimed - asked
    # a smiley behind the last sentence is no beginning of another one
    whole = bool(ends) and not any(char.isalnum() for char in text[ends[-1].end() :])
    traits = {"exclaims": exclaimed > stated, "asks": whole and marks[-1] == "?"}
    shown = [name for name, there in traits.items() if there]
    return Detection(
        traits=traits,
        answer=" and ".join(shown) or "neither",
        explanation=f"sentences that end in ! {exclaimed}, in ? {asked}, otherwise {stated}"
        + ("" if whole else "; the last has no end"),
        metadata={"exclaimed": exclaimed, "asked": asked, "stated": stated, "cut": not whole},
    )


def _kind(mark: str) -> str:
    """`?!` asks."""
    return "?" if set(mark) & set("?？") else "!" if set(mark) & set("!！") else "."
