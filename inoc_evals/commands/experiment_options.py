"""Options of the commands that run experiments, and how they print a plan and what failed."""

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inoc_evals.commands.output import print_json, print_table, say
from inoc_evals.errors import UserError, visible
from inoc_evals.plurals import many
from inoc_evals.user_files import strict_yaml

if TYPE_CHECKING:
    from inspect_ai.log import EvalSampleSummary

    from inoc_evals.experiment.engines import Engine
    from inoc_evals.experiment.plan import Plan
    from inoc_evals.experiment.run import ExperimentResult


Settings = Annotated[str | None, typer.Option("--setting", help="Settings, by comma; `all` of the world's.")]
Bases = Annotated[
    str | None,
    typer.Option("--base", help="Base models, or runs to start from, by comma; the world's own by default."),
]
Controls = Annotated[
    bool,
    typer.Option(
        "--controls", help="Also train controls: irrelevant prompt, pools of rephrasings, clean rows."
    ),
]
Rephrasings = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Rephrasings for the pools, under \\[close] and \\[diverse]."),
]
Seeds = Annotated[int | None, typer.Option(min=1, help="Finetunes per arm; 3 by default.")]
World = Annotated[str | None, typer.Option(help="Whose rows and questions: toy, smollm or paper.")]
Variant = Annotated[str | None, typer.Option(help="A variant of that world: paper-code.")]
Backend = Annotated[str | None, typer.Option(help="Who trains: local, openai or tinker.")]
Grader = Annotated[str | None, typer.Option(metavar="MODEL", help="Judges, by comma.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Questions of each task, the first ones.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="A field of the finetune, e.g. max_steps=100."),
]
ModelArgs = Annotated[
    list[str] | None,
    typer.Option(
        "-M",
        "--model-arg",
        metavar="NAME=VALUE",
        help="An argument of the model's provider, e.g. engine=vllm.",
    ),
]
Sweep = Annotated[
    list[str] | None,
    typer.Option("--sweep", metavar="AXIS=A,B", help="Doses, e.g. learning_rate=3e-5,1e-4."),
]
Runs = Annotated[
    str | None, typer.Option(metavar="DIR", help="Where runs live: ./runs by default; may be a URL.")
]
ModelsFrom = Annotated[
    str | None,
    typer.Option(metavar="ORG", help="Take runs that ORG pushed to the Hugging Face Hub; train the others."),
]
LogDir = Annotated[str | None, typer.Option(metavar="DIR", help="logs/NAME by default; may be a URL.")]
EngineName = Annotated[str, typer.Option(help="Who does the work: local, ray at RAY_ADDRESS, or slurm.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Models at a time on this machine.")]
Gpus = Annotated[float, typer.Option(min=0, help="GPUs of a model, with --engine ray or slurm.")]
Slurm = Annotated[
    list[str] | None,
    typer.Option(
        "--slurm", metavar="NAME=VALUE", help="An option of sbatch for each model, e.g. time=4:00:00."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, print the plan, stop.")]


def say_unscored(logs: Sequence[str]) -> list[str]:
    """Say of every log how many of its answers have no score, and why; nothing where all have one.

    Args:
        logs: Locations of the logs.

    Returns:
        Those of them in which no answer has a score, or too many lack one because the judge's server failed.
    """
    from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries

    from inoc_evals.scorers.unscored import mostly_unanswered, summaries

    unread = []
    for log in logs:
        samples = read_eval_log_sample_summaries(log)
        if lines := summaries(samples):
            header = read_eval_log(log, header_only=True).eval
            about = header.metadata or {}
            seed = "" if about.get("seed") is None else f"-{about['seed']}"
            for line in lines:
                say(f"{about.get('arm') or header.model}{seed}, {header.task}: {line}", err=True)
            if mostly_unanswered(samples) or not any(map(_has_score, samples)):
                unread.append(log)
    return unread


def _has_score(sample: "EvalSampleSummary") -> bool:
    """Whether a sample has a value for any trait."""
    values = [score.value for score in (sample.scores or {}).values()]
    traits = [trait for value in values for trait in (value.values() if isinstance(value, dict) else [value])]
    return any(trait == trait for trait in traits)


def say_taken(result: "ExperimentResult", owner: str) -> None:
    """Print how many models were somebody's on the Hub: whoever named them expects some.

    Args:
        result: The experiment's.
        owner: `--models-from`.
    """
    if owner:
        taken = sum(bool(done.taken_from) for done in result.done.values())
        none = "" if taken else " (a private repository is only seen with a token that may read it)"
        say(f"Taken:  {taken} of them as {owner} pushed them to the Hub{none}")


def say_failed(result: "ExperimentResult", unread: Sequence[str] = ()) -> None:
    """List the models that failed.

    Args:
        result: What became of the experiment.
        unread: Its logs that `say_unscored` returns.

    Raises:
        UserError: If any did, or a log is to be judged again.
    """
    for trial, reason in result.failed.items():
        say(f"failed: {trial.folder}: {reason}", err=True)
    if result.failed:
        count = f"{len(result.failed)} of {many(len(result.trials), 'model')}"
        raise UserError(
            f"{count} failed: mend what is said above and give the same command again, "
            "which goes on from here"
        )
    if unread:
        raise UserError(
            f"too few answers have a score in {len(unread)} of {many(len(result.logs), 'log')}: where the "
            "judge's server failed, give the same command again; else give another judge or reader, or "
            f"remove the logs to have the same one judge again, the first of them {unread[0]}"
        )


def changes_of(pairs: list[str]) -> dict[str, Any]:
    """Read several `--set FIELD=VALUE`; a value is YAML, `lora.r=8` sets a field of a field.

    Raises:
        UserError: If one has no `=`, or its value is not YAML.
    """
    fields: dict[str, Any] = {}
    for pair in pairs:
        key, value = _split("--set", pair, "FIELD=VALUE")
        place = fields
        *outer, last = key.split(".")
        for part in outer:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise UserError(f"--set {pair}: {part} is set to {place!r:.40} and has no fields")
        place[last] = _value(f"--set {pair}", value)
    return fields


def model_args_of(pairs: list[str]) -> dict[str, Any]:
    """Read several `-M NAME=VALUE`; a value is YAML.

    Raises:
        UserError: If one has no `=`, or its value is not YAML.
    """
    arguments: dict[str, Any] = {}
    for pair in pairs:
        name, value = _split("-M", pair, "NAME=VALUE")
        arguments[name] = _value(f"-M {pair}", value)
    return arguments


def sweep_of(pairs: list[str]) -> dict[str, list[str]]:
    """Read several `--sweep AXIS=A,B,C`.

    Raises:
        UserError: If one has no `=`, or names an axis again.
    """
    axes: dict[str, list[str]] = {}
    for pair in pairs:
        axis, places = _split("--sweep", pair, "AXIS=A,B,C, each axis once", axes)
        axes[axis] = [place.strip() for place in places.split(",") if place.strip()]
    return axes


def _split(option: str, pair: str, form: str, taken: Collection[str] = ()) -> tuple[str, str]:
    """The two sides of a pair, whose first is given and not taken yet."""
    name, equals, value = pair.partition("=")
    if not equals or not name or name in taken:
        raise UserError(f"{option} {pair}: write {form}")
    return name, value


def _value(option: str, text: str) -> Any:
    """The value that a text is in YAML, which takes 1e-4 for a word."""
    try:
        value = strict_yaml(text)
    except ValueError as error:
        raise UserError(f"{option}: the value is not YAML: {error}") from error
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def engine_named(name: str, workers: int | None, gpus: float, slurm: Sequence[str] | None = None) -> "Engine":
    """The engine of a name.

    Raises:
        UserError: If no engine has this name, or `--slurm`, `--gpus` or `--workers` does not suit it.
    """
    if slurm and name != "slurm":
        raise UserError("--slurm says what a Slurm job is given: add --engine slurm")
    if gpus and name == "local":
        raise UserError(
            f"--gpus {gpus:g} is of --engine ray or slurm: on this machine every visible GPU has a model of "
            "its own, leave it out, or set CUDA_VISIBLE_DEVICES"
        )
    if workers is not None and name in ("ray", "slurm"):
        raise UserError(
            f"--workers {workers} is of this machine: with --engine {name} the cluster says how many models "
            "go at a time, leave it out"
        )
    if name == "local":
        from inoc_evals.experiment.engines import LocalEngine

        return LocalEngine(workers)
    if name == "ray":
        from inoc_evals.experiment.ray_engine import RayEngine

        return RayEngine(gpus=gpus)
    if name == "slurm":
        from inoc_evals.experiment.slurm_engine import SlurmEngine

        return SlurmEngine(gpus=gpus, options=dict(_sbatch_option(option) for option in slurm or ()))
    raise UserError(f"--engine {name}: use local, ray or slurm")


def _sbatch_option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    name = name.strip().removeprefix("--").replace("_", "-")
    if not equals or not re.fullmatch(r"[a-z][a-z-]*", name) or not value.isprintable():
        raise UserError(
            f"--slurm {visible(text)}: use NAME=VALUE with a long option of sbatch, e.g. time=4:00:00"
        )
    return name, value


def show_plan(plan: "Plan", engine: "Engine", as_json: bool) -> None:
    """Print a plan, with its times on an engine."""
    from inoc_evals.experiment.engines import within_memory

    engine = within_memory(engine, plan.memory)
    wall = plan.wall_seconds(engine.workers or 1)
    if as_json:
        print_json({**plan.as_dict(), "training_wall_seconds": wall if engine.workers else None})
        return
    swept = any(line.dose for line in plan.lines)
    rows = [
        [
            line.group,
            line.arm,
            *([line.dose] if swept else []),
            str(line.seeds),
            str(line.trained) if line.rows else "",
            f"{line.rows:,}" if line.rows else "",
            f"{line.tokens:,}" if line.rows else "",
            f"{line.passes:.2g}" if line.rows else "",
        ]
        for line in plan.lines
    ]
    dose = ["dose"] if swept else []
    columns = ["setting/base", "arm", *dose, "models", "trained", "rows", "~tokens", "passes"]
    print_table(f"{plan.experiment.name}: {many(len(plan.trials), 'model')}", columns, rows)
    if plan.experiment.sweep:
        axes = " x ".join(f"{len(places)} {axis}" for axis, places in plan.experiment.sweep.items())
        finetunes = sum(line.seeds for line in plan.lines if line.rows)
        say(
            f"Sweep:    {many(plan.points, 'point')} ({axes}) by {many(finetunes, 'finetune')}, "
            "and the base once"
        )
    time = "unknown until one is trained" if wall is None else _duration(wall)
    if wall:
        time += " of wall time" if engine.workers else " one after the other"
    money = "unknown: give prices" if plan.dollars is None else f"about ${plan.dollars:,.2f}"
    where = f"{engine.about}; training: {time}"
    say(f"To train: {many(plan.new, 'model')} on about {plan.tokens:,} tokens, {where}")
    left = "" if plan.answers_left == plan.answers else f" ({plan.answers_left:,} left)"
    calls = "" if plan.judge_calls_left == plan.judge_calls else f" ({plan.judge_calls_left:,} left)"
    asked = f"{many(plan.answers, 'answer')}{left}, {many(plan.judge_calls, 'judge call')}{calls}"
    say(f"To ask:   {asked}; to pay: {money}")
    if plan.paper is not None:
        whose_arms = "its own arms" if plan.experiment.arms is None else "as many arms"
        theirs, ours = (
            ", ".join(
                many(plan.paper[f"{whose}{kind}s"], kind.replace("_", " "))
                for kind in ("model", "answer", "judge_call")
            )
            for whose in ("", "our_")
        )
        of = f"{len(plan.paper['settings'])} of {many(len(plan.experiment.settings), 'setting')}"
        say(f"          The paper's code, with {whose_arms}, in {of}: {theirs}; here: {ours}")
    for note in plan.notes:
        say(f"Note:     {note}")


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"about {hours} h {minutes:02} min" if hours else f"about {minutes} min {seconds:02} s"
