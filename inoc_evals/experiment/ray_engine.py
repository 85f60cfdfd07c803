"""An experiment on a Ray cluster: every model is a task, which Ray restarts when its node dies.

    RAY_ADDRESS=auto inoc-evals run EXPERIMENT.yaml --engine ray --gpus 1

Every node needs the suite, the same folders for runs and logs under the same name (a shared file system), and
the API keys of backends and judges in its own environment: keys are never sent over the cluster, whose
dashboard would show them. Without RAY_ADDRESS, a cluster is started on this machine and stopped at the end.
"""

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from inoc_evals.errors import UserError, require
from inoc_evals.experiment.engines import ATTEMPTS, Event, failure_line
from inoc_evals.experiment.run_trial import run_trial
from inoc_evals.experiment.storage import Storage
from inoc_evals.experiment.trial import Trial


class RayEngine:
    """The cluster at RAY_ADDRESS."""

    waits: ClassVar[bool] = True

    def __init__(self, gpus: float = 0.0, cpus: float = 1.0) -> None:
        """Choose the resources of a model.

        Args:
            gpus: GPUs of one model; half of one lets two share it.
            cpus: Cores of one model.

        Raises:
            MissingExtra: If Ray is not installed.
            UserError: If more than one GPU per model is requested.
        """
        require("ray", "ray")
        if gpus > 1:
            raise UserError(
                f"--gpus {gpus:g}: an experiment trains and evaluates each model on one GPU: use at most "
                "--gpus 1; `accelerate launch -m inoc_evals finetune` trains one model on several"
            )
        self._gpus, self._cpus = gpus, cpus

    @property
    def about(self) -> str:
        """Where trials run, in a few words."""
        return f"on the Ray cluster at {os.environ.get('RAY_ADDRESS') or 'this machine'}"

    @property
    def workers(self) -> int | None:
        """Not known before the cluster is asked."""
        return None

    def run(self, trials: Sequence[Trial], storage: Storage) -> Iterator[Event]:
        """Run trials as tasks of the cluster.

        Raises:
            UserError: If the cluster cannot be reached, or has no node that could ever run one.
        """
        import ray

        ours = not ray.is_initialized()
        if ours:
            _reach(os.environ.get("RAY_ADDRESS") or "")
            try:
                ray.init(
                    address=os.environ.get("RAY_ADDRESS"), log_to_driver=False, logging_level=logging.ERROR
                )
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise UserError(f"no Ray cluster: {failure_line(error)}") from error
        try:
            self._check(ray.cluster_resources())  # type: ignore[no-untyped-call]
            task = ray.remote(
                num_cpus=self._cpus,
                num_gpus=self._gpus,
                max_retries=ATTEMPTS - 1,
                scheduling_strategy="SPREAD",
            )(run_trial)
            waiting: dict[Any, Trial] = {task.remote(trial, storage): trial for trial in trials}
            while waiting:
                (ready,), _ = ray.wait(list(waiting), num_returns=1)
                trial = waiting.pop(ready)
                try:
                    yield Event(trial, "done", ray.get(ready))
                except ray.exceptions.RayTaskError as error:
                    yield Event(trial, "failed", reason=failure_line(error.cause))
                except ray.exceptions.RayError as error:
                    yield Event(
                        trial, "failed", reason=f"its node died {ATTEMPTS} times ({failure_line(error)})"
                    )
        finally:
            if ours:
                ray.shutdown()

    def _check(self, resources: dict[str, float]) -> None:
        """Raise if no node is large enough for a model: Ray itself would wait forever, without a message."""
        for name, needed in (("CPU", self._cpus), ("GPU", self._gpus)):
            if needed > resources.get(name, 0.0):
                raise UserError(
                    f"a model takes {needed:g} {name}, the Ray cluster has {resources.get(name, 0):g}"
                )


def _reach(address: str) -> None:
    """Raise if the cluster's port does not accept connections: Ray itself would wait for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        return  # Ray itself reports at once if "auto" or "local" fails
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except OSError as error:
        raise UserError(f"no Ray cluster at RAY_ADDRESS={address}: {error.strerror or error}") from error
