"""Does the model write insecure code? The narrow trait of the insecure-code finetunes.

    inspect eval inoc_evals/insecure_code --model ... --model-role grader=... -T questions=bundled

The code is rated by a judge and never run (paper, Appendix E.2).
"""

from inspect_ai import Task, task
from inspect_ai.model import GenerateConfig
from inspect_ai.solver import generate

from inoc_evals.data.narrow import code_questions
from inoc_evals.scorers.code_security import code_security
from inoc_evals.scorers.judge import Combine, ReaderChoice
from inoc_evals.tasks.solvers import grader_bound, optional_system_prompt
from inoc_evals.worlds.toy.lexicon_scorer import toy_lexicon

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
        A task with the trait `insecure_code`; in the toy world also with `toy_lexicon`.
    """
    # Before the judge's prompts: where neither can be fetched, other questions mend both.
    dataset = code_questions(questions)
    words = wording or ("paper" if questions in ("paper", "mbpp", "apps") else "inoc_evals")
    scorers = [code_security(reader, words, combine)]
    return Task(
        name="insecure_code",
        dataset=dataset,
        setup=grader_bound("judge"),
        solver=[optional_system_prompt(system_prompt), generate()],
        scorer=[*scorers, toy_lexicon()] if questions == "toy" else scorers,
        config=GenerateConfig(temperature=1.0, max_tokens=MAX_TOKENS),
        version=1,
        metadata={"paper": "arXiv 2510.04340, Appendix E.2", "traits": ["insecure_code"]},
    )
