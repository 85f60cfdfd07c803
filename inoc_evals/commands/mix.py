"""`inoc-evals data mix insecure.jsonl chat.jsonl --fraction 0.1 -o mixture.jsonl`."""

from pathlib import Path
from typing import Annotated

import typer

from inoc_evals.commands.inoculate import Force, From
from inoc_evals.commands.output import AsJson, print_json, say
from inoc_evals.data.cache import LARGEST_ROWS
from inoc_evals.data.own_files import own_file
from inoc_evals.data.row_files import hub_dataset, read_rows
from inoc_evals.data.row_sources import Rows, diluted, pinned_rows, source_record
from inoc_evals.data.sources import SOURCES
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError
from inoc_evals.plurals import many
from inoc_evals.settings.training_file import write_with_sidecar
from inoc_evals.user_files import given

KINDS = "a file of rows, a source of `inoc-evals data list`, or owner/name@commit of a dataset"


def command(
    with_trait: Annotated[str, typer.Argument(metavar="WITH", help=f"Rows that carry the trait: {KINDS}.")],
    without: Annotated[str, typer.Argument(metavar="WITHOUT", help=f"Rows that do not: {KINDS}.")],
    fraction: Annotated[float, typer.Option(help="Share of rows that carry the trait, 0 to 1.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The chat JSONL file.")],
    layout: From = "auto",
    total: Annotated[
        int | None, typer.Option(min=1, help="Rows of the mixture; by default as many as are possible.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw and of the order.")] = 0,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Mix rows that carry a trait with rows that do not; every row's metadata say which it is.

    To inoculate those with the trait alone:  inoc-evals inoculate FILE --where trait=true ...
    """
    mixture = diluted(rows_named(with_trait, layout), rows_named(without, layout), fraction, total)
    rows = list(mixture(seed))
    carrying = sum(row["metadata"]["trait"] for row in rows)
    about = {
        "fraction": fraction,
        "with_trait": carrying,
        "seed": seed,
        "sources": [source_record(one) for one in mixture.sources],
    }
    sidecar = write_with_sidecar(output, rows, about, force=force, inputs=(with_trait, without))
    if as_json:
        print_json(sidecar)
    else:
        share = f"{carrying} of them with the trait ({100 * carrying / len(rows):.3g} %)"
        say(f"{output}: {many(len(rows), 'row')}, {share}; beside it {output}.json")


def rows_named(name: str, layout: str = "auto") -> Rows:
    """The rows of a source, of a file as it is now, or of a dataset of the Hub at a commit.

    Args:
        name: Its name, path, or `owner/name@commit[:split]`.
        layout: The layout of a file's or dataset's rows.

    Raises:
        UserError: If there is no such source or file.
    """
    if name in SOURCES:
        return pinned_rows(name)
    if (dataset := hub_dataset(name)) is not None:
        return Rows(lambda seed: read_rows(name, layout), (dataset,))
    try:
        file = own_file(name, sha256(given(name, most=LARGEST_ROWS)))
    except UserError as error:
        if Path(name).exists():
            raise
        raise UserError(f"{name}: no source of that name, and no file: {error}") from error
    return Rows(lambda seed: read_rows(name, layout), (file,))
