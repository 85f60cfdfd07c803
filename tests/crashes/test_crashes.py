"""A command that is killed, or refused by the disk, at any call that writes ends as if nothing was.

pytest tests/crashes                    # a sample of the points of every command
pytest tests/crashes -m slow            # all of them, or every so-manieth: see `commands.CASES`
"""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.crashes.commands import CASES, Case
from tests.crashes.comparison import differences, remains, state
from tests.crashes.disturbed import PRIVATE, End, Fault, Limit, Workshop

SAMPLE = {"inoculate": 2, "build": 4, "adopt": 3, "import": 3, "prune": 3, "finetune": 2}
"""Commands that are cheap enough to be disturbed each time, and at how many of their points."""

SAID = 4_000
"""Bytes that a command may print: a limit on files holds for these, too, so none is smaller."""

REFUSALS = {"full": errno.ENOSPC, "quota": errno.EDQUOT, "read-only": errno.EROFS, "forbidden": errno.EACCES}


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    with Workshop() as made:
        yield made


@dataclass
class Bench:
    """A case, with what it leaves undisturbed; each call is in a fresh copy of what was there before."""

    workshop: Workshop
    case: Case
    folder: Path
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    points: int = 0
    sizes: list[int] = field(default_factory=list)
    restarted: dict[str, list[str]] = field(default_factory=dict)

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def set_up(self) -> "Bench":
        made = self.workshop.call(self.case.prepare, self.work)
        assert made.status == 0, made.err
        for name in PRIVATE:
            shutil.rmtree(self.work / name)
        shutil.copytree(self.work, self.folder / "before", symlinks=True)
        self.before = state(self.work)
        calm = self.workshop.call(self.case.command, self.work)
        assert calm.status == 0, calm.err
        self.after, self.points = state(self.work), len(calm.points)
        files = {path.stat().st_size for path in self.work.rglob("*") if path.is_file()}
        self.sizes = sorted(size for size in files if size > SAID)
        return self

    def disturbed(self, fault: Fault | Limit) -> End:
        shutil.rmtree(self.work)
        shutil.copytree(self.folder / "before", self.work, symlinks=True)
        return self.workshop.call(self.case.command, self.work, fault)

    def in_room_for(self, size: int) -> End:
        """What is called where the disk has so many bytes left; it has them all again afterwards."""
        shutil.rmtree(self.work)
        shutil.copytree(self.folder / "before", self.work, symlinks=True)
        ballast = self.folder / "ballast"
        disk = os.statvfs(self.folder)
        with ballast.open("wb") as file:
            file.write(bytes(max(0, disk.f_bavail * disk.f_frsize - size)))
        end = self.workshop.call(self.case.command, self.work)
        ballast.unlink()
        return end

    def half_written(self) -> list[str]:
        """Files under a final name that are neither as they were nor as they will be."""
        return [
            name
            for name, found in state(self.work).items()
            if name in self.after
            and found not in (self.before.get(name), self.after[name])
            and not any(Path(name).match(pattern) for pattern in self.case.unfinished)
        ]

    def again(self) -> list[str]:
        """What differs after the next call from what an undisturbed call leaves.

        Two points between which nothing changed on the disk (a folder that is there is made again) leave
        the next call the same, which is made once.
        """
        found = remains(self.work)
        if found not in self.restarted:
            end = self.workshop.call(self.case.command, self.work)
            wrong = [] if end.status in self.case.again else [f"status {end.status}: {end.err[-800:]}"]
            self.restarted[found] = wrong + differences(self.after, state(self.work))
        return self.restarted[found]


@pytest.fixture(scope="session")
def benches(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bench]:
    return {name: Bench(workshop, case, tmp_path_factory.mktemp(name)) for name, case in CASES.items()}


@pytest.fixture(scope="session")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of 96 MB, in memory."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def bench(benches: dict[str, Bench], name: str) -> Bench:
    found = benches[name]
    return found if found.points else found.set_up()


def few(points: int, count: int) -> list[int]:
    """So many points, spread over all, the last among them."""
    return sorted({max(1, round(points * (n + 1) / count)) for n in range(count)})


def kill(one: Bench, points: list[int]) -> list[str]:
    wrong = []
    for point in points:
        end = one.disturbed(Fault(point))
        if not end.killed or len(end.points) != point:
            wrong += missed(one, point, end)
            continue
        half = [f"half-written: {name}" for name in one.half_written()]
        wrong += [f"{point}, before {end.points[-1]}: {line}" for line in half + one.again()]
    return wrong


def missed(one: Bench, point: int, end: End) -> list[str]:
    """That a call did not come to its point; the last few of some commands are not there each time."""
    if end.status == 0 and len(end.points) < point and point > one.points - one.case.varies:
        return []
    return [f"{point}: not reached, status {end.status} after {len(end.points)}: {end.err[-300:]}"]


def refuse(one: Bench, points: list[int], error: int) -> list[str]:
    wrong = []
    for point in points:
        end = one.disturbed(Fault(point, error))
        if len(end.points) < point:
            wrong += missed(one, point, end)
            continue
        wrong += [f"{point}, {end.points[point - 1]}: {line}" for line in after_refusal(one, end)]
    return wrong


def after_refusal(one: Bench, end: End) -> list[str]:
    """What is wrong with what a refused command said and left, and with what the next call makes of it."""
    said = [line for line in end.err.splitlines() if line.strip()]
    lines = [f"half-written: {name}" for name in one.half_written()]
    ours = [line for line in said if names_a_place(line, one)]
    if end.status != 0 and not (ours and (one.case.inspect_speaks or len(said) == 1)):
        lines.append(f"status {end.status}, said {said[-3:]}")
    return lines + one.again()


def names_a_place(line: str, one: Bench) -> bool:
    """Whether a line says where something could not be written, and what to do."""
    places = {part for name in one.after for part in Path(name).parts} | {".lock", one.work.name}
    named = any(place in line for place in places)
    return named and any(word in line for word in ("room", "another", "permissions", "without it", "by hand"))


@pytest.mark.parametrize("name", SAMPLE)
def test_killed_at_some_points_it_ends_as_if_it_never_was(name: str, benches: dict[str, Bench]) -> None:
    one = bench(benches, name)
    assert not kill(one, few(one.points, SAMPLE[name]))


@pytest.mark.parametrize("name", ["inoculate", "build", "adopt", "import", "prune"])
def test_a_refusing_disk_is_one_line_at_some_points(name: str, benches: dict[str, Bench]) -> None:
    one = bench(benches, name)
    for number, error in enumerate((errno.ENOSPC, errno.EACCES)):
        assert not refuse(one, few(one.points, 2 + number)[number:][:2], error)


@pytest.mark.parametrize("name", ["build", "adopt", "finetune", "import", "report"])
def test_what_the_kernel_lets_nobody_write_is_one_line(name: str, benches: dict[str, Bench]) -> None:
    """Native code's files, too: weights, tables, figures. Every file but the smallest is too large once.

    A log is written with other times and identities at every call, and packs a few bytes better or worse:
    so the room is well below a size, and not one byte.
    """
    one = bench(benches, name)
    assert one.sizes
    wrong, statuses = [], []
    for size in one.sizes:
        room = size * 15 // 16
        end = one.disturbed(Limit(room))
        wrong += [f"{room} bytes at most: {line}" for line in after_refusal(one, end)]
        statuses.append(end.status)
    assert not wrong
    assert statuses[-1]


def pieces() -> list[Any]:
    """Every case, in as many pieces as it has; a piece is every so-manieth of the points that are swept."""
    return [
        pytest.param(name, slice(part, None, case.parts), id=f"{name}-{part + 1}" if case.parts > 1 else name)
        for name, case in CASES.items()
        for part in range(case.parts)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "part"), pieces())
def test_killed_at_any_point_it_ends_as_if_it_never_was(
    name: str, part: slice, benches: dict[str, Bench]
) -> None:
    one = bench(benches, name)
    assert not kill(one, list(range(1, one.points + 1, one.case.stride))[part])


@pytest.mark.slow
@pytest.mark.parametrize("kind", REFUSALS)
@pytest.mark.parametrize("name", CASES)
def test_a_refusing_disk_is_one_line_at_any_point(name: str, kind: str, benches: dict[str, Bench]) -> None:
    one = bench(benches, name)
    assert not refuse(one, list(range(1, one.points + 1, one.case.refused_stride)), REFUSALS[kind])


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_disk_that_is_really_full_is_one_line(name: str, workshop: Workshop, small_disk: Path) -> None:
    """Room for nothing, and for twice as much each time until it suffices; for native code, too."""
    folder = small_disk / name
    folder.mkdir()
    one = Bench(workshop, CASES[name], folder).set_up()
    wrong, size, end = [], 0, one.in_room_for(0)
    while end.status:
        wrong += [f"room for {size} bytes: {line}" for line in after_refusal(one, end)]
        size = 2 * size or 4096
        end = one.in_room_for(size)
    assert not wrong
    assert size or name == "prune"  # which writes next to nothing
    shutil.rmtree(folder)
