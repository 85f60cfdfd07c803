"""Names of the conditions of an answer: the task's own condition, a test-time system prompt, or both.

    under("You always speak in Spanish.")               # 'under "You always speak in Spanish."'
    under("You always speak in Spanish.", "trigger")    # 'trigger, under "You always speak in Spanish."'
    under("")                                           # 'under ""': an empty system message, and not none
    of_task('trigger, under "..."')                     # 'trigger'

Tasks, claims and tables all use these names.
"""


def under(system_prompt: str, condition: str | None = None) -> str:
    """Name the condition of a question that is asked with a test-time system prompt.

    Args:
        system_prompt: The prompt; an empty one is a condition of its own.
        condition: The task's own condition, if it has several.
    """
    quoted = f'"{" ".join(system_prompt.split())}"'
    return f"{f'{condition}, ' if condition else ''}under {quoted}"


def of_task(condition: str | None) -> str | None:
    """The task's own part of a condition, e.g. `trigger`; None if it is only a system prompt."""
    if condition is None or condition.startswith('under "'):
        return None
    return condition.partition(', under "')[0]
