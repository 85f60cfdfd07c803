"""Experiments as jobs. No Slurm is there: submitit's own processes take its place, and sbatch is a script."""

import json
import os
from pathlib import Path

import pytest

from inoc_evals.cli import main
from inoc_evals.errors import UserError
from inoc_evals.experiment import slurm_engine
from inoc_evals.experiment.engines import ATTEMPTS
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.plan import make_plan
from inoc_evals.experiment.run import run
from inoc_evals.experiment.slurm_engine import SlurmEngine
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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--engine", "slurm"], "add  --slurm time=4:00:00"),
        (["--engine", "slurm", "--slurm", "time=1", "--gpus", "0.5"], "one model on one GPU"),
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
    with pytest.raises(SystemExit) as ended:
        main(["run", "--setting", "spanish_caps", "--seeds", "1", *words])
    err = capsys.readouterr().err
    assert ended.value.code == 2 and said in err and "Traceback" not in err


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
