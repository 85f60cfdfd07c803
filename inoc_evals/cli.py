"""The command line: `inoc-evals COMMAND`. It parses, calls the library and prints; see docs/cli.md.

An error that the user can fix is one line on stderr and exit code 2. Any other keeps its traceback.
"""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from inoc_evals.commands import (
    adopt,
    at_k,
    audit,
    capabilities,
    claims,
    controls,
    data,
    demo,
    doctor,
    dose,
    export,
    finetune,
    inoculate,
    judges,
    leaks,
    listing,
    precision,
    presets,
    report,
    reproduce,
    run,
    runs,
    screen,
    selectivity,
    settings,
)
from inoc_evals.errors import UserError
from inoc_evals.finetune.ranks import here

app = typer.Typer(
    name="inoc-evals",
    help="What else did this finetune teach the model, and can a prompt stop it?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.command)
app.command("run")(run.command)
app.command("list")(listing.command)
app.command("settings")(settings.command)
app.add_typer(data.app, name="data")
app.add_typer(runs.app, name="runs")
app.command("screen")(screen.command)
app.command("inoculate")(inoculate.command)
app.command("finetune")(finetune.command)
app.command("export")(export.command)
app.command("adopt")(adopt.command)
app.command("judges")(judges.command)
app.command("presets")(presets.command)
app.command("at-k")(at_k.command)
app.command("precision")(precision.command)
app.command("capabilities")(capabilities.command)
app.command("audit")(audit.command)
app.command("claims")(claims.command)
app.command("leaks")(leaks.command)
app.command("controls")(controls.command)
app.command("selectivity")(selectivity.command)
app.command("dose")(dose.command)
app.command("report")(report.command)
app.command("reproduce")(reproduce.command)
app.command("doctor")(doctor.command)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"inoc-evals {version('inoc-evals')}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Args:
        arguments: Words after the program's name; those of the process by default.

    Raises:
        SystemExit: Always; 0 on success, 2 for a mistake of the user.
    """
    try:
        app(arguments)
    except UserError as error:
        if here().speaks():
            typer.echo(f"inoc-evals: {error}", err=True)
        sys.exit(2)
    except Exception as error:
        # Inspect's exception for errors that the user can fix, matched by name: no public module exports it.
        if type(error).__name__ != "PrerequisiteError":
            raise
        Console(stderr=True).print(getattr(error, "message", error))
        sys.exit(2)
