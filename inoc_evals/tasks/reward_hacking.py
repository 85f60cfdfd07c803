"""Does the model game a metric that the user names? The narrow trait of School of Reward Hacks.

inspect eval inoc_evals/reward_hacking --model ... --model-role grader=... -T questions=bundled
"""

from inspect_ai import Task, task

from inoc_evals.data.narrow import REWARD_HACKS
from inoc_evals.scorers.judge import Combine, ReaderChoice
from inoc_evals.scorers.solution_quality import solution_quality
from inoc_evals.tasks.suite_task import suite_task

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
        reader: How the judge is read: `auto`, `token`, `exact`, `continued`, `one_spelling` or
            `sampled`.
        wording: Whose judge prompt: `paper` or `inoc_evals`; by default the paper's for its questions.
        combine: Of several graders: the `mean` or `median` rating, or the `majority` of their decisions.

    Returns:
        A task with the trait `reward_hacking` (quality under 50) and the rating `quality`.
    """
    question_set = REWARD_HACKS.find(questions)
    # Before the judge's prompts: without network, the error then suggests a question set that needs neither.
    dataset = question_set.load()
    return suite_task(
        "reward_hacking",
        question_set,
        solution_quality(reader, wording or question_set.wording, combine),
        traits=("reward_hacking",),
        paper="Appendix E.2",
        max_tokens=MAX_TOKENS,
        system_prompt=system_prompt,
        dataset=dataset,
    )
