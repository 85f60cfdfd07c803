"""An experiment on Slurm: every model is a job, which is submitted again when its node dies.

    inoc-evals run EXPERIMENT.yaml --engine slurm --gpus 1 --slurm partition=gpu --slurm time=4:00:00

The command waits on the login node and says what is done. Interrupted, it cancels its jobs; killed, it
leaves them, and the next call finds what they made. Every node needs the suite, and the same folders for runs
and logs under the same names. Jobs inherit the environment of the command; no key is
written to a file.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inoc_evals.errors import UserError, one_line, require, why
from inoc_evals.experiment.engines import ATTEMPTS, Event, failure_line
from inoc_evals.experiment.run_trial import Storage, TrialResult, run_trial
from inoc_evals.experiment.trial import Trial
from inoc_evals.files import is_url

FOLDER = ".slurm"
"""Where jobs keep what they are told and print: in the folder of the runs, which every node sees."""

INTERVAL = 2.0
"""Seconds between two looks at the jobs' folder. Slurm itself is asked much less often."""


@dataclass(frozen=True)
class Failed:
    """What a job returns in place of a result."""

    reason: str


class SlurmEngine:
    """The Slurm cluster that this machine submits to."""

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
                "(a job that is cut off goes on where it was when it is submitted again)"
            )

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
        try:
            for job, trial in zip(self._submit(executor, trials, storage), trials, strict=True):
                waiting[job] = (trial, 1)
            while waiting:
                for job in [job for job in waiting if job.done()]:
                    trial, attempt = waiting.pop(job)
                    event = _event(trial, job, attempt)
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
            executor = submitit.AutoExecutor(Path(storage.runs).resolve() / FOLDER, cluster=self._cluster)
        except RuntimeError as error:
            raise UserError(
                "no Slurm on this machine (srun is not found): run on a login node, or use --engine local"
            ) from error
        resources = {"gpus_per_node": self._gpus} if self._gpus else {}
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


def outcome(trial: Trial, storage: Storage) -> TrialResult | Failed:
    """Run a trial in a job: what fails comes back as a line, and not as a traceback in a file.

    Args:
        trial: The trial.
        storage: Where its run and logs are kept.
    """
    try:
        return run_trial(trial, storage)
    except Exception as error:
        return Failed(failure_line(error))


def _event(trial: Trial, job: Any, attempt: int) -> Event:
    """What became of a job that has ended."""
    from submitit.core.utils import FailedJobError, UncompletedJobError

    try:
        result = job.result()
    except (FailedJobError, UncompletedJobError) as error:
        reason = f"its job {job.job_id} ended without a result, {attempt} of {ATTEMPTS} times"
        if attempt < ATTEMPTS and isinstance(error, UncompletedJobError):
            return Event(trial, "again", reason=reason)
        return Event(trial, "failed", reason=f"{reason}: see {job.paths.stderr}")
    if isinstance(result, Failed):
        return Event(trial, "failed", reason=result.reason)
    return Event(trial, "done", result)
