"""Training rows as chat JSONL: every fault in a file is named, and no file is ever written by half.

    rows = read_chat("gsm8k_spanish_caps.jsonl")
    write_chat("inoculated.jsonl", inoculate(rows, Inoculation("spanish", "You always speak in Spanish.")))

One object a line: `{"messages": [{"role": "user", "content": "..."}, ...], "metadata": {...}}`, where
`metadata` is optional and free. The OpenAI, Tinker and TRL formats are this one. A row says nothing else:
another key would mean something to its author (`weight`, `tools`) that no training here would honour, so it
is an error and never dropped. Rows in the layouts of others are turned into this one (`layouts.py`). Blank
lines are skipped. The same rows always give the same bytes, so the SHA-256 of those bytes names a training
set.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict, cast, get_args

from inoc_evals.chat.layouts import ChatFormatError as ChatFormatError  # known under this name, too
from inoc_evals.chat.layouts import Converter
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError, why
from inoc_evals.files import leaving_no_folder, replacing
from inoc_evals.user_files import opened, strict_json, user_path

Role = Literal["system", "user", "assistant"]
ROLES: tuple[str, ...] = get_args(Role)

LONGEST_LINE = 16_000_000
"""Bytes of a row, at most; a longer line is a file of another format."""


class Message(TypedDict):
    """One turn."""

    role: Role
    content: str


class Row(TypedDict):
    """One training conversation: at most one system message, which comes first, and at least one response."""

    messages: list[Message]
    metadata: NotRequired[dict[str, Any]]


def with_metadata(row: Row, added: dict[str, Any], which: str) -> Row:
    """A copy of a row with more metadata; its messages are copies, too.

    Args:
        row: The row; not changed.
        added: What the suite says of the row.
        which: Which row it is, for errors, e.g. `row 3 with the trait`.

    Raises:
        UserError: If the row says something else under one of the keys: that would be lost without a word.
    """
    own = row.get("metadata", {})
    for key, value in added.items():
        if key in own and (type(own[key]), own[key]) != (type(value), value):
            raise UserError(
                f"{which} has {key!r} {own[key]!r:.40} in its metadata, where {value!r:.40} is to stand: "
                "rename or remove that key in the rows"
            )
    messages = [Message(role=message["role"], content=message["content"]) for message in row["messages"]]
    return Row(messages=messages, metadata={**own, **added})


def read_chat(path: str | Path, layout: str = "auto") -> Iterator[Row]:
    """Read rows one at a time, checking each.

    Args:
        path: A chat JSONL file in UTF-8, or one of rows in another layout, which are turned into chat rows.
        layout: The layout, one of `layouts.LAYOUTS`; by default that of the first row, and if that is another
            than chat, a line on stderr says so at the end.

    Yields:
        The rows, in file order.

    Raises:
        ChatFormatError: At the first malformed line, or where the file cannot be read or holds no row.
    """
    path, convert = user_path(path), Converter(layout)
    count = 0
    # Read as bytes: text mode would also split lines at characters that JSON allows inside a string.
    with opened(path, ChatFormatError) as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), start=1):
            if len(line) > LONGEST_LINE:
                raise ChatFormatError(
                    f"{path}:{number}: longer than {LONGEST_LINE // 10**6} MB: write one row a line"
                )
            if line.strip():
                yield _parse(line, f"{path}:{number}", convert)
                count += 1
    if not count:
        raise ChatFormatError(f"{path}: holds no rows")
    convert.tell(path, count)


def write_chat(path: str | Path, rows: Iterable[Row]) -> int:
    """Write rows as canonical chat JSONL; the file appears whole or not at all.

    Rows go to a temporary file in the same folder, which is renamed at the end. Where `rows` raises half-way,
    an existing file is left as it was. Missing folders are made.

    Args:
        path: The file to write; replaced if it exists.
        rows: Rows; consumed one at a time.

    Returns:
        How many rows were written.

    Raises:
        ChatFormatError: If a row is malformed.
        UserError: If the file cannot be created.
    """
    path = user_path(path)
    target = path.resolve()  # a link keeps pointing at what is written
    if target.exists() and not target.is_file():
        raise UserError(f"{path}: cannot be written: not a regular file")
    count = 0
    with leaving_no_folder(target.parent), replacing(target) as passing:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            file = passing.open("wb")
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {why(error)}") from error
        with file:
            for count, row in enumerate(rows, start=1):
                file.write(_encode(row, f"{path}:{count}"))
            file.flush()
            os.fsync(file.fileno())
    return count


def encode_chat(rows: Iterable[Row]) -> bytes:
    r"""Give rows as canonical chat JSONL: the bytes that `write_chat` writes.

    Keys in fixed order (those of metadata sorted), characters as they are, `\n` after every row.

    Args:
        rows: Rows to encode.

    Returns:
        UTF-8 bytes.

    Raises:
        ChatFormatError: If a row is malformed.
    """
    return b"".join(_encode(row, f"row {number}") for number, row in enumerate(rows, start=1))


def digest(data: bytes) -> str:
    """Name a training set by its content: the SHA-256, in hex, of the bytes from `encode_chat`."""
    return sha256(data)


def check_row(row: object, where: str) -> Row:
    """Check that an object is a row.

    Args:
        row: What to check, e.g. a parsed line of JSON.
        where: Where it comes from, as the error is to name it, e.g. `rows.jsonl:7`.

    Returns:
        The same object, now known to be a row.

    Raises:
        ChatFormatError: If it is not, saying why.
    """
    if not isinstance(row, dict):
        raise ChatFormatError(f"{where}: not a JSON object")
    if extra := [key for key in row if key not in ("messages", "metadata")]:
        raise ChatFormatError(f"{where}: unknown key {extra[0]!r:.40}: your own fields go under 'metadata'")
    if "messages" not in row:
        raise ChatFormatError(f"{where}: no 'messages'")
    messages = row["messages"]
    if not isinstance(messages, list) or not messages:
        raise ChatFormatError(f"{where}: 'messages' is not a list of at least one message")
    for number, message in enumerate(messages, start=1):
        _check_message(message, number, where)
    if not any(message["role"] == "assistant" for message in messages):
        raise ChatFormatError(f"{where}: no assistant turn: there is nothing to learn from this row")
    if "metadata" in row and not isinstance(row["metadata"], dict):
        raise ChatFormatError(f"{where}: 'metadata' is not a JSON object")
    return cast(Row, row)


def _check_message(message: object, number: int, where: str) -> None:
    where = f"{where}: message {number}"
    if not isinstance(message, dict):
        raise ChatFormatError(f"{where} is not a JSON object")
    if extra := [key for key in message if key not in ("role", "content")]:
        raise ChatFormatError(f"{where} has the unknown key {extra[0]!r:.40}: only role and content")
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        raise ChatFormatError(f"{where} has the unknown role {role!r:.40}: use one of {', '.join(ROLES)}")
    if not isinstance(content, str):
        raise ChatFormatError(f"{where} ({role}): 'content' is not a string")
    if not content.strip():
        raise ChatFormatError(f"{where} ({role}): 'content' is empty")
    if role == "system" and number > 1:
        raise ChatFormatError(f"{where}: a system message may only come first")


def _parse(line: bytes, where: str, convert: Converter) -> Row:
    if line.startswith(b"\xef\xbb\xbf"):
        raise ChatFormatError(f"{where}: starts with a byte order mark: save the file as UTF-8 without one")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ChatFormatError(f"{where}: not UTF-8 (byte {error.start + 1} of the line)") from error
    try:
        value = strict_json(text)
    except json.JSONDecodeError as error:
        raise ChatFormatError(f"{where}: not JSON: {error.msg} at character {error.pos + 1}") from error
    except (ValueError, RecursionError) as error:
        raise ChatFormatError(f"{where}: not JSON: {error}") from error
    row = check_row(convert(value, where), where)
    _encode(row, where)  # what can be read can be written: half a surrogate pair is legal JSON but no text
    return row


def _encode(row: Row, where: str) -> bytes:
    check_row(row, where)
    messages = [{"role": message["role"], "content": message["content"]} for message in row["messages"]]
    try:
        line = f'{{"messages": {json.dumps(messages, ensure_ascii=False)}'
        if "metadata" in row:
            metadata = json.dumps(row["metadata"], ensure_ascii=False, sort_keys=True, allow_nan=False)
            line += f', "metadata": {metadata}'
        return (line + "}\n").encode("utf-8")
    except UnicodeEncodeError as error:
        raise ChatFormatError(f"{where}: holds half a surrogate pair, which is not a character") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise ChatFormatError(f"{where}: 'metadata' cannot be written as JSON: {error}") from error
