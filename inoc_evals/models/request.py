"""Requests to the generation engine and its completions; imports neither torch nor Inspect.

    request = Request(prompt=(2, 10, 1, 4), max_tokens=32, temperature=0.0)
    completion.text, completion.stop_reason, completion.logprobs

Both are frozen values, so they can cross threads.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

StopReason = Literal["stop", "max_tokens", "model_length"]
"""At an end token or a stop sequence; at the request's limit; at the end of the model's context."""


@dataclass(frozen=True)
class Request:
    """One continuation to draw.

    Attributes:
        prompt: Token ids of the rendered prompt, at least one.
        max_tokens: Longest continuation, in tokens, the end token included.
        temperature: 0 is greedy; 1 is the model's own distribution.
        top_p: Sample only from the smallest set of tokens with at least this probability.
        top_k: Sample only from this many most likely tokens; 0 for all.
        seed: Fixes the random draws of this request, whatever else shares its batch.
        stop: End where one of these strings appears; the text excludes it.
        logprobs: Give each token's log-probability.
        top_logprobs: Give this many most likely tokens too, at every position.
        prompt_logprobs: Give the prompt tokens' log-probabilities, with this many most likely tokens at
            every position where it is more than 1; 0 for none.
        options: Short answers whose probabilities are wanted, each a number or a word; with them
            `max_tokens` is 1.
    """

    prompt: tuple[int, ...]
    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0
    stop: tuple[str, ...] = ()
    logprobs: bool = False
    top_logprobs: int = 0
    prompt_logprobs: int = 0
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class TokenLogprob:
    """One token's log-probability under the model's own distribution (temperature 1, nothing cut off).

    Attributes:
        token: Token id.
        logprob: Natural logarithm.
        top: Most likely (token id, log-probability) pairs, best first.
    """

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Completion:
    """One continuation.

    Attributes:
        text: Without special tokens and without the stop sequence.
        output_tokens: Tokens generated, the end token included.
        stop_reason: Why it ended.
        logprobs: One entry per generated token, the end token included; empty if not requested.
        prompt_logprobs: One entry per prompt token but the first; empty if not requested.
        options: By option, its probability as the whole answer; None if not requested.
        unresolved: A bound on the error of any of them: the probability that the search left out.
    """

    text: str
    output_tokens: int
    stop_reason: StopReason
    logprobs: tuple[TokenLogprob, ...] = ()
    prompt_logprobs: tuple[TokenLogprob, ...] = ()
    options: Mapping[str, float] | None = None
    unresolved: float = 0.0


def stream_seed(*parts: object) -> int:
    """Mix what identifies a draw into one 63-bit seed, the same on every machine and Python version."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1
