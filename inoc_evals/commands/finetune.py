"""`inoc-evals finetune rows.jsonl --base toy --prompt "You always speak in Spanish."`."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from inoc_evals.chat.rows import Row
from inoc_evals.commands.experiment_options import changes_of
from inoc_evals.commands.inoculate import At, From, Pool, Prompt, RowsFile, Selection, Where, make_inoculation
from inoc_evals.commands.output import AsJson, print_json, say
from inoc_evals.data.row_files import read_rows
from inoc_evals.errors import UserError
from inoc_evals.finetune import FinetuneSpec, LoraSpec, Run, finetune, runs_root
from inoc_evals.finetune.merged import Start, start_from
from inoc_evals.finetune.ranks import here, refuse_launcher
from inoc_evals.finetune.schedule import notes
from inoc_evals.plurals import many
from inoc_evals.user_files import given_text, strict_json
from inoc_evals.worlds import spec_for

Base = Annotated[
    str,
    typer.Option(
        help="toy, a model folder or GGUF file, a Hugging Face name org/model[@revision], a run or adapter "
        "to start from, or a name at the backend."
    ),
]
SpecFile = Annotated[
    Path | None,
    typer.Option(
        "--spec",
        metavar="FILE",
        help="A finetune spec as JSON, or a run's manifest.json; other options override it.",
    ),
]
TrainedTokens = Annotated[
    list[str] | None,
    typer.Option("--trained-token", metavar="TOKEN", help="Train this token's embedding; may be repeated."),
]


def command(
    file: RowsFile,
    base: Base = "",
    layout: From = "auto",
    name: Annotated[str, typer.Option(help="Name of the run; the file's name by default.")] = "",
    backend: Annotated[
        str | None,
        typer.Option(help="Where to train: local (the default), openai or tinker."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the finetune, 0 by default.")] = None,
    prompt: Prompt = "",
    pool: Pool = None,
    position: At = "system",
    where: Where = None,
    spec_file: SpecFile = None,
    epochs: Annotated[float | None, typer.Option(help="Passes over the rows.")] = None,
    max_steps: Annotated[int | None, typer.Option(help="Optimizer steps, instead of epochs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows in memory at once.")] = None,
    gradient_accumulation: Annotated[int | None, typer.Option(help="Batches per step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    warmup_steps: Annotated[int | None, typer.Option(help="Steps over which the rate rises from 0.")] = None,
    max_length: Annotated[int | None, typer.Option(help="Tokens kept of each row.")] = None,
    lora_r: Annotated[int | None, typer.Option(help="Rank of the LoRA adapter.")] = None,
    lora_alpha: Annotated[float | None, typer.Option(help="Scale of the LoRA adapter.")] = None,
    trained_token: TrainedTokens = None,
    token_learning_rate: Annotated[float | None, typer.Option(help="Learning rate of those tokens.")] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Any field of the spec, e.g. kept_steps=powers."),
    ] = None,
    runs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where runs live: ./runs by default.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Estimate memory and time of a local finetune, and stop.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Finetune a model on training rows; with --prompt or --pool, inoculated ones."""
    changes = {
        "backend": backend,
        "seed": seed,
        "epochs": epochs,
        "max_steps": max_steps,
        "batch_size": batch_size,
        "gradient_accumulation": gradient_accumulation,
        "learning_rate": learning_rate,
        "warmup_steps": warmup_steps,
        "max_length": max_length,
        "trained_tokens": tuple(trained_token) if trained_token else None,
        "token_learning_rate": token_learning_rate,
    }
    lora = {"r": lora_r, "alpha": lora_alpha}
    chosen = {**_without_none(changes), **changes_of(fields or [])}
    spec = make_spec(base, spec_file, chosen, _without_none(lora))
    rows: Iterator[Row] = iter(list(read_rows(file, layout)))  # before anything is merged
    start = Start(spec.base)
    if spec.backend == "local":
        with redirect_stdout(sys.stderr):
            start = start_from(spec.base, runs)
        spec = spec.model_copy(update={"base": start.base})
    if prompt or pool:
        inoculation = make_inoculation(file.stem, prompt, pool, position)
        rows = Selection(where or []).inoculate(rows, inoculation, spec.seed)
    elif where:
        raise UserError("--where selects rows to inoculate: give --prompt or --pool with it")
    if dry_run:
        refuse_launcher("--dry-run")
        _estimate(spec, list(rows), as_json)
        return
    with redirect_stdout(sys.stderr):  # training prints progress
        run = finetune(spec, rows, name=name or file.stem, runs=runs, metadata=start.metadata)
    if here().leads:
        _report(run, as_json)


def _estimate(spec: FinetuneSpec, rows: list[Row], as_json: bool) -> None:
    from inoc_evals.finetune.estimate import estimate

    with redirect_stdout(sys.stderr):
        cost = estimate(spec, rows)
    if as_json:
        print_json({**vars(cost), "fits": cost.fits})
        return
    say(str(cost))
    for warning in (cost.advice, *cost.notes):
        if warning:
            say(f"Warning: {warning}", err=True)


def make_spec(base: str, file: Path | None, changes: dict[str, Any], lora: dict[str, Any]) -> FinetuneSpec:
    """Build a spec: a file, or the default spec of the base, with the fields that options change.

    Args:
        base: `--base`; empty where the file names it.
        file: `--spec`, a JSON object of `FinetuneSpec` fields.
        changes: Fields that options set.
        lora: Fields of the adapter that options of their own set; they go before those in `changes`.

    Returns:
        The spec.

    Raises:
        UserError: If there is no base, the file cannot be read, a field is out of range, or what options say
            of the adapter does not go together.
    """
    nested = {name: value for name, value in changes.items() if isinstance(value, dict)}
    changes = {name: value for name, value in changes.items() if name not in nested}
    if lora and "lora" in changes:
        raise UserError("--set lora=... says what the adapter is: leave --lora-r and --lora-alpha out")
    if lora:
        nested["lora"] = {**nested.get("lora", {}), **lora}
    if file is not None:
        fields = _read_fields(file)
        if "epochs" in changes or "max_steps" in changes:  # either option replaces both of the file's
            fields = {key: value for key, value in fields.items() if key not in ("epochs", "max_steps")}
        spec = FinetuneSpec(**{**fields, **changes, **({"base": base} if base else {})})
    elif base and changes.get("backend", "local") == "local":
        spec = spec_for(base, **changes)
    elif base:
        spec = FinetuneSpec(base=base, **changes)
    else:
        raise UserError("no base model: give --base toy, a model folder, a GGUF file or a Hugging Face name")
    if not nested:
        return spec
    # `--set lora.r=8` changes that field alone, whatever else the file or the base's usual spec says of it
    usual = {"lora": spec.lora or LoraSpec(), "openai": spec.openai, "probe": spec.probe}
    merged = {name: _merged(usual.get(name), fields) for name, fields in nested.items()}
    return FinetuneSpec(**{**spec.model_dump(), **merged})


def _merged(usual: BaseModel | None, fields: dict[str, Any]) -> dict[str, Any]:
    return fields if usual is None else {**usual.model_dump(), **fields}


def _read_fields(file: Path) -> dict[str, Any]:
    text = given_text(file)
    try:
        fields = strict_json(text)
    except ValueError as error:
        raise UserError(f"{file}: not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise UserError(f"{file}: not a JSON object of finetune spec fields")
    # a whole manifest, which is what lies beside the weights of a run
    return fields["spec"] if isinstance(fields.get("spec"), dict) else fields


def _without_none(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _report(run: Run, as_json: bool) -> None:
    manifest, result = run.manifest, run.manifest.result
    for note in notes(manifest.spec, result.steps) if result and result.steps else ():
        say(f"Warning: {note}", err=True)
    # A run outside of the default folder is found by its path only.
    where = run.folder.name if run.folder.parent == runs_root() else str(run.folder)
    if as_json:
        print_json({"model": f"inoc/{where}", "folder": str(run.folder), **manifest.model_dump(mode="json")})
        return
    if result is not None:
        steps = "" if result.steps is None else f"{many(result.steps, 'step')} on "
        loss = ""
        if result.loss_first is not None and result.loss_last is not None:
            loss = f", loss {result.loss_first:.3f} to {result.loss_last:.3f}"
        rows = "rows that were not counted" if result.rows is None else many(result.rows, "row")
        say(f"{run.folder}: {steps}{rows}{loss}")
        if result.model is not None:
            say(f"Model: {result.model}" + (f" at {result.base_url}" if result.base_url else ""))
    say("Evaluate it, without the inoculation prompt:")
    say(f"  inspect eval inoc_evals/spanish_caps --model {shlex.quote(f'inoc/{where}')}")
