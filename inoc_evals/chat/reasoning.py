r"""Where a model's reasoning ends and its answer begins: what is thought is not what is said.

    split_reasoning("<think>They want Spanish.</think>\n\nHola")      # ("They want Spanish.", "Hola")
    split_reasoning("They want Spanish.</think>Hola", "<think>")      # the same: the prompt opened the block
    split_reasoning("<think>They want")                               # ("They want", ""): cut off

Only a block at the start counts. An answer that speaks of `<think>` further on is an answer.
"""

import re
from typing import NamedTuple

MARKS: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel|>analysis<|message|>", "<|end|>"),
)
"""How the open families open and close a block: DeepSeek, Qwen and SmolLM3; Magistral; Command A; gpt-oss."""

HEADERS = (
    "<|START_RESPONSE|>",
    "<|start|>assistant<|channel|>final<|message|>",
    "<|channel|>final<|message|>",
)
"""What Command A and gpt-oss write between the reasoning and the answer."""

FOOTERS = ("<|END_RESPONSE|>",)

EMPTY_BLOCK = re.compile(
    r"\s*(?:" + "|".join(rf"{re.escape(start)}\s*{re.escape(end)}" for start, end in MARKS) + r")\s*"
)
"""A block that holds nothing, with the white space around it."""


class Spoken(NamedTuple):
    """What a model generated, in its two parts.

    Attributes:
        reasoning: What it thought; None where it opened no block.
        answer: What it said; empty where it was cut off while thinking.
    """

    reasoning: str | None
    answer: str


def split_reasoning(text: str, opened: str = "") -> Spoken:
    """Split what a model generated into reasoning and answer.

    Args:
        text: What it generated.
        opened: The mark with which the prompt already opened a block, see `opened_block`; empty where none.

    Returns:
        Both parts, without the marks and without white space at the marks.
    """
    for start, end in MARKS:
        if opened == start:
            inside = text
        elif not opened and text.lstrip().startswith(start):
            inside = text.lstrip()[len(start) :]
        else:
            continue
        reasoning, _, answer = inside.partition(end)
        return Spoken(reasoning.strip(), _unwrapped(answer.lstrip()))
    return Spoken(None, _unwrapped(text))


def opened_block(prompt: str) -> str:
    """The mark of a reasoning block that a rendered prompt leaves open for the model; empty where none."""
    return next((start for start, _ in MARKS if prompt.rstrip().endswith(start)), "")


def _unwrapped(answer: str) -> str:
    for header in HEADERS:
        if answer.startswith(header):
            answer = answer[len(header) :]
            break
    for footer in FOOTERS:
        answer = answer.removesuffix(footer)
    return answer
