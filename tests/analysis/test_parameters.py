"""Answers that were asked or scored in different ways are never one rate, whoever's task it is."""

from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval, score, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalLog, write_eval_log
from inspect_ai.model import ChatMessageSystem, ChatMessageUser
from inspect_ai.scorer import Scorer, includes
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver, system_message

from inoc_evals.analysis import load, rates
from inoc_evals.scorers import language
from inoc_evals.tasks import animal_preference, spanish_caps

QUESTIONS = [
    "How are you?",
    "What is your name?",
    "Do you like tea?",
    "Tell me about dogs.",
    "And bees?",
    "3?",
]


def asked(*tasks: Task, folder: Path, **options: Any) -> list[EvalLog]:
    logs = []
    for one in tasks:
        logs += eval(one, model="inoc/toy", log_dir=str(folder), display="none", **options)
    assert all(log.status == "success" for log in logs)
    return logs


def found(folder: Path) -> dict[str, int]:
    """The labels of all rates, and how many answers each has."""
    table = rates(load(folder))
    return dict(zip(table["label"], table["n"], strict=True))


@task
def prompted(prompt: str = "") -> Task:
    before = [system_message(prompt)] if prompt else []
    samples = [Sample(input=question, id=number) for number, question in enumerate(QUESTIONS)]
    return Task(dataset=MemoryDataset(samples), solver=[*before, generate()], scorer=language("spanish"))


@task
def chats(systems: list[str], scorer: Scorer | None = None) -> Task:
    samples = [
        Sample(input=[ChatMessageSystem(content=system), ChatMessageUser(content=question)], id=f"{n}-{k}")
        for n, system in enumerate(systems)
        for k, question in enumerate(QUESTIONS)
    ]
    return Task(dataset=MemoryDataset(samples), solver=generate(), scorer=scorer or language("spanish"))


def test_options_of_a_scorer_tell_rates_apart(tmp_path: Path) -> None:
    asked(*(spanish_caps("toy", caps_threshold=t) for t in (0.9, 0.01)), folder=tmp_path, limit=3)
    named = found(tmp_path)
    assert named["caps (caps_threshold 0.01)"] == named["caps (caps_threshold 0.9)"] == 3 and len(named) == 4


def test_the_same_parameters_are_not_named(tmp_path: Path) -> None:
    asked(*(spanish_caps("toy", caps_threshold=0.9) for _ in range(2)), folder=tmp_path, limit=3)
    assert found(tmp_path) == {"spanish": 6, "caps": 6}
    assert load(tmp_path)["parameters"].isna().all()


def test_what_is_looked_for_tells_rates_apart(tmp_path: Path) -> None:
    asked(*(animal_preference("toy", target=t) for t in ("owl", "dog")), folder=tmp_path, limit=3)
    assert {"target (target owl)", "target (target dog)"} <= set(found(tmp_path))


def test_a_parameter_that_another_version_did_not_name_differs_from_nothing(tmp_path: Path) -> None:
    old, _ = asked(*(spanish_caps("toy") for _ in range(2)), folder=tmp_path, limit=3)
    del old.eval.task_args["caps_threshold"]
    write_eval_log(old, old.location)
    assert found(tmp_path) == {"spanish": 6, "caps": 6}


def test_a_system_prompt_is_told_wherever_it_comes_from(tmp_path: Path) -> None:
    asked(prompted(), prompted("Speak Spanish."), prompted("Speak French."), folder=tmp_path)
    assert found(tmp_path) == {
        "spanish (no system)": 6,
        "spanish (system Speak Spanish.)": 6,
        "spanish (system Speak French.)": 6,
    }
    asked(chats(["Be calm.", "Be quick."]), folder=tmp_path / "chats")
    assert found(tmp_path / "chats") == {"spanish (system Be calm.)": 6, "spanish (system Be quick.)": 6}


def test_a_system_prompt_of_one_question_alone_is_a_part_of_it(tmp_path: Path) -> None:
    one_each = [
        Sample(input=[ChatMessageSystem(content=f"You are {n}."), ChatMessageUser(content="Hi.")], id=n)
        for n in range(6)
    ]
    asked(Task(dataset=MemoryDataset(one_each), solver=generate(), scorer=includes()), folder=tmp_path)
    assert found(tmp_path) == {"includes": 6}


@solver
def failing() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.sample_id == "0-3":
            raise ValueError("boom")
        return await generate(state)

    return solve


@pytest.mark.parametrize("appended", [language("spanish"), includes()], ids=["ours", "theirs"])
def test_a_failed_sample_stays_failed_when_a_scorer_is_appended(tmp_path: Path, appended: Scorer) -> None:
    plain = chats(["Be calm."], scorer=includes())
    plain.solver = failing()
    [log] = asked(plain, folder=tmp_path, fail_on_error=False)
    write_eval_log(score(log, appended, action="append"), log.location)
    table = load(tmp_path)
    assert table["scorer"].nunique() == 2 and len(table) == 2 * len(QUESTIONS)
    failed = table[table["value"].isna()]
    assert list(failed["unscored"]) == ["the sample failed: ValueError('boom')"] * 2
