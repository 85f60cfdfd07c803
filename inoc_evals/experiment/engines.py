"""Who runs the trials: worker processes of this machine, or a Ray cluster (`ray_engine.py`).

    for event in LocalEngine(workers=4).run(trials, storage):
        event.trial, event.state, event.reason

An engine runs every trial, whatever becomes of the others: one that fails is reported, one whose worker dies
is begun again, and the rest goes on.
"""

import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Literal, Protocol

from inoc_evals.experiment.run_trial import Storage, TrialResult, run_trial
from inoc_evals.experiment.trial import Trial

ATTEMPTS = 3
"""Times that a trial is begun whose worker died under it: killed for its memory, perhaps, or by a driver."""

State = Literal["started", "again", "done", "failed"]


@dataclass(frozen=True)
class Event:
    """Something that happened to a trial.

    Attributes:
        trial: The trial.
        state: `again` is a trial whose worker died and which is begun anew.
        result: What came of it, when done.
        reason: Why it failed, or is begun again; one line.
    """

    trial: Trial
    state: State
    result: TrialResult | None = None
    reason: str = ""


class Engine(Protocol):
    """What runs trials."""

    @property
    def about(self) -> str:
        """Where and how many at a time, in a few words."""

    def run(self, trials: Sequence[Trial], storage: Storage) -> Iterator[Event]:
        """Run trials, and tell what happens; every trial ends in `done` or `failed`."""


class LocalEngine:
    """Worker processes of this machine, each with a GPU of its own where there are some."""

    def __init__(self, workers: int | None = None) -> None:
        """Count what there is.

        Args:
            workers: How many trials at a time; by default one a GPU, or one a core where there is no GPU.
        """
        self._devices = gpus()
        self._workers = workers or len(self._devices) or cores()

    @property
    def about(self) -> str:
        """Where, in a few words."""
        on = f"{len(self._devices)} GPUs" if self._devices else "this machine's cores"
        return f"{self._workers} at a time on {on}"

    def run(self, trials: Sequence[Trial], storage: Storage) -> Iterator[Event]:
        """Run trials in worker processes, which end with this one, however it ends."""
        waiting: queue.SimpleQueue[Trial] = queue.SimpleQueue()
        for trial in trials:
            waiting.put(trial)
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        number = min(self._workers, len(trials))
        devices: list[str | None] = [*self._devices] or [None]
        drivers = [
            _Driver(_Worker(number, devices[n % len(devices)]), waiting, events, storage)
            for n in range(number)
        ]
        try:
            left = len(trials)
            while left:
                event = events.get()
                left -= event.state in ("done", "failed")
                yield event
        finally:
            for driver in drivers:
                driver.stop()


class _Driver:
    """Gives one worker a trial after the other, from a thread of its own."""

    def __init__(
        self,
        worker: "_Worker",
        waiting: "queue.SimpleQueue[Trial]",
        events: "queue.SimpleQueue[Event]",
        storage: Storage,
    ) -> None:
        self._worker, self._waiting, self._events, self._storage = worker, waiting, events, storage
        self._stopped = False
        self._thread = threading.Thread(target=self._drive, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the worker, in the middle of a trial if need be."""
        self._stopped = True
        self._worker.end()
        self._thread.join()

    def _drive(self) -> None:
        while not self._stopped:
            try:
                trial = self._waiting.get_nowait()
            except queue.Empty:
                return
            self._events.put(Event(trial, "started"))
            self._events.put(self._event_of(trial))

    def _event_of(self, trial: Trial) -> Event:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return Event(trial, "done", self._worker.run(trial, self._storage))
            except BrokenProcessPool:
                reason = f"its worker died, {attempt} of {ATTEMPTS} times"
                if self._stopped or attempt == ATTEMPTS:
                    break
                self._events.put(Event(trial, "again", reason=reason))
            except BaseException as error:  # also what interrupts the worker, and not this thread
                return Event(trial, "failed", reason=one_line(error))
        return Event(trial, "failed", reason=reason)


class _Worker:
    """One process that runs trials, and another one in its storage where it died."""

    def __init__(self, workers: int, device: str | None) -> None:
        self._workers, self._device = workers, device
        self._pool: ProcessPoolExecutor | None = None
        self._line: Connection | None = None

    def run(self, trial: Trial, storage: Storage) -> TrialResult:
        """Run one trial there."""
        if self._pool is None:
            context = get_context("spawn")
            there, self._line = context.Pipe(duplex=False)
            self._pool = ProcessPoolExecutor(1, context, _start, (self._workers, self._device, there))
        try:
            return self._pool.submit(run_trial, trial, storage).result()
        except BrokenProcessPool:
            self._pool.shutdown(wait=False)
            self._pool = None
            raise

    def end(self) -> None:
        """End the process at once, if there is one."""
        if self._line is not None:
            self._line.close()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def one_line(error: BaseException) -> str:
    """An error for a list of them: a user's as it is, any other with its class."""
    from inoc_evals.errors import UserError

    text = " ".join(str(error).split())
    if isinstance(error, UserError) or type(error).__name__ == "PrerequisiteError":
        return text
    return f"{type(error).__name__}: {text}"


def cores() -> int:
    """Cores that this process may use; macOS and Windows only tell how many there are."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpus() -> list[str]:
    """The GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them; asked without torch."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [part.strip() for part in named.split(",") if part.strip() not in ("", "-1")]
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    shown = subprocess.run([program, "-L"], capture_output=True, text=True, check=False)  # noqa: S603
    return [str(n) for n, line in enumerate(shown.stdout.splitlines()) if line.startswith("GPU ")]


def _start(workers: int, device: str | None, line: Connection) -> None:
    """Make a worker: ends with its parent, leaves the cores to the others, keeps off standard output."""
    threading.Thread(target=_end_with_parent, args=(line,), daemon=True).start()
    os.dup2(2, 1)
    if device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    elif workers > 1:
        os.environ["OMP_NUM_THREADS"] = "1"  # a small model gains nothing from more
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


def _end_with_parent(line: Connection) -> None:
    """Follow the parent when it dies or hangs up: a killed experiment leaves nobody behind who trains."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel, line])
        os._exit(1)
