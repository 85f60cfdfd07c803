"""Tables as people have them: CSV, TSV, JSON lines, a JSON array or Parquet, one record at a time.

    for where, record in records(Path("answers.csv")):
        where            # "answers.csv:2": the line on which the record begins
        record           # {"question": "2+2?", "answer": "4"}

The suffix says which it is. Nothing in a file is executed, and nothing of it is dropped without a word.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inoc_evals.errors import UserError, first_line, require
from inoc_evals.user_files import csv_rows, given, opened, strict_json

Record = dict[str, Any]
"""A row by the names of its columns; cells of CSV are texts."""

CSV, JSON, PARQUET = (".csv", ".tsv"), (".jsonl", ".ndjson", ".json"), (".parquet", ".pq")
KINDS = "CSV, TSV, JSONL, JSON or Parquet"


def records(path: Path, encoding: str | None = None) -> Iterator[tuple[str, Record]]:
    """Read a table, record by record.

    Args:
        path: The file; its suffix says what it is.
        encoding: How the text of a CSV or JSON file is encoded; UTF-8 by default, with a byte order mark or
            without. None says that the user cannot tell: then no error names `--encoding`.

    Yields:
        Where each record is, for errors, and the record.

    Raises:
        UserError: If the file cannot be read, is of another kind or encoding, or holds no record.
    """
    kind = path.suffix.lower()
    if kind not in (*CSV, *JSON, *PARQUET):
        raise UserError(f"{path}: not a table that can be read: save it as {KINDS}, with that suffix")
    if kind in PARQUET:
        found = _from_parquet(path)
    else:
        text = _decoded(path, given(path), encoding)
        found = _from_csv(path, text) if kind in CSV else _from_json(path, text)
    empty = True
    for one in found:
        empty = False
        yield one
    if empty:
        raise UserError(f"{path}: holds no rows")


def _decoded(path: Path, data: bytes, encoding: str | None) -> str:
    try:
        text = data.decode(encoding or "utf-8-sig")
        text.encode()  # some encodings give half a surrogate pair, which can be written into no file
        return text
    except LookupError as error:
        raise UserError(f"--encoding {encoding}: unknown: e.g. utf-8, cp1252, latin-1, utf-16") from error
    except UnicodeError as error:
        start = getattr(error, "start", 0) if isinstance(error, UnicodeDecodeError) else 0
        line = data[:start].count(b"\n") + 1
        advice = "save it as UTF-8 throughout, or say what it is in by --encoding, e.g. cp1252 or utf-16"
        if encoding is None:
            advice = "save it as UTF-8 throughout, e.g. by  iconv -f cp1252 -t utf-8 FILE > NEW"
        raise UserError(f"{path}:{line}: not {encoding or 'UTF-8'}: {advice}") from error


def _from_csv(path: Path, text: str) -> Iterator[tuple[str, Record]]:
    head = text.lstrip("\r\n").partition("\n")[0]
    # Spreadsheets of many countries write semicolons
    mark = "\t" if path.suffix.lower() == ".tsv" else next((m for m in ",;\t" if m in head), ",")
    try:
        reader = csv_rows(text, mark)
    except (ValueError, csv.Error) as error:
        raise UserError(f"{path}: {error}") from error
    line = reader.line_num + 1
    try:
        for record in reader:
            if None in record:
                raise UserError(f"{path}:{line}: has more cells than the header has columns: quote the texts")
            if (
                None in record.values()
            ):  # what it says of its last columns is not known, so not that they are empty
                raise UserError(
                    f"{path}:{line}: has fewer cells than the header has columns: write empty ones, too, "
                    "or is the file cut off there?"
                )
            yield f"{path}:{line}", record
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path}:{line}: not CSV: {error}") from error


def _from_json(path: Path, text: str) -> Iterator[tuple[str, Record]]:
    if text.lstrip().startswith("["):
        value = _json(text, str(path))
        for number, record in enumerate(value, start=1):
            yield _object(record, f"{path}: item {number}")
        return
    # not `splitlines`: JSON allows further line separators inside a string
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _object(_json(line, f"{path}:{number}"), f"{path}:{number}")


def _json(text: str, where: str) -> Any:
    try:
        return strict_json(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{where}: not JSON: {error.msg} at character {error.pos + 1}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not JSON: {error}") from error


def _object(value: Any, where: str) -> tuple[str, Record]:
    if not isinstance(value, dict):
        raise UserError(f"{where}: not a JSON object")
    return where, value


def _from_parquet(path: Path) -> Iterator[tuple[str, Record]]:
    require("analysis", "pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with opened(path) as stream:
            for batch in pq.ParquetFile(stream).iter_batches():
                for record in batch.to_pylist():
                    number += 1
                    where = f"{path}: row {number}"
                    yield (
                        where,
                        {name: _as_json(value, f"{where}: {name!r:.60}") for name, value in record.items()},
                    )
    except (pa.ArrowException, UnicodeError) as error:
        raise UserError(f"{path}: not Parquet that can be read: {first_line(error)}") from error


def _as_json(value: Any, where: str) -> Any:
    """A value of Parquet as JSON could have it: dates and the like as texts.

    Raises:
        UserError: If it is bytes, which are no text in any encoding that is known.
    """
    if isinstance(value, bytes):
        raise UserError(f"{where} holds bytes: save it as text, or leave the column out")
    if isinstance(value, dict):
        return {str(name): _as_json(one, where) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(one, where) for one in value]
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)
