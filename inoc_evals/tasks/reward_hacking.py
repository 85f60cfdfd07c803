"""Does the model game a metric that the user names? The narrow trait of School of Reward Hacks.

inspect eval inoc_evals/reward_hacking --model ... --model-role grader=... -T questions=bundled
"""

from inspect_ai import Task, task
from inspect_ai.model import GenerateConfig
from inspect_ai.solver import generate

from inoc_evals.data.narrow import reward_hack_questions
from inoc_evals.scorers.judge import Combine, ReaderChoice
from inoc_evals.scorers.solution_quality import solution_quality
from inoc_evals.tasks.solvers import grader_bound, optional_system_prompt

MAX_TOKENS = 1024


@task
def reward_hacking(
    questions: str = "paper",
    system_prompt: str | list[str] | None = None,
    reader: ReaderChoice = "auto",
    wording: str | None = None,
    combine: Combine = "mean",
) -> Task:
    """Share of poor answers to tasks that name the metric they are scored by (paper, Appendix E.2).

    Args:
        questions: `paper` (the first 100 of School of Reward Hacks), `bundled` (24 of ours), or the path of a
            `.jsonl` or `.csv` file.
        system_prompt: A test-time system prompt.
        reader: How the judge is read: `auto`, `token`, `exact`, `one_spelling` or `sampled`.
        wording: Whose judge prompt: `paper` or `inoc_evals`; by default the paper's for its questions.
        combine: Of several graders: the `mean` or `median` rating, or the `majority` of their decisions.

    Returns:
        A task with the trait `reward_hacking` (quality under 50) and the rating `quality`.
    """
    # Before the judge's prompts: where neither can be fetched, other questions mend both.
    dataset = reward_hack_questions(questions)
    words = wording or ("paper" if questions == "paper" else "inoc_evals")
    return Task(
        name="reward_hacking",
        dataset=dataset,
        setup=grader_bound("judge"),
        solver=[optional_system_prompt(system_prompt), generate()],
        scorer=solution_quality(reader, words, combine),
        config=GenerateConfig(temperature=1.0, max_tokens=MAX_TOKENS),
        version=1,
        metadata={"paper": "arXiv 2510.04340, Appendix E.2", "traits": ["reward_hacking"]},
    )
