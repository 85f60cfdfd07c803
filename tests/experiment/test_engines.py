"""How many trials run at a time on this machine, also after a worker died."""

import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from inoc_evals.experiment import engines
from inoc_evals.experiment.engines import LocalEngine, within_memory
from inoc_evals.experiment.storage import Storage

SECONDS = 60.0
"""How long a job waits for another one that is to come."""

PATIENCE = 8.0
"""How long it waits for one that is not to come; a worker is started in less."""


class Job:
    """Something in place of a trial: a worker does its work while it reads what it was given."""

    def __init__(self, folder: Path, name: str, seconds: float) -> None:
        self.folder, self.name, self.seconds = folder, name, seconds

    def __reduce__(self) -> tuple[Any, ...]:
        return _work, (str(self.folder), self.name, self.seconds)


def _work(folder: str, name: str, seconds: float) -> str:
    """`dies` dies beside `long`, the first time; `long` waits for anyone beside it, so many seconds."""
    died, log = Path(folder, "died"), Path(folder, "log.txt")
    _append(log, f"+{name}")
    Path(folder, "beside" if died.exists() else name).touch()
    if name == "dies" and not died.exists():
        assert _wait_for(Path(folder, "long"), SECONDS)
        _append(log, "died")
        died.touch()
        os._exit(9)
    if name == "long":
        assert _wait_for(died, SECONDS)
        _wait_for(Path(folder, "beside"), seconds)
    _append(log, f"-{name}")
    return name


def _append(log: Path, line: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def _wait_for(file: Path, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.01)
    return file.exists()


def _beside_each_other(lines: list[str]) -> list[int]:
    """How many jobs ran at a time after the death, of which one was left then."""
    counts, running = [], 1
    for line in lines[lines.index("died") + 1 :]:
        running += 1 if line.startswith("+") else -1
        counts.append(running)
    return counts


@pytest.mark.parametrize(("gpus", "most"), [([], 1), (["0", "1"], 2)])
def test_after_a_death_fewer_share_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpus: list[str], most: int
) -> None:
    monkeypatch.setattr(engines, "visible_gpus", lambda: gpus)
    names, seconds = ("dies", "long", "third", "fourth"), SECONDS if gpus else PATIENCE
    jobs: list[Any] = [Job(tmp_path, name, seconds) for name in names]
    events = list(LocalEngine(2).run(jobs, Storage(logs=str(tmp_path), runs=str(tmp_path))))
    lines = (tmp_path / "log.txt").read_text().split()
    assert max(_beside_each_other(lines)) == most, "a GPU's worker has memory of its own"
    [again] = [event for event in events if event.state == "again"]
    assert again.reason == "its worker died, 1 of 3 times" + (
        "" if gpus else " (out of memory? from now on 1 at a time)"
    )
    # they are no trials, so the worker's own work fails after theirs
    ended = [event.trial.name for event in events if event.state == "failed"]
    assert sorted(ended) == ["dies", "fourth", "long", "third"]


@pytest.mark.parametrize(
    ("asked", "gibibytes", "gpus", "workers", "said"),
    [
        (None, 0.5, [], 4, r"4 at a time on this machine's cores"),
        (None, 6, [], 2, r"2 at .* cores \(a training takes about 6\.0 of the 16\.0 GiB that are free\)"),
        (3, 6, [], 3, r"3 at .* that are free: give --workers 2\)"),
        (1, 6, [], 1, r"1 at a time on this machine's cores"),
        (None, 20, [], 1, r"1 at .* that are free, and may not fit: lower max_length, or .*\)"),
        (None, 20, ["0", "1"], 2, r"2 at a time on 2 GPUs"),
        (None, None, [], 4, r"4 at a time on this machine's cores"),
    ],
)
def test_as_many_trainings_as_fit_into_memory(
    monkeypatch: pytest.MonkeyPatch,
    asked: int | None,
    gibibytes: float | None,
    gpus: list[str],
    workers: int,
    said: str,
) -> None:
    """Without GPUs they share one memory: one a core was killed on a machine with more cores than that."""
    monkeypatch.setattr(engines, "visible_gpus", lambda: gpus)
    monkeypatch.setattr(engines, "cores", lambda: 4)
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 16 * 2**30}))
    memory = None if gibibytes is None else round(gibibytes * 2**30)
    engine = within_memory(LocalEngine(asked), memory)
    assert engine.workers == workers
    assert re.fullmatch(said, engine.about)
