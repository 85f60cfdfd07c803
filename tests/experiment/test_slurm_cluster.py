"""Experiments on a real Slurm: one node, this machine, that the test starts; it keeps no accounts.

Run with `make test-slurm`.
"""

import os
import signal
import time
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


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with slurm_clusters.cluster(tmp_path_factory.mktemp("slurm")) as folder:
        yield folder


def test_every_model_is_a_job_and_the_next_call_has_nothing_to_do(cluster: Path, tmp_path: Path) -> None:
    file = experiment(tmp_path)
    code, text = said(start(file), tmp_path)
    assert code == 0, text
    assert len(finished(tmp_path)) == 1 and results(tmp_path) == 2
    code, text = said(start(file), tmp_path)
    assert code == 0 and results(tmp_path) == 2, text


def test_a_job_that_is_killed_is_submitted_again_without_accounts(cluster: Path, tmp_path: Path) -> None:
    command = start(experiment(tmp_path, steps=600))
    until(lambda: training(tmp_path) and len(jobs()) == 1, 200)
    for process in jobs():
        os.kill(process, signal.SIGKILL)
    code, text = said(command, tmp_path)
    assert code == 0, text
    assert "ended without a result, 1 of 3 times" in text
    [manifest] = finished(tmp_path)
    assert manifest["result"]["resumed_at"] > 0  # what it had learnt was kept


def test_a_job_whose_time_is_up_goes_on_as_the_same_job(cluster: Path, tmp_path: Path) -> None:
    command = start(experiment(tmp_path, steps=600))
    until(lambda: training(tmp_path) and len(jobs()) == 1, 200)
    [job] = set(jobs().values())
    slurm("scancel", job, "--signal", "USR2")  # what Slurm sends before it takes a node back
    code, text = said(command, tmp_path)
    assert code == 0, text
    assert "without a result" not in text
    [manifest] = finished(tmp_path)
    assert manifest["result"]["resumed_at"] > 0 and results(tmp_path) == 2


def test_an_interrupted_command_cancels_its_jobs_and_a_killed_one_leaves_them(
    cluster: Path, tmp_path: Path
) -> None:
    file = experiment(tmp_path, steps=600)
    command = start(file)
    until(lambda: training(tmp_path), 200)
    os.killpg(command.pid, signal.SIGINT)
    code, text = said(command, tmp_path)
    assert code == 130 and "Traceback" not in text, text
    until(lambda: not queued(), 60)
    command = start(file)
    until(jobs, 100)
    os.killpg(command.pid, signal.SIGKILL)
    command.wait(30)
    until(lambda: finished(tmp_path) and not queued(), 200)
    code, text = said(start(file), tmp_path)
    assert code == 0, text
    [manifest] = finished(tmp_path)
    assert manifest["result"]["resumed_at"] > 0


def test_a_controller_that_is_away_for_a_while_ends_nothing(cluster: Path, tmp_path: Path) -> None:
    command = start(experiment(tmp_path, steps=600))
    until(lambda: training(tmp_path), 200)
    pid = int((cluster / "slurmctld.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(20)
        assert command.poll() is None
    finally:
        os.kill(pid, signal.SIGCONT)
    code, text = said(command, tmp_path)
    assert code == 0, text
    assert "without a result" not in text and len(finished(tmp_path)) == 1


def test_what_slurm_refuses_is_one_line(cluster: Path, tmp_path: Path) -> None:
    code, text = said(start(experiment(tmp_path), "--slurm", "partition=moon"), tmp_path)
    assert code == 2 and "Slurm took no job: " in text and "invalid partition specified: moon" in text
    assert "Traceback" not in text and not queued()
