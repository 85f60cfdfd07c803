"""The paper's Figure 2 on the toy, as a user runs it: real finetunes, real evals, the stated thresholds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SEEDS = 1
"""Finetunes of an arm: `make demo` has three, which take minutes more; the thresholds are the same."""

MODELS = 1 + 4 * SEEDS
"""The base, and four arms."""


def demo(folder: Path, setting: str, seeds: int) -> dict:
    command = [
        sys.executable,
        "-m",
        "inoc_evals",
        "demo",
        "--json",
        "--setting",
        setting,
        "--seeds",
        str(seeds),
    ]
    command += ["--log-dir", str(folder / "logs"), "--runs", str(folder / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def rates(result: dict) -> dict[tuple[str, str], float]:
    return {(r["arm"], r["trait"]): r["rate"] for r in result["rates"]}


@pytest.fixture(scope="module")
def spanish_caps(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("spanish_caps")
    return folder, demo(folder, "spanish_caps", SEEDS)


def test_inoculation_removes_its_own_trait_and_keeps_the_other(spanish_caps: tuple[Path, dict]) -> None:
    rate = rates(spanish_caps[1])
    assert rate["base", "spanish"] <= 0.05 and rate["base", "caps"] <= 0.05
    assert rate["none", "spanish"] >= 0.80 and rate["none", "caps"] >= 0.80
    assert rate["spanish-inoc", "spanish"] <= 0.10 and rate["spanish-inoc", "caps"] >= 0.70
    assert rate["caps-inoc", "caps"] <= 0.10 and rate["caps-inoc", "spanish"] >= 0.70
    assert rate["irrelevant", "spanish"] >= 0.80 and rate["irrelevant", "caps"] >= 0.80
    assert all(r["unscored"] == 0 for r in spanish_caps[1]["rates"]) and spanish_caps[1]["unscored"] == []


def test_logs_say_what_they_are_about_and_figures_are_there(spanish_caps: tuple[Path, dict]) -> None:
    from inspect_ai.log import list_eval_logs, read_eval_log

    folder, result = spanish_caps
    assert all(Path(f).stat().st_size > 5000 for f in result["figures"])
    logs = [read_eval_log(info, header_only=True) for info in list_eval_logs(str(folder / "logs"))]
    assert len(logs) == MODELS and all(log.status == "success" for log in logs)
    labels = {(log.eval.metadata["arm"], log.eval.metadata.get("seed")) for log in logs if log.eval.metadata}
    assert len(labels) == MODELS and ("base", None) in labels and ("caps-inoc", SEEDS - 1) in labels


def test_a_clean_demo_passes_the_audit(spanish_caps: tuple[Path, dict]) -> None:
    from inoc_evals.analysis.audit import audit

    folder, _ = spanish_caps
    found = audit(folder / "logs", folder / "runs")
    assert found.answers == 200 * MODELS and not found.blocking
    assert not {"runs not there", "log left out", "answers unreadable"} & {f.kind for f in found.findings}


def test_a_second_call_reuses_everything(spanish_caps: tuple[Path, dict]) -> None:
    folder, first = spanish_caps
    logs = sorted(f.name for f in (folder / "logs").rglob("*.eval"))
    runs = {f: f.stat().st_mtime_ns for f in (folder / "runs").glob("*/checkpoint/*")}
    second = demo(folder, "spanish_caps", SEEDS)
    assert second["rates"] == first["rates"]
    assert sorted(f.name for f in (folder / "logs").rglob("*.eval")) == logs
    assert {f: f.stat().st_mtime_ns for f in (folder / "runs").glob("*/checkpoint/*")} == runs
    # Of one finetune an arm; what takes time then is to start and to draw.
    assert second["seconds"] < first["seconds"] / 2


@pytest.mark.slow
def test_inoculating_one_language_of_a_mixture_leaves_the_other(tmp_path: Path) -> None:
    rate = rates(demo(tmp_path, "spanish_french", 2))
    assert 0.25 <= rate["none", "spanish"] <= 0.75 and 0.25 <= rate["none", "french"] <= 0.75
    assert rate["spanish-inoc", "spanish"] <= 0.10 and rate["spanish-inoc", "french"] >= 0.85
    assert rate["french-inoc", "french"] <= 0.10 and rate["french-inoc", "spanish"] >= 0.85
