"""`inoc-evals report`: one HTML page on a folder of logs."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from inoc_evals.commands.known_settings import OwnSettings, known_settings
from inoc_evals.commands.output import AsJson, print_json, say, say_skipped
from inoc_evals.errors import UserError

if TYPE_CHECKING:
    from inoc_evals.report.report import Report

Logs = Annotated[
    str, typer.Argument(metavar="LOGS", help="A folder of Inspect logs, or one log; a path or URL.")
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="DIR", help="Folder of the report; LOGS-report by default."),
]
Viewer = Annotated[
    bool, typer.Option("--viewer/--no-viewer", help="Put Inspect's viewer with the logs beside the page.")
]
Intervals = Annotated[
    str, typer.Option(metavar="METHOD", help="clustered, or paper for its bootstrap over seeds.")
]


def command(
    logs: Logs,
    output: Output = None,
    group_by: Annotated[
        str, typer.Option(metavar="WHAT", help="arm; or model, for logs of plain evaluations.")
    ] = "arm",
    to: Annotated[
        str | None,
        typer.Option(metavar="ARM", help="What the others are compared with; none and base by default."),
    ] = None,
    intervals: Intervals = "clustered",
    viewer: Viewer = True,
    runs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where runs live: ./runs by default.")
    ] = None,
    setting: OwnSettings = None,
    title: Annotated[str, typer.Option(help="Title of the page.")] = "What the finetunes learned",
    as_json: AsJson = False,
) -> None:
    """Write one HTML page: verdicts on claims, rates, figures, answers, and their sources."""
    from inoc_evals.report.report import write
    from inoc_evals.runs.directory import runs_root

    if group_by not in ("arm", "model"):
        raise UserError(f"--group-by {group_by}: use arm or model")
    if intervals not in ("clustered", "paper"):
        raise UserError(f"--intervals {intervals}: use clustered or paper")
    settings = known_settings(setting)
    with Console(stderr=True).status("reading logs") as status:
        report = write(
            logs,
            output or beside(logs),
            group_by="model" if group_by == "model" else "arm",
            method="paper" if intervals == "paper" else "clustered",
            reference=to,
            viewer=viewer,
            runs=runs_root(runs),
            settings=settings,
            title=title,
            command=shlex.join(["inoc-evals", *sys.argv[1:]]),
            progress=status.update,
        )
    show(report, as_json)


def beside(logs: str) -> Path:
    """Where the report on logs goes: beside their folder, not in it, where it would be read as logs."""
    if "://" in logs:
        return Path(logs.rstrip("/").rpartition("/")[2] + "-report")
    folder = Path(logs)
    return folder.with_name(f"{folder.stem if folder.is_file() else folder.resolve().name}-report")


def show(report: "Report", as_json: bool) -> None:
    """Say what a report says of the claims, and where it lies."""
    if as_json:
        verdicts = [verdict.as_dict() for verdict in report.verdicts]
        about = {"skipped": report.skipped, "unscored": report.unread, "notes": report.notes}
        print_json({"page": str(report.page), "verdicts": verdicts, **about})
        return
    words = [verdict.word for verdict in report.verdicts]
    if words:
        counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
        say(f"Claims: {counts}")
    for line in (*report.unread, *report.notes):
        say(line, err=True)
    say_skipped(report.skipped)
    say(f"Report: {report.page}")
