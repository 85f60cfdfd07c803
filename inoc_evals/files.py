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

Two processes that would write the same folder take turns, and whoever deletes looks whether one is at work:

    with held(folder / ".lock", "evaluates here"):
        ...
    is_held(folder / ".lock")

What users write is read strictly, so that nothing of it is dropped without a word, and within limits, so that
no file can take the machine's memory:

    given(path)                                   # the bytes of a regular file; a UserError says why not
    lines(given_text(path))                       # its lines, of UTF-8
    user_path("~/rows.jsonl")                     # a path as it was typed
    json_object(folder / "adapter_config.json")   # a file that must hold a JSON object
    strict_json('{"id": 1, "id": 2}')             # ValueError: an object has the same key twice: 'id'
    strict_yaml("{seeds: 1, seeds: 2}")           # the same
    csv_rows(text)                                # a reader of rows as dicts, cells of any length
"""

import csv
import errno
import io
import json
import os
import platform
import re
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, TypeVar

from inoc_evals.digests import sha256
from inoc_evals.errors import UserError, why

if TYPE_CHECKING:
    from upath import UPath

AnyPath = TypeVar("AnyPath", Path, "UPath")
"""A path on this machine, or a `UPath` for a URL, which has the same methods."""

LONGEST_CELL = 2**31 - 1
"""Characters of a CSV cell; the most that every platform takes."""

LARGEST = 2**28
"""Bytes of a file that is read as a whole, at most."""

LARGEST_YAML = 2**22
"""Bytes of a YAML file at most; its reader takes a second for each million."""

MOST_NODES = 10**6
"""Values of a YAML file at most, with what its aliases repeat."""
WRITE_FAULTS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ESTALE),
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP),
)
"""What a file system says where the user must free, allow or rename something."""

FULL = (errno.ENOSPC, errno.EDQUOT)

BY_NUMBER = re.compile(r"\(os error (\d+)\)")
"""How libraries in Rust, such as safetensors, name the same in the text of their own errors."""

TORCH = re.compile(r"PytorchStreamWriter failed|inline_container\.cc.*unexpected pos", re.DOTALL)
"""How torch says that the disk took only a part of a file; it does not say why."""

SUFFIX = ".tmp"
"""Suffix of the name of an unfinished file or folder."""

LOCK = ".lock"
"""Name of a folder's lock file."""

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
        _remove_leftovers(path)
    try:
        yield temporary
        # `replace` also replaces on Windows; paths behind a URL know `rename` only
        (temporary.replace if isinstance(temporary, Path) else temporary.rename)(path)
    except BaseException as error:
        with suppress(OSError):  # what cannot be removed goes with the next call
            temporary.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
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
    _remove_leftovers(beside)
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


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


def _remove_leftovers(path: Path) -> None:
    """Remove what killed processes left of a file or folder that is about to be written."""
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
    for leftover in folder.glob(f".{of}.*{SUFFIX}"):
        _remove(leftover)


@contextmanager
def held(lock: Path, doing: str) -> Iterator[None]:
    """Hold a lock, and wait for whoever holds it, which is said on standard error.

    The operating system releases the lock of a process that dies, so none is ever in the way.

    Args:
        lock: The lock's file, which stays; its folder must exist.
        doing: What its holder does, as in `another process evaluates here`.

    Yields:
        Nothing.

    Raises:
        UserError: If the file cannot be written.
    """
    from filelock import FileLock, Timeout

    taken = FileLock(lock)
    try:
        try:
            taken.acquire(timeout=0)
        except Timeout:
            sys.stderr.write(f"waiting: another process {doing} ({lock} is held)\n")
            sys.stderr.flush()
            taken.acquire()
    except OSError as error:
        raise UserError(f"{lock} cannot be written ({error.strerror}): nothing is done without it") from error
    try:
        yield
    finally:
        taken.release()


def is_held(lock: Path) -> bool:
    """Whether a process holds a lock now.

    Args:
        lock: The lock's file; need not exist.

    Raises:
        UserError: If that cannot be found out.
    """
    from filelock import FileLock, Timeout

    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
    except OSError as error:
        if error.errno == errno.EROFS:  # nobody writes there
            return False
        raise UserError(f"{lock} cannot be opened, so whether it is held is unknown: {why(error)}") from error


def is_url(place: str) -> bool:
    """Whether a place is behind a URL."""
    return "://" in place


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
        # of two files, a copy or a move writes the second
        path = getattr(error, "filename2", None) or getattr(error, "filename", None)
        number = _refusal(error)
        if number is None or not _is_written(path, place, number):
            raise
        path = path or place
        free = "free space there or " if number in FULL else ""
        raise UserError(
            f"{path} cannot be written ({os.strerror(number)}): {free}{advice}, and run the command again"
        ) from error


def _is_written(path: Any, place: Path, number: int) -> bool:
    """Whether what was refused is the place, or in it or on the way to it, and no file that is only read."""
    if number in (*FULL, errno.EFBIG):  # nothing else than a write can fail so
        return True
    if not isinstance(path, str | bytes | os.PathLike):
        return False
    refused, wanted = Path(os.fsdecode(path)).absolute(), place.absolute()
    return refused.is_relative_to(wanted) or wanted.is_relative_to(refused) or refused.parent == wanted.parent


def _refusal(error: Exception) -> int | None:
    """The number of the fault where a file system refused something, in Python's words or in a library's."""
    if isinstance(error, OSError) and error.errno is not None:
        number: int | None = error.errno
    elif match := BY_NUMBER.search(str(error)):
        number = int(match[1])
    else:
        number = errno.ENOSPC if TORCH.search(str(error)) else None
    return number if number in WRITE_FAULTS else None


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


def user_path(path: str | Path) -> Path:
    """A path as a user typed it, with `~` replaced.

    Args:
        path: The path; it need not exist.

    Raises:
        UserError: If no file can have it: it is too long, holds a NUL character, or is in the home folder of
            somebody who has none.
    """
    if "\0" in str(path):
        raise UserError(f"{path!s:.200} is no path: it holds a NUL character")
    try:
        os.fsencode(path)
        found = Path(path).expanduser()
        with suppress(FileNotFoundError, NotADirectoryError):
            found.stat()  # knows what the file system does not take
    except RuntimeError as error:
        raise UserError(f"{path!s:.200}: there is no such home folder: write the path in full") from error
    except OSError as error:
        raise UserError(f"{path!s:.200}: cannot be read: {error.strerror}") from error
    except (TypeError, ValueError) as error:
        raise UserError(f"{path!s:.200} is no path: {error}") from error
    return found


@contextmanager
def opened(path: str | Path, fault: type[UserError] = UserError) -> Iterator[BinaryIO]:
    """Open a user's file to read bytes. A pipe is refused: it would be waited for, and read once.

    Args:
        path: The file.
        fault: Kind of the error.

    Yields:
        The open file.

    Raises:
        UserError: If it is no regular file or cannot be read, also while the block reads.
    """
    try:
        file = user_path(path)
    except UserError as error:
        raise fault(error.message) from error
    try:
        kind = file.stat().st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            raise fault(f"{path}: cannot be read: not a regular file: save what it gives as one")
        with file.open("rb") as stream:
            yield stream
    except OSError as error:
        raise fault(f"{path}: cannot be read: {error.strerror}") from error


def given(path: str | Path, fault: type[UserError] = UserError, most: int = LARGEST) -> bytes:
    """The content of a user's file.

    Args:
        path: The file.
        fault: Kind of the error.
        most: Bytes that it may have.

    Raises:
        UserError: If it is no regular file, cannot be read, or is larger.
    """
    with opened(path, fault) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise fault(f"{path}: larger than {most / 1e6:,.0f} MB, the most that is read of such a file")
    return data


def given_text(path: str | Path, fault: type[UserError] = UserError) -> str:
    """The text of a user's file in UTF-8, without a byte order mark; every line ends in a line feed.

    Args:
        path: The file.
        fault: Kind of the error.

    Raises:
        UserError: As `given`, or if it is not UTF-8.
    """
    data = given(path, fault)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise fault(f"{path}: not UTF-8 (byte 1) but UTF-16: save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise fault(f"{path}: not UTF-8 (byte {error.start + 1})") from error
    if "\0" in text:
        raise fault(f"{path}: not text: it holds a NUL character: save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def lines(text: str) -> list[str]:
    """The lines of a text, split at line feeds alone.

    `str.splitlines` also splits at characters that stand inside a prompt, such as U+2028 or U+0085. A byte
    order mark before a line, where files were joined, is left out.
    """
    split = text.split("\n")
    return [line.removeprefix("\ufeff") for line in (split if split[-1] else split[:-1])]


def json_object(path: Path) -> dict[str, Any]:
    """Read a file that must hold a JSON object, such as `adapter_config.json`.

    Args:
        path: The file.

    Raises:
        UserError: If it cannot be read, or is something else.
    """
    data = given(path)
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise UserError(f"{path} is damaged: not a JSON object")
    return value


def strict_json(text: str | bytes) -> Any:
    """Parse JSON as the standard has it.

    Args:
        text: One JSON value.

    Raises:
        ValueError: If it is not JSON, is nested too deeply, an object has the same key twice (Python would
            keep the last), a number is NaN or infinite, or a text holds half a surrogate pair.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if (r"\u" if isinstance(text, str) else rb"\u") in text:  # type: ignore[operator]
        _refuse_halves(value)
    return value


def strict_yaml(text: str | bytes) -> Any:
    """Parse YAML, without code, without losing what is written twice, and without what explodes.

    Args:
        text: One document.

    Raises:
        ValueError: If it is not YAML, a mapping has the same key twice (PyYAML would keep the last), it is
            too large, nested too deeply, or its aliases stand for more than `MOST_NODES` values or for
            themselves.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            # Before merge keys are filled in: what is written here may override what they bring.
            pairs = node.value if isinstance(node, yaml.MappingNode) else ()
            written = [key.value for key, _ in pairs if isinstance(key, yaml.ScalarNode)]
            if twice := [key for key in written if written.count(key) > 1 and key != "<<"]:
                raise ValueError(
                    f"a mapping has the same key twice: {twice[0]!r:.40}, line {node.start_mark.line + 1}"
                )
            return super().construct_mapping(node, deep)

    if len(text) > LARGEST_YAML:
        raise ValueError(f"larger than {LARGEST_YAML / 1e6:,.0f} MB, the most that is read of YAML")
    try:
        loader = Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if _nodes(node, {}) > MOST_NODES:
            raise ValueError(f"its aliases stand for more than {MOST_NODES:,} values")
        value = loader.construct_document(node)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except Exception as error:  # PyYAML's own, or whatever `!!int x` and its kind raise in it
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error
    _refuse_halves(value)
    return value


def _nodes(node: Any, known: dict[int, int]) -> int:
    """How many values a YAML node stands for, those of its aliases included."""
    if not isinstance(node.value, list):
        return 1
    if id(node) not in known:
        known[id(node)] = MOST_NODES + 1  # met again below itself, it has no end
        inner = (one for entry in node.value for one in (entry if isinstance(entry, tuple) else (entry,)))
        known[id(node)] = 1 + sum(_nodes(one, known) for one in inner)
    return known[id(node)]


def csv_rows(text: str, mark: str = ",") -> "csv.DictReader[str]":
    """A strict reader of CSV with a header, whose cells may have any length.

    Args:
        text: The content of the file.
        mark: What stands between two cells.

    Returns:
        A reader; it raises `csv.Error` at a row that is not CSV.

    Raises:
        ValueError: If two columns have the same name (`csv` would keep the last).
    """
    csv.field_size_limit(
        LONGEST_CELL
    )  # of the process; its default of 131,072 characters is one long transcript
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=mark)
    columns = reader.fieldnames or []
    if twice := [column for column in columns if list(columns).count(column) > 1]:
        raise ValueError(f"two columns are named {twice[0]!r:.40}")
    return reader


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key, entry in pairs:
        if key in value:
            raise ValueError(f"an object has the same key twice: {key!r:.40}")
        value[key] = entry
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(number: str) -> float:
    value = float(number)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{number!s:.40} is too large for a number")
    return value


def _refuse_halves(value: Any) -> None:
    """Refuse half a surrogate pair in any text of a value: it can be written into no file."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        raise ValueError("it holds half a surrogate pair, which is not a character") from error
    except (TypeError, ValueError, RecursionError):  # no JSON, e.g. a date as a key
        return
