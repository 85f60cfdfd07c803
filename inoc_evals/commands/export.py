"""`inoc-evals export`: training rows and settings for another trainer."""

from pathlib import Path
from typing import Annotated

import typer

from inoc_evals.commands.experiment_options import changes_of
from inoc_evals.commands.finetune import make_spec
from inoc_evals.commands.inoculate import (
    At,
    Force,
    From,
    Pool,
    Prompt,
    RowsFile,
    Selection,
    Where,
    make_inoculation,
)
from inoc_evals.commands.output import AsJson, print_json, say
from inoc_evals.data.row_files import read_rows
from inoc_evals.errors import UserError


def command(
    file: RowsFile,
    to: Annotated[str, typer.Option(help="axolotl, unsloth, openweights, together, fireworks or openai.")],
    base: Annotated[str, typer.Option(help="The base model, by the name that the trainer uses.")],
    out: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where to write.")],
    name: Annotated[str, typer.Option(help="What to call the model; the file's name by default.")] = "",
    layout: From = "auto",
    prompt: Prompt = "",
    pool: Pool = None,
    position: At = "system",
    where: Where = None,
    spec_file: Annotated[
        Path | None,
        typer.Option("--spec", metavar="FILE", help="A finetune spec as JSON, or a manifest.json."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="A field of the spec, e.g. learning_rate=1e-4."),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write the files for this finetune on another trainer; register its result with `inoc-evals adopt`."""
    from inoc_evals.finetune.export import export

    spec = make_spec(base, spec_file, changes_of(changes or []), {})
    rows = read_rows(file, layout)
    model_name = name or file.stem
    if prompt or pool:
        rows = Selection(where or []).inoculate(
            rows, make_inoculation(model_name, prompt, pool, position), spec.seed
        )
    elif where:
        raise UserError("--where selects rows to inoculate: give --prompt or --pool with it")
    notes = export(spec, rows, to, out, name=model_name, force=force, inputs=[file])
    files = sorted(str(path) for path in out.expanduser().iterdir() if path.is_file())
    if as_json:
        print_json({"files": files, "notes": notes})
        return
    for path in files:
        say(path)
    for note in notes:
        say(f"Note: {note}", err=True)
