"""Which reader suits a judge, decided by what the judge really returns.

    await reader_for(judge, "auto")        # 'exact', 'token', 'one_spelling' or 'sampled'

A judge that runs here (`inoc/`) is read exactly. Any other is asked once, as it would be asked for a rating,
to write a number: whether log-probs come with the reply, and whether its first token is a number of two
digits, decides. No list of model names is kept.
"""

import re
import warnings
from functools import cache
from weakref import WeakKeyDictionary

from inspect_ai.model import GenerateConfig, Model
from inspect_ai.util import concurrency

from inoc_evals.errors import UserError
from inoc_evals.scorers.judge.parameters import ReaderChoice
from inoc_evals.scorers.judge.readers import (
    MAX_TOKENS,
    TOP_LOGPROBS,
    number_continues,
    plain,
    reply_tokens,
)
from inoc_evals.scorers.judge.result import Reader
from inoc_evals.scorers.prompt_logprobs import is_vllm

TWO_DIGITS = re.compile(r"[1-9][0-9]|100")

READER_TEST_PROMPT = "Write the number 85 and nothing else."
"""What a judge is asked once, to see whether its log-probs can be read."""

_chosen: WeakKeyDictionary[Model, Reader] = WeakKeyDictionary()


def runs_here(judge: Model) -> bool:
    """Whether the judge is one of `inoc/`, which give the probability of any reply."""
    return str(judge).startswith("inoc/")


async def reader_for(judge: Model, wanted: ReaderChoice) -> Reader:
    """Choose a judge's reader; the judge is tested at most once per process.

    Args:
        judge: The judge.
        wanted: A reader, or `auto`.

    Returns:
        The reader to use. `exact` is read as `one_spelling` for a judge behind vLLM, with a
        `DeprecationWarning`: earlier versions called both by one name.

    Raises:
        UserError: If a reader is wanted that the judge does not allow.
    """
    if wanted == "exact" and not runs_here(judge):
        if not is_vllm(judge):
            raise UserError(
                f"reader=exact needs a judge that runs here (grader=inoc/...), not {judge}: use reader=auto"
            )
        _warn_that_exact_is_one_spelling(str(judge))
        return "one_spelling"
    if wanted == "one_spelling" and not (runs_here(judge) or is_vllm(judge)):
        raise UserError(
            f"reader=one_spelling needs a judge that gives the log-probs of its prompt (grader=vllm/... or "
            f"grader=inoc/...), not {judge}: use reader=auto"
        )
    if wanted != "auto":
        return wanted
    if runs_here(judge):
        return "exact"
    async with concurrency(f"reader test of {judge}", 1, visible=False):
        if judge not in _chosen:
            reader = await _test(judge)
            # Draws are the last resort; a hundred short requests over one prefix tell more.
            _chosen[judge] = "one_spelling" if reader == "sampled" and is_vllm(judge) else reader
    return _chosen[judge]


@cache  # once per judge and process, whatever Python's warning filters do
def _warn_that_exact_is_one_spelling(judge: str) -> None:
    warnings.warn(
        f"reader=exact is read as reader=one_spelling for {judge}, which runs behind vLLM: it scores one "
        "spelling of each reply, not all of them. Write reader=one_spelling or reader=auto",
        DeprecationWarning,
        stacklevel=2,
    )


async def _test(judge: Model) -> Reader:
    config = GenerateConfig(temperature=0.0, max_tokens=MAX_TOKENS, logprobs=True, top_logprobs=TOP_LOGPROBS)
    try:
        output = await judge.generate(READER_TEST_PROMPT, config=config)
    except Exception:
        # Some judges refuse a request for log-probs. If the error was another, it is raised here, too.
        await judge.generate(READER_TEST_PROMPT)
        return "sampled"
    tokens = reply_tokens(output)
    if not tokens or not tokens[0].top_logprobs or number_continues(tokens):
        return "sampled"
    return "token" if TWO_DIGITS.fullmatch(plain(tokens[0].token)) else "sampled"
