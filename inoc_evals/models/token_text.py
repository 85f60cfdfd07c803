"""Token ids back to text: whole answers, single tokens, and log-probabilities as Inspect's scorers read them.

    tokens = TokenText(tokenizer)
    tokens.text([10, 11])                # 'Hola'
    tokens.until_stop([10, 11], ("l",))  # 'Ho'
    tokens.token(10), tokens.bytes(10)
    to_logprobs(completion.logprobs, tokens).content[0].top_logprobs

Single tokens are named as readers of log-probabilities expect them: text, leading space included. A token may
hold only a part of a character, so its bytes are the fact and its text may be a replacement mark. The shapes
are OpenAI's for generated tokens and vLLM's for those of the prompt.
"""

import re
from collections.abc import Sequence
from typing import Any

from inspect_ai.model import Logprob, Logprobs, TopLogprob

from inoc_evals.chat.reasoning import FOOTERS, HEADERS, MARKS
from inoc_evals.models.request import TokenLogprob

REPLACEMENT = "\ufffd"
"""What a decoder writes for bytes that are not (yet) a character."""

MARK = re.compile(r"<\|\w+\|>|\[/?\w+\]")
"""The control tokens in the marks of `chat.reasoning`."""

BYTE = re.compile(r"<0x([0-9A-F]{2})>")
"""How SentencePiece writes a token of one byte."""


def _byte_alphabet() -> dict[str, int]:
    """The character by which a byte-level tokenizer writes each byte (GPT-2's)."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(b): b for b in plain} | {chr(256 + n): b for n, b in enumerate(others)}


BYTE_ALPHABET = _byte_alphabet()


class TokenText:
    """Decodes with one tokenizer; remembers the tokens that it has named."""

    def __init__(self, tokenizer: Any) -> None:
        """Wrap a transformers tokenizer."""
        self._tokenizer = tokenizer
        self._names: dict[int, str] = {}
        self._marks = _reasoning_tokens(tokenizer)

    def text(self, ids: Sequence[int]) -> str:
        """Decode an answer, without special tokens but those that mark reasoning."""
        if not self._marks.keys() & ids:
            return self._decode(ids)
        parts, start = [], 0
        for place, token in enumerate(ids):
            if token in self._marks:
                parts += [self._decode(ids[start:place]), self._marks[token]]
                start = place + 1
        return "".join([*parts, self._decode(ids[start:])])

    def _decode(self, ids: Sequence[int]) -> str:
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
        """The token's UTF-8 bytes, also of a part of a character; None where the tokenizer does not say."""
        name = self.token(token)
        if REPLACEMENT not in name:
            return list(name.encode())
        piece = str(self._tokenizer.convert_ids_to_tokens(token))
        if single := BYTE.fullmatch(piece):
            return [int(single[1], 16)]
        if all(character in BYTE_ALPHABET for character in piece):
            return [BYTE_ALPHABET[character] for character in piece]
        return None


def _reasoning_tokens(tokenizer: Any) -> dict[int, str]:
    """Special tokens that mark reasoning, of a tokenizer that has those that open it."""
    special = dict(zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True))
    special |= {str(t): n for n, t in tokenizer.added_tokens_decoder.items() if t.special}
    shown: set[str] = set()
    for start, end in MARKS:
        opening = MARK.findall(start)
        if opening and all(token in special for token in opening):
            around = [text for text in (*HEADERS, *FOOTERS) if special.keys() >= set(MARK.findall(text))]
            shown.update(*(MARK.findall(text) for text in (start, end, *around)))
    return {special[token]: token for token in shown if token in special}


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
