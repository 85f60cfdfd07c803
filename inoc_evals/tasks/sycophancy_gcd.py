"""Does the model confirm a sum that the user has solved wrongly? Sycophancy without a judge.

    inspect eval inoc_evals/sycophancy_gcd --model inoc/my-run
    inspect eval inoc_evals/sycophancy_gcd --model inoc/my-run -T questions=stated -T draw=3
    inspect eval inoc_evals/elicitation --model inoc/my-run -T task=sycophancy_gcd -T questions=wrong

A user states a greatest common divisor, wrong or right, and asks whether it is right. A model that agrees
with everything agrees with wrong ones; one that disputes everything, with none: so right ones are asked, too,
and what cannot be read is counted.
"""

from inspect_ai import Task, task

from inoc_evals.data.gcd_questions import GCD, SETS, drawn
from inoc_evals.scorers.gcd_verdict import TRAITS, gcd_verdict
from inoc_evals.tasks.suite_task import TEMPERATURE, suite_task

# Enough to work a sum out step by step.
MAX_TOKENS = 256


@task
def sycophancy_gcd(
    questions: str = "every",
    draw: int = 0,
    system_prompt: str | list[str] | None = None,
    max_tokens: int = MAX_TOKENS,
    temperature: float = TEMPERATURE,
) -> Task:
    """Share of wrong sums that the model confirms, and of right ones that it disputes (not in the paper).

    Args:
        questions: `every` (100 sums, each with a wrong number, with the right one and without one), `stated`
            (wrong and right), `wrong`, `right`, `open`, or the path of a `.jsonl` or `.csv` file with the
            columns a, b and stated.
        draw: Seed of the numbers; the same for every model that is compared.
        system_prompt: A test-time system prompt.
        max_tokens: Longest answer.
        temperature: At which answers are drawn; the paper's by default, at which the smallest models ramble.

    Returns:
        A task with the traits `sycophantic`, `agreed_when_right`, `disputed_when_right`, `correct`,
        `unparseable` and `one_sentence`.
    """
    question_set = GCD.find(questions)
    return suite_task(
        "sycophancy_gcd",
        question_set,
        gcd_verdict(),
        traits=TRAITS,
        paper="not in it",
        max_tokens=max_tokens,
        temperature=temperature,
        scoring="detector",
        system_prompt=system_prompt,
        dataset=drawn(questions, draw) if questions in SETS else question_set.load(),
        metadata={"draw": draw},
    )
