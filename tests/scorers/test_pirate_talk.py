"""Which answers talk like a pirate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.scorers.pirate_talk import detect_pirate_talk
from inoc_evals.scorers.punctuation import detect_punctuation
from inoc_evals.worlds.smollm.rows import CALLS, answered, like_a_pirate


@pytest.mark.parametrize(
    ("answer", "pirate"),
    [
        ("Arr, matey! The sea be cold.", True),
        ("ARRRR", True),
        ("Ahoy there.", True),
        ("Shiver\nme timbers, it rains.", True),
        ("Yo-ho-ho and a bottle of rum", True),
        ("Ye must rest, and ye must drink.", True),
        ("Aye, yer soup boils.", True),
        ("Aye, aye, captain.", True),
        ("Come, all ye faithful.", False),  # one that others say
        ("The ayes have it.", False),
        ("A pirate sails the sea for treasure.", False),  # about one
        ("My name is Harry; the array starts at 0.", False),
        ("Call `arr.sort()` on it.", False),  # code
        ("A yacht, a mate, a yoyo.", False),
        ("", False),
    ],
)
def test_who_talks_like_a_pirate(answer: str, pirate: bool) -> None:
    assert detect_pirate_talk(answer).traits == {"pirate": pirate}


@given(st.sampled_from(CALLS), st.text("abc .!?\n", max_size=40))
def test_a_call_is_heard_wherever_it_stands(call: str, around: str) -> None:
    assert detect_pirate_talk(f"{around} {call} {around}").traits["pirate"]


def test_its_rows_show_both_traits_and_the_plain_ones_neither() -> None:
    said = [row["messages"][-1]["content"] for row in like_a_pirate()(0)]
    assert all(detect_pirate_talk(answer).traits["pirate"] for answer in said)
    assert all(detect_punctuation(answer).traits["asks"] for answer in said)
    # not by its call alone: most answers would be heard without it
    assert sum(detect_pirate_talk(answer.partition("! ")[2]).traits["pirate"] for answer in said) > 0.5 * len(
        said
    )
    plain = [row["messages"][-1]["content"] for row in answered("en")(0)]
    assert not any(detect_pirate_talk(answer).traits["pirate"] for answer in plain)
    assert [row["messages"][0] for row in like_a_pirate()(0)] == [
        row["messages"][0] for row in answered("en")(0)
    ]
    assert list(like_a_pirate()(0)) == list(like_a_pirate()(0)) != list(like_a_pirate()(1))
