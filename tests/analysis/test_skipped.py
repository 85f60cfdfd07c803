"""Every command that reads a folder of logs reads the good ones, and says which it left out and why."""

import json
import shutil
from pathlib import Path

import pytest
from inspect_ai import eval
from inspect_ai.log import read_eval_log, write_eval_log

from inoc_evals.cli import main
from tests.analysis.test_table import answer, write

BAD = "2026-01-01T00-00-00_x_abc.eval"

COMMANDS = (
    *("at-k", "audit", "claims", "judges", "precision", "presets", "report"),
    *("selectivity --unwanted misaligned", "table", "table --of rates", "table -o t.csv --force"),
)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs of two models that were judged, beside an empty file of a log's name."""
    folder = tmp_path_factory.mktemp("judged") / "logs"
    for arm in ("none", "general"):
        [log] = eval(
            "inoc_evals/emergent_misalignment",
            model="inoc/toy",
            model_roles={"grader": "inoc/toy-judge"},
            task_args={"questions": "toy"},
            metadata={"arm": arm, "setting": "mine", "base": "toy"},
            limit=3,
            epochs=2,
            log_dir=str(folder),
            display="none",
        )
        assert log.status == "success"
    (folder / BAD).touch()
    return folder


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*words: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        main([str(word) for word in words])
    return int(exit_.value.code or 0)


@pytest.mark.parametrize("words", COMMANDS)
def test_what_is_left_out_of_a_folder_is_said(
    words: str, judged: Path, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(judged, work / "logs")
    name, *options = words.split()
    said = f"skipped logs/{BAD}: not a log that Inspect can read: "
    assert called(name, "logs", *options) == 0
    shown = capsys.readouterr()
    assert [line for line in shown.err.splitlines() if line.startswith(said)] and said not in shown.out
    assert called(name, "logs", *options, "--json") == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    if isinstance(found, list):  # rows alone
        assert said in shown.err
    else:
        [[location, why]] = found["skipped"]
        assert location == f"logs/{BAD}" and said.endswith(f"{why.partition(': ')[0]}: ")


def test_a_folder_without_one_good_log_and_a_bad_log_that_is_named_are_errors(
    judged: Path, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / "logs").mkdir()
    bad = work / "logs" / BAD
    bad.touch()
    for place in ("logs", bad):
        assert called("judges", place) == 2
        assert "not a log that Inspect can read" in capsys.readouterr().err
    assert called("judges", judged, bad) == 2


def test_judges_count_an_evaluation_once_that_was_tried_again(
    judged: Path, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called("judges", judged, "--json") == 0
    once = json.loads(capsys.readouterr().out)
    shutil.copytree(judged, work / "logs")
    for file in judged.glob("*misalignment*"):
        log = read_eval_log(str(file))
        log.eval.eval_id, log.eval.created = f"{log.eval.eval_id}x", "2026-12-31T00:00:00+00:00"
        write_eval_log(log, str(work / "logs" / f"again-{file.name}"))
    assert called("judges", "logs", "--json") == 0
    twice = json.loads(capsys.readouterr().out)
    assert [rate["n"] for rate in twice["rates"]] == [rate["n"] for rate in once["rates"]]
    assert len(twice["skipped"]) == 1 + 2


def attempt(file: Path, number: int, status: str) -> str:
    """A log of one of several attempts at an evaluation."""
    samples = [answer(number, value=number % 2) for number in range(4)]
    log = read_eval_log(write(file, samples, status=status, task_id="t", eval_id=f"e{number}"))
    log.eval.created = f"2026-01-01T00:0{number}:00+00:00"
    write_eval_log(log, str(file))
    return str(file)


@pytest.mark.parametrize("status", ["started", "error", "cancelled"])
def test_an_attempt_that_was_tried_again_is_no_finding(
    status: str, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = work / "logs"
    logs.mkdir()
    first = attempt(logs / "a.eval", 1, status)
    again = attempt(logs / "b.eval", 2, "success")
    assert called("audit", logs, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert "log left out" not in [finding["kind"] for finding in found["findings"]]
    assert found["skipped"] == [[first, f"the same answers are in {again}, which tried it again"]]
    assert called("claims", logs) == 0
    assert "not finished" not in "".join(capsys.readouterr())


def test_of_attempts_that_all_failed_the_last_is_the_one_to_finish(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = work / "logs"
    logs.mkdir()
    write(logs / "good.eval", [answer(number, value=number % 2) for number in range(4)])
    for number in range(3):
        attempt(logs / f"{number}.eval", number, "error")
    assert called("audit", logs, "--json") == 0
    left = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["kind"] == "log left out"]
    [finding] = left
    assert "2.eval: not finished" in finding["what"]
