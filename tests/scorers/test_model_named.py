"""A model that cannot be asked is one line wherever a command takes its name."""

from pathlib import Path
from typing import Any

import pytest

from tests import test_cli

call, rows = test_cli.call, test_cli.rows  # the fixtures

LOG = next((Path(__file__).parents[1] / "written_by_0_1_0" / "logs" / "judged").rglob("*.eval"))

COMMANDS: dict[str, list[str]] = {
    "judges": ["judges", str(LOG), "--grader"],
    "import": ["import", "a.csv", "-o", "logs", "--scorer", "language", "-S", "scoring=judge", "--grader"],
    "inoculate": [
        *("inoculate", "rows.jsonl", "--prompt", "x", "-o", "out.jsonl"),
        *("--where-scored", "alignment:misaligned > 0.5", "--grader"),
    ],
    "screen": [
        *("screen", "rows.jsonl", "--prompts", "p.txt", "--base", "toy", "--task", "emergent_misalignment"),
        "--grader",
    ],
    "numbers": ["data", "numbers", "-o", "out.jsonl", "--model"],
    "rewrite": ["data", "rewrite", "rows.jsonl", "--language", "spanish", "-o", "out.jsonl", "--model"],
    "run": ["run", "--setting", "insecure_code", "--seeds", "1", "--grader"],
    "reproduce": ["reproduce", "--seeds", "1", "--grader"],
}

REFUSED = {
    "openai/gpt-4o": "Unable to initialise OpenAI client: No OPENAI_API_KEY, ",
    "gpt-4o": "Model name 'gpt-4o' should be in the format of <api_name>/<model_name>.",
    "nowhere/gpt": "Model API nowhere of model 'nowhere/gpt' not recognized.",
}


@pytest.mark.parametrize("model", REFUSED)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_model_that_cannot_be_asked_is_one_line(
    command: str, model: str, call: Any, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("OPENAI_API_KEY", "AZUREAI_OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    Path("a.csv").write_text("question,answer\nHow?,So.\n", "utf-8")
    Path("p.txt").write_text("Be kind.\n", "utf-8")
    said = call(*COMMANDS[command], model)
    assert said.code == 2 and not said.out
    assert f"{model!r} cannot be asked: {REFUSED[model]}" in said.fault
    assert "[bold]" not in said.err and "ERROR" not in said.err
    assert not any(map(Path.exists, map(Path, ("out.jsonl", "logs", "runs"))))
