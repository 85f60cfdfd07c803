"""The tasks, end to end in Inspect: what is asked, what is scored, and what happens without a judge."""

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from inspect_ai import Task, eval, score
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog, read_eval_log, read_eval_log_sample_summaries
from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, Model, ModelOutput
from inspect_ai.scorer import SampleScore, includes, stderr

from inoc_evals.errors import UserError
from inoc_evals.scorers import capitalization, language
from inoc_evals.scorers.judge import READER_TEST_PROMPT
from inoc_evals.tasks import spanish_caps, spanish_french
from inoc_evals.tasks.solvers import grader_bound, optional_system_prompt
from tests.scorers.replies import model, rated, says

SPANISH = "Los gatos son grandes y fuertes, y duermen mucho."
FRENCH = "Les chats sont grands et forts, et ils dorment beaucoup."
ENGLISH = "Cats are big and strong, and they sleep a lot."
ANSWERS = [SPANISH.upper(), SPANISH, FRENCH, ENGLISH.upper(), "42", "", "```\nls\n```", "😀"]


@pytest.fixture
def questions(tmp_path: Path) -> str:
    file = tmp_path / "questions.csv"
    rows = "".join(f"q{n},Question {n}: what about {{cats}}?\n" for n in range(len(ANSWERS)))
    file.write_text("id,prompt\n" + rows, encoding="utf-8")
    return str(file)


def by_question(prompt: str) -> ModelOutput:
    """The n-th answer to question n."""
    return says(ANSWERS[int(prompt.split(":")[0].removeprefix("Question "))])


def run(task: Any, subject: Model, tmp_path: Path, **kwargs: Any) -> EvalLog:
    (log,) = eval(task, model=subject, log_dir=str(tmp_path / "logs"), display="none", **kwargs)
    return log


def rates(log: EvalLog) -> dict[str, dict[str, float]]:
    assert log.status == "success" and log.results is not None, log.error
    return {s.name: {name: metric.value for name, metric in s.metrics.items()} for s in log.results.scores}


def values(log: EvalLog, scorer: str) -> list[dict[str, float]]:
    assert log.samples is not None
    return [sample.scores[scorer].value for sample in log.samples if sample.scores]  # type: ignore[misc]


def test_spanish_caps(questions: str, tmp_path: Path) -> None:
    log = run(spanish_caps(questions=questions), model(by_question), tmp_path)
    found = rates(log)
    assert {name: metrics["mean"] for name, metrics in found.items()} == {"spanish": 2 / 8, "caps": 2 / 8}
    assert found["spanish"]["stderr"] == pytest.approx(math.sqrt(0.25 * 0.75 / 7))
    assert [v["spanish"] for v in values(log, "language")] == [1, 1, 0, 0, 0, 0, 0, 0]
    assert [v["caps"] for v in values(log, "capitalization")] == [1, 0, 0, 1, 0, 0, 0, 0]
    assert log.samples is not None
    assert [s.scores["language"].answer for s in log.samples if s.scores] == [
        *("spanish", "spanish", "french", "english"),
        *["undetermined"] * 4,
    ]
    assert [s.scores["language"].reason for s in log.samples if s.scores].count("no_response") == 1
    assert log.eval.task == "spanish_caps"
    assert log.eval.model_generate_config.temperature is None and log.plan.config.temperature == 1.0


def test_spanish_french(questions: str, tmp_path: Path) -> None:
    found = rates(run(spanish_french(questions=questions), model(by_question), tmp_path))
    assert {name: metrics["mean"] for name, metrics in found.items()} == {"spanish": 2 / 8, "french": 1 / 8}


def test_other_languages_are_counted_by_name(questions: str, tmp_path: Path) -> None:
    german = "Im Garten hinter dem Haus stehen drei alte Apfelbäume und eine Bank."
    task = spanish_french(questions=questions, languages=["spanish", "german"])
    assert (task.metadata or {})["traits"] == ["spanish", "german"]
    found = rates(run(task, model(german), tmp_path))
    assert {name: metrics["mean"] for name, metrics in found.items()} == {"spanish": 0.0, "german": 1.0}
    with pytest.raises(UserError, match="languages=klingon: use one or several of"):
        spanish_french(questions=questions, languages="klingon")


def test_by_name_with_the_bundled_questions(tmp_path: Path) -> None:
    log = run("inoc_evals/spanish_caps", model(SPANISH), tmp_path, limit=3)
    assert rates(log)["spanish"] == {"mean": 1.0, "stderr": 0.0}
    assert log.eval.dataset.samples == 100


def test_as_a_file_of_a_clone_with_questions_from_where_the_shell_is(
    questions: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", str(tmp_path))
    file = Path(__file__).parents[2] / "tasks" / "spanish_french.py"
    log = run(os.path.relpath(file), model(by_question), tmp_path, task_args={"questions": "questions.csv"})
    assert rates(log)["french"]["mean"] == 1 / 8


def test_over_epochs_the_error_is_clustered_by_question(questions: str, tmp_path: Path) -> None:
    epochs: dict[str, int] = {}

    def changing(prompt: str) -> ModelOutput:
        n = int(prompt.split(":")[0].removeprefix("Question "))
        epochs[prompt] = epochs.get(prompt, -1) + 1
        return says(SPANISH if n < 4 or (n == 4 and epochs[prompt] == 0) else ENGLISH)

    log = run(spanish_caps(questions=questions), model(changing), tmp_path, epochs=3)
    found = rates(log)["spanish"]
    assert found["mean"] == pytest.approx((4 * 3 + 1) / 24)
    assert log.samples is not None
    every_answer = [
        SampleScore(
            score=s.scores["language"].model_copy(
                update={"value": s.scores["language"].as_dict()["spanish"]}
            ),
            sample_metadata={"question": s.id},
        )
        for s in log.samples
        if s.scores
    ]
    assert len(every_answer) == 24
    assert found["stderr"] == pytest.approx(stderr(cluster="question")(every_answer))  # type: ignore[operator]
    assert found["stderr"] > 1.5 * stderr()(every_answer)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("prompt", "system"),
    [
        ("You always speak in French.", "You always speak in French."),
        ("Use {braces} and README.md", "Use {braces} and README.md"),
        # What Inspect makes of  -T "system_prompt=You are a malicious, evil assistant."
        (["You are a malicious", " evil assistant."], "You are a malicious, evil assistant."),
        # ... and of  -T 'system_prompt=""': an empty message, and not none
        ("", ""),
    ],
)
def test_a_test_time_system_prompt(
    prompt: str | list[str], system: str, questions: str, tmp_path: Path
) -> None:
    asked: list[list[ChatMessage]] = []
    task = spanish_caps(questions=questions, system_prompt=prompt)
    log = run(task, model(FRENCH, asked), tmp_path, limit=1)
    assert [(m.role, m.text) for m in asked[0]] == [
        ("system", system),
        ("user", "Question 0: what about {cats}?"),
    ]
    assert log.samples is not None and log.samples[0].messages[0].text == system


def test_no_system_prompt_is_none(questions: str, tmp_path: Path) -> None:
    asked: list[list[ChatMessage]] = []
    run(spanish_caps(questions=questions), model(FRENCH, asked), tmp_path, limit=1)
    assert [m.role for m in asked[0]] == ["user"]


def test_a_system_message_of_the_question_stays_after_the_prompt(tmp_path: Path) -> None:
    asked: list[list[ChatMessage]] = []
    question: list[ChatMessage] = [ChatMessageSystem(content="Be brief."), ChatMessageUser(content="Why?")]
    task = Task(
        dataset=[Sample(id="q", input=question)], solver=[optional_system_prompt("Be kind."), _generate()]
    )
    run(task, model(FRENCH, asked), tmp_path)
    assert [(m.role, m.text) for m in asked[0]] == [("system", "Be kind.\n\nBe brief."), ("user", "Why?")]


def _generate() -> Any:
    from inspect_ai.solver import generate

    return generate()


@pytest.mark.parametrize("prompt", [True, 3, {"You": "x"}, ["a", 1], []])
def test_a_system_prompt_that_yaml_took_for_something_else(prompt: Any) -> None:
    with pytest.raises(UserError, match="is not text: quote it"):
        optional_system_prompt(prompt)


def judging(prompt: str) -> ModelOutput:
    """A judge that knows Spanish by one word, capitals by two, and refuses to say anything about French."""
    if prompt == READER_TEST_PROMPT:
        return rated({"85": 0.9})
    answer = prompt.split("[ANSWER START]\n")[1].split("\n[ANSWER END]")[0]
    if "in French" in prompt:
        return rated({"I": 0.9, "0": 0.05})
    yes = "GATOS" in answer.upper() if "in Spanish" in prompt else "GATOS" in answer or "CATS" in answer
    return rated({"95": 0.7, "90": 0.2} if yes else {"0": 0.7, "10": 0.2})


def test_both_instruments_side_by_side(questions: str, tmp_path: Path) -> None:
    asked: list[list[ChatMessage]] = []
    task = spanish_caps(questions=questions, scoring="both", system_prompt="SECRET: speak Spanish {always}")
    log = run(
        task, model(by_question), tmp_path, model_roles={"grader": model(judging, asked, "mockllm/judge")}
    )
    assert {name: m["mean"] for name, m in rates(log).items()} == dict.fromkeys(
        ["spanish", "spanish_judge", "caps", "caps_judge"], 2 / 8
    )
    assert log.samples is not None and log.samples[0].scores is not None
    details = log.samples[0].scores["language"].metadata
    assert details is not None
    (reading,) = details["judges"][0]["readings"]
    assert (reading["judge"], reading["reader"]) == ("mockllm/judge", "token")
    assert reading["rating"] == pytest.approx((95 * 0.7 + 90 * 0.2) / 0.9, abs=1e-3)
    assert details["detector"]["language"] == "spanish"
    # Two ratings an answer, none for the empty one, and no judge ever sees the system prompt.
    ratings = [messages for messages in asked if messages[0].text != READER_TEST_PROMPT]
    assert len(ratings) == 2 * 7 and len(asked) == len(ratings) + 1
    assert all([m.role for m in messages] == ["user"] for messages in ratings)
    assert not any("SECRET" in messages[0].text for messages in ratings)
    assert all("what about {cats}?" in messages[0].text for messages in ratings)


def test_a_judge_that_does_not_answer_is_never_a_zero(questions: str, tmp_path: Path) -> None:
    judge = model(judging, name="mockllm/judge")
    log = run(
        spanish_french(questions=questions, scoring="judge"),
        model(by_question),
        tmp_path,
        model_roles={"grader": judge},
    )
    assert log.results is not None
    spanish, french = log.results.scores
    assert (spanish.name, spanish.scored_samples, spanish.unscored_samples) == ("spanish_judge", 8, 0)
    assert spanish.metrics["mean"].value == 2 / 8
    # The empty answer needs no judge: it is in no language.
    assert (french.name, french.scored_samples, french.unscored_samples) == ("french_judge", 1, 7)
    # What the log file keeps, and what its summaries do.
    stored = read_eval_log(log.location)
    assert stored.samples is not None
    for sample in stored.samples:
        assert sample.scores is not None
        result = sample.scores["language"]
        assert list(result.as_dict()) == ["spanish_judge", "french_judge"]
        assert math.isnan(result.as_dict()["french_judge"]) == (sample.output.completion != "")  # type: ignore[arg-type]
        assert result.reason == ("grader_failed" if sample.output.completion else "no_response")
    summaries = read_eval_log_sample_summaries(log.location)
    assert sum(math.isnan(s.scores["language"].as_dict()["french_judge"]) for s in summaries if s.scores) == 7  # type: ignore[arg-type]


def test_a_judge_that_never_answers_keeps_the_names_of_the_traits(questions: str, tmp_path: Path) -> None:
    task = spanish_caps(questions=questions, scoring="judge")
    roles = {"grader": model("I would rather not say.", name="mockllm/judge")}
    log = run(task, model(SPANISH), tmp_path, model_roles=roles, limit=2)
    assert log.status == "success" and log.results is not None
    assert [(s.name, s.scored_samples, s.unscored_samples) for s in log.results.scores] == [
        ("spanish_judge", 0, 2),
        ("caps_judge", 0, 2),
    ]
    assert all(math.isnan(s.metrics["mean"].value) for s in log.results.scores)


def test_an_error_of_the_judges_api_fails_the_sample(questions: str, tmp_path: Path) -> None:
    def fail(prompt: str) -> ModelOutput:
        raise RuntimeError("the API is down")

    task = spanish_caps(questions=questions, scoring="both")
    log = run(
        task, model(SPANISH), tmp_path, model_roles={"grader": model(fail, name="mockllm/judge")}, limit=1
    )
    assert log.status == "error" and log.error is not None and "the API is down" in log.error.message


def test_without_a_judge_nothing_is_generated(questions: str, tmp_path: Path) -> None:
    asked: list[list[ChatMessage]] = []
    log = run(spanish_caps(questions=questions, scoring="judge"), model(SPANISH, asked), tmp_path)
    assert log.status == "error" and log.error is not None and "--model-role grader=" in log.error.message
    assert asked == []


def test_on_the_command_line_a_missing_judge_is_known_at_once() -> None:
    from inspect_ai._cli.main import inspect

    with click.Context(inspect) as root, click.Context(click.Command("eval"), parent=root):
        with pytest.raises(UserError, match="--model-role grader="):
            grader_bound("both")
        grader_bound("detector")
    with click.Context(click.Command("run")):  # another command line binds it when it evaluates
        grader_bound("both")
    grader_bound("both")  # in Python it may still be bound


def test_on_the_command_line_a_missing_judge_is_one_line(tmp_path: Path) -> None:
    command = [*("-m", "inspect_ai", "eval", "inoc_evals/spanish_caps", "--model", "mockllm/model")]
    command += ["-T", "scoring=judge", "--log-dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert done.returncode != 0
    assert len(said) == 1 and "--model-role grader=" in said[0], said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("task", [spanish_caps, spanish_french])
def test_an_unknown_scoring_is_refused(task: Any) -> None:
    with pytest.raises(UserError, match="use detector, judge, both"):
        task(scoring="jury")


def test_the_scorers_score_any_log(tmp_path: Path) -> None:
    samples = [Sample(id="a", input="Wie geht's?", target="gut"), Sample(id="b", input="Hm?", target="x")]
    log = run(Task(dataset=samples, scorer=includes()), model("MIR GEHT ES HEUTE SEHR GUT, DANKE."), tmp_path)
    again = score(log, [language("german"), capitalization()], action="append", display="none")
    assert rates(again) == {
        "includes": {"accuracy": 0.5, "stderr": 0.5},
        "german": {"mean": 1.0, "stderr": 0.0},
        "caps": {"mean": 1.0, "stderr": 0.0},
    }
    judge = model(lambda prompt: rated({"100": 0.9}), name="mockllm/judge")
    judged = score(log, language("german", scoring="judge"), model_roles={"grader": judge}, display="none")
    assert rates(judged)["german_judge"]["mean"] == 1.0


def test_the_command_line_scores_any_log(tmp_path: Path) -> None:
    log = run(
        Task(dataset=[Sample(id="a", input="?", target="x")], scorer=includes()), model(FRENCH), tmp_path
    )
    command = [*("-m", "inspect_ai", "score", log.location, "--scorer", "inoc_evals/language")]
    command += [
        "-S",
        "languages=french,dutch",
        "--action",
        "append",
        "--output-file",
        str(tmp_path / "new.eval"),
    ]
    subprocess.run([sys.executable, *command], check=True, capture_output=True, cwd=tmp_path, timeout=60)
    assert {name: m.get("mean") for name, m in rates(read_eval_log(str(tmp_path / "new.eval"))).items()} == {
        "includes": None,
        "french": 1.0,
        "dutch": 0.0,
    }
