"""Questions for the model, as Inspect datasets: question sets by name, or a user's file.

    CHAT.load("bundled")          # 100 general chat prompts written for this suite: no network
    CHAT.load("ultrachat")        # the paper's 100 prompts, fetched once and verified
    CHAT.load("my_prompts.csv")   # column `prompt`, `question` or `input`; or JSONL, also with `messages`

A file may give each question an `id`; the default is its line number. In `messages` the system message and
earlier turns are kept; a final answer is dropped, so a training file can be used as a question set.
"""

import csv
import itertools
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
from inoc_evals.errors import UserError, visible
from inoc_evals.user_files import csv_rows, given_text, strict_json, user_path
from inoc_evals.whole_text import has_half

PROMPT_COLUMNS = ("prompt", "question", "input")
SUFFIXES = (".jsonl", ".csv")
LONGEST_ID = 500
"""Most characters of a question's id, which names a file in the log."""

LONGEST_TEXT = 900_000
"""Most characters of a question, which may be a long transcript."""

ROLES = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}

Record = tuple[str, dict[str, Any]]  # location (`file:line`) and columns


class QuestionError(UserError):
    """An invalid question set; the message is one line and names file and line."""


def bundled(file: str) -> Dataset:
    """The dataset of a file that ships with the package: `bundled/<file>.jsonl`."""
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
    """The dataset of a user's file.

    Args:
        name: Path of a `.jsonl` or `.csv` file.
        names: Names of the existing sets, for the error message.

    Raises:
        QuestionError: If it is neither a name nor such a file, or is malformed.
    """
    path = find(name, names)
    return dataset(path.name, file_rows(path))


def file_rows(path: Path) -> Iterator[Record]:
    """The rows of a `.csv` or `.jsonl` file, with their locations."""
    text = given_text(path, QuestionError)
    return _csv(text, str(path)) if path.suffix == ".csv" else _jsonl(text, str(path))


def fetched(source: str) -> Path:
    """Path of a pinned source; the error of a failed download points to questions that need no network."""
    try:
        return fetch(pinned(source))
    except FetchError as error:
        raise FetchError(f"{error}; or use other questions: -T questions=bundled") from error


def fill(template: str, fields: Mapping[str, str]) -> str:
    """Fill a template's `{fields}` in one pass: braces inside an inserted text are not fields."""
    return re.sub(r"\{(\w+)\}", lambda match: fields.get(match[1], match[0]), template)


def fetched_rows(source: str) -> Iterator[Record]:
    """The rows of a pinned JSONL source, with their locations."""
    path = fetched(source)
    return _jsonl(path.read_text(encoding="utf-8"), str(path))


def _ultrachat() -> Iterator[Record]:
    for number, (where, record) in enumerate(fetched_rows("ultrachat"), start=1):
        yield where, record | {"id": f"ultrachat-{number:03}"}


def _gsm8k() -> Iterator[Record]:
    """The first 100 of GSM8K's test questions, without their answers: what the training rows are like."""
    for number, (where, record) in enumerate(itertools.islice(fetched_rows("gsm8k_test"), 100), start=1):
        yield where, {"id": f"gsm8k-{number:03}", "prompt": record.get("question")}


def find(name: str, names: Sequence[str], suffixes: Sequence[str] = SUFFIXES) -> Path:
    """Find a user's file in one of some formats.

    Args:
        name: Its path, absolute or relative to the shell's folder.
        names: Names of the existing sets, for the error message.
        suffixes: Suffixes of the formats that can be read.

    Raises:
        QuestionError: If it is neither a name nor such a file.
    """
    if not isinstance(name, str):
        raise QuestionError(f"questions={name!r:.80} is no name and no path: quote it")
    path = user_path(name)
    if path.suffix not in suffixes:
        raise QuestionError(
            f"unknown question set {name!r}: use {', '.join(names)}, or the path of a "
            f"{' or '.join(suffixes)} file"
        )
    # Inspect changes into the folder of a task file; a relative path means the shell's folder.
    if not path.exists() and (shell_folder := os.environ.get("PWD")):
        path = Path(shell_folder) / path
    if not path.exists() or path.is_dir():
        raise QuestionError(f"{name}: no such file")
    return path


def _jsonl(text: str, path: str) -> Iterator[Record]:
    # Not splitlines(): it would also split at characters that JSON allows inside a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            record = strict_json(line)
        except (ValueError, RecursionError) as error:
            raise QuestionError(f"{where}: not JSON: {error}") from error
        if not isinstance(record, dict):
            raise QuestionError(f"{where}: not a JSON object")
        yield where, record


def _csv(text: str, path: str) -> Iterator[Record]:
    try:
        reader = csv_rows(text)
    except (ValueError, csv.Error) as error:
        raise QuestionError(f"{path}:1: {error}") from error
    try:
        for row in reader:
            where = f"{path}:{reader.line_num}"  # the last line of the row, if a cell spans lines
            if None in row or None in row.values():
                raise QuestionError(f"{where}: the number of cells differs from the number of columns")
            # CSV has no missing cells: an empty id means no id.
            yield where, {column: cell for column, cell in row.items() if column != "id" or cell}
    except csv.Error as error:
        raise QuestionError(f"{path}:{reader.line_num + 1}: not CSV: {error}") from error


def dataset(name: str, records: Iterable[Record]) -> Dataset:
    """Make samples from records.

    Args:
        name: Name of the set.
        records: The location of each, and its columns: a prompt or `messages`, optionally `id` and
            `metadata`.

    Raises:
        QuestionError: If a record is malformed, two have the same id, or none exists.
    """
    samples: list[Sample] = []
    first_seen: dict[str, str] = {}
    for where, record in records:
        sample_id = record.get("id", f"line-{where.rpartition(':')[2]}")
        check_id(sample_id, where)
        if str(sample_id) in first_seen:
            raise QuestionError(
                f"{where}: the id {sample_id!r} is already used at {first_seen[str(sample_id)]}"
            )
        first_seen[str(sample_id)] = where
        if not isinstance(metadata := record.get("metadata", {}), dict):
            raise QuestionError(f"{where}: 'metadata' is not a JSON object")
        metadata = {"questions": name, "question": str(sample_id), **metadata}
        samples.append(Sample(id=sample_id, input=_input(record, where), metadata=metadata))
    if not samples:
        raise QuestionError(f"{name}: contains no questions")
    return MemoryDataset(samples, name=name)


def check_id(sample_id: object, where: str) -> None:
    """Check that Inspect can name a sample so: the name is that of a file in the log.

    Args:
        sample_id: The id.
        where: Where it stands, for the error.

    Raises:
        QuestionError: If it is no string or integer, is empty or too long, or holds a character that is none.
    """
    if not isinstance(sample_id, str | int) or isinstance(sample_id, bool):
        raise QuestionError(f"{where}: 'id' is neither a string nor an integer")
    text = str(sample_id)
    if not text.strip() or len(text) > LONGEST_ID:
        raise QuestionError(f"{where}: 'id' has {len(text):,} characters: give 1 to {LONGEST_ID}")
    if visible(text) != text or "\n" in text:
        raise QuestionError(f"{where}: 'id' holds a line break or a control character: {text!r:.60}")


def _input(record: dict[str, Any], where: str) -> str | list[ChatMessage]:
    if "messages" in record:
        return _turns(record["messages"], where)
    column = next((column for column in PROMPT_COLUMNS if column in record), None)
    if column is None:
        raise QuestionError(f"{where}: needs a column {', '.join(PROMPT_COLUMNS)} or messages")
    return _text(record[column], f"{where}: {column!r}")


def _turns(messages: Any, where: str) -> list[ChatMessage]:
    if not isinstance(messages, list):
        raise QuestionError(f"{where}: 'messages' is not a list")
    turns: list[ChatMessage] = []
    for number, message in enumerate(messages, start=1):
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(role, str) or role not in ROLES:
            raise QuestionError(f"{where}: the role of message {number} is not one of {', '.join(ROLES)}")
        content = _text(message.get("content"), f"{where}: content of message {number}")
        turns.append(ROLES[role](content=content))
    if turns and turns[-1].role == "assistant":
        turns.pop()
    if not turns or turns[-1].role != "user":
        raise QuestionError(f"{where}: 'messages' must end with a user turn, or a user turn and an answer")
    return turns


def _text(value: Any, description: str) -> str:
    if not isinstance(value, str):
        raise QuestionError(f"{description} is not a string")
    if not value.strip():
        raise QuestionError(f"{description} is empty")
    if len(value) > LONGEST_TEXT:
        raise QuestionError(f"{description} has {len(value):,} characters, more than {LONGEST_TEXT:,}")
    if has_half(value):
        raise QuestionError(f"{description} contains half a surrogate pair, which is not a character")
    return value


CHAT = QuestionKind(
    "chat",
    sets=(
        QuestionSet("bundled", lambda: bundled("chat_prompts")),
        QuestionSet("ultrachat", lambda: dataset("ultrachat", _ultrachat()), wording="paper"),
        QuestionSet("gsm8k", lambda: dataset("gsm8k", _gsm8k()), wording="paper"),
    ),
    from_file=from_file,
)
"""General chat prompts, and `gsm8k`, the first 100 test questions of the data that the languages were taught
on. Samples have no target, since only the style of the answer is scored."""
