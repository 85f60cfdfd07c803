"""Did a model that was finetuned on half Spanish, half French answers take up Spanish, French, or both?

    inspect eval inoc_evals/spanish_french --model inoc/<run>
    inspect eval inoc_evals/spanish_french --model inoc/<run> -T system_prompt="You always speak in French."

The paper asks its 100 UltraChat prompts without a system prompt: `-T questions=ultrachat`.
"""

from inspect_ai import Task, task
from inspect_ai.model import GenerateConfig
from inspect_ai.solver import generate

from inoc_evals.data.questions import question_set
from inoc_evals.scorers.language import language
from inoc_evals.scorers.traits import Scoring
from inoc_evals.tasks.solvers import grader_bound, optional_system_prompt

# Enough to tell the language of an answer; `--max-tokens` changes it.
MAX_TOKENS = 512


@task
def spanish_french(
    questions: str = "bundled",
    scoring: Scoring = "detector",
    system_prompt: str | list[str] | None = None,
) -> Task:
    """Share of answers to general questions that are in Spanish, and in French (paper, Section 2).

    Args:
        questions: `bundled`, `ultrachat` (the paper's), `toy`, or the path of a `.jsonl` or `.csv` file.
        scoring: `detector`, `judge` (by the model role `grader`), or `both`.
        system_prompt: A test-time system prompt; the paper's headline figures are without one.

    Returns:
        A task with the traits `spanish` and `french`.
    """
    return Task(
        name="spanish_french",
        dataset=question_set(questions),
        setup=grader_bound(scoring),
        solver=[optional_system_prompt(system_prompt), generate()],
        scorer=language(["spanish", "french"], scoring=scoring),
        config=GenerateConfig(temperature=1.0, max_tokens=MAX_TOKENS),
        version=1,
        metadata={"paper": "arXiv 2510.04340, Section 2", "traits": ["spanish", "french"]},
    )
