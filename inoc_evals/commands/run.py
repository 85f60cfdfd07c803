"""`inoc-evals run`: train and evaluate the grid of an experiment, as often as it takes."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from inoc_evals.commands.experiment_options import (
    Backend,
    Bases,
    Changes,
    Controls,
    DryRun,
    EngineName,
    Gpus,
    Grader,
    Limit,
    LogDir,
    ModelArgs,
    ModelsFrom,
    Rephrasings,
    Runs,
    Seeds,
    Settings,
    Slurm,
    Sweep,
    Variant,
    Workers,
    World,
    changes_of,
    engine_named,
    model_args_of,
    say_failed,
    say_taken,
    say_unscored,
    show_plan,
    sweep_of,
)
from inoc_evals.commands.output import AsJson, print_json, say
from inoc_evals.errors import UserError
from inoc_evals.finetune.ranks import refuse_launcher
from inoc_evals.plurals import many


def command(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="EXPERIMENT.yaml", help="Its fields as YAML, e.g. setting: spanish_caps"),
    ] = None,
    setting: Settings = None,
    base: Bases = None,
    arms: Annotated[
        str | None, typer.Option(help="Arms, by comma; a setting's usual ones by default.")
    ] = None,
    controls: Controls = False,
    rephrasings: Rephrasings = None,
    seeds: Seeds = None,
    world: World = None,
    variant: Variant = None,
    backend: Backend = None,
    grader: Grader = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Thresholds of a verdict, for the tasks that have them, e.g. betley2025."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Answers a question.")] = None,
    limit: Limit = None,
    measures: Annotated[str | None, typer.Option(help="all, broad, narrow, or tasks by comma.")] = None,
    changes: Changes = None,
    model_args: ModelArgs = None,
    sweep: Sweep = None,
    name: Annotated[str | None, typer.Option(help="What logs call it.")] = None,
    runs: Runs = None,
    models_from: ModelsFrom = None,
    log_dir: LogDir = None,
    engine: EngineName = "local",
    workers: Workers = None,
    gpus: Gpus = 0.0,
    slurm: Slurm = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Train and evaluate an experiment: a file, or a setting and options, which override a file's fields.

    What is already trained, answered or judged is used again: after a crash, give the same command.
    """
    from inoc_evals.experiment.experiment import Experiment, load
    from inoc_evals.experiment.plan import make_plan
    from inoc_evals.experiment.run import run

    refuse_launcher("inoc-evals run")
    given: dict[str, Any] = {
        "settings": setting,
        "bases": base,
        "arms": arms,
        "controls": controls or None,
        "rephrasings": rephrasings,
        "seeds": seeds,
        "world": world,
        "variant": variant,
        "backend": backend,
        "measures": measures,
        "name": name,
        "runs": runs,
        "models_from": models_from,
        "logs": log_dir,
    }
    measured: dict[str, Any] = {"grader": grader, "epochs": epochs, "limit": limit}
    with redirect_stdout(sys.stderr):  # what happens on the way is progress
        if file is None and setting is None:
            raise UserError("give EXPERIMENT.yaml, or --setting; `inoc-evals list settings` shows them")
        fields = {} if file is None else load(file).model_dump(exclude_unset=True)
        fields |= {key: value for key, value in given.items() if value is not None}
        asked = dict(fields.get("evaluate", {})) | {k: v for k, v in measured.items() if v is not None}
        if preset is not None:
            everywhere = {**asked.get("parameters", {}).get("*", {}), "preset": preset}
            asked["parameters"] = {**asked.get("parameters", {}), "*": everywhere}
        if model_args:
            asked["model_args"] = {**asked.get("model_args", {}), **model_args_of(model_args)}
        fields["evaluate"] = asked
        fields["finetune"] = {**fields.get("finetune", {}), **changes_of(changes or [])}
        fields["sweep"] = {**fields.get("sweep", {}), **sweep_of(sweep or [])}
        chosen = engine_named(engine, workers, gpus, slurm)
        with _named(file):
            experiment = Experiment.model_validate(fields)
            plan = make_plan(experiment)
    if dry_run:
        show_plan(plan, chosen, as_json)
        return
    if not as_json:
        show_plan(plan, chosen, as_json)
    with redirect_stdout(sys.stderr):
        result = run(plan, chosen, Console(stderr=True))
    if as_json:
        print_json(result.as_dict())
    else:
        say(f"{len(result.done)} of {many(len(result.trials), 'model')} in {result.seconds:.0f} s")
        say_taken(result, experiment.models_from)
        say(f"Logs:   inspect view --log-dir {shlex.quote(experiment.log_dir)}")
    say_failed(result, unread=say_unscored(result.logs))


@contextmanager
def _named(file: Path | None) -> Iterator[None]:
    """Begin an error with the experiment's file, as `load` does: its fields are tried out here only."""
    try:
        yield
    except UserError as error:
        if file is None:
            raise
        raise type(error)(f"{file}: {error.message}") from error
