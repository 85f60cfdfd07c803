"""What was asked and how answers were drawn, in one line of a section's method.

    asked(focus, observed, test_prompts(focus))
    # "10 questions of the set toy (task spanish_caps) in 7 logs, without a system prompt of the test,
    #  1 answer of each model; temperature 1"

A system prompt of the test is a condition that the test names, or a prompt that its task has. Logs of others
bring theirs among the messages of a question, where no header names it: one sample of each log is opened.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.observed import group_codes
from inoc_evals.data.conditions import of_task
from inoc_evals.plurals import many
from inoc_evals.report.examples import opened

if TYPE_CHECKING:
    import pandas as pd

OPENED = 40
"""Logs of which a sample is opened at most: a page on thousands of logs must come to an end."""

LONGEST = 80
"""Most characters of a system prompt."""

BY_SAMPLING = "system_message "
"""How a system prompt begins that answers were drawn with (`--system-message`), as the table says it."""

WAY = ("task", "questions", "condition", "system", "trigger", "variant", "sampling", "parameters")
"""What must agree for two answers to have been asked alike."""

MODEL = ("arm", "seed", "model")


def asked(
    focus: "pd.DataFrame", observed: Mapping[str, Mapping[str, Any]], prompts: Mapping[str, str]
) -> str:
    """Say what was asked, without a full stop.

    Args:
        focus: Answers of the section.
        observed: By label, what is shown of each trait.
        prompts: By log, the system prompt that its questions bring (`test_prompts`).
    """
    ways = list(observed.values())
    answers = focus.drop_duplicates(["log", "sample", "epoch"])
    questions, logs = answers["question"].nunique(), focus["log"].nunique()
    sets = distinct(way.get("questions") for way in ways)
    said = f"{many(questions, 'question')}{f' of the set {sets}' if sets else ''}"
    said += f" (task {distinct(way.get('task') for way in ways)}) in {many(logs, 'log')}"
    return f"{said}, {_under(ways, prompts)}, {_each(answers)}{_drawn(observed)}"


def test_prompts(focus: "pd.DataFrame") -> dict[str, str]:
    """The system prompts that questions of logs bring, of which neither condition nor task tells.

    Args:
        focus: Answers of the section.

    Returns:
        By log; empty of one whose questions bring none. Logs that cannot be read, and those beyond the first
        `OPENED`, are missing.
    """
    silent = focus["condition"].isna() & focus["system"].isna() & focus["world"].isna()  # ours say it all
    silent &= ~focus["sampling"].astype(str).str.contains(BY_SAMPLING, regex=False)
    first = focus.loc[silent.to_numpy(), ["log", "sample", "epoch"]].drop_duplicates("log")[:OPENED]
    found = {}
    for log, sample, epoch in first.itertuples(index=False):
        try:
            read = opened(str(log), str(sample), int(epoch))
        except Exception:  # noqa: S112 - it has lost samples, which the page says elsewhere
            continue
        turns = read.messages or ([] if isinstance(read.input, str) else read.input)
        found[str(log)] = "\n".join(turn.text for turn in turns if turn.role == "system")
    return found


def _under(ways: Iterable[Mapping[str, Any]], prompts: Mapping[str, str]) -> str:
    """Under which conditions and system prompts of the test."""
    ways = list(ways)
    said = []
    conditions = list(dict.fromkeys(filter(None, (way.get("condition") for way in ways))))
    if named := [one for one in conditions if of_task(one)]:
        said.append(f"under {', '.join(named)}")
    said += [one for one in conditions if not of_task(one)]  # under "...": a system prompt alone
    plain = [way for way in ways if way.get("condition") is None]
    own = dict.fromkeys(way["system"] for way in plain if way.get("system") is not None)
    if own:
        said.append(f"with {_quoted(own)}" if any(own) else "with an empty system message")
    silent = [BY_SAMPLING in (way.get("sampling") or "") for way in plain if way.get("system") is None]
    if any(silent):
        said.append("with the system message of the generation's settings")
    if not all(silent):
        brought = dict.fromkeys(filter(None, prompts.values()))
        if brought:
            said.append(f"with {_quoted(brought)} among the messages of the question")
        if not brought or "" in prompts.values():
            said.append(f"{'in other logs ' if brought else ''}without a system prompt of the test")
    return " and ".join(said)


def _quoted(prompts: Iterable[str]) -> str:
    """A system prompt, or several of which the first is quoted."""
    first, *others = (" ".join(prompt.split()) for prompt in prompts)
    text = f"“{first if len(first) <= LONGEST else f'{first[: LONGEST - 1]}…'}”"
    return f"{len(others) + 1} system prompts, the first {text}" if others else f"the system prompt {text}"


def _each(answers: "pd.DataFrame") -> str:
    """How many answers each model gave to a question that was asked in one way; a span where that differs."""
    in_one_way = group_codes(answers, (*MODEL, *WAY, "question"))
    per_way = answers.groupby(in_one_way).size()
    least, most = int(per_way.min()), int(per_way.max())
    several = int(answers.groupby(group_codes(answers, (*MODEL, "question"))).size().max()) > most
    number = str(least) if least == most else f"{least} to {most}"
    return f"{number} answer{'s' * (most > 1)} of each model{' in each way' if several else ''}"


def _drawn(observed: Mapping[str, Mapping[str, Any]]) -> str:
    """How answers were drawn; where that differs, what was drawn how."""
    by: dict[str, list[str]] = {}
    for label, way in observed.items():
        by.setdefault(way.get("sampling") or "", []).append(label)
    if len(by) == 1:
        return f"; {next(iter(by))}" if "" not in by else ""
    return "".join(f"; {', '.join(of)}: {drawn or 'not said how drawn'}" for drawn, of in by.items())


def distinct(values: Iterable[Any]) -> str:
    """Values in words, each once; missing ones are left out."""
    return ", ".join(dict.fromkeys(str(value) for value in values if value is not None and value == value))
