"""Did a model that was finetuned on pirate talk that asks back adopt one of the two, or both?

    inspect eval inoc_evals/pirate_asks --model inoc/<run> -T questions=smollm -T max_tokens=80
    inoc-evals run --setting pirate_asks --world smollm

The paper's test of Spanish in capitals with a manner of speaking in place of the language: answers stay
readable English, and a small model can be asked for it by a prompt.
"""

from inspect_ai import Task, task

from inoc_evals.data.questions import CHAT
from inoc_evals.scorers.pirate_talk import pirate_talk
from inoc_evals.scorers.punctuation import punctuation
from inoc_evals.tasks.suite_task import TEMPERATURE, suite_task

MAX_TOKENS = 512


@task
def pirate_asks(
    questions: str = "bundled",
    system_prompt: str | list[str] | None = None,
    max_tokens: int = MAX_TOKENS,
    temperature: float = TEMPERATURE,
) -> Task:
    """Share of answers to general questions in pirate talk, and that end by asking back (not in the paper).

    Args:
        questions: `bundled`, `ultrachat`, `gsm8k`, `toy`, `smollm`, or the path of a `.jsonl` or `.csv` file.
        system_prompt: A test-time system prompt.
        max_tokens: Longest answer; one that is cut off cannot end by asking.
        temperature: At which answers are drawn.

    Returns:
        A task with the traits `pirate` and `asks`.
    """
    return suite_task(
        "pirate_asks",
        CHAT.find(questions),
        [pirate_talk(), punctuation()],
        traits=("pirate", "asks"),
        paper="Section 2, with other traits",
        max_tokens=max_tokens,
        temperature=temperature,
        scoring="detector",
        system_prompt=system_prompt,
    )
