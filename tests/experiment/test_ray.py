"""Experiments on a real Ray cluster of two nodes on this machine."""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import ray
from ray.cluster_utils import Cluster

from inoc_evals.errors import UserError
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.plan import make_plan
from inoc_evals.experiment.ray_engine import RayEngine
from inoc_evals.experiment.run import run
from inoc_evals.locks import LOCK

pytestmark = pytest.mark.alone
"""Beside other tests Ray's own processes start so slowly that Ray gives them up."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", cluster.address)
        yield cluster
    ray.shutdown()
    cluster.shutdown()


def small(folder: Path, **fields: object) -> Experiment:
    given = {
        "settings": ("spanish_caps",),
        "arms": ("none", "spanish-inoc"),
        "seeds": 1,
        "finetune": {"max_steps": 4},
        "evaluate": {"limit": 10},
        "runs": str(folder / "runs"),
        "logs": str(folder / "logs"),
        **fields,
    }
    return Experiment.model_validate(given)


def kill_one_worker(folder: Path, killed: list[int], over: threading.Event) -> None:
    """Once training has begun, kill the process that holds the lock of a model."""
    while not killed and not over.wait(0.05):
        begun = list(folder.glob("runs/*/manifest.json"))
        locks = {str(lock.resolve()) for lock in folder.rglob(LOCK)} if begun else set()
        for process in psutil.process_iter() if locks else ():
            with suppress(psutil.Error):
                if process.pid != os.getpid() and locks & {file.path for file in process.open_files()}:
                    process.kill()
                    killed.append(process.pid)
                    break


def test_a_killed_worker_costs_its_own_run(cluster: Cluster, tmp_path: Path) -> None:
    killed: list[int] = []
    over = threading.Event()
    killer = threading.Thread(target=kill_one_worker, args=(tmp_path, killed, over))
    killer.start()
    try:
        outcome = run(make_plan(small(tmp_path)), RayEngine())
    finally:
        over.set()
        killer.join()
    assert killed and not outcome.failed and len(outcome.logs) == 3
    assert len(list(tmp_path.glob("runs/*/checkpoint"))) == 2
    assert not list(tmp_path.glob("runs/*/.*.tmp"))


def test_what_no_node_can_hold_is_one_line(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a model takes 1 GPU, the Ray cluster has 0"):
        run(make_plan(small(tmp_path)), RayEngine(gpus=1))


def test_several_gpus_for_a_model_are_refused_in_one_line() -> None:
    with pytest.raises(UserError, match="--gpus 4: an experiment trains and evaluates each model on one GPU"):
        RayEngine(gpus=4)


def test_no_cluster_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(UserError, match="no Ray cluster"):
        run(make_plan(small(tmp_path)), RayEngine())
