"""`inoc-evals demo`: the paper's first result, on the embedded model, in about three minutes."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from inoc_evals.commands.output import AsJson, print_json, print_table


def command(
    log_dir: Annotated[Path, typer.Option(metavar="DIR", help="Where logs and figures go.")] = Path(
        "logs/demo"
    ),
    runs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where runs live: ./runs by default.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Finetunes per arm.")] = 3,
    setting: Annotated[str, typer.Option(help="One of those that `list settings` shows.")] = "spanish_caps",
    as_json: AsJson = False,
) -> None:
    """Finetune the embedded model with and without inoculation, evaluate every checkpoint, draw the figure.

    What a call before has trained and evaluated is used again.
    """
    from inoc_evals.experiment.demo import run_demo

    with redirect_stdout(sys.stderr):  # what happens on the way is progress
        result = run_demo(log_dir=log_dir, runs=runs, seeds=seeds, setting=setting)
    if as_json:
        print_json(result.as_dict())
        return
    columns, rows = result.table()
    print_table(f"{setting}: rate of each trait without the inoculation prompt", columns, rows)
    for figure in result.figures:
        typer.echo(f"Figure: {figure}")
    typer.echo(f"Logs:   inspect view --log-dir {log_dir}")
