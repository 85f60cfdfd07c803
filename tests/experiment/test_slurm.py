"""Experiments as jobs without a Slurm: scripts and processes stand for it; test_slurm_cluster.py has one."""

import json
import math
import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.cli import main
from inoc_evals.commands.experiment_options import engine_named
from inoc_evals.errors import UserError
from inoc_evals.experiment import slurm_engine
from inoc_evals.experiment.engines import ATTEMPTS, LocalEngine
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.plan import make_plan
from inoc_evals.experiment.run import run
from inoc_evals.experiment.slurm_engine import SlurmEngine, minutes
from tests.experiment.test_run import mine, write

TIME = {"time": "10"}


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm_engine, "INTERVAL", 0.1)


def small(folder: Path, name: str, **fields: object) -> Experiment:
    write(folder)
    return mine(folder, name, finetune={"max_steps": 1, "warmup_steps": 0}, evaluate={"limit": 2}, **fields)


def test_trials_are_jobs(tmp_path: Path) -> None:
    experiment = small(tmp_path, "mine", arms=("none",))
    outcome = run(make_plan(experiment), SlurmEngine(options=TIME, cluster="local"))
    assert not outcome.failed and len(outcome.logs) == 2
    assert len(list(tmp_path.glob("runs/*/checkpoint"))) == 1
    assert make_plan(experiment).new == 0 and not list((tmp_path / "runs").glob("*/.*.tmp"))


def test_what_is_there_waits_for_no_machine_whatever_format_it_answered_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login node computes in another number format than the nodes, and waits hours for one of them."""
    experiment = small(tmp_path, "mine", arms=("none",))
    made = run(make_plan(experiment), LocalEngine(1))

    class Nobody:
        about, workers, waits = "nowhere", None, True

        def run(self, trials: object, storage: object) -> object:
            raise AssertionError(f"asked for {trials}")

    monkeypatch.setattr("inoc_evals.experiment.existing.settled", lambda *_: "bfloat16")
    plan = make_plan(experiment)
    assert plan.answers_left == 4  # here they would be others
    again = run(plan, Nobody())
    assert again.logs == made.logs and not again.failed
    assert [again.done[trial].run for trial in again.trials] == [made.done[t].run for t in made.trials]
    Path(made.logs[-1].removeprefix("file://")).unlink()
    with pytest.raises(AssertionError, match="asked for"):
        run(make_plan(experiment), Nobody())


def test_a_job_that_dies_is_submitted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = small(tmp_path, "mine", arms=("none",))
    fatal = tmp_path / "fatal.txt"

    def dies(trial: object, storage: object) -> object:
        if not fatal.exists():
            fatal.write_text("once")
            os._exit(9)
        return slurm_engine.Failed("the second attempt")

    monkeypatch.setattr(slurm_engine, "outcome", dies)
    plan = make_plan(experiment)
    [trial] = [trial for trial in plan.experiment.trials() if trial.arm == "base"]
    engine = SlurmEngine(options=TIME, cluster="local")
    events = list(engine.run([trial], slurm_engine.Storage(str(tmp_path / "runs"), str(tmp_path / "logs"))))
    assert [event.state for event in events] == ["again", "failed"]
    assert f"1 of {ATTEMPTS} times" in events[0].reason and events[1].reason == "the second attempt"


SBATCH = """#!/bin/bash
cp "$1" "{folder}/submitted.sh"
{reply}
"""


def slurm(folder: Path, reply: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put commands of Slurm on the path, of which sbatch replies so."""
    (folder / "bin").mkdir()
    for name, text in {"srun": "exit 0", "sacct": "exit 0", "scancel": "exit 0"}.items():
        (folder / "bin" / name).write_text(f"#!/bin/bash\n{text}\n")
    (folder / "bin" / "sbatch").write_text(SBATCH.format(folder=folder, reply=reply))
    for file in (folder / "bin").iterdir():
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")


def test_what_slurm_refuses_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slurm(tmp_path, "echo 'sbatch: error: invalid partition specified: moon' >&2; exit 1", monkeypatch)
    engine = SlurmEngine(gpus=1, options={"partition": "moon", "time": "4:00:00"})
    with pytest.raises(UserError, match=r"Slurm took no job: .*invalid partition specified: moon") as caught:
        run(make_plan(small(tmp_path, "mine")), engine)
    assert "\n" not in caught.value.message
    submitted = (tmp_path / "submitted.sh").read_text()
    for line in ("partition=moon", "time=4:00:00", "gpus-per-node=1", "array=0-2%3"):
        assert f"#SBATCH --{line}\n" in submitted


def test_a_job_that_slurm_no_longer_has_is_lost_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm(tmp_path, "echo Submitted batch job 7", monkeypatch)
    monkeypatch.setattr(slurm_engine, "ASKED", 0.0)
    monkeypatch.setattr(slurm_engine, "GRACE", 0.3)
    squeue = tmp_path / "bin" / "squeue"
    squeue.write_text(f"#!/bin/bash\ncat {tmp_path}/queue\n")  # there is no queue yet: it fails
    squeue.chmod(0o755)
    plan = make_plan(small(tmp_path, "mine", arms=("none",)))
    [trial] = [trial for trial in plan.experiment.trials() if trial.arm == "base"]
    engine = SlurmEngine(options=TIME)
    events: list[slurm_engine.Event] = []

    def follow() -> None:
        storage = slurm_engine.Storage(str(tmp_path / "runs"), str(tmp_path / "logs"))
        events.extend(engine.run([trial], storage))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    time.sleep(1)
    assert not events  # a Slurm that does not answer has lost nothing
    (tmp_path / "queue").write_text("7\n8_1\n")
    time.sleep(1)
    assert not events
    (tmp_path / "queue").write_text("8_1\n")
    thread.join(30)
    assert [event.state for event in events] == ["again"] * (ATTEMPTS - 1) + ["failed"]
    assert "its job 7 ended without a result, 3 of 3 times" in events[-1].reason


@given(st.integers(0, 30), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_durations_are_read_as_slurm_writes_them(days: int, hours: int, rest: int, seconds: int) -> None:
    exact = timedelta(days=days, hours=hours, minutes=rest, seconds=seconds).total_seconds() / 60
    assert minutes(f"{days}-{hours:02}:{rest:02}:{seconds:02}") == math.ceil(exact)
    assert minutes(f"{days}-{hours}:{rest:02}") == minutes(f"{days * 24 + hours}:{rest:02}:00")
    assert minutes(f"{days}-{hours}") == (days * 24 + hours) * 60
    assert minutes(f"{rest}") == minutes(f"{rest}:00") == rest
    assert minutes(f"{rest}:{seconds:02}") == math.ceil(rest + seconds / 60)


@pytest.mark.parametrize("duration", ["", "soon", "4h", "1:2:3:4", "-5", "1-", "4:00:00 5"])
def test_what_is_no_duration_is_one_line(duration: str) -> None:
    with pytest.raises(UserError, match="write it as Slurm does"):
        minutes(duration)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--engine", "slurm"], "add  --slurm time=4:00:00"),
        (["--engine", "slurm", "--slurm", "time=1", "--gpus", "0.5"], "one model on one GPU"),
        (["--engine", "slurm", "--slurm", "time=soon"], "such as 90 (minutes) or 4:00:00"),
        (["--engine", "slurm", "--slurm", "now"], "--slurm now: use NAME=VALUE"),
        (["--engine", "slurm", "--slurm", "time=1"], "no Slurm on this machine"),
        (["--engine", "slurm", "--slurm", "time=1", "--runs", "memory://runs"], "give a folder for --runs"),
        (["--slurm", "time=1"], "add --engine slurm"),
        (["--engine", "moon"], "use local, ray or slurm"),
    ],
)
def test_a_wrong_word_is_one_line(
    words: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if said.startswith("no Slurm"):
        monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["run", "--setting", "spanish_caps", "--seeds", "1", *words])
    err = capsys.readouterr().err
    assert ended.value.code == 2 and said in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "workers", "gpus", "said"),
    [
        ("local", None, 2, "--gpus 2 is of --engine ray or slurm"),
        ("slurm", 3, 1, "--workers 3 is of this machine"),
        ("ray", 3, 1, "--workers 3 is of this machine"),
    ],
)
def test_what_an_engine_would_ignore_is_refused(
    name: str, workers: int | None, gpus: float, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        engine_named(name, workers, gpus, ["time=1"] if name == "slurm" else None)


def test_the_plan_is_made_without_slurm(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    words = [
        "run",
        "--setting",
        "spanish_caps",
        "--engine",
        "slurm",
        "--slurm",
        "time=1",
        "--dry-run",
        "--json",
    ]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--runs", str(tmp_path)])
    assert ended.value.code in (0, None) and json.loads(capsys.readouterr().out)["models"] == 13
