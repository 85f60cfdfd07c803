"""The next token of every row of a batch, each row by its own temperature, cut-offs and random stream.

    draws = [uniforms(request.seed) for request in requests]
    sampler = Sampler(requests, device)
    tokens = sampler.next_tokens(logits, [next(draw) for draw in draws])

A row's draw is one uniform number, read off against the cumulative distribution over token ids. So what a
row samples depends on its logits and its seed alone, not on its neighbours in the batch.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from inoc_evals.models.request import Request

CHUNK = 64
"""Uniform numbers drawn at a time; a constant, so that a stream does not depend on who reads how much."""


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
