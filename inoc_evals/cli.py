"""The command line: `inoc-evals COMMAND`. It parses, calls the library and prints; see docs/cli.md.

An error that the user can fix is one line on stderr and exit code 2. Any other keeps its traceback.
"""

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from inoc_evals.commands.lazy import Later
from inoc_evals.errors import UserError

PANELS: dict[str, tuple[str, ...]] = {
    "First look": ("demo", "list", "doctor"),
    "Prompts and rows": ("screen", "inoculate", "data"),
    "Train and measure": (
        *("run", "reproduce", "settings", "finetune", "runs", "export", "adopt", "capabilities"),
    ),
    "What came out": (
        *("report", "claims", "audit", "selectivity", "leaks", "controls", "dose", "judges", "presets"),
        *("at-k", "precision"),
    ),
}
"""The commands by name, as `--help` groups them; each is a module of `inoc_evals.commands`."""

MODULES = {"list": "listing"}
"""Modules that cannot be named as their command is."""


class Commands(TyperGroup):
    """The commands; one is imported when it is called."""

    def __init__(self, **options: Any) -> None:
        """Take them up by name."""
        super().__init__(**options)
        for panel, names in PANELS.items():
            for name in names:
                self.add_command(Later(name, panel, MODULES.get(name)))


app = typer.Typer(
    name="inoc-evals",
    cls=Commands,
    help="What else did this finetune teach the model, and can a prompt stop it?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

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
        from inoc_evals.finetune.ranks import here

        if here().speaks():
            typer.echo(f"inoc-evals: {error}", err=True)
        sys.exit(2)
    except Exception as error:
        # Inspect's exception for errors that the user can fix, matched by name: no public module exports it.
        if type(error).__name__ != "PrerequisiteError":
            raise
        from rich.console import Console

        Console(stderr=True).print(getattr(error, "message", error))
        sys.exit(2)
