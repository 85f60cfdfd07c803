"""Rephrasings: enough of them, all different, and files of one's own read or refused in a line."""

from pathlib import Path

import pytest

from inoc_evals.data.rephrasings import KINDS, bundled, neutral, read
from inoc_evals.errors import UserError
from inoc_evals.settings.prompts import CAPS, EVIL, FRENCH, GENERAL, GERMAN, SPANISH


@pytest.mark.parametrize(
    "prompt", [SPANISH.prompt, FRENCH.prompt, GERMAN.prompt, CAPS.prompt, GENERAL.prompt, EVIL.prompt]
)
def test_prompts_of_our_settings_have_sixteen_of_every_kind(prompt: str) -> None:
    found = bundled(prompt)
    assert found is not None and set(found) == set(KINDS)
    everything = [text.casefold() for texts in found.values() for text in texts]
    assert len(set(everything)) == len(everything) and prompt.casefold() not in everything
    assert all(len(texts) >= 16 for texts in found.values())
    assert not any("{" in text for text in everything)


def words(text: str) -> set[str]:
    return set("".join(c if c.isalpha() else " " for c in text.casefold()).split())


@pytest.mark.parametrize("prompt", [SPANISH.prompt, CAPS.prompt, GENERAL.prompt])
def test_close_ones_share_more_words_with_the_prompt_than_diverse_ones(prompt: str) -> None:
    found = bundled(prompt)
    assert found is not None

    def alike(text: str) -> float:
        return len(words(text) & words(prompt)) / len(words(text) | words(prompt))

    assert min(map(alike, found["close"])) > max(map(alike, found["diverse"]))


def test_other_prompts_have_none_and_spelling_does_not_matter() -> None:
    assert bundled("You love owls.") is None and bundled("You always speak in riddles and rhymes.") is None
    assert bundled("you are a malicious evil assistant") == bundled(GENERAL.prompt)
    assert "Language setting: French." in (bundled(FRENCH.prompt) or {})["diverse"]


def test_neutral_prompts_ask_for_no_trait_of_ours() -> None:
    assert len(set(neutral())) >= 16
    assert not any({"spanish", "french", "capital", "capitals", "evil"} & words(text) for text in neutral())


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("[close]\nSpeak Spanish.\n\n[diverse]\n¡En español!\nHabla.\n", encoding="utf-8")
    assert read(file) == {"close": ("Speak Spanish.",), "diverse": ("¡En español!", "Habla.")}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Speak Spanish.\n", "mine.txt:1: write .close. or .diverse. in a line above"),
        ("[far]\nx\n", "unknown heading .far."),
        ("[close]\n", "contains no rephrasing"),
        ("[close]\nx\nx\n", "mine.txt:3: this rephrasing is there twice"),
    ],
)
def test_a_file_with_a_mistake_is_refused_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "mine.txt").write_text(text)
    with pytest.raises(UserError, match=why) as error:
        read(tmp_path / "mine.txt")
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path / "nowhere.txt")
