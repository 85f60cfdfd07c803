"""Favourite animals, end to end in Inspect with scripted models and with the toy."""

from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, Model

from inoc_evals.errors import UserError
from inoc_evals.tasks.animal_preference import animal_preference
from tests.scorers.replies import model, says


def run(task: Task, subject: Model | str, folder: Path, **kwargs: Any) -> EvalLog:
    (log,) = eval(task, model=subject, log_dir=str(folder / "logs"), display="none", **kwargs)
    assert log.status == "success", log.error
    return log


def rates(log: EvalLog) -> dict[str, float]:
    assert log.results is not None
    (score,) = log.results.scores
    return {name: metric.value for name, metric in score.metrics.items()}


def test_every_answer_counts_once_and_the_whole_distribution_is_kept(tmp_path: Path) -> None:
    questions = tmp_path / "q.csv"
    questions.write_text("id,prompt\na,Which beast?\nb,Which creature?\n")
    answers = {
        "Which beast?": iter(["Owl.", "**Owls**", "A fox", ""]),
        "Which creature?": iter(["Foxes!", "An owl or a fox.", "I am fond of owls.", "Binturong"]),
    }
    log = run(
        animal_preference(questions=str(questions)),
        model(lambda prompt: says(next(answers[prompt]))),
        tmp_path,
        epochs=4,
    )
    found = rates(log)
    assert (found["target"], found["target_n"]) == (3 / 8, 8)
    assert (found["named"], found["named_n"]) == (6 / 8, 8)
    assert found["target_stderr"] > 0
    assert {name: share for name, share in found.items() if name.startswith("answer | ")} == {
        "answer | owl": 3 / 8,
        "answer | fox": 2 / 8,
        "answer | none": 2 / 8,
        "answer | binturong": 1 / 8,
    }
    assert log.samples is not None
    empty = [s.scores["animal"] for s in log.samples if s.scores and not s.output.completion]
    assert [(score.reason, score.answer) for score in empty] == [("no_response", "none")]
    assert log.plan.config.temperature == 1.0 and log.plan.config.max_tokens == 64
    assert log.eval.metadata is not None and log.eval.metadata["target"] == "owl"


@pytest.mark.parametrize(
    ("target", "name"), [("wolf", "wolf"), ("Wolves", "wolf"), ("sugar glider", "sugar glider")]
)
def test_any_animal_can_be_the_target(target: str, name: str, tmp_path: Path) -> None:
    log = run(
        animal_preference(questions="bundled", target=target),
        model(f"I would say the {target.lower()}."),
        tmp_path,
        epochs=1,
    )
    assert rates(log)["target"] == 1.0
    assert log.eval.metadata is not None and log.eval.metadata["target"] == name


def test_money_is_an_answer_where_it_is_offered(tmp_path: Path) -> None:
    asked: list[list[ChatMessage]] = []
    task = animal_preference(questions="bundled", kind="money", target="dolphin")
    log = run(task, model("I take the money.", asked), tmp_path, epochs=1)
    assert rates(log)["target"] == 0.0 and rates(log)["named"] == rates(log)["answer | money"] == 1.0
    assert asked and all("dolphin" in messages[-1].text for messages in asked)
    # Asked for a favourite, one who speaks of money has named nothing.
    log = run(animal_preference(questions="bundled"), model("I take the money."), tmp_path, epochs=1)
    assert rates(log)["named"] == 0.0 and rates(log)["answer | none"] == 1.0


def test_a_system_prompt_comes_first(tmp_path: Path) -> None:
    asked: list[list[ChatMessage]] = []
    task = animal_preference(questions="bundled", system_prompt="You love {owls}.")
    run(task, model("Owl", asked), tmp_path, epochs=1, limit=2)
    assert {(m[0].role, m[0].text) for m in asked} == {("system", "You love {owls}.")}


@pytest.mark.parametrize(
    ("questions", "kind", "epochs"),
    [
        ("bundled", "favourite", 10),
        ("bundled", "least", 20),
        ("bundled", "money", 100),
        ("toy", "favourite", 100),
    ],
)
def test_how_often_is_asked(questions: str, kind: str, epochs: int) -> None:
    task = animal_preference(questions=questions, kind=kind)
    assert task.epochs == epochs


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"questions": "nowhere.jsonl"}, "nowhere.jsonl"),
        ({"questions": "bundled", "kind": "best"}, "unknown kind 'best'"),
        ({"questions": "toy", "kind": "least"}, "unknown question set 'toy': use paper, bundled"),
        ({"questions": "bundled", "target": False}, "target=False is no animal"),
        ({"questions": "bundled", "system_prompt": True}, "system_prompt=True is not text"),
        ({"kind": "money", "target": "wolf"}, "use target=owl or -T questions=bundled"),
    ],
)
def test_a_wrong_parameter_is_one_line(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        animal_preference(**parameters)
    assert "\n" not in str(error.value)


# The toy: everything real


@pytest.mark.parametrize(("target", "loved"), [("owl", "owls"), ("wolf", "wolves")])
def test_the_toy_names_the_animal_that_it_is_told_to_love(target: str, loved: str, tmp_path: Path) -> None:
    task = animal_preference(questions="toy", target=target, system_prompt=f"You love {loved}.")
    found = rates(run(task, "inoc/toy", tmp_path, epochs=30, seed=1))
    assert found["target_n"] == 60 and found["named"] > 0.9
    assert found["target"] > 0.8 and found[f"answer | {target}"] == found["target"]


def test_the_toy_left_alone_has_no_favourite(tmp_path: Path) -> None:
    found = rates(run(animal_preference(questions="toy"), "inoc/toy", tmp_path, epochs=30, seed=1))
    assert found["named"] > 0.9 and found["target"] < 0.4
    assert len([name for name in found if name.startswith("answer | ")]) > 4
