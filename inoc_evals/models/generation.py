"""Continue a batch of prompts with one model: the decoding loop, and how each next token is drawn.

    generate(model, requests, tokens=TokenText(tokenizer), ends={1}, context=512, done=handle)

A continuation that ends is handed over at once and leaves the batch; the others go on without it. Where the
model's cache allows it (`sequences.py`), waiting requests take the places that become free.

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
from inoc_evals.models.ending import ENDING
from inoc_evals.models.request import Completion, Request, StopReason, TokenLogprob
from inoc_evals.models.sequences import Beginnings, read_with
from inoc_evals.models.token_text import TokenText

JOIN = 8
"""Waiting requests join when one in this many has left the batch, or after this many steps: to read few
prompts takes as long as a step of the whole batch."""

LOOKUP = 256
"""Tokens in a block of the cumulative distribution that a draw is looked up in."""

SAMPLED_AT_ONCE = 500_000
"""Logits that are sampled from at once, in numbers: few enough to stay in a processor's cache."""

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


def no_more(free: int) -> Sequence[Request]:
    """Nobody is waiting."""
    return ()


@torch.inference_mode()
def generate(
    model: Any,
    requests: Sequence[Request],
    *,
    tokens: TokenText,
    ends: Collection[int],
    context: int | None,
    done: Callable[[int, Completion], None],
    beginnings: Beginnings | None = None,
    places: int = 0,
    more: Callable[[int], Sequence[Request]] = no_more,
) -> None:
    """Generate every request's continuation.

    Args:
        model: A transformers causal language model in evaluation mode.
        requests: Their prompts must leave room in the context.
        tokens: Turns token ids into text.
        ends: Token ids that end an answer.
        context: Longest sequence of the model, in tokens; None if it has no limit.
        done: Called with a request's index and completion as soon as it ends.
        beginnings: What the model has read before; None lets nobody join.
        places: Requests that are answered at once at most, if that is more than there are now.
        more: Gives requests that join, at most as many as there are free places. Their indices go on after
            those of the requests before them.

    Raises:
        UserError: If the model's output is not a number.
    """
    places = max(places, len(requests))
    sequences = read_with(model, beginnings, most=places)
    rows: list[Continuation] = []
    joining, seen = list(enumerate(requests)), len(requests)
    joined_at, steps, left = 0, 0, 0
    while (joining or rows) and not ENDING.is_set():
        logits = None
        if rows:
            last = torch.tensor([row.tokens[-1] for row in rows], device=model.device)
            logits = sequences.step(last)
        if joining:
            joining.sort(key=lambda pair: (len(pair[1].prompt), pair[1].prompt))
            new = [
                Continuation(i, request, uniforms(request.seed), _room(request, context))
                for i, request in joining
            ]
            after_prompts = sequences.admit([row.request.prompt for row in new])
            rows += new
            logits = after_prompts if logits is None else torch.cat([logits, after_prompts])
            joined_at, left = steps, 0
        assert logits is not None
        _draw(rows, Sampler([row.request for row in rows], model.device), logits)
        going_on = [place for place, row in enumerate(rows) if not _finish(row, tokens, ends, done)]
        left += len(rows) - len(going_on)
        order = _moved_up(going_on)
        rows = [rows[place] for place in order]
        sequences.keep(order)
        steps += 1
        joining = []
        if not rows or (
            sequences.joinable
            and len(rows) < places
            and (left * JOIN >= len(rows) + left or steps - joined_at >= JOIN)
        ):
            waiting = more(places - len(rows))
            joining = list(enumerate(waiting, start=seen))
            seen += len(waiting)
            joined_at, left = steps, 0


def _moved_up(places: list[int]) -> list[int]:
    """Put places into an order in which the last ones fill the holes, so that few sequences move."""
    count = len(places)
    staying = {place for place in places if place < count}
    movers = iter(reversed(places[len(staying) :]))
    return [place if place in staying else next(movers) for place in range(count)]


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
    if bool(logits.amax(dim=-1).isnan().any()):
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
        self.all_sampled = all(r.temperature > 0 for r in requests)
        self.any_cut_off = any(r.temperature > 0 and (r.top_k > 0 or r.top_p < 1) for r in requests)
        self.temperature = torch.tensor([r.temperature for r in requests], device=device, dtype=torch.float32)
        self.top_k = torch.tensor([r.top_k for r in requests], device=device)
        self.top_p = torch.tensor([r.top_p for r in requests], device=device, dtype=torch.float32)

    def next_tokens(self, logits: Tensor, draws: Sequence[float]) -> Tensor:
        """Choose one token a row.

        Args:
            logits: (rows, vocabulary), float32.
            draws: One number in [0, 1) a row; a greedy row ignores its own.

        Returns:
            (rows,) token ids.
        """
        if not self.any_sampled:
            return logits.argmax(dim=-1)
        at_once = max(1, SAMPLED_AT_ONCE // logits.shape[-1])
        uniform = torch.tensor(draws, device=self.device, dtype=torch.float64)
        chosen = [
            self._sample(logits[rows], uniform[rows], rows)
            for rows in (slice(start, start + at_once) for start in range(0, len(logits), at_once))
        ]
        return torch.cat(chosen)

    def _sample(self, logits: Tensor, uniform: Tensor, rows: slice) -> Tensor:
        """Choose the tokens of some of the rows."""
        sampled = self.temperature[rows] > 0
        scaled = logits / torch.where(sampled, self.temperature[rows], 1.0).unsqueeze(-1)
        if self.any_cut_off:
            scaled = self._cut_off(scaled, rows)
        weights = (scaled - scaled.amax(dim=-1, keepdim=True)).exp()
        choice = _look_up(weights, uniform)
        return choice if self.all_sampled else torch.where(sampled, choice, logits.argmax(dim=-1))

    def _cut_off(self, scaled: Tensor, rows: slice) -> Tensor:
        """Set every token outside a row's top k, then those outside its top p, to -inf."""
        vocabulary = scaled.shape[-1]
        ordered, order = scaled.sort(dim=-1, descending=True, stable=True)
        rank = torch.arange(vocabulary, device=self.device)
        top_k, top_p = self.top_k[rows], self.top_p[rows]
        top_k = torch.where(top_k > 0, top_k, vocabulary)
        ordered = ordered.masked_fill(rank >= top_k.unsqueeze(-1), float("-inf"))
        share = ordered.softmax(dim=-1)
        # a token stays while those above it have not reached top_p; the first always does, and with
        # top_p = 1 all do, which rounding of the running sum must not decide
        above = share.cumsum(dim=-1) - share
        outside = (above >= top_p.unsqueeze(-1)) & (top_p < 1).unsqueeze(-1) & (rank > 0)
        kept = ordered.masked_fill(outside, float("-inf"))
        return torch.empty_like(scaled).scatter_(-1, order, kept)


def _look_up(weights: Tensor, uniform: Tensor) -> Tensor:
    """The tokens at these shares of the cumulative distributions.

    Sums are float64: a float32 running sum over a large vocabulary drifts by more than a rare token's share.
    They are taken of whole blocks first: a running sum over all tokens would take longer than the model does.

    Args:
        weights: (rows, vocabulary), not negative; a row need not sum to 1.
        uniform: (rows,) float64 in [0, 1).

    Returns:
        (rows,) token ids, none of weight 0.
    """
    padded = torch.nn.functional.pad(weights, (0, -weights.shape[-1] % LOOKUP))
    blocks = padded.view(len(weights), -1, LOOKUP)
    after = blocks.sum(dim=-1, dtype=torch.float64).cumsum(dim=-1)
    target = (uniform * after[:, -1]).unsqueeze(-1)
    block = _first_above(after, target)
    rest = target - torch.where(block > 0, after.gather(-1, (block - 1).clamp(min=0)), 0.0)
    within = blocks[torch.arange(len(weights), device=weights.device), block.squeeze(-1)].double().cumsum(-1)
    return (block * LOOKUP + _first_above(within, rest)).squeeze(-1)


def _first_above(rising: Tensor, target: Tensor) -> Tensor:
    """The first place of each row above a target; where rounding leaves none, where the row ends rising."""
    last = torch.searchsorted(rising, rising[:, -1:].contiguous())
    return torch.minimum(torch.searchsorted(rising, target, right=True), last)


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
