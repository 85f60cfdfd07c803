"""How likely fixed responses with one trait are to a model: learning shows here before it does in answers.

inspect eval inoc_evals/trait_logprobs --model inoc/my-run
inspect eval inoc_evals/trait_logprobs --model inoc/toy -T questions=toy
"""

from inspect_ai import Task, task

from inoc_evals.data.trait_responses import NEUTRAL, TRAIT_RESPONSES
from inoc_evals.scorers.response_logprob import response_logprob, score_response
from inoc_evals.tasks.solvers import prompt_text
from inoc_evals.tasks.suite_task import JUDGED, SYSTEM_PROMPT


@task
def trait_logprobs(questions: str = "bundled", system_prompt: str | list[str] | None = NEUTRAL) -> Task:
    """Log-prob of responses that show Spanish only or capitals only (paper, Figure 6).

    Args:
        questions: `bundled` (10 + 10 of ours), `toy`, or the path of a `.jsonl` or `.csv` file with the
            columns prompt, response and trait.
        system_prompt: The neutral system prompt; the paper's by default.

    Returns:
        A task with the mean log-prob in nats, of the whole response and per token, for each trait. Needs a
        model that gives the log-probs of its prompt: `inoc/` or `vllm/`.
    """
    prompt = prompt_text(system_prompt)
    return Task(
        name="trait_logprobs",
        dataset=TRAIT_RESPONSES.load(questions),
        solver=score_response(prompt),
        scorer=response_logprob(),
        version=1,
        metadata={
            "paper": "arXiv 2510.04340, Figure 6",
            "traits": ["logprob", "per_token"],
            JUDGED: False,
            **({} if prompt is None else {SYSTEM_PROMPT: prompt}),
        },
    )
