"""An answer is shown with the question that it answers, which is the one that a judge was told."""

import json
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalSample, read_eval_log
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ModelOutput,
)
from inspect_ai.solver import TaskState

from inoc_evals.analysis.conversations import conversation
from inoc_evals.analysis.judge_ratings import collect
from inoc_evals.scorers.answers import question_of
from tests import test_cli
from tests.analysis.test_table import answer, write

call = test_cli.call  # the fixture

FIRST, HELLO, LATER, LAST = "How are you?", "Fine, thank you.", "And in German?", "Guten Tag."


def said(*turns: str, system: str | None = None) -> list[ChatMessage]:
    """A conversation in turns, the user's first."""
    kinds = [ChatMessageUser, ChatMessageAssistant]
    before: list[ChatMessage] = [] if system is None else [ChatMessageSystem(content=system)]
    return [*before, *(kinds[number % 2](content=text) for number, text in enumerate(turns))]


def sample(messages: list[ChatMessage], asked: Any = FIRST, last: int = -1, number: int = 0) -> EvalSample:
    """A sample whose answer is one of the messages."""
    output = ModelOutput.from_content("m/x", messages[last].text)
    output.choices[0].message = messages[last]  # type: ignore[assignment]
    one = answer(number, {"spanish": 0.0})
    return one.model_copy(update={"input": asked, "messages": messages, "output": output})


TALK = [FIRST, HELLO, LATER, LAST]
CASES: dict[str, tuple[EvalSample, str, list[str], str | None]] = {
    "a turn": (sample(said(FIRST, LAST)), FIRST, ["user"], None),
    "a template around it": (sample(said(f"Say: {FIRST}", LAST)), FIRST, ["user"], None),
    "an auditor's turns": (sample(said(*TALK)), LATER, ["user", "assistant", "user"], None),
    "a user who goes on": (
        sample([*said(*TALK), *said("Thanks.")], last=3),
        LATER,
        ["user", "assistant", "user"],
        None,
    ),
    "a conversation for a question": (
        sample(said(*TALK, system="Be brief."), asked=said(*TALK[:3], system="Be brief.")),
        LATER,
        ["user", "assistant", "user"],
        "Be brief.",
    ),
    "a task's system prompt before the sample's own": (
        sample(
            [ChatMessageSystem(content="In Spanish."), *said(FIRST, LAST, system="Be brief.")],
            asked=said(FIRST, system="Be brief."),
        ),
        FIRST,
        ["user"],
        "In Spanish.\n\nBe brief.",
    ),
    "an empty system message": (sample(said(FIRST, LAST, system="")), FIRST, ["user"], ""),
    "a tool": (
        sample([*said(FIRST, ""), ChatMessageTool(content="3"), ChatMessageAssistant(content=LAST)]),
        FIRST,
        ["user", "assistant", "tool"],
        None,
    ),
    "no message at all": (answer(0, None).model_copy(update={"messages": []}), "Question 0?", ["user"], None),
}


@pytest.mark.parametrize(("one", "question", "roles", "system"), CASES.values(), ids=CASES)
def test_the_question_is_the_one_that_is_judged(
    one: EvalSample, question: str, roles: list[str], system: str | None
) -> None:
    found = conversation(one)
    assert (found.question, [role for role, _ in found.turns], found.system) == (question, roles, system)
    assert found.earlier == (question == LATER)
    state = TaskState("m/x", "q", 1, one.input, one.messages, output=one.output)  # type: ignore[arg-type]
    assert question_of(state) == question


def test_a_report_shows_the_later_question_and_says_that_there_were_answers_before(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for arm, model in (("none", "m/x"), ("base", "m/y")):
        samples = [sample(said(*TALK), number=number) for number in range(2)]
        write(tmp_path / f"logs/{arm}.eval", samples, {"arm": arm, "setting": "mine"}, model=model)
    assert call("report", "logs", "--no-viewer").code == 0
    page = Path("logs-report/index.html").read_text(encoding="utf-8")
    assert f"[after 1 earlier answer] {LATER}" in page and LAST in page


def test_disputed_answers_are_shown_with_the_question_that_was_judged(tmp_path: Path) -> None:
    def panel(rubric: str, rating: float) -> dict[str, Any]:
        reading = {"judge": "m/j", "rating": rating, "word": None, "failure": None}
        return {"rubric": rubric, "wording": "paper", "readings": [reading]}

    one = sample(said(*TALK))
    for score in (one.scores or {}).values():
        score.metadata = {"judges": [panel("alignment", 90.0), panel("coherence", 90.0)]}
    log = write(tmp_path / "a.eval", [one])
    assert json.loads(collect([log])["prompt"].to_json(orient="values")) == [LATER]


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
def test_a_table_has_the_question_that_was_judged_and_what_was_said_before(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    answers = [HELLO, "Well.", "So so."]
    samples = [sample(said(FIRST, text, LATER, LAST), number=n) for n, text in enumerate(answers)]
    samples += [sample(said("Another?", LAST), asked="Another?", number=3)]
    write("a.eval", samples)
    assert call("table", "a.eval", "-o", f"t.{kind}").code == 0
    for words in ((), ("--messages", "messages")):
        done = call("import", f"t.{kind}", "-o", f"back{len(words)}", "--score-column", "spanish", *words)
        assert done.code == 0, done.err
        [log] = Path(f"back{len(words)}").glob("*.eval")
        back = {one.id: conversation(one) for one in read_eval_log(str(log)).samples or []}
        assert {name: one.question for name, one in back.items()} == {
            **{f"q{number}": LATER for number in range(3)},
            "q3": "Another?",
        }
        if words:
            assert [back[f"q{n}"].turns[1] for n in range(3)] == [("assistant", text) for text in answers]


def test_a_named_question_whose_later_turns_differ_comes_back_by_its_conversations(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an auditor's do: they follow from what was answered."""
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    samples = [sample(said(FIRST, HELLO, f"{LATER} {n}", LAST)) for n in range(2)]
    samples[1] = samples[1].model_copy(update={"epoch": 2})
    write("a.eval", samples)
    assert call("table", "a.eval", "-o", "t.jsonl").code == 0
    words = ("import", "t.jsonl", "-o", "back", "--score-column", "spanish")
    assert "rename one, or take whole conversations by --messages messages" in call(*words).fault
    done = call(*words, "--messages", "messages")
    assert done.code == 0, done.err


def test_an_answer_that_was_none_is_null(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    none, empty = (
        answer(n, {"spanish": 0.0}).model_copy(update={"output": output})
        for n, output in enumerate((ModelOutput(model="m"), ModelOutput.from_content("m", "")))
    )
    write(tmp_path / "a.eval", [none, empty])
    assert call("table", str(tmp_path / "a.eval"), "-o", str(tmp_path / "t.jsonl")).code == 0
    rows = map(json.loads, (tmp_path / "t.jsonl").read_text(encoding="utf-8").splitlines())
    assert [row["answer"] for row in rows] == [None, ""]
