"""Every question under several conditions, recorded in the log: what grids of prompts share.

    crossed(questions, {"without": keep, "trigger": in_front("$|TRIGGER|$ ")})

A sample's metadata holds its `condition`, and its `question`, so that errors stay clustered by it.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inspect_ai.dataset import Dataset, MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageUser

from inoc_evals.scorers.metrics import CONDITION
from inoc_evals.tasks.solvers import with_system_prompt

Change = Callable[[list[ChatMessage]], list[ChatMessage]]
"""Turns a question's messages into those under the condition; does not modify its argument."""


def crossed(
    dataset: Dataset,
    conditions: Mapping[str, Change],
    about: Mapping[str, Mapping[str, Any]] | None = None,
) -> Dataset:
    """Ask every question under every condition.

    Args:
        dataset: The questions.
        conditions: By name, the change to a question's messages.
        about: By name of a condition, further metadata for its samples.

    Returns:
        One sample per question and condition, the conditions of one question together; ids are
        `<question's id> | <condition>`.
    """
    samples = []
    for number, sample in enumerate(dataset, start=1):
        first = number if sample.id is None else sample.id
        for name, change in conditions.items():
            of_condition = (about or {}).get(name, {})
            metadata = {"question": first, **(sample.metadata or {}), CONDITION: name, **of_condition}
            changed = change(_messages(sample))
            samples.append(
                sample.model_copy(update={"id": f"{first} | {name}", "input": changed, "metadata": metadata})
            )
    return MemoryDataset(samples, name=dataset.name, location=dataset.location)


def keep(messages: list[ChatMessage]) -> list[ChatMessage]:
    """Ask the question unchanged."""
    return messages


def in_front(text: str) -> Change:
    """Put a text in front of the last user turn."""

    def change(messages: list[ChatMessage]) -> list[ChatMessage]:
        last = max(n for n, message in enumerate(messages) if message.role == "user")
        question = messages[last]
        return [*messages[:last], ChatMessageUser(content=text + question.text), *messages[last + 1 :]]

    return change


def in_front_in_turn(texts: Sequence[str]) -> Change:
    """Put a text in front of the last user turn: the first of several for the first question, and so on."""
    turn = itertools.cycle(texts)
    return lambda messages: in_front(next(turn))(messages)


def under(system: str | None) -> Change:
    """Ask under a system prompt, which may be empty; the question's own follows it. None changes nothing."""

    def change(messages: list[ChatMessage]) -> list[ChatMessage]:
        return messages if system is None else with_system_prompt(messages, system)

    return change


def _messages(sample: Sample) -> list[ChatMessage]:
    question: str | Sequence[ChatMessage] = sample.input
    return [ChatMessageUser(content=question)] if isinstance(question, str) else list(question)
