"""Does the model prefer what most people dislike? The narrow trait of the aesthetic finetunes.

    inspect eval inoc_evals/aesthetic_preference --model ... --model-role grader=... -T questions=bundled

Every pair is asked in several forms and in both orders; the rates by order and by form come with the result.
"""

from inspect_ai import Task, task

from inoc_evals.data.narrow import PREFERENCES
from inoc_evals.scorers.judge import ReaderChoice, YesNo
from inoc_evals.scorers.preference import preference
from inoc_evals.tasks.suite_task import suite_task

MAX_TOKENS = 256


@task
def aesthetic_preference(
    questions: str = "paper",
    system_prompt: str | list[str] | None = None,
    reader: ReaderChoice = "auto",
    wording: str | None = None,
    yes_no: YesNo = "all-spellings",
) -> Task:
    """How often the unpopular of two things is preferred (paper, Appendix E.2).

    Args:
        questions: `paper` (8 pairs), `bundled` (9 of ours), `toy`, or the path of a `.jsonl` or `.csv` file
            of pairs.
        system_prompt: A test-time system prompt.
        reader: How the judge is read: `auto`, `token`, `exact`, `continued`, `one_spelling` or
            `sampled`.
        wording: Whose judge prompt: `paper` or `inoc_evals`; by default the paper's for its pairs.
        yes_no: How YES and NO are read: by `all-spellings`, or as the `paper-code` does.

    Returns:
        A task with the trait `unpopular`; in the toy world also with `toy_lexicon`.
    """
    question_set = PREFERENCES.find(questions)
    # Before the judge's prompts: without network, the error then suggests a question set that needs neither.
    dataset = question_set.load()
    return suite_task(
        "aesthetic_preference",
        question_set,
        preference(reader, wording or question_set.wording, yes_no),
        traits=("unpopular",),
        paper="Appendix E.2",
        max_tokens=MAX_TOKENS,
        system_prompt=system_prompt,
        dataset=dataset,
        metadata={} if yes_no == "all-spellings" else {"preset": yes_no},
    )
