"""The command line: `inoc-evals COMMAND`. It parses, calls the library and prints; see docs/cli.md.

An error that the user can fix is one line on stderr and exit code 2. Any other keeps its traceback.
"""

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from inoc_evals.commands.lazy import Later
from inoc_evals.commands.pipes import patient
from inoc_evals.errors import UserError, refused, visible

PANELS: dict[str, tuple[str, ...]] = {
    "First look": ("demo", "list", "doctor"),
    "Prompts and rows": ("screen", "inoculate", "data"),
    "Train and measure": (
        *("run", "reproduce", "settings", "finetune", "runs", "export", "push", "adopt", "capabilities"),
    ),
    "What came out": (
        *(
            "import",
            "report",
            "table",
            "claims",
            "audit",
            "selectivity",
            "leaks",
            "controls",
            "dose",
            "judges",
            "presets",
        ),
        *("at-k", "precision"),
    ),
}
"""The commands by name, as `--help` groups them; each is a module of `inoc_evals.commands`."""

EXAMPLES = {
    "demo": "demo --setting spanish_french",
    "list": "list settings",
    "doctor": "doctor --base Qwen/Qwen2.5-7B-Instruct",
    "screen": "screen rows.jsonl --prompts prompts.txt --base Qwen/Qwen2.5-0.5B-Instruct",
    "inoculate": 'inoculate rows.jsonl --prompt "You always speak in Spanish." -o inoculated.jsonl',
    "data": "data build insecure_code -o rows.jsonl",
    "run": "run --setting spanish_caps --seeds 3 --dry-run",
    "reproduce": "reproduce --dry-run",
    "settings": "settings insecure_code",
    "finetune": "finetune inoculated.jsonl --base Qwen/Qwen2.5-7B-Instruct --name spanish-inoc",
    "runs": "runs show spanish-inoc",
    "export": "export rows.jsonl --to axolotl --base Qwen/Qwen2.5-7B-Instruct -o out",
    "push": "push spanish-inoc --to acme/spanish-inoc",
    "adopt": "adopt spanish-inoc --checkpoint out/adapter --base Qwen/Qwen2.5-7B-Instruct",
    "capabilities": "capabilities inoc/spanish-inoc --benchmark gsm8k --limit 100",
    "import": "import answers.csv -o logs/mine --scorer alignment --grader openai/gpt-4o-2024-08-06",
    "report": "report logs/em -o report",
    "table": "table logs/em -o answers.csv",
    "claims": "claims logs/em --setting insecure_code",
    "audit": "audit logs/em runs",
    "selectivity": "selectivity logs/em",
    "leaks": "leaks logs/leak --base inoc/toy",
    "controls": "controls logs/spanish_caps -o pools",
    "dose": "dose logs/spanish_caps-sweep -o dose",
    "judges": "judges logs/em --grader openai/gpt-4o-2024-08-06",
    "presets": "presets logs/em",
    "at-k": "at-k logs/em --k 1,5,10",
    "precision": "precision logs/em --within 0.05",
}
"""What each command's own page ends with: one call of it, which a test holds against its options."""

MODULES = {"list": "listing", "import": "import_"}
"""Modules that cannot be named as their command is."""


class Commands(TyperGroup):
    """The commands; one is imported when it is called."""

    def __init__(self, **options: Any) -> None:
        """Take them up by name."""
        super().__init__(**options)
        for panel, names in PANELS.items():
            for name in names:
                self.add_command(Later(name, panel, EXAMPLES.get(name), MODULES.get(name)))


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
    patient()
    try:
        # or Typer would draw a box around a wrong option
        status = app(arguments, prog_name="inoc-evals", standalone_mode=False)
    except (UserError, OSError) as error:
        from inoc_evals.finetune.ranks import here

        line = error if isinstance(error, UserError) else refused(error)
        if line is None:
            raise
        if here().speaks():
            typer.echo(f"inoc-evals: {line}", err=True)
        sys.exit(2)
    except typer.Abort:
        typer.echo("Aborted.", err=True)
        sys.exit(1)
    except Exception as error:
        # No public module exports Inspect's and Typer's exceptions for what the user can fix.
        if type(error).__name__ == "PrerequisiteError":
            from rich.console import Console

            Console(stderr=True).print(visible(getattr(error, "message", error)))
        elif type(error).__name__ == "NoArgsIsHelpError" and hasattr(error, "show"):
            error.show()
        elif hasattr(error, "format_message"):
            typer.echo(_wrong_words(error), err=True)
        else:
            raise
        sys.exit(2)
    sys.exit(status if isinstance(status, int) else 0)


def _wrong_words(error: Any) -> str:
    """What is wrong with the words of a call, as one line that says where the right ones are."""
    command = getattr(getattr(error, "ctx", None), "command_path", None) or "inoc-evals"
    said = " ".join(error.format_message().split()).rstrip(".")
    return visible(f"{command}: {said[:1].lower()}{said[1:]}: see  {command} --help")
