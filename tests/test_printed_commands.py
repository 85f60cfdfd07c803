"""Commands that are printed for copying are commands, whatever the folders are called."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests import test_cli

call, rows = test_cli.call, test_cli.rows  # the fixtures

PRINTED = re.compile(r"inspect (?:view|eval) .*|inoc-evals (?:data|demo|audit|report) [^`\n]*")


def printed(said: Any) -> list[list[str]]:
    """The words of every command in what was printed, as a shell takes them."""
    assert said.code == 0, said.err
    return [shlex.split(line) for line in PRINTED.findall(f"{said.out}\n{said.err}")]


@pytest.fixture
def folder(call: Any) -> Path:
    """The current folder in `call` has one with a blank and more in its name."""
    place = Path("voll ä's $HOME")
    place.mkdir()
    return place


@pytest.mark.parametrize("command", ["finetune", "adopt"])
def test_how_to_evaluate_a_run(command: str, call: Any, rows: Path, folder: Path) -> None:
    options = {
        "finetune": [rows, "--base", "toy", "--set", "max_steps=6"],
        "adopt": ["mine", "--base", "x", "--model", "openai/m", "--base-url", "http://127.0.0.1:1/v1"],
    }
    said = call(command, *options[command], "--runs", folder / "runs")
    [words] = printed(said)
    assert words[:4] == ["inspect", "eval", "inoc_evals/spanish_caps", "--model"] and len(words) == 5
    assert words[4].startswith("inoc/") and f"/{folder}/runs/" in words[4]


def test_where_logs_are_and_what_their_audit_says(call: Any, folder: Path) -> None:
    options = ["--sweep", "rank=2,4", "--set", "max_steps=6", "--limit", "2", "--seeds", "1"]
    said = call(
        "run", "--setting", "spanish_caps", "--arms", "none,spanish-inoc", *options, "--log-dir", folder
    )
    assert ["inspect", "view", "--log-dir", str(folder)] in printed(said)
    for words in (["claims", folder, "--all"], ["dose", folder]):
        assert printed(call(*words)) == [["inoc-evals", "audit", str(folder)]], words
        # what was counted with a setting's claims is found with them alone
        named = call(*words, "--setting", "spanish_caps")
        assert printed(named) == [["inoc-evals", "audit", str(folder), "--setting", "spanish_caps"]], words


def test_how_to_have_the_rows_of_a_setting_in_a_file(call: Any, folder: Path) -> None:
    file = folder / "mine.py"
    file.write_text("from inoc_evals import SETTINGS\nmine = SETTINGS['spanish_caps']\n", "utf-8")
    said = printed(call("settings", f"{file}:mine"))
    assert [words[:2] for words in said] == [["inoc-evals", "data"], ["inoc-evals", "demo"]]
    assert all(any(word.endswith(f"{file}:mine") for word in words) for words in said)
