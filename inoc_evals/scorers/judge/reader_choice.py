"""Which reader suits a judge, decided by what the judge really returns.

    await reader_for(judge, "auto")        # 'exact', 'continued', 'token' or 'sampled'

A judge that runs here (`inoc/`) is read exactly. Any other is asked once, as it would be asked for a rating,
to write a number: whether log-probs come with the reply, and whether its first token is a number of two
digits, decides; one behind vLLM is then read as exactly as a server allows. No list of model names is kept.
"""

import re
from weakref import WeakKeyDictionary

from inspect_ai.model import GenerateConfig, Logprob, Model
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
from inoc_evals.scorers.servers import NoReply, guard, is_vllm, request, runs_here

TWO_DIGITS = re.compile(r"[1-9][0-9]|100")

READER_TEST_PROMPT = "Write the number 85 and nothing else."
"""What a judge is asked once, to see whether its log-probs can be read."""

_chosen: WeakKeyDictionary[Model, Reader] = WeakKeyDictionary()


async def reader_for(judge: Model, wanted: ReaderChoice) -> Reader:
    """Choose a judge's reader; the judge is tested at most once per process.

    Args:
        judge: The judge.
        wanted: A reader, or `auto`.

    Returns:
        The reader to use. `exact` behind vLLM is `continued`: it counts the same, but for what it says it
        did not follow.

    Raises:
        UserError: If a reader is wanted that the judge does not allow.
        NoReply: If the judge had to be tested and did not answer.
    """
    here, vllm = runs_here(judge), is_vllm(judge)
    if wanted == "exact" and not here:
        if not vllm:
            raise UserError(
                "reader=exact needs a judge that runs here (grader=inoc/...) or behind vLLM "
                f"(grader=vllm/...), not {judge}: use reader=auto"
            )
        return "continued"
    if wanted == "continued" and not vllm:
        raise UserError(
            "reader=continued needs a judge that goes on with a reply it is shown the beginning of "
            f"(grader=vllm/...), not {judge}: use reader=auto"
        )
    if wanted == "one_spelling" and not (here or vllm):
        raise UserError(
            f"reader=one_spelling needs a judge that gives the log-probs of its prompt (grader=vllm/... or "
            f"grader=inoc/...), not {judge}: use reader=auto"
        )
    if wanted != "auto":
        return wanted
    if here:
        return "exact"
    return await _tested(judge)


async def probe(judge: Model) -> None:
    """Ask a judge behind a server once, before anything is generated that it is to judge.

    Args:
        judge: The judge. One that runs here was checked when it was loaded.

    Raises:
        UserError: If it does not answer.
    """
    guard(judge)
    if runs_here(judge):
        return
    try:
        await _tested(judge)
    except NoReply as error:
        raise UserError(f"judge {judge} cannot be asked, so nothing was generated: {error}") from error


async def _tested(judge: Model) -> Reader:
    async with concurrency(f"reader test of {judge}", 1, visible=False):
        if judge not in _chosen:
            _chosen[judge] = _suits(await _reply(judge), is_vllm(judge))
    return _chosen[judge]


def _suits(reply: list[Logprob], vllm: bool) -> Reader:
    """The sharpest reader for a judge that replied so to the test; no tokens: it gave no log-probs."""
    seen = bool(reply) and bool(reply[0].top_logprobs)
    if vllm:
        # Without log-probs of what it writes it may give those of its prompt: a request for each reply.
        return "continued" if seen else "one_spelling"
    if not seen or number_continues(reply):
        return "sampled"
    return "token" if TWO_DIGITS.fullmatch(plain(reply[0].token)) else "sampled"


async def _reply(judge: Model) -> list[Logprob]:
    config = GenerateConfig(temperature=0.0, max_tokens=MAX_TOKENS, logprobs=True, top_logprobs=TOP_LOGPROBS)
    try:
        output = await request(judge, READER_TEST_PROMPT, config)
    except NoReply:
        # Some judges refuse a request for log-probs. If the error was another, it is raised here, too.
        await request(judge, READER_TEST_PROMPT)
        return []
    return reply_tokens(output)
