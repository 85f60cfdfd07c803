"""`inoc-evals reproduce`: every setting of the paper, from rows to a report, on the toy or your model."""

import shlex
import sys
from contextlib import redirect_stdout

from rich.console import Console

from inoc_evals.commands.experiment_options import (
    Backend,
    Bases,
    Changes,
    DryRun,
    EngineName,
    Gpus,
    Grader,
    Limit,
    LogDir,
    ModelArgs,
    ModelsFrom,
    Runs,
    Seeds,
    Settings,
    Slurm,
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
)
from inoc_evals.commands.output import AsJson, say
from inoc_evals.commands.report import Output, Viewer, beside, show
from inoc_evals.finetune.ranks import refuse_launcher
from inoc_evals.plurals import many


def command(
    world: World = None,
    variant: Variant = None,
    setting: Settings = "all",
    base: Bases = None,
    seeds: Seeds = None,
    backend: Backend = None,
    grader: Grader = None,
    limit: Limit = None,
    changes: Changes = None,
    model_args: ModelArgs = None,
    runs: Runs = None,
    models_from: ModelsFrom = None,
    log_dir: LogDir = "logs/reproduce",
    output: Output = None,
    viewer: Viewer = True,
    engine: EngineName = "local",
    workers: Workers = None,
    gpus: Gpus = 0.0,
    slurm: Slurm = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Train and evaluate every setting of the paper, and write the report: claims, figures, answers.

    On the embedded toy it takes half an hour on two cores. With --base, it is the real thing:
    --dry-run says what that needs. What an earlier call finished is used again.
    """
    from inoc_evals.experiment.experiment import Experiment
    from inoc_evals.experiment.pipeline import ReportRequest, check_folders, pipeline
    from inoc_evals.experiment.plan import make_plan

    refuse_launcher("inoc-evals reproduce")
    measured = {"grader": grader, "limit": limit, "model_args": model_args_of(model_args or []) or None}
    given = {
        **{
            "settings": setting,
            "bases": base,
            "seeds": seeds,
            "world": world,
            "variant": variant,
            "backend": backend,
        },
        **{"name": "reproduce", "runs": runs, "logs": log_dir, "finetune": changes_of(changes or [])},
        "models_from": models_from or "",
        "evaluate": {k: v for k, v in measured.items() if v is not None},
    }
    with redirect_stdout(sys.stderr):  # what happens on the way is progress
        experiment = Experiment.model_validate(given)
        chosen = engine_named(engine, workers, gpus, slurm)
        plan = make_plan(experiment)
    request = ReportRequest(
        folder=output or beside(experiment.log_dir),
        command=shlex.join(["inoc-evals", *sys.argv[1:]]),
        viewer=viewer,
    )
    check_folders(plan, report=request)
    if dry_run:
        show_plan(plan, chosen, as_json)
        return
    with redirect_stdout(sys.stderr):
        show_plan(plan, chosen, as_json=False)
        conclusions = pipeline(plan, chosen, Console(stderr=True), report=request)
    result = conclusions.result
    if conclusions.report is not None:
        show(conclusions.report, as_json)
        if not as_json:
            say(f"Took:   {result.seconds / 60:.0f} min for {many(len(result.done), 'model')}")
            say_taken(result, experiment.models_from)
    say_failed(result, unread=say_unscored(result.logs))
