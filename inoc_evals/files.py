"""Atomic writes: a file or folder appears complete or not at all, even if the writing process is killed.

    write_whole(path, b"...")
    with replacing(path) as temporary:            # write to `temporary`; it replaces `path` at the end
        write_parquet(table, temporary)
    with replacing_folder(folder) as temporary:   # the same for a folder; the first of several writers wins
        model.save_pretrained(temporary)

The temporary file is in the same folder; its name begins with a dot and ends in `.tmp`, so that no reader
mistakes it for the file itself. What a killed process left of a file is removed by the next that writes it,
or by the owner of the folder (`remove_unfinished`). A file that is appended to line by line can have an
incomplete last line:

    read_json_lines(path)                         # rows, up to the first incomplete line

Where a disk is full or a folder must not be written to, the user reads one line:

    with writing(run.folder, "give another folder with --runs"):
        ...
"""

import errno
import json
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from inoc_evals.digests import sha256
from inoc_evals.errors import FULL, UserError, first_line, place_of, refusal
from inoc_evals.user_files import lines, user_path

if TYPE_CHECKING:
    from upath import UPath

AnyPath = TypeVar("AnyPath", Path, "UPath")
"""A path on this machine, or a `UPath` for a URL, which has the same methods."""

SUFFIX = ".tmp"
"""Suffix of the name of an unfinished file or folder."""

LOG_NAME = re.compile(r"\.eval$|^\d{4}-\d{2}-\d{2}T.*\.json$")
"""Names of Inspect's logs, in either of its formats."""

FORGOTTEN = 7 * 24 * 3600.0
"""Seconds after which an unfinished file is a leftover, whoever wrote it: on another machine of a shared file
system, no process can be asked for."""

LONGEST_NAME = 180
"""Bytes of a file's name that its temporary name repeats; file systems allow 255 in all."""

_OWNER = re.compile(r"(?:(?P<place>[0-9a-f]{6})-)?(?P<process>\d+)-(?P<token>[0-9a-f]{6})")
"""In the name of an unfinished file: which machine, process and call writes it."""

_ours: set[str] = set()
"""Tokens of the unfinished files of this process."""


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


def refuse_overwriting(
    path: str | Path, *, force: bool = False, inputs: Iterable[str | Path] = (), content: bytes | None = None
) -> None:
    """Refuse to replace what a user has, before anything is made or paid for.

    Args:
        path: The file that a command is to write, its `-o`.
        force: Whether the user said that it may be replaced (`--force`).
        inputs: What the command reads. None of it is ever replaced: then there would be no way back.
        content: What is to be written, if that is known: the same again replaces nothing.

    Raises:
        UserError: If the path is one of the inputs; or if it is a file with other content, without `force`.
    """
    target = user_path(path)
    if not target.exists():
        return
    for one in map(Path, inputs):
        with suppress(OSError, ValueError):
            if one.exists() and target.samefile(one):
                raise UserError(f"{path} is read by this command: choose another -o")
    if force or (content is not None and target.is_file() and target.read_bytes() == content):
        return
    raise UserError(f"{path} exists: choose another -o, or add --force to replace it")


@contextmanager
def replacing(path: AnyPath) -> Iterator[AnyPath]:
    """Yield a temporary path to write to, and move that file to `path` if the block succeeds.

    Args:
        path: The final path; its folder must exist, an existing file is replaced.

    Yields:
        The path to write to, in the same folder. It is removed if the block raises.
    """
    temporary = unfinished(path)
    if isinstance(path, Path):
        remove_leftovers(path)
    try:
        yield temporary
        # `replace` also replaces on Windows; paths behind a URL know `rename` only
        (temporary.replace if isinstance(temporary, Path) else temporary.rename)(path)
    except BaseException as error:
        with suppress(OSError):  # what cannot be removed goes with the next call
            temporary.unlink()
        if isinstance(error, OSError) and (
            error.filename is None or str(temporary) in (error.filename, error.filename2)
        ):
            error.filename, error.filename2 = str(path), None  # a writer that ran out of room names no file
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
    with passing_folder(folder) as temporary:
        try:
            yield temporary
            if over and folder.is_dir():
                earlier = unfinished(folder)  # moved, not removed, so that what is there is always whole
                folder.rename(earlier)
                temporary.rename(folder)
                shutil.rmtree(earlier, ignore_errors=True)
                return
            try:
                temporary.rename(folder)
            except OSError:
                if over or not folder.is_dir():
                    raise
        except OSError as error:  # the user knows the folder, and not the one that was to become it
            _name_instead(error, temporary, folder)
            raise


@contextmanager
def passing_folder(beside: Path) -> Iterator[Path]:
    """Yield a temporary folder, which is removed at the end; of a killed process, by the next call.

    Args:
        beside: A path in the same folder, after which it is named.

    Yields:
        A new, empty folder.
    """
    temporary = unfinished(beside)
    temporary.mkdir(parents=True)
    remove_leftovers(beside)
    try:
        yield temporary
    except OSError as error:
        _name_instead(error, temporary, beside.parent)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _name_instead(error: OSError, temporary: Path, folder: Path) -> None:
    """Let an error about a path in a temporary folder be about the same place in another folder."""
    for place in (error.filename2, error.filename):
        if isinstance(place, str) and Path(place).is_relative_to(temporary):
            error.filename, error.filename2 = str(folder / Path(place).relative_to(temporary)), None
            return


@contextmanager
def writing_into(folder: Path, advice: str) -> Iterator[None]:
    """Make a folder for what the block writes, and say as `writing` does where a file system refuses that.

    Args:
        folder: The folder; if the block fails, it goes again where it was made here and is empty.
        advice: What to do, see `writing`.

    Raises:
        UserError: As `writing`.
    """
    with writing(folder, advice), leaving_no_folder(folder):
        folder.mkdir(parents=True, exist_ok=True)
        yield


@contextmanager
def leaving_no_folder(folder: Path) -> Iterator[None]:
    """Remove the folders that the block made and left empty, if it fails: this one and those above it."""
    missing = [path for path in (folder, *folder.absolute().parents) if not os.path.lexists(path)]
    try:
        yield
    except BaseException:
        with suppress(OSError):  # what is not empty, or was never made
            for path in missing:
                path.rmdir()
        raise


def unfinished(path: AnyPath) -> AnyPath:
    """A temporary path beside `path` that no other process or thread uses."""
    token = secrets.token_hex(3)
    _ours.add(token)
    return path.with_name(f"{_beginning(path.name)}{_place()}-{os.getpid()}-{token}{SUFFIX}")


def _beginning(name: str) -> str:
    """What the names of all unfinished files of a file begin with."""
    return f".{name.encode()[:LONGEST_NAME].decode(errors='ignore')}."


@cache
def _place() -> str:
    """What tells this machine, or this container, from others that may use the same process numbers."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # not Linux
        space = ""
    return sha256(f"{platform.node()} {space}")[:6]


def remove_leftovers(path: Path) -> None:
    """Remove what killed processes left of a file or folder; who writes it anew does so anyway."""
    beginning = _beginning(path.name)
    with (
        suppress(OSError),
        os.scandir(path.parent) as entries,
    ):  # the writer says what is wrong with the folder
        for entry in entries:
            if not (entry.name.startswith(beginning) and entry.name.endswith(SUFFIX)):
                continue
            owner = _OWNER.fullmatch(entry.name.removeprefix(beginning).removesuffix(SUFFIX))
            if owner and _is_left(owner, entry.stat(follow_symlinks=False).st_mtime):
                _remove(Path(entry.path))


def _is_left(owner: "re.Match[str]", written: float) -> bool:
    """Whether the writer of an unfinished file is gone."""
    if owner["place"] != _place():
        return time.time() - written > FORGOTTEN
    if int(owner["process"]) == os.getpid():
        return owner["token"] not in _ours  # of an earlier process of the same number
    import psutil

    return not psutil.pid_exists(int(owner["process"]))


def _remove(leftover: Path) -> None:
    if leftover.is_dir() and not leftover.is_symlink():
        shutil.rmtree(leftover, ignore_errors=True)
    else:
        leftover.unlink(missing_ok=True)


def remove_unfinished(folder: Path, *, of: str = "*") -> None:
    """Remove the unfinished files and folders that killed processes left behind.

    Args:
        folder: A folder that no other process is writing to, e.g. because the caller holds its lock.
        of: Only those of the file or folder of this name, where the lock is for that one alone.
    """
    for leftover in folder.glob(f".{of if of == '*' else escape(of)}.*{SUFFIX}"):
        _remove(leftover)


def local_path(location: str | Path) -> Path:
    """The path of a log that Inspect names, `file://` before it or not; it escapes nothing in it."""
    return Path(str(location).removeprefix("file://"))


def is_url(place: str) -> bool:
    """Whether a place is behind a URL."""
    return "://" in place


def on_this_machine(place: str | Path) -> Path | None:
    """The path that a user names, by a `file://` URL or not; None for what is behind any other URL.

    Args:
        place: A path or URL. In a `file://` URL, `%5B` is `[` as other programs write it, unless there is a
            file of that very name.
    """
    if not is_url(str(place)):
        return Path(place)
    if not str(place).startswith("file://"):
        return None
    path = local_path(place)
    decoded = Path(unquote(str(path)))
    return decoded if decoded.exists() and not path.exists() else path


@contextmanager
def reaching(place: str | Path, advice: str = "", *, to: str = "read") -> Iterator[None]:
    """Say in one line that a place cannot be reached, whatever the library of its file system raises.

    Each has errors of its own: for want of credentials, of a network, of the bucket.

    Args:
        place: A path or URL.
        advice: What to do, at the end of the error.
        to: What cannot be done there: `read`, `written`.

    Raises:
        UserError: In place of any other exception of the block, which is about the file system alone.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        end = f": {advice}" if advice else ""
        raise UserError(f"{place} cannot be {to}: {first_line(error)}{end}") from error


def refuse_unwritable(folder: Path, otherwise: str) -> None:
    """Refuse a folder in which nothing can be written, or that cannot be made. Nothing is touched.

    Args:
        folder: The folder; need not exist.
        otherwise: What to do, at the end of the error, e.g. `give another --log-dir`.

    Raises:
        UserError: If it, or the nearest folder above it that exists, is a file or cannot be written to.
    """
    try:
        folder = folder.expanduser().absolute()
        folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, RuntimeError, ValueError) as error:  # too long, no access, an unknown ~user, a null byte
        why = getattr(error, "strerror", None) or error
        raise UserError(f"{str(folder)!r} is no usable folder ({why}): {otherwise}") from error
    place = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not place.is_dir():
        what = "a file, not a folder" if place.exists() else "a link to nothing"
        raise UserError(f"{place} is {what}: {otherwise}")
    if not os.access(place, os.W_OK | os.X_OK):
        raise UserError(f"{place} cannot be written to: {otherwise}")


def files_below(folder: Path) -> Iterator[Path]:
    """All files in a folder and the folders below it, also those behind links, each folder once.

    Args:
        folder: The folder.

    Raises:
        OSError: If a folder cannot be read: none is left out silently.
    """

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # removed in the meantime
            raise error

    seen: set[str] = set()
    for place, below, names in os.walk(folder, followlinks=True, onerror=refuse):
        real = os.path.realpath(place)
        if real in seen:  # a link to a folder above, or another to the same
            below.clear()
            continue
        seen.add(real)
        below.sort()
        yield from (Path(place) / name for name in sorted(names))


def below(folder: "UPath") -> "Iterator[UPath]":
    """All files below a folder behind a URL, whose name is no pattern: `rglob` takes its brackets for one.

    Args:
        folder: The folder.
    """
    top = folder.path.rstrip("/")
    for name in folder.fs.find(folder.path):
        yield folder / name.removeprefix(top).lstrip("/")


@contextmanager
def writing(place: Path, advice: str) -> Iterator[None]:
    """Say in one line that a file system refuses what the block writes: it is full, or not the user's.

    Args:
        place: What is written, named where the error names no path.
        advice: What to do, e.g. which option gives another place.

    Raises:
        UserError: If it does. Any other error of the block is raised as it is.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        path = place_of(error)
        there = errno.EEXIST if isinstance(error, FileExistsError) else None  # a file in a folder's place
        number = refusal(error) or there
        if number is None or not _is_written(path, place, number):
            raise
        path = path or place
        free = "free space there or " if number in FULL else ""
        raise UserError(
            f"{path} cannot be written ({os.strerror(number)}): {free}{advice}, and run the command again"
        ) from error


def _is_written(path: Any, place: Path, number: int) -> bool:
    """Whether what was refused is the place, or in it or on the way to it, and no file that is only read."""
    if number in FULL:
        return True
    if not isinstance(path, str | bytes | os.PathLike):
        return False
    refused, wanted = Path(os.fsdecode(path)).absolute(), place.absolute()
    return refused.is_relative_to(wanted) or wanted.is_relative_to(refused) or refused.parent == wanted.parent


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines, up to the first line that a killed process left incomplete.

    Args:
        path: The file; need not exist.

    Returns:
        The objects; an empty list if the file does not exist.
    """
    rows: list[dict[str, Any]] = []
    for line in lines(path.read_text("utf-8")) if path.is_file() else ():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows
