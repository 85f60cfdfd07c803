"""`inoc-evals audit`: whether a folder of logs can carry a verdict."""

from pathlib import Path
from typing import Annotated

import typer

from inoc_evals.commands.known_settings import OwnSettings, known_settings
from inoc_evals.commands.output import AsJson, draw, drawn, print_json, print_table, say, say_skipped
from inoc_evals.plurals import many


def command(
    logs: Annotated[
        str, typer.Argument(metavar="LOGS", help="A folder of Inspect logs, or one log; a path or URL.")
    ],
    runs: Annotated[
        Path | None, typer.Argument(metavar="[RUNS]", help="Where the runs live: ./runs if it exists.")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(metavar="STEM", help="Draw what is excluded to STEM.png and STEM.svg.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if a finding blocks a verdict.")
    ] = False,
    setting: OwnSettings = None,
    as_json: AsJson = False,
) -> None:
    """Audit logs and runs: what is excluded, too few, apart, hidden in prompts, leaked or not finished."""
    from inoc_evals.analysis import audit_figure
    from inoc_evals.analysis.audit import audit
    from inoc_evals.analysis.table import load
    from inoc_evals.runs.directory import runs_root

    if runs is None and runs_root().is_dir():
        runs = runs_root()
    settings = known_settings(setting)
    found = audit(logs, runs, settings)
    figures = drawn(figure, lambda stem: draw(audit_figure.excluded(load(logs), settings), stem))
    if as_json:
        about = {"figures": figures.files, "skipped": found.skipped}
        print_json({**found.as_dict(), **about})
    else:
        for (setting, base), findings in found.by_family().items():
            rows = [[f.severity, f.kind, f.place, f.what, f.todo] for f in findings]
            title = f"{setting} on {base}" if base else setting or "Logs"
            print_table(title, ["severity", "finding", "where", "what", "what to do"], rows)
        say(f"{many(found.answers, 'answer')} in {many(found.logs, 'log')}: {found.summary}")
        say_skipped(found.skipped)
        figures.tell()
    figures.check()
    if strict and found.blocking:
        raise typer.Exit(1)
