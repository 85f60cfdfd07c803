"""A setting with two stages, trained and evaluated: the arms start from what the first stage left."""

import json
from pathlib import Path

from inspect_ai.log import read_eval_log

from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.run_trial import Storage, run_trial


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
