"""Answers that are empty or were cut, and arms that differ in how many of theirs are.

known = with_facts(rows, facts)                 # one row an answer: digest, empty, cut
for finding in odd_answers(known):
print(finding.what)                         # 12 of 300 answers of none ended at the token limit
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from inoc_evals.analysis.audit_places import (
    ASKED,
    CONDITIONS,
    Places,
    arms_of,
    one_or_all,
    pairs_of,
    percent,
    share_of,
)
from inoc_evals.analysis.contrasts import compare
from inoc_evals.analysis.findings import CAUTION, NOTE, Finding
from inoc_evals.analysis.log_facts import AnswerFacts, LogFacts
from inoc_evals.analysis.observed import split
from inoc_evals.settings.claim import LEAST

if TYPE_CHECKING:
    import pandas as pd


def with_facts(rows: "pd.DataFrame", facts: Mapping[str, LogFacts]) -> "pd.DataFrame":
    """One row for every answer of which the text is known, with the columns `digest`, `empty` and `cut`.

    An answer of a model that a sweep's axes do not concern has one at each dose.
    """
    one_answer = [part for part in ("log", "sample", "epoch", "dose") if part in rows.columns]
    answers = rows.drop_duplicates(one_answer)
    places = zip(answers["log"].astype(str), answers["sample"].astype(str), answers["epoch"], strict=True)
    known: list[AnswerFacts | None] = [
        facts[log].answers.get((sample, int(epoch))) if log in facts else None
        for log, sample, epoch in places
    ]
    answers = answers[[one is not None for one in known]]
    present = [one for one in known if one is not None]
    columns = {name: [getattr(one, name) for one in present] for name in AnswerFacts._fields}
    return answers.assign(**columns)


KINDS = {
    "empty": (
        "answers empty",
        "are empty",
        "look at what the model generated: an end token, or a block that was taken off",
    ),
    "cut": (
        "answers cut",
        "ended at the token limit",
        "raise `max_tokens`, or see that scores do not need the end",
    ),
}
"""By column of `with_facts`, the finding, what it says of answers, and what to do."""


def odd_answers(answers: "pd.DataFrame") -> Iterator[Finding]:
    """Answers that are empty or ended at the token limit, and arms that differ in how many do.

    Arms are compared under each condition. What is said of a task's conditions is one finding: a leak grid
    has a hundred of them, and a limit that is too low cuts answers under all.

    Args:
        answers: What `with_facts` returns.
    """
    places = Places(answers)
    for kind in KINDS:
        for observed, group in split(answers, [part for part in ASKED if part not in CONDITIONS]):
            by_condition = [
                (places.of({**observed, **condition}), rows) for condition, rows in split(group, CONDITIONS)
            ]
            yield from _odd(kind, places.of(observed), by_condition)


def _odd(
    kind: str, place: dict[str, Any], by_condition: "Sequence[tuple[dict[str, Any], pd.DataFrame]]"
) -> Iterator[Finding]:
    """Findings of one kind on one task.

    Args:
        kind: A column of `with_facts`.
        place: The task's answers.
        by_condition: The answers under each condition, and their place.
    """
    name, words, todo = KINDS[kind]
    counts = [
        {arm: (int(rows[kind].sum()), len(rows)) for arm, rows in arms_of(group).items()}
        for _, group in by_condition
    ]
    odd = [number for number, count in enumerate(counts) if any(some for some, _ in count.values())]
    if not odd:
        return
    sums: dict[str, tuple[int, int]] = {}
    for count in counts:
        for arm, (some, n) in count.items():
            before = sums.get(arm, (0, 0))
            sums[arm] = before[0] + some, before[1] + n
    sums = {arm: count for arm, count in sums.items() if count[0]}
    if len(odd) == 1:
        place, sums = by_condition[odd[0]][0], {arm: c for arm, c in counts[odd[0]].items() if c[0]}
    shown = ", ".join(f"{some} of {n} answers of {arm}" for arm, (some, n) in sums.items())
    numbers = {arm: {kind: some, "answers": n} for arm, (some, n) in sums.items()}
    yield Finding(
        name, NOTE, f"{shown} {words}", todo, {**place, "arm": one_or_all(list(sums))}, numbers=numbers
    )
    apart: dict[str, list[Apart]] = {}
    for number in odd:
        where, group = by_condition[number]
        for arm, to in pairs_of(group):
            one, two = (
                rows.assign(value=rows[kind].astype(float))
                for rows in (group[(group["arm"] == which).to_numpy()] for which in (arm, to))
            )
            if not (one[kind].any() or two[kind].any()):
                continue
            found = compare(one, two)
            difference, low, high = (float(found[key]) for key in ("difference", "low", "high"))
            if (low > 0 or high < 0) and abs(difference) >= LEAST:
                share = share_of(counts[number][to])
                apart.setdefault(to, []).append(Apart(where, arm, difference, low, high, share))
    for to, several in apart.items():
        # of each arm the condition under which it differs most
        most = {one.arm: one for one in sorted(several, key=lambda one: abs(one.difference))}
        arms = list(dict.fromkeys(one.arm for one in several))
        shown = ", ".join(most[arm].text for arm in arms)
        conditions = list(dict.fromkeys(one.where.get("condition") for one in several))
        where = several[0].where if len({repr(one.where) for one in several}) == 1 else place
        if len(conditions) > 1:
            shown += f", at most, under {len(conditions)} of {len(by_condition)} conditions"
            shares = ""
        else:
            shares = f" ({percent(several[0].share)})"
        yield Finding(
            f"{name} apart",
            CAUTION,
            f"not as many answers {words} as of {to}{shares}: {shown}",
            todo,
            {**where, "arm": one_or_all(arms)},
            to,
            numbers={arm: most[arm].numbers for arm in arms},
        )


class Apart(NamedTuple):
    """An arm that has more or fewer odd answers than another one, under one condition.

    Attributes:
        where: The answers.
        arm: The arm.
        difference: Its share of odd answers minus that of the other.
        low: Lower bound of the interval.
        high: Upper bound.
        share: The other arm's share.
    """

    where: dict[str, Any]
    arm: str
    difference: float
    low: float
    high: float
    share: float

    @property
    def text(self) -> str:
        """The difference in words."""
        return f"{self.arm} {self.difference:+z.2f} [{self.low:+z.2f}, {self.high:+z.2f}]"

    @property
    def numbers(self) -> dict[str, float]:
        """The difference for programs."""
        return {"difference": self.difference, "low": self.low, "high": self.high}
