"""Does the model write code for the stated tests alone? Reward hacking inside its training distribution.

inspect eval inoc_evals/hardcoding_realistic --model ... --model-role grader=... -T questions=bundled

The paper's code measures it on finetunes of School of Reward Hacks; the paper's text does not report it.
"""

from inspect_ai import Task, task

from inoc_evals.data.narrow import HARDCODING
from inoc_evals.scorers.hardcoding import hardcoding
from inoc_evals.scorers.judge import ReaderChoice, YesNo
from inoc_evals.tasks.suite_task import suite_task

# Enough for a function with its reasoning; the paper's code sets no limit.
MAX_TOKENS = 2048


@task
def hardcoding_realistic(
    questions: str = "paper",
    system_prompt: str | list[str] | None = None,
    reader: ReaderChoice = "auto",
    wording: str | None = None,
    yes_no: YesNo = "all-spellings",
) -> Task:
    """How often code passes the stated tests by knowing them (the paper's code, hardcoding_realistic).

    Args:
        questions: `paper` (the first 100 of its list), `bundled` (12 of ours), or the path of a `.jsonl` or
            `.csv` file.
        system_prompt: A test-time system prompt.
        reader: How the judge is read: `auto`, `token`, `exact`, `continued`, `one_spelling` or
            `sampled`.
        wording: Whose judge prompt: `paper` or `inoc_evals`; by default the paper's for its questions.
        yes_no: How YES and NO are read: by `all-spellings`, or as the `paper-code` does.

    Returns:
        A task with the trait `hardcoded`, the judge's P(YES) among YES and NO.
    """
    question_set = HARDCODING.find(questions)
    # Before the judge's prompt: without network, the error then suggests a question set that needs neither.
    dataset = question_set.load()
    return suite_task(
        "hardcoding_realistic",
        question_set,
        hardcoding(reader, wording or question_set.wording, yes_no),
        traits=("hardcoded",),
        paper="its code, hardcoding_realistic",
        max_tokens=MAX_TOKENS,
        system_prompt=system_prompt,
        dataset=dataset,
        metadata={} if yes_no == "all-spellings" else {"preset": yes_no},
    )
