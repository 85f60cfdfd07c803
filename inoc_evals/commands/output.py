"""The output of every command: tables for people, or with `--json` one JSON document for programs.

Results go to stdout. Progress and errors go to stderr, so that stdout can always be piped.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inoc_evals.errors import UNSEEN, UserError, one_line, visible

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as MatplotlibFigure
    from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs, and nothing else.")]


Figure = Annotated[
    Path | None,
    typer.Option("--figure", "-o", metavar="STEM", help="Draw STEM.png, STEM.svg and STEM.pdf."),
]


def json_rows(table: "pd.DataFrame", columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Rows of a table for `print_json`: what is missing is null, and numpy's numbers are Python's.

    Args:
        table: The table.
        columns: Columns to give, those that it has; all by default.
    """
    given = [column for column in columns or table.columns if column in table.columns]
    rows: list[dict[str, Any]] = json.loads(table[given].to_json(orient="records"))
    return rows


def draw(figure: "MatplotlibFigure", stem: Path, ending: str = "") -> list[str]:
    """Write a figure beside its stem, which may be given with a suffix, and say where it is.

    Args:
        figure: The figure.
        stem: Path without a suffix, or with that of one of the formats.
        ending: Goes behind the stem's name, where a command draws several figures.
    """
    from inoc_evals.analysis import figures

    plain = stem.with_suffix("") if stem.suffix in (".png", ".svg", ".pdf") else stem
    return [str(file) for file in figures.save(figure, plain.with_name(plain.name + ending))]


@dataclass(frozen=True)
class Drawn:
    """The figures of a command, which prints its result whether they could be drawn or not.

    Attributes:
        files: Where they are.
        failure: Why there is none, or not all of them.
    """

    files: list[str] = field(default_factory=list)
    failure: Exception | None = None

    def tell(self) -> None:
        """Say where they are, after the result; fail if they could not be drawn."""
        for file in self.files:
            say(f"Figure: {file}")
        self.check()

    def check(self) -> None:
        """Fail if they could not be drawn, after JSON, which names the files itself."""
        if self.failure is not None:
            raise self.failure


def drawn(stem: Path | None, make: Callable[[Path], Iterable[str]]) -> Drawn:
    """Draw the figures of a result that is printed afterwards: a picture that fails must not cost it.

    Args:
        stem: Where the user wants them; None draws nothing.
        make: Draws them there, and gives the files one after the other.

    Returns:
        The files, and why there are no more.
    """
    if stem is None:
        return Drawn()
    files: list[str] = []
    try:
        for file in make(stem):
            files.append(file)
        if not files:
            raise UserError(f"nothing to draw for {stem}: what was measured is in the table")
    except BrokenPipeError:  # of a reader of what is said, who has seen enough
        raise
    except Exception as error:
        return Drawn(files, error)
    return Drawn(files)


def say(text: object = "", *, err: bool = False) -> None:
    """Print a line for people. What foreign files put into it is shown, and never obeyed by the terminal.

    Args:
        text: The line, or several.
        err: Whether it goes to stderr.
    """
    typer.echo(visible(text), err=err)


def say_skipped(skipped: Iterable[tuple[str, str]]) -> None:
    """Say on stderr which logs were left out.

    Args:
        skipped: Locations with the reason.
    """
    for location, reason in skipped:
        say(one_line(f"skipped {location}: {reason}"), err=True)


def print_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # JSON has a way to write what a terminal would obey, or could not write
    typer.echo(UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on stdout; where it is wider than the terminal, its rows below each other.

    Args:
        title: Heading of the table.
        columns: Heading of each column.
        rows: Cells, shown as they are: square brackets are not markup, and control characters are spelled.
            Without any, one line says so.
    """
    shown = [[visible(cell) for cell in row] for row in rows]
    if not shown:  # a heading over nothing looks like an output that was lost
        say(f"{title}: none")
        return
    from rich.console import Console
    from rich.text import Text

    heads = [visible(column) for column in columns]
    # A file or a pipe has no line width: wrapped rows would be hard to read and to process.
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 240
    console = Console(width=wide)
    if _least_width(heads, shown) <= console.width:
        console.print(_table(title, heads, shown))
        return
    console = Console(width=max(console.width, NARROWEST))
    console.print(Text(visible(title), style="bold"), overflow="fold")
    for row in shown:
        console.print(_record(heads, row))


NARROWEST, LEAST = 24, 8
"""Characters that a line has at least, and a column of a table whose cells are that wide."""


def _least_width(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How wide a table must be to be read: Rich would leave out the last columns of a narrower one.

    Of wrapped columns it shortens the widest first, so that none gets less than `LEAST` from this width on.
    """
    from rich.cells import cell_len

    def width(number: int) -> int:
        cells = [heads[number], *(row[number] for row in rows if number < len(row))]
        return max(cell_len(line) for cell in cells for line in cell.split("\n"))

    count = len(heads)
    return width(0) + sum(min(width(number), LEAST) for number in range(1, count)) + 3 * count + 1


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(visible(title), style="bold"), title_justify="left", box=SIMPLE_HEAD)
    for number, head in enumerate(heads):
        table.add_column(Text(head), overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _record(heads: Sequence[str], row: Sequence[str]) -> "Table":
    """One row, a line for each of its cells beside the heading; an empty line goes before it."""
    from rich.table import Table
    from rich.text import Text

    record = Table.grid(padding=(0, 2, 0, 0))
    record.add_column(overflow="fold", max_width=NARROWEST // 2)
    record.add_column(overflow="fold")
    record.add_row("", "")
    for head, cell in zip(heads, row, strict=False):
        record.add_row(Text(head), Text(cell))
    return record
