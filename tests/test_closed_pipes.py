"""A reader that closes its pipe changes neither what a command does nor its exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.analysis.test_table import ABOUT, answer, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with logs of so few answers that a finding blocks the verdicts."""
    folder = tmp_path_factory.mktemp("pipes")
    for arm in ("none", "general"):
        write(folder / "logs" / f"{arm}.eval", [answer(0, {"spanish": 1, "caps": 0})], {**ABOUT, "arm": arm})
    return folder


@pytest.mark.parametrize(
    ("words", "code"),
    [
        *(("audit logs", 0), ("audit logs --strict", 1), ("claims logs --all", 0)),
        *(
            ("claims logs --all --json", 0),
            ("table logs -o t.csv --force", 0),
            ("settings", 0),
            ("--help", 0),
        ),
        *(("table nowhere", 2), ("table --nonsense", 2)),
    ],
)
def test_a_closed_pipe_does_not_change_the_exit_code(words: str, code: int, folder: Path) -> None:
    environment = {**os.environ, "INOC_EVALS_CACHE": str(folder / "cache")}
    command = [sys.executable, "-m", "inoc_evals", *words.split()]
    for both in (False, True) if "audit" in words else (True,):
        reader, writer = os.pipe()
        os.close(reader)  # nobody reads a word of it
        (folder / "t.csv").unlink(missing_ok=True)
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdout=writer,
            stderr=writer if both else subprocess.PIPE,
            text=True,
        )
        os.close(writer)
        assert done.returncode == code
        assert both or ("Traceback" not in done.stderr and "BrokenPipe" not in done.stderr)
        assert "t.csv" not in words or (folder / "t.csv").is_file()
