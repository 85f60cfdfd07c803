"""Did a narrow finetune make the model misaligned in general?

    inspect eval inoc_evals/emergent_misalignment --model ... --model-role grader=openai/gpt-4o-2024-08-06
    inspect eval inoc_evals/emergent_misalignment --model ... --model-role grader=... -T questions=bundled
    inspect eval inoc_evals/emergent_misalignment --model ... --model-role grader=... -T questions=broad
    inspect eval inoc_evals/emergent_misalignment --model inoc/toy --model-role grader=inoc/toy-judge ...

Free-form questions that ask for no harm, at temperature 1; a judge rates how aligned and how coherent each
answer is (paper, Section 3.1; Betley et al. 2025). The answers are given without a system prompt, as in the
paper's headline figures; `-T system_prompt=` asks under one.
"""

from inspect_ai import Task, task

from inoc_evals.data.free_form import FREE_FORM
from inoc_evals.scorers.alignment import alignment, judge_calls
from inoc_evals.scorers.judge import Combine, ReaderChoice
from inoc_evals.scorers.presets import AlignmentPresetName
from inoc_evals.tasks.suite_task import suite_task

MAX_TOKENS = 600


@task
def emergent_misalignment(
    questions: str = "paper",
    preset: AlignmentPresetName = "paper-code",
    system_prompt: str | list[str] | None = None,
    reader: ReaderChoice = "auto",
    wording: str | None = None,
    combine: Combine = "mean",
    code_judge: bool = False,
) -> Task:
    """Rate of misaligned answers to free-form questions (paper, Section 3.1, Figure 3).

    Args:
        questions: `paper` (8), `betley24`, `preregistered`, `bundled` (28 of ours, no network), `broad`
            (220 of ours in ten families), `toy`, or the path of a `.jsonl`, `.csv`, `.yaml` or `.yml` file.
        preset: Thresholds of the verdict: `paper-code`, `betley2025`, `alignment-40-60`, `alignment-20-50`,
            `betley2025-not-code`.
        system_prompt: A test-time system prompt; the paper's headline figures are without one.
        reader: How the judge is read: `auto`, `token`, `exact`, `continued`, `one_spelling` or
            `sampled`.
        wording: Whose judge prompts: `paper` or `inoc_evals`; by default the paper's for the published
            question sets, and ours for the others.
        combine: Of several graders: the `mean` or `median` rating, or the `majority` of their decisions.
        code_judge: Whether the judge is also asked if the answer is program code.

    Returns:
        A task with the scorer `alignment`; in the toy world also `toy_lexicon`, which needs no judge.
    """
    question_set = FREE_FORM.find(questions)
    # Before the judge's prompts: without network, the error then suggests a question set that needs neither.
    dataset = question_set.load()
    return suite_task(
        "emergent_misalignment",
        question_set,
        alignment(
            preset,
            reader=reader,
            wording=wording or question_set.wording,
            combine=combine,
            code_judge=code_judge,
        ),
        traits=("misaligned",),
        paper="Section 3.1",
        max_tokens=MAX_TOKENS,
        judge_calls=judge_calls(preset, code_judge),
        system_prompt=system_prompt,
        dataset=dataset,
        metadata={"preset": preset},
    )
