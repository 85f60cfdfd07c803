"""Whether what a server calls log-probs are some: whoever reads them asks here first.

    why_none([-0.1, -2.5])              # "": they are
    why_none([float("nan")])            # "a log-prob is nan"
    why_none([0.0, 0.0])                # "the probabilities of one token's alternatives add up to 2.00"

A server that is at fault sends anything: no number, more than all of the probability, a token twice. None of
it may become a rating.
"""

import math
from collections.abc import Iterable, Sequence

from inspect_ai.model import Logprob

EXCESS = 0.01
"""By how much probabilities may add up to more than 1: servers round log-probs, some to three digits."""


def why_none(logprobs: Sequence[float | None], *, together: bool = True) -> str:
    """Say why numbers cannot be log-probs.

    Args:
        logprobs: The numbers. Minus infinity is a probability of 0.
        together: Whether they are of different tokens at one place, whose probabilities are shares of 1.

    Returns:
        The reason in a few words; empty where they can be log-probs.
    """
    for logprob in logprobs:
        if not isinstance(logprob, int | float) or math.isnan(logprob) or logprob > math.log1p(EXCESS):
            return f"a log-prob is {logprob}"
    total = math.fsum(math.exp(logprob) for logprob in logprobs if logprob is not None) if together else 0.0
    if total > 1 + EXCESS:
        return f"the probabilities of one token's alternatives add up to {total:.2f}"
    return ""


def why_unreadable(tokens: Iterable[Logprob]) -> str:
    """Say why the log-probs of a reply cannot be read: each token's own and those of its alternatives.

    Args:
        tokens: Tokens of a reply with their top log-probs.

    Returns:
        The reason in a few words; empty where they can be.
    """
    for token in tokens:
        top = token.top_logprobs or []
        if why := why_none([token.logprob]) or why_none([one.logprob for one in top]):
            return why
        # Parts of characters have no text of their own; without bytes, `8` may be the text of two tokens.
        texts = [(one.token, bytes(one.bytes)) for one in top if one.bytes and one.logprob > -math.inf]
        doubled = next(
            (text for text, of in texts if text.strip("\ufffd") and texts.count((text, of)) > 1), ""
        )
        if doubled:
            return f"the token {doubled!r} is given two probabilities"
    return ""
