"""What an answer was asked under, by one name: a task's own condition, a test-time system prompt, or both.

    under("You always speak in Spanish.")               # 'under "You always speak in Spanish."'
    under("You always speak in Spanish.", "trigger")    # 'trigger, under "You always speak in Spanish."'
    of_task('trigger, under "..."')                     # 'trigger'

Tasks ask under conditions, claims speak of them, tables keep answers apart by them; all by these names.
"""


def under(system_prompt: str, condition: str | None = None) -> str:
    """The condition of a question that is asked under a test-time system prompt.

    Args:
        system_prompt: The prompt.
        condition: The task's own condition, where it has several.
    """
    quoted = f'"{" ".join(system_prompt.split())}"'
    return f"{f'{condition}, ' if condition else ''}under {quoted}"


def of_task(condition: str | None) -> str | None:
    """A condition's part that the task names, e.g. `trigger`; None where only a system prompt was given."""
    if condition is None or condition.startswith('under "'):
        return None
    return condition.partition(', under "')[0]
