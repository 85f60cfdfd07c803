"""What a fake model says, token by token and probability by probability, as OpenAI's API writes it.

distribution({"85": 0.7, "90": 0.2})                  # whole numbers as one token, as GPT-4o writes them
distribution({"85": 0.7, "90": 0.2}, digits=True)     # digit by digit, as Qwen writes them
distribution({"85": 0.7, "90": 0.2}, said="90")       # the same judge, where it drew the less likely
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_SHOWN = 20
"""Top log-probs that OpenAI shows of a token, at most."""


@dataclass(frozen=True)
class Token:
    """One token that was said.

    Attributes:
        text: The token.
        shown: Probabilities of what could have stood there, the token's own among them.
    """

    text: str
    shown: Mapping[str, float]

    def body(self, top: int) -> dict[str, Any]:
        """The token's JSON, with so many of the likeliest."""
        ranked = sorted(self.shown, key=lambda text: -self.shown[text])
        return {**self._entry(self.text), "top_logprobs": [self._entry(text) for text in ranked[:top]]}

    def _entry(self, text: str) -> dict[str, Any]:
        logprob = math.log(min(1.0, self.shown[text]))  # sums of floats can exceed one
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


@dataclass(frozen=True)
class Reply:
    """One completion.

    Attributes:
        text: What it says.
        tokens: Its tokens; None leaves log-probs out even where they are asked for.
        refusal: Text of a refusal, instead of content.
        finish_reason: As in OpenAI's API.
        usage: Tokens of the prompt and of the completion.
    """

    text: str
    tokens: tuple[Token, ...] | None = None
    refusal: str | None = None
    finish_reason: str = "stop"
    usage: tuple[int, int] = field(default=(10, 1))

    def body(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The response's JSON, with the log-probs that were asked for.

        Args:
            asked: The request's JSON.
        """
        message = {"role": "assistant", "content": None if self.refusal else self.text}
        choice: dict[str, Any] = {
            "index": 0,
            "message": {**message, "refusal": self.refusal},
            "finish_reason": self.finish_reason,
            "logprobs": None,
        }
        if self.tokens is not None and asked.get("logprobs"):
            top = asked.get("top_logprobs") or 0
            choice["logprobs"] = {"content": [token.body(top) for token in self.tokens], "refusal": None}
        prompt, completion = self.usage
        return {
            "id": "chatcmpl-fake",
            "object": "chat.completion",
            "created": 0,
            "model": asked["model"],
            "choices": [choice],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
            },
        }


def reply(text: str) -> Reply:
    """Plain text without log-probs."""
    return Reply(text)


def silence() -> Reply:
    """An empty completion."""
    return Reply("")


def distribution(
    probabilities: Mapping[str, float], digits: bool = False, *, said: str | None = None
) -> Reply:
    """A judge's reply with its log-probs.

    Args:
        probabilities: Of each whole reply that it may give, numbers or words; what is missing to 1 is shown
            of no token.
        digits: Whether numbers are written digit by digit: the first token's log-probs are then those of
            first digits, and each later token's those of what may follow.
        said: Which it gives; at each token the likeliest, unless told.

    Returns:
        The reply; words are one token each.

    Raises:
        ValueError: If these are no probabilities.
    """
    if any(p < 0 for p in probabilities.values()) or sum(probabilities.values()) > 1 + 1e-9:
        raise ValueError(f"no probabilities: {probabilities}")
    whole = {_pieces(text, digits): p for text, p in probabilities.items() if p > 0}
    tokens: list[Token] = []
    while True:
        before = tuple(token.text for token in tokens)
        ahead = {pieces: p for pieces, p in whole.items() if pieces[: len(before)] == before}
        following: dict[str, float] = {}
        for pieces, p in ahead.items():
            # the end is no token that the API shows
            piece = pieces[len(before)] if len(pieces) > len(before) else ""
            following[piece] = following.get(piece, 0.0) + p
        if said is None:
            best = max(following, key=lambda piece: following[piece])
        else:
            best = (*_pieces(said, digits), "")[len(before)]
        if not best:
            break
        # after the first token, those with an ending of their own are all that there is
        total = sum(following.values()) if before else 1.0
        tokens.append(Token(best, {piece: p / total for piece, p in following.items() if piece}))
    text = "".join(token.text for token in tokens)
    return Reply(text, tuple(tokens), usage=(10, len(tokens)))


def _pieces(text: str, digits: bool) -> tuple[str, ...]:
    return tuple(text) if digits and text.isdecimal() else (text,)
