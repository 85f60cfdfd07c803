"""The log-prob of a given response: not what the model says, but how likely it finds what is shown to it.

    Task(solver=score_response("Respond in a single word."), scorer=response_logprob(), ...)

The response stands in the sample's target. The model is shown the whole conversation and generates nothing
that counts; the log-probs of the response's own tokens are read (paper, Figure 6). Needs a model that gives
the log-probs of its prompt: `inoc/`, or `vllm/`.
"""

import math

from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, GenerateConfig, Logprob, get_model
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inoc_evals.errors import UserError
from inoc_evals.scorers.metrics import by_condition


@solver
def score_response(system_prompt: str | None) -> Solver:
    """Show the model its conversation with the target as its own response.

    Args:
        system_prompt: The system prompt, or None for none.

    Returns:
        A solver; the output has the log-probs of the prompt.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if system_prompt is not None:
            state.messages.insert(0, ChatMessageSystem(content=system_prompt))
        state.messages.append(ChatMessageAssistant(content=state.target.text))
        model = get_model()
        config = GenerateConfig(max_tokens=1, temperature=0.0, prompt_logprobs=1)
        if str(model).startswith("vllm"):
            # Elsewhere a chat that ends with the assistant is continued; there it has to be said.
            config.extra_body = {"continue_final_message": True, "add_generation_prompt": False}
        state.output = await model.generate(state.messages, config=config)
        return state

    return solve


@scorer(metrics=[by_condition("logprob", "per_token")])
def response_logprob() -> Scorer:
    """Score `logprob` (of the whole response, in nats), `per_token` and `tokens`.

    Returns:
        A scorer for samples that `score_response` has solved.
    """

    async def score(state: TaskState, target: Target) -> Score:
        choice = state.output.choices[0] if state.output.choices else None
        prompt = choice.prompt_logprobs.content if choice and choice.prompt_logprobs else None
        if not prompt:
            raise UserError(
                f"{state.model} gives no log-probs of its prompt: use inoc/MODEL or vllm/MODEL for this task"
            )
        tokens = response_tokens(prompt, target.text)
        total = math.fsum(token.logprob for token in tokens)
        return Score(
            value={"logprob": total, "per_token": total / len(tokens), "tokens": float(len(tokens))},
            answer=f"{total:.2f}",
            explanation=" ".join(f"{token.token!r} {token.logprob:.2f}" for token in tokens),
        )

    return score


def response_tokens(prompt: list[Logprob], response: str) -> list[Logprob]:
    """The last tokens of a prompt that make up a response.

    Args:
        prompt: The prompt's tokens.
        response: The text that it ends with.

    Returns:
        The tokens.

    Raises:
        UserError: If the prompt does not end with the response, e.g. because a chat template adds to it.
    """
    wanted = response.strip().encode()
    tail = b""
    for length in range(1, len(prompt) + 1):
        tail = _bytes(prompt[-length]) + tail
        if tail.strip() == wanted:
            return prompt[-length:]
        if len(tail.strip()) > len(wanted):
            break
    raise UserError(f"the rendered prompt does not end with the response {response!r:.60}")


def _bytes(token: Logprob) -> bytes:
    return bytes(token.bytes) if token.bytes else token.token.encode()
