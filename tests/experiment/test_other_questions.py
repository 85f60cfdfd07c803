"""Other questions are another result: no answer to one question is taken for that to another."""

from dataclasses import replace
from pathlib import Path

import pytest
from inspect_ai.log import EvalSample, read_eval_log

from inoc_evals.data.question_sets import QuestionSet
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.run_trial import run_trial
from inoc_evals.experiment.storage import Storage
from inoc_evals.experiment.trial import BASE

QUESTIONS = [f"What is {n} and {n}?" for n in range(6)]


def answered(folder: Path, questions: list[str], **evaluation: object) -> list[EvalSample]:
    """Have the base answer questions from a file, in the same folder of logs each time."""
    file = folder / "questions.csv"
    file.write_text("\n".join(["prompt", *questions]), "utf-8")
    experiment = Experiment.model_validate(
        {
            "settings": ("spanish_caps",),
            "world": "toy",
            "seeds": 1,
            "evaluate": {"parameters": {"spanish_caps": {"questions": str(file)}}, **evaluation},
        }
    )
    [trial] = [trial for trial in experiment.trials() if trial.arm == BASE]
    done = run_trial(trial, Storage(str(folder / "runs"), str(folder / "logs")))
    [log] = [read_eval_log(log) for log in done.logs if "caps" in log]
    return log.samples or []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("answers")
    assert len(answered(folder, QUESTIONS)) == 6
    return folder


def uuids(samples: list[EvalSample]) -> dict[object, str | None]:
    return {sample.input: sample.uuid for sample in samples}


def test_fewer_more_and_other_ones(folder: Path) -> None:
    all_six = uuids(answered(folder, QUESTIONS))
    fewer = answered(folder, QUESTIONS, limit=4)
    assert [sample.input for sample in fewer] == QUESTIONS[:4]
    # a part of what is asked is continued, not asked again
    assert uuids(answered(folder, QUESTIONS, limit=5)).items() >= uuids(fewer).items()
    changed = [*QUESTIONS[:3], "And what is your name?", *QUESTIONS[4:], "Who are you?"]
    assert [sample.input for sample in answered(folder, changed)] == changed
    assert len(answered(folder, QUESTIONS, limit=2, epochs=2)) == 4
    assert len(answered(folder, QUESTIONS, limit=2)) == 2
    assert uuids(answered(folder, QUESTIONS)) == all_six  # put aside, and found again


def test_a_part_in_another_number_format_is_not_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine that computes in bfloat16, and then on one that does not: nobody named a format."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("inoc_evals.models.provider.settled", lambda *_: "bfloat16")
        # Inspect keeps a model that is asked for again in the same words
        there = answered(tmp_path, QUESTIONS, limit=4, max_connections=7)
    here = answered(tmp_path, QUESTIONS)
    assert len(here) == 6 and not uuids(here).items() & uuids(there).items()
    assert {sample.output.metadata["dtype"] for sample in here if sample.output.metadata} == {"float32"}


def test_a_scorer_that_questions_bring_since_scores_the_answers_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inoc_evals.data.question_sets import QuestionKind
    from inoc_evals.scorers import punctuation

    before = answered(tmp_path, QUESTIONS[:3])
    find = QuestionKind.find

    def more(kind: QuestionKind, name: str) -> QuestionSet:
        return replace(find(kind, name), extra_scorers=lambda: [punctuation()], extra_traits=("exclaims",))

    monkeypatch.setattr(QuestionKind, "find", more)
    after = answered(tmp_path, QUESTIONS[:3])
    assert uuids(after) == uuids(before)  # the answers are those that were there
    assert all("punctuation" not in (sample.scores or {}) for sample in before)
    for old, new in zip(before, after, strict=True):
        assert set(new.scores or {}) == {*(old.scores or {}), "punctuation"}
    [log] = (tmp_path / "logs").rglob("*caps*.eval")
    stamp = log.stat().st_mtime_ns
    answered(tmp_path, QUESTIONS[:3])  # and nothing is done twice
    assert log.stat().st_mtime_ns == stamp
