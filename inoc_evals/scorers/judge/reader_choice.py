"""Which reader a judge allows, found out from what it really returns.

    await reader_for(judge, "auto")        # 'exact', 'token' or 'sampled'

A judge that runs here is read exactly. Any other is asked once, as it would be asked for a rating, to write a
number: whether log-probs come with the reply, and whether its first token is a number of two digits, decides.
No list of model names is kept.
"""

import re
from typing import Literal, get_args
from weakref import WeakKeyDictionary

from inspect_ai.model import GenerateConfig, Model
from inspect_ai.util import concurrency

from inoc_evals.errors import UserError
from inoc_evals.scorers.judge.continuations import serves_prompt_logprobs
from inoc_evals.scorers.judge.readers import MAX_TOKENS, TOP_LOGPROBS, goes_on, plain, tokens_of
from inoc_evals.scorers.judge.result import Reader

Choice = Literal["auto", "token", "exact", "sampled"]

TWO_DIGITS = re.compile(r"[1-9][0-9]|100")

PROBE = "Write the number 85 and nothing else."

_found: WeakKeyDictionary[Model, Reader] = WeakKeyDictionary()


def check_reader(reader: str) -> None:
    """Refuse a reader that does not exist.

    Raises:
        UserError: If `reader` is not one of auto, token, exact, sampled.
    """
    if reader not in get_args(Choice):
        raise UserError(f"unknown reader {reader!r}: use {', '.join(get_args(Choice))}")


def runs_here(judge: Model) -> bool:
    """Whether the judge is one of `inoc/`, which give the probability of any reply."""
    return str(judge).startswith("inoc/")


async def reader_for(judge: Model, wanted: Choice) -> Reader:
    """Choose a judge's reader; asked once per judge and process.

    Args:
        judge: The judge.
        wanted: A reader, or `auto`.

    Returns:
        The reader to use.

    Raises:
        UserError: If the exact reader is wanted of a judge that does not run here.
    """
    if wanted == "exact" and not (runs_here(judge) or serves_prompt_logprobs(judge)):
        raise UserError(
            f"reader=exact needs a judge that runs here (grader=inoc/...) or behind vLLM, not {judge}"
        )
    if wanted != "auto":
        return wanted
    if runs_here(judge):
        return "exact"
    async with concurrency(f"probe of {judge}", 1, visible=False):
        if judge not in _found:
            found = await _probe(judge)
            # Draws are the last resort; a hundred short requests over one prefix say all there is to know.
            _found[judge] = "exact" if found == "sampled" and serves_prompt_logprobs(judge) else found
    return _found[judge]


async def _probe(judge: Model) -> Reader:
    config = GenerateConfig(temperature=0.0, max_tokens=MAX_TOKENS, logprobs=True, top_logprobs=TOP_LOGPROBS)
    try:
        output = await judge.generate(PROBE, config=config)
    except Exception:
        # Some judges refuse a request for log-probs. If it was something else, this is raised, too.
        await judge.generate(PROBE)
        return "sampled"
    tokens = tokens_of(output)
    if not tokens or not tokens[0].top_logprobs or goes_on(tokens):
        return "sampled"
    return "token" if TWO_DIGITS.fullmatch(plain(tokens[0].token)) else "sampled"
