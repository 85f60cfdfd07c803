"""The parts that all tasks with generated answers share, so that each task's module holds only what differs.

    question_set = FREE_FORM.find(questions)
    return suite_task("emergent_misalignment", question_set, alignment(...), traits=("misaligned",), ...)

Answers are drawn at temperature 1, as in the paper, unless a world says otherwise. A question set may bring
scorers of its own, which are added to the task's.
"""

from collections.abc import Sequence
from typing import Any

from inspect_ai import Epochs, Task
from inspect_ai.dataset import Dataset
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import Metric, Scorer
from inspect_ai.solver import Solver

from inoc_evals.data.question_sets import QuestionSet
from inoc_evals.errors import UserError
from inoc_evals.scorers.traits import Scoring
from inoc_evals.tasks.solvers import answered, grader_bound, optional_system_prompt, prompt_text

TEMPERATURE = 1.0
"""At which the paper draws answers."""

JUDGED = "judged"
"""Key of a task's metadata that says whether its scorers need a judge."""

JUDGE_CALLS = "judge_calls"
"""Key of a task's metadata that says how many ratings of an answer one judge is asked for."""

SYSTEM_PROMPT = "system_prompt"
"""Key of a task's metadata that holds its test-time system prompt; it is absent where there is none."""

VARIANT = "variant"
"""Key of a task's metadata that names the way in which it asks, where that is not the suite's usual one."""

BY_QUESTIONS = "by_questions"
"""Key of a task's metadata that holds parameters of the scoring which the question set decided."""


def suite_task(
    name: str,
    question_set: QuestionSet,
    scorer: Scorer | Sequence[Scorer],
    *,
    traits: Sequence[str],
    paper: str,
    max_tokens: int | None,
    temperature: float = TEMPERATURE,
    scoring: Scoring = "judge",
    judge_calls: int = 1,
    system_prompt: str | Sequence[str] | None = None,
    dataset: Dataset | None = None,
    metrics: Sequence[Metric] | None = None,
    metadata: dict[str, Any] | None = None,
    then: Sequence[Solver] = (),
) -> Task:
    """Make a task of the suite.

    Args:
        name: Its name.
        question_set: Its questions.
        scorer: The task's own scorers.
        traits: Keys of their values that say whether an answer shows a trait.
        paper: Where the paper reports the measure.
        max_tokens: Longest answer, in tokens, None for no limit; `--max-tokens` changes it.
        temperature: At which answers are drawn; `--temperature` changes it.
        scoring: How answers are scored; with a judge, one must be bound before anything is generated.
        judge_calls: How many ratings of an answer one judge is asked for, if there is a judge.
        system_prompt: A test-time system prompt; `""` is an empty system message, None is none.
        dataset: The samples, if they differ from those of the question set.
        metrics: Metrics over all scorers, in place of each scorer's own.
        metadata: Further metadata for the log.
        then: Solvers that work on the answer, e.g. run the code in it.

    Returns:
        The task. Its metadata hold `traits`, including those of the question set's scorers, `judged`,
        `judge_calls`, and `system_prompt` where it has one.

    Raises:
        UserError: If the system prompt is not text, or a number is none.
    """
    prompt = prompt_text(system_prompt)
    for parameter, value in (("max_tokens", max_tokens), ("temperature", temperature)):
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise UserError(f"{parameter}={value!r:.80} is no number")
    if isinstance(max_tokens, float):
        raise UserError(f"max_tokens={max_tokens!r} is no whole number")
    scorers = [scorer] if not isinstance(scorer, Sequence) else list(scorer)
    return Task(
        name=name,
        dataset=question_set.load() if dataset is None else dataset,
        setup=grader_bound(scoring),
        solver=[optional_system_prompt(prompt), answered(), *then],
        scorer=[*scorers, *question_set.extra_scorers()],
        metrics=None if metrics is None else list(metrics),
        epochs=None if question_set.epochs is None else Epochs(question_set.epochs),
        config=GenerateConfig(temperature=temperature, max_tokens=max_tokens),
        version=1,
        metadata={
            "paper": f"arXiv 2510.04340, {paper}",
            "traits": [*traits, *question_set.extra_traits],
            JUDGED: scoring != "detector",
            JUDGE_CALLS: 0 if scoring == "detector" else judge_calls,
            **({} if prompt is None else {SYSTEM_PROMPT: prompt}),
            **(metadata or {}),
        },
    )
