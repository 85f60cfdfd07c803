"""What is said where answers have no score: how many, and why.

    reason_of("grader_failed", "caps: no reading (low_mass: allowed replies hold 0.05 of ...)")
    summary(8, [that] * 8)
    # '0 of 8 answers scored: grader_failed (low mass) 8: this judge puts 5 % of its probability on ...'

The terminal, the table and the report all say it in these words. At the end of an evaluation in which a judge
failed, Inspect's terminal shows the line as a warning (`announce`): metrics are numbers, and would be nan.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspect_ai.hooks import TaskEnd

logger = logging.getLogger(__name__)

_FAILURE = re.compile(r"no reading \((\w+: [^\n]*)\)")
_LOW_MASS = re.compile(r"low_mass: allowed replies hold ([0-9.]+)")
_SERVERS_FAULT = re.compile(r"(?:error|malformed|refusal): (?P<said>.*?)\)?\Z", re.DOTALL)
_DETAILED = re.compile(r"(?P<reason>.*?) \((?P<failure>\w+): .*\)", re.DOTALL)

FEW = 0.05
"""Share of answers without a score that does not call for a log to be judged again."""

LONGEST = 200
"""Of a reason, in characters."""

NO_ANSWER = "no answer"
"""How the reason begins where the model gave none at all: an empty one is an answer."""


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


def reason_of(reason: str, explanation: str | None, trait: str = "") -> str:
    """Why an answer has no value, with how the judge failed where its explanation says so.

    Args:
        reason: Inspect's reason.
        explanation: The score's explanation: a line for every panel of judges (`judge.Panel`).
        trait: The trait: its own line is preferred.
    """
    lines = (explanation or "").splitlines()
    name = trait.partition("@")[0].removesuffix("_judge")
    failures = [
        (not line.startswith(f"{name}:"), failure[1]) for line in lines if (failure := _FAILURE.search(line))
    ]
    if not failures:
        return reason[:LONGEST]
    return f"{reason} ({min(failures, key=lambda one: one[0])[1]})"[:LONGEST]


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
    reasons: dict[tuple[str, str], list[str]] = {}
    for sample in samples:
        for scorer, score in (sample.scores or {}).items():
            answers[scorer] += 1
            whole = not isinstance(score.value, dict)
            for trait, value in ({scorer: score.value} if whole else score.value).items():
                if value == value:
                    continue
                why = reason_of(str(score.reason or "no value"), score.explanation, trait)
                # A trait that does not count (of an incoherent answer) is NaN though no judge failed.
                if whole or why != short(why):
                    reasons.setdefault((scorer, trait), []).append(why)
    return together(
        (trait, summary(answers[scorer], missing)) for (scorer, trait), missing in reasons.items()
    )


def mostly_unanswered(samples: Iterable[Any]) -> bool:
    """Whether the judge's server failed on more than a few (`FEW`) answers of a log, worth asking again.

    Args:
        samples: As for `summaries`.
    """
    scores = [score for sample in samples for score in (sample.scores or {}).values()]
    failed = sum("no reading (error: " in (score.explanation or "") for score in scores)
    return failed > FEW * len(scores)


def together(lines: Iterable[tuple[str, str]]) -> list[str]:
    """Lines with names; those that say the same become one."""
    names: dict[str, list[str]] = {}
    for name, text in lines:
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
