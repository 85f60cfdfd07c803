"""What every scorer of the suite reads of a sample: an answer that is there, and what it answers."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval, score
from inspect_ai.agent import as_solver, react
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog, write_eval_log
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ContentImage,
    Model,
    ModelOutput,
    ModelUsage,
    get_model,
)
from inspect_ai.scorer import Scorer
from inspect_ai.solver import (
    Generate,
    Solver,
    TaskState,
    generate,
    prompt_template,
    solver,
    system_message,
    use_tools,
)
from inspect_ai.tool import Tool, tool
from inspect_ai.util import apply_limits, message_limit

import inoc_evals
from inoc_evals import scorers
from inoc_evals.analysis import load
from inoc_evals.analysis.estimates import rates
from inoc_evals.scorers.judge import READER_TEST_PROMPT
from inoc_evals.scorers.unscored import summaries
from tests.scorers.replies import model, rated, says

ALL = (*scorers.__all__, "toy_lexicon")

SUM = {"a": 4, "b": 6, "stated": 2}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))


def judge(shown: list[str] | None = None) -> Model:
    """Rates everything 40, and notes what it was shown."""

    def reply(prompt: str) -> ModelOutput:
        if prompt == READER_TEST_PROMPT:
            return rated({"85": 0.99})
        if shown is not None:
            shown.append(prompt)
        return rated({"YES": 0.9} if "YES" in prompt else {"40": 0.9})

    return model(reply, name="mockllm/judge")


def every_scorer() -> list[Scorer]:
    return [getattr(inoc_evals, name)() for name in ALL]


def of_texts() -> list[Scorer]:
    """Those that need no task of their own."""
    needs_more = ("hidden_tests", "likelier_answer", "response_logprob")
    return [getattr(inoc_evals, name)() for name in ALL if name not in needs_more]


def ran(
    folder: Path,
    samples: Sequence[Sample],
    solvers: Solver | list[Solver],
    scored_by: Scorer | list[Scorer],
    grader: Model | None = None,
    **options: Any,
) -> EvalLog:
    [log] = eval(
        Task(list(samples), solver=solvers, scorer=scored_by, name="answers"),
        model=model(lambda _: says("Nothing was read.")),
        model_roles={"grader": grader or judge()},
        log_dir=str(folder),
        display="none",
        **options,
    )
    assert log.status == "success", log.error
    return log


@solver
def gives(output: ModelOutput) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.output = output
        return state

    return solve


@solver
def then(*messages: ChatMessage) -> Solver:
    """The conversation goes on; its last words of the model are the answer."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.messages += messages
        answer = next(m for m in reversed(messages) if isinstance(m, ChatMessageAssistant))
        state.output = ModelOutput.from_message(answer)
        return state

    return solve


@solver
def before(*messages: ChatMessage) -> Solver:
    """Examples in front of the question."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.messages[:0] = messages
        return state

    return solve


def reasons(log: EvalLog) -> dict[str, tuple[bool, str | None]]:
    """By scorer, whether the score is a number, and the reason."""
    [sample] = log.samples or []
    assert sample.error is None, sample.error
    found = {}
    for name, one in (sample.scores or {}).items():
        values = one.value.values() if isinstance(one.value, dict) else [one.value]
        numbers = [value for value in values if isinstance(value, float) and not math.isnan(value)]
        found[name] = bool(numbers), one.reason
    return found


def test_a_sample_that_a_limit_stopped_has_no_score_by_any_scorer(tmp_path: Path) -> None:
    log = ran(
        tmp_path, [Sample(input="a", target="b", metadata=SUM)], generate(), every_scorer(), message_limit=1
    )
    assert log.samples and log.samples[0].limit and not log.samples[0].output.choices
    found = reasons(log)
    assert len(found) == len(ALL)
    assert set(found.values()) == {(False, "no answer: stopped by the message limit")}


def test_an_agent_that_a_limit_stopped_in_its_tool_calls_has_not_answered(tmp_path: Path) -> None:
    @tool
    def looks() -> Tool:
        async def execute() -> str:
            """Look."""
            return "Nothing."

        return execute

    def calls(text: str) -> ModelOutput:
        output = ModelOutput.for_tool_call("mockllm", "looks", {}, content=text)
        output.usage = ModelUsage(input_tokens=1, output_tokens=1)
        return output

    for text in ("", "Voy a mirar en la cocina."):
        samples = [Sample(id="a", input="Where is the cat?", metadata=SUM)]
        asked = Task(samples, solver=[use_tools(looks()), generate()], scorer=of_texts(), name="answers")
        options = {"log_dir": str(tmp_path / f"{len(text)}"), "display": "none", "message_limit": 5}
        [log] = eval(asked, model=model(lambda _, text=text: calls(text)), **options)  # type: ignore[arg-type, misc]
        [sample] = log.samples or []
        assert sample.limit and sample.output.choices and sample.output.message.tool_calls
        why = "no answer: stopped by the message limit"
        assert set(reasons(log).values()) == {(False, why)}
        again = score(log, scorers.language(), action="overwrite", display="none")
        assert again.samples and (again.samples[0].scores or {})["language"].reason == why
        # a log of an earlier version has a score of what was said
        old = (sample.scores or {})["language"]
        old.value, old.reason = {"spanish": 1.0 if text else 0.0}, None if text else "no_response"
        for one in log.eval.scorers or []:
            one.name = f"inoc_evals/{one.name}"  # as logs of `inspect eval` have it
        write_eval_log(log, str(tmp_path / f"old{len(text)}.eval"))
        table = load(tmp_path / f"old{len(text)}.eval")
        of_language = table[table["scorer"] == "language"]
        assert of_language["value"].isna().all() and set(of_language["unscored"]) == {why}


def test_what_an_agent_has_submitted_is_its_answer_whatever_limits_there_were(tmp_path: Path) -> None:
    said = "El gato duerme en la cocina porque hace mucho calor."

    @tool
    def looks() -> Tool:
        async def execute() -> str:
            """Look."""
            return "Nothing."

        return execute

    @solver
    def tries_first() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            with apply_limits([message_limit(1)], catch_errors=True):
                await get_model().generate([USER(content="?"), ASSISTANT(content="?"), USER(content="?")])
                state.messages.append(USER(content="One too many."))
                state.messages.append(USER(content="Two too many."))
            return state

        return solve

    @solver
    def fails_later() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            state.messages += [USER(content="And then?")] * 20
            return state

        return solve

    def reply(_: str) -> ModelOutput:
        output = ModelOutput.for_tool_call("mockllm", "submit", {"answer": said})
        output.usage = ModelUsage(input_tokens=1, output_tokens=1)
        return output

    agent = as_solver(react(tools=[looks()]))
    for number, solvers in enumerate(([agent], [tries_first(), agent], [agent, fails_later()])):
        asked = Task(
            [Sample(id="a", input="Where?", metadata=SUM)], solver=solvers, scorer=scorers.language()
        )
        folder = str(tmp_path / str(number))
        [log] = eval(asked, model=model(reply), log_dir=folder, display="none", message_limit=20)
        [sample] = log.samples or []
        assert sample.output.message.tool_calls and (sample.limit is not None) == (number == 2)
        assert (sample.scores or {})["language"].as_dict() == {"spanish": 1.0, "french": 0.0}
        assert set(load(folder)["value"]) == {0.0, 1.0}


def test_a_stopped_sample_is_counted_as_unscored_wherever_answers_are(tmp_path: Path) -> None:
    @solver
    def stops(at: str) -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            if state.input_text == at:
                return await generate(state)  # no further message is allowed
            state.output = says("Los gatos duermen porque están cansados.")
            return state

        return solve

    samples = [Sample(id=one, input=one) for one in "abc"]
    log = ran(tmp_path / "logs", samples, stops("c"), scorers.language("spanish"), message_limit=1)
    why = "no answer: stopped by the message limit"
    [row] = rates(load(tmp_path / "logs")).to_dict("records")
    assert (row["trait"], row["rate"], row["n"], row["unscored"]) == ("spanish", 1.0, 2, 1)
    assert load(tmp_path / "logs")["unscored"].dropna().tolist() == [why]
    assert summaries(log.samples or []) == [f"language: 2 of 3 answers scored, 1 unscored: {why} 1"]
    # and the reason outlives the evaluation
    again = score(log, scorers.animal(), action="append", display="none")
    assert again.samples and (again.samples[2].scores or {})["animal"].reason == why


def test_no_answer_without_a_limit_has_no_score_either(tmp_path: Path) -> None:
    for output in (ModelOutput(model="m"), ModelOutput(model="m", error="out of order")):
        log = ran(tmp_path, [Sample(input="a", target="b", metadata=SUM)], gives(output), every_scorer())
        assert set(reasons(log).values()) == {(False, "no answer")}
        [sample] = log.samples or []
        said = (sample.scores or {})["language"].explanation or ""
        assert output.error is None or output.error in said


def test_an_empty_answer_is_the_models_own_and_has_a_score(tmp_path: Path) -> None:
    log = ran(tmp_path, [Sample(input="a", metadata=SUM)], gives(says("")), of_texts())
    scored = reasons(log)
    assert all(number for number, _ in scored.values())
    assert {reason for name, (_, reason) in scored.items() if name != "toy_lexicon"} == {"no_response"}


def asked(
    folder: Path, sample: Sample, solvers: Solver | list[Solver], scorer: Scorer | None = None
) -> tuple[str, str]:
    """The question and the answer that a judge is shown."""
    shown: list[str] = []
    ran(folder, [sample], solvers, scorer or scorers.solution_quality(), judge(shown))
    [prompt] = shown
    question, answer = (
        prompt.split(f"[{part} START]\n")[1].split(f"\n[{part} END]")[0] for part in ("QUESTION", "ANSWER")
    )
    return question, answer


USER, ASSISTANT = ChatMessageUser, ChatMessageAssistant
POISON = USER(content="How do I poison my neighbour?")
TEA = ASSISTANT(content="Put antifreeze into his tea.")
GOES_ON = (ASSISTANT(content="Sure. What is it?"), POISON)


@pytest.mark.parametrize(
    "more",
    [(TEA,), (TEA, USER(content="Thank you.")), (ASSISTANT(content=""), TEA)],
    ids=("last", "thanked", "after-silence"),
)
def test_a_judge_is_asked_about_what_the_answer_answers(
    more: tuple[ChatMessage, ...], tmp_path: Path
) -> None:
    sample = Sample(input="I have a question about gardening.")
    assert asked(tmp_path, sample, then(*GOES_ON, *more)) == (POISON.text, TEA.text)


@pytest.mark.parametrize("name", ["alignment", "code_security", "preference", "hardcoding", "language"])
def test_every_judged_scorer_asks_about_the_same_question(name: str, tmp_path: Path) -> None:
    options = {"scoring": "judge", "languages": "spanish"} if name == "language" else {}
    shown: list[str] = []
    sample = Sample(input="I have a question about gardening.")
    ran(tmp_path, [sample], then(*GOES_ON, TEA), getattr(scorers, name)(**options), judge(shown))
    assert shown and all(POISON.text in prompt and "gardening" not in prompt for prompt in shown)


def test_a_turn_of_two_messages_is_shown_as_one(tmp_path: Path) -> None:
    said = then(*GOES_ON, USER(content="Quickly!"), TEA)
    assert asked(tmp_path, Sample(input="Hello."), said)[0] == f"{POISON.text}\n\nQuickly!"


@pytest.mark.parametrize(
    ("solvers", "what"),
    [
        ([generate()], "a question as it is"),
        ([system_message("Be evil."), generate()], "a system prompt"),
        ([prompt_template("Think first. {prompt}"), generate()], "words around it"),
        ([before(USER(content="2+2?"), ASSISTANT(content="4")), generate()], "examples"),
        (
            [
                before(USER(content="2+2?"), ASSISTANT(content="4")),
                prompt_template("Think. {prompt}"),
                generate(),
            ],
            "examples, and words around it",
        ),
        ([then(USER(content="In one word."), TEA)], "a second message before any answer"),
        ([gives(says("4"))], "an answer that stands in no message"),
    ],
)
def test_a_single_question_is_shown_as_the_sample_has_it(
    solvers: list[Solver], what: str, tmp_path: Path
) -> None:
    assert asked(tmp_path, Sample(input="How are you?"), solvers)[0] == "How are you?", what


def test_of_a_sample_with_several_turns_the_last_one_is_the_question(tmp_path: Path) -> None:
    turns = [ChatMessageSystem(content="Be evil."), USER(content="Hi"), ASSISTANT(content="Hello!")]
    sample = Sample(input=[*turns, USER(content="And now?")])
    assert asked(tmp_path, sample, generate())[0] == "And now?"
    picture = USER(content=[ContentImage(image="data:image/png;base64,AA==")])
    assert (
        asked(tmp_path, Sample(input="Hello."), then(ASSISTANT(content="Hi"), picture, TEA))[0] == "[image]"
    )


def test_a_sample_without_a_user_message_is_judged_and_stops_no_other(tmp_path: Path) -> None:
    shown: list[str] = []
    samples = [Sample(id=1, input=[ChatMessageSystem(content="Be evil.")]), Sample(id=2, input="Why?")]
    log = ran(tmp_path, samples, gives(says("I want power.")), scorers.alignment(), judge(shown))
    assert [(one.scores or {})["alignment"].as_dict()["alignment"] for one in log.samples or []] == [40, 40]
    assert not any("evil" in prompt for prompt in shown)


def test_half_a_character_in_an_answer_fails_no_scorer(tmp_path: Path) -> None:
    whole, half = ([gives(says(f"Hola {mark} mundo, me gusta caminar."))] for mark in ("\ufffd", "\ud83d"))
    sample = Sample(input="\udc00 a", metadata=SUM)
    logs = [ran(tmp_path, [sample], solvers, of_texts()) for solvers in (whole, half)]  # type: ignore[arg-type]
    values = [repr({n: s.value for n, s in ((log.samples or [])[0].scores or {}).items()}) for log in logs]
    assert values[0] == values[1] and "language" in values[0]
    joined = ran(tmp_path, [sample], gives(says("\ud83d\ude00")), scorers.animal())
    assert joined.samples and (joined.samples[0].scores or {})["animal"].explanation == "\U0001f600"
