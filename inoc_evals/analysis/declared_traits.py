"""Select and order the traits that a setting declares; its tasks' scores may hold others as well.

focused(load("logs/reproduce"))
in_order(SETTINGS["backdoor"], rates(table))      # ["misaligned | trigger", "misaligned | without", ...]
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.eval_archive import archive_path, opened_archive
from inoc_evals.analysis.observed import group_codes, groups
from inoc_evals.data.conditions import of_task
from inoc_evals.settings import SETTINGS, Setting

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def focused(table: "pd.DataFrame", settings: Mapping[str, Setting] = SETTINGS) -> "pd.DataFrame":
    """Keep the rows whose trait, under its condition, the row's setting declares, or whose scorer was added.

    Args:
        table: What `table.load` returns.
        settings: The settings by name; the suite's by default.

    Returns:
        Those rows, those of scorers that a log has beside its task's own (whoever ran `inspect score --action
        append` wants to see them), all rows of settings of which no declared trait is known or in the table
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
    kept |= _appended(table, kept, settings)
    if {"scorer", "value", "log"} <= set(table.columns):
        of_a_log = [table["log"].astype(str), table["scorer"].astype(str)]
        was_read = table["value"].notna().groupby(of_a_log).transform("any").to_numpy(dtype=bool)
        # a rating may have its scorer's name, too; one that read other answers names its traits
        kept |= ~was_read & (table["trait"].astype(str) == table["scorer"].astype(str)).to_numpy()
    known = set(table["setting"][kept].astype(str))
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


def _appended(table: "pd.DataFrame", kept: "np.ndarray", settings: Mapping[str, Setting]) -> "np.ndarray":
    """Of every row, whether its scorer was added to the log of a measure of its setting.

    Args:
        table: As for `focused`.
        kept: Of every row, whether the setting declares its trait.
        settings: As for `focused`.
    """
    import numpy as np

    added = np.zeros(len(table), dtype=bool)
    if not {"scorer", "log"} <= set(table.columns) or kept.all():
        return added
    by = ("setting", "task", "scorer")
    codes = group_codes(table, by)
    for code, observed in enumerate(groups(table, by)):
        definition, mine = settings.get(str(observed["setting"])), codes == code
        measured = definition is not None and any(
            measure.task == observed["task"] for measure in definition.measures_anywhere
        )
        if not measured or kept[mine].any():
            continue
        rows = table[mine]
        own = traits_of_task(str(rows["log"].iloc[0]))
        if own and not own & set(rows["trait"].astype(str)):
            added |= mine
    return added


@lru_cache(maxsize=1024)
def traits_of_task(log: str) -> frozenset[str]:
    """The traits that a log's task scores by itself, as its metadata say; empty where they do not.

    Args:
        log: Path or URL of the log.
    """
    try:
        if path := archive_path(log):
            with opened_archive(path) as archive:
                about = json.loads(archive.read("header.json"))["eval"].get("metadata")
        else:
            from inspect_ai.log import read_eval_log

            about = read_eval_log(log, header_only=True).eval.metadata
        named = (about or {}).get("traits")
    except Exception:  # of a log that is gone or damaged, or of another suite, nothing is said
        return frozenset()
    return frozenset(map(str, named)) if isinstance(named, list | tuple) else frozenset()


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
