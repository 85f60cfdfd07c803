"""`inoc-evals report`: one HTML page on a folder of logs."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from inoc_evals.commands.output import AsJson, print_json


def command(
    logs: Annotated[
        str, typer.Argument(metavar="LOGS", help="A folder of Inspect logs, or one log; a path or URL.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the report.")
    ] = Path("report"),
    group_by: Annotated[
        str, typer.Option(help="What is compared: arm, or model for logs of plain evaluations.")
    ] = "arm",
    intervals: Annotated[
        str, typer.Option(help="clustered, or paper for its bootstrap over seeds.")
    ] = "clustered",
    viewer: Annotated[bool, typer.Option(help="Put Inspect's viewer with the logs beside the page.")] = True,
    title: Annotated[str, typer.Option(help="Title of the page.")] = "What the finetunes learned",
    as_json: AsJson = False,
) -> None:
    """Write one HTML page: verdicts on the paper's claims, rates, figures, answers, and their sources."""
    from inoc_evals.report.report import write

    console = Console(stderr=True)
    with console.status("reading logs") as status:
        page, found = write(
            logs,
            output,
            group_by=group_by,  # type: ignore[arg-type]
            method=intervals,  # type: ignore[arg-type]
            viewer=viewer,
            title=title,
            command=shlex.join(["inoc-evals", *sys.argv[1:]]),
            progress=status.update,
        )
    if as_json:
        print_json({"page": str(page), "verdicts": [v.as_dict() for v in found]})
        return
    counts = {word: sum(v.word == word for v in found) for word in dict.fromkeys(v.word for v in found)}
    if counts:
        typer.echo(", ".join(f"{count} {word}" for word, count in counts.items()))
    typer.echo(f"Report: {page}")
