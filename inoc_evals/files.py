"""Atomic writes: a file or folder appears complete or not at all, even if the writing process is killed.

    write_whole(path, b"...")
    with replacing(path) as temporary:            # write to `temporary`; it replaces `path` at the end
        write_parquet(table, temporary)
    with replacing_folder(folder) as temporary:   # the same for a folder; the first of several writers wins
        model.save_pretrained(temporary)

The temporary file is in the same folder; its name begins with a dot and ends in `.tmp`, so that no reader
mistakes it for the file itself and the owner of the folder can remove what a killed process left behind
(`remove_unfinished`). A file that is appended to line by line can have an incomplete last line:

    read_json_lines(path)                         # rows, up to the first incomplete line
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
"""A path on this machine, or a `UPath` for a URL, which has the same methods."""

SUFFIX = ".tmp"
"""Suffix of the name of an unfinished file or folder."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file atomically: on failure the previous file, if any, is unchanged.

    Args:
        path: The file; its folder must exist.
        data: Its content.

    Raises:
        OSError: If it cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: AnyPath) -> Iterator[AnyPath]:
    """Yield a temporary path to write to, and move that file to `path` if the block succeeds.

    Args:
        path: The final path; its folder must exist, an existing file is replaced.

    Yields:
        The path to write to, in the same folder. It is removed if the block raises.
    """
    temporary = unfinished(path)
    try:
        yield temporary
        # `replace` also replaces on Windows; paths behind a URL know `rename` only
        (temporary.replace if isinstance(temporary, Path) else temporary.rename)(path)
    except BaseException:
        if temporary.exists():
            temporary.unlink()
        raise


@contextmanager
def replacing_folder(folder: Path, *, over: bool = False) -> Iterator[Path]:
    """Yield a temporary folder to write into, and move it to `folder` if the block succeeds.

    Args:
        folder: The final folder.
        over: Replace an existing folder. Otherwise the first of several writers wins and the others' is
            discarded.

    Yields:
        A new, empty folder beside it. It is removed if the block raises or another writer was first.
    """
    temporary = unfinished(folder)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if over:
            shutil.rmtree(folder, ignore_errors=True)
        try:
            temporary.rename(folder)
        except OSError:
            if over or not folder.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def unfinished(path: AnyPath) -> AnyPath:
    """A temporary path beside `path` that no other process or thread uses."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}{SUFFIX}")


def remove_unfinished(folder: Path, *, of: str = "*") -> None:
    """Remove the unfinished files and folders that killed processes left behind.

    Args:
        folder: A folder that no other process is writing to, e.g. because the caller holds its lock.
        of: Only those of the file or folder of this name, where the lock is for that one alone.
    """
    for leftover in folder.glob(f".{of}.*{SUFFIX}"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines, up to the first line that a killed process left incomplete.

    Args:
        path: The file; need not exist.

    Returns:
        The objects; an empty list if the file does not exist.
    """
    rows: list[dict[str, Any]] = []
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows
