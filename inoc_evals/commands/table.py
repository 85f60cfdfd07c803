"""`inoc-evals table LOGS -o answers.csv`: answers, rates or differences as a file for other programs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from inoc_evals.commands.known_settings import OwnSettings, known_settings
from inoc_evals.commands.output import AsJson, json_rows, print_json, say, say_skipped
from inoc_evals.commands.report import Logs
from inoc_evals.errors import UserError


def command(
    logs: Logs,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help=".csv, .parquet, .jsonl, .md or .tex; else Markdown is printed.",
        ),
    ] = None,
    of: Annotated[
        Literal["answers", "rates", "differences"], typer.Option(help="What the table has a row for.")
    ] = "answers",
    to: Annotated[
        str, typer.Option(metavar="ARM", help="The arm that differences are to; none by default.")
    ] = "none",
    group_by: Annotated[str, typer.Option(metavar="WHAT", help="What an arm is: arm or model.")] = "arm",
    setting: OwnSettings = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write answers with their scores, or rates or differences, as CSV, Parquet, JSONL, Markdown or LaTeX."""
    from inoc_evals.analysis import written_tables
    from inoc_evals.analysis.contrasts import differences
    from inoc_evals.analysis.declared_traits import focused
    from inoc_evals.analysis.estimates import rates
    from inoc_evals.analysis.table import read

    if group_by not in ("arm", "model"):
        raise UserError(f"--group-by {group_by}: use arm or model")
    if output is not None and output.exists() and not force:
        raise UserError(f"{output} exists: choose another -o, or add --force to replace it")
    if output is not None and output.suffix.lower() not in written_tables.SUFFIXES:
        raise UserError(f"{output}: use one of the suffixes {', '.join(written_tables.SUFFIXES)}")
    settings = known_settings(setting)
    read_logs = read(logs, "model" if group_by == "model" else "arm")
    if of == "answers":
        table = written_tables.answers(logs, group_by)
    else:
        loaded = focused(read_logs.table, settings)
        table = rates(loaded) if of == "rates" else differences(loaded, to)
        if table.empty and of == "rates":
            raise UserError(f"{logs}: no answer has a score, so there are no rates")
        if table.empty:
            arms = ", ".join(dict.fromkeys(map(str, loaded["arm"])))
            raise UserError(f"no answers of {to!r} to compare with: give --to one of {arms}")
    if output is None:
        say_skipped(read_logs.skipped)  # the JSON is the rows alone
        if as_json:
            print_json(json_rows(table))
        else:
            say(written_tables.as_markdown(table).removesuffix("\n"))
        return
    escaped = written_tables.write(table, output)
    if output.suffix.lower() == ".csv" and "system" in table.columns and (table["system"] == "").any():
        say(
            f"{output}: an empty system message is an empty cell there, as none is: use .parquet or .jsonl",
            err=True,
        )
    if as_json:
        about = {"file": str(output), "rows": len(table), "escaped": escaped}
        print_json({**about, "skipped": read_logs.skipped})
        return
    say_skipped(read_logs.skipped)
    say(f"{output}: {len(table)} {of}")
    if escaped:
        say(
            f"{escaped} {'cell begins' if escaped == 1 else 'cells begin'} like a formula and got an "
            "apostrophe in front (.parquet has none)",
            err=True,
        )
