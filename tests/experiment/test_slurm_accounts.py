"""Experiments on a real Slurm of two nodes with a GPU each, which keeps accounts and knows urgent jobs.

The nodes are this machine twice, and the GPUs are none: what is tested is what Slurm makes of the jobs. Run
with `make test-slurm`.
"""

import itertools
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.experiment import slurm_clusters
from tests.experiment.slurm_clusters import (
    experiment,
    finished,
    jobs,
    queued,
    results,
    said,
    slurm,
    start,
    training,
    until,
)

pytestmark = pytest.mark.slurm

AS_USUAL = ("--gpus", "1", "--slurm", "account=lab", "--slurm", "partition=main")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("slurm")
    with slurm_clusters.cluster(folder, ("n1", "n2"), gpu=True, account="lab") as made:
        yield made


def account_of_jobs(since: str) -> list[dict[str, str]]:
    """What Slurm's accounts say of every job since a time."""
    fields = ["jobid", "state", "nodelist", "account", "start", "end", "alloctres"]
    words = ["sacct", "--allocations", "--noheader", "--parsable2", "--starttime", since]
    lines = slurm(*words, "--format", ",".join(fields)).splitlines()
    return [dict(zip(fields, line.split("|"), strict=True)) for line in lines]


def now() -> str:
    return subprocess.run(["date", "+%Y-%m-%dT%H:%M:%S"], capture_output=True, text=True).stdout.strip()


def node_of_training(folder: Path) -> str:
    """The node of the job that trains, once a state of it is kept."""
    until(lambda: training(folder) and len(jobs()) == 1, 200)
    [job] = set(jobs().values())
    return slurm("squeue", "--noheader", "--job", job, "--format", "%N").strip()


def test_models_wait_for_a_gpu_and_run_on_both_nodes_on_the_account(cluster: Path, tmp_path: Path) -> None:
    since = now()
    code, text = said(start(experiment(tmp_path, seeds=3), *AS_USUAL), tmp_path)
    assert code == 0, text
    assert len(finished(tmp_path)) == 3 and results(tmp_path) == 4
    until(lambda: [job["state"] for job in account_of_jobs(since)] == ["COMPLETED"] * 4, 30)
    ran = account_of_jobs(since)
    assert {job["account"] for job in ran} == {"lab"} and {job["nodelist"] for job in ran} == {"n1", "n2"}
    assert all("gres/gpu=1" in job["alloctres"] for job in ran)
    for node in ("n1", "n2"):  # a node has one GPU
        times = sorted((job["start"], job["end"]) for job in ran if job["nodelist"] == node)
        assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(times)), times


def test_the_jobs_of_a_node_that_dies_go_on_elsewhere(cluster: Path, tmp_path: Path) -> None:
    command = start(experiment(tmp_path, steps=600), *AS_USUAL)
    node = node_of_training(tmp_path)
    slurm("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    for process in jobs():  # a node that is gone runs nothing
        os.kill(process, signal.SIGKILL)
    try:
        code, text = said(command, tmp_path)
    finally:
        slurm("scontrol", "update", f"nodename={node}", "state=resume")
    assert code == 0, text
    assert "without a result" not in text  # Slurm itself starts it again
    [manifest] = finished(tmp_path)
    assert manifest["result"]["resumed_at"] > 0


def test_a_model_makes_way_for_an_urgent_job_and_goes_on(cluster: Path, tmp_path: Path) -> None:
    command = start(experiment(tmp_path, steps=600), *AS_USUAL)
    node = node_of_training(tmp_path)
    asked = ["--account=lab", "--qos=urgent", "--gpus-per-node=1", f"--nodelist={node}", "--time=1"]
    assert "Submitted" in slurm("sbatch", *asked, f"--chdir={tmp_path}", "--wrap", "sleep 5")
    code, text = said(command, tmp_path)
    assert code == 0, text
    assert "without a result" not in text
    [manifest] = finished(tmp_path)
    assert manifest["result"]["resumed_at"] > 0 and results(tmp_path) == 2


@pytest.mark.parametrize(
    ("option", "why"),
    [("account=moon", "Invalid account"), ("qos=moon", "Invalid qos"), ("gres=gpu:3", "node configuration")],
)
def test_what_the_accounts_refuse_is_one_line(cluster: Path, tmp_path: Path, option: str, why: str) -> None:
    code, text = said(start(experiment(tmp_path), *AS_USUAL, "--slurm", option), tmp_path)
    assert code == 2 and "Slurm took no job: " in text and why in text, text
    assert "Traceback" not in text and not queued()
