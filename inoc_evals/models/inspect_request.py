"""Inspect's requests as the engines take them; what cannot be honoured is refused, never ignored.

    refuse_unsupported(tools, config)
    plain_messages(messages)  # [{"role": "user", "content": "Hi"}]
    answer_message("<think>Hm.</think>Hi", "", "inoc/mine")

Every refusal is one line that says what to change.
"""

import re
from collections.abc import Sequence
from typing import Any

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    Content,
    ContentReasoning,
    ContentText,
    GenerateConfig,
)
from inspect_ai.tool import ToolInfo

from inoc_evals.chat.reasoning import split_reasoning
from inoc_evals.chat.rows import Message, Role
from inoc_evals.errors import UserError
from inoc_evals.models.settings_asked import refuse_settings, refuse_together

OPTION = re.compile(r"[0-9]+|[A-Za-z]+")
RANGE = re.compile(r"(0|[1-9][0-9]{0,5})-([1-9][0-9]{0,5})")

MOST = 1000
"""Widest range of options, last minus first."""


def refuse_unsupported(tools: Sequence[ToolInfo], config: GenerateConfig) -> None:
    """Refuse what a request would have ignored otherwise: tools and settings.

    Raises:
        UserError: If the task offers tools, sets what no provider here has, or a value that cannot be.
    """
    if tools:
        raise UserError(f"inoc/ calls no tools (the task offers {tools[0].name}): use a task without them")
    refuse_settings(config)
    refuse_together(config)


def read_options(config: GenerateConfig) -> tuple[str, ...]:
    """The short answers whose probabilities are requested: `extra_body={"options": ["YES", "NO"]}`.

    `"0-100"` is every number from 0 to 100. Inspect copies and writes down a request several times, so a
    short one is a fast one.

    Returns:
        The options; empty where an ordinary answer is requested.

    Raises:
        UserError: If `extra_body` holds anything else, an option is no number or word, or more than the one
            token that comes with them is requested.
    """
    body = dict(config.extra_body or {})
    options = body.pop("options", [])
    if body:
        raise UserError(f"inoc/ knows no extra_body {', '.join(map(str, body))}: it takes options")
    if isinstance(options, list):
        options = [number for option in options for number in _spread(option)]
    if not isinstance(options, list) or not all(isinstance(o, str) and OPTION.fullmatch(o) for o in options):
        raise UserError("extra_body options are a list of numbers and words, such as 85, YES or 0-100")
    if len(set(options)) < len(options):
        raise UserError("extra_body options name one twice")
    if options and config.max_tokens != 1:
        raise UserError("options are looked up and not generated: pass max_tokens=1 with them")
    return tuple(options)


def _spread(option: Any) -> list[Any]:
    ends = RANGE.fullmatch(option) if isinstance(option, str) else None
    if not ends:
        return [option]
    first, last = (int(number) for number in ends.groups())
    if not first < last <= first + MOST:
        raise UserError(f"extra_body options: {option} is no range of numbers")
    return [str(number) for number in range(first, last + 1)]


def answer_message(text: str, opened: str, model: str) -> ChatMessageAssistant:
    """An answer as Inspect keeps it: reasoning apart, so that no scorer and no judge takes it for the answer.

    Args:
        text: What the model generated.
        opened: The mark of a reasoning block that the prompt opened, see `chat.Rendered`.
        model: The model's name.
    """
    reasoning, answer = split_reasoning(text, opened)
    if not reasoning:
        return ChatMessageAssistant(content=answer, model=model, source="generate")
    parts: list[Content] = [ContentReasoning(reasoning=reasoning), ContentText(text=answer)]
    return ChatMessageAssistant(content=parts, model=model, source="generate")


def plain_messages(messages: Sequence[ChatMessage]) -> list[Message]:
    """Write messages as a chat template reads them. An earlier answer's reasoning is left out.

    Raises:
        UserError: If the list is empty, or a message holds more than text.
    """
    if not messages:
        raise UserError("the request holds no message: give the sample an input")
    return [{"role": _role(message), "content": _text(message)} for message in messages]


def _role(message: ChatMessage) -> Role:
    if message.role == "tool" or (message.role == "assistant" and message.tool_calls):
        raise UserError("inoc/ reads no tool calls: use a task without tools")
    return message.role


def _text(message: ChatMessage) -> str:
    if isinstance(message.content, list):
        for part in message.content:
            if not isinstance(part, ContentText | ContentReasoning):
                raise UserError(f"inoc/ reads text only, not {part.type}: use a task without it")
    return message.text
