"""`inoc-evals push`: finished runs, and their rows if you like, to the Hugging Face Hub."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inoc_evals.commands.output import AsJson, print_json, say
from inoc_evals.errors import UserError

if TYPE_CHECKING:
    from inoc_evals.finetune.push import Pushed


def command(
    names: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Finished runs; RUN@step=N for a kept step."),
    ],
    to: Annotated[
        str, typer.Option(help="ORG/NAME; of several runs ORG, each under the name of its directory.")
    ],
    public: Annotated[
        bool, typer.Option("--public", help="Let everybody see it; private without this.")
    ] = False,
    rows: Annotated[
        bool, typer.Option("--rows", help="Push the training rows too, as a dataset of the same name.")
    ] = False,
    base: Annotated[
        str, typer.Option(metavar="ORG/MODEL", help="What others call the base, if the run names a folder.")
    ] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace another model; its repository's history keeps it.")
    ] = False,
    runs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where runs live: ./runs by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Push runs to the Hugging Face Hub, where anybody you let in evaluates them as inoc/hf/ORG/NAME."""
    from inoc_evals.finetune.push import check_repository, named, push

    if len(names) > 1 and "/" in to:
        raise UserError(f"push: {len(names)} runs cannot share the repository {to}: give --to ORG alone")
    targets: dict[str, str] = {}  # all of them are looked up before the first is pushed
    for name in names:
        run, step = named(name, runs)
        directory = run.folder.name if step is None else f"{run.folder.name}-step-{step}"
        targets[name] = to if "/" in to else f"{to}/{directory}"
        check_repository(targets[name])
    done = []
    try:
        for name, target in targets.items():
            pushed = push(name, target, public=public, rows=rows, base=base, replace=replace, runs=runs)
            done.append(pushed)
            if not as_json:
                _say(pushed)
    finally:
        if as_json and done:  # what is there is told, also where the next one was refused
            print_json([asdict(one) for one in done])
    if not as_json:
        say("Evaluate it anywhere, without the inoculation prompt:")
        say(f"  inspect eval inoc_evals/spanish_caps --model inoc/hf/{done[0].repository}")


def _say(pushed: "Pushed") -> None:
    seen = "private" if pushed.private else "public"
    say(f"{pushed.run}: {pushed.url} ({seen}), commit {pushed.commit[:12]}")
    if pushed.rows_url:
        say(f"  its rows: {pushed.rows_url}")
    for note in pushed.notes:
        say(f"Note: {note}", err=True)
