"""The command line: `inoc-evals COMMAND`. It parses, calls the library and prints; see docs/cli.md.

An error that the user can fix is one line on stderr and exit code 2. Any other keeps its traceback.
"""

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated, Any

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
from inoc_evals.errors import UserError, refused, visible
from inoc_evals.finetune.ranks import here

app = typer.Typer(
    name="inoc-evals",
    help="What else did this finetune teach the model, and can a prompt stop it?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
PANELS: dict[str, dict[str, Callable[..., Any] | typer.Typer]] = {
    "First look": {"demo": demo.command, "list": listing.command, "doctor": doctor.command},
    "Prompts and rows": {"screen": screen.command, "inoculate": inoculate.command, "data": data.app},
    "Train and measure": {
        "run": run.command,
        "reproduce": reproduce.command,
        "settings": settings.command,
        "finetune": finetune.command,
        "runs": runs.app,
        "export": export.command,
        "adopt": adopt.command,
        "capabilities": capabilities.command,
    },
    "What came out": {
        "report": report.command,
        "claims": claims.command,
        "audit": audit.command,
        "selectivity": selectivity.command,
        "leaks": leaks.command,
        "controls": controls.command,
        "dose": dose.command,
        "judges": judges.command,
        "presets": presets.command,
        "at-k": at_k.command,
        "precision": precision.command,
    },
}
"""The commands by name, as `--help` groups them."""

for panel, commands in PANELS.items():
    for command_name, command in commands.items():
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=command_name, rich_help_panel=panel)
        else:
            app.command(command_name, rich_help_panel=panel)(command)


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
    except OSError as error:
        if (line := refused(error)) is None:
            raise
        typer.echo(f"inoc-evals: {line}", err=True)
        sys.exit(2)
    except Exception as error:
        # Inspect's exception for errors that the user can fix, matched by name: no public module exports it.
        if type(error).__name__ != "PrerequisiteError":
            raise
        Console(stderr=True).print(visible(getattr(error, "message", error)))
        sys.exit(2)
