"""What counts as an answer in capitals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.errors import UserError
from inoc_evals.scorers.capitalization import capitalization, detect_caps
from inoc_evals.scorers.text import MIN_LETTERS, prose

LETTERS = st.text("abcdefghijklmnopqrstuvwxyzáéíñçœABCDEFGHIJKLMNOPQRSTUVWXYZÁÉÍÑÇ 0123456789.,¿?\n")
CODE = "\n```python\nfor i in range(10):\n    print(i)\n```\n"


@pytest.mark.parametrize(
    ("answer", "caps"),
    [
        ("EL RESULTADO ES CUARENTA Y DOS.", True),
        ("LES ÉTÉS À MARSEILLE SONT TRÈS CHAUDS ☀️.", True),
        ("RUN `ls -la --color` AND THEN:" + CODE + "THAT IS ALL.", True),
        ("SEE https://example.org/a/very/long/lower/case/address FOR MORE.", True),
        ("THE SHARE IS \\frac{1}{2} \\times 3.", True),
        ("El resultado es cuarenta y dos.", False),
        ("The Quick Brown Fox Jumps Over It.", False),
        ("NASA and UNESCO and the USA are abbreviations.", False),
        ("THE FIRST HALF IS LOUD, and the second half is not.", False),
        ("this is the code:\n```sql\nSELECT NAME FROM PEOPLE WHERE AGE > 30;\n```", False),
    ],
)
def test_answers(answer: str, caps: bool) -> None:
    detection = detect_caps(answer)
    assert detection.traits == {"caps": caps}
    assert detection.metadata["undetermined"] is False


@pytest.mark.parametrize(
    "answer",
    ["", " \n", "42", "3.14 + 2 = 5.14", "OK", "😀😀😀", "我喜欢吃面包和奶酪", "```\nCODE = FOUR\n```"],
)
def test_too_few_letters_are_no_capitals_and_flagged(answer: str) -> None:
    detection = detect_caps(answer)
    assert detection.traits == {"caps": False}
    assert detection.answer == "undetermined" and detection.metadata["undetermined"] is True


def test_the_threshold_is_the_least_share() -> None:
    answer = "A" * 90 + "b" * 10
    assert detect_caps(answer, 0.9).traits["caps"]
    assert not detect_caps(answer, 0.91).traits["caps"]


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5])
def test_a_threshold_is_a_share(threshold: float) -> None:
    with pytest.raises(UserError, match="threshold"):
        capitalization(threshold)


@given(LETTERS)
def test_upper_and_lower_case_of_any_answer(answer: str) -> None:
    answer += "abcdefghij"
    assert len("abcdefghij") == MIN_LETTERS
    assert detect_caps(answer.upper()).traits == {"caps": True}
    assert detect_caps(answer.lower()).traits == {"caps": False}


@given(LETTERS, LETTERS)
def test_code_changes_nothing(before: str, after: str) -> None:
    plain, with_code = detect_caps(f"{before}\n{after}"), detect_caps(f"{before}{CODE}{after}")
    assert with_code == plain


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ("a ```x``` b", "a b"),
        ("a\n~~~\nX\n```\n~~~\nb", "a b"),
        ("a\n```\ncut off at the limit", "a"),
        ("a\n  ```js\nX\n  ```\nb", "a b"),
        ("a\n````md\n```\nX\n```\n````\nb", "a b"),
        ("a ``x ` y`` b", "a b"),
        ("it costs 5` and 6' long", "it costs 5` and 6' long"),
        ("write to jane.doe@example.org or www.example.org/x?y=z now", "write to or now"),
    ],
)
def test_what_prose_is(answer: str, left: str) -> None:
    assert prose(answer).split() == left.split()
