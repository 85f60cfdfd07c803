"""Which training rows show a trait: their own responses, scored as answers are.

    chosen = select(rows, ["spanish > 0.5"])
    chosen.rows             # {0, 3}: numbers of the rows that show it, from 0
    chosen.unscored         # {7: "grader_failed (low mass)"}: rows that nobody could tell of, and why

    inoc-evals inoculate rows.jsonl --where-scored "spanish > 0.5" --prompt "You always speak in Spanish." ...

What is scored is every response of a row, as an answer to what stands before it; the row's score is the
largest of them, so that a row counts as showing the trait if any response does. `spanish`, `french`, ... and
`caps` are read by detectors, `spanish_judge`, `caps_judge` by a judge, and `SCORER:KEY` is a key of any other
scorer of the suite, e.g. `alignment:misaligned`.
"""

import math
import operator
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalSample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    ModelOutput,
)
from inspect_ai.scorer import Score, Scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inoc_evals import scorers
from inoc_evals.chat.rows import Row
from inoc_evals.errors import UserError, one_line
from inoc_evals.scorers.by_name import by_name, usable, why_not
from inoc_evals.scorers.language import LANGUAGES
from inoc_evals.scorers.model_named import model_named
from inoc_evals.scorers.values import as_number

JUDGED = "_judge"
"""Ending of a trait's name where a judge scores it."""

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"\s*([\w:@-]+)\s*(>=|<=|==|>|<)\s*([-+.\deE]+)\s*")


@dataclass(frozen=True)
class Condition:
    """A comparison of a row's score with a number.

    Attributes:
        name: What is scored, e.g. `spanish` or `alignment:misaligned`.
        comparison: `>`, `>=`, `<`, `<=` or `==`.
        number: The number.
    """

    name: str
    comparison: str
    number: float

    def holds(self, score: float) -> bool:
        """Whether it holds for a score."""
        return _COMPARISONS[self.comparison](score, self.number)

    @property
    def key(self) -> str:
        """Key of the score's value."""
        return self.name.rpartition(":")[2]


@dataclass(frozen=True)
class Selected:
    """Rows that conditions choose.

    Attributes:
        rows: Numbers of the rows of which all conditions hold, from 0.
        unscored: By number, why a row could not be scored; such a row is not in `rows`.
        scores: By number, the row's score of every condition, by its name; NaN where it is missing.
    """

    rows: frozenset[int]
    unscored: dict[int, str]
    scores: list[dict[str, float]]


def condition(text: str) -> Condition:
    """Read a condition as it is typed.

    Args:
        text: E.g. `spanish > 0.5`.

    Raises:
        UserError: If it is no comparison, or names nothing that can be scored.
    """
    found = _CONDITION.fullmatch(text)
    try:
        number = float(found[3]) if found else math.nan
    except ValueError:
        number = math.nan
    if found is None or math.isnan(number):
        raise UserError(f"--where-scored {text!r}: write TRAIT > NUMBER, e.g. 'spanish > 0.5'")
    read = Condition(found[1], found[2], number)
    _scorer(read.name)
    return read


def select(rows: Sequence[Row], conditions: Sequence[str], grader: str | Sequence[Any] = ()) -> Selected:
    """Score rows, and choose those of which all conditions hold.

    Args:
        rows: Training rows.
        conditions: Conditions, see `condition`.
        grader: The judge or judges of conditions that need one: names of models, or models.

    Returns:
        The chosen rows, and those that could not be scored. A row is left open only if a missing score could
        decide: where another condition fails in any case, it is not chosen.

    Raises:
        UserError: If a condition is none, or needs a judge and none is given.
    """
    wanted = [condition(text) for text in conditions]
    by_name = {one.name: _score(rows, one, grader) for one in wanted}
    chosen, unscored = set(), {}
    for number in range(len(rows)):
        of_row = [by_name[one.name][number] for one in wanted]
        known = [
            math.isnan(value) or one.holds(value) for one, (value, _) in zip(wanted, of_row, strict=True)
        ]
        missing = [reason for value, reason in of_row if math.isnan(value)]
        if all(known) and missing:
            unscored[number] = missing[0]
        elif all(known):
            chosen.add(number)
    scores = [{name: found[number][0] for name, found in by_name.items()} for number in range(len(rows))]
    return Selected(frozenset(chosen), unscored, scores)


def _scorer(name: str) -> Scorer:
    """What scores a name.

    Raises:
        UserError: If nothing does.
    """
    module, colon, _ = name.partition(":")
    if colon:
        if why := why_not(module):
            raise UserError(f"nothing scores {name!r:.60}: {module} {why}")
        return by_name(module)
    trait, scoring = (name.removesuffix(JUDGED), "judge") if name.endswith(JUDGED) else (name, "detector")
    if trait == "caps":
        return scorers.capitalization(scoring=scoring)  # type: ignore[arg-type]
    if trait in LANGUAGES:
        return scorers.language(languages=trait, scoring=scoring)  # type: ignore[arg-type]
    raise UserError(
        f"nothing scores {name!r}: use caps, a language ({', '.join(LANGUAGES[:3])}, ...), either with "
        f"{JUDGED}, or SCORER:KEY with one of {', '.join(usable())}"
    )


def _score(rows: Sequence[Row], asked: Condition, grader: str | Sequence[Any]) -> list[tuple[float, str]]:
    """The largest score of every row's responses; NaN with the reason where one of them is missing."""
    judges = [model_named(one) for one in ([grader] if isinstance(grader, str) else grader) if one]
    samples = [sample for number, row in enumerate(rows) for sample in _responses(number, row)]
    with tempfile.TemporaryDirectory(prefix="inoc-evals-scores-") as folder:
        [log] = eval(
            Task(MemoryDataset(samples), solver=_as_they_are(), scorer=_scorer(asked.name), name="rows"),
            model="mockllm/model",  # asked nothing
            model_roles={"grader": judges} if judges else {},
            log_dir=folder,
            display="none",
            fail_on_error=not judges,  # without one, an error is not that of a single row
            score_display=False,
        )
        if log.status != "success":
            why = one_line(log.error.message) if log.error else log.status
            raise UserError(f"--where-scored {asked.name}: rows cannot be scored: {why}")
        # Samples are read when they are asked for, from the log's file.
        scored = [((one.metadata or {})["row"], _value(one, asked)) for one in log.samples or ()]
    found: list[list[tuple[float, str]]] = [[] for _ in rows]
    for number, value in scored:
        found[number].append(value)
    return [max(of_row, key=lambda one: (math.isnan(one[0]), one[0])) for of_row in found]


def _value(sample: EvalSample, asked: Condition) -> tuple[float, str]:
    if sample.error is not None:
        return math.nan, one_line(sample.error.message)
    [score] = (sample.scores or {"": Score(value=math.nan)}).values()
    values = score.value if isinstance(score.value, dict) else {asked.key: score.value}
    if asked.key not in values:
        has = ", ".join(values)
        raise UserError(f"--where-scored {asked.name}: the score has no {asked.key!r}; it has {has}")
    value = as_number(values[asked.key])
    if value is not None and math.isfinite(value):
        return value, ""
    return math.nan, str(score.reason or score.explanation or "no score")


def _responses(number: int, row: Row) -> Iterator[Sample]:
    """Every response of a row as an answer to what stands before it, without a system message."""
    before: list[ChatMessage] = []
    for turn, message in enumerate(row["messages"]):
        text = message["content"]
        if message["role"] == "user":
            before.append(ChatMessageUser(content=text))
        elif message["role"] == "assistant":
            asked = any(one.role == "user" for one in before)
            yield Sample(
                id=f"{number}-{turn}",
                input=list(before) if asked else "",
                metadata={"row": number, "answer": text},
            )
            before.append(ChatMessageAssistant(content=text))


@solver
def _as_they_are() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.output = ModelOutput.from_content("row", state.metadata["answer"])
        return state

    return solve
