"""Figures of two things that were measured of the same models: two traits, or two ratings of each answer.

    two_traits(table, rates(table), "spanish", "caps", ("base", "none", "spanish-inoc"), "A title")
    two_ratings(judged, "alignment", "coherence", ("base", "none", "general-inoc"), "A title", lines=(50, 30))

The first shows whether an inoculation keeps one trait out and leaves the other in. The second shows what lies
behind a rate that comes of thresholds: do answers crowd at them, and how many are too incoherent to count?
"""

import math
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.observed import chosen, the_one
from inoc_evals.analysis.observed import labels as group_labels
from inoc_evals.analysis.style import (
    Colour,
    arm_name,
    colours,
    empty_figure,
    empty_grid,
    heading,
    is_share,
    literal_text,
    share_axis,
    trait_name,
)
from inoc_evals.errors import UserError, require

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4
"""Maximal number of arms side by side."""

HIGHEST = 100
"""The highest rating."""

CELL = 5
"""Side of a cell of ratings, in points."""

ANSWER = ("log", "sample", "epoch")
"""Columns that name an answer."""


def two_traits(
    table: "pd.DataFrame", estimates: "pd.DataFrame", x: str, y: str, order: tuple[str, ...], title: str
) -> "Figure":
    """Two rates of every model, one against the other, and every arm's mean (the form of Appendix A).

    Args:
        table: Answers.
        estimates: What `estimates.rates` made of them.
        x: The trait from left to right, by its name or label.
        y: The trait from bottom to top.
        order: All arms of the setting.
        title: Title of the figure.

    Returns:
        A matplotlib figure: a point per model, a diamond with both intervals per arm, and the diagonal on
        which the two rates are equal.

    Raises:
        UserError: If no arm has both traits, one of them is not a share of answers, or a name stands for
            several groups.
    """
    require("analysis", "seaborn", "pandas")
    of_x, of_y = (the_one(estimates, trait).set_index("arm") for trait in (x, y))
    both = [arm for arm in order if arm in of_x.index and arm in of_y.index]
    if not both:
        raise UserError(f"no arm was measured for {x!r} and {y!r}")
    if not is_share([*of_x["rate"], *of_y["rate"]]):
        raise UserError(f"{x!r} and {y!r} are not both shares of answers")
    figure, [axes] = empty_figure(4.8, 3.3)
    axes.plot([0, 1], [0, 1], linestyle=(0, (4, 3)), color="0.55", linewidth=1, zorder=1)
    colour, row_labels = colours(order), group_labels(table, among=estimates)
    models = [_of_models(table[(row_labels == _label(estimates, t)).to_numpy()]) for t in (x, y)]
    for arm in both:
        points = [
            (seed, rate) for seed, rate in models[0].get(arm, {}).items() if seed in models[1].get(arm, {})
        ]
        axes.scatter(
            [rate for _, rate in points],
            [models[1][arm][seed] for seed, _ in points],
            s=26,
            color=[colour[arm]],
            alpha=0.55,
            linewidth=0,
            zorder=3,
        )
        _cross(axes, of_x.loc[arm], of_y.loc[arm], colour[arm], arm_name(arm))
    share_axis(axes)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"], fontsize=8)
    axes.set_aspect("equal")
    axes.set_xlabel(f"{trait_name(x)}: share of answers", fontsize=8)
    axes.set_ylabel(f"{trait_name(y)}: share of answers", fontsize=8)
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), frameon=False, fontsize=8)
    heading(figure, title)
    return figure


def _label(estimates: "pd.DataFrame", name: str) -> str:
    """The label of the one group that a name stands for."""
    return next(iter(chosen(estimates, name)))


def _of_models(answers: "pd.DataFrame") -> dict[str, dict[str, float]]:
    """The rate of every model, by arm and seed; models without a scored answer are left out."""
    scored = answers.dropna(subset=["value"])
    by_arm: dict[str, dict[str, float]] = {}
    for arm, of_arm in scored.groupby("arm", observed=True):
        means = of_arm.groupby("seed", dropna=False, observed=True)["value"].mean()
        # of a base model the seed is "nan"
        by_arm[str(arm)] = {str(seed): float(rate) for seed, rate in zip(means.index, means, strict=True)}
    return by_arm


def _cross(axes: "Axes", x: Any, y: Any, colour: Colour, label: str) -> None:
    """An arm's mean with the intervals of both rates, each a row of estimates."""
    axes.plot([x["low"], x["high"]], [y["rate"]] * 2, color=colour, linewidth=1.5, zorder=4)
    axes.plot([x["rate"]] * 2, [y["low"], y["high"]], color=colour, linewidth=1.5, zorder=4)
    axes.plot(
        x["rate"], y["rate"], "D", color=colour, markersize=4.5, markeredgecolor="0.15", label=label, zorder=5
    )


def two_ratings(
    table: "pd.DataFrame",
    x: str,
    y: str,
    order: tuple[str, ...],
    title: str,
    lines: tuple[float | None, float | None] = (None, None),
    caption: str = "",
) -> "Figure":
    """How often a judge gave each pair of ratings: a panel per arm, with the distribution of each rating.

    Args:
        table: Answers that were asked and judged alike, with both ratings, 0 to 100, as traits.
        x: The rating from left to right.
        y: The rating from bottom to top.
        order: Arms from left to right.
        title: Title of the figure.
        lines: Thresholds of both ratings; None draws none.
        caption: What the lines are, for the foot of the figure.

    Returns:
        A matplotlib figure. Answers without one of the ratings are left out; `n` counts the others.

    Raises:
        UserError: If no answer has both ratings.
    """
    require("analysis", "seaborn", "pandas")
    pairs = _pairs(table, x, y)
    arms = [arm for arm in order if arm in pairs]
    if not arms:
        raise UserError(f"no answer was rated for {x!r} and {y!r}")
    columns = min(COLUMNS, len(arms))
    rows = math.ceil(len(arms) / columns)
    figure, panels = empty_grid(1.75 * columns + 1.2, 2.0 * rows + 0.75, rows, columns)
    colour = colours(order)
    shares = {arm: _shares(pairs[arm]) for arm in arms}
    # the tallest bar of all sides fills its side
    highest = max(float(of_arm.sum(axis=side).max()) for of_arm in shares.values() for side in (0, 1))
    for number, (axes, arm) in enumerate(zip(panels, arms, strict=False)):
        name = f"{arm_name(arm)}, n {len(pairs[arm]):,}"
        image = _density(axes, shares[arm], highest, colour[arm], lines, name)
        last_in_column = number + columns >= len(arms)
        axes.tick_params(labelleft=number % columns == 0, labelbottom=last_in_column)
        axes.set_xlabel(f"{trait_name(x)}, 0 to {HIGHEST}" if last_in_column else "", fontsize=8)
        axes.set_ylabel(f"{trait_name(y)}, 0 to {HIGHEST}" if number % columns == 0 else "", fontsize=8)
    for axes in panels[len(arms) :]:
        axes.set_axis_off()
    bar = figure.colorbar(image, ax=panels, shrink=0.8, aspect=30)
    bar.set_ticks([0.001, 0.01, 0.1, 1], labels=[".1 %", "1 %", "10 %", "100 %"])
    bar.set_label("share of the arm's answers", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    if caption:
        figure.supxlabel(literal_text(caption), fontsize=8, x=0.01, ha="left")
    heading(figure, title)
    return figure


def _pairs(table: "pd.DataFrame", x: str, y: str) -> dict[str, "pd.DataFrame"]:
    """By arm, both ratings of every answer that has both."""
    rated = table[table["trait"].isin([x, y])].dropna(subset=["value"])
    named = rated.assign(
        **{column: rated[column].astype(str) for column in ("arm", "trait", "log", "sample")}
    )
    wide = named.pivot_table(index=["arm", *ANSWER], columns="trait", values="value", aggfunc="first")
    if not {x, y} <= set(wide.columns):
        return {}
    return {str(arm): of_arm[[x, y]] for arm, of_arm in wide.dropna(subset=[x, y]).groupby(level="arm")}


def _edges() -> "np.ndarray":
    """The edges of cells of ratings; the last cell holds ratings of 100 alone."""
    import numpy as np

    return np.arange(0, HIGHEST + CELL + 1, CELL)


def _shares(pairs: "pd.DataFrame") -> "np.ndarray":
    """The share of answers in every cell of two ratings."""
    import numpy as np

    x, y = pairs.to_numpy(dtype=float).T
    counts: np.ndarray = np.histogram2d(x, y, bins=[_edges(), _edges()])[0]
    shares: np.ndarray = counts / len(pairs)
    return shares


def _density(
    axes: "Axes",
    shares: "np.ndarray",
    highest: float,
    colour: Colour,
    lines: tuple[float | None, float | None],
    title: str,
) -> Any:
    """One arm: cells of ratings by their share of answers, with the share of each rating at two sides."""
    import numpy as np
    from matplotlib.colors import LogNorm

    edges = _edges()
    image = axes.pcolormesh(
        edges,
        edges,
        np.ma.masked_equal(shares.T, 0),
        cmap="cividis_r",
        norm=LogNorm(0.001, 1, clip=True),
        rasterized=True,
    )
    above, beside = axes.inset_axes((0, 1.03, 1, 0.2)), axes.inset_axes((1.03, 0, 0.2, 1))
    above.bar(edges[:-1], shares.sum(axis=1), width=CELL, align="edge", color=colour)
    beside.barh(edges[:-1], shares.sum(axis=0), height=CELL, align="edge", color=colour)
    above.set_xlim(0, edges[-1])
    beside.set_ylim(0, edges[-1])
    above.set_ylim(0, highest)
    beside.set_xlim(0, highest)
    above.set_title(title, fontsize=8, loc="left", pad=2)
    for margin in (above, beside):
        margin.set_axis_off()
    for at, draws in ((lines[0], (axes.axvline, above.axvline)), (lines[1], (axes.axhline, beside.axhline))):
        if at is not None:
            for draw in draws:
                draw(at, color="0.1", linewidth=1, linestyle=(0, (3, 2)))
    ticks = [0, 50, 100]
    axes.set(xlim=(0, edges[-1]), ylim=(0, edges[-1]), xticks=ticks, yticks=ticks)
    return image
