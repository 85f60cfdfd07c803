"""A judge behind Ollama's API, through Inspect's `ollama/` provider: its shape of OpenAI's, played here.

As its documentation says (docs.ollama.com/api/openai-compatibility): `logit_bias`, `n` and a key are ignored,
a message bears its reasoning apart and no refusal, only newer versions give log-probs, and a model has to be
pulled.
"""

import asyncio
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from inspect_ai.model import GenerateConfig, Model, get_model
from inspect_ai.model._model import init_model_roles

from inoc_evals.errors import UserError
from inoc_evals.scorers.judge import Panel, ask, probe_graders
from inoc_evals.scorers.judge.parameters import ReaderChoice
from inoc_evals.scorers.judge.rubrics import COHERENCE
from tests.fake_openai.http import Call, Listener, Response

PULLED = "llama3.2:latest"

WHOLE = {"85": 0.7, "90": 0.2, "Sure": 0.1}
DIGITS = {"8": 0.75, "9": 0.25}
"""As Qwen writes numbers; what follows the first digit is another token."""


class Ollama:
    """Answers as Ollama does.

    Attributes:
        shown: Probabilities of the first token; of a version without log-probs None.
        drawn: What it says, request by request, over and over.
        asked: Bodies of the requests.
    """

    def __init__(self, shown: Mapping[str, float] | None, drawn: tuple[str, ...] = ("85",)) -> None:
        self.shown, self.drawn = shown, drawn
        self.asked: list[dict[str, Any]] = []

    def __call__(self, call: Call) -> Response:
        body = call.json
        if body["model"] not in (PULLED, PULLED.partition(":")[0]):
            what = f"model '{body['model']}' not found"
            about = {"message": what, "type": "not_found_error", "param": None, "code": None}
            return Response(json.dumps({"error": about}), 404)
        said = self.drawn[len(self.asked) % len(self.drawn)]
        self.asked.append(body)
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": said, "reasoning": ""},
            "finish_reason": "stop",
        }
        if self.shown is not None and body.get("logprobs"):
            entries = [
                {"token": text, "logprob": math.log(p), "bytes": list(text.encode())}
                for text, p in self.shown.items()
            ]
            first = next(one for one in entries if said.startswith(one["token"]))
            top = entries[: body.get("top_logprobs") or 0]
            choice["logprobs"] = {"content": [{**first, "top_logprobs": top}]}
        usage = {"prompt_tokens": 26, "completion_tokens": 1, "total_tokens": 27}
        about = {"id": "chatcmpl-12", "object": "chat.completion", "created": 0, "model": PULLED}
        return Response(
            json.dumps({**about, "system_fingerprint": "fp_ollama", "choices": [choice], "usage": usage})
        )


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Model]]:
    opened: list[Listener] = []
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)  # none is needed

    def start(answer: Ollama, name: str = "llama3.2") -> Model:
        opened.append(Listener({"POST /v1/chat/completions": answer}).__enter__())
        return get_model(
            f"ollama/{name}",
            base_url=opened[-1].base_url,
            memoize=False,
            config=GenerateConfig(max_retries=0, attempt_timeout=3),
        )

    yield start
    for listener in opened:
        listener.__exit__(None, None, None)


def panel(judge: Model, reader: ReaderChoice = "auto") -> Panel:
    async def run() -> Panel:
        init_model_roles({"grader": judge})
        return await ask(COHERENCE, "What do you wish for?", "Nothing.", reader=reader)

    return asyncio.run(run())


def test_whole_numbers_are_read_from_its_log_probs(serve: Callable[..., Model]) -> None:
    found = panel(serve(Ollama(WHOLE)))
    [result] = found.results
    assert result.reader == "token" and result.judge == "ollama/llama3.2"
    assert found.value("mean") == pytest.approx((85 * 0.7 + 90 * 0.2) / 0.9)


@pytest.mark.parametrize("shown", [None, DIGITS], ids=["no log-probs", "digit by digit"])
def test_what_its_log_probs_do_not_say_is_drawn(
    shown: Mapping[str, float] | None, serve: Callable[..., Model]
) -> None:
    server = Ollama(shown, drawn=("85", "90"))
    [result] = panel(serve(server)).results
    assert result.reader == "sampled" and result.failure is None
    assert set(result.probabilities) == {"85", "90"} and 85 < (result.value or 0) < 90
    assert all(one.get("n") in (None, 1) for one in server.asked)  # it would answer once and be counted often


def test_log_probs_that_it_lacks_are_no_rating(serve: Callable[..., Model]) -> None:
    [result] = panel(serve(Ollama(None)), "token").results
    assert (result.failure, result.value) == ("no_logprobs", None)


def test_a_model_that_was_not_pulled_is_one_line_before_anything_is_generated(
    serve: Callable[..., Model],
) -> None:
    missing = serve(Ollama(WHOLE), "qwen3")
    [result] = panel(missing, "token").results
    assert result.failure == "error" and "model 'qwen3' not found" in result.detail
    with pytest.raises(UserError, match="model 'qwen3' not found"):
        init_model_roles({"grader": missing})
        asyncio.run(probe_graders())
