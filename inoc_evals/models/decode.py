"""Continue a batch of prompts with one model: left-padded, over one KV cache.

    decode(model, requests, tokens=TokenText(tokenizer), ends={1}, context=512, done=handle)

A row that ends is handed over at once and leaves the batch; the others go on without it.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from inoc_evals.errors import UserError
from inoc_evals.models.request import Completion, Request, StopReason, TokenLogprob
from inoc_evals.models.sampling import Sampler, uniforms
from inoc_evals.models.text import TokenText


@dataclass
class Row:
    """A request on its way: what it has generated, and its random stream."""

    index: int
    request: Request
    draws: Iterator[float]
    room: int
    tokens: list[int] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)


@torch.inference_mode()
def decode(
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
        Row(i, request, uniforms(request.seed), _room(request, context)) for i, request in enumerate(requests)
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
def decode_one(
    requests: Sequence[Request],
    logits: Tensor,
    *,
    tokens: TokenText,
    ends: Collection[int],
    done: Callable[[int, Completion], None],
) -> None:
    """Generate the only token of requests whose prompts have been read already.

    Args:
        requests: Each allows one token.
        logits: (requests, vocabulary), float32: those after the prompts.
        tokens: Turns token ids into text.
        ends: Token ids that end an answer.
        done: Called with each request's index and completion.

    Raises:
        UserError: If the logits are no numbers.
    """
    rows = [Row(i, request, uniforms(request.seed), room=1) for i, request in enumerate(requests)]
    _draw(rows, Sampler(requests, logits.device), logits)
    for row in rows:
        _finish(row, tokens, ends, done)


def left_pad(sequences: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Lay sequences flush right, and mask what is not theirs.

    Returns:
        Token ids and attention mask, both (rows, longest). Any id fills the masked places: 0.
    """
    width = max(len(sequence) for sequence in sequences)
    ids = [[0] * (width - len(sequence)) + list(sequence) for sequence in sequences]
    mask = [[0] * (width - len(sequence)) + [1] * len(sequence) for sequence in sequences]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _room(request: Request, context: int | None) -> int:
    return request.max_tokens if context is None else min(request.max_tokens, context - len(request.prompt))


def _draw(rows: list[Row], sampler: Sampler, logits: Tensor) -> Tensor:
    """Choose each row's next token and append it."""
    if bool(logits.isnan().any()):
        raise UserError("the model's output is not a number: its weights are broken, train it again")
    chosen = sampler.next_tokens(logits, [next(row.draws) for row in rows])
    _record(rows, chosen, logits)
    return chosen


def _record(rows: list[Row], chosen: Tensor, logits: Tensor) -> None:
    """Append each row's token, and its log-probabilities where they are asked for."""
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


def _finish(
    row: Row, tokens: TokenText, ends: Collection[int], done: Callable[[int, Completion], None]
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
