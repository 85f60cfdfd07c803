"""`inoc-evals adopt`: a run directory for a model that was trained elsewhere."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from inoc_evals.commands.output import AsJson, print_json, say
from inoc_evals.errors import UserError


def command(
    name: Annotated[str, typer.Argument(help="What to call the run.")],
    base: Annotated[
        str, typer.Option(help="The base it was trained from; a run pushed by `push` says so itself.")
    ] = "",
    model: Annotated[
        str | None, typer.Option(help="Inspect's name for it, e.g. openai/ft:gpt-4.1:acme::Abc123.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Its server, if not the provider's own.")] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Instead of --model: an adapter or a whole model, or hf/ORG/NAME."),
    ] = None,
    rows: Annotated[Path | None, typer.Option(metavar="FILE", help="Its training rows.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed it was trained with; 0 by default.")] = None,
    metadata: Annotated[
        list[str] | None, typer.Option("--metadata", metavar="KEY=VALUE", help="E.g. arm=none; repeatable.")
    ] = None,
    runs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where runs live: ./runs by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Register a model that was trained elsewhere, so that it is evaluated and compared like any run."""
    from inoc_evals.finetune.adopt import ITS_BASE, adopt
    from inoc_evals.runs.directory import runs_root

    labels = dict(_pair(text) for text in metadata or [])
    run = adopt(
        name,
        base=base,
        model=model,
        base_url=base_url,
        checkpoint=checkpoint,
        rows=rows,
        seed=seed,
        runs=runs,
        metadata=labels,
    )
    manifest = run.manifest
    if said := manifest.metadata.get(ITS_BASE):
        say(f"Note: the adapter calls its base {said}, and is put over {manifest.base}", err=True)
    where = run.folder.name if run.folder.parent == runs_root() else str(run.folder)
    if as_json:
        print_json({"model": f"inoc/{where}", "folder": str(run.folder), **manifest.model_dump(mode="json")})
        return
    say(f"{run.folder}: adopted. Evaluate it, without the inoculation prompt:")
    say(f"  inspect eval inoc_evals/spanish_caps --model {shlex.quote(f'inoc/{where}')}")


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UserError(f"--metadata {text}: write KEY=VALUE")
    return key, value
