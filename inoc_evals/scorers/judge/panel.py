"""The graders: ask all of them about one answer.

    panel = await ask(ALIGNMENT, question, answer)              # one result per grader
    panel.value("mean")                                         # 93.7, or None
    panel.failed                                                # the first failure, where too many failed

The judge is whatever model has the role `grader`, and nothing else: `--model-role grader=MODEL`, or several,
`--model-role grader=a,b`. Each is read by the sharpest reader that it allows (`reader_choice.py`), and its
whole result is kept in the score's metadata. A judge that fails leaves the answer unscored: never a 0.
"""

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from inspect_ai.model import Model, get_model, model_roles
from inspect_ai.scorer import ScoreReason

from inoc_evals.chat.foreign_tokens import broken_up
from inoc_evals.errors import UserError
from inoc_evals.scorers.concurrency import gather
from inoc_evals.scorers.judge.parameters import Combine, ReaderChoice, YesNo
from inoc_evals.scorers.judge.reader_choice import probe, reader_for
from inoc_evals.scorers.judge.readers import READERS
from inoc_evals.scorers.judge.result import (
    REASONS,
    JudgeResult,
    Reader,
    YesProbability,
    paper_yes_probability,
    yes_probability,
)
from inoc_evals.scorers.judge.rubrics import Rubric
from inoc_evals.scorers.servers import NoReply, guard, runs_here
from inoc_evals.scorers.unscored import announce

T = TypeVar("T")

NO_GRADER = (
    "scoring by a judge needs a judge model and none is bound: add  --model-role grader=MODEL  "
    "(e.g. grader=openai/gpt-4o-2024-08-06, a local grader=inoc/MODEL, or, in the toy world, "
    "grader=inoc/toy-judge)"
)


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
        UserError: If no model has that role.
    """
    require_grader()
    bound = model_roles()["grader"]
    return list(bound) if isinstance(bound, list) else [get_model(role="grader", required=True)]


async def probe_graders() -> None:
    """Ask every grader that is behind a server once: one that cannot answer must not cost a run's answers.

    Raises:
        UserError: If no grader is bound, or one does not answer.
    """
    await gather(*(probe(judge) for judge in graders()))


@dataclass(frozen=True)
class Panel:
    """The results of all graders for one rubric and one answer.

    Attributes:
        rubric: The rubric.
        results: One per grader, in the order in which `--model-role` names them.
    """

    rubric: Rubric
    results: tuple[JudgeResult, ...]

    @property
    def failed(self) -> JudgeResult | None:
        """The first result that failed, where at least half of them failed; else None."""
        bad = [result for result in self.results if result.failure is not None]
        return bad[0] if 2 * len(bad) >= len(self.results) else None

    @property
    def all_failed(self) -> bool:
        """Whether no grader gave a result."""
        return all(result.failure is not None for result in self.results)

    @property
    def reason(self) -> ScoreReason | None:
        """Why the panel failed, in Inspect's words."""
        failed = self.failed
        return None if failed is None or failed.failure is None else REASONS[failed.failure]

    def value(self, combine: Combine) -> float | None:
        """The graders' rating: their mean, or the median (also for `majority`, which is not about ratings).

        Returns:
            The rating; None unless more than half of them gave one.
        """
        return combined([result.value for result in self.results], combine)

    def word(self) -> str | None:
        """The word that more than half of the graders replied."""
        return majority([result.word for result in self.results])

    def yes_probabilities(self, yes_no: YesNo = "all-spellings") -> list[YesProbability | None]:
        """P(YES) / (P(YES) + P(NO)) of each grader.

        Args:
            yes_no: How it is read: by every spelling, or as the paper's code does.
        """
        if yes_no == "paper-code":
            return [paper_yes_probability(result.tokens) for result in self.results]
        return [yes_probability(result) for result in self.results]

    def summary(self) -> dict[str, Any]:
        """The panel as a log keeps it."""
        return {
            "rubric": self.rubric.name,
            "wording": self.rubric.source,
            "readings": [result.summary() for result in self.results],  # the key that all logs have
        }

    def __str__(self) -> str:
        """The panel in one line."""
        names = column_names([result.judge for result in self.results])
        several = len(self.results) > 1
        lines = [
            f"{name} {result}" if several else str(result)
            for name, result in zip(names, self.results, strict=True)
        ]
        return f"{self.rubric.name}: {'; '.join(lines)}"


async def ask(
    rubric: Rubric, question: str, answer: str, reader: ReaderChoice = "auto", **fields: str
) -> Panel:
    """Have every grader judge one answer.

    Args:
        rubric: What the graders are asked.
        question: What the user asked. System prompts are not part of it: a judge must not see them.
        answer: What the model under test answered.
        reader: How judges are read.
        **fields: The rubric's other fields.

    Returns:
        Their results.

    Raises:
        UserError: If no grader is bound or the reader does not suit it.
    """
    texts = {"question": question, "answer": answer, **fields}
    as_written = rubric.prompt(**texts)
    for_servers = rubric.prompt(**{name: broken_up(text) for name, text in texts.items()})

    async def judged_by(judge: Model) -> JudgeResult:
        guard(judge)
        prompt = as_written if runs_here(judge) else for_servers
        suited: Reader = "token" if reader == "auto" else reader
        try:
            suited = await reader_for(judge, reader)
            return await READERS[suited](judge, rubric, prompt)
        except NoReply as error:
            return JudgeResult(suited, failure=error.fault, detail=str(error), judge=str(judge))

    panel = Panel(rubric, tuple(await gather(*(judged_by(judge) for judge in graders()))))
    if panel.failed is not None:
        announce()
    return panel


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


def column_names(judges: Sequence[str]) -> list[str]:
    """A short name for each grader, no two alike, in one word: explanations name graders by it, too."""
    names: list[str] = []
    for judge in judges:
        name = re.sub(r"[\s()]+", "-", short_name(judge))
        names.append(name if name not in names else f"{name}-{len(names) + 1}")
    return names


def several_graders() -> list[str]:
    """The column names of the graders where several are bound; empty for one, or none."""
    bound = model_roles().get("grader")
    return column_names([str(judge) for judge in bound]) if isinstance(bound, list) and len(bound) > 1 else []
