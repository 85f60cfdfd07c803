"""The model-graded core: ask the graders about an answer, and get readings that can be trusted.

    panel = await ask(ALIGNMENT, question, answer)              # one reading per bound grader
    panel.value("mean")                                         # 93.7, or None
    panel.failure                                               # why there is none

The judge is whatever model has the role `grader`, and nothing else: `--model-role grader=MODEL`, or several,
`--model-role grader=a,b`. It is read by the sharpest reader that it allows (`readers.py`), and what was read
is kept whole in the score's metadata. A judge that fails leaves the answer unscored: never a 0.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from inspect_ai.model import Model, get_model, model_roles
from inspect_ai.scorer import ScoreReason

from inoc_evals.errors import UserError
from inoc_evals.scorers.judge.reader_choice import Choice, reader_for
from inoc_evals.scorers.judge.readers import READERS
from inoc_evals.scorers.judge.result import REASONS, Preference, Reading, preference
from inoc_evals.scorers.judge.rubrics import Rubric
from inoc_evals.scorers.together import together

T = TypeVar("T")

Combine = Literal["mean", "median", "majority"]

NO_GRADER = (
    "scoring by a judge needs a judge model and none is bound: add  --model-role grader=MODEL  "
    "(e.g. grader=openai/gpt-4o-2024-08-06, a local grader=inoc/MODEL, or, in the toy world, "
    "grader=inoc/toy-judge)"
)


def check_combine(combine: str) -> None:
    """Refuse a way of combining graders that does not exist.

    Raises:
        UserError: If `combine` is not one of mean, median, majority.
    """
    if combine not in get_args(Combine):
        raise UserError(f"unknown combine {combine!r}: use {', '.join(get_args(Combine))}")


def require_grader() -> None:
    """Stop where no model has the role `grader`.

    Raises:
        UserError: In one line that says how to bind one.
    """
    if "grader" not in model_roles():
        raise UserError(NO_GRADER)


def graders() -> list[Model]:
    """The models bound to the role `grader`, in order.

    Raises:
        UserError: If there is none.
    """
    require_grader()
    bound = model_roles()["grader"]
    return list(bound) if isinstance(bound, list) else [get_model(role="grader", required=True)]


@dataclass(frozen=True)
class Panel:
    """What every grader made of one rubric and one answer.

    Attributes:
        rubric: What they were asked.
        readings: One per grader, in the order of binding.
    """

    rubric: Rubric
    readings: tuple[Reading, ...]

    @property
    def failed(self) -> Reading | None:
        """The first reading that failed, if too few are left to say anything."""
        bad = [reading for reading in self.readings if reading.failure is not None]
        return bad[0] if 2 * len(bad) >= len(self.readings) else None

    @property
    def reason(self) -> ScoreReason | None:
        """Why nothing was read, in Inspect's words."""
        failed = self.failed
        return None if failed is None or failed.failure is None else REASONS[failed.failure]

    def value(self, combine: Combine) -> float | None:
        """The graders' rating: their mean, or the median (also for `majority`, which is about verdicts).

        Returns:
            The rating; None unless more than half of them gave one.
        """
        return combined([reading.value for reading in self.readings], combine)

    def word(self) -> str | None:
        """The word that more than half of the graders replied."""
        return majority([reading.word for reading in self.readings])

    def preferences(self) -> list[Preference | None]:
        """P(YES) of every grader."""
        return [preference(reading) for reading in self.readings]

    def summary(self) -> dict[str, Any]:
        """The panel as it is kept in a log."""
        return {
            "rubric": self.rubric.name,
            "wording": self.rubric.source,
            "readings": [reading.summary() for reading in self.readings],
        }

    def __str__(self) -> str:
        """The panel in a line."""
        found = [str(reading) for reading in self.readings]
        if len(found) > 1:
            found = [f"{short_name(r.judge)} {text}" for r, text in zip(self.readings, found, strict=True)]
        return f"{self.rubric.name}: {'; '.join(found)}"


async def ask(rubric: Rubric, question: str, answer: str, reader: Choice = "auto", **fields: str) -> Panel:
    """Have every grader judge one answer.

    Args:
        rubric: What is asked.
        question: What the user asked. System prompts are not part of it: a judge must not see them.
        answer: What the model under test answered.
        reader: How judges are read.
        **fields: The rubric's other fields.

    Returns:
        Their readings.

    Raises:
        UserError: If no grader is bound or the reader does not suit it.
    """
    prompt = rubric.prompt(question, answer, **fields)

    async def one(judge: Model) -> Reading:
        return await READERS[await reader_for(judge, reader)](judge, rubric, prompt)

    return Panel(rubric, tuple(await together(*(one(judge) for judge in graders()))))


def combined(values: Sequence[float | None], combine: Combine) -> float | None:
    """Mean or median of those who gave a value; None unless more than half did."""
    given = [value for value in values if value is not None]
    if 2 * len(given) <= len(values):
        return None
    return statistics.fmean(given) if combine == "mean" else statistics.median(given)


def majority(votes: Sequence[T | None]) -> T | None:
    """What more than half of the voters say; None, also where that is nothing."""
    for vote in votes:
        if vote is not None and 2 * sum(other == vote for other in votes) > len(votes):
            return vote
    return None


def short_name(model: str) -> str:
    """A grader's name in a column: `gpt-4o` of `openai/gpt-4o`, without a checkpoint's digest."""
    return model.rstrip("/").rsplit("/", 1)[-1].split("@", 1)[0]


def columns(readings: Sequence[Reading]) -> list[str]:
    """A short name for every grader of a panel, no two alike."""
    names: list[str] = []
    for reading in readings:
        name = short_name(reading.judge)
        names.append(name if name not in names else f"{name}-{len(names) + 1}")
    return names
