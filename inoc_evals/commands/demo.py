"""`inoc-evals demo`: the paper's first result, on the embedded model in minutes, or on a real one."""

import shlex
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from inoc_evals.commands.output import AsJson, print_json, print_table, say
from inoc_evals.worlds import EMBEDDED


def command(
    world: Annotated[
        str, typer.Option(help="`toy`, or `smollm`: a real language model of 135 million weights.")
    ] = EMBEDDED.name,
    log_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where logs and figures go: logs/demo by default.")
    ] = None,
    runs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where runs live: ./runs by default.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Finetunes per arm: 3 of the toy, 1 of a real model.")
    ] = None,
    setting: Annotated[str, typer.Option(help="One of those that `list settings` shows.")] = "spanish_caps",
    as_json: AsJson = False,
) -> None:
    """Finetune a small model with and without inoculation, evaluate every checkpoint, draw the figure.

    The toy takes minutes and shows how it works; `--world smollm` takes a quarter of an hour on two cores and
    is a real language model. What a call before has trained and evaluated is used again.
    """
    from inoc_evals.experiment.demo import run_demo

    toy = world == EMBEDDED.name
    folder = log_dir or Path("logs/demo" if toy else f"logs/demo-{world}")
    with redirect_stdout(sys.stderr):  # what happens on the way is progress
        result = run_demo(folder, runs, seeds or (3 if toy else 1), setting, world)
    if as_json:
        print_json(result.as_dict())
        return
    columns, rows = result.table()
    print_table(f"{setting}: rate of each trait without the inoculation prompt", columns, rows)
    for line in result.unscored:
        say(line, err=True)
    for figure in result.figures:
        say(f"Figure: {figure}")
    say(f"Logs:   inspect view --log-dir {shlex.quote(str(folder))}")
    if toy:
        say("Next:   inoc-evals demo --world smollm   (the same on a real language model)")
