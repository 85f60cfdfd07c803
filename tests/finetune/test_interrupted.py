"""A finetune is killed for real, at every moment at which it could leave something half done."""

import os
import signal
import time
from pathlib import Path

import pytest

from inoc_evals.errors import UserError
from inoc_evals.finetune import Run, find_run, list_runs
from inoc_evals.runs.directory import read_dynamics
from inoc_evals.runs.spec import ProbeSpec
from tests.finetune.processes import TRAINED, Moment, end, start
from tests.finetune.small import small_spec


def _weights(run: Run) -> bytes:
    return (run.checkpoint / "adapter_model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def undisturbed(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    runs = tmp_path_factory.mktemp("undisturbed")
    assert end(start(small_spec(tiny), runs)) == TRAINED
    return find_run("run", runs)


MOMENTS: list[Moment] = [
    ("open", ".rows.jsonl."),  # before anything is written
    ("os.rename", ".manifest.json."),  # rows but no manifest
    ("open", "loss.jsonl"),  # nothing trained yet
    ("open", "checkpoint/adapter_config.json"),  # weights but no configuration
    ("os.rename", "training/checkpoint"),  # a whole checkpoint, not in its place
]


def test_killed_while_writing_it_is_never_taken_for_finished(
    tiny: Path, tmp_path: Path, undisturbed: Run
) -> None:
    """One run directory goes through all the deaths, so each beginning meets what the last one left."""
    for moment in MOMENTS:
        assert end(start(small_spec(tiny), tmp_path, moment)) == -signal.SIGKILL, moment
        assert not any(run.is_finished() for run in list_runs(tmp_path)), moment
        assert not any(run.checkpoint.exists() for run in list_runs(tmp_path)), moment
    assert end(start(small_spec(tiny), tmp_path)) == TRAINED
    run = find_run("run", tmp_path)
    assert run.is_finished()
    assert _weights(run) == _weights(undisturbed)
    assert run.losses.read_bytes() == undisturbed.losses.read_bytes()
    assert not (run.folder / "training").exists()


def test_killed_in_the_midst_of_training(tiny: Path, tmp_path: Path) -> None:
    spec = small_spec(tiny, max_steps=5000)  # would take minutes
    process = start(spec, tmp_path)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if any(run.losses.exists() and run.losses.stat().st_size for run in list_runs(tmp_path)):
            break
        time.sleep(0.02)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    assert end(process) == -signal.SIGKILL
    [run] = list_runs(tmp_path)
    assert run.manifest.status == "running"
    assert not run.is_finished() and not run.checkpoint.exists()


def test_with_save_steps_it_goes_on_from_the_last_whole_state(
    tiny: Path, tmp_path: Path, undisturbed: Run
) -> None:
    spec = small_spec(tiny, save_steps=2)
    killed = start(spec, tmp_path, ("open", "checkpoint-4/trainer_state.json"))
    assert end(killed) == -signal.SIGKILL
    [run] = list_runs(tmp_path)
    left = sorted(folder.name for folder in (run.folder / "training").glob("checkpoint*"))
    assert left == ["checkpoint-2", "checkpoint-4"]  # the second is not whole
    assert end(start(spec, tmp_path)) == TRAINED
    result = run.manifest.result
    assert result is not None and result.resumed_at == 2 and result.steps == 6
    assert _weights(run) == _weights(undisturbed)
    assert run.losses.read_bytes() == undisturbed.losses.read_bytes()


AT_THE_END: list[Moment] = [
    ("open", ".loss.jsonl."),  # of the first beginning; the next ones go on from a state
    ("open", ".loss.jsonl."),
    ("open", "training/checkpoint/adapter_config.json"),
    ("os.rename", "training/checkpoint"),
    ("os.rename", ".manifest.json.", 1),  # the checkpoint in its place, and no manifest that says so
    ("os.remove", "checkpoint-5/trainer_state.json"),  # all said, and the states still there
]


def test_from_the_state_after_the_last_step_nothing_more_is_trained(tiny: Path, tmp_path: Path) -> None:
    """Five steps are no whole number of passes: transformers would take a sixth."""
    assert end(start(small_spec(tiny, max_steps=5), tmp_path / "calm")) == TRAINED
    calm = find_run("run", tmp_path / "calm")
    spec = small_spec(tiny, max_steps=5, save_steps=2, probe=ProbeSpec(responses="toy", every=2))
    killed = tmp_path / "killed"
    for moment in AT_THE_END:
        assert end(start(spec, killed, moment)) == -signal.SIGKILL, moment
    [run] = list_runs(killed)
    assert run.is_finished() and run.states.exists()
    assert end(start(spec, killed)) == 0 and not run.states.exists()
    assert _weights(run) == _weights(calm) and run.losses.read_bytes() == calm.losses.read_bytes()
    result, expected = run.manifest.result, calm.manifest.result
    assert result is not None and expected is not None and result.resumed_at == 5
    own = {"seconds": 0.0, "resumed_at": 0}
    assert result.model_copy(update=own) == expected.model_copy(update=own)
    steps = [row["step"] for row in read_dynamics(run.folder)]
    assert sorted(set(steps)) == [0, 2, 4, 5] and len(set(map(steps.count, steps))) == 1


def test_killed_before_the_last_word_it_trains_again(tiny: Path, tmp_path: Path, undisturbed: Run) -> None:
    """The checkpoint is in its place, but the manifest does not vouch for it yet."""
    assert end(start(small_spec(tiny), tmp_path)) == TRAINED
    run = find_run("run", tmp_path)
    run.write_manifest(run.manifest.model_copy(update={"status": "running", "result": None}))
    assert run.checkpoint.exists() and not run.is_finished()
    assert end(start(small_spec(tiny), tmp_path)) == TRAINED
    assert run.is_finished() and _weights(run) == _weights(undisturbed)


def test_two_processes_with_one_spec_train_once(tiny: Path, tmp_path: Path, undisturbed: Run) -> None:
    both = [start(small_spec(tiny), tmp_path) for _ in range(2)]
    assert sorted(end(process) for process in both) == [0, TRAINED]
    [run] = list_runs(tmp_path)
    assert run.is_finished() and _weights(run) == _weights(undisturbed)


def test_a_run_that_nobody_trains_yet_cannot_be_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "run-0").mkdir()
    with pytest.raises(UserError, match="is not a run directory"):
        _ = Run(tmp_path / "run-0").manifest
