"""`inoc-evals inoculate rows.jsonl --prompt "You always speak in Spanish." -o inoculated.jsonl`."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Literal

import typer

from inoc_evals.chat.rows import Row, digest, write_chat
from inoc_evals.commands.output import AsJson, print_json, say
from inoc_evals.data.rephrasings import neutral
from inoc_evals.data.row_files import read_rows
from inoc_evals.errors import UserError
from inoc_evals.files import refuse_overwriting
from inoc_evals.inoculation import Deal, Inoculation, Position, inoculate
from inoc_evals.plurals import many
from inoc_evals.settings.training_file import forget_sidecar
from inoc_evals.user_files import given_text, lines

RowsFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="Training rows: chat JSONL, another layout (--from), or owner/name of a dataset."
    ),
]
From = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="LAYOUT",
        help="Layout of the rows: chat, messages, sharegpt, alpaca, pairs; recognised by default.",
    ),
]
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
At = Annotated[
    Position,
    typer.Option(
        help="Where the prompt goes: system message; before or after the first user turn; each turn."
    ),
]
WhereScored = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION",
        help="Only rows whose response is scored so, e.g. 'spanish > 0.5'; may be repeated.",
    ),
]
Others = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="Prompts for the rows that are not chosen, one a line; `neutral` for the suite's.",
    ),
]
Unscored = Annotated[
    Literal["refuse", "choose", "skip"],
    typer.Option(help="What to do with rows whose score is missing; each is listed."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the output if it exists.")]
NEUTRAL = "neutral"
"""Stands for the suite's own prompts that ask for no trait."""

LISTED = 10
"""Maximal number of rows that an error lists."""


def command(
    file: RowsFile,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where the rows go.")],
    layout: From = "auto",
    prompt: Prompt = "",
    pool: Pool = None,
    position: At = "system",
    where: Where = None,
    where_scored: WhereScored = None,
    grader: Annotated[str, typer.Option(metavar="MODEL", help="Judges of such scores, by comma.")] = "",
    unscored: Unscored = "refuse",
    others: Others = "",
    deal: Dealt = "drawn",
    seed: Annotated[int, typer.Option(help="Seed of the draw from a pool.")] = 0,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Put an inoculation prompt into training rows: all of them, or those that show the trait."""
    prompts = [Path(one) for one in (pool, others) if one]  # the rows themselves may be replaced by --force
    refuse_overwriting(output, force=force, inputs=prompts)
    inoculation = make_inoculation(file.stem, prompt, pool, position, deal)
    clean = _others(others, position)
    scored: Scored | None = None
    rows = read_rows(file, layout)
    if where_scored:
        known = list(rows)
        scored, rows = Scored(file, known, where_scored, grader, unscored), iter(known)
    elif grader or unscored != "refuse":
        raise UserError("--grader and --unscored are about scores: give --where-scored with them")
    selected = Selection(where or [], scored, clean)
    written = write_chat(output, selected.inoculate(rows, inoculation, seed))
    drop_sidecar(output)
    if as_json:
        print_json(
            {
                "input": str(file),
                "output": str(output),
                "rows": written,
                "inoculated": selected.count,
                **({"others": written - selected.count} if clean else {}),
                **({"unscored": scored.reasons} if scored else {}),
                "sha256": digest(output.read_bytes()),
            }
        )
    else:
        rest = f", the other {written - selected.count} under {others} prompts" if clean else ""
        say(f"{output}: {many(written, 'row')}, {selected.count} of them inoculated{rest}")


def drop_sidecar(output: Path) -> None:
    """Remove what `data build` wrote beside rows that others have replaced, and say so.

    Args:
        output: The file of rows.
    """
    if (beside := forget_sidecar(output)) is not None:
        say(f"{beside}: removed, since it told of the rows that were replaced", err=True)


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
    return Inoculation(name, pool=_lines(pool), position=position, deal=deal)


def _lines(pool: Path) -> tuple[str, ...]:
    """The lines of a file of prompts."""
    texts = tuple(line.strip() for line in lines(given_text(pool)) if line.strip())
    if not texts:
        raise UserError(f"{pool}: contains no rephrasing: write one per line")
    return texts


def _others(others: str, position: Position) -> Inoculation | None:
    """What stands before the rows that are not chosen; None leaves them as they are."""
    if not others:
        return None
    return Inoculation(
        "others", pool=neutral() if others == NEUTRAL else _lines(Path(others)), position=position
    )


class Scored:
    """The rows of a file that `--where-scored` chooses.

    Attributes:
        reasons: By number of the row, from 1, why it could not be scored.

    Raises:
        UserError: If a row could not be scored, and `--unscored` does not say what to do with it.
    """

    def __init__(
        self, file: Path, rows: list[Row], conditions: list[str], grader: str, unscored: str
    ) -> None:
        from inoc_evals.scorers.row_scores import select  # brings Inspect

        judges = [name.strip() for name in grader.split(",") if name.strip()]
        with redirect_stdout(sys.stderr):
            found = select(rows, conditions, judges)
        self.conditions = conditions
        self.reasons = {number + 1: reason for number, reason in found.unscored.items()}
        if self.reasons and unscored == "refuse":
            some = list(self.reasons)[:LISTED]
            which = f"{', '.join(map(str, some))}{', ...' if len(self.reasons) > LISTED else ''}"
            raise UserError(
                f"{file}: {many(len(self.reasons), 'row')} could not be scored (rows {which}: "
                f"{self.reasons[some[0]]:.80}): say what to "
                "do with them by --unscored choose or --unscored skip"
            )
        for number, reason in self.reasons.items():
            taken = "chosen" if unscored == "choose" else "not chosen"
            say(f"{file}, row {number}: not scored ({reason}), taken for {taken}", err=True)
        chosen = set(found.rows) | (set(found.unscored) if unscored == "choose" else set())
        self._chosen = {id(rows[number]) for number in chosen}

    def __call__(self, row: Row) -> bool:
        """Whether a row, one of those that were scored, is chosen."""
        return id(row) in self._chosen


class Selection:
    """Inoculates the rows that `--where` and `--where-scored` select, and counts them.

    Attributes:
        count: Rows inoculated so far.
    """

    def __init__(
        self, conditions: list[str], scored: Scored | None = None, others: Inoculation | None = None
    ) -> None:
        self._conditions = [f"--where {one}" for one in conditions]
        self._conditions += [f"--where-scored {one!r}" for one in (scored.conditions if scored else ())]
        if others is not None and not self._conditions:
            raise UserError(
                "--others is for rows that are not chosen: give --where or --where-scored with it"
            )
        self._matches = _matcher(conditions)
        self._scored, self._others = scored, others
        self.count = 0

    def inoculate(self, rows: Iterator[Row], inoculation: Inoculation, seed: int) -> Iterator[Row]:
        """Inoculate the selected rows.

        Raises:
            UserError: At the end, if no row was selected: a misspelt condition must not train a model that
                was never inoculated.
        """
        chosen: list[bool] = []

        def wanted(row: Row) -> bool:
            chosen.append(self._matches_and_counts(row))
            return chosen[-1]

        prepared = inoculate(rows, inoculation, where=wanted, seed=seed)
        if self._others is not None:  # of every row, the first pass has just said whether it is chosen
            prepared = inoculate(prepared, self._others, where=lambda _: not chosen.pop(), seed=seed)
        yield from prepared
        if not self.count:
            raise UserError(f"{' '.join(self._conditions)} selects no row: correct the key or value")

    def _matches_and_counts(self, row: Row) -> bool:
        matches = self._matches(row) and (self._scored is None or self._scored(row))
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
