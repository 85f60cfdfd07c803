"""What every task of the suite does before it lets the model answer.

    Task(setup=grader_bound(scoring), solver=[optional_system_prompt(system_prompt), generate()], ...)

The first stops a run that could not be judged; the second puts a test-time system prompt before the question.
"""

from collections.abc import Sequence

import click
from inspect_ai.model import ChatMessageSystem
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inoc_evals.errors import UserError
from inoc_evals.scorers.judge import require_grader
from inoc_evals.scorers.traits import Scoring, check_scoring


@solver
def grader_bound(scoring: Scoring) -> Solver:
    """Stop before anything is generated where answers are to be judged and no judge is bound.

    Args:
        scoring: How the task is scored.

    Returns:
        A solver that checks the model role `grader` if `scoring` needs it, and changes nothing.

    Raises:
        UserError: In one line that says how to bind a judge.
    """
    check_scoring(scoring)
    needed = scoring != "detector"
    # The command line binds the roles before it builds a task, so there the absence of a judge is final. A
    # caller of eval() in Python may still bind one: then it is known when the first sample starts.
    if needed and click.get_current_context(silent=True) is not None:
        require_grader()

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if needed:
            require_grader()
        return state

    return solve


@solver
def optional_system_prompt(prompt: str | Sequence[str] | None) -> Solver:
    """Ask under a test-time system prompt, taken literally: braces and file names mean themselves.

    Args:
        prompt: The system prompt, or None to ask without one. Inspect cuts a `-T` value at its commas; the
            pieces are put together again.

    Returns:
        A solver that puts the prompt first; where the question has a system message, in front of its text.

    Raises:
        UserError: If the prompt is not text: `-T` values are YAML, in which `on` or `a: b` are not.
    """
    parts = [prompt] if isinstance(prompt, str) else prompt
    if parts is not None and not (
        isinstance(parts, Sequence) and all(isinstance(part, str) for part in parts)
    ):
        raise UserError(f"system_prompt={prompt!r} is not text: quote it twice, -T 'system_prompt=\"...\"'")
    text = None if parts is None else ",".join(parts)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if text is None:
            return state
        first = state.messages[0]
        if first.role == "system":
            state.messages[0] = ChatMessageSystem(content=f"{text}\n\n{first.text}")
        else:
            state.messages.insert(0, ChatMessageSystem(content=text))
        return state

    return solve
