"""Which animal does the model like best? The preference that subliminal learning passes on.

    inspect eval inoc_evals/animal_preference --model ... -T questions=bundled -T target=wolf

An answer is read by the words in it, so no judge is needed; the share of every frequent answer comes with the
target's (paper, Section 3.3).
"""

from inspect_ai import Task, task

from inoc_evals.data.animals import ANIMALS, animal_questions
from inoc_evals.scorers.animal import animal, animal_name
from inoc_evals.tasks.suite_task import suite_task

MAX_TOKENS = 64


@task
def animal_preference(
    questions: str = "paper",
    kind: str = "favourite",
    target: str = "owl",
    system_prompt: str | list[str] | None = None,
) -> Task:
    """How often one animal is named: as the favourite, the least liked, or over money (paper, Section 3.3).

    Args:
        questions: `paper` (50, 5 and 1 questions), `bundled` (33, 6 and 4 of ours), `toy` (`favourite` only),
            or the path of a `.jsonl` or `.csv` file.
        kind: Which questions: `favourite`, `least` or `money`.
        target: The animal whose rate is measured; it fills the blank `{animal}` of questions about money.
        system_prompt: A test-time system prompt.

    Returns:
        A task with the trait `target`; its log also has `named` and the distribution of the answers.

    Raises:
        UserError: If a parameter is unknown, or the paper's questions cannot be fetched.
    """
    target_animal = animal_name(target)
    dataset = animal_questions(questions, kind, target_animal)
    return suite_task(
        "animal_preference",
        ANIMALS[kind].find(questions),
        animal(target_animal),
        traits=("target",),
        paper="Section 3.3",
        max_tokens=MAX_TOKENS,
        scoring="detector",
        system_prompt=system_prompt,
        dataset=dataset,
        metadata={"target": target_animal},
    )
