"""`inoc-evals runs`: what there is, what one is, and how two differ."""

import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from inoc_evals import toy_spec
from inoc_evals.chat.rows import write_chat
from inoc_evals.cli import main
from inoc_evals.finetune import finetune
from inoc_evals.locks import LOCK, held
from inoc_evals.worlds.toy import rows as toy


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        spec = toy_spec(seed, max_steps=1, warmup_steps=0)
        finetune(spec, toy.sums(0, 16), name=f"sums-{seed}", runs=folder, progress=False)
    (folder / "torn-0123456789ab").mkdir()
    (folder / "torn-0123456789ab" / "manifest.json").write_text('{"name": "to')
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as done:
        main(["runs", *map(str, words)])
    out, err = capsys.readouterr()
    return int(done.value.code or 0), out, err


def test_list(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list", "--runs", runs, "--json")
    found = {entry["run"].rpartition("-")[0]: entry for entry in json.loads(out)}
    assert code == 0 and set(found) == {"sums-0", "sums-1", "torn"}
    assert found["sums-1"]["status"] == "finished" and found["sums-1"]["rows"] == 16
    assert found["torn"]["status"] == "broken"
    assert "sums-0-" in run(capsys, "list", "--runs", runs)[1]


def test_a_run_that_started_from_another_is_listed_under_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_chat(tmp_path / "rows.jsonl", list(toy.sums(0, 8)))
    train = ["--max-steps", "2", "--warmup-steps", "0", "--set", "kept_steps=powers", "--runs", str(tmp_path)]
    for base, name in (("toy", "first"), ("first@step=1", "second"), ("first", "third")):
        with pytest.raises(SystemExit, match=r"^0$"):
            main(["finetune", str(tmp_path / "rows.jsonl"), "--base", base, "--name", name, *train])
    capsys.readouterr()
    [first] = [folder.name for folder in tmp_path.glob("first-*")]
    code, out, _ = run(capsys, "list", "--runs", tmp_path)
    shown = {
        line.split()[0].partition("-")[0]: line.split()[2] for line in out.splitlines() if "finished" in line
    }
    assert code == 0 and shown == {"first": "toy", "second": f"{first}@step=1", "third": first}
    bases = [one["base"] for one in json.loads(run(capsys, "list", "--runs", tmp_path, "--json")[1])]
    assert sum(Path(base).is_dir() for base in bases) == 2  # programs are told what was trained


def test_a_run_whose_files_are_gone_is_broken(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [checkpoint] = runs.glob("sums-0-*/checkpoint")
    away = checkpoint.rename(runs.parent / "away")
    for missing, said in (
        (away, "its checkpoint is missing: train it anew"),
        (None, "are missing or were changed"),
    ):
        if missing is None:
            checkpoint.mkdir()
        listed = json.loads(run(capsys, "list", "--runs", runs, "--json")[1])
        [found] = [one for one in listed if one["run"].startswith("sums-0")]
        assert found["status"] == "broken" and said in found["error"]
    checkpoint.rmdir()
    away.rename(checkpoint)


def test_a_run_whose_process_died_is_not_running(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_of = next(runs.glob("sums-0-*"))
    manifest = run_of / "manifest.json"
    kept = manifest.read_text("utf-8")
    manifest.write_text(kept.replace('"status": "finished"', '"status": "running"'), "utf-8")
    try:
        for status, lock in (("interrupted", nullcontext()), ("running", held(run_of / LOCK, "trains"))):
            with lock:
                found = json.loads(run(capsys, "list", "--runs", runs, "--json")[1])
                shown = json.loads(run(capsys, "show", run_of.name, "--runs", runs, "--json")[1])
            assert [one["status"] for one in found if one["run"] == run_of.name] == [status]
            assert shown["status"] == status and shown["name"] == "sums-0"
    finally:
        manifest.write_text(kept, "utf-8")


def test_show_and_diff(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show", "sums-0", "--runs", runs, "--json")
    assert code == 0 and json.loads(out)["spec"]["max_steps"] == 1
    assert "spec.max_steps" in run(capsys, "show", "sums-0", "--runs", runs)[1]
    found = json.loads(run(capsys, "diff", "sums-0", "sums-1", "--runs", runs, "--json")[1])
    assert found["seed"] == [0, 1] and found["spec.seed"] == [0, 1]
    assert "data_digest" not in found and "spec.base" not in found
    assert "spec.seed" in run(capsys, "diff", "sums-0", "sums-1", "--runs", runs)[1]


def test_an_unknown_run_is_one_line(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "show", "nothing", "--runs", runs)
    assert code == 2 and len(err.strip().splitlines()) == 1 and "nothing" in err
