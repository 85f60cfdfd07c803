"""Many short continuations of a batch of prompts, read side by side.

    tree = Tree(model, prompts, vocabulary)
    for paths, logits in tree.after(level, settle):  # a level of paths is one token longer than the last
        ...

The prompts are read once, and what they begin with in common once for all of them. Each level of
continuations is one forward pass over the key-value cache, in which a mask hides siblings from each other.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, pad
from transformers.cache_utils import DynamicLayer

from inoc_evals.models.decode import left_pad
from inoc_evals.models.prompt_logprobs import LOGITS_BUDGET
from inoc_evals.models.spelling import Node, Vocabulary

WORTH_SHARING = 16
"""Tokens that all prompts begin with, from which on they are read once for all."""

LOGITS_AT_ONCE = 1_000_000
"""Logits of continuations held at once, in numbers; few enough to stay in a processor's cache."""

PATHS_AT_ONCE = 128
"""Continuations whose logits are computed at once even so, for the sake of large vocabularies."""

CLOSE = 1e-4
"""Logits that agree so closely are the same."""


@dataclass(frozen=True, slots=True)
class Path:
    """Tokens after a row's prompt, what they spell, and their probability."""

    row: int
    tokens: tuple[int, ...]
    node: Node
    probability: float


Settle = Callable[[Path, float], bool]
"""Told at most how likely a digit follows a path that spells a number; says whether that will do."""

Logits = Iterator[tuple[Sequence[Path], Tensor]]
"""Paths, and the logits after each: (paths, vocabulary), in float32."""


class Tree:
    """Prompts and their continuations over one key-value cache.

    Attributes:
        logits: (prompts, vocabulary), in float32: those after the prompts.
        exact: Whether the model can be read so. It can if all its layers see the whole text and its last
            layer by itself makes the logits.
    """

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], vocabulary: Vocabulary) -> None:
        """Read the prompts."""
        self._model, self._head = model, model.get_output_embeddings()
        shared = self._read_shared(prompts)
        ids, mask = left_pad([prompt[self._shared :] for prompt in prompts], model.device)
        mask = pad(mask, (self._shared, 0), value=1)
        positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)
        states: list[Tensor] = []
        hook = model.base_model.register_forward_hook(
            lambda module, given, output: states.append(output.last_hidden_state[:, -1])
        )
        try:
            output = model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions[:, self._shared :],
                past_key_values=shared,
                use_cache=True,
                logits_to_keep=1,
            )
        finally:
            hook.remove()
        self.logits: Tensor = output.logits[:, -1].float()
        self._cache = output.past_key_values
        self._seen = mask.bool()  # what every path of a row sees: its prompt
        self._next = positions[:, -1:] + 1
        self._places: dict[tuple[int, tuple[int, ...]], int] = {}
        self.exact = _sees_all(self._cache) and self._can_use_head(states)
        self._digits = len(vocabulary.digits)
        self._few = self._part_of_head(states, vocabulary) if self.exact else None

    def after(self, paths: Sequence[Path], settle: Settle) -> Logits:
        """Read one level of paths, whose parents have been read.

        Args:
            paths: All paths of the level, row by row.
            settle: See `Settle`.

        Yields:
            Those that were not settled, some at a time.
        """
        states = self._read(paths)
        left = self._unsettled(paths, states, settle)
        size = max(PATHS_AT_ONCE, LOGITS_AT_ONCE // self.logits.shape[-1])
        for start in range(0, len(left), size):
            part = left[start : start + size]
            logits = self._head(states[torch.tensor(part, device=states.device)]).float()
            yield [paths[place] for place in part], self._scale * logits

    def _read_shared(self, prompts: Sequence[Sequence[int]]) -> Any:
        """Read what all prompts begin with, once for all; a cache for every row, if it is worth it."""
        first, last = min(map(tuple, prompts)), max(map(tuple, prompts))  # what these two share, all share
        same = [a == b for a, b in zip(first[:-1], last, strict=False)]
        self._shared = [*same, False].index(False)
        if len(prompts) > 1 and self._shared >= WORTH_SHARING:
            ids = torch.tensor([list(first[: self._shared])], device=self._model.device)
            cache = self._model.base_model(input_ids=ids, use_cache=True).past_key_values
            if _sees_all(cache):
                cache.batch_repeat_interleave(len(prompts))
                return cache
        self._shared = 0
        return None

    def _can_use_head(self, states: Sequence[Tensor]) -> bool:
        """Whether the last layer alone makes the logits, but for a factor that some models put to them."""
        if self._head is None or len(states) != 1:
            return False
        plain = self._head(states[0]).float()
        self._scale = float((plain * self.logits).sum() / (plain * plain).sum())
        return _same(self._scale * plain, self.logits)

    def _part_of_head(self, states: Sequence[Tensor], vocabulary: Vocabulary) -> tuple[Tensor, Any] | None:
        """The last layer for digits and end tokens only; None if it is more than a matrix, such as a LoRA."""
        weight, bias = getattr(self._head, "weight", None), getattr(self._head, "bias", None)
        if not isinstance(weight, Tensor) or not len(vocabulary.ends):
            return None
        few = torch.cat([vocabulary.digits, vocabulary.ends]).to(weight.device)
        part = (self._scale * weight[few], None if bias is None else self._scale * bias[few])
        return part if _same(linear(states[0], *part).float(), self.logits[:, few]) else None

    def _unsettled(self, paths: Sequence[Path], states: Tensor, settle: Settle) -> list[int]:
        if self._few is None:
            return list(range(len(paths)))
        # a digit's share beside the end tokens is more than its share beside all tokens
        shares = linear(states, *self._few).float().softmax(dim=-1)
        most = shares[:, : self._digits].sum(dim=-1).tolist()
        return [
            place
            for place, path in enumerate(paths)
            if not (path.node.is_number and settle(path, most[place]))
        ]

    def _read(self, paths: Sequence[Path]) -> Tensor:
        """The last hidden state of every path, (paths, size)."""
        device, dtype = self._model.device, self._model.dtype
        columns = [column for _, row in groupby(paths, lambda path: path.row) for column, _ in enumerate(row)]
        width, depth, known = max(columns) + 1, len(paths[0].tokens), self._seen.shape[1]
        lineage = []
        for path, column in zip(paths, columns, strict=True):
            self._places[path.row, path.tokens] = known + column
            for end in range(1, depth + 1):
                lineage.append((path.row, column, self._places[path.row, path.tokens[:end]]))
        at = torch.tensor([[path.row for path in paths], columns], device=device).unbind()
        ids = torch.zeros(len(self._seen), width, dtype=torch.long, device=device)
        ids[at] = torch.tensor([path.tokens[-1] for path in paths], device=device)
        self._seen = pad(self._seen, (0, width))
        seen = self._seen.unsqueeze(1).repeat(1, width, 1)
        seen[torch.tensor(lineage, device=device).unbind(dim=1)] = True
        hidden = torch.zeros(seen.shape, dtype=dtype, device=device)
        output = self._model.base_model(
            input_ids=ids,
            attention_mask=hidden.masked_fill_(~seen, torch.finfo(dtype).min).unsqueeze(1),
            position_ids=(self._next + depth - 1).expand(-1, width),
            past_key_values=self._cache,
            use_cache=True,
        )
        states: Tensor = output.last_hidden_state[at]
        return states


class Apart:
    """Every continuation read as a text of its own: slow, for models that no `Tree` can read."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]]) -> None:
        """Take the prompts; they are read again with every path."""
        self._model, self._prompts = model, prompts

    def after(self, paths: Sequence[Path], settle: Settle) -> Logits:
        """As `Tree.after`; settles none."""
        longest = max(map(len, self._prompts)) + len(paths[0].tokens)
        size = max(1, LOGITS_BUDGET // (longest * int(self._model.config.get_text_config().vocab_size)))
        for start in range(0, len(paths), size):
            part = paths[start : start + size]
            texts = [[*self._prompts[path.row], *path.tokens] for path in part]
            ids, mask = left_pad(texts, self._model.device)
            output = self._model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=(mask.cumsum(dim=-1) - 1).clamp(min=0),
                use_cache=False,
                logits_to_keep=1,
            )
            yield part, output.logits[:, -1].float()


def _sees_all(cache: Any) -> bool:
    """Whether every layer keeps and sees the whole text, so that a mask alone decides who sees whom."""
    return all(type(layer) is DynamicLayer for layer in getattr(cache, "layers", [None]))


def _same(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=CLOSE, atol=CLOSE)
