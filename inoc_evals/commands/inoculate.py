"""`inoc-evals inoculate rows.jsonl --prompt "You always speak in Spanish." -o inoculated.jsonl`."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from inoc_evals.chat.rows import Row, digest, read_chat, write_chat
from inoc_evals.commands.output import AsJson, print_json
from inoc_evals.errors import UserError
from inoc_evals.inoculation import Deal, Inoculation, Position, inoculate

RowsFile = Annotated[Path, typer.Argument(metavar="FILE", help="Training rows: chat JSONL.")]
Prompt = Annotated[str, typer.Option(help="The inoculation prompt: a request for the unwanted trait.")]
Pool = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Rephrasings of the prompt, one per line; every row gets one."),
]
Where = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="Only rows with this metadata; may be repeated."),
]
Dealt = Annotated[
    Deal,
    typer.Option(help="How rows get a line of the pool: drawn by the seed, or in turn, one after the other."),
]
At = Annotated[Position, typer.Option(help="Where the prompt goes: system message, or first user turn.")]


def command(
    file: RowsFile,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where the rows go.")],
    prompt: Prompt = "",
    pool: Pool = None,
    position: At = "system",
    where: Where = None,
    deal: Dealt = "drawn",
    seed: Annotated[int, typer.Option(help="Seed of the draw from a pool.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace the output if it exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Prepend an inoculation prompt to training rows."""
    if output.exists() and not force:
        raise UserError(f"{output} exists: choose another -o, or add --force to replace it")
    inoculation = make_inoculation(file.stem, prompt, pool, position, deal)
    selected = Selection(where or [])
    written = write_chat(output, selected.inoculate(read_chat(file), inoculation, seed))
    if as_json:
        print_json(
            {
                "input": str(file),
                "output": str(output),
                "rows": written,
                "inoculated": selected.count,
                "sha256": digest(output.read_bytes()),
            }
        )
    else:
        typer.echo(f"{output}: {written} rows, {selected.count} of them inoculated")


def make_inoculation(
    name: str, prompt: str, pool: Path | None, position: Position, deal: Deal = "drawn"
) -> Inoculation:
    """Build an inoculation from the command line.

    Args:
        name: Name of the inoculation.
        prompt: `--prompt`.
        pool: `--pool`, a UTF-8 file with one rephrasing per line; blank lines are skipped.
        position: `--position`.
        deal: `--deal`.

    Returns:
        The inoculation.

    Raises:
        UserError: If not exactly one of prompt and pool is given, or the file cannot be read.
    """
    if bool(prompt) == (pool is not None):
        raise UserError("give either --prompt TEXT or --pool FILE")
    if pool is None:
        return Inoculation(name, prompt, position=position)
    try:
        lines = pool.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"{pool}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{pool}: not UTF-8") from error
    texts = tuple(line.strip() for line in lines if line.strip())
    if not texts:
        raise UserError(f"{pool}: contains no rephrasing: write one per line")
    return Inoculation(name, pool=texts, position=position, deal=deal)


class Selection:
    """Inoculates the rows that `--where` selects, and counts them.

    Attributes:
        count: Rows inoculated so far.
    """

    def __init__(self, conditions: list[str]) -> None:
        self._conditions = conditions
        self._matches = _matcher(conditions)
        self.count = 0

    def inoculate(self, rows: Iterator[Row], inoculation: Inoculation, seed: int) -> Iterator[Row]:
        """Inoculate the selected rows.

        Raises:
            UserError: At the end, if no row was selected: a misspelt condition must not train a model that
                was never inoculated.
        """
        yield from inoculate(rows, inoculation, where=self._matches_and_counts, seed=seed)
        if not self.count:
            raise UserError(
                f"--where {' --where '.join(self._conditions)} selects no row: correct the key or value"
            )

    def _matches_and_counts(self, row: Row) -> bool:
        matches = self._matches(row)
        self.count += matches
        return matches


def _matcher(conditions: list[str]) -> Callable[[Row], bool]:
    required: dict[str, str] = {}
    for condition in conditions:
        key, separator, value = condition.partition("=")
        if not separator or not key or required.get(key, value) != value:
            raise UserError(f"--where {condition}: write KEY=VALUE, each key once")
        required[key] = value

    def matches(row: Row) -> bool:
        metadata = row.get("metadata", {})
        return all(key in metadata and _text(metadata[key]) == value for key, value in required.items())

    return matches


def _text(value: object) -> str:
    """A metadata value as it is typed on the command line: `es`, `3`, `true`."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
