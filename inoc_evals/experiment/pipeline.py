"""From a plan to conclusions: train and measure, read the logs, estimate, judge claims, draw, report.

    done = pipeline(make_plan(experiment), LocalEngine(), figures=Path("logs/demo"))
    done.estimates["spanish_caps"]         # a rate with its interval for every arm and trait
    done.verdicts                          # on the claims of the experiment's settings
    done.report                            # the page, where one was asked for

`inoc-evals run` stops after the first step, `demo` draws, `reproduce` reports: presets of this one function.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from inoc_evals.errors import require
from inoc_evals.experiment.engines import Engine
from inoc_evals.experiment.plan import Plan
from inoc_evals.experiment.run import ExperimentResult, run
from inoc_evals.experiment.trial import BASE
from inoc_evals.files import is_url, refuse_unwritable
from inoc_evals.settings import SETTINGS
from inoc_evals.worlds import WORLDS

if TYPE_CHECKING:
    import pandas as pd

    from inoc_evals.analysis.audit import Audit
    from inoc_evals.analysis.verdicts import Verdict
    from inoc_evals.report.report import Report
    from inoc_evals.settings import Setting


@dataclass(frozen=True)
class ReportRequest:
    """Where a report goes, and what it says of itself.

    Attributes:
        folder: Its folder.
        command: What was typed to get it.
        viewer: Whether Inspect's viewer with the logs is put beside it.
    """

    folder: Path
    command: str = ""
    viewer: bool = True


@dataclass
class Conclusions:
    """What an experiment says.

    Attributes:
        result: What became of its trials.
        estimates: By setting, what `analysis.estimates.rates` returns for the traits that it is about.
        verdicts: On the claims of its settings.
        unscored: A line for every trait with answers that have no score: how many, and why.
        audit: What the audit of its logs and runs says.
        figures: Files of the figures that were drawn.
        report: The report, if one was requested.
    """

    result: ExperimentResult
    estimates: "dict[str, pd.DataFrame]" = field(default_factory=dict)
    verdicts: "list[Verdict]" = field(default_factory=list)
    unscored: list[str] = field(default_factory=list)
    audit: "Audit | None" = None
    figures: list[Path] = field(default_factory=list)
    report: "Report | None" = None


def pipeline(
    plan: Plan,
    engine: Engine,
    console: Console | None = None,
    *,
    figures: Path | None = None,
    report: ReportRequest | None = None,
) -> Conclusions:
    """Carry out a plan and conclude from its logs.

    Args:
        plan: What `make_plan` made of the experiment.
        engine: Who trains and measures.
        console: Where to show how far it is; silent by default.
        figures: Folder for one figure a setting (and its learning curves, where it follows them); none are
            drawn by default.
        report: Where to write a report; none is written by default.

    Returns:
        The conclusions. Only `result` is filled in where no trial was made, or neither figures nor a report
            are requested.

    Raises:
        UserError: If the logs hold nothing to conclude from, or a folder cannot be written to.
    """
    check_folders(plan, figures=figures, report=report)
    conclusions = Conclusions(run(plan, engine, console))
    if not conclusions.result.done or (figures is None and report is None):
        return conclusions
    require("analysis", "pandas", "seaborn", "scipy")
    from inoc_evals.analysis import unread
    from inoc_evals.analysis.audit import audit_loaded
    from inoc_evals.analysis.declared_traits import focused
    from inoc_evals.analysis.estimates import rates
    from inoc_evals.analysis.table import read
    from inoc_evals.analysis.verdicts import verdicts

    settings = {setting.name: setting for setting in plan.experiment.definitions}
    loaded = read(conclusions.result.logs)
    table = loaded.table
    answers = focused(table, settings)
    conclusions.unscored = unread.lines(answers)
    claims = [claim for setting in settings.values() for claim in setting.claims]
    conclusions.audit = audit_loaded(loaded, _local_runs(plan), {**SETTINGS, **settings})
    conclusions.verdicts = verdicts(table, claims, findings=conclusions.audit.findings)
    for name, setting in settings.items():
        mine = answers[answers["setting"] == name]
        if mine.empty:
            continue
        conclusions.estimates[name] = rates(mine)
        if figures is not None:
            conclusions.figures += _draw(setting, mine, conclusions.estimates[name], plan, figures)
    if report is not None:
        conclusions.report = _report(plan, report, console or Console(quiet=True))
    return conclusions


def check_folders(plan: Plan, *, figures: Path | None = None, report: ReportRequest | None = None) -> None:
    """Refuse what could not be written at the end, before anything is trained.

    Args:
        plan: As of `pipeline`.
        figures: As of `pipeline`.
        report: As of `pipeline`.

    Raises:
        UserError: If a folder cannot be written to, or the report would lie among its logs.
    """
    from inoc_evals.report.viewer import refuse_inside

    if figures is not None:
        refuse_unwritable(figures, "give another folder for the figures")
    if report is not None:
        refuse_unwritable(report.folder, "give another folder with -o")
        if report.viewer:
            refuse_inside(plan.experiment.log_dir, report.folder)


def _draw(
    setting: "Setting", answers: "pd.DataFrame", estimates: "pd.DataFrame", plan: Plan, folder: Path
) -> list[Path]:
    """The figure of a setting, arms side by side; and its learning curves, where it follows them."""
    from inoc_evals.analysis import dynamics
    from inoc_evals.analysis import figures as draw
    from inoc_evals.analysis.declared_traits import in_order

    world, name = WORLDS[plan.experiment.world], setting.name
    arms = tuple(dict.fromkeys(t.arm for t in plan.trials if t.definition.name == name))
    title = f"{setting.title}: {', '.join(plan.experiment.bases)}"
    files: list[Path] = []
    read = estimates[estimates["n"] > 0]  # of what no judge could read there is nothing to draw
    labels = in_order(setting, read) if len(read) else []
    shares = tuple(label for label in labels if not label.startswith("logprob"))
    if shares:
        figure = draw.arms(answers, estimates, shares, arms, title, world.trait_labels)
        files += draw.save(figure, folder / name)
    if setting.dynamics and not is_url(plan.storage.runs):
        trained = answers.dropna(subset=["run"]).drop_duplicates("run")
        runs = [
            (Path(plan.storage.runs) / str(row["run"]), {"arm": str(row["arm"]), "seed": int(row["seed"])})
            for _, row in trained.iterrows()
        ]
        curves = dynamics.curves(dynamics.load(runs), _without_base(arms), title)
        files += draw.save(curves, folder / (name if name.endswith("dynamics") else f"{name}_dynamics"))
    return files


def _local_runs(plan: Plan) -> Path | None:
    """The folder of runs; None where it is not on this machine."""
    return None if is_url(plan.storage.runs) else Path(plan.storage.runs)


def _without_base(arms: Sequence[str]) -> tuple[str, ...]:
    return tuple(arm for arm in arms if arm != BASE)


def _report(plan: Plan, request: ReportRequest, console: Console) -> "Report":
    from inoc_evals.report.report import write

    with console.status("writing the report") as status:
        return write(
            plan.experiment.log_dir,
            request.folder,
            viewer=request.viewer,
            runs=_local_runs(plan),
            settings={**SETTINGS, **{setting.name: setting for setting in plan.experiment.definitions}},
            title=WORLDS[plan.experiment.world].report_title,
            command=request.command,
            progress=status.update,
        )
