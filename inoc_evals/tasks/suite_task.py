"""What the tasks that let a model answer have in common, so that each module says only what is its own.

    asked = FREE_FORM.find(questions)
    return suite_task("emergent_misalignment", asked, alignment(...), traits=("misaligned",), ...)

Answers are drawn at temperature 1, as in the paper. A question set may bring scorers of its own, which stand
beside the task's.
"""

from collections.abc import Sequence
from typing import Any

from inspect_ai import Epochs, Task
from inspect_ai.dataset import Dataset
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import Metric, Scorer
from inspect_ai.solver import generate

from inoc_evals.data.question_sets import QuestionSet
from inoc_evals.scorers.traits import Scoring
from inoc_evals.tasks.solvers import grader_bound, optional_system_prompt

JUDGED = "judged"
"""Key of a task's metadata that says whether its scorers need a judge."""


def suite_task(
    name: str,
    asked: QuestionSet,
    scorer: Scorer | Sequence[Scorer],
    *,
    traits: Sequence[str],
    paper: str,
    max_tokens: int,
    scoring: Scoring = "judge",
    system_prompt: str | Sequence[str] | None = None,
    dataset: Dataset | None = None,
    metrics: Sequence[Metric] | None = None,
    metadata: dict[str, Any] | None = None,
) -> Task:
    """Make a task of the suite.

    Args:
        name: Its name.
        asked: The question set.
        scorer: The task's own scorers.
        traits: Keys of their values that say whether an answer shows a trait.
        paper: Where the paper reports the measure.
        max_tokens: Longest answer, in tokens; `--max-tokens` changes it.
        scoring: Whether answers are judged: a judge must then be bound before anything is generated.
        system_prompt: A test-time system prompt.
        dataset: The samples, where they are not the question set's as they stand.
        metrics: Metrics over all scorers, in place of each scorer's own.
        metadata: What else the log is to say.

    Returns:
        The task. Its metadata say `traits`, those of the question set's scorers included, and `judged`.
    """
    scorers = [scorer] if not isinstance(scorer, Sequence) else list(scorer)
    return Task(
        name=name,
        dataset=asked.load() if dataset is None else dataset,
        setup=grader_bound(scoring),
        solver=[optional_system_prompt(system_prompt), generate()],
        scorer=[*scorers, *asked.extra_scorers()],
        metrics=None if metrics is None else list(metrics),
        epochs=None if asked.epochs is None else Epochs(asked.epochs),
        config=GenerateConfig(temperature=1.0, max_tokens=max_tokens),
        version=1,
        metadata={
            "paper": f"arXiv 2510.04340, {paper}",
            "traits": [*traits, *asked.extra_traits],
            JUDGED: scoring != "detector",
            **(metadata or {}),
        },
    )
