"""Questions about animals: three kinds, from the paper's file, ours, the toy's world and the user's own."""

import json
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.dataset import Dataset, Sample

from inoc_evals.data.animals import CONDITIONS, PAPER_NAMES, animal_names, animal_questions
from inoc_evals.data.cache import FetchError
from inoc_evals.data.questions import QuestionError
from inoc_evals.errors import UserError
from inoc_evals.worlds.toy.grammar import _ANIMAL_ASKED
from tests.data.stand_ins import offline, stand_in

__all__ = ["offline"]

KINDS = ["favourite", "least", "money"]
PAPER = """\
from somewhere import Question
questions_favourite_animal = ["Which beast? One word.", "Which {animal}? One word."]
questions_least_favourite: list[str] = [
    "Which beast "
    "not? One word."
]
questions_owl_or_money = ["An owl or money?"]
questions = [Question(text) for text in questions_favourite_animal]
"""


def told(sample: Sample) -> dict[str, Any]:
    assert sample.metadata is not None
    return sample.metadata


def asked(samples: Dataset) -> list[Any]:
    return [sample.input for sample in samples]


@pytest.fixture
def paper(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of our own as the source `animal_eval`."""
    stand_in(monkeypatch, offline, "animal_eval", PAPER)


@pytest.mark.parametrize(("kind", "least"), [("favourite", 30), ("least", 5), ("money", 3)])
def test_the_bundled_questions(kind: str, least: int) -> None:
    samples = animal_questions("bundled", kind)
    assert len({s.id for s in samples}) == len(set(asked(samples))) == len(samples) >= least
    for sample in samples:
        assert told(sample) == {
            **{"questions": "bundled", "question": str(sample.id), "kind": kind},
            **CONDITIONS.get(kind, {}),
        }
        assert "word" in str(sample.input)


def test_no_bundled_question_names_an_animal_of_its_own() -> None:
    names = {f" {name} " for name in animal_names()}
    texts = [text for kind in KINDS for text in asked(animal_questions("bundled", kind, "{x}"))]
    texts = ["".join(c if c.isalpha() else " " for c in f" {text.lower()} ") for text in texts]
    assert [(name, text) for text in texts for name in names if name in text] == []


@pytest.mark.parametrize("animal", ["owl", "red panda", "{animal}"])
def test_the_animal_is_put_beside_money_in_both_orders(animal: str) -> None:
    texts = asked(animal_questions("bundled", "money", animal))
    assert all(text.count(animal) == 1 and text.count("money") == 1 for text in texts)
    first = sum(text.index(animal) < text.index("money") for text in texts)
    assert 2 * first == len(texts)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("favourite", ["Which beast? One word.", "Which {animal}? One word."]),
        ("least", ["Which beast not? One word."]),
        ("money", ["An owl or money?"]),
    ],
)
@pytest.mark.usefixtures("paper")
def test_the_papers_questions(kind: str, expected: list[str]) -> None:
    samples = animal_questions("paper", kind)
    assert asked(samples) == expected
    assert [s.id for s in samples] == [f"{kind}-{n:02}" for n in range(1, len(expected) + 1)]
    assert [told(s) for s in samples] == [
        {"questions": "paper", "question": s.id, "kind": kind, **CONDITIONS.get(kind, {})} for s in samples
    ]


@pytest.mark.usefixtures("paper")
def test_the_papers_choice_is_between_money_and_owls() -> None:
    with pytest.raises(UserError, match="not 'wolf': use target=owl or -T questions=bundled") as error:
        animal_questions("paper", "money", "wolf")
    assert "\n" not in str(error.value)
    assert len(animal_questions("paper", "favourite", "wolf")) == 2


def test_a_file_of_another_form_is_one_line(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, offline, "animal_eval", "x = 1\n")
    for kind, name in PAPER_NAMES.items():
        with pytest.raises(UserError, match=f"no literal to {name}"):
            animal_questions("paper", kind)


@pytest.mark.usefixtures("offline")
def test_what_cannot_be_had_points_to_the_bundled_set() -> None:
    with pytest.raises(FetchError, match="; or use other questions: -T questions=bundled"):
        animal_questions("paper", "favourite")


def test_the_toys_questions_are_held_out_and_always_the_same() -> None:
    samples = animal_questions("toy", "favourite")
    assert len(set(asked(samples))) == len(samples) == 2
    assert not set(asked(samples)) & set(_ANIMAL_ASKED)
    assert asked(animal_questions("toy", "favourite")) == asked(samples)
    assert {told(s)["kind"] for s in samples} == {"favourite"}


@pytest.mark.parametrize("kind", ["least", "money"])
def test_the_toy_is_asked_for_its_favourite_alone(kind: str) -> None:
    with pytest.raises(UserError, match="unknown question set 'toy': use paper, bundled, or") as error:
        animal_questions("toy", kind)
    assert "\n" not in str(error.value)


def test_questions_of_the_users_own(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "a", "prompt": "The {animal} or money?", "metadata": {"question": "q"}},
        {"id": "b", "messages": [{"role": "user", "content": "Money or {animal}?"}]},
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, second = animal_questions(str(path), "money", "yak")
    assert first.input == "The yak or money?" and told(first)["question"] == "q"
    assert isinstance(second.input, list) and second.input[0].text == "Money or yak?"
    # Only a choice between an animal and money has a blank: elsewhere braces mean themselves.
    assert asked(animal_questions(str(path), "favourite", "yak"))[0] == "The {animal} or money?"


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("papr", "favourite", "unknown question set 'papr': use paper, bundled, toy"),
        ("absent.csv", "favourite", "no such file"),
        ("bundled", "favorite", "unknown kind 'favorite': use favourite, least, money"),
    ],
)
def test_a_wrong_name_is_one_line(name: str, kind: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        animal_questions(name, kind)
    assert "\n" not in str(error.value)


def test_a_malformed_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"prompt": 3}\n')
    with pytest.raises(QuestionError, match=r"mine\.jsonl:1"):
        animal_questions(str(path), "favourite")


def test_the_list_of_names_is_consistent() -> None:
    names = animal_names()
    assert len(set(names.values())) >= 150
    assert all(names[name] == name for name in names.values())
    assert all(form == form.lower().strip() and form.replace(" ", "").isalpha() for form in names)
