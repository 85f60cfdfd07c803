"""Requests from anywhere in the process, answered in batches by one thread.

    completions = await submit(checkpoint, ProviderArgs(), requests)

A batch starts at once when it is full. Otherwise it starts when no further request is about to join:
each request checks after `QUIET` seconds whether another came after it, and if none did, it starts the batch.
An event loop that is busy preparing more requests wakes late, and so leaves them the time to arrive.
While a batch is answered, requests for the same checkpoint take the places of those that are done.

Requests for different checkpoints wait in different lanes, which take turns: nobody joins a batch for which
another lane is waiting.
Only this one thread computes, so evaluations in one process share the machine instead of competing for it.
"""

import asyncio
import atexit
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import anyio
import anyio.to_thread
import sniffio

from inoc_evals.models.checkpoint import Checkpoint
from inoc_evals.models.ending import ENDING
from inoc_evals.models.provider_args import ProviderArgs
from inoc_evals.models.request import Completion, Request

QUIET = 0.01
"""Seconds after which a request that none has followed starts its batch."""

LAST_TOKEN = 30.0
"""Seconds that a process which ends waits for the token that is being computed."""


@dataclass(frozen=True)
class _Job:
    request: Request
    future: "Future[Completion]"


@dataclass
class _Lane:
    """The requests that may share a batch."""

    checkpoint: Checkpoint
    args: ProviderArgs
    jobs: deque[_Job] = field(default_factory=deque)
    arrivals: int = 0
    complete: bool = False

    @property
    def ready(self) -> bool:
        return bool(self.jobs) and (self.complete or len(self.jobs) >= self.args.places)

    def take(self, count: int) -> list[_Job]:
        """The next requests, at most this many; those that were cancelled meanwhile are left out."""
        taken: list[_Job] = []
        while self.jobs and len(taken) < count:
            job = self.jobs.popleft()
            if job.future.set_running_or_notify_cancel():
                taken.append(job)
        return taken


_Key = tuple[str, ProviderArgs]


class Batcher:
    """The queue and its thread; the process has one (`submit`)."""

    def __init__(self) -> None:
        self._lanes: dict[_Key, _Lane] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    async def submit(
        self, checkpoint: Checkpoint, args: ProviderArgs, requests: Sequence[Request]
    ) -> list[Completion]:
        """Have requests answered, together with whatever else is waiting for the same checkpoint.

        Args:
            checkpoint: The model that answers.
            args: How that checkpoint is run.
            requests: The continuations to draw.

        Returns:
            One completion per request.

        Raises:
            UserError: If the checkpoint cannot be run with these arguments.
        """
        jobs = [_Job(request, Future()) for request in requests]
        lane, arrivals = self._put(checkpoint, args, jobs)
        try:
            try:
                await anyio.sleep(QUIET)
            finally:  # even where this request is cancelled: those before it rely on it
                self._start_unless_followed(lane, arrivals)
            return [await _result(job.future) for job in jobs]
        finally:  # takes out what has not started; the rest is done or cannot be stopped
            for job in jobs:
                job.future.cancel()

    def _put(self, checkpoint: Checkpoint, args: ProviderArgs, jobs: Sequence[_Job]) -> tuple[_Lane, int]:
        with self._changed:
            key = (checkpoint.digest, args)
            lane = self._lanes.setdefault(key, _Lane(checkpoint, args))
            lane.jobs.extend(jobs)
            lane.arrivals += 1
            lane.complete = False
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="inoc-generate", daemon=True)
                self._thread.start()
                atexit.register(self._end)
            self._changed.notify()
            return lane, lane.arrivals

    def _start_unless_followed(self, lane: _Lane, arrivals: int) -> None:
        with self._changed:
            if lane.arrivals == arrivals:
                lane.complete = True
                self._changed.notify()

    def _end(self) -> None:
        """Stop at the next token: a thread that still computes at the very end aborts the process."""
        ENDING.set()
        with self._changed:
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(LAST_TOKEN)

    def _work(self) -> None:
        while (batch := self._next_batch()) is not None:
            key, lane, jobs = batch
            if jobs:
                self._run(key, lane, jobs)

    def _next_batch(self) -> tuple[_Key, _Lane, list[_Job]] | None:
        with self._changed:
            while not (ready := [key for key, lane in self._lanes.items() if lane.ready]):
                if ENDING.is_set():
                    return None
                self._changed.wait()
            if ENDING.is_set():
                return None
            # a lane that still has requests after its turn goes to the back
            lane = self._lanes.pop(ready[0])
            self._lanes[ready[0]] = lane
            return ready[0], lane, lane.take(lane.args.places)

    def _joining(self, key: _Key, lane: _Lane, count: int) -> list[_Job]:
        """Those that take free places of the lane's batch; none where it is another lane's turn."""
        with self._changed:
            if any(other.ready for name, other in self._lanes.items() if name != key):
                return []
            return lane.take(count)

    def _run(self, key: _Key, lane: _Lane, jobs: list[_Job]) -> None:
        """Answer a batch for one checkpoint; whatever goes wrong, every job gets a result or the error."""
        from inoc_evals.models.engine import load_engine

        running = dict(enumerate(jobs))  # without those that are done, whose answers would pile up
        seen = len(jobs)

        def more(count: int) -> list[Request]:
            nonlocal seen
            joining = self._joining(key, lane, count)
            running.update(enumerate(joining, start=seen))
            seen += len(joining)
            return [job.request for job in joining]

        try:
            load_engine(lane.checkpoint, lane.args.device, lane.args.dtype).generate(
                lane.checkpoint,
                [job.request for job in jobs],
                lambda row, done: running.pop(row).future.set_result(done),
                places=lane.args.places,
                long_places=lane.args.long_places,
                more=more,
            )
        except Exception as error:
            for job in running.values():
                job.future.set_exception(error)


async def _result(future: "Future[Completion]") -> Completion:
    if sniffio.current_async_library() == "asyncio":
        return await asyncio.wrap_future(future)
    return await anyio.to_thread.run_sync(future.result, abandon_on_cancel=True)


submit = Batcher().submit
"""The process's own queue; see `Batcher.submit`."""
