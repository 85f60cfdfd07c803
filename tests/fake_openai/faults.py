"""What goes wrong, decided by a seed and by what was asked: the same in every run.

Faults(rate=0.2, kinds=("429", "truncated"), seed=1)          # a fifth of the requests
Faults(rate=1.0, only=lambda request: request.attempt == 1)   # every request once

Who asks again:

    429, 500, timeout     the openai client, `max_retries` times (a model argument, 2 unless told): at once
                          where Retry-After says so, else from half a second on; then Inspect, from 3 s on,
                          `GenerateConfig(max_retries=)` times
    truncated             nobody: json's own error reaches whoever called generate()
    the model's whims     nobody: they are answers
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Fault = Literal["429", "500", "timeout", "truncated", "no_logprobs", "refusal", "empty"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
"""What can go wrong: the first four are the API's faults, the others the model's whims."""


@dataclass(frozen=True)
class Request:
    """What was asked.

    Attributes:
        body: The request's JSON.
        attempt: How often this very body has been sent, from 1.
    """

    body: dict[str, Any]
    attempt: int

    @property
    def prompt(self) -> str:
        """The last message's text."""
        content = self.body["messages"][-1]["content"]
        return content if isinstance(content, str) else "".join(part["text"] for part in content)


@dataclass(frozen=True)
class Faults:
    """Which requests go wrong.

    Attributes:
        rate: Share of requests that do, 0 to 1.
        kinds: In which ways.
        seed: Decides which and how.
        only: Whether a request may go wrong at all; all by default.
    """

    rate: float = 0.0
    kinds: tuple[Fault, ...] = FAULTS
    seed: int = 0
    only: Callable[[Request], bool] = field(default=lambda request: True)

    def __post_init__(self) -> None:
        unknown = set(self.kinds) - set(FAULTS)
        if unknown or not self.kinds or not 0 <= self.rate <= 1:
            raise ValueError(f"a rate from 0 to 1 and some kinds of {FAULTS}, not {self.rate} {self.kinds}")

    def of(self, request: Request) -> Fault | None:
        """The fault of one attempt: the same for the same seed, request and attempt."""
        if not self.only(request):
            return None
        text = json.dumps([self.seed, request.body, request.attempt], sort_keys=True)
        draw = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
        if draw % 10_000 >= self.rate * 10_000:
            return None
        return self.kinds[draw // 10_000 % len(self.kinds)]
