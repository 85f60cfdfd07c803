"""An experiment on Slurm: every model is a job, which goes on when its time is up or its node dies.

    inoc-evals run EXPERIMENT.yaml --engine slurm --gpus 1 --slurm partition=gpu --slurm time=4:00:00

The command waits on the login node and says what is done. Interrupted, it cancels its jobs; killed, it
leaves them, and the next call finds what they made. Every node needs the suite, and the same folders for runs
and logs under the same names. Jobs inherit the environment of the command; no key is
written to a file. Whether a job still is one says `squeue`: a cluster need not keep accounts.
"""

import getpass
import math
import re
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from inoc_evals.errors import UserError, one_line, require, why
from inoc_evals.experiment.engines import ATTEMPTS, Event, failure_line
from inoc_evals.experiment.run_trial import TrialResult, run_trial
from inoc_evals.experiment.storage import Storage
from inoc_evals.experiment.trial import Trial
from inoc_evals.files import is_url

FOLDER = ".slurm"
"""Where jobs keep what they are told and print: in the folder of the runs, which every node sees."""

INTERVAL = 2.0
"""Seconds between two looks at the jobs' folder. Slurm itself is asked much less often."""

ASKED = 15.0
"""Seconds between two questions to Slurm, which many users ask."""

GRACE = 30.0
"""Seconds that a result may take to be seen here after its job has ended; shared file systems are slow."""

LIMITS = 10
"""How often a job's time may be up before it counts as failed; each time it goes on where it was."""

DURATION = re.compile(r"(?:(?P<days>\d+)-)?(?P<parts>\d+(?::\d+){0,2})")
"""How Slurm writes a duration: minutes, minutes:seconds, hours:minutes:seconds, days-hours, and so on."""


@dataclass(frozen=True)
class Failed:
    """What a job returns in place of a result."""

    reason: str


class SlurmEngine:
    """The Slurm cluster that this machine submits to."""

    waits: ClassVar[bool] = True

    def __init__(
        self, gpus: float = 0.0, options: Mapping[str, str] | None = None, cluster: str = "slurm"
    ) -> None:
        """Choose the resources of a model.

        Args:
            gpus: GPUs of one model, 0 or 1.
            options: Options of sbatch by their long names, such as `partition`; `time` is needed.
            cluster: `slurm`, or `local` for processes of this machine in its place.

        Raises:
            MissingExtra: If submitit is not installed.
            UserError: If the options lack the time, or the GPU is neither none nor one.
        """
        require("slurm", "submitit")
        if gpus not in (0, 1):
            raise UserError(
                f"--gpus {gpus:g}: a Slurm job trains and evaluates one model on one GPU: --gpus 1"
            )
        self._gpus, self._cluster = int(gpus), cluster
        self._options = dict(options or {})
        if "time" not in self._options:
            raise UserError(
                "--engine slurm needs the longest time of one model: add  --slurm time=4:00:00  "
                "(a job that is cut off goes on where it was)"
            )
        self._minutes = minutes(self._options["time"])

    @property
    def about(self) -> str:
        """Where trials run, in a few words."""
        return "as Slurm jobs" if self._cluster == "slurm" else "as jobs of this machine"

    @property
    def workers(self) -> int | None:
        """Not known: Slurm decides."""
        return None

    def run(self, trials: Sequence[Trial], storage: Storage) -> Iterator[Event]:
        """Submit trials as jobs and wait for them; those that wait or run are cancelled when this ends early.

        Raises:
            UserError: If the folder of the runs is a URL, or Slurm takes no job.
        """
        executor = self._executor(storage)
        waiting: dict[Any, tuple[Trial, int]] = {}
        queue = _Queue()
        try:
            for job, trial in zip(self._submit(executor, trials, storage), trials, strict=True):
                waiting[job] = (trial, 1)
            while waiting:
                gone = queue.gone(waiting) if self._cluster == "slurm" else set()
                for job in [job for job in waiting if job in gone or _has_ended(job, self._cluster)]:
                    trial, attempt = waiting.pop(job)
                    event = _event(trial, job, attempt, lost=job in gone)
                    if event.state == "again":
                        (replacement,) = self._submit(executor, [trial], storage)
                        waiting[replacement] = (trial, attempt + 1)
                    yield event
                if waiting:
                    time.sleep(INTERVAL)
        finally:
            for job in waiting:
                with suppress(Exception):  # one that has just ended, or a Slurm that no longer answers
                    job.cancel(check=False)

    def _executor(self, storage: Storage) -> Any:
        import submitit

        if is_url(storage.runs):
            raise UserError(
                "--engine slurm keeps its jobs beside the runs: give a folder for --runs, not a URL"
            )
        try:
            folder = Path(storage.runs).resolve() / FOLDER
            limits = {"slurm_max_num_timeout": LIMITS} if self._cluster == "slurm" else {}
            executor = submitit.AutoExecutor(folder, cluster=self._cluster, **limits)
        except RuntimeError as error:
            raise UserError(
                "no Slurm on this machine (srun is not found): run on a login node, or use --engine local"
            ) from error
        # submitit tells by the time whether a job was cut off or made way for another one
        resources = {"timeout_min": self._minutes}
        if self._gpus:
            resources["gpus_per_node"] = self._gpus
        executor.update_parameters(name="inoc-evals", slurm_additional_parameters=self._options, **resources)
        return executor

    def _submit(self, executor: Any, trials: Sequence[Trial], storage: Storage) -> list[Any]:
        try:
            with executor.batch():  # an array of jobs, which Slurm takes in one call
                jobs = [executor.submit(outcome, trial, storage) for trial in trials]
            for job in jobs:
                job.job_id  # noqa: B018  raises where Slurm refused it
        except OSError as error:
            raise UserError(f"{storage.runs} cannot be written: {why(error)}") from error
        except Exception as error:  # whatever sbatch said
            raise UserError(f"Slurm took no job: {one_line(error)}") from error
        return jobs


class Outcome:
    """What a job does: run a trial. What fails comes back as a line, and not as a traceback in a file."""

    def __call__(self, trial: Trial, storage: Storage) -> TrialResult | Failed:
        """Run it.

        Args:
            trial: The trial.
            storage: Where its run and logs are kept.
        """
        from submitit.core.utils import UncompletedJobError

        try:
            return run_trial(trial, storage)
        except UncompletedJobError:  # Slurm takes the node back, for the last time: submitit says so
            raise
        except Exception as error:
            return Failed(failure_line(error))

    def checkpoint(self, trial: Trial, storage: Storage) -> Any:
        """What is to be done when a job's time is up, or it makes way for another: the same again.

        submitit asks this before it gives the job back to Slurm's queue.
        """
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, trial, storage)


outcome = Outcome()


def minutes(duration: str) -> int:
    """The minutes of a duration as Slurm takes it: `90`, `90:00`, `4:00:00`, `2-0`, `2-12:30`.

    Args:
        duration: What stands behind `--time`.

    Returns:
        Minutes, rounded up.

    Raises:
        UserError: If Slurm takes no such duration.
    """
    found = DURATION.fullmatch(duration.strip())
    if found is None:
        raise UserError(f"--slurm time={duration}: write it as Slurm does, such as 90 (minutes) or 4:00:00")
    parts = [int(part) for part in found["parts"].split(":")]
    if found["days"] is not None:  # hours come first
        hours, rest, seconds = (*parts, 0, 0)[:3]
    elif len(parts) == 3:
        hours, rest, seconds = parts
    else:
        hours, rest, seconds = 0, *(*parts, 0)[:2]
    return math.ceil(int(found["days"] or 0) * 1440 + hours * 60 + rest + seconds / 60)


class _Queue:
    """The jobs that Slurm still knows as waiting or running."""

    def __init__(self) -> None:
        self._asked = -math.inf
        self._missing: dict[Any, float] = {}

    def gone(self, jobs: Iterable[Any]) -> set[Any]:
        """Those of some jobs that have been gone for a while, and left no result.

        Args:
            jobs: submitit's jobs.
        """
        now = time.monotonic()
        if now - self._asked < ASKED:
            return set()
        self._asked = now
        known = self._known()
        if known is None:  # a Slurm that does not answer now: nothing is known
            self._missing.clear()
            return set()
        missing = {job for job in jobs if job.job_id not in known and not job.paths.result_pickle.exists()}
        self._missing = {job: self._missing.get(job, now) for job in missing}
        return {job for job, since in self._missing.items() if now - since >= GRACE}

    @staticmethod
    def _known() -> set[str] | None:
        words = ["squeue", "--noheader", "--array", "--user", getpass.getuser(), "--format", "%i"]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            return None
        return set(done.stdout.split())


def _has_ended(job: Any, cluster: str) -> bool:
    """Whether a job has left a result; processes in Slurm's place also end without."""
    return bool(job.done()) if cluster != "slurm" else bool(job.paths.result_pickle.exists())


def _event(trial: Trial, job: Any, attempt: int, *, lost: bool) -> Event:
    """What became of a job that has ended, or was lost without a result."""
    from submitit.core.utils import FailedJobError, UncompletedJobError

    try:
        if lost:
            raise UncompletedJobError
        result = job.result()
    except (FailedJobError, UncompletedJobError) as error:
        reason = f"its job {job.job_id} ended without a result, {attempt} of {ATTEMPTS} times"
        if attempt < ATTEMPTS and isinstance(error, UncompletedJobError):
            return Event(trial, "again", reason=reason)
        return Event(trial, "failed", reason=f"{reason}: see {job.paths.stderr}")
    if isinstance(result, Failed):
        return Event(trial, "failed", reason=result.reason)
    return Event(trial, "done", result)
