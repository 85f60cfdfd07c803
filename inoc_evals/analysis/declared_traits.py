"""Select and order the traits that a setting declares; its tasks' scores may hold others as well.

focused(load("logs/reproduce"))
in_order(SETTINGS["backdoor"], rates(table))      # ["misaligned | trigger", "misaligned | without", ...]
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from inoc_evals.analysis.eval_archive import archive_path, opened_archive
from inoc_evals.analysis.observed import group_codes, groups
from inoc_evals.analysis.parameters import OURS
from inoc_evals.data.conditions import of_task
from inoc_evals.settings import SETTINGS, Setting

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

VERDICTS = f"{OURS}rates"
"""The metric of the suite's scorers that give a verdict beside the ratings of which it is made."""

ADDED, OF_OTHERS = 1, 2
"""Why a score is shown that its setting does not declare."""


def focused(table: "pd.DataFrame", settings: Mapping[str, Setting] = SETTINGS) -> "pd.DataFrame":
    """Keep the rows whose trait, under its condition, the row's setting declares, or its task does not score.

    Args:
        table: What `table.load` returns.
        settings: The settings by name; the suite's by default.

    Returns:
        Those rows, those of traits that a log has beside what its task scores by itself (whoever ran `inspect
        score --action append` wants to see them), all rows of tasks of others that have a setting's name, or
        were imported for it, all rows of settings of which no declared trait is known or in the table
        (e.g. of a plain evaluation by a judge), and the rows of scores that failed on a whole log, and so
        name no trait.
    """
    import numpy as np

    by = ("setting", "task", "trait", "condition")
    declared = []
    for observed in groups(table, by):
        definition = settings.get(str(observed["setting"]))
        condition = of_task(observed.get("condition")) or ""
        declared.append(
            definition is None
            or definition.is_about(str(observed["task"]), str(observed["trait"]), condition)
        )
    kept = np.array([declared[code] for code in group_codes(table, by)], dtype=bool)
    beside = _beside(table, kept, settings)
    kept |= beside == ADDED
    if {"scorer", "value", "log"} <= set(table.columns):
        of_a_log = [table["log"].astype(str), table["scorer"].astype(str)]
        was_read = table["value"].notna().groupby(of_a_log).transform("any").to_numpy(dtype=bool)
        # a rating may have its scorer's name, too; one that read other answers names its traits
        kept |= ~was_read & (table["trait"].astype(str) == table["scorer"].astype(str)).to_numpy()
    known = set(table["setting"][kept].astype(str))
    kept |= beside == OF_OTHERS  # which says nothing of what the setting's own logs are about
    return table[kept | ~table["setting"].astype(str).isin(known).to_numpy()]


def unknown_settings(table: "pd.DataFrame", settings: Mapping[str, Setting]) -> list[str]:
    """A line for every setting of an experiment's logs that is not known, whose claims are not tested then.

    Args:
        table: What `table.load` returns.
        settings: Those that are known, by name.
    """
    if "world" not in table.columns:
        return []
    of_experiments = table[table["world"].notna().to_numpy()]  # others have their task's name for a setting
    names = [str(name) for name in of_experiments["setting"].unique() if str(name) not in settings]
    return [
        f"{name} is no setting of the suite: --setting FILE.py:NAME says where it is, for its claims and arms"
        for name in names
    ]


def _beside(table: "pd.DataFrame", kept: "np.ndarray", settings: Mapping[str, Setting]) -> "np.ndarray":
    """Of every row, whether it is of a score that the task of its setting does not give by itself.

    `ADDED` is a trait of a scorer that was added to a log, unless the task's own scorers give it, too;
    `OF_OTHERS` is what a task of others gives that has a setting's name, which declares nothing of it: all
    but the ratings of which a judge's verdict is made that is declared. Other rows have 0.

    Args:
        table: As for `focused`.
        kept: Of every row, whether the setting declares its trait.
        settings: As for `focused`.
    """
    import numpy as np

    if not {"scorer", "log"} <= set(table.columns) or kept.all():
        return np.zeros(len(table), dtype=np.int8)
    # logs of an experiment are of one kind, and one of them is opened; others may be of anybody's
    alone = table["log"].where(table["world"].isna()) if "world" in table.columns else table["log"]
    codes = group_codes(table.assign(alone=alone), ("setting", "task", "alone", "scorer", "trait"))
    _, first = np.unique(codes, return_index=True)
    found = [
        (_text(setting), _text(task), _text(log), _text(scorer), _text(trait), _text(opened))
        for setting, task, scorer, trait, opened, log in zip(
            *(table[name].iloc[first] for name in ("setting", "task", "scorer", "trait", "log")),
            alone.iloc[first],
            strict=True,
        )
    ]
    scored: dict[tuple[str, str, str], dict[str, set[str]]] = {}
    for setting, task, log, scorer, trait, _ in found:
        scored.setdefault((setting, task, log), {}).setdefault(scorer, set()).add(trait)
    undeclared = np.zeros(len(found), dtype=bool)
    undeclared[codes[~kept]] = True
    shown = np.zeros(len(found), dtype=np.int8)
    for number in np.flatnonzero(undeclared):
        setting, task, log, scorer, trait, opened = found[number]
        if (definition := settings.get(setting)) is None or (about := task_of(opened)) is None:
            continue
        measured = {measure.full for measure in definition.measures_anywhere}
        if log and not about.name.startswith(OURS) and about.name not in measured:
            verdict = any(definition.is_about(task, one) for one in scored[setting, task, log][scorer])
            shown[number] = 0 if verdict and scorer in about.verdicts else OF_OTHERS
        elif about.traits and task in {name.rpartition("/")[2] for name in measured}:
            given = scored[setting, task, log]
            by_itself = any(trait in given[own] for own in about.own_scorers(given))
            shown[number] = 0 if by_itself else ADDED
    return np.asarray(shown[codes])


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)


class TaskOfALog(NamedTuple):
    """What the header of a log says of its task.

    Attributes:
        name: Its name, with the package that registers it if one does.
        traits: The traits that it scores by itself, as its metadata say; empty where they do not.
        scorers: Names of the scores, in the order in which their scorers were added.
        verdicts: Those of them that are verdicts of the suite, with the ratings of which they are made.
    """

    name: str
    traits: frozenset[str]
    scorers: tuple[str, ...]
    verdicts: frozenset[str]

    def own_scorers(self, scored: Mapping[str, set[str]]) -> list[str]:
        """The task's own scorers: those that first gave its traits. Further ones were added to the log.

        Args:
            scored: The traits in the log, by scorer.
        """
        own, missing = [], self.traits & {trait for of in scored.values() for trait in of}
        for name in dict.fromkeys([*self.scorers, *scored]):
            if missing and (given := self.traits & scored.get(name, set())):
                own.append(name)
                missing -= given
        return own


@lru_cache(maxsize=2**14)
def task_of(log: str) -> TaskOfALog | None:
    """What a log says of its task; None if it cannot be read.

    Args:
        log: Path or URL of the log.
    """
    try:
        if path := archive_path(log):
            with opened_archive(path) as archive:
                header = json.loads(archive.read("header.json"))["eval"]
        else:
            from inspect_ai.log import read_eval_log

            header = read_eval_log(log, header_only=True).eval.model_dump()
        return _task(header)
    except Exception:  # of a log that is gone or damaged, or of another suite, nothing is said
        return None


def _task(header: Mapping[str, Any]) -> TaskOfALog:
    named = (header.get("metadata") or {}).get("traits")
    traits = frozenset(map(str, named)) if isinstance(named, list | tuple) else frozenset[str]()
    name = str(header.get("task_registry_name") or header["task"])
    if traits and "/" not in name and not header.get("task_registry_name"):
        name = f"{OURS}{name}"  # earlier versions of Inspect do not say who registers it, its metadata do
    scorers: list[str] = []
    verdicts = set()
    for one in header.get("scorers") or []:
        base = str(one.get("name", "")).rpartition("/")[2]
        names = (
            base,
            *(f"{base}{number}" for number in range(1, len(scorers) + 1)),
        )  # as Inspect numbers them
        scorers.append(next(name for name in names if name not in scorers))
        metrics = one.get("metrics")
        if isinstance(metrics, list) and any(metric.get("name") == VERDICTS for metric in metrics):
            verdicts.add(scorers[-1])
    return TaskOfALog(name, traits, tuple(scorers), frozenset(verdicts))


def in_order(setting: Setting | None, estimates: "pd.DataFrame") -> list[str]:
    """The labels of rates in the order of a setting's measures, their traits and conditions.

    Args:
        setting: The setting; None keeps the order of the rates. Undeclared traits come last, in that order.
        estimates: What `estimates.rates` returns.
    """
    measures = setting.measures_anywhere if setting else ()
    by_label = {str(values["label"]): values for values in groups(estimates, (*ORDERED_BY, "label"))}

    def place(observed: Mapping[str, Any]) -> tuple[int, int, int]:
        condition = of_task(observed.get("condition")) or ""
        asking = [
            (number, measure)
            for number, measure in enumerate(measures)
            if observed.get("task") == measure.short and observed["trait"] in measure.traits
        ]
        if not asking:
            return len(measures), 0, int(bool(observed.get("condition")) and not condition)
        # of several with one task, that which names the question set, else one that names none
        named = [one for one in asking if one[1].questions == observed.get("questions")]
        number, measure = (named or [one for one in asking if not one[1].questions] or asking)[0]
        conditions = measure.conditions
        return (
            number,
            measure.traits.index(observed["trait"]),
            conditions.index(condition)
            if condition in conditions
            else len(conditions) + bool(observed.get("condition")),
        )

    return sorted(by_label, key=lambda label: place(by_label[label]))


def arms_in_order(table: "pd.DataFrame", settings: Mapping[str, Setting] = SETTINGS) -> tuple[str, ...]:
    """The arms of a table: the base, then those that its settings declare, in that order, then others.

    Args:
        table: Answers, rates or differences.
        settings: The settings by name; the suite's by default.
    """
    present = [str(arm) for arm in table["arm"].dropna().unique()]
    named = [settings[name] for name in dict.fromkeys(map(str, table["setting"])) if name in settings]
    declared = ["base", *(arm.name for setting in named for arm in setting.arms)]
    return tuple(dict.fromkeys([arm for arm in declared if arm in present] + present))


ORDERED_BY = ("task", "trait", "condition", "questions")
"""Columns that decide the position of a rate."""
