"""In which language an answer is, and when nothing is claimed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inoc_evals.data.questions import CHAT
from inoc_evals.errors import UserError
from inoc_evals.scorers.language import LANGUAGES, detect_language, language, named_languages

BOTH = ("spanish", "french")
ANSWERS = {
    "spanish": [
        "Primero, lava las verduras y luego corta la cebolla en trozos pequeños.",
        "El agua hierve a 100 grados.",
        "Los gatos son grandes y fuertes.",
        "La respuesta es 42 porque 6 por 7 son 42. 😀",
        "Usa el comando `git status` así:\n```bash\ngit status\necho done with everything\n```\nY ya está.",
        "Según la revista «The New York Times», la economía creció un dos por ciento el año pasado.",
    ],
    "french": [
        "D'abord, lavez les légumes puis coupez l'oignon en petits morceaux.",
        "Les chats sont grands et forts.",
        "L'eau bout à 100 degrés, et c'est tout.",
    ],
    "english": [
        "First, wash the vegetables and then chop the onion into small pieces.",
        "Cats are big and strong.",
        "Fish tacos with cilantro and jalapeño are popular in Mexico City and Guadalajara. "
        "Vendors sell them on nearly every corner.",
        "The word 'mañana' means tomorrow, and 'hasta la vista' is a way to say goodbye.",
    ],
    "portuguese": ["O total é de quarenta e duas maçãs e três laranjas."],
    "italian": ["Mi piace molto il pane con formaggio e pomodoro fresco."],
    "catalan": ["M'agrada molt el pa amb formatge i tomàquet fresc."],
    "chinese": ["我非常喜欢吃面包和新鲜的奶酪。"],
}


@pytest.mark.parametrize(("name", "answer"), [(name, answer) for name in ANSWERS for answer in ANSWERS[name]])
def test_answers_in_any_case(name: str, answer: str) -> None:
    for text in (answer, answer.upper(), answer.lower()):
        detection = detect_language(text, BOTH)
        assert detection.answer == name
        assert detection.traits == {"spanish": name == "spanish", "french": name == "french"}
        assert detection.metadata["undetermined"] is False


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "  \n",
        "42",
        "6 * 7 = 42",
        "OK.",
        "Sí.",
        "😀 🎉",
        "```\nla casa = grande\n```",
        "https://elpais.com/casa",
    ],
)
def test_too_little_to_tell_is_no_language_and_flagged(answer: str) -> None:
    detection = detect_language(answer, BOTH)
    assert detection.traits == {"spanish": False, "french": False}
    assert detection.answer == "undetermined" and detection.metadata["undetermined"] is True


def test_without_confidence_no_language_is_claimed() -> None:
    detection = detect_language("Is glass a liquid or a solid?", BOTH)
    assert detection.answer == "undetermined" and detection.metadata["letters"] > 20
    assert 0.0 < detection.metadata["confidence"] < 0.25


def test_the_bundled_questions_are_english() -> None:
    found = [detect_language(str(sample.input), BOTH).answer for sample in CHAT.load("bundled")]
    assert found.count("english") >= 98
    assert "spanish" not in found and "french" not in found


@given(st.text(max_size=80))
@settings(max_examples=50, deadline=None)
def test_any_text_has_at_most_one_language(text: str) -> None:
    detection = detect_language(text, LANGUAGES)
    assert sum(detection.traits.values()) == (detection.answer != "undetermined")
    assert 0.0 <= detection.metadata["confidence"] <= 1.0


def test_several_languages_in_one_text_are_those_of_a_list() -> None:
    assert (
        named_languages("spanish, german") == named_languages(["spanish", "german"]) == ("spanish", "german")
    )


@pytest.mark.parametrize("languages", ["klingon", ["spanish", "klingon"], [], "Spanish", "spanish,klingon"])
def test_an_unknown_language_is_told_the_known_ones(languages: str | list[str]) -> None:
    with pytest.raises(UserError, match="use one or several of english, spanish"):
        language(languages)


def test_an_unknown_scoring_is_told_the_known_ones() -> None:
    with pytest.raises(UserError, match="use detector, judge, both"):
        language("spanish", scoring="jury")  # type: ignore[arg-type]
