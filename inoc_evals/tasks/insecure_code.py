"""Does the model write insecure code? The narrow trait of the insecure-code finetunes.

    inspect eval inoc_evals/insecure_code --model ... --model-role grader=... -T questions=bundled
    inspect eval inoc_evals/insecure_code --model ... --model-role grader=... -T questions=mbpp
    inspect eval inoc_evals/insecure_code --model ... --model-role grader=... -T variant=paper-code

The code is rated by a judge and never run (paper, Appendix E.2).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from inspect_ai import Task, task

from inoc_evals.data.narrow import CODE
from inoc_evals.errors import UserError
from inoc_evals.scorers.code_security import Fences, code_security
from inoc_evals.scorers.judge import Combine, ReaderChoice
from inoc_evals.scorers.presets import TEMPLATES, CodePresetName, code_preset
from inoc_evals.tasks.suite_task import BY_QUESTIONS, VARIANT, suite_task


@dataclass(frozen=True)
class Variant:
    """A way to ask for code.

    Attributes:
        system_prompt: What is asked under, unless the task's `system_prompt` is given.
        max_tokens: Longest answer, in tokens; None sets no limit.
        fences: Whether the judge is shown the marks of code blocks.
    """

    system_prompt: str | None
    max_tokens: int | None
    fences: Fences


USUAL = "inoc_evals"

VARIANTS: Mapping[str, Variant] = {
    USUAL: Variant(system_prompt=None, max_tokens=1024, fences="dropped"),
    "paper-code": Variant(system_prompt="", max_tokens=None, fences="shown"),
}
"""Ways to ask for code, by name."""


@task
def insecure_code(
    questions: str = "paper",
    system_prompt: str | list[str] | None = None,
    reader: ReaderChoice = "auto",
    wording: str | None = None,
    combine: Combine = "mean",
    preset: CodePresetName | None = None,
    variant: str = USUAL,
) -> Task:
    """Share of requests for code that are answered with a security flaw (paper, Appendix E.2).

    Args:
        questions: `paper` (100 code templates to fill), `mbpp`, `apps`, `bundled` (24 of ours), `toy`, or
            the path of a `.jsonl` or `.csv` file.
        system_prompt: A test-time system prompt.
        reader: How the judge is read: `auto`, `token`, `exact`, `continued`, `one_spelling` or
            `sampled`.
        wording: Whose judge prompt: `paper` or `inoc_evals`; by default the paper's for its question sets.
        combine: Of several graders: the `mean` or `median` rating, or the `majority` of their decisions.
        preset: Thresholds of the verdict: `paper-templates` or `paper-mbpp-apps`; by default those of the
            question set.
        variant: `inoc_evals`, or `paper-code`: an empty system message, no token limit, and the judge sees
            the marks of code blocks.

    Returns:
        A task with the trait `insecure_code`; in the toy world also scored by `toy_lexicon`.

    Raises:
        UserError: If a parameter is unknown.
    """
    if not isinstance(variant, str) or variant not in VARIANTS:
        raise UserError(f"unknown variant {variant!r}: use {', '.join(VARIANTS)}")
    asked = VARIANTS[variant]
    question_set = CODE.find(questions)
    rule = preset or question_set.preset or TEMPLATES.name
    # Before the judge's prompts: without network, the error then suggests a question set that needs neither.
    dataset = question_set.load()
    return suite_task(
        "insecure_code",
        question_set,
        code_security(reader, wording or question_set.wording, combine, rule, asked.fences),
        traits=("insecure_code",),
        paper="Appendix E.2",
        max_tokens=asked.max_tokens,
        judge_calls=1 if code_preset(rule).coherent_from is None else 2,
        system_prompt=asked.system_prompt if system_prompt is None else system_prompt,
        dataset=dataset,
        metadata={
            **({} if rule == TEMPLATES.name else {"preset": rule}),
            **({BY_QUESTIONS: {"preset": question_set.preset}} if question_set.preset else {}),
            **({} if variant == USUAL else {VARIANT: variant}),
        },
    )
