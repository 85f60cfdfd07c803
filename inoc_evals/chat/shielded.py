"""Messages that spell a control token: kept as text while a chat template is applied.

    shielded = Shielded(messages, frozenset({"<|im_end|>"}))
    text = apply_template(shielded.messages)     # marks stand where the messages spell "<|im_end|>"
    shielded.pieces(text)                       # [("<|im_start|>It ends with ", False), ("<|im_end|>", True)]
    shielded.restored(text)                      # the text as a person reads it

A template writes control tokens itself, and in its text nobody can tell them from those of a message. So
those of the messages are replaced before, and split into ordinary tokens afterwards.
"""

import re
from collections.abc import Collection, Sequence

from inoc_evals.chat.rows import Message

PRIVATE_USE = range(0xE000, 0xF8FF)
"""Characters that no text should hold; they stand in for control tokens while a template is applied."""


class Shielded:
    """A conversation in which control tokens spelt by a message have been replaced by marks.

    Attributes:
        messages: The messages as the template is to see them.
        text: The rendered text, marks included; set by the renderer.
    """

    def __init__(self, messages: Sequence[Message], control: frozenset[str]) -> None:
        """Put marks where messages spell control tokens.

        Args:
            messages: The messages.
            control: The control tokens, as text.
        """
        self._tokens: list[str] = []
        self.text = ""
        self.messages: Sequence[Message] = messages
        self._mark = re.compile("(?!)")
        whole = "\n".join(message["content"] for message in messages)
        if not any(token in whole for token in control):
            return
        spare = next(chr(code) for code in PRIVATE_USE if chr(code) not in whole)
        found = re.compile(any_of(control))

        def replace(match: re.Match[str]) -> str:
            self._tokens.append(match[0])
            return f"{spare}{len(self._tokens) - 1}{spare}"

        self._mark = re.compile(f"({spare}[0-9]+{spare})")
        self.messages = [
            Message(role=message["role"], content=found.sub(replace, message["content"]))
            for message in messages
        ]

    def pieces(self, text: str) -> list[tuple[str, bool]]:
        """A rendered text in pieces; of each, whether it is a control token that a message spells."""
        if not self._tokens:
            return [(text, False)]
        parts = self._mark.split(text)  # marks at the odd places
        return [
            (self._token(part), True) if place % 2 else (part, False)
            for place, part in enumerate(parts)
            if part
        ]

    def restored(self, text: str) -> str:
        """A rendered text with the control tokens in the place of their marks."""
        return "".join(piece for piece, _ in self.pieces(text))

    def _token(self, mark: str) -> str:
        return self._tokens[int(mark[1:-1])]


def any_of(strings: Collection[str]) -> str:
    """A pattern that matches one of some strings, the longest first; nothing where there are none."""
    return "|".join(re.escape(s) for s in sorted(strings, key=len, reverse=True) if s) or "(?!)"
