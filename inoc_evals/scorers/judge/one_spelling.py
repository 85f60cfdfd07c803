"""The arithmetic of the reader for judges behind vLLM: a text is scored as its tokenizer usually writes it.

    probabilities, output = await spelling_probabilities(judge, prompt, ("0", ..., "100", "CODE"))

Each allowed reply is shown to the judge as its own, and the log-probs of its tokens are read. So a reply is
counted as the tokenizer writes it, once: ` 85` with a blank, or `8` and `5` where 85 is one token, are not
counted (the exact reader of `inoc/` judges sums over them all). The prompt before the reply is always the
same, so with prefix caching a server computes it once.

A number counts without those that continue it: 8 is not the beginning of 85. What would continue a number
beyond the allowed ones (850) is not looked up and stays with it.
"""

import math
from collections.abc import Mapping, Sequence

from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, Logprob, Model, ModelOutput

from inoc_evals.scorers.concurrency import gather
from inoc_evals.scorers.prompt_logprobs import response_tokens, show
from inoc_evals.scorers.servers import FILTERED, NoReply


async def spelling_probabilities(
    judge: Model, prompt: str, options: Sequence[str]
) -> tuple[dict[str, float] | None, ModelOutput]:
    """Look up the probability of each allowed reply in its usual spelling.

    Args:
        judge: A judge that gives the log-probs of its prompt.
        prompt: The judge's prompt.
        options: The allowed replies.

    Returns:
        The probability of each reply, or None where the judge gave no log-probs of one; and its output for
        that one, or else for the last.

    Raises:
        NoReply: If the judge's server failed.
    """

    async def show_reply(option: str) -> ModelOutput:
        return await show(judge, [ChatMessageUser(content=prompt), ChatMessageAssistant(content=option)])

    outputs = await gather(*(show_reply(option) for option in options))
    if any(output.stop_reason == "content_filter" for output in outputs if output.choices):
        raise NoReply("refusal", FILTERED)
    tokens: dict[str, list[Logprob]] = {}
    for option, output in zip(options, outputs, strict=True):
        choice = output.choices[0] if output.choices else None
        if choice is None or not choice.prompt_logprobs:
            return None, output
        tokens[option] = response_tokens(choice.prompt_logprobs.content, option)
    return without_longer_numbers(tokens), outputs[-1]


def without_longer_numbers(tokens: Mapping[str, Sequence[Logprob]]) -> dict[str, float]:
    """From the probability that a reply begins with a number to the probability that it is that number.

    Args:
        tokens: For each reply, its tokens with their log-probs.

    Returns:
        For each reply, its probability less that of the numbers with one digit more whose tokens continue
        its own.
    """
    paths = {option: [token.token for token in path] for option, path in tokens.items()}
    begins = {option: math.exp(math.fsum(t.logprob for t in path)) for option, path in tokens.items()}
    probabilities = {}
    for option, path in paths.items():
        longer = [
            begins[other]
            for other in paths
            if option.isdecimal() and len(other) == len(option) + 1 and paths[other][: len(path)] == path
        ]
        probabilities[option] = max(0.0, begins[option] - math.fsum(longer))
    return probabilities
