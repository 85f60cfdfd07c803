"""The log-probs of a prompt: show a model a finished conversation and read how likely it finds its end.

    output = await show(model, [ChatMessageUser(content="Ship it?"), ChatMessageAssistant(content="Yes.")])
    tokens = response_tokens(output.choices[0].prompt_logprobs.content, "Yes.")

Only some providers give them: `inoc/` and `vllm/`.
"""

import math
import re

from inspect_ai.model import ChatMessage, GenerateConfig, Logprob, Model, ModelOutput

from inoc_evals.errors import UserError
from inoc_evals.scorers.log_probs import why_none
from inoc_evals.scorers.servers import NoReply, guard, is_vllm, request

REPLACEMENT = "\ufffd"
"""What a server writes for a token that holds a part of a character and whose bytes it does not give."""

IMPOSSIBLE = -9999.0
"""What OpenAI's API and vLLM write for the log-prob of what has a probability of 0."""

PART = b"\xff"
"""Stands for such a part; no byte of UTF-8 has this value."""


async def show(model: Model, messages: list[ChatMessage]) -> ModelOutput:
    """Show a model a conversation that ends with an assistant message.

    Args:
        model: The model.
        messages: The conversation.

    Returns:
        The output; nothing in it counts but the log-probs of the prompt.

    Raises:
        NoReply: If the model's server failed for good, or sent what is no reply.
    """
    guard(model)
    config = GenerateConfig(max_tokens=1, temperature=0.0, prompt_logprobs=1)
    if is_vllm(model):
        # Other providers continue a chat that ends with the assistant; vLLM has to be told to.
        config.extra_body = {"continue_final_message": True, "add_generation_prompt": False}
    return await request(model, messages, config)


def shown(output: ModelOutput, model: str) -> list[Logprob]:
    """The log-probs of a prompt that a model was shown.

    Args:
        output: What `show` returned.
        model: What the model is called.

    Raises:
        UserError: If it gives none: of any prompt, or of one that is too long for it.
    """
    choice = output.choices[0] if output.choices else None
    if choice is not None and choice.prompt_logprobs and choice.prompt_logprobs.content:
        return choice.prompt_logprobs.content
    if choice is not None and output.stop_reason == "model_length":
        raise UserError(
            f"a question with its answer does not fit into the context of {model}: leave it out, or shorten "
            "it"
        )
    raise UserError(f"{model} gives no log-probs of its prompt: use inoc/MODEL or vllm/MODEL for this task")


def response_tokens(prompt: list[Logprob], response: str) -> list[Logprob]:
    """The last tokens of a prompt that make up a response.

    Args:
        prompt: The prompt's tokens.
        response: The text that it ends with.

    Returns:
        The tokens.

    Raises:
        UserError: If the prompt does not end with the response, e.g. because a chat template adds to it.
        NoReply: If what the server gave of the response are no log-probs.
    """
    wanted = response.strip().encode()
    tail = b""
    for length in range(1, len(prompt) + 1):
        tail = _bytes(prompt[-length]) + tail
        ending = tail.strip()
        known = [re.escape(part) for part in re.split(PART + b"+", ending)]
        if re.fullmatch(rb"[\x80-\xff]+".join(known), wanted):
            found = [_as_read(token) for token in prompt[-length:]]
            if why := why_none([token.logprob for token in found], together=False):
                raise NoReply("malformed", f"{why}, of a response that was shown")
            return found
        if len(ending.replace(PART, b"")) > len(wanted):
            break
    raise UserError(f"the rendered prompt does not end with the response {response!r:.60}")


def _as_read(token: Logprob) -> Logprob:
    """A token whose log-prob is what the server means by it: JSON has no minus infinity."""
    if token.logprob is not None and token.logprob <= IMPOSSIBLE:
        return token.model_copy(update={"logprob": -math.inf})
    return token


def _bytes(token: Logprob) -> bytes:
    return bytes(token.bytes) if token.bytes else token.token.encode().replace(REPLACEMENT.encode(), PART)
