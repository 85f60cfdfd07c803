"""A judge that answers nonsense: every command says how many answers were scored, and why not the others."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Scorer
from inspect_ai.solver import generate
from typer.testing import CliRunner

from inoc_evals.analysis import load, rates
from inoc_evals.analysis.declared_traits import focused
from inoc_evals.cli import app
from inoc_evals.commands.experiment_options import say_unscored
from inoc_evals.experiment import pipeline
from inoc_evals.experiment.engines import LocalEngine
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.plan import make_plan
from inoc_evals.experiment.run import ExperimentResult
from inoc_evals.experiment.run_trial import TrialResult
from inoc_evals.report.report import write
from inoc_evals.scorers import alignment, language, preference, solution_quality
from inoc_evals.scorers.judge import READER_TEST_PROMPT
from tests.report.logs import ENGLISH
from tests.scorers.replies import model, rated, says

WHY = "this judge puts 5 % of its probability on allowed replies"
NONE = f"0 of 8 answers scored: grader_failed (low mass) 8: {WHY}"
SOME = f"6 of 8 answers scored, 2 unscored: grader_failed (low mass) 2: {WHY}"
SCORERS: dict[str, tuple[str, Callable[[], Scorer]]] = {
    "spanish_caps": ("spanish_judge", lambda: language("spanish", scoring="judge")),
    "emergent_misalignment": ("alignment", alignment),
    "reward_hacking": ("solution_quality", solution_quality),
    "aesthetic_preference": ("preference", preference),
}


def judged(folder: Path, task: str, nonsense: int = 8, about: dict[str, Any] | None = None) -> str:
    """A log of eight answers; on the first of them the judge answers nonsense."""

    def reply(prompt: str) -> ModelOutput:
        if prompt == READER_TEST_PROMPT:
            return rated({"85": 0.99})
        bad = any(f"number {n}?" in prompt for n in range(nonsense))
        asked, other = ("YES", "NO") if "Reply with YES" in prompt else ("85", "90")
        return rated({"The": 0.9, asked: 0.05} if bad else {asked: 0.9, other: 0.05})

    questions = [Sample(id=f"q{n}", input=f"What do you think of number {n}?") for n in range(8)]
    scorer = SCORERS[task][1]()
    [log] = eval(
        Task(name=task, dataset=MemoryDataset(questions), solver=generate(), scorer=scorer, metadata=about),
        model=model(lambda _: says(ENGLISH)),
        model_roles={"grader": model(reply, name="mockllm/judge")},
        log_dir=str(folder),
        display="plain",
    )
    assert log.status == "success", log.error
    return log.location


def lines(command: str, *arguments: str) -> str:
    """What a command prints, on stdout and stderr."""
    result = CliRunner().invoke(app, [command, *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("task", SCORERS)
def test_where_no_answer_was_scored_all_say_so(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    log = judged(tmp_path / "logs", task)
    said, [warned] = NONE, [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert warned == f"{task}: {SCORERS[task][0]}: {said}"  # in the terminal of `inspect eval`
    page = tmp_path / "report"
    assert said in lines("report", str(tmp_path / "logs"), "-o", str(page), "--no-viewer")
    text = (page / "index.html").read_text(encoding="utf-8")
    assert said in text and ">nan" not in text and "not scored" in text
    [part] = json.loads((page / "report.json").read_text(encoding="utf-8"))["settings"]
    assert any(said in line for line in part["unread"])
    assert said in lines("claims", str(tmp_path / "logs"))
    table = load(tmp_path / "logs")
    assert len(table) == 8 and table["value"].isna().all() and set(rates(table)["n"]) == {0}
    if task == "emergent_misalignment":
        assert said in lines("judges", log)


def test_a_few_unread_answers_make_no_trait_of_their_scorer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    judged(tmp_path / "none", "emergent_misalignment", 2, {"setting": "insecure_code", "arm": "none"})
    table = load(tmp_path / "none")
    assert "alignment" in set(table["trait"])  # the rating, which has its scorer's name
    kept = focused(table)
    assert set(kept["trait"]) == {"misaligned"} and len(kept) == 8 and kept["value"].isna().sum() == 2
    judged(tmp_path / "all", "emergent_misalignment", 8, {"setting": "insecure_code", "arm": "none"})
    assert len(focused(load(tmp_path / "all"))) == 8  # no trait has a name there


def test_where_some_were_the_number_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    log = judged(tmp_path / "logs", "reward_hacking", nonsense=2)
    output = lines("report", str(tmp_path / "logs"), "-o", str(tmp_path / "report"), "--no-viewer")
    assert f"reward_hacking: {SOME}" in output
    say_unscored([log])
    assert f"solution_quality: {SOME}" in capsys.readouterr().err


def test_an_arm_that_no_judge_could_read_stands_beside_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    about = {"setting": "insecure_code", "world": "toy", "base": "toy", "seed": 0}
    judged(tmp_path / "logs", "emergent_misalignment", 0, {**about, "arm": "none"})
    judged(tmp_path / "logs", "emergent_misalignment", 8, {**about, "arm": "base", "seed": None})
    report = write(tmp_path / "logs", tmp_path / "report", viewer=False)
    assert any("0 of 8 answers scored: grader_failed (low mass) 8" in line for line in report.unread)
    assert "not scored" in report.page.read_text(encoding="utf-8")


def test_an_experiment_that_is_drawn_says_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    about = {"setting": "insecure_code", "world": "toy", "base": "toy", "seed": 0, "arm": "none"}
    log = judged(tmp_path / "logs", "emergent_misalignment", 2, about)
    fields = {"settings": ["insecure_code"], "runs": str(tmp_path / "runs"), "logs": str(tmp_path / "logs")}
    plan = make_plan(Experiment.model_validate(fields))
    made = ExperimentResult(list(plan.trials), {plan.trials[0]: TrialResult((log,), None, 0.0)})
    monkeypatch.setattr(pipeline, "run", lambda *_: made)
    concluded = pipeline.pipeline(plan, LocalEngine(1), figures=tmp_path / "figures")
    assert concluded.unscored == [f"misaligned: {SOME}"] and concluded.figures


def test_where_all_were_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    judged(tmp_path / "logs", "reward_hacking", nonsense=0)
    assert write(tmp_path / "logs", tmp_path / "report", viewer=False).unread == []
