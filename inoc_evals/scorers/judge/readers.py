"""Five ways to read a judge, from the sharpest to the coarsest.

    result = await READERS["exact"](judge, rubric, prompt)

- **exact**: the judge's probability of every allowed reply, summed over all ways to spell it, whatever its
  tokenizer. For judges that run here (`inoc/...`).
- **continued**: the same as far as a server can tell: the beginning of a reply is shown to the judge, and the
  log-probs of its next token are read, digit by digit. For judges behind vLLM.
- **one_spelling**: the probability of every allowed reply as its tokenizer usually spells it, from the
  log-probs of a prompt that ends with it. For judges behind vLLM.
- **token**: the top log-probs of the reply's first token, as in the paper. Only where the tokenizer writes
  whole numbers as one token: elsewhere the first token of 85 is an 8.
- **sampled**: draws at temperature 1, parsed strictly. For judges without log-probs.

All of them take a word as people write it (`words.py`): `Yes`, `yes.` and `**Yes**` are YES.

A judge's whim (prose, an empty reply, log-probs that are none) ends in a result with a `failure`. Where its
server sends no reply at all, `NoReply` is raised (`servers.py`).
"""

import math
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from inspect_ai.model import CachePolicy, GenerateConfig, Logprob, Model, ModelOutput
from tenacity import retry, retry_if_exception, stop_after_attempt

from inoc_evals.scorers.concurrency import gather
from inoc_evals.scorers.judge.continued import walk
from inoc_evals.scorers.judge.one_spelling import spelling_probabilities
from inoc_evals.scorers.judge.result import MIN_MASS, Failure, JudgeResult, Reader
from inoc_evals.scorers.judge.rubrics import Rubric
from inoc_evals.scorers.judge.words import goes_on, is_mark, spelt, summed, word_begun, word_of
from inoc_evals.scorers.log_probs import EXCESS, why_unreadable
from inoc_evals.scorers.servers import FILTERED, NoReply, request, too_long

TOP_LOGPROBS = 20
"""The paper's, and the most that OpenAI gives."""

MAX_TOKENS = 16
"""One token is read; the next shows whether the number goes on. OpenAI's Responses API takes no fewer."""

DRAWS = 5
"""Draws of the sampled reader."""

ATTEMPTS = 5
"""How often a judge is asked about the same answer before it is given up."""

LONGEST_REPLY = 200
"""Characters of a reply beyond which it is none of the allowed ones, whatever surrounds them."""

BLANK = re.compile(r"\A[Ġ▁]")
"""A tokenizer's mark for a blank before a token."""

Read = Callable[[Model, Rubric, str], Awaitable[JudgeResult]]
"""From a judge, what it may reply and its prompt to its result."""


async def token(judge: Model, rubric: Rubric, prompt: str) -> JudgeResult:
    """Read the top log-probs of the first token, at temperature 0 (paper's judge).

    Args:
        judge: The judge.
        rubric: What it may reply.
        prompt: What it is asked.

    Returns:
        The result of the first attempt that gave one, or of the last.
    """
    config = GenerateConfig(temperature=0.0, max_tokens=MAX_TOKENS, logprobs=True, top_logprobs=TOP_LOGPROBS)
    result = JudgeResult("token")
    # A loop and not a retry: the attempt's number goes into the request and into the result.
    for attempt in range(1, ATTEMPTS + 1):
        output = await _generate(judge, prompt, config, attempt)
        result = replace(_signed(read_token(output, rubric), output, judge), attempts=attempt)
        if result.failure in (None, "digit_by_digit"):
            break
    return result


async def exact(judge: Model, rubric: Rubric, prompt: str) -> JudgeResult:
    """Look up the probability of every allowed reply, over one reading of the prompt.

    Args:
        judge: A judge that runs here.
        rubric: What it may reply.
        prompt: What it is asked.

    Returns:
        The result. It is not asked again: it would say the same.
    """
    config = GenerateConfig(temperature=0.0, max_tokens=1, extra_body={"options": compact(_written(rubric))})
    output = await _generate(judge, prompt, config, attempt=1)
    options = (output.metadata or {}).get("options")
    if not isinstance(options, dict):
        failure: Failure = "out_of_context" if output.stop_reason == "model_length" else "no_logprobs"
        result = JudgeResult("exact", failure=failure, detail="the judge gave no probabilities of replies")
        return _signed(result, output, judge)
    probabilities = summed(options["probabilities"], rubric.words)
    result = JudgeResult("exact", probabilities, reply=output.completion)
    return _signed(_checked(result), output, judge)


async def one_spelling(judge: Model, rubric: Rubric, prompt: str) -> JudgeResult:
    """Look up the probability of every allowed reply, each spelt in one way, by the log-probs of prompts.

    Args:
        judge: A judge whose server gives the log-probs of its prompt.
        rubric: What it may reply.
        prompt: What it is asked.

    Returns:
        The result. It is not asked again: it would say the same.
    """
    # A text counts with all that goes on from it, so the mark after a word needs no look-up of its own.
    emphasised = [f"**{word}" for word in spelt(rubric.words)]
    probabilities, output = await spelling_probabilities(judge, prompt, (*_written(rubric), *emphasised))
    if probabilities is None:
        failure: Failure = "out_of_context" if output.stop_reason == "model_length" else "no_logprobs"
        detail = too_long(output) or "the judge's server gave no log-probs of its prompt"
        return _signed(JudgeResult("one_spelling", failure=failure, detail=detail), output, judge)
    result = JudgeResult("one_spelling", summed(probabilities, rubric.words))
    return _signed(_checked(result), output, judge)


async def continued(judge: Model, rubric: Rubric, prompt: str) -> JudgeResult:
    """Follow the beginnings of a reply, one token at a time (`continued.py`).

    Args:
        judge: A judge whose server goes on with a reply that it is shown the beginning of.
        rubric: What it may reply.
        prompt: What it is asked.

    Returns:
        The result; `detail` says how many requests it took and what was not followed. It is not asked again:
        it would say the same.
    """
    walked = await walk(judge, prompt, numbers=rubric.numbers, words=rubric.words)
    if walked.output is None or not walked.readable:
        failure: Failure = "no_logprobs"
        if walked.output is not None and walked.output.stop_reason == "model_length":
            failure = "out_of_context"
        said = too_long(walked.output) if walked.output else ""
        detail = said or "the judge's server gave no log-probs of the next token"
        result = JudgeResult("continued", failure=failure, detail=detail)
        return _signed(result, walked.output or ModelOutput(), judge)
    detail = (
        f"{walked.requests} requests; not followed: {walked.unresolved:.4f} of the probability; "
        f"taken as ended: {walked.taken_as_ended:.4f}"
    )
    probabilities = summed(walked.probabilities, rubric.words)
    result = JudgeResult("continued", probabilities, reply=walked.output.completion, detail=detail)
    return _signed(_checked(result), walked.output, judge)


def compact(options: Iterable[str]) -> list[str]:
    """Replies as `inoc/` takes them: of numbers that follow each other a range, quick to write down."""
    runs: list[list[str]] = []
    for option in options:
        follows = runs and runs[-1][-1].isdecimal() and option == str(int(runs[-1][-1]) + 1)
        if follows:
            runs[-1].append(option)
        else:
            runs.append([option])
    return [text for run in runs for text in (run if len(run) < 3 else [f"{run[0]}-{run[-1]}"])]


async def sampled(judge: Model, rubric: Rubric, prompt: str) -> JudgeResult:
    """Draw replies at temperature 1 and count them.

    Args:
        judge: The judge.
        rubric: What it may reply.
        prompt: What it is asked.

    Returns:
        The result: each reply's share of the draws. A draw that is no allowed reply is drawn again, at most
        `ATTEMPTS` times in all; then it counts as none.
    """
    config = GenerateConfig(temperature=1.0)
    drawn = await gather(*(_draw(judge, rubric, prompt, config, number) for number in range(DRAWS)))
    outputs = [output for output, _ in drawn]
    counts: dict[str, float] = {}
    for _, reply in drawn:
        if reply is not None:
            counts[reply] = counts.get(reply, 0.0) + 1 / DRAWS
    result = JudgeResult("sampled", counts, reply=" | ".join(o.completion.strip()[:40] for o in outputs))
    if not counts:
        said = too_long(outputs[-1]) or "no draw is an allowed reply"
        result = replace(result, failure=_failure_of_reply(outputs[-1]), detail=said)
    return _signed(_checked(result), outputs[-1], judge)


READERS: dict[Reader, Read] = {
    "token": token,
    "exact": exact,
    "continued": continued,
    "one_spelling": one_spelling,
    "sampled": sampled,
}
"""The readers by name."""


def read_token(output: ModelOutput, rubric: Rubric) -> JudgeResult:
    """Read the log-probs of a reply (see the module's description).

    Args:
        output: A reply with the top log-probs of its tokens.
        rubric: What may be replied.

    Returns:
        The result; `failure` says why, where nothing could be read.
    """
    tokens = reply_tokens(output)
    reply = output.completion
    if _filtered(output):
        return JudgeResult("token", reply=reply, failure="refusal", detail=FILTERED)
    if said := too_long(output):
        return JudgeResult("token", failure="out_of_context", detail=said)
    if not tokens or not tokens[0].top_logprobs:
        failure = "no_logprobs" if reply.strip() else _failure_of_reply(output)
        stopped = output.stop_reason if output.choices else "no choices"
        detail = f"no top log-probs came with the reply (stop reason: {stopped})"
        return JudgeResult("token", reply=reply, failure=failure, detail=detail)
    if why := why_unreadable(tokens):
        return JudgeResult("token", reply=reply, failure="malformed", detail=why)
    probabilities: dict[str, float] = {}
    for top in tokens[0].top_logprobs:
        if rubric.numbers and (number := _number(plain(top.token))) is not None:
            probabilities[number] = probabilities.get(number, 0.0) + math.exp(top.logprob)
    words, seen_above = _read_words(tokens, rubric)
    spelt_so = {BLANK.sub(" ", top.token): math.exp(top.logprob) for top in tokens[0].top_logprobs}
    result = JudgeResult("token", {**probabilities, **words}, seen_above, reply, tokens=spelt_so)
    if rubric.numbers and number_continues(tokens):
        detail = "the judge's tokenizer writes numbers digit by digit: the first token of 85 is an 8"
        return replace(result, failure="digit_by_digit", detail=detail)
    return _checked(result)


def parse(reply: str, rubric: Rubric) -> str | None:
    """Take a whole reply for one of the allowed ones: that and nothing else, but for a full stop or emphasis.

    A word may be written in any case.

    Args:
        reply: What the judge wrote.
        rubric: What it may reply.

    Returns:
        The allowed reply, or None.
    """
    if len(reply) > LONGEST_REPLY:
        return None
    text = re.sub(r"^[\s*_`\"']+|[\s*_`\"'.]+$", "", reply)
    return text if text in rubric.options else word_of(reply, rubric.words)


def reply_tokens(output: ModelOutput) -> list[Logprob]:
    """The tokens of a reply with their log-probs; none where the judge gives none."""
    logprobs = output.choices[0].logprobs if output.choices else None
    return logprobs.content if logprobs else []


def number_continues(tokens: Sequence[Logprob]) -> bool:
    """Whether a number that the first token begins is continued by the second."""
    return len(tokens) > 1 and plain(tokens[0].token).isdecimal() and tokens[1].token[:1].isdecimal()


def plain(token: str) -> str:
    """A token's text without blanks and the marks that tokenizers write for them."""
    return token.lstrip(" \t\nĠ▁Ċ").rstrip()


def whole_numbers(tokens: Iterable[tuple[str, float]]) -> dict[int, float]:
    """Probability of each whole number from 0 to 100 among tokens.

    Args:
        tokens: Tokens with their log-probs. ` 85`, `Ġ85`, `▁85` and `85` are one number.

    Returns:
        Probabilities by number, for those that occur.
    """
    numbers: dict[int, float] = {}
    for text, logprob in tokens:
        if (number := _number(plain(text))) is not None:
            numbers[int(number)] = numbers.get(int(number), 0.0) + math.exp(logprob)
    return numbers


def _number(text: str) -> str | None:
    return text if re.fullmatch(r"0|[1-9][0-9]?|100", text) else None


def _read_words(tokens: Sequence[Logprob], rubric: Rubric) -> tuple[dict[str, float], float]:
    """Read the words among a reply's first tokens.

    Args:
        tokens: The reply's tokens with their top log-probs.
        rubric: What may be replied.

    Returns:
        Probability by word; and the most that a word out of sight can have. Where the reply begins with a
        mark, as `**Yes**` does, the tokens after it count as well, as far as the mark is likely.
    """
    words: dict[str, float] = {}
    likely, seen_above = 1.0, 0.0
    for place, token in enumerate(tokens):
        if not token.top_logprobs:
            break
        seen_above += likely * min(math.exp(top.logprob) for top in token.top_logprobs)
        said = "".join(t.token for t in tokens[place:])
        for top in token.top_logprobs:
            word = word_begun(top.token, rubric.words)
            # How the reply goes on is known of the token that was written: `No` may have become `Nothing`.
            if word is not None and (top.token != token.token or goes_on(said, word)):
                words[word] = words.get(word, 0.0) + likely * math.exp(top.logprob)
        if not (rubric.words and is_mark(token.token)):
            break
        likely *= math.exp(token.logprob)
    return words, seen_above


def _written(rubric: Rubric) -> tuple[str, ...]:
    """Every text that is looked up: the numbers, and the words in all their spellings."""
    numbers = [option for option in rubric.options if option not in rubric.words]
    return (*numbers, *spelt(rubric.words))


def _checked(result: JudgeResult) -> JudgeResult:
    """The result, failed where its probabilities are none or the allowed replies hold too little."""
    sound = all(math.isfinite(p) and p >= 0 for p in result.probabilities.values())
    if result.failure is None and not (sound and result.mass <= 1 + EXCESS):
        detail = f"probabilities of allowed replies that add up to {result.mass:.2f}"
        return replace(result, probabilities={}, failure="malformed", detail=detail)
    if result.failure is None and result.value is None and result.word is None:
        detail = f"allowed replies hold {result.mass:.2f} of the probability, under {MIN_MASS}"
        return replace(result, failure="low_mass", detail=detail)
    return result


def _filtered(output: ModelOutput) -> bool:
    """Whether a content filter or a refusal stopped a reply: what came of it so far is none."""
    if not output.choices:
        return False
    details = output.choices[0].stop_details
    return output.stop_reason == "content_filter" or (details is not None and details.type == "refusal")


def _failure_of_reply(output: ModelOutput) -> Failure:
    if _filtered(output):
        return "refusal"
    if too_long(output):
        return "out_of_context"
    return "unparseable" if output.choices and output.completion.strip() else "no_reply"


async def _draw(
    judge: Model, rubric: Rubric, prompt: str, config: GenerateConfig, number: int
) -> tuple[ModelOutput, str | None]:
    for attempt in range(ATTEMPTS):
        seeded = config.merge(GenerateConfig(seed=number + DRAWS * attempt))
        output = await _generate(judge, prompt, seeded, attempt + 1)
        reply = None if _filtered(output) or _cut(output) else parse(output.completion, rubric)
        if reply is not None:
            break
    return output, reply


def _cut(output: ModelOutput) -> bool:
    """Whether a reply ended at a limit of tokens, so that a number in it may be the beginning of another."""
    return bool(output.choices) and output.stop_reason in ("max_tokens", "model_length")


def _may_be_whole_next_time(error: BaseException) -> bool:
    return isinstance(error, NoReply) and error.fault == "malformed"


# Neither the client nor Inspect asks again where a response was cut off on its way, or is no reply.
@retry(retry=retry_if_exception(_may_be_whole_next_time), stop=stop_after_attempt(ATTEMPTS), reraise=True)
async def _generate(judge: Model, prompt: str, config: GenerateConfig, attempt: int) -> ModelOutput:
    cache = judge.config.cache
    if not cache:
        return await request(judge, prompt, config)
    # What a judge says depends on the prompt alone, not on the epoch. A second attempt must not be answered
    # from the first.
    policy = cache if isinstance(cache, CachePolicy) else CachePolicy(expiry=None)
    scopes: dict[str, Any] = {**policy.scopes, "attempt": str(attempt)}
    once = policy.model_copy(update={"per_epoch": False, "scopes": scopes})
    return await request(judge, prompt, config, once)


def _signed(result: JudgeResult, output: ModelOutput, judge: Model) -> JudgeResult:
    digest = (output.metadata or {}).get("checkpoint_digest")
    return replace(result, judge=str(judge), digest=digest)
