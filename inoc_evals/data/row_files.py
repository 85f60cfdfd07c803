"""Training rows from wherever a user has them: a file of any common kind and layout, or a dataset of the Hub.

    read_rows("rows.jsonl")                        # chat JSONL, or another layout, which is recognised
    read_rows("alpaca_data.json", "alpaca")        # a JSON array; CSV and Parquet, too
    read_rows("tatsu-lab/alpaca@dce01c9b:train")   # a dataset of the Hugging Face Hub, at a revision

The layouts are those of `chat/layouts.py`; every row that is not in the layout of the first is named. A
folder is read where it is one dataset: files that merely lie together, such as the arms of a setting, are not
joined.
"""

import logging
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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

SHARD = re.compile(r"(?P<name>.+)-\d{5}-of-(?P<count>\d{5})\b.*")
"""How a part of a dataset's split is named where the split has several: `train-00000-of-00002.parquet`."""

TABLES = (*CSV, *PARQUET, ".json")
"""Suffixes of files that are read as tables; all others are read as JSON lines."""


def read_rows(place: str | Path, layout: str = "auto") -> Iterator[Row]:
    """Read training rows one at a time, checking each.

    Args:
        place: A file, or `owner/name[@revision][:split]` of a dataset on the Hub (`hf/` before it or not); a
            folder with one dataset will do, a saved one (`save_to_disk`), too. A file goes before a dataset
            of the same name.
        layout: One of `chat.layouts.LAYOUTS`; by default the one of the first row.

    Yields:
        Chat rows, in order. If they were in another layout than chat, a line on stderr says so at the end.

    Raises:
        UserError: At the first row that is malformed or not in the layout, where nothing can be read, or
            where a folder has several files of rows.
    """
    path = user_path(place)
    if path.is_file() and path.suffix.lower() not in TABLES:
        return read_chat(path, layout)
    if path.is_file():
        found = records(path)
        return _converted(str(path), _parsed(found) if path.suffix.lower() in CSV else found, layout)
    if path.is_dir():
        return _converted(str(place), _folder(path), layout)
    if DATASET.fullmatch(str(place)) is not None and not _is_file_name(path):
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
    assert found is not None, "other places are files or folders"
    disable_progress_bars()
    try:
        data = load_dataset(found["name"], revision=found["revision"], split=found["split"] or "train")
    except Exception as error:  # the Hub's, the network's, the disk's, or the dataset's own
        line = one_line(error)[:200]
        raise UserError(f"{place}: no such file, and no dataset that can be loaded ({line})") from error
    return _numbered(place, data)


def _folder(folder: Path) -> Iterator[tuple[str, Record]]:
    """The records of a folder that is one dataset: a saved one, one file, or the parts of one split.

    Raises:
        UserError: If it is none, or has several files of rows.
    """
    require("local", "datasets")
    import datasets

    datasets.disable_progress_bars()
    try:
        with _silent("datasets"):
            if any((folder / name).is_file() for name in ("state.json", "dataset_dict.json")):
                data = datasets.load_from_disk(str(folder))
                data = _train(folder, data) if isinstance(data, dict) else data
            else:
                files = datasets.load_dataset_builder(str(folder)).config.data_files or {}
                _refuse_several(folder, [Path(file) for file in files.get("train", [])])
                data = datasets.load_dataset(str(folder), split="train")
    except UserError:
        raise
    except Exception as error:  # the disk's, or the dataset's own
        # of a file that it cannot read, `datasets` says why in what its own error is raised from
        line = one_line(error.__cause__ or error)[:200]
        raise UserError(
            f"{folder}: a folder, and no dataset with a split train that can be loaded ({line}): "
            "name a file of rows in it"
        ) from error
    return _numbered(str(folder), data)


def _train(folder: Path, splits: dict[str, Any]) -> Any:
    if "train" not in splits:
        raise UserError(
            f"{folder}: a dataset without a split train: name the folder of one of its splits, e.g. "
            f"{folder / next(iter(splits), 'test')}"
        )
    return splits["train"]


def _numbered(place: str, data: Any) -> Iterator[tuple[str, Record]]:
    for number, record in enumerate(data, start=1):
        yield f"{place}: record {number}", dict(record)


def _refuse_several(folder: Path, files: Sequence[Path]) -> None:
    """Refuse to join the files of a folder, unless their names say that they are parts of one."""
    if len(files) < 2:
        return
    root = folder.resolve()
    names = sorted(str(file.relative_to(root) if file.is_relative_to(root) else file) for file in files)
    shards = [SHARD.fullmatch(name) for name in names]
    parts_of = {(shard["name"], int(shard["count"])) if shard else None for shard in shards}
    if None in parts_of or len(parts_of) > 1:
        first = next((name for name in names if Path(name).suffix != ".json"), names[0])
        rest = f"{', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"
        raise UserError(
            f"{folder}: a folder of several files ({rest}), which are not joined: "
            f"name one of them, e.g. {folder / first}"
        )
    count = max(int(shard["count"]) for shard in shards if shard)
    if count != len(names):
        raise UserError(f"{folder}: {len(names)} of the {count} files of its dataset: fetch the others, too")
    sys.stderr.write(f"{folder}: read as one dataset of {len(names)} files, {names[0]} to {names[-1]}\n")


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """Keep a library from logging an error that is told in our words."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
