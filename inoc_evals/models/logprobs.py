"""Log-probabilities as Inspect's scorers read them, with tokens as text and bytes.

    to_logprobs(completion.logprobs, TokenText(tokenizer)).content[0].top_logprobs

The shapes are OpenAI's for generated tokens and vLLM's for those of the prompt.
"""

from collections.abc import Sequence

from inspect_ai.model import Logprob, Logprobs, TopLogprob

from inoc_evals.models.request import TokenLogprob
from inoc_evals.models.text import TokenText


def to_logprobs(entries: Sequence[TokenLogprob], tokens: TokenText) -> Logprobs:
    """Convert the log-probabilities of generated tokens; alternatives include the token itself."""
    return Logprobs(content=[_logprob(entry, entry.top, tokens) for entry in entries])


def to_prompt_logprobs(entries: Sequence[TokenLogprob], tokens: TokenText) -> Logprobs:
    """Convert those of prompt tokens; as vLLM has it, alternatives leave out the token itself."""
    return Logprobs(
        content=[
            _logprob(entry, [pair for pair in entry.top if pair[0] != entry.token], tokens)
            for entry in entries
        ]
    )


def _logprob(entry: TokenLogprob, top: Sequence[tuple[int, float]], tokens: TokenText) -> Logprob:
    alternatives = [
        TopLogprob(token=tokens.token(token), logprob=logprob, bytes=tokens.bytes(token))
        for token, logprob in top
    ]
    return Logprob(
        token=tokens.token(entry.token),
        logprob=entry.logprob,
        bytes=tokens.bytes(entry.token),
        top_logprobs=alternatives or None,
    )
