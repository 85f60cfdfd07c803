"""Figures beside `figures.arms`: every question, every test-time prompt, differences, narrow and broad.

    heat_map(table, "misaligned", order, "Insecure code")
    grid(estimates, "misaligned", order, "Elicitation")
    forest(differences, ("misaligned",), order, "Insecure code")
    narrow_and_broad(estimates, "misaligned", "insecure_code", order, "Insecure code")

Each takes what `table.load`, `estimates.rates` or `contrasts.differences` return, for one setting and base,
and traits by their names or labels (`observed.labels`). If a name stands for answers that were asked or
scored in several ways, each way has a panel; a figure with only one panel raises an error.
"""

import textwrap
from typing import TYPE_CHECKING

from inoc_evals.analysis.observed import chosen, the_one
from inoc_evals.analysis.style import (
    SHARE,
    TITLE_WIDTH,
    arm_name,
    colours,
    empty_figure,
    heading,
    is_share,
    literal_text,
    name_rows,
    row_height,
    share_axis,
    title_of,
    trait_name,
    unit,
)
from inoc_evals.errors import UserError, require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMED = 30
"""Maximal number of questions that a heat map names."""

LONGEST = 42
"""Maximal length of a question's name, in characters."""

LIGHT = 0.6
"""Above this rate, the colour map is light enough for black text."""

DARK_INK, LIGHT_INK = "#000001", "#fffffe"
"""Of text on cells: no pure greys, so that a dark page leaves them as they are."""


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
        UserError: If no answer has the trait, or its name stands for several groups.
    """
    require("analysis", "seaborn", "pandas")
    answers = the_one(table, trait)
    answers = answers[answers["arm"].isin(order)].dropna(subset=["value"])
    if answers.empty:
        raise UserError(f"no answer was scored for {trait!r}")
    by_name = answers.assign(arm=answers["arm"].astype(str), question=answers["question"].astype(str))
    wide = by_name.pivot_table(index="question", columns="arm", values="value", aggfunc="mean")
    wide = wide.reindex(columns=[arm for arm in order if arm in wide.columns])
    wide = wide.loc[wide.mean(axis=1).sort_values(ascending=False, kind="stable").index]
    few = len(wide) <= NAMED
    height = 1.3 + (0.2 * len(wide) if few else 3.2)
    figure, [axes] = empty_figure(0.55 * len(wide.columns) + (3.2 if few else 1.8), height)
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
        UserError: If the trait was not measured under conditions, or was measured in several ways, e.g.
            by two judges.
    """
    require("analysis", "seaborn", "pandas")
    of_trait = estimates[(estimates["trait"] == trait).to_numpy()]
    of_trait = (
        of_trait[of_trait["condition"].notna()] if "condition" in of_trait.columns else of_trait.iloc[:0]
    )
    if of_trait.empty:
        raise UserError(f"{trait!r} was not measured under several conditions")
    by_name = of_trait.assign(arm=of_trait["arm"].astype(str), condition=of_trait["condition"].astype(str))
    if by_name.duplicated(["arm", "condition"]).any():
        raise UserError(f"{trait!r} was observed in several ways: pass the rates of only one of them")
    wide = by_name.pivot_table(index="arm", columns="condition", values="rate", sort=False, observed=True)
    unprompted = [name for name in ("none", "without") if name in wide.columns]
    wide = wide.reindex(columns=[*unprompted, *(name for name in wide.columns if name not in unprompted)])
    wide = wide.reindex([arm for arm in order if arm in wide.index])
    figure, [axes] = empty_figure(0.62 * len(wide.columns) + 2.4, 0.42 * len(wide) + 1.7)
    values = _heat(axes, figure, wide, trait, named_rows=True)
    for row, rates in enumerate(values):
        for column, rate in enumerate(rates):
            ink = DARK_INK if rate > LIGHT else LIGHT_INK
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
    columns = [arm_name(str(name)) for name in wide.columns]
    axes.set_xticks([n + 0.5 for n in range(len(columns))], columns, rotation=40, ha="right", fontsize=8)
    if named_rows:
        texts = [str(name) for name in wide.index]
        short = [literal_text(text if len(text) <= LONGEST else f"{text[: LONGEST - 2]}…") for text in texts]
        axes.set_yticks([n + 0.5 for n in range(len(short))], short, fontsize=8)
    else:
        axes.set_yticks([])
    bar = figure.colorbar(image, ax=axes, shrink=0.9)
    # a long label would be cut at the height of few rows
    bar.set_label("\n".join(textwrap.wrap(f"{trait_name(trait)}: share of answers", TITLE_WIDTH)), fontsize=8)
    bar.ax.tick_params(labelsize=7)
    cells: list[list[float]] = values.tolist()
    return cells


def forest(
    differences: "pd.DataFrame", traits: tuple[str, ...], order: tuple[str, ...], title: str
) -> "Figure":
    """Differences with their intervals, one panel per trait: effects of arms, capability deltas.

    Args:
        differences: What `contrasts.differences` returns, all to the same arm.
        traits: Traits to draw, from left to right.
        order: Arms from top to bottom.
        title: Title of the figure.

    Returns:
        A matplotlib figure.

    Raises:
        UserError: If no difference can be drawn.
    """
    require("analysis", "seaborn", "pandas")
    groups = {label: group for trait in traits for label, group in chosen(differences, trait).items()}
    shown = [arm for arm in order if any((group["arm"] == arm).any() for group in groups.values())]
    if not shown:
        raise UserError("no difference to draw: no arm was compared for these traits")
    figure, panels = empty_figure(
        1.9 * len(groups) + 1.5, row_height(shown, 0.32) * len(shown) + 1.35, len(groups), share=True
    )
    colour, compared = colours(order), arm_name(str(differences["to"].iloc[0]))
    for axes, (label, group) in zip(panels, groups.items(), strict=True):
        by_arm = group.set_index("arm")
        for y, arm in enumerate(shown):
            if arm in by_arm.index:
                row = by_arm.loc[arm]
                axes.plot([row["low"], row["high"]], [y, y], color=colour[arm], linewidth=2.2)
                axes.plot([row["low"], row["high"]], [y, y], "|", color=colour[arm], markersize=9)
                axes.plot(row["difference"], y, "o", color=colour[arm], markersize=4.5)
        axes.axvline(0, color="0.3", linewidth=1)
        size = group[["difference", "low", "high"]].abs().stack()  # a small difference of ratings is no share
        if is_share(size):
            axes.set_xlim(-1.02, 1.02)
        of_unit = unit(str(group["trait"].iloc[0]), size)
        axes.set_xlabel(f"difference to {compared}\n({of_unit})", fontsize=8)
        axes.set_title(title_of(label), fontsize=9, loc="left")
    name_rows(panels[0], shown)
    for axes in panels[1:]:
        axes.grid(axis="y", visible=False)
    heading(figure, title)
    return figure


def narrow_and_broad(
    estimates: "pd.DataFrame", broad: str, narrow: str, order: tuple[str, ...], title: str
) -> "Figure":
    """Every arm's narrow trait against its broad one: a good inoculation lies at the top left.

    Args:
        estimates: Rates of both traits.
        broad: The unwanted trait, e.g. `misaligned`.
        narrow: The trait that the rows teach, e.g. `insecure_code`.
        order: All arms of the setting.
        title: Title of the figure.

    Returns:
        A matplotlib figure.

    Raises:
        UserError: If no arm has both, or a name stands for several groups.
    """
    require("analysis", "seaborn", "pandas")
    of_broad, of_narrow = (the_one(estimates, trait).set_index("arm") for trait in (broad, narrow))
    both = [arm for arm in order if arm in of_broad.index and arm in of_narrow.index]
    if not both:
        raise UserError(f"no arm was measured for {broad!r} and {narrow!r}")
    figure, [axes] = empty_figure(4.4, 3.0)
    colour = colours(order)
    for arm in both:
        x, y = of_broad.loc[arm], of_narrow.loc[arm]
        axes.plot([x["low"], x["high"]], [y["rate"]] * 2, color=colour[arm], linewidth=1.5)
        axes.plot([x["rate"]] * 2, [y["low"], y["high"]], color=colour[arm], linewidth=1.5)
        axes.plot(
            x["rate"],
            y["rate"],
            "o",
            color=colour[arm],
            markersize=7,
            markeredgecolor="0.15",
            label=arm_name(arm),
        )
    share_axis(axes)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel(f"broad: {trait_name(broad)}, {SHARE}", fontsize=8)
    axes.set_ylabel(f"narrow: {trait_name(narrow)}, {SHARE}", fontsize=8)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    heading(figure, title)
    return figure
