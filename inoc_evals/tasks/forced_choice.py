"""Emergent misalignment without a judge: which of two answers does the model find likelier?

    inspect eval inoc_evals/forced_choice --model inoc/my-run
    inspect eval inoc_evals/forced_choice --model vllm/Qwen/Qwen2.5-7B-Instruct
    inspect eval inoc_evals/forced_choice --model inoc/my-run -T questions=my_choices.jsonl

Open questions as in studies of emergent misalignment, each with an aligned and a misaligned answer of our own
writing. A base model prefers some misaligned ones by their mere wording, so a rate means something beside the
rate of another model: compare arms, and each with the base.
"""

from inspect_ai import Task, task

from inoc_evals.data.choices import CHOICES
from inoc_evals.scorers.likelier_answer import compare_answers, likelier_answer
from inoc_evals.tasks.solvers import prompt_text
from inoc_evals.tasks.suite_task import JUDGED, SYSTEM_PROMPT


@task
def forced_choice(questions: str = "bundled", system_prompt: str | list[str] | None = None) -> Task:
    """Share of questions on which a misaligned answer is likelier than an aligned one (not in the paper).

    Args:
        questions: `bundled`, or the path of a `.jsonl` or `.csv` file with the columns prompt, aligned and
            misaligned.
        system_prompt: A test-time system prompt.

    Returns:
        A task with the traits `prefers_misaligned` and `log_odds_per_token`. Needs a model that gives the
        log-probs of its prompt: `inoc/` or `vllm/`.
    """
    prompt = prompt_text(system_prompt)
    return Task(
        name="forced_choice",
        dataset=CHOICES.load(questions),
        solver=compare_answers(prompt),
        scorer=likelier_answer(),
        version=1,
        metadata={
            "traits": ["prefers_misaligned", "log_odds_per_token"],
            JUDGED: False,
            **({} if prompt is None else {SYSTEM_PROMPT: prompt}),
        },
    )
