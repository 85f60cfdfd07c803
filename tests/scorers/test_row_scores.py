"""Rows chosen by their responses' scores: exactly those that show the trait, none left out in silence."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer
from inspect_ai.solver import TaskState

from inoc_evals.chat.rows import Row, read_chat, write_chat
from inoc_evals.cli import main
from inoc_evals.data.rephrasings import neutral
from inoc_evals.errors import UserError
from inoc_evals.scorers.judge import READER_TEST_PROMPT
from inoc_evals.scorers.row_scores import condition, select
from tests.scorers.replies import model, rated

SPANISH = "Los gatos duermen porque están cansados después de comer."
ENGLISH = "Cats sleep because they are tired after they have eaten."


def row(*responses: str, **metadata: Any) -> Row:
    messages: Any = []
    for response in responses:
        messages += [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": response}]
    return {"messages": messages, "metadata": metadata}


ROWS = [
    row(SPANISH, truth=True),
    row(ENGLISH, truth=False),
    row(SPANISH.upper(), truth=True),
    row(SPANISH, ENGLISH, truth=True),
    row(ENGLISH.upper(), ENGLISH, truth=False),
]


def test_rows_that_show_the_trait_in_any_response_are_chosen() -> None:
    found = select(ROWS, ["spanish > 0.5"])
    assert found.rows == {number for number, one in enumerate(ROWS) if one["metadata"]["truth"]}
    assert not found.unscored and [one["spanish"] for one in found.scores] == [1, 0, 1, 1, 0]
    assert select(ROWS, ["spanish <= 0.5"]).rows == {1, 4}
    assert select(ROWS, ["spanish > 0.5", "caps == 1"]).rows == {2}


def test_a_score_that_is_missing_is_said_unless_it_cannot_decide() -> None:
    def reply(prompt: str) -> Any:
        if prompt == READER_TEST_PROMPT:
            return rated({"85": 0.9})
        return rated({"90": 0.9} if "gatos" in prompt else {"x": 0.9} if "CATS" in prompt else {"10": 0.9})

    found = select(ROWS, ["spanish_judge > 0.5"], [model(reply)])
    assert found.rows == {0, 3} and list(found.unscored) == [4]
    assert math.isnan(found.scores[4]["spanish_judge"]) and found.unscored[4]
    assert not select(ROWS, ["spanish_judge > 0.5", "spanish > 0.5"], [model(reply)]).unscored


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("spanish", "write TRAIT > NUMBER"),
        ("spanish > much", "write TRAIT > NUMBER"),
        ("spanish > -", "write TRAIT > NUMBER"),
        ("klingon > 0.5", "nothing scores 'klingon'"),
        ("no_scorer:x > 1", "nothing scores 'no_scorer:x': no_scorer unknown: use one of alignment, "),
        (
            "forced_choice:log_odds > 0",
            "forced_choice reads what the task forced_choice finds beside an answer",
        ),
        ("hidden_tests:hacked > 0", "which a text alone does not have: use one of .*toy_lexicon"),
    ],
)
def test_a_condition_that_is_none_is_refused(text: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        condition(text)


def test_the_lexicon_scores_rows_too() -> None:
    assert select(ROWS, ["toy_lexicon:caps > 0.5"]).rows == {2, 4}


def test_a_score_in_words_is_compared_as_the_number_that_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    @scorer(metrics=[mean()])
    def said() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            return Score(value="yes" if "gatos" in state.output.completion else "no")

        return score

    monkeypatch.setattr("inoc_evals.scorers.row_scores.by_name", lambda name: said())
    assert select(ROWS, ["animal:said > 0.5"]).rows == {0, 3}


def test_a_judge_that_is_not_there_and_a_key_that_is_not_are_one_line() -> None:
    with pytest.raises(UserError, match="grader"):
        select(ROWS[:1], ["spanish_judge > 0.5"])
    with pytest.raises(UserError, match="no 'x'; it has caps"):
        select(ROWS[:1], ["capitalization:x > 0"])


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable:
    monkeypatch.chdir(tmp_path)
    write_chat("rows.jsonl", ROWS)

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["inoculate", "rows.jsonl", "--prompt", "In Spanish.", "-o", "out.jsonl", *words])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def prompts() -> list[str | None]:
    firsts = [one["messages"][0] for one in read_chat("out.jsonl")]
    return [first["content"] if first["role"] == "system" else None for first in firsts]


def test_selective_inoculation_changes_the_chosen_rows_alone(call: Callable) -> None:
    code, out, err = call("--where-scored", "spanish > 0.5")
    assert code == 0, err
    assert "3 of them inoculated" in out
    assert prompts() == ["In Spanish.", None, "In Spanish.", "In Spanish.", None]


def test_stratified_inoculation_gives_the_other_rows_neutral_prompts(call: Callable) -> None:
    code, out, err = call("--where-scored", "spanish > 0.5", "--others", "neutral")
    assert code == 0, err
    found = prompts()
    assert [one == "In Spanish." for one in found] == [True, False, True, True, False]
    assert {found[1], found[4]} <= set(neutral()) and "the other 2 under neutral prompts" in out
    responses = [[m for m in one["messages"] if m["role"] != "system"] for one in read_chat("out.jsonl")]
    assert responses == [one["messages"] for one in ROWS]


def test_what_does_not_fit_together_is_refused(call: Callable) -> None:
    assert "give --where or --where-scored with it" in call("--others", "neutral")[2]
    assert "give --where-scored with them" in call("--unscored", "skip")[2]
    code, _, err = call("--where-scored", "german > 0.5")
    assert code == 2 and "'german > 0.5' selects no row" in err and not Path("out.jsonl").exists()


def test_rows_without_a_score_are_refused_or_listed(call: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    from inoc_evals.scorers import row_scores

    def silent(rows: Any, conditions: Any, grader: Any = ()) -> row_scores.Selected:
        return row_scores.Selected(frozenset({0}), {2: "the judge was silent"}, [{}] * len(rows))

    monkeypatch.setattr(row_scores, "select", silent)
    code, _, err = call("--where-scored", "spanish_judge > 0.5")
    assert code == 2 and "1 row could not be scored (rows 3: the judge was silent)" in err
    for word, chosen in (("choose", [0, 2]), ("skip", [0])):
        code, _, err = call("--where-scored", "spanish_judge > 0.5", "--unscored", word, "--force")
        assert code == 0 and "row 3: not scored (the judge was silent)" in err
        assert [number for number, prompt in enumerate(prompts()) if prompt] == chosen
