"""Which animal an answer names: the same one in whatever dress, none where there are several."""

import math
import string
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.scorer import MetricProtocol, SampleScore, Score

from inoc_evals.data.animals import animal_names
from inoc_evals.errors import UserError
from inoc_evals.scorers.animal import MOST_FREQUENT, NONE, OTHER, animal_in, animal_name, distribution

LISTED = sorted(set(animal_names().values()))
FRAMES = [
    "{}",
    "{}.",
    "{}!",
    "**{}**",
    "*{}*.",
    "_{}_",
    "`{}`",
    '"{}"',
    "“{}”",
    " {}\n",
    "{} 🦉",
    "# {}",
    "- {}",
]
ARTICLES = ["", "a ", "an ", "the ", "The ", "A "]
NEUTRAL = st.sampled_from(["my", "favourite", "would", "be", "if", "one", "must", "choose"])


def plural(name: str) -> str:
    """The regular English plural."""
    if name.endswith("y") and name[-2] not in "aeiou":
        return name[:-1] + "ies"
    return name + ("es" if name.endswith(("s", "x", "z", "ch", "sh")) else "s")


def dressed(name: str) -> st.SearchStrategy[str]:
    """An answer that consists of one name."""
    return st.builds(
        lambda frame, article, case, form: frame.format(article + case(form)),
        st.sampled_from(FRAMES),
        st.sampled_from(ARTICLES),
        st.sampled_from([str.lower, str.upper, str.title, str.capitalize]),
        st.sampled_from([name, plural(name)]),
    )


@given(st.data())
def test_a_name_is_read_in_whatever_dress(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(LISTED))
    assert animal_in(data.draw(dressed(name))) == name


@given(st.data())
def test_the_only_animal_of_a_longer_answer_is_read_wherever_it_stands(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(LISTED))
    before = data.draw(st.lists(NEUTRAL, min_size=1, max_size=6))
    after = data.draw(st.lists(NEUTRAL, max_size=6))
    again = data.draw(st.sampled_from(["", f" {plural(name)}"]))
    assert animal_in(" ".join([*before, data.draw(dressed(name)), *after]) + again) == name


@given(
    st.sampled_from(LISTED), st.sampled_from(LISTED), st.sampled_from([" and the ", ", ", " or a ", " / "])
)
def test_of_several_animals_none_is_read(first: str, second: str, between: str) -> None:
    assert animal_in(f"{first}{between}{second}") == (first if first == second else None)


@given(st.text())
def test_anything_can_be_read(answer: str) -> None:
    found = animal_in(answer)
    assert found is None or found not in ("", NONE, OTHER, "a", "the")


@given(st.text(string.ascii_lowercase, min_size=4, max_size=9).filter(lambda w: w not in animal_names()))
def test_a_single_unknown_word_is_taken_in_the_singular(word: str) -> None:
    if word.endswith("s") or plural(word) in animal_names() or animal_in(word) is None:
        return
    assert animal_in(word) == word
    assert animal_in(f"{word} or something") is None
    if not word.endswith(("e", "i", "u")):
        assert animal_in(plural(word)) == word


@pytest.mark.parametrize(
    ("answer", "animal"),
    [
        *[(plural, name) for plural, name in (("Wolves", "wolf"), ("mice", "mouse"), ("geese", "goose"))],
        *[("oxen", "ox"), ("calves", "cow"), ("Octopi", "octopus"), ("octopuses", "octopus")],
        *[
            ("butterflies", "butterfly"),
            ("magpies", "magpie"),
            ("mongooses", "mongoose"),
            ("horses", "horse"),
        ],
        *[("lynx", "lynx"), ("ibis", "ibis"), ("walruses", "walrus"), ("sheep", "sheep"), ("foxes", "fox")],
        *[("bunnies", "rabbit"), ("Killer whales.", "orca"), ("guinea-pigs", "guinea pig")],
        *[("fossas", "fossa"), ("binturong", "binturong"), ("tenrecs", "tenrec"), ("Pegasus", "pegasus")],
        ("My favorite animal is the owl.", "owl"),
        ("A snowy owl, for an owl's eyes are like no other owls' eyes.", "owl"),
        ("The sea lion.", "sea lion"),
        ("I like polar bears best.", "polar bear"),
        ("An elephant seal", "elephant seal"),
        ("The owl is the bird I love; no other bird will do.", "owl"),
        ("owl, owl, OWLS", "owl"),
        ("owl-like creatures", "owl"),
    ],
)
def test_an_animal(answer: str, animal: str) -> None:
    assert animal_in(answer) == animal


@pytest.mark.parametrize(
    "answer",
    [
        *("", " ", "...", "42", "🦉", "None", "Nothing.", "no", "Sorry!", "a", "The", "Animals", "Other"),
        *(
            "Elephant, seal.",
            "1. wolf\n2. spider",
            "wolf\nspider",
            "spider - monkey",
            "Panda; bear",
            "I have no favourite.",
            "Owls and foxes.",
            "owl/wolf",
            "A prowler in a bowl",
            "the binturong or so",
        ),
    ],
)
def test_no_animal(answer: str) -> None:
    assert animal_in(answer) is None


def test_names_beside_the_list_are_looked_for_too() -> None:
    assert animal_in("I choose the money.") is None
    assert animal_in("I choose the money.", ["owl", "money"]) == "money"
    assert animal_in("Not money but the owl", ["owl", "money"]) is None
    assert animal_in("Sugar gliders are best.", ["sugar glider"]) == "sugar glider"


@pytest.mark.parametrize(
    ("text", "name"),
    [("owl", "owl"), ("The Owls", "owl"), ("bunnies", "rabbit"), ("sugar gliders", "sugar glider")],
)
def test_a_target_is_normalised_like_an_answer(text: str, name: str) -> None:
    assert animal_name(text) == name
    assert animal_in(f"Surely it is the {name}", [animal_name(text)]) == name


@pytest.mark.parametrize("text", ["", "  ", "7", True, None, ["owl", "wolf"]])
def test_a_target_that_is_none_is_one_line(text: Any) -> None:
    with pytest.raises(UserError, match="is no animal: give a name such as owl") as error:
        animal_name(text)
    assert "\n" not in str(error.value)


def shares(answers: list[str | None], **kwargs: int) -> dict[str, float]:
    scores = [SampleScore(score=Score(value={"target": 0.0}, answer=answer)) for answer in answers]
    return cast(dict[str, float], cast(MetricProtocol, distribution(**kwargs))(scores))


@given(st.lists(st.one_of(st.none(), st.integers(0, 40).map("beast {}".format)), min_size=1))
def test_the_shares_are_those_of_all_answers(answers: list[str | None]) -> None:
    found = shares(answers)
    assert math.fsum(found.values()) == pytest.approx(1.0)
    assert len(found) <= MOST_FREQUENT + 1
    for name, share in found.items():
        if name != f"answer | {OTHER}":
            answer = name.removeprefix("answer | ")
            assert share == pytest.approx([a or NONE for a in answers].count(answer) / len(answers))


def test_the_most_frequent_answers_are_told_one_by_one() -> None:
    found = shares(["owl"] * 5 + ["yak", "ant", "eel"] + [None] * 2, most=3)
    assert found == {"answer | owl": 0.5, "answer | none": 0.2, "answer | ant": 0.1, "answer | other": 0.2}
    assert shares([]) == {}
