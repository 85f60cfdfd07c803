"""Carry a plan out: make every trial, and say what came of each.

    result = run(make_plan(experiment), LocalEngine(), Console(stderr=True))
    result.logs                            # of every trial that was made, in the order of the plan
    result.failed                          # one line for every trial that was not

What exists already is used again, so a second call for a finished experiment takes seconds.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from rich.console import Console

from inoc_evals.experiment.engines import Engine, Event, within_memory
from inoc_evals.experiment.live import Live
from inoc_evals.experiment.plan import Plan
from inoc_evals.experiment.run_trial import TrialResult
from inoc_evals.experiment.trial import Trial
from inoc_evals.files import is_url, local_path


@dataclass
class ExperimentResult:
    """What became of an experiment.

    Attributes:
        trials: Its trials, in the order of the plan.
        done: What came of each that was made.
        failed: Why the others were not, in one line each.
        seconds: How long it took.
    """

    trials: list[Trial]
    done: dict[Trial, TrialResult] = field(default_factory=dict)
    failed: dict[Trial, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def logs(self) -> list[str]:
        """The locations of all logs, in the order of the trials."""
        return [log for trial in self.trials if trial in self.done for log in self.done[trial].logs]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON, for programs."""
        return {
            "trials": [
                {
                    "setting": trial.setting,
                    "base": trial.spec.base,
                    "arm": trial.arm,
                    "seed": trial.seed,
                    "dose": dict(trial.dose),
                    "steps": list(trial.steps),
                    "status": "done" if trial in self.done else "failed",
                    "run": self.done[trial].run if trial in self.done else None,
                    "taken_from": self.done[trial].taken_from if trial in self.done else "",
                    "logs": list(self.done[trial].logs) if trial in self.done else [],
                    "error": self.failed.get(trial),
                }
                for trial in self.trials
            ],
            "seconds": round(self.seconds, 1),
        }


def run(plan: Plan, engine: Engine, console: Console | None = None) -> ExperimentResult:
    """Make every trial of a plan.

    A script that calls this needs the usual guard `if __name__ == "__main__":`, because workers import it.

    Args:
        plan: What `make_plan` made of the experiment.
        engine: Who does it.
        console: Where to show how far it is; silent by default.

    Returns:
        What became of every trial. A trial that failed does not stop the others.

    Raises:
        UserError: If a judge is needed and does not answer: nothing is trained then.
    """
    started = time.monotonic()
    engine = within_memory(engine, plan.memory)
    if plan.judge_calls_left:
        _probe(plan.experiment.graders)
    result = ExperimentResult(plan.trials)
    complete = plan.complete if getattr(engine, "waits", False) else {}
    there = [Event(trial, "done", done) for trial, done in complete.items()]
    waiting = [trial for trial in plan.trials if trial not in complete]
    with Live(plan.trials, console or Console(quiet=True)) as live:
        for event in chain(there, engine.run(waiting, plan.storage) if waiting else ()):
            if event.state == "done" and event.result is not None:
                result.done[event.trial] = event.result
            elif event.state == "failed":
                result.failed[event.trial] = event.reason
            live.show(event)
    for trial in [trial for trial, done in result.done.items() if not all(map(_is_there, done.logs))]:
        del result.done[trial]
        result.failed[trial] = (
            "another experiment that measures it differently replaced its logs meanwhile: give each its own "
            "--log-dir"
        )
    result.seconds = time.monotonic() - started
    return result


def _probe(graders: Sequence[str]) -> None:
    """Ask every judge behind a server once, before days of training that it could not judge."""
    from inspect_ai.model import get_model

    from inoc_evals.runs.directory import is_served
    from inoc_evals.scorers.judge.reader_choice import probe

    async def ask() -> None:
        for name in graders:
            # What is loaded here is known to be there, and is not loaded before training has ended.
            if is_served(name, None):
                await probe(get_model(name, memoize=False))

    # In a thread of its own: a notebook's event loop is already running.
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, ask()).result()


def _is_there(log: str) -> bool:
    """Whether a log on this machine exists; those behind a URL are taken to."""
    return is_url(log.removeprefix("file://")) or local_path(log).exists()
