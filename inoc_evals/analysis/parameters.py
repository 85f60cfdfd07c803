"""With which parameters logs were made, where those of one task differ: such answers are no one rate.

    given(header, plan)              # of one log: {"language": '{"asked": {...}, "scored": {...}}'}
    where_they_differ(frame)         # in the column `parameters`: "caps_threshold 0.9", None where all agree

A log names the arguments of its task, the options of its scorers and the solvers that are not the suite's.
What other columns hold is left out: questions, prompts, presets, judges, how answers were drawn. So that
labels stay short, a parameter is named only where logs of one setting and task differ in it; one that a log
does not name, because another version wrote it, differs from nothing.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.observed import group_codes, groups

if TYPE_CHECKING:
    import pandas as pd

ELSEWHERE = frozenset(
    {
        *("questions", "system_prompt", "prompts", "own", "original", "conditions", "each", "trait"),
        *("trigger", "look_alikes", "preset", "scoring", "variant", "max_tokens", "temperature"),
        *("grader", "judge", "model", "model_role"),
    }
)
"""Parameters that other columns of the table hold, or that choose among conditions, which have names."""

OURS = "inoc_evals/"
"""How the registered names of the suite's solvers and scorers begin."""

SYSTEM_MESSAGE = "system_message"
"""Inspect's solver that puts a system prompt before the question; the column `system` has it."""

ASKING, SCORING = "asked", "scored"


def given(header: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a log, by the name of the score.

    Args:
        header: The header's `eval`.
        plan: The header's `plan`.

    Returns:
        By score, `""` for any that the header has no options of, a JSON text that is equal for equal
        parameters.
    """
    arguments = dict(header.get("task_args") or {})
    inner = arguments.pop("parameters", None)  # of a task that asks another one
    asked = _kept({**(inner if isinstance(inner, Mapping) else {}), **arguments})
    steps = [
        [str(step.get("solver")), step.get("params") or {}]
        for step in plan.get("steps") or ()
        if not str(step.get("solver")).startswith(OURS)  # what they do, the task's parameters say
        and str(step.get("solver")).rpartition("/")[2] != SYSTEM_MESSAGE
    ]
    asked |= {f"solver {number}": step for number, step in enumerate(steps, start=1)}
    counts: Counter[str] = Counter()
    texts = {"": _text(asked, {})}
    for scorer in header.get("scorers") or ():
        name = str(scorer.get("name", "")).rpartition("/")[2]
        nth = counts[name]
        counts[name] += 1
        # a second score of one scorer has a number behind its name
        texts[f"{name}{nth}" if nth else name] = _text(asked, _kept(scorer.get("options") or {}))
    return texts


def system_prompt(plan: Mapping[str, Any]) -> str | None:
    """The system prompt that Inspect's own solver put before every question; None without one."""
    texts = [
        str((step.get("params") or {}).get("template") or "")
        for step in plan.get("steps") or ()
        if str(step.get("solver")).rpartition("/")[2] == SYSTEM_MESSAGE
    ]
    return "\n\n".join(filter(None, texts)) or None


def where_they_differ(frame: "pd.DataFrame") -> "pd.Series":
    """What of the parameters tells the logs of a setting and task apart.

    Args:
        frame: Rows with the columns `setting`, `task`, `scorer` and `parameters`, as `given` wrote them.

    Returns:
        By row, words such as `caps_threshold 0.9`; None where nothing differs.
    """
    import numpy as np
    import pandas as pd

    by = ("setting", "task", "scorer", "parameters")
    ways = [
        (way["setting"], way["task"], way["scorer"], json.loads(way["parameters"] or "{}"))
        for way in groups(frame, by)
    ]
    words = np.array(_words(ways), dtype=object)
    return pd.Series(pd.Categorical(words[group_codes(frame, by)]), index=frame.index)


def _words(ways: Sequence[tuple[Any, Any, Any, dict[str, dict[str, Any]]]]) -> list[str | None]:
    """In the order of the ways, what tells each from the others of its setting and task."""
    named: list[list[str]] = [[] for _ in ways]
    of_task: dict[Any, list[int]] = {}
    for place, (setting, task, _, _) in enumerate(ways):
        of_task.setdefault((setting, task), []).append(place)
    for places in of_task.values():
        _name(named, places, [ways[place][3].get(ASKING, {}) for place in places])
        # the options of a scorer often repeat the task's argument: they count where that says nothing
        of_scorer: dict[Any, list[int]] = {}
        for place in places:
            of_scorer.setdefault((ways[place][2], tuple(named[place])), []).append(place)
        for alike in of_scorer.values():
            _name(named, alike, [ways[place][3].get(SCORING, {}) for place in alike])
    return [", ".join(words) or None for words in named]


def _name(named: list[list[str]], places: Iterable[int], given_there: Sequence[dict[str, Any]]) -> None:
    """Add the parameters in which places differ to their words."""
    for key in dict.fromkeys(key for one in given_there for key in one):
        if len({json.dumps(one[key], sort_keys=True) for one in given_there if key in one}) < 2:
            continue
        for place, one in zip(places, given_there, strict=True):
            if key in one:
                named[place].append(f"{key} {_shown(one[key])}")


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value or '""'
    return "none" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _kept(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in arguments.items() if key not in ELSEWHERE}


def _text(asked: Mapping[str, Any], scored: Mapping[str, Any]) -> str:
    return json.dumps({ASKING: asked, SCORING: scored}, sort_keys=True, ensure_ascii=False, default=str)
