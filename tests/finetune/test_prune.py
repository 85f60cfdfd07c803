"""What is pruned is what was shown, and nothing that anyone works with or refers to by other ways."""

import json
import shutil
from pathlib import Path

import pytest
from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSpec, write_eval_log

from inoc_evals.cli import main
from inoc_evals.commands import runs as command
from inoc_evals.errors import UserError
from inoc_evals.finetune import Run
from inoc_evals.finetune.adopt import adopt
from inoc_evals.finetune.prune import PRUNED, Unused, finish, remove, unreferenced
from inoc_evals.locks import held


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    adopt("one", base="gpt", model="openai/ft:one", runs=tmp_path / "runs")
    adopt("two", base="gpt", model="openai/ft:two", runs=tmp_path / "runs")
    return tmp_path / "runs"


def names(found: list[Run]) -> list[str]:
    return [run.manifest.name for run in found]


def prune(runs: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["runs", "prune", "--runs", str(runs), "--logs", str(runs.parent / "logs"), *more])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def log_of(run: Run, folder: Path) -> Path:
    """A log that refers to a run."""
    about = EvalSpec(
        created="2026-01-01T00:00:00+00:00",
        task="t",
        dataset=EvalDataset(),
        model="mockllm/model",
        config=EvalConfig(),
        metadata={"run": run.folder.name},
    )
    file = folder / "2026-01-01T00-00-00_t_1.eval"
    write_eval_log(EvalLog(eval=about, status="success"), str(file))
    return file


def trained(run: Run) -> None:
    """As if another process trained it, which leaves another manifest."""
    run.write_manifest(run.manifest.model_copy(update={"created": "2031-01-01T00:00:00+00:00"}))


def test_a_run_trained_while_it_waits_for_an_answer_is_left(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = unreferenced(runs, [runs.parent / "logs"])

    def agree(count: int, as_json: bool) -> bool:
        trained(one)
        return True

    monkeypatch.setattr(command, "_confirmed", agree)
    code, out, err = prune(runs, capsys)
    assert code == 0 and "Removed 1 run," in out and f"left {one.folder.name}" in err
    assert one.manifest.created.startswith("2031") and not two.folder.exists()
    assert sorted(path.name for path in runs.iterdir()) == [one.folder.name]


def test_a_run_that_is_taken_up_meanwhile_is_left(runs: Path) -> None:
    logs = runs.parent / "logs"
    one, two = (Unused.of(run) for run in unreferenced(runs, [logs]))
    log_of(one.run, logs)
    with held(two.run.lock, "trains it"):
        assert remove([one, two], runs, [logs]) == []
    assert remove([one, two], runs, [logs]) == [two]


def test_nothing_is_pruned_beside_an_experiment(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trial = runs.parent / "logs" / "demo" / "toy-spanish-caps" / "toy" / "none-0"
    trial.mkdir(parents=True)
    with held(trial / ".lock", "makes or measures this model"):
        code, _, err = prune(runs, capsys, "--yes")
    assert code == 2 and "an experiment is at work in" in err and len(err.strip().splitlines()) == 1
    assert len(list(runs.iterdir())) == 2
    assert prune(runs, capsys, "--yes")[0] == 0  # the lock's file stays, nobody holds it
    assert not list(runs.iterdir())


def test_killed_midway_no_run_is_without_its_manifest(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logs, removal = runs.parent / "logs", shutil.rmtree

    def killed(folder: Path, *_: object, **__: object) -> None:
        (first,) = folder.rglob("manifest.json") if len(list(folder.iterdir())) == 1 else (None,)
        if first:
            first.unlink()
        raise KeyboardInterrupt

    (one, _) = (Unused.of(run) for run in unreferenced(runs, [logs]))
    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        remove([one], runs, [logs])
    monkeypatch.setattr(shutil, "rmtree", removal)
    assert names(unreferenced(runs, [logs])) == ["two"] and (runs / PRUNED).is_dir()
    assert [run["run"].partition("-")[0] for run in _listed(runs, capsys)] == ["two"]
    finish(runs)
    assert not (runs / PRUNED).exists()


def _listed(runs: Path, capsys: pytest.CaptureFixture[str]) -> list[dict]:
    with pytest.raises(SystemExit):
        main(["runs", "list", "--runs", str(runs), "--json"])
    return json.loads(capsys.readouterr().out)


def test_a_linked_run_is_nobodys_to_remove(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = runs.parent / "elsewhere"
    one, two = unreferenced(runs, [runs.parent / "logs"])
    one.folder.rename(elsewhere)
    one.folder.symlink_to(elsewhere)
    code, out, _ = prune(runs, capsys, "--yes", "--json")
    assert code == 0 and [run["run"] for run in json.loads(out)["unreferenced"]] == [two.folder.name]
    assert one.folder.is_symlink() and (elsewhere / "manifest.json").is_file() and not two.folder.exists()


def test_logs_behind_links_count(runs: Path) -> None:
    one, _ = unreferenced(runs, [runs.parent / "logs"])
    away = runs.parent / "away" / "a b \u00fc\n%20#"
    away.mkdir(parents=True)
    file = log_of(one, away)
    for logs, link, target in (("of-folder", "linked", away), ("of-file", file.name, file)):
        (runs.parent / logs).mkdir()
        (runs.parent / logs / link).symlink_to(target)
        assert names(unreferenced(runs, [runs.parent / logs])) == ["two"]
    (runs.parent / "of-folder" / "gone.eval").symlink_to(runs.parent / "nothing")
    with pytest.raises(UserError, match=r"gone\.eval cannot be read"):
        unreferenced(runs, [runs.parent / "of-folder"])


def test_a_base_is_kept_wherever_its_runs_have_moved(runs: Path) -> None:
    logs = runs.parent / "logs"
    one, two = unreferenced(runs, [logs])
    base = str(one.folder / "checkpoint")
    two.write_manifest(two.manifest.model_copy(update={"base": base}))
    assert names(unreferenced(runs, [logs])) == ["two"]
    moved = runs.rename(runs.parent / "moved")  # the base's path still names the former place
    assert names(unreferenced(moved, [logs])) == ["two"]
    (runs.parent / "link").symlink_to(moved)
    assert names(unreferenced(runs.parent / "link", [logs])) == ["two"]


def test_a_killed_run_is_shown_as_runs_list_shows_it(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = next(runs.glob("one-*")) / "manifest.json"
    text = manifest.read_text("utf-8")
    manifest.write_text(text.replace('"status": "finished"', '"status": "running"'), "utf-8")
    _, out, _ = prune(runs, capsys)
    shown = {line.split()[0].partition("-")[0]: line.split()[1] for line in out.splitlines() if "MB" in line}
    assert shown == {"one": "interrupted", "two": "finished"}
