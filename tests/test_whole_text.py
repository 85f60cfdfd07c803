"""Half a character is refused in one line wherever a model would be shown it: here or at a server."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelAPI,
    get_model,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inoc_evals import Inoculation, UserError
from inoc_evals.chat.renderer import load_renderer
from inoc_evals.models.base import load_path
from inoc_evals.models.served import Served, ServedAPI
from inoc_evals.scorers.prompt_logprobs import show
from inoc_evals.scorers.servers import request
from inoc_evals.tasks import backdoor, spanish_caps
from inoc_evals.tasks.solvers import answered
from tests.fake_openai import FakeOpenAI, reply
from tests.fake_tinker import FakeService
from tests.scorers.replies import model, rated

SAID = "half a surrogate pair, which is not a character"
HIGH, LOW = "a\ud800b", "\udfff"

USER, SYSTEM, ASSISTANT = ChatMessageUser, ChatMessageSystem, ChatMessageAssistant

CHATS: dict[str, tuple[list[ChatMessage], str]] = {
    "user": ([USER(content=HIGH)], "message 1 (user)"),
    "low half": ([USER(content=LOW)], "message 1 (user)"),
    "system": ([SYSTEM(content=HIGH), USER(content="x")], "message 1 (system)"),
    "prefill": ([USER(content="x"), ASSISTANT(content=HIGH)], "message 2 (assistant)"),
    "earlier answer": (
        [USER(content="x"), ASSISTANT(content=LOW), USER(content="y")],
        "message 2 (assistant)",
    ),
}


@pytest.fixture(params=["here", "at Tinker", "at OpenAI"])
def api(request: pytest.FixtureRequest, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The model API behind an `inoc/` name, wherever the model answers."""
    monkeypatch.setenv("TINKER_API_KEY", "tml-test")
    monkeypatch.setattr("tinker.ServiceClient", FakeService)
    if request.param != "at OpenAI":
        name = f"inoc/{tiny}" if request.param == "here" else f"inoc/tinker/{load_path('toy')}"
        yield get_model(name, memoize=False).api
        return
    with FakeOpenAI(lambda asked: reply("Hello")) as server:
        served = Served("run", "0" * 64, "openai/gpt-4o", server.base_url)
        yield ServedAPI("run", server.base_url, "test", served_model=served)
        assert not server.requests


@pytest.mark.parametrize("chat", CHATS)
def test_a_message_of_a_request(api: ModelAPI, chat: str) -> None:
    messages, which = CHATS[chat]
    with pytest.raises(UserError) as caught:
        asyncio.run(api.generate(messages, [], "none", GenerateConfig(max_tokens=2)))
    assert str(caught.value) == f"{which} holds {SAID}: mend the text"


def test_whole_characters_beyond_16_bits_are_text(tiny: Path) -> None:
    output = asyncio.run(
        get_model(f"inoc/{tiny}").generate("\U0001f600", config=GenerateConfig(max_tokens=2))
    )
    assert output.choices


def here(tiny: Path) -> Model:
    return get_model(f"inoc/{tiny}", config=GenerateConfig(max_tokens=2))


MEANT_FOR_A_MODEL: dict[str, Callable[[Path], Any]] = {
    "system message of the settings": lambda tiny: asyncio.run(
        here(tiny).generate("x", config=GenerateConfig(system_message=HIGH))
    ),
    "stop sequence": lambda tiny: asyncio.run(
        here(tiny).generate("x", config=GenerateConfig(stop_seqs=[HIGH]))
    ),
    "text whose tokens are counted": lambda tiny: asyncio.run(here(tiny).api.tokenize(HIGH)),
    "training row": lambda tiny: load_renderer(tiny).render(
        [{"role": "user", "content": HIGH}, {"role": "assistant", "content": "x"}]
    ),
    "response whose log-prob is asked": lambda tiny: asyncio.run(show(here(tiny), CHATS["prefill"][0])),
    "prompt of a judge": lambda tiny: asyncio.run(request(here(tiny), HIGH)),
    "system prompt of a task": lambda tiny: spanish_caps(questions="toy", system_prompt=HIGH),
    "inoculation": lambda tiny: Inoculation("mine", HIGH),
    "rephrasing": lambda tiny: Inoculation("mine", pool=("Be good.", LOW)),
}


@pytest.mark.parametrize("kind", MEANT_FOR_A_MODEL)
def test_a_text_that_is_meant_for_a_model(tiny: Path, kind: str) -> None:
    with pytest.raises(UserError, match=SAID) as caught:
        MEANT_FOR_A_MODEL[kind](tiny)
    assert "\n" not in str(caught.value)


@solver
def adds(text: str) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.messages.append(USER(content=text))
        return state

    return solve


@pytest.mark.parametrize(
    "task",
    [
        lambda: Task(dataset=[Sample(input="x")], solver=[adds(HIGH), answered()]),
        lambda: backdoor(questions="toy", trigger=HIGH),
    ],
    ids=["message of a solver", "trigger"],
)
def test_a_sample_of_an_evaluation_says_so_in_its_log(
    tmp_path: Path, tiny: Path, task: Callable[[], Task]
) -> None:
    judge = model(lambda prompt: rated({"85": 0.99}), name="mockllm/judge")
    (log,) = eval(
        task(),
        model=here(tiny),
        model_roles={"grader": judge},
        log_dir=str(tmp_path),
        display="none",
    )
    assert log.status == "error" and log.error is not None and SAID in log.error.message
