"""The progress display of a running experiment: a bar, the trials at work, and a line for each that ends."""

import time
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from inoc_evals.errors import visible
from inoc_evals.experiment.engines import Event
from inoc_evals.experiment.trial import Trial

SHOWN = 16
"""Trials at work that are listed; a cluster has more of them than a terminal has lines."""


class Live:
    """A bar and the trials at work on a terminal; elsewhere only the lines."""

    def __init__(self, trials: list[Trial], console: Console) -> None:
        """Prepare the view.

        Args:
            trials: All trials.
            console: Where it is shown.
        """
        self._console, self._total = console, len(trials)
        self._groups = len({trial.group for trial in trials})
        self._started: dict[Trial, float] = {}
        self._ended = 0
        self._bar = Progress(
            TextColumn("models"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._bar.add_task("models", total=len(trials))
        self._live = RichLive(
            get_renderable=self._view, console=console, refresh_per_second=2, transient=True
        )

    def __enter__(self) -> "Live":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def show(self, event: Event) -> None:
        """Update the display with an event."""
        if event.state == "started":
            self._started[event.trial] = time.monotonic()
            return
        name = self.name(event.trial)
        if event.state == "again":
            self._console.print(Text.assemble(("again ", "yellow"), visible(f"{name}: {event.reason}")))
            return
        self._started.pop(event.trial, None)
        self._ended += 1
        self._bar.update(self._task, completed=self._ended)
        count = f" ({self._ended} of {self._total})"
        if event.state == "done":
            of = f", as {event.result.taken_from} has it" if event.result and event.result.taken_from else ""
            self._console.print(Text.assemble(("done ", "green"), name + count + visible(of)))
        else:
            self._console.print(Text.assemble(("failed ", "red"), visible(f"{name}{count}: {event.reason}")))

    def name(self, trial: Trial) -> str:
        """A trial's name, with its setting and base if the experiment has several."""
        return trial.folder if self._groups > 1 else trial.point

    def _view(self) -> Group:
        now = time.monotonic()
        at_work = sorted(self._started.items(), key=lambda item: item[1])
        lines = [Text(f"  {self.name(trial)}  {now - since:.0f} s", style="dim") for trial, since in at_work]
        more = [Text(f"  and {len(lines) - SHOWN} more", style="dim")] if len(lines) > SHOWN else []
        return Group(self._bar, *lines[:SHOWN], *more)
