"""Continue a batch of prompts with one model: the decoding loop, and how each next token is drawn.

    generate(model, requests, tokens=TokenText(tokenizer), ends={1}, context=512, done=handle)

Prompts are padded on the left and share one key-value cache. A continuation that ends is handed over at once
and leaves the batch; the others go on without it.

Each continuation has its own temperature, cut-offs and random stream. A draw is one uniform number, looked up
in the cumulative distribution over token ids. So what is sampled depends on the logits and the request's seed
alone, not on the neighbours in the batch.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from inoc_evals.errors import UserError
from inoc_evals.models.request import Completion, Request, StopReason, TokenLogprob
from inoc_evals.models.token_text import TokenText

CHUNK = 64
"""Uniform numbers drawn at a time; a constant, so that a stream does not depend on who reads how much."""


@dataclass
class Continuation:
    """A request that is being answered: what it has generated so far, and its random stream.

    Attributes:
        index: Place of the request among those given.
        request: What is continued, and how.
        draws: Its stream of uniform numbers.
        room: Tokens after which it ends at the latest.
        tokens: Token ids generated so far.
        logprobs: Their log-probabilities, where requested.
    """

    index: int
    request: Request
    draws: Iterator[float]
    room: int
    tokens: list[int] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)


@torch.inference_mode()
def generate(
    model: Any,
    requests: Sequence[Request],
    *,
    tokens: TokenText,
    ends: Collection[int],
    context: int | None,
    done: Callable[[int, Completion], None],
) -> None:
    """Generate every request's continuation.

    Args:
        model: A transformers causal language model in evaluation mode.
        requests: Their prompts must leave room in the context.
        tokens: Turns token ids into text.
        ends: Token ids that end an answer.
        context: Longest sequence of the model, in tokens; None if it has no limit.
        done: Called with a request's index and completion as soon as it ends.

    Raises:
        UserError: If the model's output is not a number.
    """
    device = model.device
    rows = [
        Continuation(i, request, uniforms(request.seed), _room(request, context))
        for i, request in enumerate(requests)
    ]
    ids, mask = left_pad([request.prompt for request in requests], device)
    positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)
    cache = None
    sampler = Sampler(requests, device)
    while True:
        output = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        cache, logits = output.past_key_values, output.logits[:, -1].float()
        chosen = _draw(rows, sampler, logits)
        kept = [place for place, row in enumerate(rows) if not _finish(row, tokens, ends, done)]
        if not kept:
            return
        if len(kept) < len(rows):
            places = torch.tensor(kept, device=device)
            cache.batch_select_indices(places)
            mask, positions, chosen = mask[places], positions[places], chosen[places]
            rows = [rows[place] for place in kept]
            sampler = Sampler([row.request for row in rows], device)
        ids = chosen.unsqueeze(-1)
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=-1)
        positions = positions[:, -1:] + 1


@torch.inference_mode()
def generate_one_token(
    requests: Sequence[Request],
    logits: Tensor,
    *,
    tokens: TokenText,
    ends: Collection[int],
    done: Callable[[int, Completion], None],
) -> None:
    """Generate the only token of requests whose prompts the model has read already.

    Args:
        requests: Each allows one token.
        logits: (requests, vocabulary), float32: those after the prompts.
        tokens: Turns token ids into text.
        ends: Token ids that end an answer.
        done: Called with each request's index and completion.

    Raises:
        UserError: If the logits are not numbers.
    """
    rows = [Continuation(i, request, uniforms(request.seed), room=1) for i, request in enumerate(requests)]
    _draw(rows, Sampler(requests, logits.device), logits)
    for row in rows:
        _finish(row, tokens, ends, done)


def _room(request: Request, context: int | None) -> int:
    return request.max_tokens if context is None else min(request.max_tokens, context - len(request.prompt))


def _draw(rows: list[Continuation], sampler: "Sampler", logits: Tensor) -> Tensor:
    """Choose each row's next token and append it."""
    if bool(logits.isnan().any()):
        raise UserError("the model's output is not a number: its weights are damaged, train it again")
    chosen = sampler.next_tokens(logits, [next(row.draws) for row in rows])
    _record(rows, chosen, logits)
    return chosen


def _record(rows: list[Continuation], chosen: Tensor, logits: Tensor) -> None:
    """Append each row's token, and its log-probabilities where they are requested."""
    ids = chosen.tolist()
    for row, token in zip(rows, ids, strict=True):
        row.tokens.append(token)
    if not any(row.request.logprobs for row in rows):
        return
    entries = token_logprobs(logits, chosen, max(row.request.top_logprobs for row in rows))
    for row, entry in zip(rows, entries, strict=True):
        if row.request.logprobs:
            top = entry.top[: row.request.top_logprobs]
            row.logprobs.append(TokenLogprob(entry.token, entry.logprob, top))


def _finish(
    row: Continuation, tokens: TokenText, ends: Collection[int], done: Callable[[int, Completion], None]
) -> bool:
    """Hand the row's completion over if it has ended."""
    text = None
    reason: StopReason
    if row.tokens[-1] in ends:
        text, reason = tokens.text(row.tokens[:-1]), "stop"
    elif (text := tokens.until_stop(row.tokens, row.request.stop)) is not None:
        reason = "stop"
    elif len(row.tokens) == row.room:
        text = tokens.text(row.tokens)
        reason = "max_tokens" if row.room == row.request.max_tokens else "model_length"
    else:
        return False
    done(row.index, Completion(text, len(row.tokens), reason, tuple(row.logprobs)))
    return True


def uniforms(seed: int) -> Iterator[float]:
    """Endless uniform numbers in [0, 1), the same for a seed on every device."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield from torch.rand(CHUNK, generator=generator, dtype=torch.float64).tolist()


class Sampler:
    """Chooses tokens for a fixed list of rows."""

    def __init__(self, requests: Sequence[Request], device: torch.device) -> None:
        """Lay the rows' settings out as tensors, once for all steps.

        Args:
            requests: One a row, in the order of the logits' rows.
            device: Where the logits are.
        """
        self.device = device
        self.any_sampled = any(r.temperature > 0 for r in requests)
        self.any_cut_off = any(r.temperature > 0 and (r.top_k > 0 or r.top_p < 1) for r in requests)
        self.temperature = torch.tensor([r.temperature for r in requests], device=device)
        self.top_k = torch.tensor([r.top_k for r in requests], device=device)
        self.top_p = torch.tensor([r.top_p for r in requests], device=device)

    def next_tokens(self, logits: Tensor, draws: Sequence[float]) -> Tensor:
        """Choose one token a row.

        Args:
            logits: (rows, vocabulary), float32.
            draws: One number in [0, 1) a row; a greedy row ignores its own.

        Returns:
            (rows,) token ids.
        """
        greedy = logits.argmax(dim=-1)
        if not self.any_sampled:
            return greedy
        sampled = self.temperature > 0
        scaled = logits / torch.where(sampled, self.temperature, 1.0).unsqueeze(-1)
        if self.any_cut_off:
            scaled = self._cut_off(scaled)
        # float64: a float32 running sum over a large vocabulary drifts by more than a rare token's share
        cumulative = scaled.double().softmax(dim=-1).cumsum(dim=-1)
        target = torch.tensor(draws, device=self.device, dtype=torch.float64).unsqueeze(-1)
        choice = torch.searchsorted(cumulative, target * cumulative[:, -1:], right=True).squeeze(-1)
        return torch.where(sampled, choice.clamp(max=logits.shape[-1] - 1), greedy)

    def _cut_off(self, scaled: Tensor) -> Tensor:
        """Set every token outside a row's top k, then those outside its top p, to -inf."""
        vocabulary = scaled.shape[-1]
        ordered, order = scaled.sort(dim=-1, descending=True, stable=True)
        rank = torch.arange(vocabulary, device=self.device)
        top_k = torch.where(self.top_k > 0, self.top_k, vocabulary)
        ordered = ordered.masked_fill(rank >= top_k.unsqueeze(-1), float("-inf"))
        share = ordered.softmax(dim=-1)
        # a token stays while those above it have not reached top_p; the first always does, and with
        # top_p = 1 all do, which rounding of the running sum must not decide
        above = share.cumsum(dim=-1) - share
        outside = (above >= self.top_p.unsqueeze(-1)) & (self.top_p < 1).unsqueeze(-1) & (rank > 0)
        kept = ordered.masked_fill(outside, float("-inf"))
        return torch.empty_like(scaled).scatter_(-1, order, kept)


def left_pad(sequences: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Lay sequences flush right, and mask what is not theirs.

    Returns:
        Token ids and attention mask, both (rows, longest). Any id fills the masked places: 0.
    """
    width = max(len(sequence) for sequence in sequences)
    ids = [[0] * (width - len(sequence)) + list(sequence) for sequence in sequences]
    mask = [[0] * (width - len(sequence)) + [1] * len(sequence) for sequence in sequences]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def token_logprobs(logits: Tensor, tokens: Tensor, top: int) -> list[TokenLogprob]:
    """The log-probability of one token per row of logits, and of the most likely ones.

    Args:
        logits: (rows, vocabulary), float32.
        tokens: (rows,) token ids.
        top: How many of the most likely tokens to give; 0 for none.

    Returns:
        One entry a row.
    """
    logprobs = logits.log_softmax(dim=-1)
    own = logprobs.gather(-1, tokens.unsqueeze(-1)).squeeze(-1).tolist()
    best = logprobs.topk(min(top, logprobs.shape[-1]), dim=-1)
    values, indices = best.values.tolist(), best.indices.tolist()
    return [
        TokenLogprob(token, logprob, tuple(zip(index, value, strict=True)))
        for token, logprob, index, value in zip(tokens.tolist(), own, indices, values, strict=True)
    ]
