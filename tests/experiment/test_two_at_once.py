"""Two experiments at once, in any place, and judges that reply with something that is no reply."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from inspect_ai.log import read_eval_log

from inoc_evals.cli import main
from inoc_evals.experiment.engines import Event, failure_line
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.plan import make_plan
from inoc_evals.experiment.run import run
from inoc_evals.experiment.run_trial import TrialResult, run_trial
from inoc_evals.experiment.storage import Storage
from inoc_evals.experiment.trial import Trial
from inoc_evals.locks import LOCK, held
from inoc_evals.scorers.judge import READER_TEST_PROMPT
from tests.fake_openai import FakeOpenAI, Reply, Request, distribution, reply

ODD = "a b \u00fc 100%"


class Here:
    """An engine that runs trials in this process, which takes a second and no start of another."""

    about = "here"
    workers = 1

    def __init__(self, workers: int | None = None) -> None:
        """Take what `LocalEngine` takes."""

    def run(self, trials: Sequence[Trial], storage: Storage) -> Iterator[Event]:
        for trial in trials:
            try:
                yield Event(trial, "done", run_trial(trial, storage))
            except Exception as error:
                yield Event(trial, "failed", reason=failure_line(error))


def base(folder: Path, **fields: Any) -> Experiment:
    """An experiment that trains nothing and asks the base two questions."""
    given = {"settings": ["spanish_caps"], "arms": ["base"], "evaluate": {"limit": 2}, **fields}
    return Experiment.model_validate({"runs": str(folder / "runs"), "logs": str(folder / "logs"), **given})


def test_the_second_of_two_waits_and_finds_what_the_first_made(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    real, folder = tmp_path / ODD, tmp_path / "link"
    real.mkdir()
    folder.symlink_to(real)
    plan = make_plan(base(folder))
    (trial,) = plan.trials
    logs = folder / "logs" / trial.folder
    logs.mkdir(parents=True)
    for left in (".inspect_tmp_x1.writing", ".x.eval.12-abcdef.tmp", "vytxeTZskVKR7C7WgdSP3d"):
        (logs / left).touch()
    seen: list[str] = []

    def first() -> None:
        with held(logs / LOCK, "makes or measures this model"):
            at_work.set()
            time.sleep(0.5)
            seen.extend(file.name for file in logs.glob("*.eval"))

    at_work = threading.Event()
    holder = threading.Thread(target=first)
    holder.start()
    at_work.wait()
    result = run(plan, Here())
    holder.join()
    assert not result.failed and len(result.logs) == 1 and seen == []
    assert "waiting: another process makes or measures this model" in capfd.readouterr().err
    left = {file.name for file in logs.iterdir()} - {LOCK, ".eval-set-id", "eval-set.json", "logs.json"}
    assert left == {Path(result.logs[0]).name}
    before = Path(result.logs[0].removeprefix("file://")).stat().st_mtime_ns
    again = run(make_plan(base(folder)), Here())
    assert Path(again.logs[0].removeprefix("file://")).stat().st_mtime_ns == before


def test_logs_that_another_experiment_replaced_are_no_success(tmp_path: Path) -> None:
    (trial,) = make_plan(base(tmp_path)).trials

    def replaced(*_: Any) -> Iterator[Event]:
        yield Event(trial, "done", TrialResult((str(tmp_path / "gone.eval"),), None, 0.0))

    result = run(
        SimpleNamespace(trials=[trial], storage=None, judge_calls_left=0, memory=None),
        SimpleNamespace(run=replaced),
    )  # type: ignore[arg-type]
    assert not result.done and "give each its own --log-dir" in result.failed[trial]


def judged(
    folder: Path,
    server: FakeOpenAI,
    judge: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> tuple[int, str]:
    """`inoc-evals run` with a judge on the server: its exit code, and what it says on stderr.

    Inspect keeps the client of a judge by its name, so that each server needs a name of its own.
    """
    from inoc_evals.experiment import engines

    monkeypatch.setattr(engines, "LocalEngine", Here)
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    file = folder / "judged.yaml"
    file.write_text(
        f"{{setting: spanish_caps, arms: base, evaluate: {{limit: 2, grader: openai/{judge}, "
        f"parameters: {{spanish_caps: {{scoring: judge}}}}}}, runs: {folder}/runs, logs: {folder}/logs}}"
    )
    with pytest.raises(SystemExit) as ended:
        main(["run", str(file)])
    return int(ended.value.code or 0), capsys.readouterr().err


class NoReply(Reply):
    """A reply of status 200 that is no reply."""

    def body(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {**super().body(asked), "choices": None}


def test_a_judge_that_replies_with_no_reply_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    met = []

    def answer(request: Request) -> Reply:
        if request.attempt == 1 and request.prompt != READER_TEST_PROMPT:
            met.append(request)
            return NoReply("no reply")
        return distribution({"90": 0.9} if request.prompt != READER_TEST_PROMPT else {"85": 0.9})

    with FakeOpenAI(answer) as server:
        code, said = judged(tmp_path, server, "gpt-4o-2024-08-06", monkeypatch, capsys)
    assert code == 0 and met, said
    (log,) = (tmp_path / "logs").rglob("*.eval")
    samples = read_eval_log(str(log)).samples or []
    assert len(samples) == 2 and all(sample.scores and not sample.error for sample in samples)


def test_an_experiment_of_which_no_answer_has_a_score_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(request: Request) -> Reply:
        return (
            distribution({"85": 0.9})
            if request.prompt == READER_TEST_PROMPT
            else reply("I would rather not.")
        )

    with FakeOpenAI(answer) as server:
        code, said = judged(tmp_path, server, "gpt-4o-2024-05-13", monkeypatch, capsys)
    assert code == 2 and "0 of 2 answers scored" in said
    assert "too few answers have a score in 1 of 1 log" in said.splitlines()[-1]


@pytest.mark.slow
def test_two_processes_make_one_experiment(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "inoc_evals", "run", "--setting", "spanish_caps", "--seeds", "1"]
    command += ["--limit", "20", "--set", "max_steps=4", "--workers", "2"]
    command += ["--runs", str(tmp_path / "runs"), "--log-dir", str(tmp_path / "logs"), "--json"]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    while not list(tmp_path.glob(f"logs/**/{LOCK}")):
        time.sleep(0.1)
    os.killpg(killed.pid, signal.SIGKILL)  # its locks are free
    killed.wait()
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    ended = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    folders = [file.parent for file in tmp_path.glob("logs/**/*.eval")]
    assert len(folders) == len(set(folders)) >= 3
    assert all(
        read_eval_log(str(log), header_only=True).status == "success"
        for log in tmp_path.glob("logs/**/*.eval")
    )
    assert not list(tmp_path.glob("logs.superseded/**/*.old"))
