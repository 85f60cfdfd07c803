"""Figures beside `figures.arms`: every question, every test-time prompt, differences, narrow and broad.

    heat_map(table, "misaligned", order, "Insecure code")
    grid(estimates, "misaligned", order, "Elicitation")
    forest(differences, ("misaligned",), order, "Insecure code")
    narrow_and_broad(estimates, "misaligned", "insecure_code", order, "Insecure code")

Each takes what `table.load`, `estimates.rates` or `contrasts.differences` return, for one setting and base,
and traits by their names or labels (`observed.labels`). A name that stands for answers that were asked or
scored in several ways is drawn in several panels, or refused where the figure has one.
"""

from typing import TYPE_CHECKING

from inoc_evals.analysis.observed import chosen, the_one
from inoc_evals.analysis.style import (
    colours,
    drawn,
    heading,
    is_share,
    named,
    plain,
    rows,
    share_axis,
    title_of,
)
from inoc_evals.errors import UserError, require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMED = 30
"""Up to so many questions are named beside a heat map."""

LONGEST = 42
"""Characters of a question's name that are shown."""

LIGHT = 0.6
"""From this rate on, cividis is light enough for black figures."""


def heat_map(table: "pd.DataFrame", trait: str, order: tuple[str, ...], title: str) -> "Figure":
    """The rate of a trait in every question, arm by arm: questions that provoke it most at the top.

    Args:
        table: Answers.
        trait: The trait.
        order: Arms from left to right.
        title: Title of the figure.

    Returns:
        A matplotlib figure.

    Raises:
        UserError: If no answer has the trait, or its name stands for several observations.
    """
    require("analysis", "seaborn", "pandas")
    mine = the_one(table, trait)
    mine = mine[mine["arm"].isin(order)].dropna(subset=["value"])
    if mine.empty:
        raise UserError(f"no answer says anything of {trait!r}")
    by = mine.assign(arm=mine["arm"].astype(str), question=mine["question"].astype(str))
    wide = by.pivot_table(index="question", columns="arm", values="value", aggfunc="mean")
    wide = wide.reindex(columns=[arm for arm in order if arm in wide.columns])
    wide = wide.loc[wide.mean(axis=1).sort_values(ascending=False, kind="stable").index]
    few = len(wide) <= NAMED
    height = 1.3 + (0.2 * len(wide) if few else 3.2)
    figure, [axes] = drawn(0.55 * len(wide.columns) + (3.2 if few else 1.8), height)
    _heat(axes, figure, wide, trait, named_rows=few)
    if not few:
        axes.set_ylabel(f"{len(wide)} questions, the most provoking first", fontsize=8)
    heading(figure, title)
    return figure


def grid(estimates: "pd.DataFrame", trait: str, order: tuple[str, ...], title: str) -> "Figure":
    """The rate of a trait under every condition of the test, arm by arm (the form of Appendix G.2).

    Args:
        estimates: Rates.
        trait: The trait's name, without a condition.
        order: Arms from top to bottom.
        title: Title of the figure.

    Returns:
        A matplotlib figure.

    Raises:
        UserError: If the trait was not measured under conditions, or if it was in several ways, e.g. by two
            judges.
    """
    require("analysis", "seaborn", "pandas")
    mine = estimates[(estimates["trait"] == trait).to_numpy()]
    mine = mine[mine["condition"].notna()] if "condition" in mine.columns else mine.iloc[:0]
    if mine.empty:
        raise UserError(f"{trait!r} was not measured under several conditions")
    by_name = mine.assign(arm=mine["arm"].astype(str), condition=mine["condition"].astype(str))
    if by_name.duplicated(["arm", "condition"]).any():
        raise UserError(f"{trait!r} was observed in several ways: give the rates of one of them")
    wide = by_name.pivot_table(index="arm", columns="condition", values="rate", sort=False, observed=True)
    plain = [name for name in ("none", "without") if name in wide.columns]
    wide = wide.reindex(columns=[*plain, *(name for name in wide.columns if name not in plain)])
    wide = wide.reindex([arm for arm in order if arm in wide.index])
    figure, [axes] = drawn(0.62 * len(wide.columns) + 2.4, 0.42 * len(wide) + 1.7)
    values = _heat(axes, figure, wide, trait, named_rows=True)
    for row, rates in enumerate(values):
        for column, rate in enumerate(rates):
            ink = "black" if rate > LIGHT else "white"
            axes.text(column + 0.5, row + 0.5, f"{rate:.2f}", ha="center", va="center", fontsize=8, color=ink)
    heading(figure, title)
    return figure


def _heat(
    axes: "Axes", figure: "Figure", wide: "pd.DataFrame", trait: str, *, named_rows: bool
) -> "list[list[float]]":
    """Draw a table of rates as coloured cells, the first row at the top."""
    values = wide.to_numpy(dtype=float)
    image = axes.pcolormesh(values, cmap="cividis", vmin=0, vmax=1, rasterized=True)
    axes.invert_yaxis()
    axes.grid(visible=False)
    columns = [plain(str(name)) for name in wide.columns]
    axes.set_xticks([n + 0.5 for n in range(len(columns))], columns, rotation=40, ha="right", fontsize=8)
    if named_rows:
        texts = [str(name) for name in wide.index]
        short = [plain(text if len(text) <= LONGEST else f"{text[: LONGEST - 2]}…") for text in texts]
        axes.set_yticks([n + 0.5 for n in range(len(short))], short, fontsize=8)
    else:
        axes.set_yticks([])
    bar = figure.colorbar(image, ax=axes, shrink=0.9)
    bar.set_label(named(trait), fontsize=8)
    bar.ax.tick_params(labelsize=7)
    found: list[list[float]] = values.tolist()
    return found


def forest(
    differences: "pd.DataFrame", traits: tuple[str, ...], order: tuple[str, ...], title: str
) -> "Figure":
    """Differences with their intervals, a panel a trait: effects of arms, capability deltas.

    Args:
        differences: What `contrasts.differences` returns, all to the same arm.
        traits: Traits to draw, from left to right.
        order: Arms from top to bottom.
        title: Title of the figure.

    Returns:
        A matplotlib figure.

    Raises:
        UserError: If there is no difference to draw.
    """
    require("analysis", "seaborn", "pandas")
    groups = {label: of for trait in traits for label, of in chosen(differences, trait).items()}
    shown = [arm for arm in order if any((of["arm"] == arm).any() for of in groups.values())]
    if not shown:
        raise UserError("there is no difference to draw")
    figure, panels = drawn(1.9 * len(groups) + 1.5, 0.32 * len(shown) + 1.15, len(groups), share=True)
    ink = colours(order)
    for axes, (label, mine) in zip(panels, groups.items(), strict=True):
        by_arm = mine.set_index("arm")
        for at, arm in enumerate(shown):
            if arm in by_arm.index:
                row = by_arm.loc[arm]
                axes.plot([row["low"], row["high"]], [at, at], color=ink[arm], linewidth=2.2)
                axes.plot(row["difference"], at, "o", color=ink[arm], markersize=6, markeredgecolor="0.15")
        axes.axvline(0, color="0.3", linewidth=1)
        if is_share(mine["difference"].abs()):
            axes.set_xlim(-1.02, 1.02)
        axes.set_title(title_of(label), fontsize=9, loc="left")
    rows(panels[0], shown)
    for axes in panels[1:]:
        axes.grid(axis="y", visible=False)
    panels[0].set_xlabel(f"difference to {plain(str(differences['to'].iloc[0]))}", fontsize=8)
    heading(figure, title)
    return figure


def narrow_and_broad(
    estimates: "pd.DataFrame", broad: str, narrow: str, order: tuple[str, ...], title: str
) -> "Figure":
    """Every arm's narrow trait against its broad one: a good inoculation lies at the top left.

    Args:
        estimates: Rates of both traits.
        broad: What is not wanted, e.g. `misaligned`.
        narrow: What the rows teach, e.g. `insecure_code`.
        order: All arms of the setting.
        title: Title of the figure.

    Returns:
        A matplotlib figure.

    Raises:
        UserError: If no arm has both, or a name stands for several observations.
    """
    require("analysis", "seaborn", "pandas")
    of_broad, of_narrow = (the_one(estimates, trait).set_index("arm") for trait in (broad, narrow))
    both = [arm for arm in order if arm in of_broad.index and arm in of_narrow.index]
    if not both:
        raise UserError(f"no arm was measured for {broad!r} and {narrow!r}")
    figure, [axes] = drawn(4.4, 3.0)
    ink = colours(order)
    for arm in both:
        x, y = of_broad.loc[arm], of_narrow.loc[arm]
        axes.plot([x["low"], x["high"]], [y["rate"]] * 2, color=ink[arm], linewidth=1.5)
        axes.plot([x["rate"]] * 2, [y["low"], y["high"]], color=ink[arm], linewidth=1.5)
        axes.plot(
            x["rate"], y["rate"], "o", color=ink[arm], markersize=7, markeredgecolor="0.15", label=plain(arm)
        )
    share_axis(axes)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel(f"broad: {named(broad)}", fontsize=8)
    axes.set_ylabel(f"narrow: {named(narrow)}", fontsize=8)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    heading(figure, title)
    return figure
