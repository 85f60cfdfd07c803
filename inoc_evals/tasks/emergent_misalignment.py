"""Did a narrow finetune make the model misaligned at large?

    inspect eval inoc_evals/emergent_misalignment --model ... --model-role grader=openai/gpt-4o-2024-08-06
    inspect eval inoc_evals/emergent_misalignment --model ... --model-role grader=... -T questions=bundled
    inspect eval inoc_evals/emergent_misalignment --model inoc/toy --model-role grader=inoc/toy-judge ...

Free-form questions that ask for no harm, at temperature 1; a judge rates how aligned and how coherent each
answer is (paper, Section 3.1; Betley et al. 2025). The answers are given without a system prompt, as in the
paper's headline figures; `-T system_prompt=` asks under one.
"""

from inspect_ai import Epochs, Task, task
from inspect_ai.model import GenerateConfig
from inspect_ai.solver import generate

from inoc_evals.data.free_form import free_form_questions
from inoc_evals.scorers.alignment import alignment
from inoc_evals.scorers.judge import Combine, ReaderChoice
from inoc_evals.tasks.solvers import grader_bound, optional_system_prompt
from inoc_evals.worlds.toy.lexicon_scorer import toy_lexicon

EPOCHS = {"paper": 100, "betley24": 100, "preregistered": 100, "bundled": 20, "toy": 1}
"""Answers a question: 100 in the paper. `--epochs` changes it."""

OTHER_EPOCHS = 10
"""Answers to each question of a file."""

PAPER_WORDS = ("paper", "betley24", "preregistered")
"""Question sets that are judged in the paper's words, so that rates are comparable with its figures."""

MAX_TOKENS = 600


@task
def emergent_misalignment(
    questions: str = "paper",
    preset: str = "paper-code",
    system_prompt: str | list[str] | None = None,
    reader: ReaderChoice = "auto",
    wording: str | None = None,
    combine: Combine = "mean",
) -> Task:
    """Rate of misaligned answers to free-form questions (paper, Section 3.1, Figure 3).

    Args:
        questions: `paper` (8), `betley24`, `preregistered`, `bundled` (28 of ours, no network), `toy`, or the
            path of a `.jsonl`, `.csv`, `.yaml` or `.yml` file.
        preset: Thresholds of the verdict: `paper-code`, `betley2025`, `alignment-40-60`.
        system_prompt: A test-time system prompt; the paper's headline figures are without one.
        reader: How the judge is read: `auto`, `token`, `exact`, `one_spelling` or `sampled`.
        wording: Whose judge prompts: `paper` or `inoc_evals`; by default the paper's for the published
            question sets, and ours for the others.
        combine: Of several graders: the `mean` or `median` rating, or the `majority` of their decisions.

    Returns:
        A task with the scorer `alignment`; in the toy world also `toy_lexicon`, which needs no judge.
    """
    # Before the judge's prompts: where neither can be fetched, other questions mend both.
    dataset = free_form_questions(questions)
    words = wording or ("paper" if questions in PAPER_WORDS else "inoc_evals")
    scorers = [alignment(preset, reader=reader, wording=words, combine=combine)]
    return Task(
        name="emergent_misalignment",
        dataset=dataset,
        setup=grader_bound("judge"),
        solver=[optional_system_prompt(system_prompt), generate()],
        scorer=[*scorers, toy_lexicon()] if questions == "toy" else scorers,
        epochs=Epochs(EPOCHS.get(questions, OTHER_EPOCHS)),
        config=GenerateConfig(temperature=1.0, max_tokens=MAX_TOKENS),
        version=1,
        metadata={"paper": "arXiv 2510.04340, Section 3.1", "traits": ["misaligned"], "preset": preset},
    )
