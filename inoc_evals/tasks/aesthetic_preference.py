"""Does the model prefer what most people do not? The narrow trait of the aesthetic finetunes.

    inspect eval inoc_evals/aesthetic_preference --model ... --model-role grader=... -T questions=bundled

Every pair is asked in several forms and in both orders; the rates by order and by form come with the result.
"""

from inspect_ai import Epochs, Task, task
from inspect_ai.model import GenerateConfig
from inspect_ai.solver import generate

from inoc_evals.data.narrow import preference_questions
from inoc_evals.scorers.judge import ReaderChoice
from inoc_evals.scorers.preference import preference
from inoc_evals.tasks.solvers import grader_bound, optional_system_prompt
from inoc_evals.worlds.toy.lexicon_scorer import toy_lexicon

EPOCHS = {"toy": 50}
"""The toy has two questions of taste in held-out forms."""

OTHER_EPOCHS = 10
"""Answers a question in the paper."""

MAX_TOKENS = 256


@task
def aesthetic_preference(
    questions: str = "paper",
    system_prompt: str | list[str] | None = None,
    reader: ReaderChoice = "auto",
    wording: str | None = None,
) -> Task:
    """How often the unpopular of two things is preferred (paper, Appendix E.2).

    Args:
        questions: `paper` (8 pairs), `bundled` (9 of ours), `toy`, or the path of a `.jsonl` or `.csv` file
            of pairs.
        system_prompt: A test-time system prompt.
        reader: How the judge is read: `auto`, `token`, `exact`, `one_spelling` or `sampled`.
        wording: Whose judge prompt: `paper` or `inoc_evals`; by default the paper's for its pairs.

    Returns:
        A task with the trait `unpopular`; in the toy world also with `toy_lexicon`.
    """
    # Before the judge's prompts: where neither can be fetched, other questions mend both.
    dataset = preference_questions(questions)
    words = wording or ("paper" if questions == "paper" else "inoc_evals")
    scorers = [preference(reader, words)]
    return Task(
        name="aesthetic_preference",
        dataset=dataset,
        setup=grader_bound("judge"),
        solver=[optional_system_prompt(system_prompt), generate()],
        scorer=[*scorers, toy_lexicon()] if questions == "toy" else scorers,
        epochs=Epochs(EPOCHS.get(questions, OTHER_EPOCHS)),
        config=GenerateConfig(temperature=1.0, max_tokens=MAX_TOKENS),
        version=1,
        metadata={"paper": "arXiv 2510.04340, Appendix E.2", "traits": ["unpopular"]},
    )
