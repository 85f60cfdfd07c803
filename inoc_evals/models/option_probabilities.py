"""The probability of each of a few short answers, whatever the tokenizer: what an exact judge is read by.

    vocabulary = Vocabulary(tokenizer, size=model.config.vocab_size)
    scored, logits = score_options(model, prompts, [("0", ..., "100", "CODE")] * len(prompts), vocabulary)
    scored[0].probabilities["85"], scored[0].unresolved

An option's probability is summed over all token sequences that spell it, also after one blank; that of a word
also after a mark of emphasis or quotation (`**YES**`). It counts only what ends there: a number ends where no
further digit follows, a word where no further letter does. So a tokenizer that writes 8, 5 and one that knows
85 are read alike, and 8 never swallows 85.

Three steps, in the order of this file:

1. Spelling: `Vocabulary.root(options)` is a graph of all the ways in which tokens spell the options.
2. Search: `score_options` follows the graph level by level, a token at a time. Branches that together hold
   next to nothing are left out, and their probability is reported as `unresolved`.
3. Reading: `Tree` gives the logits after all branches of a level in one forward pass over a shared key-value
   cache; `Apart` reads every branch as a text of its own, for models that no `Tree` can read.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, pad
from transformers.cache_utils import DynamicLayer

from inoc_evals.models.prompt_logprobs import LOGITS_BUDGET
from inoc_evals.models.sequences import cache_of, last_token, left_pad, with_cache
from inoc_evals.models.token_text import TokenText

BLANK = " "

MARKS = ("*", "**", "_", "`", '"', "'")
"""What may stand before a word, but before no number."""

OVERRUN = re.compile(r"( ?(?:[0-9]+|(?:\*\*?|[_`\"'])?[A-Za-z]+))(.)", re.DOTALL)
"""A token that may end an option and go on with something else, such as `NO.`"""

NEGLIGIBLE = 1e-7
"""Probability of the branches that are left out at one level of one row, all together."""

ROWS_AT_ONCE = 16
"""Prompts that a CPU reads at once, with their continuations: what they need stays in its caches."""

SETTLED = 1e-8
"""A number that a further digit follows with at most this probability counts as ended."""

WORTH_SHARING = 16
"""Length of a common start, in tokens, from which on it is read once for all prompts."""

LOGITS_AT_ONCE = 1_000_000
"""Logits of branches held at once, in numbers; few enough to stay in a processor's cache."""

BRANCHES_AT_ONCE = 128
"""Branches whose logits are computed at once at the least, for the sake of large vocabularies."""

CLOSE = 1e-4
"""Logits that differ by no more than this are taken as equal."""


# --- Spelling: the ways in which a tokenizer can write the options ---


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
        # sorted: the order of what is summed decides the last digit
        texts = sorted({option[:end] for option in options for end in range(1, len(option) + 1)})
        nodes = {text: Node(text if text in options else None) for text in texts}
        for text, node in nodes.items():
            for longer in (longer for longer in texts if longer.startswith(text) and longer != text):
                self._lead(node, longer.removeprefix(text), longer, nodes[longer])
        marks = MARKS if any(option.isalpha() for option in options) else ()
        leads = {lead: Node(None) for lead in ("", BLANK, *marks, *(BLANK + mark for mark in marks))}
        for lead, node in leads.items():
            for further in (further for further in leads if further.startswith(lead)):
                rest = further.removeprefix(lead)
                node.ways += [(token, leads[further]) for token in self._ids.get(rest, ()) if rest]
                for text, begun in nodes.items():
                    if text.isalpha() or further in ("", BLANK):
                        self._lead(node, rest + text, text, begun)
        return leads[""]

    def _lead(self, start: Node, spelt: str, text: str, end: Node) -> None:
        """Add the tokens that lead from one node to another."""
        start.ways += [(token, end) for token in self._ids.get(spelt, ())]
        if end.option is not None:
            start.ends += [(token, text) for token in self._overruns.get(spelt, ())]


def _alike(one: str, other: str) -> bool:
    """Whether two characters go on as one number or one word."""
    return (one.isdigit() and other.isdigit()) or (one.isalpha() and other.isalpha())


# --- Search: from the prompts along the spellings ---


@dataclass(frozen=True, slots=True)
class Branch:
    """Tokens after a row's prompt, what they spell, and their probability."""

    row: int
    tokens: tuple[int, ...]
    node: Node
    probability: float


@dataclass
class Scored:
    """The result for one prompt.

    Attributes:
        probabilities: By option, in their order.
        unresolved: Probability of what was left out; no option is wrong by more.
    """

    probabilities: dict[str, float]
    unresolved: float = 0.0


@torch.inference_mode()
def score_options(
    model: Any, prompts: Sequence[Sequence[int]], options: Sequence[tuple[str, ...]], vocabulary: Vocabulary
) -> tuple[list[Scored], Tensor]:
    """Score the options of every prompt.

    Args:
        model: A transformers causal language model in evaluation mode.
        prompts: Token ids. A prompt, a blank, a mark and a token for each character of an option must fit
            the model's context.
        options: Of each prompt, different ones; each ASCII digits or ASCII letters.
        vocabulary: The model's tokens.

    Returns:
        One result a prompt; and the logits after each prompt, (prompts, vocabulary), in float32.
    """
    by_length = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    size = ROWS_AT_ONCE if model.device.type == "cpu" else len(prompts)
    scored: dict[int, tuple[Scored, Tensor]] = {}
    for start in range(0, len(prompts), size):
        part = by_length[start : start + size]
        results, logits = _score(model, [prompts[i] for i in part], [options[i] for i in part], vocabulary)
        scored.update(zip(part, zip(results, logits, strict=True), strict=True))
    ordered = [scored[place] for place in range(len(prompts))]
    return [result for result, _ in ordered], torch.stack([logits for _, logits in ordered])


def _score(
    model: Any, prompts: Sequence[Sequence[int]], options: Sequence[tuple[str, ...]], vocabulary: Vocabulary
) -> tuple[list[Scored], Tensor]:
    results = [Scored(dict.fromkeys(own, 0.0)) for own in options]
    kinds = vocabulary.kinds.to(model.device)
    tree = Tree(model, prompts, vocabulary)
    reader = tree if tree.exact else Apart(model, prompts)

    def settle(branch: Branch, more: float) -> bool:
        """Count a number as ended if a further digit is next to impossible."""
        row, more = results[branch.row], more * branch.probability
        if more > SETTLED:
            return False
        _count(row, branch, branch.probability)
        row.unresolved += more
        return True

    roots = [Branch(row, (), vocabulary.root(own), 1.0) for row, own in enumerate(options)]
    level = _prune(results, _lead_on(results, roots, tree.logits.softmax(dim=-1)))
    while level:
        following: list[Branch] = []
        for branches, logits in reader.after(level, settle):
            follows = logits.softmax(dim=-1)
            for branch, (digit, letter) in zip(branches, (follows @ kinds).tolist(), strict=True):
                more = digit if branch.node.is_number else letter
                _count(results[branch.row], branch, branch.probability * max(0.0, 1.0 - more))
            following += _lead_on(results, branches, follows)
        level = _prune(results, following)
    return results, tree.logits


def _count(row: Scored, branch: Branch, probability: float) -> None:
    if branch.node.option is not None:
        row.probabilities[branch.node.option] += probability


def _lead_on(results: Sequence[Scored], branches: Sequence[Branch], follows: Tensor) -> list[Branch]:
    """Go one token on; what overruns an option counts for it at once.

    Args:
        results: By row; added to.
        branches: Where to go on.
        follows: (branches, vocabulary): probabilities of the next token.

    Returns:
        The branches one token longer.
    """
    steps = [
        (place, token)
        for place, branch in enumerate(branches)
        for token, _ in branch.node.ways + branch.node.ends
    ]
    if not steps:
        return []
    places, tokens = torch.tensor(steps, device=follows.device).unbind(dim=1)
    shares = iter(follows[places, tokens].tolist())
    longer = []
    for branch in branches:
        for token, node in branch.node.ways:
            probability = branch.probability * next(shares)
            longer.append(Branch(branch.row, (*branch.tokens, token), node, probability))
        for _, option in branch.node.ends:
            results[branch.row].probabilities[option] += branch.probability * next(shares)
    return longer


def _prune(results: Sequence[Scored], branches: Sequence[Branch]) -> list[Branch]:
    """Leave out each row's least likely branches; one that spells an option counts as if it ended there.

    Args:
        results: By row; added to.
        branches: All branches of a level.

    Returns:
        Those that are kept, row by row.
    """
    kept = []
    room = [NEGLIGIBLE] * len(results)
    for branch in sorted(branches, key=lambda branch: (branch.row, branch.probability)):
        room[branch.row] -= branch.probability
        if room[branch.row] < 0:
            kept.append(branch)
            continue
        _count(results[branch.row], branch, branch.probability)
        results[branch.row].unresolved += branch.probability
    return kept


# --- Reading: the logits after many branches at once ---

Settle = Callable[[Branch, float], bool]
"""Takes a branch that spells a number, and an upper bound on the probability that a digit follows; returns
whether that settles the branch, so that its logits are not needed."""

Logits = Iterator[tuple[Sequence[Branch], Tensor]]
"""Branches, and the logits after each: (branches, vocabulary), in float32."""


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
                **with_cache(shared),
                logits_to_keep=last_token(ids),
            )
        finally:
            hook.remove()
        self.logits: Tensor = output.logits[:, -1].float()
        self._cache = cache_of(output)
        self._seen = mask.bool()  # what every branch of a row sees: its prompt
        self._next = positions[:, -1:] + 1
        self._places: dict[tuple[int, tuple[int, ...]], int] = {}
        self.exact = _sees_all(self._cache) and self._can_use_head(states)
        self._digits = len(vocabulary.digits)
        self._few = self._part_of_head(states, vocabulary) if self.exact else None

    def after(self, branches: Sequence[Branch], settle: Settle) -> Logits:
        """Read one level of branches, whose parents have been read.

        Args:
            branches: All branches of the level, row by row.
            settle: See `Settle`.

        Yields:
            Those that were not settled, some at a time.
        """
        states = self._read(branches)
        left = self._unsettled(branches, states, settle)
        size = max(BRANCHES_AT_ONCE, LOGITS_AT_ONCE // self.logits.shape[-1])
        for start in range(0, len(left), size):
            part = left[start : start + size]
            logits = self._head(states[torch.tensor(part, device=states.device)]).float()
            yield [branches[place] for place in part], self._scale * logits

    def _read_shared(self, prompts: Sequence[Sequence[int]]) -> Any:
        """Read what all prompts begin with, once for all; a cache for every row, if it is worth it."""
        first, last = min(map(tuple, prompts)), max(map(tuple, prompts))  # what these two share, all share
        same = [a == b for a, b in zip(first[:-1], last, strict=False)]
        self._shared = [*same, False].index(False)
        if len(prompts) > 1 and self._shared >= WORTH_SHARING:
            ids = torch.tensor([list(first[: self._shared])], device=self._model.device)
            cache = cache_of(self._model.base_model(input_ids=ids, use_cache=True))
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

    def _unsettled(self, branches: Sequence[Branch], states: Tensor, settle: Settle) -> list[int]:
        if self._few is None:
            return list(range(len(branches)))
        # a digit's share beside the end tokens is more than its share beside all tokens
        shares = linear(states, *self._few).float().softmax(dim=-1)
        most = shares[:, : self._digits].sum(dim=-1).tolist()
        return [
            place
            for place, branch in enumerate(branches)
            if not (branch.node.is_number and settle(branch, most[place]))
        ]

    def _read(self, branches: Sequence[Branch]) -> Tensor:
        """The last hidden state of every branch, (branches, size)."""
        device, dtype = self._model.device, self._model.dtype
        by_row = groupby(branches, lambda branch: branch.row)
        columns = [column for _, row in by_row for column, _ in enumerate(row)]
        width, depth, known = max(columns) + 1, len(branches[0].tokens), self._seen.shape[1]
        lineage = []
        for branch, column in zip(branches, columns, strict=True):
            self._places[branch.row, branch.tokens] = known + column
            for end in range(1, depth + 1):
                lineage.append((branch.row, column, self._places[branch.row, branch.tokens[:end]]))
        at = torch.tensor([[branch.row for branch in branches], columns], device=device).unbind()
        ids = torch.zeros(len(self._seen), width, dtype=torch.long, device=device)
        ids[at] = torch.tensor([branch.tokens[-1] for branch in branches], device=device)
        self._seen = pad(self._seen, (0, width))
        seen = self._seen.unsqueeze(1).repeat(1, width, 1)
        seen[torch.tensor(lineage, device=device).unbind(dim=1)] = True
        hidden = torch.zeros(seen.shape, dtype=dtype, device=device)
        output = self._model.base_model(
            input_ids=ids,
            attention_mask=hidden.masked_fill_(~seen, torch.finfo(dtype).min).unsqueeze(1),
            position_ids=(self._next + depth - 1).expand(-1, width),
            **with_cache(self._cache),
        )
        states: Tensor = output.last_hidden_state[at]
        return states


class Apart:
    """Every continuation read as a text of its own: slow, for models that no `Tree` can read."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]]) -> None:
        """Take the prompts; they are read again with every branch."""
        self._model, self._prompts = model, prompts

    def after(self, branches: Sequence[Branch], settle: Settle) -> Logits:
        """As `Tree.after`; settles none."""
        longest = max(map(len, self._prompts)) + len(branches[0].tokens)
        size = max(1, LOGITS_BUDGET // (longest * int(self._model.config.get_text_config().vocab_size)))
        for start in range(0, len(branches), size):
            part = branches[start : start + size]
            texts = [[*self._prompts[branch.row], *branch.tokens] for branch in part]
            ids, mask = left_pad(texts, self._model.device)
            output = self._model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=(mask.cumsum(dim=-1) - 1).clamp(min=0),
                use_cache=False,
                logits_to_keep=last_token(ids),
            )
            yield part, output.logits[:, -1].float()


def _sees_all(cache: Any) -> bool:
    """Whether every layer keeps and sees the whole text, so that a mask alone decides who sees whom."""
    return all(type(layer) is DynamicLayer for layer in getattr(cache, "layers", [None]))


def _same(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=CLOSE, atol=CLOSE)
