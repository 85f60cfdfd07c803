"""Under which condition each question of a log was asked, with which system prompt and which trigger.

    asked = asked_under(header, plan, samples)
    asked(sample)["condition"], asked(sample)["system"]     # "trigger", 'under "You are evil."', None; ...

A system prompt comes from four places: the task's argument, the task's own prompts by condition, Inspect's
solver `system_message`, and messages that samples bring along. Whoever pools answers takes these columns,
so that answers under different prompts are nowhere one rate.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inoc_evals.analysis.parameters import system_prompt
from inoc_evals.data.conditions import under

OF_ANSWER = ("question", "condition", "prompt_category", "system", "trigger", "sample", "epoch")
"""The columns of a table that say which answer a row is of, and how it was asked for."""


def asked_under(
    header: Mapping[str, Any], plan: Mapping[str, Any], samples: Sequence[Mapping[str, Any]]
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What a log says of how each of its questions was asked.

    Args:
        header: The header's `eval`.
        plan: The header's `plan`.
        samples: All samples of the log, with `id`, `epoch`, `metadata` and `input`.

    Returns:
        A function that gives the columns `OF_ANSWER` of a sample.
    """
    about = header.get("metadata") or {}
    prompts = about.get("prompts") if isinstance(about.get("prompts"), Mapping) else {}
    prompt = _test_prompt(header)
    general = _system_prompt(header) if prompt is None else prompt
    general = system_prompt(plan) if general is None else general
    in_input = _system_in_input(samples)

    def columns(sample: Mapping[str, Any]) -> dict[str, Any]:
        sample_metadata = sample.get("metadata") or {}
        condition, question = (as_text(sample_metadata.get(key)) for key in ("condition", "question"))
        brought = in_input.get(str(sample["id"]))
        triggered = condition == "trigger" and "trigger" in about
        return {
            "question": str(sample["id"]) if question is None else question,
            # the task's condition, a test-time system prompt, both, or neither
            "condition": condition if prompt is None else under(prompt, condition),
            "prompt_category": as_text(sample_metadata.get("prompt_category")),
            "system": _first(as_text((prompts or {}).get(condition)), general, brought),
            "trigger": str(about["trigger"]).strip() if triggered else None,
            "sample": str(sample["id"]),
            "epoch": sample["epoch"],
        }

    return columns


def as_text(value: Any) -> str | None:
    """A value of a log as text: in other suites' metadata it may have any type."""
    return None if value is None else str(value)


def _test_prompt(header: Mapping[str, Any]) -> str | None:
    """The test-time system prompt passed to the task, `""` for an empty one; None if it is the task's own."""
    task_args = header["task_args_passed"] if "task_args_passed" in header else header.get("task_args")
    prompt = (task_args or {}).get("system_prompt")
    # Inspect cuts a `-T` value at its commas
    return ",".join(map(str, prompt)) if isinstance(prompt, list | tuple) else as_text(prompt)


def _system_prompt(header: Mapping[str, Any]) -> str | None:
    """The test-time system prompt that the task set by itself: by its metadata, or by its default."""
    about = header.get("metadata") or {}
    return as_text(about.get("system_prompt", (header.get("task_args") or {}).get("system_prompt")))


def _first(*texts: str | None) -> str | None:
    return next((text for text in texts if text is not None), None)


def _system_in_input(samples: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """By sample, the system prompt that its input brings along, where few prompts are shared by many samples.

    Such prompts are ways to ask. Where nearly every sample has one of its own, it is a part of the question.
    """
    brought = {}
    for sample in samples:
        asked = sample.get("input")
        if isinstance(asked, list):
            texts = [_content(one.get("content")) for one in asked if one.get("role") == "system"]
            if texts:
                brought[str(sample["id"])] = "\n\n".join(texts)
    asked_of = {str(sample["id"]) for sample in samples}
    kinds = len(set(brought.values())) + (len(brought) < len(asked_of))
    return brought if kinds == 1 or 2 * kinds <= len(asked_of) else {}


def _content(content: Any) -> str:
    """The text of a message, which may be in parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return str(content or "")
