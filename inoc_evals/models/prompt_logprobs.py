"""The log-probability of given tokens: of a prompt's own, or of continuations that someone else wrote.

    score(model, [ids], top=1)[0][-1].logprob

Nothing is sampled: one forward pass over the whole text.
"""

from collections.abc import Sequence
from typing import Any

import torch

from inoc_evals.models.generation import token_logprobs
from inoc_evals.models.request import TokenLogprob
from inoc_evals.models.sequences import left_pad

LOGITS_BUDGET = 64_000_000
"""Logits held at once, in numbers (256 MB in float32): rows x tokens x vocabulary."""


@torch.inference_mode()
def score(model: Any, sequences: Sequence[Sequence[int]], top: int = 0) -> list[list[TokenLogprob]]:
    """Score every token of every sequence but its first, which nothing precedes.

    Args:
        model: A transformers causal language model in evaluation mode.
        sequences: Token ids, each within the model's context.
        top: Also give this many most likely tokens at every place.

    Returns:
        Per sequence, one entry for each token from the second on.
    """
    widest = max(len(sequence) for sequence in sequences) * int(model.config.get_text_config().vocab_size)
    rows = max(1, LOGITS_BUDGET // widest)
    return [
        entries
        for start in range(0, len(sequences), rows)
        for entries in _score(model, sequences[start : start + rows], top)
    ]


def _score(model: Any, sequences: Sequence[Sequence[int]], top: int) -> list[list[TokenLogprob]]:
    ids, mask = left_pad(sequences, model.device)
    positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)
    logits = model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False).logits
    scored = []
    for row, sequence in enumerate(sequences):
        # the logits at a place are about the token after it; padding lies on the left
        about = logits[row, logits.shape[1] - len(sequence) : -1].float()
        scored.append(token_logprobs(about, ids[row, ids.shape[1] - len(sequence) + 1 :], top))
    return scored
