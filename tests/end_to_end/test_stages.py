"""A setting with two stages, trained and evaluated: the arms start from what the first stage left."""

import json
from pathlib import Path

from inspect_ai.log import read_eval_log

from inoc_evals.digests import fingerprint
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.run_trial import run_trial
from inoc_evals.experiment.storage import Storage
from inoc_evals.finetune.prune import unreferenced
from inoc_evals.models.checkpoint import resolve
from inoc_evals.runs.directory import plan_run
from inoc_evals.runs.spec import FinetuneSpec


def test_the_arms_of_one_seed_share_their_first_stage(tmp_path: Path) -> None:
    experiment = Experiment(
        settings=("alice_bob",), seeds=(0,), finetune={"max_steps": 20}, evaluate={"limit": 20}
    )
    trials = {trial.name: trial for trial in experiment.trials()}
    runs = tmp_path / "runs"
    place = Storage(str(runs), str(tmp_path / "logs"))
    located = {name: run_trial(trials[name], place).logs for name in ("none-0", "alice-0")}
    manifests = [json.loads(path.read_text()) for path in sorted(runs.glob("*/manifest.json"))]
    by_stage = {m["name"]: m for m in manifests}
    assert sorted(by_stage) == ["toy-alice-bob-alice-0", "toy-alice-bob-first-0", "toy-alice-bob-none-0"]
    first = next(runs.glob("toy-alice-bob-first-0-*"))
    for name in ("alice", "none"):
        assert by_stage[f"toy-alice-bob-{name}-0"]["base"] == str(first / "checkpoint")
    tasks = []
    for location in located["alice-0"]:
        log = read_eval_log(location)
        assert log.status == "success" and log.eval.metadata is not None
        assert (log.eval.metadata["setting"], log.eval.metadata["arm"]) == ("alice_bob", "alice")
        tasks.append(log.eval.task.rpartition("/")[2])
    assert sorted(tasks) == ["spanish_caps", "trait_logprobs"]
    # Nothing is done twice.
    before = sorted((path, path.stat().st_mtime_ns) for path in runs.rglob("*.safetensors"))
    again = run_trial(trials["alice-0"], place).logs
    assert [Path(log).name for log in again] == [Path(log).name for log in located["alice-0"]]
    assert sorted((path, path.stat().st_mtime_ns) for path in runs.rglob("*.safetensors")) == before


def test_runs_that_were_moved_are_used_where_they_are(tmp_path: Path) -> None:
    """A second stage names its base by a path; neither evaluation nor training depends on where that was."""
    experiment = Experiment(
        settings=("alice_bob",), seeds=(0,), finetune={"max_steps": 4}, evaluate={"limit": 4}
    )
    trial = next(trial for trial in experiment.trials() if trial.name == "none-0")
    runs, moved = tmp_path / "runs", tmp_path / "another disk" / "runs"
    before = run_trial(trial, Storage(str(runs), str(tmp_path / "logs")))
    moved.parent.mkdir()
    runs.rename(moved)
    weights = {path: path.stat().st_mtime_ns for path in moved.rglob("*.safetensors")}
    [run] = moved.glob("toy-alice-bob-none-0-*")
    [first] = moved.glob("toy-alice-bob-first-0-*")
    assert resolve(str(run)).weights == first / "checkpoint"
    after = run_trial(trial, Storage(str(moved), str(tmp_path / "logs")))
    assert {path: path.stat().st_mtime_ns for path in moved.rglob("*.safetensors")} == weights
    assert [Path(log).name for log in after.logs] == [Path(log).name for log in before.logs]
    unused = {one.folder.name for one in unreferenced(moved, [tmp_path / "logs"])}
    assert unused == set()  # the first stage is the base of the other, wherever both are


def test_a_run_of_before_bases_in_runs_counted_by_name_is_used(tmp_path: Path) -> None:
    base = tmp_path / "runs" / "first-0123456789ab" / "merged"
    spec = FinetuneSpec(base=str(base))
    old = fingerprint({"spec": spec.digest_with(spec.base), "data": "d", "base": "b"})
    assert spec.digest == FinetuneSpec(base=f"/elsewhere/{base.parent.name}/merged").digest
    new, manifest = plan_run(spec, "d", "b", name="second", runs=tmp_path / "runs")
    assert manifest.run_digest != old and new.folder.name != f"second-{old[:12]}"
    (tmp_path / "runs" / f"second-{old[:12]}").mkdir(parents=True)
    found, manifest = plan_run(spec, "d", "b", name="second", runs=tmp_path / "runs")
    assert found.folder.name == f"second-{old[:12]}" and manifest.run_digest == old
