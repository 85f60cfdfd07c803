"""`inoc-evals reproduce`, small: two settings, one seed, few steps and questions, and for real."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = "learning_dynamics,side_effects"
OPTIONS = ["--seeds", "1", "--limit", "10", "--set", "max_steps=4"]
OPTIONS += ["--workers", "1"]  # a second one would import torch, too


def reproduce(folder: Path, *options: str, setting: str = SETTINGS) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "inoc_evals", "reproduce", "--setting", setting, *OPTIONS, *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reproduce")
    made = reproduce(folder)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("Claims: ") and "Report: logs/reproduce-report/index.html" in made.stdout
    return folder


def test_it_ends_in_a_report_on_every_setting(work: Path) -> None:
    report = json.loads((work / "logs" / "reproduce-report" / "report.json").read_text())
    assert [part["setting"] for part in report["settings"]] == ["learning_dynamics", "side_effects"]
    dynamics, side = report["settings"]
    assert {row["arm"] for row in dynamics["rates"]} == {"base", "none", "caps-inoc", "spanish-inoc"}
    assert "Log-probs while it trained" in dynamics["figures"]
    assert [v["claim"] for v in side["verdicts"]] == [
        f"{arm} {trait}: same as base" for arm in ("none", "general-inoc") for trait in ("french", "caps")
    ]
    assert all(v["n"] == 20 for v in side["verdicts"])
    base = next(row for row in side["rates"] if row["arm"] == "base")
    assert base["traits"]["french"]["rate"] > 0.8  # the toy does as its system prompt says
    assert report["command"].startswith("inoc-evals reproduce --setting learning_dynamics,side_effects")


def test_called_again_it_makes_nothing_again(work: Path) -> None:
    logs = {file: file.stat().st_mtime for file in (work / "logs" / "reproduce").rglob("*.eval")}
    again = reproduce(work, "--json")
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert told["page"] == "logs/reproduce-report/index.html" and len(told["verdicts"]) == 10
    assert {file: file.stat().st_mtime for file in (work / "logs" / "reproduce").rglob("*.eval")} == logs


def test_what_cannot_be_had_is_one_line(tmp_path: Path) -> None:
    refused = reproduce(tmp_path, "--base", "some/model", "--world", "paper")
    assert refused.returncode == 2 and refused.stdout == ""
    assert refused.stderr.strip().count("\n") == 0 and refused.stderr.startswith("inoc-evals: ")
    assert not list(tmp_path.iterdir())


def test_a_world_that_nobody_knows_is_named(tmp_path: Path) -> None:
    refused = reproduce(tmp_path, "--world", "mars", setting="all")
    assert refused.returncode == 2
    assert refused.stderr.strip().startswith(
        "inoc-evals: experiment: no setting has rows in world 'mars': use "
    )
