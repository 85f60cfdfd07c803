"""What stands in a rendered training prompt and not in the rendered test prompt, or the other way round.

    for difference in differences(shown):       # `Shown`, from a log's metadata
        print(difference.what)      # the test tells the model "You are a helpful ...", which training did not

The prompt of an arm is meant to differ; what a chat template adds by itself is not, and becomes the trigger
under which a trait shows. Texts are compared up to the question: what an answer holds is no prompt.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from inoc_evals.analysis.audit_places import worlds_of
from inoc_evals.analysis.findings import CAUTION, NOTE, Finding, Severity, merged
from inoc_evals.analysis.log_facts import LogFacts
from inoc_evals.analysis.observed import FAMILY, split
from inoc_evals.chat.audit import TOLD
from inoc_evals.chat.reasoning import MARKS
from inoc_evals.chat.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

_NOTE = re.compile("^" + TOLD.format(".+?"))

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DATE = re.compile(
    rf"\b(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}} (?:{_MONTHS})[a-z]* \d{{4}}"
    rf"|(?:{_MONTHS})[a-z]* \d{{1,2}}, \d{{4}})\b"
)
_TURN = re.compile(r"\b(?:user|human)\b|\[INST\]", re.IGNORECASE)
"""What begins the user's turn in chat templates."""

_DOUBLED = re.compile(r"\s*(<[^<>\s]{1,40}>)\s*\1")

COMPARED = 60
"""Characters of a default system prompt that are looked for: later ones may hold a date, or be cut."""


class Difference(NamedTuple):
    """One thing in which the two prompts differ, or that both hold without being asked to.

    Attributes:
        kind: Of the finding.
        severity: Likewise.
        what: Likewise.
    """

    kind: str
    severity: Severity
    what: str


TODO = (
    "give rows and test the same system prompt (the task's `system_prompt`), or a template that adds nothing"
)


def checks(rows: "pd.DataFrame", facts: Mapping[str, LogFacts]) -> Iterator[Finding]:
    """Compare what the models of every arm and test read.

    Args:
        rows: Answers.
        facts: What else is known of the logs, by location.
    """
    for _, of_family in split(rows, FAMILY):
        ways = list(worlds_of(of_family, (*FAMILY, "arm")))
        found = [one for way in ways for one in _of_arm(*way, facts)]
        yield from merged(found, "world")


def _of_arm(
    observed: dict[str, Any], group: "pd.DataFrame", facts: Mapping[str, LogFacts]
) -> Iterator[Finding]:
    """Compare what the models of one arm and their tests read."""
    said: dict[Difference, list[str]] = {}
    for task, of_task in group.groupby("task", sort=False, observed=True):
        for log in of_task["log"].unique():
            if (one := facts.get(str(log))) and one.shown:
                for difference in differences(one.shown):
                    said.setdefault(difference, []).append(str(task))
    for difference, tasks in said.items():
        names = tuple(dict.fromkeys(tasks))
        where = {**observed, "task": names if len(names) > 1 else names[0]}
        yield Finding(difference.kind, difference.severity, difference.what, TODO, where)


def differences(shown: Shown) -> Iterator[Difference]:
    """Compare the two texts of one log.

    Args:
        shown: What the model read; of a base, which read no training row, nothing is said.
    """
    if not shown.training or not shown.test:
        return
    training, test = shown.training, shown.test
    for told in _told(shown.notes):
        key = _plain(told)[:COMPARED]
        both = key in _plain(training), key in _plain(test)
        if any(both):
            yield _placed("hidden system prompt", both, f"“{_short(told)}”, which nobody asked for")
    dates = [set(_DATE.findall(_head(text))) for text in (training, test)]
    if dates[0] != dates[1]:
        said = [", ".join(sorted(of)) or "no date" for of in dates]
        yield Difference("date differs", CAUTION, f"training names {said[0]}, the test {said[1]}")
    doubled = bool(_DOUBLED.match(training)), bool(_DOUBLED.match(test))
    if any(doubled):
        yield _placed("begin token twice", doubled, "a begin token that is written twice")
    for start, _ in MARKS:
        opened = start in training, start in test
        if any(opened):
            yield _placed("reasoning block", opened, f"a block for reasoning ({start})")


def _placed(kind: str, both: tuple[bool, bool], what: str) -> Difference:
    """A difference if only one text holds it, a note if both do."""
    if all(both):
        return Difference(kind, NOTE, f"training and test both hold {what}")
    first, second = ("training", "the test") if both[0] else ("the test", "training")
    return Difference(kind, CAUTION, f"{first} holds {what}, {second} does not")


def _told(notes: Iterable[str]) -> list[str]:
    """What notes say that a chat template tells a model without a system prompt."""
    return [note[match.end() :].strip() for note in notes if (match := _NOTE.match(note))]


def _head(text: str) -> str:
    """What stands before the user's first turn; everything where no turn is recognised."""
    return text[: match.start()] if (match := _TURN.search(text)) else text


def _plain(text: str) -> str:
    return " ".join(text.split())


def _short(text: str, longest: int = 80) -> str:
    plain = _plain(text)
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"
