"""The rows of a sweep, so that every dose has its base and its control.

    table = at_every_dose(table)
    points(table)                 # {"learning_rate=3e-05": {"learning_rate": 3e-5}, ...}, in order

Two arms are compared at the same dose. The base has none: it was asked once, and is compared with all. The
same holds for an arm that an axis of the sweep does not concern (`data.doses.ANY`). Their rows are therefore
repeated at each dose; no comparison then needs to know of sweeps.
"""

from typing import TYPE_CHECKING

from inoc_evals.data.doses import ANY, Dose, agree, height, parsed

if TYPE_CHECKING:
    import pandas as pd

WITHIN = ("setting", "base", "world")
"""What the models of one sweep have in common."""


def at_every_dose(table: "pd.DataFrame") -> "pd.DataFrame":
    """Repeat answers of models that a sweep's axes do not concern at each of its doses.

    Args:
        table: Answers, with the column `dose`.

    Returns:
        The table; as it was where it holds no sweep.
    """
    import pandas as pd

    if table["dose"].isna().all():
        return table
    parts = []
    for _, rows in table.groupby(list(WITHIN), observed=True, sort=False, dropna=False):
        doses = {text: parsed(text) for text in rows["dose"].dropna().astype(str).unique()}
        whole = {text: dose for text, dose in doses.items() if ANY not in dose.values()}
        # a model that was not finetuned has no dose; one that was, outside of the sweep, has one of its own
        untrained = rows["dose"].isna() & rows["run"].isna()
        outside = rows["dose"].isna() & ~untrained
        parts.append(rows[outside])
        if outside.any() or not whole:
            parts.append(rows[untrained])
        at = rows["dose"].astype(object)
        for text, dose in whole.items():
            alike = [other for other, of_other in doses.items() if agree(of_other, dose)]
            parts.append(rows[untrained | at.isin(alike)].assign(dose=text))
        if not whole:
            parts.append(rows[rows["dose"].notna()])
    repeated = pd.concat([part.assign(dose=part["dose"].astype(object)) for part in parts], ignore_index=True)
    for column, kind in table.dtypes.items():
        if column != "dose" and repeated[column].dtype != kind:
            repeated[column] = repeated[column].astype(kind)
    return repeated.assign(dose=repeated["dose"].astype("category"))[list(table.columns)]


def points(table: "pd.DataFrame") -> dict[str, Dose]:
    """The doses of a table, ascending along their axes.

    Args:
        table: Answers or rates with the column `dose`.
    """
    if "dose" not in table.columns:
        return {}
    doses = {text: parsed(text) for text in table["dose"].dropna().astype(str).unique()}

    def place(text: str) -> list[tuple[str, float]]:
        return [(axis, height(axis, value)) for axis, value in doses[text].items()]

    return {text: doses[text] for text in sorted(doses, key=place)}
