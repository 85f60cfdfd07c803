"""An experiment killed again and again, or with a failing server: the same results, nothing twice.

Answers are compared letter by letter, so they are drawn one after the other (`deterministic`, also by the
server): what shares a batch changes where a death or a fault falls, and one draw in thousands by rounding.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from inspect_ai.log import read_eval_log

from tests.fake_openai import FinetuningServer

pytestmark = pytest.mark.slow

KILLS = 30
ARMS, SEEDS = ("none", "spanish-inoc", "caps-inoc", "irrelevant"), 3
KEY = "sk-test-0123456789"


def command(folder: Path, *more: str) -> list[str]:
    words = [sys.executable, "-m", "inoc_evals", "run", "--setting", "spanish_caps", "--seeds", str(SEEDS)]
    words += ["--arms", ",".join(ARMS), "--limit", "60", *(more or ("-M", "deterministic=true"))]
    return [*words, "--runs", str(folder / "runs"), "--log-dir", str(folder / "logs")]


def finish(folder: Path, *more: str, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command(folder, *more), capture_output=True, text=True, check=False, env={**os.environ, **(env or {})}
    )
    assert done.returncode == 0, done.stderr[-2000:]


def kill_often(folder: Path, *more: str, longest: float, env: dict[str, str] | None = None) -> int:
    """Start it, and kill it and all its workers at a random moment, until it has been killed 30 times."""
    dice, kills, watched = random.Random(7), 0, Watch(folder)
    for _ in range(3 * KILLS):
        process = subprocess.Popen(
            command(folder, *more),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        end = time.monotonic() + dice.uniform(0.5, longest)
        while time.monotonic() < end and process.poll() is None:
            watched.look()
            time.sleep(0.05)
        if process.poll() is None:
            # Half of the time the workers outlive the one that started them, as in the death of a session.
            os.kill(process.pid, signal.SIGKILL) if dice.random() < 0.5 else os.killpg(
                process.pid, signal.SIGKILL
            )
            kills += 1
        process.wait()
        watched.look()
        if kills == KILLS:
            break
    finish(folder, *more, env=env)
    watched.look()
    return kills


class Watch:
    """Sees to it that a finished checkpoint is never written again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen = folder, {}

    def look(self) -> None:
        for manifest in self.folder.glob("runs/*/manifest.json"):
            if '"status": "finished"' in manifest.read_text("utf-8"):
                stamps = {f.name: f.stat().st_mtime_ns for f in manifest.parent.glob("checkpoint/*")}
                assert self.seen.setdefault(manifest.parent.name, stamps) == stamps


def answers(folder: Path) -> dict[tuple[str, int | None], list[tuple]]:
    """Every answer and its scores, by arm and seed."""
    found = {}
    for file in folder.glob("logs/**/*.eval"):
        log = read_eval_log(str(file))
        assert log.status == "success" and log.eval.metadata and log.samples
        key = (log.eval.metadata["arm"], log.eval.metadata["seed"])
        assert key not in found
        samples = sorted(log.samples, key=lambda sample: (str(sample.id), sample.epoch))
        found[key] = [
            (s.id, s.epoch, s.output.completion, [score.value for score in (s.scores or {}).values()])
            for s in samples
        ]
    return found


def left_over(folder: Path) -> list[str]:
    """Temporary files; `.lock` is a run's, `.eval-set-id` Inspect's."""
    names = [file.name for file in folder.rglob("*") if file.name not in (".lock", ".eval-set-id")]
    return [name for name in names if name.endswith((".tmp", ".part")) or name.startswith(".")]


def test_killed_thirty_times_it_ends_as_if_it_never_was(tmp_path: Path) -> None:
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    finish(calm)
    assert kill_often(killed, longest=9.0) == KILLS
    assert answers(killed) == answers(calm) and len(answers(calm)) == 1 + len(ARMS) * SEEDS
    runs = Counter(folder.name for folder in (killed / "runs").iterdir())
    assert runs == Counter(folder.name for folder in (calm / "runs").iterdir()) and len(runs) == 12
    assert not left_over(killed)


def test_a_killed_experiment_never_pays_twice(tmp_path: Path) -> None:
    with FinetuningServer(tmp_path / "server") as server:
        env = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": KEY}
        api = ("--backend", "openai", "--base", "toy", "--world", "toy")
        finish(tmp_path / "calm", *api, env=env)
        assert len(server.jobs) == 12
    with FinetuningServer(tmp_path / "server2") as server:
        env["OPENAI_BASE_URL"] = server.base_url
        assert kill_often(tmp_path / "killed", *api, longest=9.0, env=env) == KILLS
        assert len(server.jobs) == 12
    assert answers(tmp_path / "killed") == answers(tmp_path / "calm")
    assert not left_over(tmp_path / "killed")


def test_a_fifth_of_all_requests_may_fail(tmp_path: Path) -> None:
    found = []
    api = ("--backend", "openai", "--base", "toy", "--world", "toy")
    for rate in (0.0, 0.2):
        with FinetuningServer(tmp_path / f"server{rate}", rate=rate) as server:
            env = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": KEY}
            finish(tmp_path / str(rate), *api, env=env)
            assert len(server.jobs) == 12
            served = server.faults_served
        found.append(answers(tmp_path / str(rate)))
    assert sum(served.values()) > 100 and len(served) >= 4
    assert found[0] == found[1]
