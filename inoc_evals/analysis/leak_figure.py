"""The leak grid as a figure: arms by prompts, each cell the leak with the rate under it.

    for heading, figure in leak_figures(leaks(load("logs/spanish_leak")), "Where Spanish comes back"): ...
    leak_figure(found.grid, order, "Where Spanish comes back")        # of one trait, asked and scored one way

The first row is the base: what every prompt brings out of it, which is no leak. An asterisk marks a leak that
is significant after Holm's correction, a frame an arm's own training prompt.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.leaks import WAY, Leaks
from inoc_evals.analysis.observed import distinctions, groups, records, split
from inoc_evals.analysis.style import (
    arm_name,
    colours,
    empty_figure,
    heading,
    literal_text,
    sentence,
    trait_name,
)
from inoc_evals.data.prompt_categories import CATEGORIES
from inoc_evals.errors import UserError, require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ORDER = tuple(CATEGORIES)

LIGHT = 0.55
"""Below this absolute leak, the colour map is light enough for black text."""


def leak_figures(found: Leaks, title: str, order: Sequence[str] = ()) -> "Iterator[tuple[str, Figure]]":
    """Draw every grid.

    Args:
        found: What `leaks` returns.
        title: Title of the figures.
        order: Arms from top to bottom; others follow.

    Yields:
        A heading, and the figure of one trait, asked and scored one way.
    """
    parts = list(split(found.grid, WAY))
    which = distinctions([way for way, _ in parts])
    for (way, rows), apart in zip(parts, which, strict=True):
        name = f"{sentence(str(way['trait']))} under every prompt, less the base's"
        yield f"{name}, {apart}" if apart else name, leak_figure(rows, order, title, found.base)


def leak_figure(grid: "pd.DataFrame", order: Sequence[str], title: str, base: str = "base") -> "Figure":
    """Draw one grid.

    Args:
        grid: Rows of `Leaks.grid`, of one trait that was asked and scored in one way.
        order: Arms from top to bottom; others follow.
        title: Title of the figure.
        base: Name of what the arms are compared with.

    Returns:
        A matplotlib figure.

    Raises:
        UserError: If there is no leak to draw, or the rows are of several traits or ways.
    """
    require("analysis", "seaborn", "pandas")
    import seaborn as sns

    if grid.empty:
        raise UserError("no leak to draw: no prompt was asked of an arm and of the base")
    if len(groups(grid, WAY)) > 1:
        raise UserError("these leaks were observed in several ways: pass the grid of only one of them")
    rows = records(grid)
    columns = sorted(dict.fromkeys(map(_column, rows)), key=lambda column: ORDER.index(column[0]))
    present = list(dict.fromkeys(str(row["arm"]) for row in rows))
    arms = [*(arm for arm in order if arm in present), *(arm for arm in present if arm not in order)]
    names = [base, *arms]
    figure, [axes] = empty_figure(0.66 * len(columns) + 2.6, 0.5 * len(names) + 2.5)
    values = [[0.0] * len(columns)] + [[float("nan")] * len(columns) for _ in arms]
    for row in rows:
        place = columns.index(_column(row))
        values[1 + arms.index(str(row["arm"]))][place] = row["leak"]
    image = axes.pcolormesh(
        values, cmap=sns.color_palette("vlag", as_cmap=True), vmin=-1, vmax=1, edgecolors="white", linewidth=1
    )
    axes.invert_yaxis()
    axes.grid(visible=False)
    for row in rows:
        place = columns.index(_column(row))
        _cell(axes, place, 1 + arms.index(str(row["arm"])), row)
    for column, rate in {_column(row): row["base_rate"] for row in rows}.items():
        axes.text(columns.index(column) + 0.5, 0.5, _share(rate), ha="center", va="center", fontsize=7.5)
    conditions = [literal_text(name) for _, name, _ in columns]
    axes.set_xticks([n + 0.5 for n in range(len(columns))], conditions, rotation=40, ha="right", fontsize=8)
    axes.set_yticks([n + 0.5 for n in range(len(names))], [arm_name(name) for name in names], fontsize=8)
    for label, colour in zip(axes.get_yticklabels(), colours(names).values(), strict=True):
        label.set_color(colour)
        label.set_fontweight("bold")
    _categories(axes, [category for category, _, _ in columns])
    bar = figure.colorbar(image, ax=axes, shrink=0.9)
    bar.set_label(f"{trait_name(str(rows[0]['trait']))}: rate less the base's", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    heading(figure, title)
    return figure


def _column(row: Mapping[Any, Any]) -> tuple[str, str, str]:
    """The prompt of a leak: its category, its name, and its text."""
    return row["category"], str(row["condition"]), str(row["system"])


def _cell(axes: "Axes", column: int, row: int, found: Mapping[Any, Any]) -> None:
    """The leak, with an asterisk where it is significant, and under it the rate."""
    from matplotlib.patches import Rectangle

    ink = "black" if abs(found["leak"]) < LIGHT else "white"
    mark = "*" if found["significant"] else ""
    weight = "bold" if mark else "normal"
    at: dict[str, Any] = {"ha": "center", "va": "center", "color": ink}
    axes.text(column + 0.5, row + 0.36, f"{found['leak']:+z.2f}{mark}", fontsize=8, fontweight=weight, **at)
    axes.text(column + 0.5, row + 0.72, _share(found["rate"]), fontsize=6.5, **at)
    if found["own"]:
        axes.add_patch(Rectangle((column + 0.04, row + 0.04), 0.92, 0.92, fill=False, lw=1.6, ec="black"))


def _categories(axes: "Axes", categories: list[str]) -> None:
    """The name of every category over its columns, with a line between neighbours."""
    start = 0
    for category, run in groupby(categories):
        width = len(list(run))
        narrow = width < len(category) / 11  # its name would run into the next one's
        axes.text(
            start + (0.3 if narrow else width / 2),
            -0.12,
            category.replace("_", " "),
            ha="left" if narrow else "center",
            va="bottom",
            fontsize=8,
            rotation=40 if narrow else 0,
        )
        if start:
            axes.axvline(start, color="0.35", linewidth=1)
        start += width


def _share(rate: float) -> str:
    return f"{rate:.2f}"
