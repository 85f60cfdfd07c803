"""Token ids back to text: whole answers, single tokens, and log-probabilities as Inspect's scorers read them.

    tokens = TokenText(tokenizer)
    tokens.text([10, 11])                # 'Hola'
    tokens.until_stop([10, 11], ("l",))  # 'Ho'
    tokens.token(10), tokens.bytes(10)
    to_logprobs(completion.logprobs, tokens).content[0].top_logprobs

Single tokens are named as readers of log-probabilities expect them: text, leading space included. The shapes
are OpenAI's for generated tokens and vLLM's for those of the prompt.
"""

from collections.abc import Sequence
from typing import Any

from inspect_ai.model import Logprob, Logprobs, TopLogprob

from inoc_evals.models.request import TokenLogprob

REPLACEMENT = "\ufffd"
"""What a decoder writes for bytes that are not (yet) a character."""


class TokenText:
    """Decodes with one tokenizer; remembers the tokens that it has named."""

    def __init__(self, tokenizer: Any) -> None:
        """Wrap a transformers tokenizer."""
        self._tokenizer = tokenizer
        self._names: dict[int, str] = {}

    def text(self, ids: Sequence[int]) -> str:
        """Decode an answer, without special tokens."""
        return str(
            self._tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )

    def until_stop(self, ids: Sequence[int], stop: Sequence[str]) -> str | None:
        """The text before the first stop sequence, or None where none has appeared."""
        if not stop:
            return None
        text = self.text(ids)
        places = [place for place in (text.find(sequence) for sequence in stop) if place >= 0]
        return text[: min(places)] if places else None

    def token(self, token: int) -> str:
        """One token as text, a leading space included."""
        if token not in self._names:
            name = str(self._tokenizer.decode([token], clean_up_tokenization_spaces=False))
            piece = str(self._tokenizer.convert_ids_to_tokens(token))
            if "▁" in piece and "▁" not in name:
                # SentencePiece decoders drop the spaces of a text's first token, here every token
                name = piece.replace("▁", " ")
            self._names[token] = name
        return self._names[token]

    def bytes(self, token: int) -> list[int] | None:
        """The token's UTF-8 bytes; None where the token is only part of a character."""
        name = self.token(token)
        return None if REPLACEMENT in name else list(name.encode())


def to_logprobs(entries: Sequence[TokenLogprob], tokens: TokenText) -> Logprobs:
    """Convert the log-probabilities of generated tokens; alternatives include the token itself."""
    return Logprobs(content=[_logprob(entry, entry.top, tokens) for entry in entries])


def to_prompt_logprobs(entries: Sequence[TokenLogprob], tokens: TokenText) -> Logprobs:
    """Convert those of prompt tokens; as vLLM has it, alternatives leave out the token itself."""
    return Logprobs(
        content=[
            _logprob(entry, [pair for pair in entry.top if pair[0] != entry.token], tokens)
            for entry in entries
        ]
    )


def _logprob(entry: TokenLogprob, top: Sequence[tuple[int, float]], tokens: TokenText) -> Logprob:
    alternatives = [
        TopLogprob(token=tokens.token(token), logprob=logprob, bytes=tokens.bytes(token))
        for token, logprob in top
    ]
    return Logprob(
        token=tokens.token(entry.token),
        logprob=entry.logprob,
        bytes=tokens.bytes(entry.token),
        top_logprobs=alternatives or None,
    )
