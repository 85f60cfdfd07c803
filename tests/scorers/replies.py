"""Scripted models: what Inspect's mock model says, word by word and probability by probability."""

import math
from collections.abc import Callable, Mapping, Sequence

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    Model,
    ModelOutput,
    ModelUsage,
    TopLogprob,
    get_model,
)

Reply = Callable[[str], ModelOutput]


def says(text: str, tokens: Sequence[Logprob] | None = None) -> ModelOutput:
    """A reply. It carries its usage: the mock model would count tokens with a tokenizer from the network."""
    choice = ChatCompletionChoice(
        message=ChatMessageAssistant(content=text),
        logprobs=None if tokens is None else Logprobs(content=list(tokens)),
    )
    return ModelOutput(model="mockllm", choices=[choice], usage=ModelUsage(input_tokens=1, output_tokens=1))


def token(probabilities: Mapping[str, float]) -> Logprob:
    """One generated token: the likeliest of these, with all of them as its top log-probs."""
    top = [TopLogprob(token=text, logprob=math.log(p)) for text, p in probabilities.items()]
    best = max(top, key=lambda t: t.logprob)
    return Logprob(token=best.token, logprob=best.logprob, top_logprobs=top)


def rated(first: Mapping[str, float], *following: str) -> ModelOutput:
    """A judge's reply: the first token's probabilities, and the tokens after it."""
    tokens = [token(first), *(token({text: 0.99}) for text in following)]
    return says("".join(t.token for t in tokens), tokens)


def model(
    reply: Reply | str, asked: list[list[ChatMessage]] | None = None, name: str = "mockllm/model"
) -> Model:
    """A mock model.

    Args:
        reply: What it says, or from the last user message to what it says.
        asked: Where to note the messages of each request.
        name: Its name.
    """

    def generate(
        messages: list[ChatMessage], tools: object, tool_choice: object, config: GenerateConfig
    ) -> ModelOutput:
        if asked is not None:
            asked.append(messages)
        return says(reply) if isinstance(reply, str) else reply(messages[-1].text)

    return get_model(name, custom_outputs=generate)
