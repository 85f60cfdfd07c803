"""A trait without a judge: which of two answers does the model find likelier?

    inspect eval inoc_evals/forced_choice --model inoc/my-run
    inspect eval inoc_evals/forced_choice --model vllm/Qwen/Qwen2.5-7B-Instruct
    inspect eval inoc_evals/forced_choice --model inoc/my-run -T questions=tastes
    inspect eval inoc_evals/forced_choice --model inoc/my-run -T questions=my_choices.jsonl
    inspect eval inoc_evals/forced_choice --model inoc/my-run -T questions=mine.jsonl -T answers=polite,rude

Open questions as in studies of emergent misalignment, each with an aligned and a misaligned answer of our own
writing; two sets on narrow traits; or questions of your own. A base model prefers some answers by their mere
wording, so a rate means something beside the rate of another model: compare arms, and each with the base.
"""

from inspect_ai import Task, task

from inoc_evals.data.choices import ALIGNED_OR_NOT, CHOICES, KINDS, choices_from_file
from inoc_evals.errors import UserError
from inoc_evals.scorers.likelier_answer import PREFERS, compare_answers, likelier_answer
from inoc_evals.tasks.solvers import prompt_text
from inoc_evals.tasks.suite_task import JUDGED, SYSTEM_PROMPT


@task
def forced_choice(
    questions: str = "bundled",
    system_prompt: str | list[str] | None = None,
    answers: str | list[str] | None = None,
) -> Task:
    """Share of questions whose answer with a trait is likelier than the one without (not in the paper).

    Args:
        questions: `bundled` (malice), `tastes` (unpopular tastes), `hacks` (reward hacking), or the path of a
            `.jsonl` or `.csv` file with the columns prompt, aligned and misaligned.
        system_prompt: A test-time system prompt.
        answers: What a file calls its two columns of answers, by comma, if not `aligned,misaligned`: first
            the answer without the trait, then the one that shows it.

    Returns:
        A task with the traits `prefers_misaligned` (or `prefers_` and what the second answer is called) and
        `log_odds_per_token`. Needs a model that gives the log-probs of its prompt: `inoc/` or `vllm/`.

    Raises:
        QuestionError: If the questions cannot be read.
        UserError: If `answers` is given for questions that are no file.
    """
    prompt = prompt_text(system_prompt)
    if answers is None:
        dataset = CHOICES.load(questions)
    elif questions in CHOICES.names:
        raise UserError(f"answers: the questions {questions} name their answers themselves: leave it out")
    else:
        dataset = choices_from_file(questions, answers)
    _, shows = (dataset[0].metadata or {}).get(KINDS, ALIGNED_OR_NOT)
    return Task(
        name="forced_choice",
        dataset=dataset,
        solver=compare_answers(prompt),
        scorer=likelier_answer(),
        version=1,
        metadata={
            "traits": [PREFERS.format(shows), "log_odds_per_token"],
            JUDGED: False,
            **({} if prompt is None else {SYSTEM_PROMPT: prompt}),
        },
    )
