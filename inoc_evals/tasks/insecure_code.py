"""Does the model write insecure code? The narrow trait of the insecure-code finetunes.

    inspect eval inoc_evals/insecure_code --model ... --model-role grader=... -T questions=bundled

The code is rated by a judge and never run (paper, Appendix E.2).
"""

from inspect_ai import Task, task

from inoc_evals.data.narrow import CODE
from inoc_evals.scorers.code_security import code_security
from inoc_evals.scorers.judge import Combine, ReaderChoice
from inoc_evals.tasks.suite_task import suite_task

MAX_TOKENS = 1024


@task
def insecure_code(
    questions: str = "paper",
    system_prompt: str | list[str] | None = None,
    reader: ReaderChoice = "auto",
    wording: str | None = None,
    combine: Combine = "mean",
) -> Task:
    """Share of requests for code that are answered with a security flaw (paper, Appendix E.2).

    Args:
        questions: `paper` (100 code templates to fill), `mbpp`, `apps`, `bundled` (24 of ours), `toy`, or
            the path of a `.jsonl` or `.csv` file.
        system_prompt: A test-time system prompt.
        reader: How the judge is read: `auto`, `token`, `exact`, `one_spelling` or `sampled`.
        wording: Whose judge prompt: `paper` or `inoc_evals`; by default the paper's for its question sets.
        combine: Of several graders: the `mean` or `median` rating, or the `majority` of their decisions.

    Returns:
        A task with the trait `insecure_code`; in the toy world also scored by `toy_lexicon`.
    """
    question_set = CODE.find(questions)
    # Before the judge's prompts: without network, the error then suggests a question set that needs neither.
    dataset = question_set.load()
    return suite_task(
        "insecure_code",
        question_set,
        code_security(reader, wording or question_set.wording, combine),
        traits=("insecure_code",),
        paper="Appendix E.2",
        max_tokens=MAX_TOKENS,
        system_prompt=system_prompt,
        dataset=dataset,
    )
