"""Chat completions as OpenAI's API writes them, sound or not, and its errors.

with Listener({"POST /v1/chat/completions": says(completion("85", top(n85=-0.3)))}) as listener: ...
with Listener({"POST /v1/chat/completions": error(429, "slow down")}) as listener: ...
"""

import json
from collections.abc import Callable
from typing import Any

from tests.fake_openai.http import Call, Response

Answer = Callable[[Call], Response]


def completion(
    text: str = "85", top: list[Any] | None = None, *, first: Any = -0.3, **choice: Any
) -> dict[str, Any]:
    """A chat completion, with the top log-probs of its one token where some are given."""
    tokens = None if top is None else [{"token": text, "logprob": first, "bytes": None, "top_logprobs": top}]
    message = {"role": "assistant", "content": text, "refusal": None}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "judge",
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": "stop",
                "logprobs": None if tokens is None else {"content": tokens, "refusal": None},
                **choice,
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def top(**logprobs: Any) -> list[dict[str, Any]]:
    return [
        {"token": name.removeprefix("n"), "logprob": value, "bytes": None} for name, value in logprobs.items()
    ]


def says(body: dict[str, Any]) -> Answer:
    return lambda call: Response(json.dumps(body))  # with NaN and Infinity, as Python writes them


def error(status: int, message: str, code: str | None = None, **headers: str) -> Answer:
    body = {"error": {"message": message, "type": "error", "code": code, "param": None}}
    return lambda call: Response(json.dumps(body), status, headers)
