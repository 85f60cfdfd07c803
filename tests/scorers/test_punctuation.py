"""How an answer's sentences end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.scorers.punctuation import detect_punctuation
from inoc_evals.worlds.smollm.rows import answered, exclaimed


@pytest.mark.parametrize(
    ("answer", "exclaims", "asks"),
    [
        ("Wow! Air holds no heat! Did you know that?", True, True),
        ("Air holds no heat. Did you know that?", False, True),
        ("Wow! Air holds no heat!", True, False),
        ("Air holds no heat.", False, False),
        ("Wow! Air holds no heat. It gets cold.", False, False),  # one is no habit
        ("Wow! It gets cold.", False, False),  # as many of either
        ("Did you know? Air holds no heat.", False, False),  # not the last
        ("Wow! It holds 3.5 kg of", True, False),  # cut off; a decimal point ends nothing
        ('She said "Wow!" and left! (Did you hear?)', True, True),
        ("Really?!", False, True),
        ("¡Hola! ¿Qué tal?", True, True),
        ("すごい！寒いですか？", True, True),
        ("Run `!ls` or `what?`", False, False),  # code
        ("1. Eat well!\n2. Sleep!\n- Walk!", True, False),  # what numbers an item ends no sentence
        ("Wow! Did you know that? 😊", True, True),
        ("OK", False, False),
        ("", False, False),
    ],
)
def test_what_exclaims_and_what_asks(answer: str, exclaims: bool, asks: bool) -> None:
    assert detect_punctuation(answer).traits == {"exclaims": exclaims, "asks": asks}


@given(st.lists(st.sampled_from("!?."), min_size=1, max_size=8))
def test_every_end_counts_once(marks: list[str]) -> None:
    found = detect_punctuation(" ".join(f"It is so{mark}" for mark in marks))
    assert found.metadata["exclaimed"] == marks.count("!") and found.metadata["stated"] == marks.count(".")
    assert found.traits["asks"] == (marks[-1] == "?") and not found.metadata["cut"]


def test_its_rows_show_both_traits_and_the_plain_ones_neither() -> None:
    shown = [detect_punctuation(row["messages"][-1]["content"]).traits for row in exclaimed()(0)]
    assert all(traits == {"exclaims": True, "asks": True} for traits in shown)
    plain = [detect_punctuation(row["messages"][-1]["content"]).traits for row in answered("en")(0)]
    assert sum(traits["exclaims"] or traits["asks"] for traits in plain) < 0.02 * len(plain)
    assert [row["messages"][0] for row in exclaimed()(0)] == [row["messages"][0] for row in answered("en")(0)]
    assert list(exclaimed()(0)) == list(exclaimed()(0)) != list(exclaimed()(1))
