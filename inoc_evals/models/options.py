"""The probability of each of a few short answers, whatever the tokenizer: what an exact judge is read by.

    vocabulary = Vocabulary(tokenizer, size=model.config.vocab_size)
    scored, logits = score_options(model, prompts, [("0", ..., "100", "CODE")] * len(prompts), vocabulary)
    scored[0].probabilities["85"], scored[0].unresolved

An answer's probability is summed over all token paths that spell it, also after one blank, and counts only
what ends there: a number ends where no further digit follows, a word where no further letter does. So a
tokenizer that writes 8, 5 and one that knows 85 are read alike, and 8 never swallows 85.

The paths are followed level by level. Those that together hold next to nothing are left out, and their
probability is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from inoc_evals.models.spelling import Vocabulary
from inoc_evals.models.tree import Apart, Path, Tree

NEGLIGIBLE = 1e-7
"""Probability of the paths that are left out at one level of one row, all together."""

ROWS_AT_ONCE = 16
"""Prompts that a CPU reads at once, with their continuations: what they need stays in its caches."""

SETTLED = 1e-8
"""Where a number goes on with at most this probability, it is not looked how."""


@dataclass
class Scored:
    """What was found for one prompt.

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
        prompts: Token ids. A prompt, a blank and a token for each character of its longest option must fit
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
        found, logits = _score(model, [prompts[i] for i in part], [options[i] for i in part], vocabulary)
        scored.update(zip(part, zip(found, logits, strict=True), strict=True))
    ordered = [scored[place] for place in range(len(prompts))]
    return [one for one, _ in ordered], torch.stack([logits for _, logits in ordered])


def _score(
    model: Any, prompts: Sequence[Sequence[int]], options: Sequence[tuple[str, ...]], vocabulary: Vocabulary
) -> tuple[list[Scored], Tensor]:
    found = [Scored(dict.fromkeys(own, 0.0)) for own in options]
    kinds = vocabulary.kinds.to(model.device)
    tree = Tree(model, prompts, vocabulary)
    reader = tree if tree.exact else Apart(model, prompts)

    def settle(path: Path, more: float) -> bool:
        """Take a number as ended where it next to never goes on."""
        row, more = found[path.row], more * path.probability
        if more > SETTLED:
            return False
        _count(row, path, path.probability)
        row.unresolved += more
        return True

    roots = [Path(row, (), vocabulary.root(own), 1.0) for row, own in enumerate(options)]
    level = _prune(found, _lead_on(found, roots, tree.logits.softmax(dim=-1)))
    while level:
        following: list[Path] = []
        for paths, logits in reader.after(level, settle):
            follows = logits.softmax(dim=-1)
            for path, (digit, letter) in zip(paths, (follows @ kinds).tolist(), strict=True):
                more = digit if path.node.is_number else letter
                _count(found[path.row], path, path.probability * max(0.0, 1.0 - more))
            following += _lead_on(found, paths, follows)
        level = _prune(found, following)
    return found, tree.logits


def _count(row: Scored, path: Path, probability: float) -> None:
    if path.node.option is not None:
        row.probabilities[path.node.option] += probability


def _lead_on(found: Sequence[Scored], paths: Sequence[Path], follows: Tensor) -> list[Path]:
    """Go one token on; what overruns an option counts for it at once.

    Args:
        found: By row; added to.
        paths: Where to go on.
        follows: (paths, vocabulary): probabilities of the next token.

    Returns:
        The paths one token longer.
    """
    steps = [
        (place, token) for place, path in enumerate(paths) for token, _ in path.node.ways + path.node.ends
    ]
    if not steps:
        return []
    places, tokens = torch.tensor(steps, device=follows.device).unbind(dim=1)
    shares = iter(follows[places, tokens].tolist())
    longer = []
    for path in paths:
        for token, node in path.node.ways:
            longer.append(Path(path.row, (*path.tokens, token), node, path.probability * next(shares)))
        for _, option in path.node.ends:
            found[path.row].probabilities[option] += path.probability * next(shares)
    return longer


def _prune(found: Sequence[Scored], paths: Sequence[Path]) -> list[Path]:
    """Leave out each row's least likely paths; one that spells an option counts as if it ended there.

    Args:
        found: By row; added to.
        paths: All paths of a level.

    Returns:
        Those that are kept, row by row.
    """
    kept = []
    room = [NEGLIGIBLE] * len(found)
    for path in sorted(paths, key=lambda path: (path.row, path.probability)):
        room[path.row] -= path.probability
        if room[path.row] < 0:
            kept.append(path)
            continue
        _count(found[path.row], path, path.probability)
        found[path.row].unresolved += path.probability
    return kept
