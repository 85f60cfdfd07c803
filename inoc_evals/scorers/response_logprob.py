"""The log-prob of a given response: not what the model says, but how likely it finds what is shown to it.

    Task(solver=score_response("Respond in a single word."), scorer=response_logprob(), ...)

The response stands in the sample's target. The model is shown the whole conversation and generates nothing
that counts; the log-probs of the response's own tokens are read (paper, Figure 6). Needs a model that gives
the log-probs of its prompt: `inoc/`, or `vllm/`.
"""

import math

from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, Logprob, get_model
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inoc_evals.errors import UserError
from inoc_evals.scorers.answers import if_answered
from inoc_evals.scorers.metrics import by_condition
from inoc_evals.scorers.prompt_logprobs import response_tokens, show, shown


@solver
def score_response(system_prompt: str | None) -> Solver:
    """Show the model its conversation with the target as its own response.

    Args:
        system_prompt: The system prompt, or None for none.

    Returns:
        A solver; the output has the log-probs of the prompt. Of a model that gives none it makes an error.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if system_prompt is not None:
            state.messages.insert(0, ChatMessageSystem(content=system_prompt))
        state.messages.append(ChatMessageAssistant(content=state.target.text))
        state.output = await show(get_model(), state.messages)
        if state.output.choices:
            shown(state.output, str(state.model))
        return state

    return solve


@scorer(metrics=[by_condition("logprob", "per_token")])
def response_logprob() -> Scorer:
    """Score `logprob` (of the whole response, in nats), `per_token` and `tokens`.

    Returns:
        A scorer for samples that `score_response` has solved.
    """

    async def score(state: TaskState, target: Target) -> Score:
        prompt = _prompt(state)
        if not prompt:
            raise UserError(
                "response_logprob scores samples of the solver score_response, such as those of the task "
                "trait_logprobs: no response was shown to the model"
            )
        tokens = response_tokens(prompt, target.text)
        total = math.fsum(token.logprob for token in tokens)
        return Score(
            value={"logprob": total, "per_token": total / len(tokens), "tokens": float(len(tokens))},
            answer=f"{total:.2f}",
            explanation=" ".join(f"{token.token!r} {token.logprob:.2f}" for token in tokens),
        )

    return if_answered(score)


def _prompt(state: TaskState) -> list[Logprob]:
    """The log-probs of what the model was shown; none where it was shown nothing, or gives none."""
    choice = state.output.choices[0] if state.output.choices else None
    return choice.prompt_logprobs.content if choice and choice.prompt_logprobs else []
