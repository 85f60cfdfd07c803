"""The solvers that every task of the suite runs before the model answers.

    Task(setup=grader_bound(scoring), solver=[optional_system_prompt(system_prompt), answered()], ...)
    with_system_prompt(messages, "You always speak in Spanish.")
    with_system_prompt(messages, "")                  # an empty system message, which is not the same as none

`grader_bound` stops a run that could not be judged; `answered` has the model answer, and says in words what
its server did wrong; the others put a test-time system prompt first.
"""

from collections.abc import Sequence

import click
from inspect_ai.model import ChatMessage, ChatMessageSystem, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.solver import generate as inspect_generate

from inoc_evals.errors import UserError
from inoc_evals.inoculation import SEPARATOR
from inoc_evals.scorers.judge import probe_graders, require_grader
from inoc_evals.scorers.servers import NoReply, guard, in_words_of_its_server, too_long
from inoc_evals.scorers.traits import Scoring, check_scoring
from inoc_evals.whole_text import require_whole, require_whole_chat


@solver
def grader_bound(scoring: Scoring) -> Solver:
    """Stop before anything is generated if answers need a judge and none is bound, or it does not answer.

    Args:
        scoring: How the task is scored.

    Returns:
        A solver that asks the models in the role `grader` once if `scoring` needs them, and changes nothing.

    Raises:
        UserError: In one line that says how to bind a judge, or why it cannot be asked.
    """
    check_scoring(scoring)
    needed = scoring != "detector"
    if needed and _built_by_inspect_eval():
        require_grader()

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        guard(get_model())
        if needed:
            await probe_graders()
        return state

    return solve


@solver
def answered() -> Solver:
    """Have the model answer, as Inspect's `generate` does.

    Returns:
        A solver.

    Raises:
        NoReply: In the sample, where the model's server failed for good, sent what is no answer, or says that
            the question is too long.
        UserError: In the sample, where a message holds half a character.
    """
    plain = inspect_generate()

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        model = get_model()
        # before Inspect notes the request down, which fails on such a text with a traceback
        require_whole_chat((message.role, message.text) for message in state.messages)
        with in_words_of_its_server(model):
            state = await plain(state, generate)
        if not state.output.choices:
            raise NoReply("malformed", f"{model}: the reply holds no answer")
        if said := too_long(state.output):
            raise NoReply("error", f"{model}: the question does not fit into its context: {said}")
        return state

    return solve


def _built_by_inspect_eval() -> bool:
    """Whether this task is being built by Inspect's own command line.

    It binds roles before it builds a task, so a missing judge can be reported at once. Other callers bind the
    judge when they evaluate the task, so there the first sample checks.
    """
    context = click.get_current_context(silent=True)
    callback = None if context is None else context.find_root().command.callback
    return getattr(callback, "__module__", "").partition(".")[0] == "inspect_ai"


@solver
def optional_system_prompt(prompt: str | Sequence[str] | None) -> Solver:
    """Ask under a test-time system prompt, taken literally: braces and file names are not replaced.

    Args:
        prompt: The system prompt; None asks without one, and `""` under an empty system message, which chat
            templates render otherwise than none. Inspect cuts a `-T` value at its commas; the pieces are
            joined again.

    Returns:
        A solver that puts the prompt first, or in front of the text of the question's own system message.

    Raises:
        UserError: If the prompt is not text: `-T` values are YAML, in which `on` or `a: b` are not.
    """
    text = prompt_text(prompt)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if text is not None:
            state.messages = with_system_prompt(state.messages, text)
        return state

    return solve


def prompt_text(prompt: str | Sequence[str] | None) -> str | None:
    """A task's parameter `system_prompt` as text.

    Args:
        prompt: The parameter; a list where Inspect has cut it at its commas.

    Returns:
        The text, which may be empty; None for no system message.

    Raises:
        UserError: If it is not text, or holds half a character.
    """
    parts = [prompt] if isinstance(prompt, str) else prompt
    if parts is not None and not (
        isinstance(parts, Sequence) and parts and all(isinstance(part, str) for part in parts)
    ):
        raise UserError(
            f"system_prompt={prompt!r:.80} is not text: quote it, in a shell twice: 'system_prompt=\"...\"'"
        )
    if parts is None:
        return None
    text = ",".join(parts)
    require_whole(text, "system_prompt")
    return text


def with_system_prompt(messages: Sequence[ChatMessage], text: str) -> list[ChatMessage]:
    """Put a system prompt before a conversation, as an inoculation is put before a training row.

    Args:
        messages: The conversation; not changed.
        text: The system prompt. An existing system message follows it after a blank line; where the prompt is
            empty, nothing comes before that message.

    Returns:
        The conversation under the prompt.
    """
    if messages[0].role == "system":
        if not text:
            return list(messages)
        return [ChatMessageSystem(content=text + SEPARATOR + messages[0].text), *messages[1:]]
    return [ChatMessageSystem(content=text), *messages]
