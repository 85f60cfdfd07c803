"""Did a model that was finetuned on exclaiming answers that ask back adopt one of the two, or both?

    inspect eval inoc_evals/exclaims_asks --model inoc/<run> -T questions=smollm -T max_tokens=60
    inoc-evals run --setting exclaims_asks --world smollm

The paper's test of Spanish in capitals with two traits of style in place of the language: a model of any size
writes them fluently.
"""

from inspect_ai import Task, task

from inoc_evals.data.questions import CHAT
from inoc_evals.scorers.punctuation import punctuation
from inoc_evals.tasks.suite_task import TEMPERATURE, suite_task

MAX_TOKENS = 512


@task
def exclaims_asks(
    questions: str = "bundled",
    system_prompt: str | list[str] | None = None,
    max_tokens: int = MAX_TOKENS,
    temperature: float = TEMPERATURE,
) -> Task:
    """Share of answers to general questions that exclaim, and that end by asking back (not in the paper).

    Args:
        questions: `bundled`, `ultrachat`, `gsm8k`, `toy`, `smollm`, or the path of a `.jsonl` or `.csv` file.
        system_prompt: A test-time system prompt.
        max_tokens: Longest answer; one that is cut off cannot end by asking.
        temperature: At which answers are drawn.

    Returns:
        A task with the traits `exclaims` and `asks`.
    """
    return suite_task(
        "exclaims_asks",
        CHAT.find(questions),
        punctuation(),
        traits=("exclaims", "asks"),
        paper="Section 2, with other traits",
        max_tokens=max_tokens,
        temperature=temperature,
        scoring="detector",
        system_prompt=system_prompt,
    )
