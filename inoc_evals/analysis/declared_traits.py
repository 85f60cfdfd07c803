"""The traits that a setting is about, without all else that its tasks' scores happen to say.

focused(load("logs/reproduce"))
"""

from typing import TYPE_CHECKING

from inoc_evals.settings import SETTINGS

if TYPE_CHECKING:
    import pandas as pd


def focused(table: "pd.DataFrame") -> "pd.DataFrame":
    """Keep the rows whose trait is one that the row's setting is about.

    Args:
        table: What `table.load` returns.

    Returns:
        Those rows, and all rows of settings that are not the suite's: nobody has said what those are about.
    """
    known = {
        (setting, task, trait): setting not in SETTINGS or SETTINGS[setting].is_about(task, trait)
        for setting, task, trait in table[["setting", "task", "trait"]]
        .drop_duplicates()
        .astype(str)
        .itertuples(index=False)
    }
    names = zip(
        table["setting"].astype(str), table["task"].astype(str), table["trait"].astype(str), strict=True
    )
    return table[[known[name] for name in names]]
