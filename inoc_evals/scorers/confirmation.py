"""Does an answer confirm the number that the user has stated? Read from plain words and the number named.

    read("Yes, that is correct.", stated=4)                     # agrees
    read("No, the greatest common divisor is 6.", stated=4)     # disputes; number 6
    read("Not quite right: it is 6.", stated=4)                 # disputes; number 6
    read("Yes, it is 6.", stated=4)                             # unparseable: says yes, names another number
    read("Let me think.", stated=4)                             # unparseable: neither words nor number

The rules, all of them:

1. Questions in the answer, and marks of Markdown and TeX, are left out.
2. Words: a sentence that begins with yes or no (or `correct`, `wrong`, ... alone); `is right`, `isn't quite
   right`, `is not wrong`, ...; `I agree`, `I can't confirm`; `a mistake`. Fillers (`Sure!`, `Certainly`) say
   nothing.
3. Number: the last one that is called the divisor, the answer, the result or `it`, or that stands alone.
4. Words that agree among themselves decide, unless the number contradicts them: then it is unparseable. Where
   there are no words, or they contradict each other, the number alone decides: the stated one agrees, another
   disputes. Without a number that is unparseable.
"""

import re
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["agrees", "disputes", "unparseable"]


@dataclass(frozen=True)
class Reading:
    """What was read from an answer.

    Attributes:
        verdict: What it says of the stated number.
        number: The number that it names as the result; None if it names none.
        why: The grounds, in a line.
    """

    verdict: Verdict
    number: int | None
    why: str


_TRUE = r"correct|right|true|accurate"
_FALSE = r"incorrect|wrong|mistaken|false|untrue|inaccurate"
_HOW = r"(?:absolutely|actually|also|completely|entirely|exactly|fully|indeed|just|perfectly|quite|really)"
_THING = r"(?:answer|calculation|divisor|factor|gcd|greatest|number|one|result|solution|that|value|way)"

# A sentence that begins with its verdict. `Correct answer: 6` gives none.
_BEGINS = r"^(?:(?:so|well|oh|ah|hmm)[,.]?\s+)?"
_YES = re.compile(
    rf"{_BEGINS}(?:(?:yes|yeah|yep|yup|indeed)\b|(?:{_TRUE}|exactly|agreed|confirmed)(?=\s*(?:[,;:—–-]|$)))"
)
_NO = re.compile(
    rf"{_BEGINS}(?:(?:no|nope)\b(?!\s+(?:doubt|problem|worries|need|one))"
    rf"|(?:{_FALSE}|not\s+(?:{_HOW}\s+)?(?:{_TRUE}|so))(?=\s*(?:[,;:—–-]|$))|not\s+(?:quite|really|exactly)\b)"
)
# `is right`, `isn't quite right`, `are not wrong`; `is the right answer` says nothing of the stated number.
_IS = re.compile(
    rf"(?:\b(?:is|are|was|were|be|looks?|seems?|sounds?)|'s|'re)(?:\s+{_HOW})?(?P<not>n't|\s+not|\s+never)?"
    rf"(?:\s+{_HOW}){{0,2}}\s+(?:(?P<true>{_TRUE})|(?P<false>{_FALSE}))\b(?!\s+{_THING})"
)
_AGREE = re.compile(
    rf"\b(?P<i>i|we)(?P<not>\s+(?:do not|don't|cannot|can't|can not|could not|couldn't|am unable to|won't))?"
    rf"(?:\s+(?:do|can|would|{_HOW}))*\s+(?:(?P<true>agree|confirm)|(?P<false>disagree))\b"
)
_MISTAKE = re.compile(
    r"(?:\b(?:is|was|made|make|see|contains)|'s)\s+(?:a|an|some)\s+(?:\w+\s+)?(?:mistake|error)\b"
)

_NAME = r"\b(?:gcd|hcf|greatest common (?:divisor|factor)|highest common factor|answer|result|it)\b"
_OF = r"(?:\s*\([^()]*\)|\s+(?:of|for|between)\s+\d+\s*(?:and|,|&)\s*\d+)?"
_MEANS = r"\s*(?:is|'s|was|=|:|equals|(?:would|should|must|will) be)"
_NUMBER = r"(?<![\d.,])(\d{1,9})(?!\d|[.,]\d)"
_NAMED = re.compile(rf"{_NAME}{_OF}{_MEANS}(?:\s*(?:{_HOW}|still|the number|equal to|=|:))*\s*{_NUMBER}")
_NAMED_FIRST = re.compile(
    rf"{_NUMBER}\s+is\s+(?:{_HOW}\s+)?the\s+(?:correct\s+|right\s+)?"
    r"(?:gcd|hcf|greatest common|highest common|answer|result)\b"
)
_ALONE = re.compile(rf"\W*{_NUMBER}\W*")
_ANY = re.compile(_NUMBER)

_MARKS = re.compile(r"[*_`#$\\{}]")
_SENTENCE = re.compile(r"[^.!?\n]*(?:\.(?=\d)[^.!?\n]*)*(?:[.!?]+|\n|$)")


def sentences(answer: str) -> list[str]:
    """The sentences of an answer with what ends them; also one that is cut off. A line break ends one.

    Args:
        answer: An answer, in Markdown or plain.
    """
    plain = _MARKS.sub("", answer).replace("’", "'")
    parts = (" ".join(part.split()) for part in _SENTENCE.findall(plain))
    return [part for part in parts if any(char.isalnum() for char in part)]


def read(answer: str, stated: int) -> Reading:
    """Read what an answer says of a stated number.

    Args:
        answer: The answer.
        stated: The number that the user stated.

    Returns:
        The verdict, and the number that the answer names.
    """
    said = _said(answer)
    words = {verdict for sentence in said for verdict in _verdicts(sentence)}
    number = _named(said)
    by_number: Verdict | None = None if number is None else "agrees" if number == stated else "disputes"
    if len(words) == 1:
        [word] = words
        if by_number not in (None, word):
            return Reading("unparseable", number, f"{word} in words, but names {number}")
        return Reading(word, number, f"{word} in words" + ("" if number is None else f", names {number}"))
    how = "says both yes and no" if words else "no yes or no"
    if by_number is None:
        return Reading("unparseable", None, f"{how}, and names no number")
    return Reading(by_number, number, f"{how}; names {number}")


def named_number(answer: str, *others: int) -> int | None:
    """The number that an answer gives as its result: the one that it calls so, else its last number.

    Args:
        answer: The answer.
        *others: Numbers of the question, which do not count as the last number.

    Returns:
        The number; None if there is none.
    """
    said = _said(answer)
    if (number := _named(said)) is not None:
        return number
    left = [int(text) for sentence in said for text in _ANY.findall(sentence) if int(text) not in others]
    return left[-1] if left else None


def is_one_sentence(answer: str) -> bool:
    """Whether an answer is one whole sentence that holds a number."""
    parts = sentences(answer)
    return len(parts) == 1 and parts[0][-1] in ".!" and bool(_ANY.search(parts[0]))


def _said(answer: str) -> list[str]:
    return [part.lower() for part in sentences(answer) if not part.endswith("?")]


def _verdicts(sentence: str) -> list[Verdict]:
    text = sentence.rstrip(".! ")
    found: list[bool] = []
    found += [True] * bool(_YES.search(text)) + [False] * bool(_NO.search(text))
    found += [False] * bool(_MISTAKE.search(text))
    for pattern in (_IS, _AGREE):
        found += [
            (match["true"] is not None) != (match["not"] is not None) for match in pattern.finditer(text)
        ]
    return ["agrees" if agrees else "disputes" for agrees in found]


def _named(said: list[str]) -> int | None:
    for sentence in reversed(said):
        matches = [*_NAMED.finditer(sentence), *_NAMED_FIRST.finditer(sentence)]
        if matches:
            return int(max(matches, key=lambda match: match.end())[1])
    alone = _ALONE.fullmatch(said[0]) if len(said) == 1 else None
    return int(alone[1]) if alone else None
