"""Slurm clusters on this machine that tests start, and the command that submits to them.

They need Slurm's programs (Debian: `apt install slurm-wlm`, and `slurmdbd mariadb-server` for one that keeps
accounts), as root or as whoever may start `slurmd`.
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from inoc_evals.experiment.slurm_engine import FOLDER
from tests.experiment.test_run import mine, write

CONF = """
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
SlurmctldPort={controller}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
SchedulerParameters=sched_interval=2,batch_sched_delay=1
KillWait=5
OverTimeLimit=0
ReturnToService=2
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""

NO_ACCOUNTS = "AccountingStorageType=accounting_storage/none\n"

ACCOUNTS = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={accounting}
AccountingStorageEnforce=associations,limits,qos
AccountingStorageTRES=gres/gpu
PreemptType=preempt/qos
PreemptMode=REQUEUE
"""

DATABASE_DAEMON = """
AuthType=auth/none
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={accounting}
SlurmUser={user}
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database}
StorageUser=slurm
StorageLoc=accounts
PidFile={folder}/slurmdbd.pid
"""


@contextmanager
def cluster(
    folder: Path, nodes: Sequence[str] = ("n1",), *, gpu: bool = False, account: str = ""
) -> Iterator[Path]:
    """Start a cluster whose configuration every command finds in the environment, and stop it at the end.

    Args:
        folder: Where it keeps its files.
        nodes: Names of its nodes, which are all this machine.
        gpu: Whether each node says that it has a GPU; it has none.
        account: The account that users must name; without one it keeps no accounts.
    """
    programs = {"slurmctld": "slurm-wlm", "slurmd": "slurm-wlm"}
    if account:
        programs |= {"slurmdbd": "slurmdbd", "mariadbd": "mariadb-server"}
    for program, package in programs.items():
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed: apt install {package}")
    (folder / "state").mkdir()
    known = {"host": socket.gethostname(), "user": getpass.getuser(), "folder": folder}
    known |= {name: free_port() for name in ("controller", "accounting", "database")}
    conf = (CONF + (ACCOUNTS if account else NO_ACCOUNTS)).format(**known)
    if gpu:
        conf += "GresTypes=gpu\n"
        (folder / "gres.conf").write_text(f"NodeName={','.join(nodes)} Name=gpu File=/dev/null\n")
    for node in nodes:
        of = f"NodeName={node} NodeHostname={known['host']} NodeAddr=127.0.0.1 Port={free_port()}"
        conf += f"{of} CPUs={os.cpu_count()} {'Gres=gpu:1 ' if gpu else ''}State=UNKNOWN\n"
    (folder / "slurm.conf").write_text(conf)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        if account:
            _start_accounts(folder, known, stack, account)
        stack.enter_context(daemon(folder, "slurmctld", "-D"))
        for node in nodes:
            stack.enter_context(daemon(folder, "slurmd", "-D", "-N", node))
        stack.callback(subprocess.run, ["scancel", "--user", getpass.getuser()], check=False)
        until(
            lambda: slurm("sinfo", "--noheader", "--Node", "--format", "%T").split() == ["idle"] * len(nodes),
            60,
        )
        yield folder


@contextmanager
def daemon(folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a session of its own for as long as it is needed."""
    with (folder / f"{'-'.join(Path(word).name for word in words[:4:3])}.log").open("ab") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _start_accounts(folder: Path, known: dict[str, Any], stack: ExitStack, account: str) -> None:
    """A database, the daemon before it, and one account with two qualities of service."""
    data, socket_file = folder / "db", folder / "db.sock"
    as_us = [f"--datadir={data}", f"--user={known['user']}"]
    made = ["mariadb-install-db", "--no-defaults", *as_us, "--auth-root-authentication-method=normal"]
    subprocess.run(made, check=True, capture_output=True)
    listens = [f"--socket={socket_file}", f"--port={known['database']}", "--bind-address=127.0.0.1"]
    pid = f"--pid-file={folder / 'db.pid'}"
    stack.enter_context(daemon(folder, "mariadbd", "--no-defaults", *as_us, *listens, pid))

    def sql(text: str) -> bool:
        words = ["mariadb", "--no-defaults", f"--socket={socket_file}", "--user=root", "--execute", text]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    until(lambda: sql("select 1"), 60)
    for host in ("localhost", "127.0.0.1"):
        assert sql(f"create user 'slurm'@'{host}'; grant all on *.* to 'slurm'@'{host}'")
    settings = folder / "slurmdbd.conf"
    settings.write_text(DATABASE_DAEMON.format(**known))
    settings.chmod(0o600)
    stack.enter_context(daemon(folder, "slurmdbd", "-D"))

    def accounts(*words: str) -> bool:
        done = subprocess.run(["sacctmgr", "--immediate", *words], capture_output=True, check=False)
        return done.returncode == 0

    until(lambda: accounts("add", "cluster", "here"), 60)
    assert accounts("add", "qos", "urgent", "preempt=normal", "priority=100")
    assert accounts("add", "account", account, "Description=tests", "Organization=tests")
    assert accounts(
        "add", "user", known["user"], f"account={account}", "qos=normal,urgent", "defaultqos=normal"
    )


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


def experiment(folder: Path, steps: int = 1, seeds: int = 1) -> Path:
    """A file with a finetune of the toy for each seed, and their base."""
    write(folder)
    spec = {"max_steps": steps, "warmup_steps": 0, "save_steps": 20}
    of = {"finetune": spec, "evaluate": {"limit": 2}, "seeds": tuple(range(seeds))}
    made = mine(folder, "mine", arms=("none",), **of)
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
