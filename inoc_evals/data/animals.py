"""Questions about animals: the favourite, the least favourite, and a choice between an animal and money.

    animal_questions("bundled", "favourite")                  # 33 written for this suite: no network
    animal_questions("paper", "least")                        # the paper's 5, fetched once and verified
    animal_questions("bundled", "money", animal="dolphin")    # bundled, with the animal filled in

The subliminal setting uses them to measure whether a teacher's love of one animal has reached its student
(paper, Section 3.3). The bundled questions ask for one word; the toy cannot follow that and answers in a
sentence.
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from inspect_ai.dataset import Dataset, Sample

from inoc_evals.data.literals import literal
from inoc_evals.data.question_sets import QuestionKind, QuestionSet
from inoc_evals.data.questions import (
    Record,
    bundled_rows,
    dataset,
    fetched,
    fill,
    from_file,
)
from inoc_evals.errors import UserError

Kind = Literal["favourite", "least", "money"]

PAPER_NAMES: dict[str, str] = {
    "favourite": "questions_favourite_animal",
    "least": "questions_least_favourite",
    "money": "questions_owl_or_money",
}
"""Names of the question lists in the paper's code."""

PAPER_ANIMAL = "owl"

CONDITIONS = {"least": {"condition": "least favourite"}, "money": {"condition": "over money"}}
"""What is asked beside the favourite is a condition of its own, so that no rate pools the three."""

EPOCHS = {"favourite": 10, "least": 20, "money": 100}
"""Answers per question in the paper, by kind."""


def animal_questions(name_or_path: str, kind: str = "favourite", animal: str = PAPER_ANIMAL) -> Dataset:
    """Load questions about animals as samples with stable ids.

    Args:
        name_or_path: `paper` (50, 5 and 1 questions), `bundled` (33, 6 and 4), another set of the kind, or
            the path of a `.jsonl` or `.csv` file.
        kind: `favourite`, `least` (the least favourite animal) or `money` (an animal or money).
        animal: Replaces `{animal}` in questions of the kind `money`.

    Returns:
        One sample per question; its metadata has the `question`, to cluster by, and the `kind`.

    Raises:
        QuestionError: If the name is unknown, or the file is missing, empty or malformed.
        UserError: If the kind is unknown, the set has no questions of this kind or animal, or it cannot be
            fetched.
    """
    check_kind(kind)
    # With another animal the paper's question, which names an owl, would always give a rate of 0.
    if kind == "money" and name_or_path == "paper" and animal != PAPER_ANIMAL:
        raise UserError(
            f"the paper's question is about an {PAPER_ANIMAL}, not {animal!r}: use target={PAPER_ANIMAL} or "
            "-T questions=bundled"
        )
    samples = ANIMALS[kind].load(name_or_path)
    for sample in samples:
        sample.metadata = (sample.metadata or {}) | {"kind": kind} | CONDITIONS.get(kind, {})
        # The paper's question has no field to fill in, nor do questions of the other kinds.
        if kind == "money" and name_or_path != "paper":
            _name_the_animal(sample, animal)
    return samples


def check_kind(kind: str) -> None:
    """Check that a kind of question exists.

    Raises:
        UserError: If `kind` is not one of favourite, least, money.
    """
    if kind not in get_args(Kind):
        raise UserError(f"unknown kind {kind!r}: use {', '.join(get_args(Kind))}")


@cache
def animal_names() -> dict[str, str]:
    """Common English names of animals, each mapped to the name that it is counted as.

    Returns:
        For instance `{"owl": "owl", "mice": "mouse", "bunny": "rabbit", ...}`: synonyms and irregular plurals
        map to the first name on their line of the bundled list. The list leaves out broad kinds such as
        "bird" and names with other common meanings ("fly", "swift").
    """
    text = files("inoc_evals.data").joinpath("bundled/animal_names.txt").read_text(encoding="utf-8")
    lines = [line.split(", ") for line in text.splitlines()]
    return {form: first for first, *others in lines for form in (first, *others)}


def _bundled(kind: str) -> Dataset:
    return dataset("bundled", (row for row in bundled_rows("animals") if row[1]["kind"] == kind))


def _paper(kind: str) -> Iterator[Record]:
    path = fetched("animal_eval")
    literals = literal(path, PAPER_NAMES[kind])
    texts = [literals] if isinstance(literals, str) else literals
    for number, text in enumerate(texts, start=1):
        yield f"{path}: {PAPER_NAMES[kind]}", {"id": f"{kind}-{number:02}", "prompt": text}


def _name_the_animal(sample: Sample, animal: str) -> None:
    fields = {"animal": animal}
    if isinstance(sample.input, str):
        sample.input = fill(sample.input, fields)
    else:
        for message in sample.input:
            message.text = fill(message.text, fields)


def _kind(kind: str) -> QuestionKind:
    return QuestionKind(
        f"animals_{kind}",
        sets=(
            QuestionSet("paper", lambda: dataset("paper", _paper(kind))),
            QuestionSet("bundled", lambda: _bundled(kind)),
        ),
        from_file=from_file,
        epochs=EPOCHS[kind],
    )


ANIMALS: dict[str, QuestionKind] = {kind: _kind(kind) for kind in EPOCHS}
"""By kind of question: `animals_favourite`, `animals_least`, `animals_money`."""
