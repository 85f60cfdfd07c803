"""Every command on logs that `inoc-evals import` made of a CSV: what it shows with scores, and without."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inoc_evals.analysis.log_rows import SUITE
from tests import test_cli
from tests.analysis.test_import import ENGLISH, SPANISH

call = test_cli.call  # the fixture

QUESTIONS = [f"What do you do on day {n}?" for n in range(12)]


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """A CSV of two groups: one that answers in English, and one in Spanish."""
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "inspect-cache"))
    monkeypatch.chdir(tmp_path)

    def written(first: str, second: str) -> str:
        with Path("answers.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["group", "question", "answer"])
            for group, answer in ((first, ENGLISH), (second, SPANISH)):
                rows.writerows([group, question, answer] for question in QUESTIONS)
        return "answers.csv"

    return written


def test_logs_that_a_detector_scored(call: Any, answers: Any) -> None:
    done = call(
        *("import", answers("base", "none"), "-o", "logs/mine", "--scorer", "language"),
        *("--setting", "spanish_caps"),
    )
    assert done.code == 0 and "inoc-evals report logs/mine" in done.out, done.err
    told = call("claims", "logs/mine", "--json")
    [measured] = [one for one in told.json["verdicts"] if one["verdict"] != "not measured"]
    assert (measured["claim"], measured["verdict"]) == ("none spanish: more than base", "supported")
    shown = call("claims", "logs/mine")
    assert "supported" in shown.out and "--all shows these, too" in shown.out and not shown.out.count("nan")
    assert "24 answers in 2 logs" in call("audit", "logs/mine").out
    assert call("report", "logs/mine", "--no-viewer").code == 0
    [part] = _section("logs/mine-report")
    assert "100\u00a0%" in part["found"]
    assert SUITE in part["method"][1] and "lingua" in part["method"][1]
    why = call("judges", "logs/mine").fault
    assert "judge" in why and "--grader" in why


def test_logs_that_a_judge_scored_of_groups_with_names_of_their_own(call: Any, answers: Any) -> None:
    done = call(
        *("import", answers("gpt-4.1", "my-finetune"), "-o", "logs/mine"),
        *("--scorer", "alignment", "--grader", "inoc/toy-judge"),
    )
    assert done.code == 0, done.err
    assert "inoc-evals report logs/mine --to gpt-4.1" in done.out
    assert call("report", "logs/mine", "--to", "gpt-4.1", "--no-viewer").code == 0
    [part] = _section("logs/mine-report")
    assert {row["to"] for row in part["differences"]} == {"gpt-4.1"}
    assert "toy-judge" in part["method"][1] and part["audit"] is not None
    judged = call("judges", "logs/mine")
    assert judged.code == 0 and "toy-judge" in judged.out and "nan" not in judged.out, judged.err
    assert call("claims", "logs/mine").code == 0


def test_logs_without_a_score_say_how_to_get_one(call: Any, answers: Any) -> None:
    assert call("import", answers("base", "none"), "-o", "logs/mine").code == 0
    for command in ("report", "claims", "audit"):
        why = call(command, "logs/mine").fault
        assert "no sample with scores" in why and "import" in why, command
    assert not Path("logs/mine-report").exists()
    assert "--grader" in call("judges", "logs/mine").fault
    told = call("judges", "logs/mine", "--grader", "inoc/toy-judge")  # which needs no scores to be there
    assert told.code == 0 and "toy-judge" in told.out, told.err


def _section(folder: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(Path(folder, "report.json").read_text(encoding="utf-8"))[
        "settings"
    ]
    return found
