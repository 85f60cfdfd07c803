"""The exact reader for judges behind a server that gives the log-probs of its prompt, such as vLLM.

    probabilities = await continuations(judge, prompt, ("0", ..., "100", "CODE"))

Every allowed reply is shown to the judge as its own, and the log-probs of its tokens are read. The prompt
before it is the same each time, so with prefix caching a server computes it once. A number counts without
those that continue it: 8 is not the beginning of 85. What would continue a number beyond the allowed ones
(850) is not asked for and stays with it.
"""

import math
from collections.abc import Mapping, Sequence

from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageUser,
    GenerateConfig,
    Logprob,
    Model,
    ModelOutput,
)

from inoc_evals.scorers.response_logprob import response_tokens
from inoc_evals.scorers.together import together


def serves_prompt_logprobs(judge: Model) -> bool:
    """Whether the judge's server is one that gives the log-probs of its prompt."""
    return str(judge).startswith("vllm")


async def continuations(
    judge: Model, prompt: str, options: Sequence[str]
) -> tuple[dict[str, float] | None, ModelOutput]:
    """Look up the probability of every allowed reply.

    Args:
        judge: The judge.
        prompt: What it is asked.
        options: What it may reply.

    Returns:
        By reply its probability, or None where the judge gave no log-probs; and its output for the last one.
    """
    config = GenerateConfig(temperature=0.0, max_tokens=1, prompt_logprobs=1)
    if serves_prompt_logprobs(judge):
        config.extra_body = {"continue_final_message": True, "add_generation_prompt": False}

    async def show(option: str) -> ModelOutput:
        return await judge.generate(
            [ChatMessageUser(content=prompt), ChatMessageAssistant(content=option)], config=config
        )

    outputs = await together(*(show(option) for option in options))
    tokens: dict[str, list[Logprob]] = {}
    for option, output in zip(options, outputs, strict=True):
        choice = output.choices[0] if output.choices else None
        if choice is None or not choice.prompt_logprobs:
            return None, outputs[-1]
        tokens[option] = response_tokens(choice.prompt_logprobs.content, option)
    return without_continued(tokens), outputs[-1]


def without_continued(tokens: Mapping[str, Sequence[Logprob]]) -> dict[str, float]:
    """From the probability that a reply begins so to the probability that it is so.

    Args:
        tokens: By reply, its tokens with their log-probs.

    Returns:
        By reply, its probability less that of the longer numbers whose tokens go on from its own.
    """
    paths = {option: [token.token for token in path] for option, path in tokens.items()}
    begins = {option: math.exp(math.fsum(t.logprob for t in path)) for option, path in tokens.items()}
    found = {}
    for option, path in paths.items():
        longer = [
            begins[other]
            for other in paths
            if option.isdecimal() and len(other) == len(option) + 1 and paths[other][: len(path)] == path
        ]
        found[option] = max(0.0, begins[option] - math.fsum(longer))
    return found
