"""The traits that a setting is about, without all else that its tasks' scores happen to say.

focused(load("logs/reproduce"))
in_order(SETTINGS["backdoor"], rates(table))      # ["misaligned | trigger", "misaligned | without", ...]
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.observed import group_codes, groups
from inoc_evals.data.conditions import of_task
from inoc_evals.settings import SETTINGS, Setting

if TYPE_CHECKING:
    import pandas as pd


def focused(table: "pd.DataFrame", settings: Mapping[str, Setting] = SETTINGS) -> "pd.DataFrame":
    """Keep the rows whose trait, under its condition, is one that the row's setting is about.

    Args:
        table: What `table.load` returns.
        settings: The settings by name; the suite's by default.

    Returns:
        Those rows, and all rows of other settings: it is not known what those are about.
    """
    by = ("setting", "task", "trait", "condition")
    declared = []
    for observed in groups(table, by):
        known = settings.get(str(observed["setting"]))
        own = of_task(observed.get("condition")) or ""
        declared.append(known is None or known.is_about(str(observed["task"]), str(observed["trait"]), own))
    return table[[declared[code] for code in group_codes(table, by)]]


def in_order(setting: Setting | None, estimates: "pd.DataFrame") -> list[str]:
    """The labels of rates in the order of a setting's measures, their traits and conditions.

    Args:
        setting: The setting; None keeps the order of the rates, as undeclared traits do, which come last.
        estimates: What `estimates.rates` returns.
    """
    measures = setting.measures_anywhere if setting else ()
    by_label = {str(values["label"]): values for values in groups(estimates, (*PLACED, "label"))}

    def place(observed: Mapping[str, Any]) -> tuple[int, int, int]:
        condition = of_task(observed.get("condition")) or ""
        for number, measure in enumerate(measures):
            if observed.get("task") == measure.task and observed["trait"] in measure.traits:
                own = measure.conditions
                return (
                    number,
                    measure.traits.index(observed["trait"]),
                    own.index(condition) if condition in own else len(own) + bool(observed.get("condition")),
                )
        return len(measures), 0, int(bool(observed.get("condition")) and not condition)

    return sorted(by_label, key=lambda label: place(by_label[label]))


PLACED = ("task", "trait", "condition")
"""What decides the place of a rate."""
