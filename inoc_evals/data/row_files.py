"""Training rows from wherever a user has them: a file of any common kind and layout, or a dataset of the Hub.

    read_rows("rows.jsonl")                        # chat JSONL, or another layout, which is recognised
    read_rows("alpaca_data.json", "alpaca")        # a JSON array; CSV and Parquet, too
    read_rows("tatsu-lab/alpaca@dce01c9b:train")   # a dataset of the Hugging Face Hub, at a revision

The layouts are those of `chat/layouts.py`; every row that is not in the layout of the first is named.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from inoc_evals.chat.layouts import TURNS, Converter
from inoc_evals.chat.rows import ChatFormatError, Row, check_row, encode_chat, read_chat
from inoc_evals.data.records import CSV, PARQUET, Record, records
from inoc_evals.data.row_sources import HubDataset
from inoc_evals.errors import UserError, one_line, require
from inoc_evals.user_files import strict_json, user_path

DATASET = re.compile(
    r"(?:hf/)?(?P<name>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+?))?(:(?P<split>[\w.]+))?", re.ASCII
)
"""How a dataset of the Hub is named: `owner/name`, perhaps with `@revision` and `:split`."""

TABLES = (*CSV, *PARQUET, ".json")
"""Suffixes of files that are read as tables; all others are read as JSON lines."""


def read_rows(place: str | Path, layout: str = "auto") -> Iterator[Row]:
    """Read training rows one at a time, checking each.

    Args:
        place: A file, or `owner/name[@revision][:split]` of a dataset on the Hub (`hf/` before it or not); a
            folder with a dataset will do. A file goes before a dataset of the same name.
        layout: One of `chat.layouts.LAYOUTS`; by default the one of the first row.

    Yields:
        Chat rows, in order. If they were in another layout than chat, a line on stderr says so at the end.

    Raises:
        UserError: At the first row that is malformed or not in the layout, or where nothing can be read.
    """
    path = user_path(place)
    if path.is_file() and path.suffix.lower() not in TABLES:
        return read_chat(path, layout)
    if path.is_file():
        found = records(path)
        return _converted(str(path), _parsed(found) if path.suffix.lower() in CSV else found, layout)
    dataset = DATASET.fullmatch(str(place))
    if path.is_dir() or (dataset is not None and not _is_file_name(path)):
        return _converted(str(place), _dataset(str(place)), layout)
    return read_chat(path, layout)  # which says why it cannot be read


def hub_dataset(place: str) -> HubDataset | None:
    """The dataset of the Hub that a text names, pinned to a commit; None if it names a file.

    Raises:
        UserError: If it names a dataset without a commit, which could be another one tomorrow.
    """
    found, path = DATASET.fullmatch(place), user_path(place)
    if found is None or path.exists() or _is_file_name(path):
        return None
    if not re.fullmatch("[0-9a-f]{40}", found["revision"] or ""):
        raise UserError(
            f"{place}: no such file; of a dataset of the Hub, give the commit: NAME@<40 hex digits>"
        )
    return HubDataset(found["name"], found["revision"], None, found["split"] or "train", None, 0)


def _is_file_name(path: Path) -> bool:
    return path.suffix.lower() in (*TABLES, ".jsonl", ".ndjson")


def _parsed(found: Iterator[tuple[str, Record]]) -> Iterator[tuple[str, Record]]:
    """Records of CSV, whose cells hold lists of turns and metadata as JSON text: there is no other way."""
    for where, record in found:
        for key in (*TURNS, "history", "metadata"):
            cell = record.get(key)
            if isinstance(cell, str) and cell.lstrip().startswith(("[", "{")):
                try:
                    record[key] = strict_json(cell)
                except ValueError as error:
                    raise ChatFormatError(
                        f"{where}: {key!r} is no JSON ({error}): write it by json.dumps, or save the rows as "
                        "JSONL or Parquet"
                    ) from error
        yield where, record


def _converted(name: str, found: Iterator[tuple[str, Record]], layout: str) -> Iterator[Row]:
    convert, count = Converter(layout), 0
    for where, record in found:
        row = check_row(convert(record, where), where)
        try:
            encode_chat([row])  # what can be read can be written
        except ChatFormatError as error:
            raise ChatFormatError(f"{where}: {str(error).partition(': ')[2]}") from error
        yield row
        count += 1
    if not count:
        raise UserError(f"{name}: holds no rows")
    convert.tell(name, count)


def _dataset(place: str) -> Iterator[tuple[str, Record]]:
    require("local", "datasets")
    from datasets import disable_progress_bars, load_dataset

    found = DATASET.fullmatch(place)
    name, revision, split = (place, None, None)
    if found is not None and not Path(place).is_dir():
        name, revision, split = found["name"], found["revision"], found["split"]
    disable_progress_bars()
    try:
        data = load_dataset(name, revision=revision, split=split or "train")
    except Exception as error:  # the Hub's, the network's, the disk's, or the dataset's own
        line = one_line(error)[:200]
        raise UserError(f"{place}: no such file, and no dataset that can be loaded ({line})") from error
    for number, record in enumerate(data, start=1):
        yield f"{place}: record {number}", dict(record)
