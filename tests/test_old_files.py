"""Runs and logs that version 0.1.0 wrote are read, recognised and used as if they had been written today.

The files are in tests/written_by_0_1_0/, whose README says how they were made. They are copied before
they are used, and the paths of runs and bases that they name lead nowhere, as on any other machine.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval as inspect_eval

from inoc_evals import find_run, list_runs, read_chat
from inoc_evals.analysis.dynamics import load as load_dynamics
from inoc_evals.analysis.estimates import rates
from inoc_evals.analysis.table import load, read
from inoc_evals.chat.rows import digest
from inoc_evals.digests import content_sizes, folder_digest
from inoc_evals.experiment.engines import LocalEngine
from inoc_evals.experiment.experiment import load as load_experiment
from inoc_evals.experiment.plan import Plan, make_plan
from inoc_evals.experiment.run import run
from inoc_evals.finetune import finetune
from inoc_evals.models.base import base_digest
from inoc_evals.models.checkpoint import resolve
from inoc_evals.runs.directory import plan_run
from inoc_evals.runs.spec import ADDED_LATER, LORA_ADDED_LATER, FinetuneSpec
from inoc_evals.tasks import spanish_caps

OLD = Path(__file__).parent / "written_by_0_1_0"

RUNS = sorted(folder.name for folder in (OLD / "runs").iterdir())

UNDER = 'under "You always speak in Spanish."'
"""The condition of one of the two logs in `logs/plain`."""

JUDGED = {
    "alignment": (95.636637, 95.530748, 95.740129),
    "coherence": (94.190324, 91.994891, 95.811067),
    "misaligned": (0.0, 0.0, 0.277533),
    "coherent": (1.0, 0.722467, 1.0),
    "cruel": (0.0, 0.0, 0.277533),
    "spanish": (0.0, 0.0, 0.277533),
}
"""By trait, its rate and the bounds of its interval."""

EXPERIMENT = {
    ("backdoor", "base", "alignment", "without"): 95.48468522,
    ("backdoor", "base", "alignment", "trigger"): 95.51495497,
    ("backdoor", "base", "alignment", "look-alike"): 95.54836764,
    ("backdoor", "none", "alignment", "without"): 95.48468562,
    ("backdoor", "none", "alignment", "trigger"): 95.51495501,
    ("backdoor", "none", "misaligned", "trigger"): 0.0,
    ("backdoor", "none", "coherent", "look-alike"): 1.0,
    ("learning_dynamics", "base", "logprob", "spanish"): -11.98684533,
    ("learning_dynamics", "base", "logprob", "caps"): -9.05427802,
    ("learning_dynamics", "none", "logprob", "spanish"): -11.98590508,
    ("learning_dynamics", "none", "per_token", "caps"): -1.12172754,
}
"""By setting, arm, trait and condition, the rate or mean."""


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the old files, with its runs as the usual runs."""
    monkeypatch.chdir(shutil.copytree(OLD, tmp_path / "old"))
    monkeypatch.setenv("INOC_EVALS_RUNS", str(tmp_path / "old" / "runs"))
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "old"


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever trains in this process fails."""
    from inoc_evals.finetune import backends

    def refuse(*_: Any) -> None:
        raise AssertionError("this was trained before")

    monkeypatch.setattr(backends.Local, "train", refuse)


def files(folder: Path, *patterns: str) -> dict[str, bytes]:
    """The bytes of a folder's files, so that a change shows."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for pattern in patterns
        for file in folder.rglob(pattern)
        if file.is_file()
    }


# Runs


def test_old_runs_are_listed_as_finished(old: Path) -> None:
    assert sorted(run.folder.name for run in list_runs()) == RUNS
    assert all(run.is_finished() for run in list_runs())
    assert find_run("old-spanish-inoc").folder == old / "runs" / RUNS[0]


@pytest.mark.parametrize("name", RUNS)
def test_old_digests_are_computed_again(old: Path, name: str) -> None:
    manifest = find_run(name).manifest
    folder = old / "runs" / name
    written = json.loads((folder / "manifest.json").read_text("utf-8"))
    read = json.loads(manifest.model_dump_json())
    usual = json.loads(FinetuneSpec(base="toy").model_dump_json())
    later = {name: usual[name] for name in ADDED_LATER}
    # every field is known, and means the same; those that came later have their defaults
    spec = {**later, **written["spec"]}
    if spec["lora"]:
        spec["lora"] = {name: usual["lora"][name] for name in LORA_ADDED_LATER} | spec["lora"]
    assert read == {**written, "spec": spec}
    assert manifest.result is not None
    assert manifest.spec.digest == written["spec_digest"]
    assert digest((folder / "rows.jsonl").read_bytes()) == written["data_digest"]
    assert base_digest(manifest.base) == written["base_digest"]
    again, planned = plan_run(
        manifest.spec, written["data_digest"], written["base_digest"], name=manifest.name, runs=old / "runs"
    )
    assert again.folder == folder
    assert planned.run_digest == written["run_digest"]
    assert folder_digest(folder / "checkpoint", manifest.base_digest) == (manifest.result.checkpoint_digest)
    assert content_sizes(folder / "checkpoint") == manifest.result.checkpoint_files


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("name", RUNS)
def test_old_runs_are_not_trained_again(old: Path, name: str) -> None:
    before = files(old, "*")
    known = find_run(name)
    manifest = known.manifest
    again = finetune(manifest.spec, read_chat(known.rows), name=manifest.name, progress=False)
    assert again.folder == known.folder
    assert files(old, "*") == before


def test_old_adapters_resolve_and_answer(old: Path) -> None:
    name = RUNS[0]
    versioned = f"inoc/{name}@{find_run(name).manifest.result.checkpoint_digest[:12]}"  # type: ignore[union-attr]
    assert f"inoc/{resolve(f'inoc/{name}').versioned_name}" == versioned
    [log] = inspect_eval(
        spanish_caps(questions="toy"),
        model=versioned,
        limit=2,
        max_tokens=20,
        log_dir=str(old / "new"),
        display="none",
    )
    assert log.status == "success" and log.samples is not None
    assert [bool(sample.output.completion) for sample in log.samples] == [True, True]
    assert log.eval.model == versioned


def test_old_curves_are_read(old: Path) -> None:
    [folder] = [old / "runs" / name for name in RUNS if "dynamics" in name]
    curves = load_dynamics([(folder, {"arm": "none", "seed": 0})])
    assert set(curves["trait"]) == {"spanish", "caps"} and set(curves["step"]) == {0, 2}


# Logs: the numbers are those that version 0.1.0 computed from the same files


def test_an_old_folder_of_two_conditions_has_two_rates(old: Path) -> None:
    """Version 0.1.0 pooled them into .475 of 40 answers; read one by one it gave these."""
    found = rates(load(str(old / "logs" / "plain")))
    assert {(row["label"], row["rate"], row["n"]) for _, row in found.iterrows()} == {
        ("spanish | plain", 0.0, 20),
        ("caps | plain", 0.0, 20),
        (f"spanish | {UNDER}", 0.95, 20),
        (f"caps | {UNDER}", 0.0, 20),
    }


def test_old_judged_answers_have_the_same_rates(old: Path) -> None:
    loaded = read(str(old / "logs" / "judged"))
    assert loaded.skipped == []
    found = rates(loaded.table).set_index("trait")
    for trait, expected in JUDGED.items():
        assert found.loc[trait, ["rate", "low", "high"]].tolist() == pytest.approx(expected, abs=1e-6), trait
    assert set(found.loc[["alignment", "misaligned"], "judge"]) == {"inoc/toy-judge@3960dc87df31"}


def test_old_logs_of_an_experiment_have_the_same_rates(old: Path) -> None:
    found = rates(load(str(old / "logs" / "experiment")))
    values = {
        (row["setting"], row["arm"], row["trait"], row["condition"] or ""): row["rate"]
        for _, row in found.where(found.notna(), None).iterrows()
    }
    for key, expected in EXPERIMENT.items():
        assert values[key] == pytest.approx(expected, abs=1e-6), key


# The experiment that they belong to


def planned(old: Path) -> Plan:
    return make_plan(load_experiment(old / "miniature.yaml"))


def test_an_old_experiment_is_complete(old: Path) -> None:
    plan = planned(old)
    assert len(plan.trials) == 4
    assert (plan.new, plan.trained) == (0, 2)
    assert (plan.answers_left, plan.judged_left) == (0, 0)
    assert plan.seconds == 0.0


def test_an_old_experiment_is_run_without_training_or_asking(old: Path) -> None:
    kept = ("*.eval", "*.safetensors", "manifest.json", "rows.jsonl")
    before = files(old, *kept)
    result = run(planned(old), LocalEngine(1))
    assert not result.failed
    assert sorted(Path(log).name for log in result.logs) == sorted(
        file.name for file in (old / "logs" / "experiment").rglob("*.eval")
    )
    assert files(old, *kept) == before
    assert not (old / "logs" / "experiment.superseded").exists()
