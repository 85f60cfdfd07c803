"""Where trials run: in worker processes of this machine, or on a Ray cluster (`ray_engine.py`).

    for event in LocalEngine(workers=4).run(trials, storage):
        event.trial, event.state, event.reason

An engine runs every trial, whatever happens to the others: a trial that fails is reported, one whose worker
process dies is started again, and the rest continue. Why this uses the standard library and not a library of
process pools: docs/adr/0003-own-process-workers.md.
"""

import os
import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Literal, Protocol

import psutil

from inoc_evals.errors import UserError, one_line, refused
from inoc_evals.experiment.run_trial import TrialResult, run_trial
from inoc_evals.experiment.storage import Storage
from inoc_evals.experiment.trial import Trial
from inoc_evals.gpus import visible_gpus
from inoc_evals.plurals import many

ATTEMPTS = 3
"""How often a trial is started at most, if its worker dies (e.g. killed for its memory, or by a driver)."""

State = Literal["started", "again", "done", "failed"]


@dataclass(frozen=True)
class Event:
    """Something that happened to a trial.

    Attributes:
        trial: The trial.
        state: `again` means that its worker died and that it is restarted.
        result: Its result, when done.
        reason: Why it failed or is restarted; one line.
    """

    trial: Trial
    state: State
    result: TrialResult | None = None
    reason: str = ""


class Engine(Protocol):
    """Runs trials.

    One whose trials wait for machines of others says `waits = True`, and is not given those of which
    everything is there. One whose trials share a machine's memory has `within(memory)`, see `within_memory`.
    """

    @property
    def about(self) -> str:
        """Where trials run and how many at a time, in a few words."""

    @property
    def workers(self) -> int | None:
        """How many trials run at a time; None where that is not known before."""

    def run(self, trials: Sequence[Trial], storage: Storage) -> Iterator[Event]:
        """Run trials and yield what happens; every trial ends in `done` or `failed`."""


class LocalEngine:
    """Worker processes of this machine, each with a GPU of its own where GPUs exist."""

    def __init__(self, workers: int | None = None, memory: int | None = None) -> None:
        """Choose the number of workers and their devices.

        Args:
            workers: How many trials at a time. By default one per GPU; without GPUs one per core, or as many
                as fit into the memory that is free.
            memory: Bytes that the training of one takes on this machine's cores at its peak, about; None
                where that is not known.
        """
        self._devices = visible_gpus()
        self._asked, self._memory = workers, None if self._devices else memory
        self._free = psutil.virtual_memory().available
        self._workers = workers or len(self._devices) or min(cores(), self._fitting)

    def within(self, memory: int | None) -> "LocalEngine":
        """The same engine for trainings that take so many bytes each, of as many workers as fit."""
        return LocalEngine(self._asked, memory)

    @property
    def _fitting(self) -> int:
        """How many trainings fit into memory, or one if none does; cores where it is not known."""
        return max(1, self._free // self._memory) if self._memory else cores()

    @property
    def about(self) -> str:
        """Where trials run and how many at a time, in a few words; what to change where they may not fit."""
        on = many(len(self._devices), "GPU") if self._devices else "this machine's cores"
        said = f"{self._workers} at a time on {on}"
        if not self._memory:
            return said
        needed, free = (f"{count / 2**30:.1f}" for count in (self._memory, self._free))
        size = f"a training takes about {needed} of the {free} GiB that are free"
        if self._memory > self._free:
            size += ", and may not fit: lower max_length, or lower batch_size and raise gradient_accumulation"
        elif self._workers > self._fitting:
            size += f": give --workers {self._fitting}"
        elif self._asked or self._fitting >= cores():
            return said
        return f"{said} ({size})"

    @property
    def workers(self) -> int | None:
        """How many trials run at a time."""
        return self._workers

    def run(self, trials: Sequence[Trial], storage: Storage) -> Iterator[Event]:
        """Run trials in worker processes, which end when this process ends, in whatever way."""
        waiting: queue.SimpleQueue[Trial] = queue.SimpleQueue()
        for trial in trials:
            waiting.put(trial)
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        number = min(self._workers, len(trials))
        devices: list[str | None] = [*self._devices] or [None]
        places = _Places(number, fewer_after_deaths=not self._devices)
        drivers = [
            _Driver(_Worker(number, devices[n % len(devices)]), waiting, events, storage, places)
            for n in range(number)
        ]
        try:
            left = len(trials)
            while left:
                event = events.get()
                left -= event.state in ("done", "failed")
                yield event
        finally:
            places.close()
            for driver in drivers:
                driver.stop()


def within_memory(engine: Engine, memory: int | None) -> Engine:
    """The engine for trials of which each takes so much memory to be trained.

    Args:
        engine: Who is to do it. One without a method `within`, such as a cluster's, is left as it is.
        memory: Bytes at the peak, about; None where that is not known.
    """
    within = getattr(engine, "within", None)
    return engine if within is None else within(memory)


class _Places:
    """How many trials may run at a time: fewer after a worker died beside others that share its memory.

    The system kills the largest process when memory runs out. Started again beside as many others, it would
    be killed again, and each time a training without saved states begins anew.
    """

    def __init__(self, number: int, fewer_after_deaths: bool) -> None:
        self._changed = threading.Condition()
        self._number, self._fewer_after_deaths = number, fewer_after_deaths
        self._running, self._closed = 0, False

    def take(self) -> bool:
        """Wait for a place, and return whether there is one: none is given once the places are closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._running < self._number)
            self._running += 1
            return not self._closed

    def leave(self) -> None:
        """Give a place back, also one that was not given."""
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def after_death(self) -> str:
        """Allow one fewer where others run beside the one that died; what is to be said of it."""
        with self._changed:
            if not self._fewer_after_deaths or self._running < 2:
                return ""
            self._number = self._running - 1
            return f" (out of memory? from now on {self._number} at a time)"

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class _Driver:
    """A thread that gives one worker trial after trial."""

    def __init__(
        self,
        worker: "_Worker",
        waiting: "queue.SimpleQueue[Trial]",
        events: "queue.SimpleQueue[Event]",
        storage: Storage,
        places: _Places,
    ) -> None:
        self._worker, self._waiting, self._events, self._storage = worker, waiting, events, storage
        self._places = places
        self._stopped = False
        self._thread = threading.Thread(target=self._drive, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the worker, even in the middle of a trial."""
        self._stopped = True
        self._worker.end()
        self._thread.join()

    def _drive(self) -> None:
        done = False
        while not done:
            try:
                done = not self._places.take() or not self._next()
            finally:
                self._places.leave()

    def _next(self) -> bool:
        """Run the next trial; False where none is left."""
        try:
            trial = self._waiting.get_nowait()
        except queue.Empty:
            return False
        self._events.put(Event(trial, "started"))
        self._events.put(self._event_of(trial))
        return not self._stopped

    def _event_of(self, trial: Trial) -> Event:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return Event(trial, "done", self._worker.run(trial, self._storage))
            except BrokenProcessPool:
                reason = f"its worker died, {attempt} of {ATTEMPTS} times"
                if self._stopped or attempt == ATTEMPTS:
                    break
                self._events.put(Event(trial, "again", reason=reason + self._places.after_death()))
                self._places.leave()
                if not self._places.take():
                    break
            except BaseException as error:  # the worker may have been interrupted; this thread was not
                return Event(trial, "failed", reason=failure_line(error))
        return Event(trial, "failed", reason=reason)


class _Worker:
    """A process that runs trials; replaced by a new one if it dies."""

    def __init__(self, workers: int, device: str | None) -> None:
        self._workers, self._device = workers, device
        self._pool: ProcessPoolExecutor | None = None
        self._line: Connection | None = None

    def run(self, trial: Trial, storage: Storage) -> TrialResult:
        """Run one trial in the process, which is started first where none is running."""
        if self._pool is None:
            context = get_context("spawn")
            worker_end, self._line = context.Pipe(duplex=False)
            self._pool = ProcessPoolExecutor(1, context, _start, (self._workers, self._device, worker_end))
        try:
            return self._pool.submit(run_trial, trial, storage).result()
        except BrokenProcessPool:
            self._pool.shutdown(wait=False)
            self._pool = None
            raise

    def end(self) -> None:
        """End the process at once, if one is running."""
        if self._line is not None:
            self._line.close()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def failure_line(error: BaseException) -> str:
    """An error in one line: a `UserError` or a refusing disk as it is, any other preceded by its class."""
    if (line := refused(error)) is not None:
        return str(line)
    text = one_line(error)
    if isinstance(error, UserError) or type(error).__name__ == "PrerequisiteError":
        return text
    return f"{type(error).__name__}: {text}"


def cores() -> int:
    """Cores that this process may use; on macOS and Windows all cores of the machine."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start(workers: int, device: str | None, line: Connection) -> None:
    """Set up a worker: it ends with its parent, shares the cores, and prints to standard error only."""
    threading.Thread(target=_end_with_parent, args=(line,), daemon=True).start()
    os.dup2(2, 1)
    if device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    elif workers > 1:
        os.environ["OMP_NUM_THREADS"] = "1"  # a small model is not faster with more
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


def _end_with_parent(line: Connection) -> None:
    """Exit when the parent dies or closes the line: a killed experiment leaves no process that trains on."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel, line])
        os._exit(1)
