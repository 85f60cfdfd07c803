"""Keys in texts, errors and whatever JSON holds."""

import pytest

from inoc_evals.errors import first_line, one_line
from inoc_evals.secret_keys import hidden_in, keys, without_keys

VARIABLES = (
    "OPENAI_API_KEY",
    "HF_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "GOOGLE_APIKEY",
    "WANDB_API_KEY",
    "DB_PASSWORD",
)


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_key_is_hidden_wherever_it_is_set(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "canary-12345")
    assert without_keys("a canary-12345 b") == "a [key] b"
    assert one_line("bad\ncanary-12345") == "bad [key]" and first_line("canary-12345") == "[key]"


def test_what_guards_nothing_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "EMPTY")
    monkeypatch.setenv("VLLM_API_KEY", "inspectai")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "falsefalse")
    assert without_keys("EMPTY inspectai falsefalse") == "EMPTY inspectai falsefalse"
    assert "from-an-argument" in keys(["from-an-argument", None])


def test_json_without_a_key_stays_itself() -> None:
    value = {"a": ["b", {"c": 1.5, "d": None}], "e": "sk-12345678"}
    assert hidden_in(value, ["other-key"]) is value
    assert hidden_in(value, ["sk-12345678"]) == {"a": ["b", {"c": 1.5, "d": None}], "e": "[key]"}
