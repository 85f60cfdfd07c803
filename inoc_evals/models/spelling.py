"""The ways in which a tokenizer can spell given words and numbers.

    root = Vocabulary(tokenizer, size=model.config.vocab_size).root(("8", "85", "CODE"))
    [(token, node.option) for token, node in root.ways]

From the root each token leads to a node, the text that is spelt by then. One blank may come first.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch

from inoc_evals.models.text import TokenText

BLANK = " "

OVERRUN = re.compile(r"( ?(?:[0-9]+|[A-Za-z]+))(.)", re.DOTALL)
"""A token that may end an option and go on with something else, such as `NO.`"""


@dataclass
class Node:
    """A text on the way to an option.

    Attributes:
        option: The option that the text is, if it is one.
        ways: Tokens that lead on, each with where it leads.
        ends: Tokens that complete an option and go on with something else, each with that option.
    """

    option: str | None
    ways: list[tuple[int, "Node"]] = field(default_factory=list)
    ends: list[tuple[int, str]] = field(default_factory=list)

    @property
    def is_number(self) -> bool:
        """Whether the text is an option and a number."""
        return self.option is not None and self.option.isdecimal()


class Vocabulary:
    """A tokenizer's tokens by their text.

    Attributes:
        ends: Token ids that end an answer.
        digits: Token ids that begin with a digit.
        kinds: (vocabulary, 2), float32: 1 where a token begins with a digit, and where with a letter.
        root: Gives the root of all ways to some options, different ones, each ASCII digits or ASCII letters.
    """

    def __init__(self, tokenizer: Any, size: int, ends: frozenset[int] = frozenset()) -> None:
        """Read every token's text, once.

        Args:
            tokenizer: A transformers tokenizer.
            size: Length of the model's logits.
            ends: Token ids that end an answer, besides the tokenizer's own.
        """
        ends |= {tokenizer.eos_token_id} - {None}
        tokens, no_text = TokenText(tokenizer), ends | set(tokenizer.all_special_ids)
        texts = ["" if token in no_text else tokens.token(token) for token in range(size)]
        self._ids: dict[str, list[int]] = {}
        self._overruns: dict[str, list[int]] = {}
        for token, text in enumerate(texts):
            self._ids.setdefault(text, []).append(token)
            overrun = OVERRUN.match(text)
            if overrun and not _alike(overrun[1][-1], overrun[2]):
                self._overruns.setdefault(overrun[1], []).append(token)
        self.kinds = torch.tensor([[text[:1].isdigit(), text[:1].isalpha()] for text in texts]).float()
        self.digits = self.kinds[:, 0].nonzero()[:, 0]
        self.ends = torch.tensor(sorted(ends), dtype=torch.long)
        self.root: Callable[[tuple[str, ...]], Node] = lru_cache(maxsize=64)(self._root)

    def _root(self, options: tuple[str, ...]) -> Node:
        texts = {option[:end] for option in options for end in range(1, len(option) + 1)}
        nodes = {text: Node(text if text in options else None) for text in texts}
        blank, root = Node(None), Node(None)
        for text, node in [*nodes.items(), ("", blank), ("", root)]:
            for longer in (longer for longer in texts if longer.startswith(text) and longer != text):
                rest = longer.removeprefix(text)
                for spelt in (rest, BLANK + rest) if node is root else (rest,):
                    node.ways += [(token, nodes[longer]) for token in self._ids.get(spelt, ())]
                    if longer in options:
                        node.ends += [(token, longer) for token in self._overruns.get(spelt, ())]
        root.ways += [(token, blank) for token in self._ids.get(BLANK, ())]
        return root


def _alike(one: str, other: str) -> bool:
    """Whether two characters go on as one number or one word."""
    return (one.isdigit() and other.isdigit()) or (one.isalpha() and other.isalpha())
