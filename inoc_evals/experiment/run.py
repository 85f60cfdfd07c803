"""Run an experiment: check it, plan it, make every trial, say what came of each.

    outcome = run(experiment, LocalEngine(), Console(stderr=True))
    outcome.logs                           # of every trial that was made, in the order of the plan
    outcome.failed                         # one line for every trial that was not

What is already there is found again, so a second call of a finished experiment takes seconds.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from inoc_evals.experiment.check import check
from inoc_evals.experiment.engines import Engine
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.live import Live
from inoc_evals.experiment.remote import is_url
from inoc_evals.experiment.run_trial import Done, Place
from inoc_evals.experiment.trial import Trial
from inoc_evals.runs.directory import runs_root


@dataclass
class Outcome:
    """What became of an experiment.

    Attributes:
        trials: Its trials, in the order of the plan.
        done: What came of each that was made.
        failed: Why the others were not, in one line each.
        seconds: How long it took.
    """

    trials: list[Trial]
    done: dict[Trial, Done] = field(default_factory=dict)
    failed: dict[Trial, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def logs(self) -> list[str]:
        """The locations of all logs, in the order of the trials."""
        return [log for trial in self.trials if trial in self.done for log in self.done[trial].logs]

    def as_dict(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "trials": [
                {
                    "setting": trial.setting,
                    "base": trial.spec.base,
                    "arm": trial.arm,
                    "seed": trial.seed,
                    "status": "done" if trial in self.done else "failed",
                    "run": self.done[trial].run if trial in self.done else None,
                    "logs": list(self.done[trial].logs) if trial in self.done else [],
                    "error": self.failed.get(trial),
                }
                for trial in self.trials
            ],
            "seconds": round(self.seconds, 1),
        }


def place_of(experiment: Experiment) -> Place:
    """Where an experiment keeps what it makes, by absolute paths, so that every worker finds it."""
    logs, runs = experiment.log_dir, experiment.runs
    where = logs if is_url(logs) else str(Path(logs).expanduser().resolve())
    return Place(runs=runs if runs and is_url(runs) else str(runs_root(runs)), logs=where)


def run(experiment: Experiment, engine: Engine, console: Console | None = None) -> Outcome:
    """Make every trial of an experiment.

    A script that calls this needs the usual guard `if __name__ == "__main__":`, because workers import it.

    Args:
        experiment: What is wanted.
        engine: Who does it.
        console: Where to show how far it is; silent by default.

    Returns:
        What became of every trial. A trial that failed does not stop the others.

    Raises:
        UserError: If the experiment cannot be run as it is; nothing has been spent then.
    """
    started = time.monotonic()
    trials = check(experiment)
    outcome = Outcome(trials)
    with Live(trials, console or Console(quiet=True)) as live:
        for event in engine.run(trials, place_of(experiment)):
            if event.state == "done" and event.done is not None:
                outcome.done[event.trial] = event.done
            elif event.state == "failed":
                outcome.failed[event.trial] = event.reason
            live.show(event)
    outcome.seconds = time.monotonic() - started
    return outcome
