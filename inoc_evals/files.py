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

Where a disk is full or a folder must not be written to, the user reads one line:

    with writing(run.folder, "give another folder with --runs"):
        ...

What users write is read strictly, so that nothing of it is dropped without a word:

    strict_json('{"id": 1, "id": 2}')             # ValueError: an object has the same key twice: 'id'
    strict_yaml("{seeds: 1, seeds: 2}")           # the same
    csv_rows(text)                                # a reader of rows as dicts, cells of any length
"""

import csv
import errno
import io
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from inoc_evals.errors import UserError

if TYPE_CHECKING:
    from upath import UPath

AnyPath = TypeVar("AnyPath", Path, "UPath")
"""A path on this machine, or a `UPath` for a URL, which has the same methods."""

LONGEST_CELL = 2**31 - 1
"""Characters of a CSV cell; the most that every platform takes."""

REFUSALS = (
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
        if (number := _refusal(error)) is None:
            raise
        # of two files, a copy or a move writes the second
        path = getattr(error, "filename2", None) or getattr(error, "filename", None) or place
        free = "free space there or " if number in FULL else ""
        raise UserError(
            f"{path} cannot be written ({os.strerror(number)}): {free}{advice}, and run the command again"
        ) from error


def _refusal(error: Exception) -> int | None:
    """The number of the fault where a file system refused something, in Python's words or in a library's."""
    if isinstance(error, OSError) and error.errno is not None:
        number: int | None = error.errno
    elif match := BY_NUMBER.search(str(error)):
        number = int(match[1])
    else:
        number = errno.ENOSPC if TORCH.search(str(error)) else None
    return number if number in REFUSALS else None


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


def strict_json(text: str | bytes) -> Any:
    """Parse JSON as the standard has it.

    Args:
        text: One JSON value.

    Raises:
        ValueError: If it is not JSON, an object has the same key twice (Python would keep the last), or a
            number is NaN or infinite.
    """
    return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)


def strict_yaml(text: str | bytes) -> Any:
    """Parse YAML, without code and without losing what is written twice.

    Args:
        text: One document.

    Raises:
        ValueError: If it is not YAML, or a mapping has the same key twice (PyYAML would keep the last).
    """
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            # Before merge keys are filled in: what is written here may override what they bring.
            written = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            if twice := [key for key in written if written.count(key) > 1 and key != "<<"]:
                raise ValueError(
                    f"a mapping has the same key twice: {twice[0]!r:.40}, line {node.start_mark.line + 1}"
                )
            return super().construct_mapping(node, deep)

    try:
        return Loader(text).get_single_data()
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())) from error


def csv_rows(text: str) -> "csv.DictReader[str]":
    """A strict reader of CSV with a header, whose cells may have any length.

    Args:
        text: The content of the file.

    Returns:
        A reader; it raises `csv.Error` at a row that is not CSV.

    Raises:
        ValueError: If two columns have the same name (`csv` would keep the last).
    """
    csv.field_size_limit(
        LONGEST_CELL
    )  # of the process; its default of 131,072 characters is one long transcript
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
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
