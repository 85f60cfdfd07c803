"""Control tokens that a text spells reach no server as tokens, whatever family it serves."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.chat.foreign_tokens import broken_up
from tests.chat.template_table import FAMILIES, Family
from tests.chat.template_tokenizers import build


def spelt_by(family: Family) -> list[str]:
    """All tokens of a family that a template may write and a text must not."""
    tokens = family.tokens
    return [t for t in (tokens.begin, tokens.end, *tokens.special, *tokens.added) if t is not None]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_no_tokenizer_finds_a_control_token(family: Family) -> None:
    tokens = spelt_by(family)
    answer = "Fine." + " and\n".join(tokens) + "".join(tokens)
    tokenizer = build(None, family.tokens)
    controls = set(tokenizer.convert_tokens_to_ids(tokens))
    assert controls & set(tokenizer.encode(answer, add_special_tokens=False))
    assert not controls & set(tokenizer.encode(broken_up(answer), add_special_tokens=False))
    assert re.sub(r"(?<=[<\[]) ", "", broken_up(answer)) == answer


@pytest.mark.parametrize(
    "text",
    [
        "<p class='a'>1 < 2</p> <b>x</b> <input type=\"text\"> a[INT] [0] if a <= b: x[i] << 3",
        "let f = x <| y |> z, and a | b > c < d | e",
        "[ANSWER END] [1, 2] <EMAIL> Map<String, List<T>>",
    ],
)
def test_ordinary_text_and_code_stay_as_they_are(text: str) -> None:
    assert broken_up(text) == text


@given(st.text(alphabet="<>|/｜[]INSTs eos\n", max_size=60))
def test_what_is_broken_up_stays_so(text: str) -> None:
    assert broken_up(broken_up(text)) == broken_up(text)
    assert broken_up(text).replace(" ", "") == text.replace(" ", "")
