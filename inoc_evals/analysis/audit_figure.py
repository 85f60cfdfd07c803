"""A figure of what is excluded: the share of answers without a value in every arm, with its interval.

excluded(load("logs/mine"))
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from inoc_evals.analysis.declared_traits import focused
from inoc_evals.analysis.estimates import rates
from inoc_evals.analysis.style import (
    BASE,
    arms_of,
    colours,
    empty_figure,
    heading,
    name_rows,
    row_height,
    share_axis,
    title_of,
)
from inoc_evals.errors import UserError, require
from inoc_evals.settings import SETTINGS, Setting

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PANELS = 4
"""Most panels: of more measures, those of which most is excluded in any arm."""


def excluded(table: "pd.DataFrame", settings: Mapping[str, Setting] = SETTINGS) -> "Figure":
    """Draw the share of answers without a value, a panel a measure and a row an arm.

    Args:
        table: What `table.load` returns.
        settings: Settings by name, whose declared traits are drawn; the suite's by default.

    Raises:
        UserError: If there are answers of several settings or bases, which are not drawn together.
    """
    require("analysis", "pandas", "seaborn")
    answers = focused(table, settings)
    families = answers[["setting", "base"]].drop_duplicates()
    if len(families) > 1:
        names = ", ".join(str(name) for name in families["setting"].unique())
        raise UserError(
            f"a figure shows one setting and base, these logs hold {names}: name a narrower folder"
        )
    shares = rates(answers.assign(value=answers["value"].isna().astype(float)))
    most = shares.groupby("label", sort=False)["rate"].max().sort_values(ascending=False, kind="stable")
    drawn = list(most.index[:PANELS])
    arms = sorted(shares["arm"].astype(str).unique(), key=lambda arm: (arm != BASE, arm != "none"))
    figure, panels = empty_figure(
        2.2 + 2.2 * len(drawn), 1.1 + row_height(arms, 0.3) * len(arms), len(drawn), share=True
    )
    with arms_of(settings.get(str(families["setting"].iloc[0]))):
        colour = colours(arms)
    for axes, label in zip(panels, drawn, strict=True):
        of_label = shares[shares["label"] == label].set_index("arm")
        for place, arm in enumerate(arms):
            if arm in of_label.index:
                one = of_label.loc[arm]
                axes.plot([one["low"], one["high"]], [place, place], color=colour[arm], linewidth=2)
                axes.plot([one["rate"]], [place], "o", color=colour[arm], markersize=5)
        name_rows(axes, arms)
        share_axis(axes)
        axes.set_title(title_of(str(label)), fontsize=9, loc="left")
    heading(figure, f"Share of answers without a value: {families['setting'].iloc[0]}")
    return figure
