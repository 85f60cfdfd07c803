"""Experiments on a real Slurm: one node, this machine, that the test starts; it keeps no accounts.

Run with `make test-slurm` on a machine with Slurm's programs (Debian: `apt install slurm-wlm`), as root or
as whoever may start `slurmd`.
"""

import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from inoc_evals.experiment.slurm_engine import FOLDER
from tests.experiment.test_run import mine, write

pytestmark = pytest.mark.slurm

CONF = """
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
SwitchType=switch/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SchedulerParameters=sched_interval=2,batch_sched_delay=1
KillWait=5
OverTimeLimit=0
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Slurm of one node, whose configuration every command finds in the environment."""
    if not (shutil.which("slurmctld") and shutil.which("slurmd")):
        pytest.skip("slurmctld and slurmd are not installed: apt install slurm-wlm")
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    names = {"host": socket.gethostname(), "user": getpass.getuser(), "folder": folder}
    ports = {"controller": free_port(), "node": free_port()}
    conf = folder / "slurm.conf"
    conf.write_text(CONF.format(**names, **ports, cpus=os.cpu_count()))
    daemons = []
    patch = pytest.MonkeyPatch()
    patch.setenv("SLURM_CONF", str(conf))
    try:
        for words in (["slurmctld", "-D"], ["slurmd", "-D", "-N", names["host"]]):
            with (folder / f"{words[0]}.log").open("wb") as log:
                daemons.append(subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True))
        until(lambda: "idle" in slurm("sinfo", "--noheader", "--format", "%T"), 60)
        yield folder
    finally:
        subprocess.run(["scancel", "--user", getpass.getuser()], check=False)
        for daemon in reversed(daemons):
            os.killpg(daemon.pid, signal.SIGTERM)
            daemon.wait(30)
        patch.undo()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def slurm(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


def until(holds: Callable[[], Any], seconds: float) -> Any:
    """Wait for something that comes to hold."""
    end = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < end, f"not within {seconds:g} s"
        time.sleep(0.2)
    return value


def experiment(folder: Path, steps: int = 1) -> Path:
    """A file with one finetune of the toy and its base."""
    write(folder)
    spec = {"max_steps": steps, "warmup_steps": 0, "save_steps": 20}
    made = mine(folder, "mine", arms=("none",), finetune=spec, evaluate={"limit": 2})
    file = folder / "mine.json"
    file.write_text(made.model_dump_json(exclude_defaults=True), encoding="utf-8")
    return file


def start(file: Path, *further: str) -> subprocess.Popen[bytes]:
    """The command on the login node, its output in files."""
    words = ["run", str(file), "--engine", "slurm", "--slurm", "time=10", *further]
    with (file.parent / "out").open("wb") as out, (file.parent / "err").open("wb") as err:
        return subprocess.Popen(
            [sys.executable, "-m", "inoc_evals", *words],
            cwd=file.parent,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )


def said(command: subprocess.Popen[bytes], folder: Path, seconds: float = 400) -> tuple[int, str]:
    """How it ended, and what it said."""
    code = command.wait(seconds)
    return code, (folder / "out").read_text() + (folder / "err").read_text()


def queued() -> list[str]:
    return slurm("squeue", "--noheader", "--array", "--format", "%i").split()


def results(folder: Path) -> int:
    return len(list((folder / "runs" / FOLDER).glob("*_result.pkl")))


def finished(folder: Path) -> list[dict[str, Any]]:
    manifests = [json.loads(file.read_text()) for file in folder.glob("runs/*/manifest.json")]
    return [manifest for manifest in manifests if manifest["status"] == "finished"]


def training(folder: Path) -> list[Path]:
    """States of the training that is under way."""
    return list(folder.glob("runs/*/training/checkpoint-*/trainer_state.json"))


def jobs() -> dict[int, str]:
    """The processes of jobs on this node, with the job of each."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        of = [one.partition(b"=")[2].decode() for one in variables if one.startswith(b"SLURM_JOB_ID=")]
        if of and b"submitit" in words and b"python" in words.partition(b"\0")[0]:
            found[int(process.name)] = of[0]
    return found


def test_every_model_is_a_job_and_the_next_call_has_nothing_to_do(cluster: Path, tmp_path: Path) -> None:
    file = experiment(tmp_path)
    code, text = said(start(file), tmp_path)
    assert code == 0, text
    assert len(finished(tmp_path)) == 1 and results(tmp_path) == 2
    code, text = said(start(file), tmp_path)
    assert code == 0 and results(tmp_path) == 2, text


def test_a_job_that_is_killed_is_submitted_again_without_accounts(cluster: Path, tmp_path: Path) -> None:
    command = start(experiment(tmp_path, steps=600))
    until(lambda: training(tmp_path) and len(jobs()) == 1, 200)
    for process in jobs():
        os.kill(process, signal.SIGKILL)
    code, text = said(command, tmp_path)
    assert code == 0, text
    assert "ended without a result, 1 of 3 times" in text
    [manifest] = finished(tmp_path)
    assert manifest["result"]["resumed_at"] > 0  # what it had learnt was kept


def test_a_job_whose_time_is_up_goes_on_as_the_same_job(cluster: Path, tmp_path: Path) -> None:
    command = start(experiment(tmp_path, steps=600))
    until(lambda: training(tmp_path) and len(jobs()) == 1, 200)
    [job] = set(jobs().values())
    slurm("scancel", job, "--signal", "USR2")  # what Slurm sends before it takes a node back
    code, text = said(command, tmp_path)
    assert code == 0, text
    assert "without a result" not in text
    [manifest] = finished(tmp_path)
    assert manifest["result"]["resumed_at"] > 0 and results(tmp_path) == 2


def test_an_interrupted_command_cancels_its_jobs_and_a_killed_one_leaves_them(
    cluster: Path, tmp_path: Path
) -> None:
    file = experiment(tmp_path, steps=600)
    command = start(file)
    until(lambda: training(tmp_path), 200)
    os.killpg(command.pid, signal.SIGINT)
    code, text = said(command, tmp_path)
    assert code == 130 and "Traceback" not in text, text
    until(lambda: not queued(), 60)
    command = start(file)
    until(jobs, 100)
    os.killpg(command.pid, signal.SIGKILL)
    command.wait(30)
    until(lambda: finished(tmp_path) and not queued(), 200)
    code, text = said(start(file), tmp_path)
    assert code == 0, text
    [manifest] = finished(tmp_path)
    assert manifest["result"]["resumed_at"] > 0


def test_a_controller_that_is_away_for_a_while_ends_nothing(cluster: Path, tmp_path: Path) -> None:
    command = start(experiment(tmp_path, steps=600))
    until(lambda: training(tmp_path), 200)
    pid = int((cluster / "slurmctld.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(20)
        assert command.poll() is None
    finally:
        os.kill(pid, signal.SIGCONT)
    code, text = said(command, tmp_path)
    assert code == 0, text
    assert "without a result" not in text and len(finished(tmp_path)) == 1


def test_what_slurm_refuses_is_one_line(cluster: Path, tmp_path: Path) -> None:
    code, text = said(start(experiment(tmp_path), "--slurm", "partition=moon"), tmp_path)
    assert code == 2 and "Slurm took no job: " in text and "invalid partition specified: moon" in text
    assert "Traceback" not in text and not queued()
