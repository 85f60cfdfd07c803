"""Folders with odd names, behind links, copied from elsewhere, under a clock that jumps: one experiment."""

import os
import shutil
import time
from pathlib import Path

import pytest

from inoc_evals.analysis import load
from inoc_evals.cli import main
from inoc_evals.errors import UserError
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.plan import Plan, make_plan
from inoc_evals.experiment.run_trial import run_trial
from inoc_evals.experiment.storage import Storage

YEAR = 365 * 24 * 3600.0


def planned(runs: Path | str, logs: Path | str) -> Plan:
    """A small experiment of two models, planned."""
    return make_plan(
        Experiment.model_validate(
            {
                "settings": ("spanish_caps",),
                "arms": ("none",),
                "world": "toy",
                "seeds": 1,
                "finetune": {"max_steps": 2, "warmup_steps": 1},
                "evaluate": {"limit": 2},
                "runs": str(runs),
                "logs": str(logs),
            }
        )
    )


def run(plan: Plan) -> list[str]:
    """Run it in this process; the locations of its logs."""
    storage = Storage(plan.storage.runs, plan.storage.logs)
    return [log for trial in plan.trials for log in run_trial(trial, storage).logs]


def left(plan: Plan) -> tuple[int, int]:
    """Finetunes and answers that are left."""
    return plan.new, plan.answers_left


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment that was run."""
    folder = tmp_path_factory.mktemp("done")
    assert len(run(planned(folder / "runs", folder / "logs"))) == 2
    assert left(planned(folder / "runs", folder / "logs")) == (0, 0)
    return folder


@pytest.mark.parametrize(
    "name", ["with a blank", "日本 ünï 🙂", 'it\'s "so"', "a+b=c,d;e&f", "-rf", "~", "line\nbreak"]
)
def test_a_folder_may_have_any_name_or_is_refused_before_anything_is_done(name: str, tmp_path: Path) -> None:
    runs, logs = tmp_path / name / "runs", tmp_path / name / "logs"
    try:
        plan = planned(runs, logs)
    except UserError as error:
        assert name == "line\nbreak" and "give another" in str(error) and not (tmp_path / name).exists()
        return
    assert len(run(plan)) == 2 and left(planned(runs, logs)) == (0, 0)
    assert set(load(logs)["arm"]) == {"base", "none"}
    with pytest.raises(SystemExit) as end:
        main(["report", str(logs), "-o", str(tmp_path / name / "report"), "--no-viewer"])
    assert not end.value.code
    assert (tmp_path / name / "report" / "index.html").is_file()


def test_logs_and_runs_behind_links_are_those_they_lead_to(done: Path, tmp_path: Path) -> None:
    for name in ("runs", "logs"):
        (tmp_path / name).symlink_to(done / name, target_is_directory=True)
    plan = planned(tmp_path / "runs", tmp_path / "logs")
    assert left(plan) == (0, 0)
    assert {Path(log).resolve() for log in run(plan)} <= set((done / "logs").rglob("*.eval"))


def test_what_is_copied_from_another_machine_is_not_done_again(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other paths, other times, and a lock of a process that never ran here."""
    shutil.copytree(done, tmp_path / "copy", copy_function=shutil.copyfile)
    monkeypatch.chdir(tmp_path / "copy")
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    plan = planned("runs", "logs")
    assert left(plan) == (0, 0)
    run(plan)
    after = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    changed = {str(path) for path in after if before.get(path) != after[path] and path.name != ".lock"}
    assert not changed and before.keys() <= after.keys()


def test_a_copied_run_that_was_killed_goes_on_where_it_was(done: Path, tmp_path: Path) -> None:
    """Its manifest says that it is running, and nobody runs it."""
    shutil.copytree(done / "runs", tmp_path / "runs")
    [manifest] = (tmp_path / "runs").glob("*/manifest.json")
    text = manifest.read_text("utf-8")
    manifest.write_text(text.replace('"status": "finished"', '"status": "running"'), "utf-8")
    shutil.rmtree(manifest.parent / "checkpoint")
    plan = planned(tmp_path / "runs", tmp_path / "logs")
    assert plan.new == 1
    assert len(run(plan)) == 2 and left(planned(tmp_path / "runs", tmp_path / "logs")) == (0, 0)


def test_a_run_without_its_weights_is_planned_to_be_trained(done: Path, tmp_path: Path) -> None:
    """As where only the small files were copied: `finetune` would train it, so the plan has to say so."""
    shutil.copytree(done, tmp_path / "copy")
    [weights] = (tmp_path / "copy" / "runs").glob("*/checkpoint/adapter_model.safetensors")
    weights.unlink()
    assert planned(tmp_path / "copy" / "runs", tmp_path / "copy" / "logs").new == 1


@pytest.mark.parametrize("years", [-30, 10])
def test_a_clock_that_jumped_changes_nothing(done: Path, tmp_path: Path, years: int) -> None:
    """Files that are older than the epoch's first years, or of the future."""
    shutil.copytree(done, tmp_path / "copy")
    then = time.time() + years * YEAR
    for path in (tmp_path / "copy").rglob("*"):
        os.utime(path, (then, then))
    runs, logs = tmp_path / "copy" / "runs", tmp_path / "copy" / "logs"
    logs_before = sorted(logs.rglob("*.eval"))
    assert left(planned(runs, logs)) == (0, 0)
    run(planned(runs, logs))
    assert sorted(logs.rglob("*.eval")) == logs_before
    table = load(logs)
    assert len(table) == len(load(done / "logs")) and set(table["arm"]) == {"base", "none"}


def test_answers_under_a_clock_that_went_back_take_the_place_of_earlier_ones(
    done: Path, tmp_path: Path
) -> None:
    """Logs are named by the time. Others of the same model, with more questions, are still the result."""
    shutil.copytree(done, tmp_path / "copy")
    runs, logs = tmp_path / "copy" / "runs", tmp_path / "copy" / "logs"
    for log in logs.rglob("*.eval"):  # as if they were written in the year 2999
        log.rename(log.with_name("2999" + log.name[4:]))
    plan = planned(runs, logs)
    assert left(plan) == (0, 0)
    more = Experiment.model_validate(
        {**plan.experiment.model_dump(), "evaluate": {**plan.experiment.evaluate.model_dump(), "limit": 3}}
    )
    found = run(make_plan(more))
    table = load(logs)
    assert all("2999" not in log for log in found)
    assert table.groupby("arm", observed=True)["question"].nunique().to_dict() == {"base": 3, "none": 3}
