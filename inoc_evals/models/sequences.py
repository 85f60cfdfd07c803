"""Sequences that a model continues side by side: what it has read of each, and the next token's logits.

    sequences = read_with(model)
    logits = sequences.admit([prompt, other])      # (2, vocabulary): those after each prompt
    logits = sequences.step(tokens)                # one more token for each
    sequences.keep([1])                            # the other one goes on alone
    logits = sequences.admit([third])              # where there is room, a new one joins

Two ways of keeping what was read, behind one face. `Slots` gives each sequence a place of its own in buffers
that are made once, so that nothing is copied as answers grow, sequences join while others are under way, and
the beginning that prompts share is read once. It needs a model whose layers all attend to the whole text,
and shows before its first use that the model computes the same with it. `Together` is transformers' own
cache: on a GPU and for all other models, and nobody joins before all are done.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
import transformers
from packaging.version import Version
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import Cache, DynamicLayer

from inoc_evals.models import one_token_attention

CACHE = "cache" if Version(transformers.__version__) >= Version("5.24") else "past_key_values"
"""What models call a cache that they are given and that they return."""

COLUMNS = 64
"""Places for tokens that a slot gains at a time."""

SHARED = 8
"""Tokens that prompts must share at their beginning for it to be read separately."""

SPREAD = 1.25
"""Prompts are read together as long as padding adds less than this factor."""

AT_ONCE = 4096
"""Tokens of prompts that are read together at most, padding included; one prompt may have more."""

AGREEMENT = {torch.float32: 1e-3, torch.float16: 3e-2, torch.bfloat16: 1e-1}
"""Largest relative distance of logits that passes for rounding; what a wrong mask does is larger."""


class Sequences(Protocol):
    """What the decoding loop asks of either way."""

    joinable: bool
    """Whether sequences may join while others are under way."""

    def admit(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """Read prompts; they come after those that are there.

        Returns:
            (prompts, vocabulary) float32: the logits after each prompt.
        """
        ...

    def step(self, tokens: Tensor) -> Tensor:
        """Read one more token of every sequence.

        Args:
            tokens: (sequences,) ids.

        Returns:
            (sequences, vocabulary) float32.
        """
        ...

    def keep(self, places: Sequence[int]) -> None:
        """Forget all sequences but these, and put them into this order."""
        ...


def read_with(model: Any, beginnings: "Beginnings | None" = None, *, most: int = 1) -> Sequences:
    """The best way that a model admits.

    Args:
        model: A transformers causal language model in evaluation mode.
        beginnings: What earlier batches have read; None starts afresh.
        most: Sequences that will be side by side at most.
    """
    if beginnings is not None and beginnings.slots_fit:
        return Slots(model, beginnings, most)
    return Together(model)


class Beginnings:
    """What a model has read of the text that its prompts begin with, kept from batch to batch."""

    def __init__(self, model: Any) -> None:
        """Nothing is read yet.

        Args:
            model: The model that reads.
        """
        # On a GPU every kernel costs its launch, and transformers' own cache has fewer: 64 answers of 128
        # tokens of a model of 1.1 B parameters took 3.0 s in bfloat16 on an H200, in slots 4.2 s.
        self.slots_fit = model.device.type == "cpu" and _plain_layers(model) and _agrees(model)
        self.ids: tuple[int, ...] = ()
        self.states: list[tuple[Tensor, Tensor]] = []


class _SlotCache(Cache):
    """Keys and values of every sequence in a slot of its own: (slots, heads, columns, size) a layer."""

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=DynamicLayer)
        self.states: list[tuple[Tensor, Tensor]] = []
        self.slots, self.columns = 0, 0
        # what the next forward pass reads and writes
        self.rows: Tensor | None = None
        self.places: Tensor | None = None
        self.first, self.last, self.wide = 0, 0, 0

    def resize(self, slots: int, columns: int) -> None:
        """Make room, or less of it; what fits stays."""
        self.slots, self.columns = slots, columns
        for layer, pair in enumerate(self.states):  # one after the other, so that little is held twice
            self.states[layer] = (_resized(pair[0], slots, columns), _resized(pair[1], slots, columns))

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Store what a layer computed for the tokens being read; all that the layer may attend to."""
        if layer_idx == len(self.states):
            shape = (self.slots, key_states.shape[1], self.columns)
            self.states.append(
                (
                    key_states.new_zeros(*shape, key_states.shape[-1]),
                    value_states.new_zeros(*shape, value_states.shape[-1]),
                )
            )
        keys, values = self.states[layer_idx]
        assert self.rows is not None and self.places is not None
        # (sequences, tokens, heads, size): advanced indices on both sides of a slice come first
        keys[self.rows, :, self.places] = key_states.transpose(1, 2)
        values[self.rows, :, self.places] = value_states.transpose(1, 2)
        mine = slice(self.first, self.last)
        return keys[mine, :, : self.wide], values[mine, :, : self.wide]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Tokens read so far; positions are always given, so nobody reckons with it."""
        return self.wide


def _resized(tensor: Tensor, slots: int, columns: int) -> Tensor:
    resized = tensor.new_zeros(slots, tensor.shape[1], columns, tensor.shape[3])
    kept_slots, kept_columns = min(slots, tensor.shape[0]), min(columns, tensor.shape[2])
    resized[:kept_slots, :, :kept_columns] = tensor[:kept_slots, :, :kept_columns]
    return resized


class Slots:
    """Each sequence in a slot; see the module."""

    joinable = True

    def __init__(self, model: Any, beginnings: Beginnings, most: int) -> None:
        """Reserve nothing yet.

        Args:
            model: A model that `Beginnings` found to fit.
            beginnings: What is known of the prompts' beginnings.
            most: Sequences that will be side by side at most.
        """
        self._model, self._beginnings, self._most = model, beginnings, most
        self._cache = _SlotCache()
        self._lengths: list[int] = []

    def admit(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """See `Sequences.admit`."""
        first = len(self._lengths)
        different = list(dict.fromkeys(tuple(prompt) for prompt in prompts))
        # places of different prompts in the order of their lengths, so that a group has little padding
        different.sort(key=len)
        shared = self._read_beginning(different)
        longest = len(different[-1])
        self._reserve(first + len(prompts), longest + 1)
        self._copy_beginning(slice(first, first + len(different)), shared)
        self._lengths.extend(len(prompt) for prompt in different)
        suffixes = [prompt[shared:] for prompt in different]
        logits = torch.cat(
            [self._read(first + a, [*suffixes[a:b]], shared) for a, b in _groups([len(s) for s in suffixes])]
        )
        order = {prompt: place for place, prompt in enumerate(different)}
        wanted = [order[tuple(prompt)] for prompt in prompts]
        self._arrange([*range(first), *(first + place for place in wanted)])
        return logits if wanted == list(range(len(different))) else logits[wanted]

    def step(self, tokens: Tensor) -> Tensor:
        """See `Sequences.step`."""
        longest = max(self._lengths) + 1
        self._reserve(len(self._lengths), longest)
        places = torch.tensor(self._lengths, device=tokens.device).unsqueeze(-1)
        self._lengths = [length + 1 for length in self._lengths]
        return self._forward(0, tokens.unsqueeze(-1), places, places, longest)

    def keep(self, places: Sequence[int]) -> None:
        """See `Sequences.keep`."""
        self._arrange(places)

    def _reserve(self, slots: int, columns: int) -> None:
        """Have this many slots and columns, and more than are needed now, so that it happens rarely."""
        cache = self._cache
        # one column more than any text has takes what padding computes, and nobody reads it
        if columns + 1 > cache.columns:
            columns = max(columns + 1, cache.columns + cache.columns // 4)
            columns = -(-columns // COLUMNS) * COLUMNS
            cache.resize(slots, columns)  # those that have left leave their slots
        elif slots > cache.slots:
            cache.resize(min(max(slots, 2 * cache.slots), max(slots, self._most)), cache.columns)

    def _read_beginning(self, prompts: Sequence[tuple[int, ...]]) -> int:
        """Tokens of the prompts' beginning that need not be read again."""
        known = self._beginnings
        shared = min(_common(known.ids, prompt) for prompt in prompts)
        # every prompt has a token of its own to read, so that there are logits after it
        own = min(min(_common(prompts[0], prompt) for prompt in prompts), len(prompts[0]) - 1)
        if own >= shared + SHARED and len(prompts) > 1:
            cache = _SlotCache()
            cache.resize(1, own + 1)
            ids = torch.tensor([prompts[0][:own]], device=self._model.device)
            places = torch.arange(own, device=ids.device).unsqueeze(0)
            _forward(self._model, cache, 0, ids, places, places, own)
            known.ids = tuple(prompts[0][:own])
            known.states = [(k[0, :, :own].clone(), v[0, :, :own].clone()) for k, v in cache.states]
            shared = own
        return min(shared, len(prompts[0]) - 1) if shared >= SHARED else 0

    def _copy_beginning(self, slots: slice, shared: int) -> None:
        cache = self._cache
        if not shared:
            return
        if not cache.states:
            cache.states = [
                (
                    _resized(keys[None], cache.slots, cache.columns),
                    _resized(values[None], cache.slots, cache.columns),
                )
                for keys, values in self._beginnings.states
            ]
        for (keys, values), (known_keys, known_values) in zip(
            cache.states, self._beginnings.states, strict=True
        ):
            keys[slots, :, :shared] = known_keys[:, :shared]
            values[slots, :, :shared] = known_values[:, :shared]

    def _read(self, first: int, suffixes: Sequence[Sequence[int]], shared: int) -> Tensor:
        """Read the rest of some prompts, flush right."""
        wide = max(len(suffix) for suffix in suffixes)
        ids = [[0] * (wide - len(suffix)) + list(suffix) for suffix in suffixes]
        read = [[0] * (wide - len(s)) + list(range(shared, shared + len(s))) for s in suffixes]
        # padding attends to the first token, so that it computes numbers, and goes where nobody reads
        nowhere = self._cache.columns - 1
        write = [
            [nowhere] * (wide - len(s)) + row[wide - len(s) :] for s, row in zip(suffixes, read, strict=True)
        ]
        device = self._model.device
        return self._forward(
            first,
            torch.tensor(ids, device=device),
            torch.tensor(read, device=device),
            torch.tensor(write, device=device),
            shared + wide,
        )

    def _forward(self, first: int, ids: Tensor, read: Tensor, write: Tensor, wide: int) -> Tensor:
        return _forward(self._model, self._cache, first, ids, read, write, wide)

    def _arrange(self, places: Sequence[int]) -> None:
        """Slot i gets what is in slot `places[i]`."""
        moves = [(to, source) for to, source in enumerate(places) if to != source]
        self._lengths = [self._lengths[place] for place in places]
        if not moves:
            return
        used = max(self._lengths[to] for to, _ in moves)
        to, source = (torch.tensor(side, device=self._model.device) for side in zip(*moves, strict=True))
        for pair in self._cache.states:
            for part in pair:
                part[to, :, :used] = part[source, :, :used]


def _forward(
    model: Any, cache: _SlotCache, first: int, ids: Tensor, read: Tensor, write: Tensor, wide: int
) -> Tensor:
    """One forward pass for the sequences in the slots from `first` on.

    Args:
        model: The model.
        cache: Where their keys and values are.
        first: The first slot.
        ids: (sequences, tokens).
        read: (sequences, tokens): position of each token; it attends to this column and those before it.
        write: (sequences, tokens): the column that each token goes to.
        wide: Columns that any of them attends to.

    Returns:
        (sequences, vocabulary) float32: the logits after the last token.
    """
    cache.first, cache.last, cache.wide = first, first + len(ids), wide
    cache.rows = torch.arange(first, first + len(ids), device=ids.device).unsqueeze(-1)
    cache.places = write
    seen = torch.arange(wide, device=ids.device) <= read.unsqueeze(-1)
    # one that is added; of a Boolean one torch would make that in every layer
    mask = torch.zeros_like(seen, dtype=model.dtype).masked_fill(~seen, torch.finfo(model.dtype).min)
    mask = mask.unsqueeze(1)
    output = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=read,
        **with_cache(cache),
        logits_to_keep=last_token(ids),
    )
    logits: Tensor = output.logits[:, -1].float()
    return logits


def with_cache(cache: Any) -> dict[str, Any]:
    """The arguments by which a model is given a cache.

    Args:
        cache: The cache, or None for a new one.
    """
    return {CACHE: cache, "use_cache": True}


def cache_of(output: Any) -> Any:
    """The cache that a model returns."""
    return output[CACHE]


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the beginning that two sequences share."""
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return min(len(one), len(other))


def _groups(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Cut sequences, the shortest first, into groups that are read together."""
    groups, start = [], 0
    for end in range(1, len(lengths) + 1):
        if end < len(lengths):
            padded = lengths[end] * (end + 1 - start)
            if padded <= AT_ONCE and padded <= SPREAD * sum(lengths[start : end + 1]):
                continue
        groups.append((start, end))
        start = end
    return groups


class Together:
    """Sequences that begin together, padded on the left, in transformers' own cache."""

    joinable = False

    def __init__(self, model: Any) -> None:
        """Nothing is read yet.

        Args:
            model: A transformers causal language model in evaluation mode.
        """
        self._model = model

    def admit(self, prompts: Sequence[Sequence[int]]) -> Tensor:
        """See `Sequences.admit`; there are no others."""
        ids, self._mask = left_pad(prompts, self._model.device)
        self._positions = (self._mask.cumsum(dim=-1) - 1).clamp(min=0)
        self._cache: Any = None
        return self._read(ids)

    def step(self, tokens: Tensor) -> Tensor:
        """See `Sequences.step`."""
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(tokens), 1)], dim=-1)
        self._positions = self._positions[:, -1:] + 1
        return self._read(tokens.unsqueeze(-1))

    def keep(self, places: Sequence[int]) -> None:
        """See `Sequences.keep`."""
        if not places or list(places) == list(range(len(self._mask))):
            return
        kept = torch.tensor(places, device=self._model.device)
        self._cache.batch_select_indices(kept)
        self._mask, self._positions = self._mask[kept], self._positions[kept]

    def _read(self, ids: Tensor) -> Tensor:
        output = self._model(
            input_ids=ids,
            attention_mask=self._mask,
            position_ids=self._positions,
            **with_cache(self._cache),
            logits_to_keep=last_token(ids),
        )
        self._cache = cache_of(output)
        logits: Tensor = output.logits[:, -1].float()
        return logits


def last_token(ids: Tensor) -> Tensor:
    """The place of the last token, as `logits_to_keep` takes it.

    For the number 1 transformers takes a slice. That of a batch of prompts is not contiguous, and torch then
    copies the output layer's weights once for every sequence: for 64 prompts of a model of 135 million
    weights 3.6 GB, half of the time of 64 answers. An index makes a small copy of its own.

    Args:
        ids: (sequences, tokens).
    """
    return torch.tensor([ids.shape[1] - 1], device=ids.device)


def left_pad(sequences: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Lay sequences flush right, and mask what is not theirs.

    Returns:
        Token ids and attention mask, both (rows, longest). Any id fills the masked places: 0.
    """
    width = max(len(sequence) for sequence in sequences)
    ids = [[0] * (width - len(sequence)) + list(sequence) for sequence in sequences]
    mask = [[0] * (width - len(sequence)) + [1] * len(sequence) for sequence in sequences]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _plain_layers(model: Any) -> bool:
    """Whether every layer of a model attends to the whole text, and keeps keys and values for it."""
    try:
        layers = DynamicCache(config=model.config).layers
    except Exception:  # a config that transformers cannot read this way: its own cache will do
        return False
    attention = model.config._attn_implementation
    return (
        bool(layers)
        and all(type(layer) is DynamicLayer for layer in layers)
        and attention in ("sdpa", "eager", one_token_attention.NAME)
        and not getattr(model, "_is_stateful", False)
    )


@torch.inference_mode()
def _agrees(model: Any) -> bool:
    """Whether a model computes the same logits in slots, token by token, as of whole texts."""
    vocabulary = int(model.config.get_text_config().vocab_size)
    prompts = [[(7 * i + 3 * n) % vocabulary for i in range(n)] for n in (24, 9, 17)]
    more = torch.tensor([n % vocabulary for n in (5, 6, 7)], device=model.device)
    probe = Beginnings.__new__(Beginnings)
    probe.slots_fit, probe.ids, probe.states = True, (), []
    try:
        slots = Slots(model, probe, len(prompts))
        ours = torch.cat([slots.admit(prompts), slots.step(more)])
        longer = [[*prompt, token] for prompt, token in zip(prompts, more.tolist(), strict=True)]
        theirs = torch.cat([Together(model).admit(texts) for texts in (prompts, longer)])
        distance = (ours - theirs).norm() / theirs.norm()
        return bool(distance < AGREEMENT.get(model.dtype, 0.0))
    except Exception:  # models differ in what they take; transformers' own cache always works
        return False
