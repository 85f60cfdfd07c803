"""Files and folders that appear whole or not at all, whenever the process that writes them is killed.

    write_whole(path, b"...")
    with replacing(path) as passing:            # write to `passing`; it takes the place of `path` at the end
        write_parquet(table, passing)
    with replacing_folder(folder) as passing:   # the same for a folder; the first of several writers wins
        model.save_pretrained(passing)

What is written lies beside its place under a name that begins with a dot and ends in `.tmp`, so that no
reader takes it for the file itself and whoever owns the folder can remove what a killed process left
(`remove_unfinished`). What is appended to line by line can be torn at its end:

    read_json_lines(path)                       # rows, up to the first line that was left by half
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from upath import UPath

AnyPath = TypeVar("AnyPath", Path, "UPath")
"""A path on this machine, or one of `upath` behind a URL, which has the same methods."""

SUFFIX = ".tmp"
"""What the name of an unfinished file or folder ends in."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, or leave what was at its place.

    Args:
        path: The file; its folder must exist.
        data: Its content.

    Raises:
        OSError: If it cannot be written; then nothing has changed.
    """
    with replacing(path) as passing:
        passing.write_bytes(data)


@contextmanager
def replacing(path: AnyPath) -> Iterator[AnyPath]:
    """Give a path to write to, and move the file to its place when all went well.

    Args:
        path: Where the file goes; its folder must exist, what lies there is replaced.

    Yields:
        The path to write to, in the same folder. It is removed if the block raises.
    """
    passing = unfinished(path)
    try:
        yield passing
        # `replace` also replaces on Windows; paths behind a URL know `rename` only
        (passing.replace if isinstance(passing, Path) else passing.rename)(path)
    except BaseException:
        if passing.exists():
            passing.unlink()
        raise


@contextmanager
def replacing_folder(folder: Path, *, over: bool = False) -> Iterator[Path]:
    """Give a folder to write into, and move it to its place when all went well.

    Args:
        folder: Where it goes.
        over: Whether to replace what lies there. Otherwise whoever comes second leaves what the first wrote.

    Yields:
        A new, empty folder beside it. It is removed if the block raises, or somebody else was faster.
    """
    passing = unfinished(folder)
    passing.mkdir(parents=True)
    try:
        yield passing
        if over:
            shutil.rmtree(folder, ignore_errors=True)
        try:
            passing.rename(folder)
        except OSError:
            if over or not folder.is_dir():
                raise
    finally:
        shutil.rmtree(passing, ignore_errors=True)


def unfinished(path: AnyPath) -> AnyPath:
    """A name beside a path that no other process or thread uses."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}{SUFFIX}")


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left of files that they were writing.

    Args:
        folder: A folder that nobody else writes into now, e.g. because the caller holds its lock.
    """
    for left in folder.glob(f".*{SUFFIX}"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of one JSON object a line, up to the first line that a killed process left by half.

    Args:
        path: The file; need not exist.

    Returns:
        The objects; none without a file.
    """
    rows: list[dict[str, Any]] = []
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows
