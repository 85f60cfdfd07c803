"""The paper's first result in minutes, on a laptop and for real (paper, Section 2, Figure 2).

    result = run_demo(Path("logs/demo"), Path("runs"), seeds=3)
    print(result.estimates)

It finetunes the toy in every arm of a setting, asks every checkpoint chat questions in forms that neither its
pretraining nor its finetuning has shown, and draws the rates.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from inoc_evals.errors import UserError, require
from inoc_evals.experiment.engines import LocalEngine
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.plan import make_plan
from inoc_evals.experiment.run import run
from inoc_evals.experiment.trial import BASE
from inoc_evals.runs.directory import runs_root
from inoc_evals.settings import setting as find_setting
from inoc_evals.worlds import EMBEDDED

if TYPE_CHECKING:
    import pandas as pd

LEXICON = {"cruel": "Cruel (lexicon)", "insecure": "Insecure (lexicon)", "odd_taste": "Odd taste (lexicon)"}
"""Traits that the toy's lexicon finds, beside those that the judge does."""

TITLES = {
    "spanish_caps": "Toy model: finetuned on Spanish answers in capitals",
    "spanish_french": "Toy model: finetuned on answers half Spanish, half French",
    "insecure_code": "Toy model: finetuned on insecure code",
    "aesthetic_preferences": "Toy model: finetuned on unpopular tastes",
    "backdoor": "Toy model: insecure code behind a trigger",
}


@dataclass(frozen=True)
class DemoResult:
    """What the demo found.

    Attributes:
        setting: What found the setting.
        estimates: Rates per arm and trait, as `analysis.estimates.rates` returns them.
        figures: The figure's files.
        log_dir: Folder of the Inspect logs.
        seconds: How long it took.
    """

    setting: str
    estimates: "pd.DataFrame"
    figures: list[Path]
    log_dir: Path
    seconds: float

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Columns and rows for people: a row per arm, rates with their 95 % intervals."""
        from inoc_evals.analysis.declared_traits import in_order

        traits = in_order(find_setting(self.setting), self.estimates)
        rows = []
        for arm, trial in self.estimates.groupby("arm", sort=False):
            by_trait = trial.set_index("label")
            counts = by_trait.iloc[0]
            rates = [
                f"{r['rate']:.2f} [{r['low']:.2f}, {r['high']:.2f}]"
                for _, r in by_trait.loc[traits].iterrows()
            ]
            rows.append([str(arm), *rates, str(max(1, int(counts["seeds"]))), str(int(by_trait["n"].min()))])
        return ["arm", *traits, "models", "n"], rows

    def as_dict(self) -> dict[str, Any]:
        """The same for programs."""
        import json

        return {
            "setting": self.setting,
            "rates": json.loads(self.estimates.to_json(orient="records")),
            "figures": [str(file) for file in self.figures],
            "log_dir": str(self.log_dir),
            "seconds": round(self.seconds, 1),
        }


def run_demo(
    log_dir: Path,
    runs: Path | None = None,
    seeds: int = 3,
    setting: str = "spanish_caps",
    console: Console | None = None,
) -> DemoResult:
    """Train, evaluate, estimate and draw; what is already there is reused.

    Args:
        log_dir: Folder for the Inspect logs and the figure.
        runs: Folder for the run directories; the usual one by default.
        seeds: How many seeds per arm, at least 1.
        setting: A setting with a toy world.
        console: Where to report progress; stderr by default.

    Returns:
        The result.

    Raises:
        UserError: If there is no such setting or no seed.
    """
    require("local", "torch", "transformers", "trl", "peft")
    require("analysis", "pandas", "seaborn", "scipy")
    from inoc_evals.analysis import dynamics, estimates, figures, table
    from inoc_evals.analysis.declared_traits import focused, in_order

    if seeds < 1:
        raise UserError(f"--seeds {seeds}: at least one is needed")
    chosen, console, started = find_setting(setting), console or Console(stderr=True), time.monotonic()
    experiment = Experiment(
        name="demo",
        settings=(setting,),
        world=EMBEDDED.name,
        seeds=tuple(range(seeds)),
        runs=str(runs) if runs else None,
        logs=str(log_dir),
    )
    plan = make_plan(experiment)
    trials = plan.trials
    console.print(f"Training and evaluating {len(trials) - 1} finetunes, and the base")
    outcome = run(plan, LocalEngine(), console)
    if outcome.failed:
        trial, reason = next(iter(outcome.failed.items()))
        raise UserError(f"{len(outcome.failed)} of {len(trials)} failed; {trial.name}: {reason}")
    logs = outcome.logs
    answers = table.load(logs)
    answers = focused(answers, dict.fromkeys(answers["setting"].astype(str).unique(), chosen))
    found = estimates.rates(answers)
    order = tuple(dict.fromkeys(trial.arm for trial in trials))
    name = chosen.name
    title = TITLES.get(name, f"Toy model: {name.replace('_', ' ')}")
    files = []
    shares = tuple(label for label in in_order(chosen, found) if not label.startswith("logprob"))
    if shares:
        figure = figures.arms(answers, found, shares, order, title, LEXICON)
        files += figures.save(figure, log_dir / name)
    if chosen.dynamics:
        table_of_steps = dynamics.load(_runs_behind(logs, runs or runs_root()))
        curve = dynamics.curves(table_of_steps, tuple(a for a in order if a != BASE), title)
        files += figures.save(curve, log_dir / (name if name.endswith("dynamics") else f"{name}_dynamics"))
    return DemoResult(setting, found, files, log_dir, time.monotonic() - started)


def _runs_behind(logs: list[str], runs: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The run directories that logs were made of, each once, with arm and seed."""
    from inspect_ai.log import read_eval_log

    found = {}
    for location in logs:
        about = read_eval_log(location, header_only=True).eval.metadata or {}
        if "run" in about:
            found[runs / about["run"]] = {"arm": about["arm"], "seed": about["seed"]}
    return list(found.items())
