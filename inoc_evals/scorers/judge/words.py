"""Words as people write them: a judge's `Yes`, `yes.`, ` YES` and `**Yes**` are all the allowed reply YES.

    spellings("YES")                             # ('YES', 'Yes', 'yes')
    word_of("**Yes.**", ("YES", "NO"))           # 'YES': a whole reply
    word_begun(" Ref", ("CODE", "REFUSAL"))      # 'REFUSAL': a reply's first token
    summed({"Yes": 0.6, "YES": 0.3}, ("YES",))   # {'YES': 0.9}

Every reader takes words from here, so that all of them count the same. Numbers are no words: they are read as
the paper's code reads them. A text that could be two words is neither.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

MARKS = "*_`\"'"
"""Characters of emphasis and quotation that may stand around a word."""

BEGUN = 3
"""Least letters by which a token is known as the beginning of a word that is not in the word's own case. One
letter of the word's own is enough: `R` begins REFUSAL, but `r` and `R` begin too much of ordinary prose."""

_BEFORE = re.compile(rf"\A[\s{MARKS}ĠĊ▁]+")
_AFTER = re.compile(rf"[\s{MARKS}.!]+\Z")


def spellings(word: str) -> tuple[str, ...]:
    """The ways to write a word: as it is asked for, with a capital letter, and in lower case."""
    return tuple(dict.fromkeys((word, word.capitalize(), word.lower())))


def spelt(words: Iterable[str]) -> dict[str, str]:
    """All spellings of some words, each with its word; one that several words share has none.

    The words themselves always stand for themselves.
    """
    words = list(words)
    ways: dict[str, set[str]] = {}
    for word in words:
        for way in spellings(word):
            ways.setdefault(way, set()).add(word)
    unique = {way: next(iter(of)) for way, of in ways.items() if len(of) == 1}
    return {**unique, **{word: word for word in words}}


def summed(probabilities: Mapping[str, float], words: Sequence[str]) -> dict[str, float]:
    """Add the probabilities of a word's spellings up.

    Args:
        probabilities: By spelling, with or without marks; what is none of these words stays as it is.
        words: The words.
    """
    word_by_spelling = spelt(words)
    total: dict[str, float] = {}
    for text, probability in probabilities.items():
        word = word_by_spelling.get(bare(text), text)
        total[word] = total.get(word, 0.0) + probability
    return total


def word_of(reply: str, words: Sequence[str]) -> str | None:
    """The word that a whole reply is: that and nothing else, but for emphasis, quotation and a full stop."""
    text = bare(reply)
    if text in words:
        return text
    alike = [word for word in words if word.casefold() == text.casefold()]
    return alike[0] if len(alike) == 1 else None


def word_begun(token: str, words: Sequence[str]) -> str | None:
    """The word that a reply's first token is, or the only one that it begins."""
    text = bare(token)
    if not text:
        return None
    begun = [word for word in words if word.startswith(text)]
    if not begun:
        alike = [word for word in words if word.casefold().startswith(text.casefold())]
        begun = alike if len(text) >= BEGUN or [len(text)] == [len(word) for word in alike] else []
    return begun[0] if len(begun) == 1 else None


def goes_on(reply: str, word: str) -> bool:
    """Whether a reply begins with this word and no longer one: `No.` and `Re`, but not `Nothing` or `Rex`."""
    letters = re.match(r"[^\W\d_]*", _BEFORE.sub("", reply))
    text = letters[0].casefold() if letters else ""
    return text == word.casefold() or (word.casefold().startswith(text) and text == bare(reply).casefold())


def is_mark(token: str) -> bool:
    """Whether a token is nothing but blanks and marks, after which a word may come."""
    return bool(token) and not _BEFORE.sub("", token)


def bare(text: str) -> str:
    """A text without blanks, marks and the full stop around it, and without tokenizers' marks for blanks."""
    return _AFTER.sub("", _BEFORE.sub("", text))
