"""What the model is asked: question sets by name, or a file of the user's own, as Inspect datasets.

    CHAT.load("bundled")          # 100 general chat prompts written for this suite: no network
    CHAT.load("ultrachat")        # the paper's 100 prompts, fetched once and verified
    CHAT.load("my_prompts.csv")   # column `prompt`, `question` or `input`; or JSONL, also with `messages`

A file may give each question an `id`; without one its line number is the id. In `messages` a system message
and earlier turns are kept; a final answer is left out, so a training file can be asked again.
"""

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from inspect_ai.dataset import Dataset, MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inoc_evals.data.cache import FetchError, fetch
from inoc_evals.data.question_sets import QuestionKind, QuestionSet
from inoc_evals.data.sources import pinned
from inoc_evals.errors import UserError

PROMPT_COLUMNS = ("prompt", "question", "input")
SUFFIXES = (".jsonl", ".csv")
ROLES = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}

Record = tuple[str, dict[str, Any]]  # where it stands (`file:line`), and its columns


class QuestionError(UserError):
    """A question set that cannot be asked; the message is one line and names file and line."""


def bundled(file: str) -> Dataset:
    """A set that ships with the package: `bundled/<file>.jsonl`."""
    return dataset("bundled", bundled_rows(file))


def bundled_rows(file: str) -> Iterator[Record]:
    """The rows of a file that ships with the package."""
    text = files("inoc_evals.data").joinpath(f"bundled/{file}.jsonl").read_text(encoding="utf-8")
    return _jsonl(text, "bundled")


def prompts(name: str, texts: Iterable[str]) -> Dataset:
    """Plain prompts, numbered from 1: `toy-001` and so on."""
    numbered = enumerate(texts, start=1)
    return dataset(name, [(f"{name}:{n}", {"id": f"{name}-{n:03}", "prompt": text}) for n, text in numbered])


def from_file(name: str, names: Sequence[str]) -> Dataset:
    """A file of the user's own.

    Args:
        name: Path of a `.jsonl` or `.csv` file.
        names: The named sets that there are, for the error's sake.

    Raises:
        QuestionError: If it is neither a name nor such a file, or is malformed.
    """
    path = find(name, names)
    return dataset(path.name, file_rows(path))


def file_rows(path: Path) -> Iterator[Record]:
    """The rows of a `.csv` or `.jsonl` file, with where they stand."""
    text = _read(path)
    return _csv(text, str(path)) if path.suffix == ".csv" else _jsonl(text, str(path))


def fetched(source: str) -> Path:
    """A pinned source, with a hint in the error that there are questions which need no network."""
    try:
        return fetch(pinned(source))
    except FetchError as error:
        raise FetchError(f"{error}; or ask others: -T questions=bundled") from error


def fill(template: str, fields: Mapping[str, str]) -> str:
    """Put texts into a template's `{fields}`, all at once: braces inside a text mean themselves."""
    return re.sub(r"\{(\w+)\}", lambda found: fields.get(found[1], found[0]), template)


def fetched_rows(source: str) -> Iterator[Record]:
    """The rows of a pinned JSONL source, with where they stand."""
    path = fetched(source)
    return _jsonl(path.read_text(encoding="utf-8"), str(path))


def _ultrachat() -> Iterator[Record]:
    path = fetched("ultrachat")
    for number, (where, record) in enumerate(_jsonl(path.read_text(encoding="utf-8"), str(path)), start=1):
        yield where, record | {"id": f"ultrachat-{number:03}"}


def find(name: str, names: Sequence[str], suffixes: Sequence[str] = SUFFIXES) -> Path:
    """A file of the user's own, in one of some formats.

    Args:
        name: Its path, absolute or relative to the shell's folder.
        names: The named sets that there are, for the error's sake.
        suffixes: The formats that can be read.

    Raises:
        QuestionError: If it is neither a name nor such a file.
    """
    path = Path(name).expanduser()
    if path.suffix not in suffixes:
        raise QuestionError(
            f"unknown question set {name!r}: use {', '.join(names)}, or the path of a "
            f"{' or '.join(suffixes)} file"
        )
    # Inspect builds a task given as a file from inside that file's folder; the shell's folder is meant.
    if not path.exists() and (shell_folder := os.environ.get("PWD")):
        path = Path(shell_folder) / path
    if not path.is_file():
        raise QuestionError(f"{name}: no such file")
    return path


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise QuestionError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise QuestionError(f"{path}: not UTF-8 (byte {error.start + 1})") from error


def _jsonl(text: str, path: str) -> Iterator[Record]:
    # Not splitlines(): it would also split at characters that JSON allows inside a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise QuestionError(f"{where}: not JSON: {error}") from error
        if not isinstance(record, dict):
            raise QuestionError(f"{where}: not a JSON object")
        yield where, record


def _csv(text: str, path: str) -> Iterator[Record]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            where = f"{path}:{reader.line_num}"  # where a cell spans lines, the row's last
            if None in row or None in row.values():
                raise QuestionError(f"{where}: not as many cells as the header has columns")
            # CSV has no absent cells: an empty id is none.
            yield where, {column: cell for column, cell in row.items() if column != "id" or cell}
    except csv.Error as error:
        raise QuestionError(f"{path}:{reader.line_num + 1}: not CSV: {error}") from error


def dataset(name: str, records: Iterable[Record]) -> Dataset:
    """Make samples of records.

    Args:
        name: Name of the set.
        records: Where each stands, and its columns: a prompt or `messages`; maybe an `id`, and `metadata`.

    Raises:
        QuestionError: If one is malformed, two have the same id, or there are none.
    """
    samples: list[Sample] = []
    first_seen: dict[str, str] = {}
    for where, record in records:
        sample_id = record.get("id", f"line-{where.rpartition(':')[2]}")
        if not isinstance(sample_id, str | int) or isinstance(sample_id, bool):
            raise QuestionError(f"{where}: 'id' is neither text nor a whole number")
        if str(sample_id) in first_seen:
            raise QuestionError(
                f"{where}: the id {sample_id!r} is already that of {first_seen[str(sample_id)]}"
            )
        first_seen[str(sample_id)] = where
        if not isinstance(own := record.get("metadata", {}), dict):
            raise QuestionError(f"{where}: 'metadata' is not a JSON object")
        metadata = {"questions": name, "question": str(sample_id), **own}
        samples.append(Sample(id=sample_id, input=_input(record, where), metadata=metadata))
    if not samples:
        raise QuestionError(f"{name}: holds no questions")
    return MemoryDataset(samples, name=name)


def _input(record: dict[str, Any], where: str) -> str | list[ChatMessage]:
    if "messages" in record:
        return _turns(record["messages"], where)
    column = next((column for column in PROMPT_COLUMNS if column in record), None)
    if column is None:
        raise QuestionError(f"{where}: no column {', '.join(PROMPT_COLUMNS)} or messages")
    return _text(record[column], f"{where}: {column!r}")


def _turns(messages: Any, where: str) -> list[ChatMessage]:
    if not isinstance(messages, list):
        raise QuestionError(f"{where}: 'messages' is not a list")
    turns: list[ChatMessage] = []
    for number, message in enumerate(messages, start=1):
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(role, str) or role not in ROLES:
            raise QuestionError(f"{where}: message {number} has no role of {', '.join(ROLES)}")
        content = _text(message.get("content"), f"{where}: content of message {number}")
        turns.append(ROLES[role](content=content))
    if turns and turns[-1].role == "assistant":
        turns.pop()
    if not turns or turns[-1].role != "user":
        raise QuestionError(
            f"{where}: 'messages' ask nothing: the last turn, an answer aside, is not the user's"
        )
    return turns


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise QuestionError(f"{what} is not text")
    if not value.strip():
        raise QuestionError(f"{what} is empty")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise QuestionError(f"{what} holds half a surrogate pair, which is not a character")
    return value


CHAT = QuestionKind(
    "chat",
    sets=(
        QuestionSet("bundled", lambda: bundled("chat_prompts")),
        QuestionSet("ultrachat", lambda: dataset("ultrachat", _ultrachat())),
    ),
    from_file=from_file,
)
"""General chat prompts: one sample a question, without a target, as only the way of answering is scored."""
