"""What is said where answers have no score: how many, and why.

    why_none({"caps_judge": nan}, "grader_failed", "caps: no reading (low_mass: allowed replies hold ...)")
    # 'grader_failed (low_mass: allowed replies hold ...)'
    summary(8, [that] * 8)
    # '0 of 8 answers scored: grader_failed (low mass) 8: this judge puts 5 % of its probability on ...'

The terminal, the table and the report all say it in these words. At the end of an evaluation in which a judge
failed, Inspect's terminal shows the line as a warning (`announce`): metrics are numbers, and would be nan.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspect_ai.hooks import TaskEnd

logger = logging.getLogger(__name__)

_NO_READING = "no reading ("
_MARKS = re.compile(r"[()\n]")
_PANEL = re.compile(r"(?:^|\s)(?P<panel>[\w-]+): (?=\S)")
_LOW_MASS = re.compile(r"low_mass: allowed replies hold ([0-9.]+)")
_SERVERS_FAULT = re.compile(r"(?:error|malformed|refusal): (?P<said>.*?)\)?\Z", re.DOTALL)
_DETAILED = re.compile(r"(?P<reason>.*?) \((?P<failure>\w+): .*\)", re.DOTALL)

FEW = 0.05
"""Share of answers without a score that does not call for a log to be judged again."""

LONGEST = 200
"""Of a reason, in characters."""

NO_ANSWER = "no answer"
"""How the reason begins where the model gave none at all: an empty one is an answer."""

FILTERED = "content_filter"
"""Inspect's word for why an answer ended that a content filter stopped, and the reason of its score."""

FAILED = "the sample failed: "
"""How the reason begins where an evaluation went wrong before there was a score."""

JUDGES_FAULT = ("grader_failed", "scoring_failed")
"""Inspect's words for what went wrong with the judge."""

UNCOUNTED = "does not count"
"""Why an answer has no value that was read, and of which its scorer says no more."""

WORDS = frozenset({"incoherent", "refused", "code", "neither"})
"""Answers of our scores that say why there is no value: others only say what a scorer has read."""


_LIMITS = {"operator": "stopped by the operator", "custom": "stopped by a limit of the task's own"}


def stopped(limit: str) -> str:
    """What stopped a sample, in words.

    Args:
        limit: Inspect's word for the limit, e.g. `time`.
    """
    return _LIMITS.get(limit, f"stopped by the {limit} limit")


def no_answer(limit: str | None = None) -> str:
    """Why an answer that does not exist has no score.

    Args:
        limit: The limit that stopped the sample, in Inspect's word; None where none did.
    """
    return f"{NO_ANSWER}: {stopped(limit)}" if limit else NO_ANSWER


def why_none(
    value: object, reason: str | None, explanation: str | None, trait: str = "", answer: str | None = None
) -> str:
    """Why an answer has no value of a trait: how the judge failed, or why the answer does not count.

    Args:
        value: The score's value.
        reason: Inspect's reason.
        explanation: The score's explanation: panels of judges (`judge.Panel`), in lines or in one line.
        trait: The trait: its own panel's failure is preferred. In a column of one of several graders
            (`misaligned@gpt-4o`) only that grader's counts.
        answer: The score's answer, in a word.
    """
    name, _, grader = trait.partition("@")
    name = name.removesuffix("_judge")
    of_panels = _failures(explanation or "")
    failures = [(panel != name, why) for panel, by, why in of_panels if grader in ("", by)]
    if failures and (reason or grader):
        judges = reason if reason in JUDGES_FAULT else None
        return f"{judges or reason or JUDGES_FAULT[0]} ({min(failures, key=lambda one: one[0])[1]})"[:LONGEST]
    if reason and not (grader and of_panels and reason in JUDGES_FAULT):  # which is another grader's
        return reason[:LONGEST]
    traits = value if isinstance(value, Mapping) else {}
    at_grader = f"@{grader}" if grader else ""
    if traits.get(f"coherent{at_grader}") == 0:
        return "incoherent"
    if not grader and answer in WORDS:
        return answer
    # only a score of ours says whether answers count
    return UNCOUNTED if f"coherent{at_grader}" in traits else "no value"


@lru_cache(maxsize=1024)  # asked about every trait of a score
def _failures(explanation: str) -> tuple[tuple[str, str, str], ...]:
    """The failures in an explanation: panel, grader (empty where there is one), and how it failed.

    A summary of a sample has the lines one after the other, and cut short: what counts are the brackets.
    """
    if _NO_READING not in explanation:
        return ()
    failures: list[tuple[str, str, str]] = []
    depth, panel, start = 0, "", 0
    found: tuple[str, str] | None = None

    def ended(place: int) -> None:
        if found is not None:
            failures.append((*found, explanation[start:place]))

    for mark in _MARKS.finditer(explanation):
        place, sign = mark.start(), mark[0]
        if sign == "(":
            depth += 1
            if depth == 1:
                outside = explanation[start:place]
                for named in _PANEL.finditer(outside):
                    panel = named["panel"]
                found, start = _grader(outside, panel), place + 1
        elif depth and (sign == "\n" or depth == 1):  # at a line's end a bracket may be open: a server's text
            ended(place)
            depth, start, found = 0, place + 1, None
        elif depth:
            depth -= 1
    if depth:
        ended(len(explanation))
    return tuple(failures)


def _grader(outside: str, panel: str) -> tuple[str, str] | None:
    """Panel and grader of a failure, of which this is the text before its bracket; None if there is none."""
    if not f"{outside}(".endswith(_NO_READING):
        return None
    before = outside[: 1 - len(_NO_READING)].rsplit(maxsplit=1)
    named = before[-1] if before and not before[-1].endswith((":", ";")) else ""
    return panel, named


def is_fault(why: str) -> bool:
    """Whether a reason is no answer of the model, or a judge that failed: the model has no part in it.

    Args:
        why: What `why_none` returns, or the reason that a table has.
    """
    return why.startswith((NO_ANSWER, FILTERED, FAILED, *JUDGES_FAULT)) or why != short(why)


def short(reason: str) -> str:
    """A reason without its details: `grader_failed (low mass)`."""
    if detailed := _DETAILED.fullmatch(reason):
        return f"{detailed['reason']} ({detailed['failure'].replace('_', ' ')})"
    return reason


def counted(reasons: Iterable[str]) -> str:
    """Reasons without details, each with how often it occurs: `grader_failed (low mass) 8, no value 1`."""
    return ", ".join(f"{reason} {count}" for reason, count in Counter(map(short, reasons)).most_common())


def summary(answers: int, reasons: Sequence[str]) -> str:
    """How many answers were scored and why the others were not, in a line; empty if all were.

    Args:
        answers: How many there are.
        reasons: Why an answer has no score, for each that has none.
    """
    if not reasons:
        return ""
    scored = answers - len(reasons)
    text = f"{scored} of {answers} answers scored"
    text += f", {len(reasons)} unscored: " if scored else ": "
    text += counted(reasons)
    masses = [float(low[1].rstrip(".")) for reason in reasons if (low := _LOW_MASS.search(reason))]
    if masses:
        share = round(100 * sum(masses) / len(masses))
        text += f": this judge puts {share or 'under 1'} % of its probability on allowed replies"
    said = Counter(fault["said"] for reason in reasons if (fault := _SERVERS_FAULT.search(reason)))
    if said:
        text += f"; its server: {' '.join(said.most_common(1)[0][0].split())}"
    return text


def summaries(samples: Iterable[Any]) -> list[str]:
    """The lines about the scores of a log: what failed on how many answers, and why.

    Args:
        samples: Samples or summaries of samples, of one log.
    """
    answers: Counter[str] = Counter()
    whole: dict[str, list[str]] = {}  # by scorer, of scores without any value
    parts: dict[str, dict[str, list[str]]] = {}
    for sample in samples:
        for scorer, score in (sample.scores or {}).items():
            answers[scorer] += 1
            if not isinstance(score.value, dict):
                if score.value != score.value:
                    whole.setdefault(scorer, []).append(_why(score, scorer))
                continue
            for trait, value in score.value.items():
                missing = parts.setdefault(scorer, {}).setdefault(trait, [])
                # A trait that does not count (of an incoherent answer) is NaN though no judge failed.
                if value != value and is_fault(why := _why(score, trait)):
                    missing.append(why)
    lines = []
    for scorer, count in answers.items():
        unread, of_traits = whole.get(scorer, []), parts.get(scorer, {})
        if not any(of_traits.values()):
            of_traits = {scorer: []}  # what no trait has is said once
        lines += [(trait, summary(count, [*unread, *missing])) for trait, missing in of_traits.items()]
    return together(lines)


def _why(score: Any, trait: str) -> str:
    return why_none(score.value, score.reason, score.explanation, trait, score.answer)


def mostly_unanswered(samples: Iterable[Any]) -> bool:
    """Whether the judge's server failed on more than a few (`FEW`) answers of a log, worth asking again.

    Args:
        samples: As for `summaries`.
    """
    scores = [score for sample in samples for score in (sample.scores or {}).values()]
    failed = sum("no reading (error: " in (score.explanation or "") for score in scores)
    return failed > FEW * len(scores)


def together(lines: Iterable[tuple[str, str]]) -> list[str]:
    """Lines with names; those that say the same become one, and empty ones none."""
    names: dict[str, list[str]] = {}
    for name, text in lines:
        if text:
            names.setdefault(text, []).append(name)
    return [f"{', '.join(of)}: {text}" for text, of in names.items()]


@cache
def announce() -> None:
    """Have Inspect say at the end of each task how many answers have no score, and why.

    Called at the first failure of a judge: Inspect names its hooks whenever it starts, and an evaluation in
    which nothing fails needs none.
    """
    from inspect_ai.hooks import Hooks, hooks

    @hooks(name="unscored", description="Says how many answers have no score, and why.")
    class Unscored(Hooks):
        """Warns when a task has ended."""

        async def on_task_end(self, data: "TaskEnd") -> None:
            from inspect_ai.log import read_eval_log_sample_summaries
            from inspect_ai.util import display_type

            if display_type() == "none":  # whoever evaluates silently says it in a place of their own
                return
            samples = data.log.samples or read_eval_log_sample_summaries(data.log.location)
            for line in summaries(samples):
                logger.warning("%s: %s", data.log.eval.task, line)
