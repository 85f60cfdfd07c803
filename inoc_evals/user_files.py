"""What users write, read strictly: nothing is dropped without a word, no file can take the machine's memory.

given(path)                                   # the bytes of a regular file; a UserError says why not
lines(given_text(path))                       # its lines, of UTF-8
user_path("~/rows.jsonl")                     # a path as it was typed
json_object(folder / "adapter_config.json")   # a file that must hold a JSON object
strict_json('{"id": 1, "id": 2}')             # ValueError: an object has the same key twice: 'id'
strict_yaml("{seeds: 1, seeds: 2}")           # the same, with the line
csv_rows(text)                                # a reader of rows as dicts, cells of any length
"""

import csv
import io
import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from inoc_evals.errors import UserError

LONGEST_CELL = 2**31 - 1
"""Characters of a CSV cell; the most that every platform takes."""

LARGEST = 2**28
"""Bytes of a file that is read as a whole, at most."""

LARGEST_YAML = 2**22
"""Bytes of a YAML file at most; its reader takes a second for each million."""

MOST_NODES = 10**6
"""Values of a YAML file at most, with what its aliases repeat."""


URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(?!/)|([A-Za-z][A-Za-z0-9+.-]+)://")
"""The beginning of a URL, as a `Path` leaves it or as typed; one letter would be a drive of Windows."""


def refuse_url(place: str | Path) -> None:
    """Refuse a URL where only a path is of use: `Path("s3://x")` would be a folder named `s3:`.

    Args:
        place: What a user gave as a path.

    Raises:
        UserError: If it is a URL, `file://` ones included.
    """
    if found := URL.match(str(place)):
        scheme = found[1] or found[2]
        slashes = ":///" if found[1] == "file" else "://"
        url = f"{scheme}{slashes}{str(place)[found.end() :]}"
        raise UserError(f"{url} is a URL: only a path on this machine can be given here")


def user_path(path: str | Path) -> Path:
    """A path as a user typed it, with `~` replaced.

    Args:
        path: The path; it need not exist.

    Raises:
        UserError: If no file can have it: it is a URL or too long, holds a NUL character, or is in the home
            folder of somebody who has none.
    """
    refuse_url(path)
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

    A date such as `2026-01-31` is a text.

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
            written: set[str] = set()
            for key, _ in pairs:
                if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                    continue
                if key.value in written:
                    raise ValueError(
                        f"a mapping has the same key twice: {key.value!r:.40}, line {key.start_mark.line + 1}"
                    )
                written.add(key.value)
            return super().construct_mapping(node, deep)

    # No field here is a date of Python's; a text such as a template's date is written like one.
    Loader.yaml_implicit_resolvers = {
        first: [(tag, form) for tag, form in known if tag != "tag:yaml.org,2002:timestamp"]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

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
