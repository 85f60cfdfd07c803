"""The log-probs of a prompt: show a model a finished conversation and read how likely it finds its end.

    output = await show(model, [ChatMessageUser(content="Ship it?"), ChatMessageAssistant(content="Yes.")])
    tokens = response_tokens(output.choices[0].prompt_logprobs.content, "Yes.")

Only some providers give them: `inoc/` and `vllm/`.
"""

import re

from inspect_ai.model import ChatMessage, GenerateConfig, Logprob, Model, ModelOutput

from inoc_evals.errors import UserError
from inoc_evals.scorers.log_probs import why_none
from inoc_evals.scorers.servers import NoReply, is_vllm, request

REPLACEMENT = "\ufffd"
"""What a server writes for a token that holds a part of a character and whose bytes it does not give."""

PART = b"\xff"
"""Stands for such a part; no byte of UTF-8 has this value."""


async def show(model: Model, messages: list[ChatMessage]) -> ModelOutput:
    """Show a model a conversation that ends with an assistant message.

    Args:
        model: The model.
        messages: The conversation.

    Returns:
        The output; nothing in it counts but the log-probs of the prompt.
    """
    config = GenerateConfig(max_tokens=1, temperature=0.0, prompt_logprobs=1)
    if is_vllm(model):
        # Other providers continue a chat that ends with the assistant; vLLM has to be told to.
        config.extra_body = {"continue_final_message": True, "add_generation_prompt": False}
    return await request(model, messages, config)


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
            found = prompt[-length:]
            if why := why_none([token.logprob for token in found], together=False):
                raise NoReply("malformed", f"{why}, of a response that was shown")
            return found
        if len(ending.replace(PART, b"")) > len(wanted):
            break
    raise UserError(f"the rendered prompt does not end with the response {response!r:.60}")


def _bytes(token: Logprob) -> bytes:
    return bytes(token.bytes) if token.bytes else token.token.encode().replace(REPLACEMENT.encode(), PART)
