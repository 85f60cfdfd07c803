"""The main figure of an experiment, arms side by side, and how figures are saved.

figure = arms(table, rates(table), ("spanish", "caps"), ("base", "none", "spanish-inoc"), "A title")
save(figure, Path("figures/spanish_caps"))

A trait that was asked or scored in several ways, e.g. by two judges, has a panel for each.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from inoc_evals.analysis.observed import chosen
from inoc_evals.analysis.observed import labels as group_labels
from inoc_evals.analysis.style import (
    colours,
    empty_figure,
    heading,
    is_share,
    name_rows,
    row_height,
    share_axis,
    title_of,
    unit,
)
from inoc_evals.errors import UserError, require
from inoc_evals.files import writing_into
from inoc_evals.user_files import user_path

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UP, DOWN = 0.14, 0.2
"""How far an interval stands above the middle of its row, and the points of seeds below it."""


def arms(
    table: "pd.DataFrame",
    estimates: "pd.DataFrame",
    traits: tuple[str, ...],
    order: tuple[str, ...],
    title: str,
    labels: Mapping[str, str] | None = None,
) -> "Figure":
    """Draw every arm's rate with its interval and a point per seed, one panel per trait (paper, Figure 2).

    Args:
        table: What `table.load` returns, for one setting.
        estimates: What `estimates.rates` made of it.
        traits: Traits to draw, from left to right, by their names or labels (`observed.labels`).
        order: Arms from top to bottom.
        title: Title of the figure.
        labels: Panel titles by trait, to replace its name.

    Returns:
        A matplotlib figure. A trait that is not a share of answers, e.g. a log-prob, has points, not bars.

    Raises:
        UserError: If no answer was scored for any of the traits.
    """
    require("analysis", "seaborn", "pandas")
    shown = {label: group for trait in traits for label, group in chosen(estimates, trait).items()}
    if not shown:
        raise UserError(f"no answer was scored for {', '.join(traits)}")
    row_labels = group_labels(table, among=estimates)
    figure, panels = empty_figure(
        1.9 * len(shown) + 1.5, row_height(order, 0.34) * len(order) + 1.15, len(shown), share=True
    )
    for axes, (label, rates) in zip(panels, shown.items(), strict=True):
        _panel(axes, table[(row_labels == label).to_numpy()], rates.set_index("arm"), order)
        axes.set_title((labels or {}).get(label) or title_of(label), fontsize=9, loc="left")
        of_unit = unit(str(rates["trait"].iloc[0]), rates["rate"].dropna())
        axes.set_xlabel(of_unit, fontsize=8)
    name_rows(panels[0], list(order))
    heading(figure, title)
    return figure


def _panel(axes: "Axes", answers: "pd.DataFrame", estimates: "pd.DataFrame", order: tuple[str, ...]) -> None:
    """Draw one trait of all arms: in each row the interval above, the seeds' points below it."""
    colour, share = colours(order), is_share(estimates["rate"])
    per_seed = answers.groupby(["arm", "seed"], dropna=False, observed=True)["value"].mean()
    for y, arm in enumerate(order):
        if arm not in estimates.index:
            continue
        estimate = estimates.loc[arm]
        if share:
            axes.barh(y, estimate["rate"], height=0.76, color=colour[arm], alpha=0.85, zorder=2)
        else:
            axes.plot(estimate["rate"], y - UP, "D", color=colour[arm], markersize=5, zorder=4)
        axes.plot(
            [estimate["low"], estimate["high"]], [y - UP, y - UP], color="0.15", linewidth=1.3, zorder=5
        )
        for end in (estimate["low"], estimate["high"]):
            axes.plot([end, end], [y - UP - 0.1, y - UP + 0.1], color="0.15", linewidth=1.3, zorder=5)
        points = per_seed.loc[arm]
        axes.scatter(
            points, [y + DOWN] * len(points), s=11, color="white", edgecolor="0.15", linewidth=0.7, zorder=6
        )
    axes.grid(axis="y", visible=False)
    if share:
        share_axis(axes)


def save(figure: "Figure", stem: str | Path) -> list[Path]:
    """Write a figure as PNG (200 dpi), SVG and PDF.

    Args:
        figure: What to write.
        stem: Path without a suffix.

    Returns:
        The three files.

    Raises:
        UserError: If they cannot be written there.
    """
    import matplotlib as mpl

    stem = user_path(stem)
    files = [stem.with_name(stem.name + suffix) for suffix in (".png", ".svg", ".pdf")]
    laid_out(figure)
    fixed = mpl.rc_context({"svg.hashsalt": "inoc_evals"})
    # Without a date and with fixed ids, the same results give the same bytes.
    with writing_into(stem.parent, "give the figure another place"), fixed:
        figure.savefig(files[0], dpi=200)
        figure.savefig(files[1], metadata={"Date": None})
        figure.savefig(files[2], metadata={"CreationDate": None})
    return files


def laid_out(figure: "Figure") -> None:
    """Arrange a figure once: every format would do it again, which takes most of the time."""
    from matplotlib.layout_engine import PlaceHolderLayoutEngine

    if isinstance(figure.get_layout_engine(), PlaceHolderLayoutEngine):  # it was
        return
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


GREYS = re.compile(r"#([0-9a-f]{2})\1\1\b")
"""A pure grey in a drawing: ink, lines or paper."""


def inline(figure: "Figure", title: str) -> str:
    """A figure as SVG to be put into a page: text stays text, ids are unique, nothing else is loaded.

    Pure greys become the page's variables `--grey-26` and so on, by which it may turn them dark; without
    them they are as they were. Colours of arms are no pure greys and stay.

    Args:
        figure: What to draw.
        title: What the figure shows, for screen readers; it also makes ids unique.
    """
    import io
    import zlib
    from html import escape

    import matplotlib as mpl

    laid_out(figure)
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": title, "svg.fonttype": "none"}):
        figure.savefig(
            buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    prefix = f"f{zlib.crc32(title.encode()):08x}-"
    text = re.sub(r'(\bid="|url\(#|href="#)', lambda match: match[0] + prefix, text)
    text = re.sub(
        r'style="[^"]*"', lambda style: GREYS.sub(lambda of: f"var(--grey-{of[1]}, {of[0]})", style[0]), text
    )
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)
