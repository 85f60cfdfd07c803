"""Keys in texts, errors and whatever JSON holds."""

import pytest

from inoc_evals.errors import UserError, first_line, one_line
from inoc_evals.runs.spec import FinetuneSpec
from inoc_evals.secret_keys import hidden_in, keys, without_keys

VARIABLES = (
    "OPENAI_API_KEY",
    "HF_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "GOOGLE_APIKEY",
    "WANDB_API_KEY",
    "DB_PASSWORD",
    "OPENAI_API_KEY_2",
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


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SECRET_MODE", "production"),
        ("TOKEN_LIMIT", "100000000000000000"),
        ("PASSWORD_STORE_DIR", "/home/me/.password-store2"),
        ("KEY_ROTATION_POLICY", "once-every-quarter"),
    ],
)
def test_a_variable_about_keys_that_holds_none_hides_no_word(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert without_keys(f"in {value} mode") == f"in {value} mode"
    monkeypatch.setenv(variable, "hf_a1B2c3D4e5F6g7H8")  # and one that does hold one, hides it
    assert without_keys("with hf_a1B2c3D4e5F6g7H8") == "with [key]"


def test_an_invalid_field_shows_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in our line nor in that of pydantic behind it, which shows what it was given."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-12345")
    wrong = {"epochs": "sk-canary-12345", "report_to": {"x": "sk-canary-12345"}}
    with pytest.raises(UserError) as caught:
        FinetuneSpec.model_validate({"base": "toy", **wrong})
    assert "epochs: input should be a valid number" in str(caught.value) and "got '[key]'" in str(
        caught.value
    )
    assert "canary" not in f"{caught.value} {caught.value.__cause__}"


def test_json_without_a_key_stays_itself() -> None:
    value = {"a": ["b", {"c": 1.5, "d": None}], "e": "sk-12345678"}
    assert hidden_in(value, ["other-key"]) is value
    assert hidden_in(value, ["sk-12345678"]) == {"a": ["b", {"c": 1.5, "d": None}], "e": "[key]"}
