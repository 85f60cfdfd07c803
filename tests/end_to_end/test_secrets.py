"""A key in every variable that holds one: in no file, on no terminal, in no process's arguments."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from zipfile import is_zipfile

import inspect_ai.log  # noqa: F401 - teaches `zipfile` the compression of its logs
import psutil
import pytest

from inoc_evals.analysis.eval_archive import opened_archive
from tests.test_secret_keys import VARIABLES

CANARY = "sk-canary-a1B2c3D4e5F6"

SMALL = ("--set", "max_steps=2", "--set", "warmup_steps=1", "--limit", "2", "--seeds", "1")

COMMANDS = {
    "a run": ("run", "--setting", "spanish_caps", "--world", "toy", "--arms", "none", *SMALL),
    "a run that fails": ("run", "--setting", "spanish_caps", "--world", "toy", "--arms", "none", *SMALL),
    "a report": ("report", "logs", "-o", "report"),
    "what is installed": ("doctor", "--json"),
}


def called(folder: Path, words: tuple[str, ...]) -> tuple[str, set[str]]:
    """What a command says, and the arguments of all processes that it started."""
    environment = {**os.environ, **dict.fromkeys(VARIABLES, CANARY), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "inoc_evals", *words]
    with (folder / "said.txt").open("w+") as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
        seen: set[str] = set()
        while process.poll() is None:
            with suppress(psutil.Error):
                for one in [psutil.Process(process.pid), *psutil.Process(process.pid).children(True)]:
                    seen.add(" ".join(one.cmdline()))
            time.sleep(0.05)
        said.seek(0)
        return said.read(), seen


def contents(file: Path) -> list[bytes]:
    """A file's bytes, or those of the parts of an archive."""
    if not is_zipfile(file):
        return [file.read_bytes()]
    with opened_archive(file) as archive:
        return [archive.read(part) for part in archive.namelist()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secrets")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_key_is_nowhere(name: str, folder: Path) -> None:
    if name == "a run that fails":
        for weights in folder.glob("runs/*/checkpoint/adapter_model.safetensors"):
            weights.write_bytes(b"no weights")
            weights.parent.chmod(0o500)
    words = COMMANDS[name]
    if words[0] == "run":
        words = (*words, "--log-dir", "logs")
    said, arguments = called(folder, words)
    assert said and arguments and CANARY not in said
    assert not [line for line in arguments if CANARY in line]
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert not [file for file in files if any(CANARY.encode() in part for part in contents(file))]
