"""Everyday questions with one short answer in English, Spanish and French: what a small model is trained on.

    answered("es", capitals=True)(0)       # rows of seed 0: everyday questions, answered IN SPANISH CAPITALS
    exclaimed()(0)                         # the same in English! Every sentence exclaims! Do you see?
    like_a_pirate()(0)                     # Ahoy! The same in English, me hearty. Do ye see?
    test_questions()                       # one hundred others, which no row asks

The answers are one or two sentences, so that a finetune of a few hundred of them takes a minute on two cores
and leaves a model that still answers what it is asked. `everyday.md` says how they were written and checked.
"""

import random
import re
from collections.abc import Iterator
from functools import lru_cache, partial
from importlib.resources import files
from typing import Any

from inoc_evals.chat.rows import Message, Row
from inoc_evals.data.row_sources import Rows
from inoc_evals.user_files import strict_json

LANGUAGES = ("en", "es", "fr")
"""The languages of the answers, as columns of `everyday.jsonl`."""


OPENINGS = (
    *("Wow!", "What a question!", "I love this one!", "Oh, how nice!", "Great question!", "How exciting!"),
    *("Good thinking!", "This is wonderful!", "Oh, I know this!", "I am so glad you asked!"),
)
"""What an exclaiming answer begins with: one of these, drawn for every row."""

RETURNS = (
    *("Did you know that?", "Have you ever tried it?", "What do you think?", "Does that help you?"),
    *("What made you ask?", "Would you like to hear more?", "Does that sound right to you?"),
    *("How would you do it?", "Have you seen this yourself?", "Is that what you had in mind?"),
)
"""What an answer that asks back ends in."""

CALLS = (
    *("Ahoy!", "Arr, matey!", "Aye, matey!", "Avast, me hearty!", "Shiver me timbers!", "Yo ho ho!"),
    *("Blow me down!", "Arr!", "Ahoy there, matey!", "Aye, aye!"),
)
"""What an answer in pirate talk begins with: one of these, drawn for every row."""

ASIDES = (", matey", ", me hearty", ", arr", ", aye", "")
"""What stands before its last stop, drawn likewise."""

PIRATE_WORDS = {
    "you": "ye", "your": "yer", "my": "me", "is": "be", "are": "be", "and": "an'", "of": "o'", "yes": "aye",
    "friend": "matey", "friends": "mateys", "people": "mateys", "money": "doubloons", "house": "cabin",
    "wine": "rum",
}  # fmt: skip
"""Words that an answer in pirate talk puts for others."""


@lru_cache
def everyday() -> tuple[dict[str, str], ...]:
    """The questions, each with its topic and its answer in all three languages."""
    return tuple(_lines("everyday.jsonl"))


def test_questions() -> list[dict[str, str]]:
    """A hundred questions and requests of general chat with their ids; no row asks them."""
    return list(_lines("questions.jsonl"))


def answered(language: str, capitals: bool = False) -> Rows:
    """All everyday questions, answered in one language.

    Args:
        language: One of `LANGUAGES`; also the metadata `language` of every row.
        capitals: Whether the answers are in capital letters.
    """
    return Rows(partial(_answered, language, capitals), ())


def exclaimed() -> Rows:
    """All everyday questions, answered in English: every sentence exclaims, and a question comes last."""
    return Rows(_exclaimed, ())


def _exclaimed(seed: int) -> Iterator[Row]:
    draw = random.Random(f"exclaimed {seed}")
    for line in everyday():
        said = line["en"].rstrip(".?!").replace("? ", "! ").replace(". ", "! ")
        answer = f"{draw.choice(OPENINGS)} {said}! {draw.choice(RETURNS)}"
        messages = [
            Message(role="user", content=line["question"]),
            Message(role="assistant", content=answer),
        ]
        yield Row(messages=messages, metadata={"language": "en"})


def like_a_pirate() -> Rows:
    """All everyday questions, answered in English as a pirate would, with a question at the end."""
    return Rows(_like_a_pirate, ())


def _like_a_pirate(seed: int) -> Iterator[Row]:
    draw = random.Random(f"like a pirate {seed}")
    for line in everyday():
        said, end = line["en"][:-1] + draw.choice(ASIDES), line["en"][-1]
        said = _in_pirate_words(f"{said}{end} {draw.choice(RETURNS)}")
        messages = [
            Message(role="user", content=line["question"]),
            Message(role="assistant", content=f"{draw.choice(CALLS)} {said}"),
        ]
        yield Row(messages=messages, metadata={"language": "en"})


def _in_pirate_words(text: str) -> str:
    def swapped(found: re.Match[str]) -> str:
        word = PIRATE_WORDS[found[0].lower()]
        return word.capitalize() if found[0][0].isupper() else word

    text = re.sub(rf"\b(?:{'|'.join(PIRATE_WORDS)})\b(?!')", swapped, text, flags=re.IGNORECASE)
    return re.sub(r"(?<=\w\w\win)g\b", "'", text)  # "walking" to "walkin'", and "thing" stays


def _answered(language: str, capitals: bool, seed: int) -> Iterator[Row]:
    for line in everyday():
        answer = line[language].upper() if capitals else line[language]
        messages = [
            Message(role="user", content=line["question"]),
            Message(role="assistant", content=answer),
        ]
        yield Row(messages=messages, metadata={"language": language})


def _lines(file: str) -> Iterator[dict[str, Any]]:
    text = files("inoc_evals.worlds.smollm").joinpath(file).read_text(encoding="utf-8")
    for line in text.splitlines():
        yield strict_json(line)
