"""The output of every command: tables for people, or with `--json` one JSON document for programs.

Results go to stdout. Progress and errors go to stderr, so that stdout can always be piped.
"""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs, and nothing else.")]


def print_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on stdout.

    Args:
        title: Heading of the table.
        columns: Heading of each column.
        rows: Cells, shown as they are: square brackets are not markup.
    """
    table = Table(title=Text(title, style="bold"), title_justify="left", box=SIMPLE_HEAD)
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    # A file or a pipe has no line width: wrapped rows would be hard to read and to process.
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 240
    Console(width=wide).print(table)
