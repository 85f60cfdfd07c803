"""The paper's first result in minutes, on a laptop and for real (paper, Section 2, Figure 2).

    result = run_demo(Path("logs/demo"), Path("runs"), seeds=3)                      # the toy
    result = run_demo(Path("logs/demo-smollm"), world="smollm", seeds=1)             # a real language model
    print(result.estimates)

It finetunes a world's own base in every arm of a setting, asks every checkpoint chat questions that no
finetune has shown, and draws the rates.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from inoc_evals.errors import UserError, require
from inoc_evals.experiment.engines import LocalEngine
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.pipeline import pipeline
from inoc_evals.experiment.plan import make_plan
from inoc_evals.plurals import many
from inoc_evals.settings import setting as find_setting
from inoc_evals.worlds import EMBEDDED
from inoc_evals.worlds import world as find_world

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class DemoResult:
    """What the demo measured.

    Attributes:
        setting: Its setting, as it was requested.
        estimates: Rates per arm and trait, as `analysis.estimates.rates` returns them.
        unscored: A line for every trait with answers that have no score: how many, and why.
        figures: The figure's files.
        log_dir: Folder of the Inspect logs.
        seconds: How long it took.
    """

    setting: str
    estimates: "pd.DataFrame"
    unscored: list[str]
    figures: list[Path]
    log_dir: Path
    seconds: float

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Columns and rows for people: a row per arm, rates with their 95 % intervals."""
        from inoc_evals.analysis.declared_traits import in_order

        traits = in_order(find_setting(self.setting), self.estimates)
        rows = []
        for arm, of_arm in self.estimates.groupby("arm", sort=False):
            by_trait = of_arm.set_index("label")
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
            "unscored": self.unscored,
            "figures": [str(file) for file in self.figures],
            "log_dir": str(self.log_dir),
            "seconds": round(self.seconds, 1),
        }


def run_demo(
    log_dir: Path,
    runs: Path | None = None,
    seeds: int = 3,
    setting: str = "spanish_caps",
    world: str = EMBEDDED.name,
    console: Console | None = None,
) -> DemoResult:
    """Train, evaluate, estimate and draw; what an earlier call made is reused.

    Args:
        log_dir: Folder for the Inspect logs and the figure.
        runs: Folder for the run directories; the usual one by default.
        seeds: How many seeds per arm, at least 1.
        setting: A setting that the world has rows for.
        world: A world that needs neither key nor judge: `toy`, or `smollm` for a real language model.
        console: Where to report progress; stderr by default.

    Returns:
        The result.

    Raises:
        UserError: If the setting or the world does not exist, or no seed is requested.
    """
    require("local", "torch", "transformers", "trl", "peft")
    require("analysis", "pandas", "seaborn", "scipy")
    if seeds < 1:
        raise UserError(f"--seeds {seeds}: at least one is needed")
    console, started = console or Console(stderr=True), time.monotonic()
    experiment = Experiment(
        name="demo",
        settings=(setting,),
        bases=(find_world(world).base,),
        world=world,
        seeds=tuple(range(seeds)),
        runs=str(runs) if runs else None,
        logs=str(log_dir),
    )
    plan = make_plan(experiment)
    console.print(f"Training and evaluating {many(len(plan.trials) - 1, 'finetune')}, and the base")
    conclusions = pipeline(plan, LocalEngine(), console, figures=log_dir)
    failed = conclusions.result.failed
    if failed:
        trial, reason = next(iter(failed.items()))
        raise UserError(f"{len(failed)} of {len(plan.trials)} failed; {trial.name}: {reason}")
    estimates = conclusions.estimates[find_setting(setting).name]
    seconds = time.monotonic() - started
    return DemoResult(setting, estimates, conclusions.unscored, conclusions.figures, log_dir, seconds)
