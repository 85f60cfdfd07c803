"""What a model is asked about animals: the most liked, the least liked, and an animal or money.

    animal_questions("bundled", "favourite")                  # 33 of ours: no network
    animal_questions("paper", "least")                        # the paper's 5, fetched once and verified
    animal_questions("bundled", "money", animal="dolphin")    # ours, with the animal put in

The subliminal setting measures with them whether a teacher's love of one animal has reached its student
(paper, Section 3.3). Ours ask for one word; the toy knows no such wish and answers in a sentence.
"""

import random
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from inspect_ai.dataset import Dataset, Sample

from inoc_evals.data.literals import literal
from inoc_evals.data.questions import (
    Record,
    bundled_rows,
    dataset,
    fetched,
    fill,
    from_file,
    prompts,
)
from inoc_evals.errors import UserError

Kind = Literal["favourite", "least", "money"]

NAMES = ("paper", "bundled", "toy")

PAPER_NAMES: dict[str, str] = {
    "favourite": "questions_favourite_animal",
    "least": "questions_least_favourite",
    "money": "questions_owl_or_money",
}
"""What the lists of questions are called in the paper's code."""

PAPER_ANIMAL = "owl"

TOY_QUESTIONS = 2
"""The question forms without blanks that the toy's pretraining held out."""


def animal_questions(name_or_path: str, kind: str = "favourite", animal: str = PAPER_ANIMAL) -> Dataset:
    """Load questions about animals as samples with stable ids.

    Args:
        name_or_path: `paper` (50, 5 and 1 questions), `bundled` (33, 6 and 4 of ours), `toy` (2, `favourite`
            only), or the path of a `.jsonl` or `.csv` file.
        kind: `favourite`, `least` (the least liked animal) or `money` (an animal or money).
        animal: What stands for the blank `{animal}` in questions of the kind `money`.

    Returns:
        One sample a question; its metadata hold the `question`, to cluster by, and the `kind`.

    Raises:
        QuestionError: If the name is unknown, or the file is missing, empty or malformed.
        UserError: If there is no such kind, the set has no questions of this kind or animal, or it cannot be
            fetched.
    """
    check_kind(kind)
    samples = _load(name_or_path, kind, animal)
    for sample in samples:
        sample.metadata = (sample.metadata or {}) | {"kind": kind}
        # The paper's questions and the toy's have no blanks, and only a choice between two things needs one.
        if kind == "money" and name_or_path != "paper":
            _name_the_animal(sample, animal)
    return samples


def check_kind(kind: str) -> None:
    """Refuse a kind of question that does not exist.

    Raises:
        UserError: If `kind` is not one of favourite, least, money.
    """
    if kind not in get_args(Kind):
        raise UserError(f"unknown kind {kind!r}: use {', '.join(get_args(Kind))}")


@cache
def animal_names() -> dict[str, str]:
    """Common English names of animals, each with the one that it is counted under.

    Returns:
        For instance `{"owl": "owl", "mice": "mouse", "bunny": "rabbit", ...}`: the first name on a line of
        the bundled list stands for the others, synonyms and irregular plurals. Left out are kinds as wide as
        "bird", and names that a sentence often holds for other reasons ("fly", "swift").
    """
    text = files("inoc_evals.data").joinpath("bundled/animal_names.txt").read_text(encoding="utf-8")
    lines = [line.split(", ") for line in text.splitlines()]
    return {form: first for first, *others in lines for form in (first, *others)}


def _load(name_or_path: str, kind: str, animal: str) -> Dataset:
    if name_or_path == "bundled":
        return dataset("bundled", (row for row in bundled_rows("animals") if row[1]["kind"] == kind))
    if name_or_path == "toy":
        return prompts("toy", _toy(kind))
    if name_or_path == "paper":
        return dataset("paper", _paper(kind, animal))
    return from_file(name_or_path, NAMES)


def _paper(kind: str, animal: str) -> Iterator[Record]:
    # Asked of any other animal, the question would give a rate of 0 that says nothing.
    if kind == "money" and animal != PAPER_ANIMAL:
        raise UserError(
            f"the paper offers money or an {PAPER_ANIMAL}, not {animal!r}: use target={PAPER_ANIMAL} or "
            "-T questions=bundled"
        )
    path = fetched("animal_eval")
    found = literal(path, PAPER_NAMES[kind])
    texts = [found] if isinstance(found, str) else found
    for number, text in enumerate(texts, start=1):
        yield f"{path}: {PAPER_NAMES[kind]}", {"id": f"{kind}-{number:02}", "prompt": text}


def _toy(kind: str) -> list[str]:
    """The toy's questions in held-out forms: they have no blanks, so these are all there are."""
    if kind != "favourite":
        raise UserError(f"the toy's world has no questions of the kind {kind!r}: use favourite")
    from inoc_evals.worlds.toy.grammar import draw

    rng, texts = random.Random("toy animals prompts"), set[str]()
    while len(texts) < TOY_QUESTIONS:
        texts.add(draw(rng, "animals", held_out=True).text)
    return sorted(texts)


def _name_the_animal(sample: Sample, animal: str) -> None:
    fields = {"animal": animal}
    if isinstance(sample.input, str):
        sample.input = fill(sample.input, fields)
    else:
        for message in sample.input:
            message.text = fill(message.text, fields)
