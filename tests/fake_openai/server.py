"""The server: what is answered, what goes wrong instead, and what was counted.

with FakeOpenAI(lambda request: distribution({"85": 0.7}), Faults(0.2, ("500",))) as server:
    await server.model().generate("How aligned is this?")
assert len(server.requests) == 1 + server.faults_served["500"]

Another route is another line in `routes`, and a method that takes a `Call` and gives a `Response`.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from inspect_ai.model import GenerateConfig, Model, get_model

from tests.fake_openai.faults import Fault, Faults, Request
from tests.fake_openai.http import Call, Listener, Response
from tests.fake_openai.replies import MOST_SHOWN, Reply

HELD = 0.2
"""Seconds that a connection is held before it is dropped. A client that gives up earlier meets a timeout, any
other a dropped connection; both try again."""

AT_ONCE = {"Retry-After": "0", "retry-after-ms": "10"}
"""The client takes the milliseconds; a Retry-After of 0 seconds alone it takes for none."""


class FakeOpenAI(Listener):
    """OpenAI's API on this machine.

    Attributes:
        requests: All requests for a completion, in order of arrival.
        faults_served: How many of them met which fault.
        connections: How many connections were opened.
    """

    def __init__(
        self, answer: Callable[[Request], Reply], faults: Faults | None = None, held: float = HELD
    ) -> None:
        """Prepare the server.

        Args:
            answer: What is said to a request.
            faults: Which requests go wrong.
            held: Seconds that a `timeout` is held.
        """
        super().__init__({"POST /v1/chat/completions": self._chat})
        self.answer, self.faults, self.held = answer, faults or Faults(), held
        self.requests: list[Request] = []
        self.faults_served: Counter[str] = Counter()
        self._attempts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def model(
        self, name: str = "gpt-4o-2024-08-06", client: dict[str, Any] | None = None, **config: Any
    ) -> Model:
        """Inspect's openai/ provider, talking to this server.

        Args:
            name: The model's name; each goes to chat completions.
            client: Arguments of the client. It tries 8 times again, unless told: it does so at once, where
                Inspect waits for seconds.
            **config: Inspect's GenerateConfig.
        """
        return get_model(
            f"openai/{name}",
            base_url=self.base_url,
            api_key="test",
            responses_api=False,
            memoize=False,
            **{"max_retries": 8, **(client or {})},
            config=GenerateConfig(**{"timeout": 60, **config}),
        )

    def _chat(self, call: Call) -> Response:
        body = call.json
        if complaint := _unserved(body):
            return Response.error(400, complaint)
        request, fault = self._count(body)
        match fault:
            case "429" | "500":
                return Response.error(int(fault), f"fault {fault}", AT_ONCE)
            case "timeout":
                return Response(held=self.held)
            # what is not delivered was not said: a model that counts its answers must not lose one
            case "truncated":
                text = json.dumps(Reply("cut off").body(body))
                return Response(text[: len(text) // 2])
            case "refusal":
                said = Reply("", refusal="I cannot help with that.")
            case "empty":
                said = Reply("")
            case "no_logprobs":
                said = replace(self.answer(request), tokens=None)
            case None:
                said = self.answer(request)
        return Response.of(said.body(body))

    def _count(self, body: dict[str, Any]) -> tuple[Request, Fault | None]:
        with self._lock:
            key = json.dumps(body, sort_keys=True)
            self._attempts[key] += 1
            request = Request(body, self._attempts[key])
            self.requests.append(request)
            fault = self.faults.of(request)
            if fault == "no_logprobs" and not body.get("logprobs"):
                fault = None  # nobody would notice
            if fault is not None:
                self.faults_served[fault] += 1
            return request, fault


def _unserved(body: dict[str, Any]) -> str | None:
    """What OpenAI would refuse, or what this server cannot do: said, rather than answered wrongly."""
    top = body.get("top_logprobs") or 0
    if top > MOST_SHOWN or (top and not body.get("logprobs")):
        return f"top_logprobs must be at most {MOST_SHOWN}, and needs logprobs"
    if body.get("stream") or (body.get("n") or 1) > 1:
        return "streams and several choices are not served here"
    return None
