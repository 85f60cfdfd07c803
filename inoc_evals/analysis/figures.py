"""The figure of an experiment, arms side by side, and how figures are kept.

figure = arms(table, rates(table), ("spanish", "caps"), ("base", "none", "spanish-inoc"), "A title")
save(figure, Path("figures/spanish_caps"))

What was asked or scored in several ways, e.g. by two judges, has a panel for each.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from inoc_evals.analysis.observed import chosen
from inoc_evals.analysis.observed import labels as told
from inoc_evals.analysis.style import colours, drawn, heading, is_share, rows, share_axis, title_of
from inoc_evals.errors import UserError, require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def arms(
    table: "pd.DataFrame",
    estimates: "pd.DataFrame",
    traits: tuple[str, ...],
    order: tuple[str, ...],
    title: str,
    labels: Mapping[str, str] | None = None,
) -> "Figure":
    """Draw the rate of every arm with its interval and every seed's point, a panel a trait (paper, Figure 2).

    Args:
        table: What `table.load` returns, for one setting.
        estimates: What `estimates.rates` made of it.
        traits: Traits to draw, from left to right, by their names or labels (`observed.labels`).
        order: Arms from top to bottom.
        title: Title of the figure.
        labels: What a panel calls a trait where its name does not say it all.

    Returns:
        A matplotlib figure. A trait that is no share of answers, e.g. a log-prob, has points for bars.

    Raises:
        UserError: If there is no answer for any of the traits.
    """
    require("analysis", "seaborn", "pandas")
    shown = {label: of for trait in traits for label, of in chosen(estimates, trait).items()}
    if not shown:
        raise UserError(f"no answer says anything of {', '.join(traits)}")
    called = told(table, among=estimates)
    figure, panels = drawn(1.9 * len(shown) + 1.5, 0.34 * len(order) + 0.95, len(shown), share=True)
    for axes, (label, rates) in zip(panels, shown.items(), strict=True):
        _panel(axes, table[(called == label).to_numpy()], rates.set_index("arm"), order)
        axes.set_title((labels or {}).get(label) or title_of(label), fontsize=9, loc="left")
    rows(panels[0], list(order))
    heading(figure, title)
    return figure


def _panel(axes: "Axes", answers: "pd.DataFrame", estimates: "pd.DataFrame", order: tuple[str, ...]) -> None:
    """One trait of all arms."""
    ink, share = colours(order), is_share(estimates["rate"])
    per_seed = answers.groupby(["arm", "seed"], dropna=False, observed=True)["value"].mean()
    for at, arm in enumerate(order):
        if arm not in estimates.index:
            continue
        known = estimates.loc[arm]
        if share:
            axes.barh(at, known["rate"], height=0.72, color=ink[arm], alpha=0.8, zorder=2)
        else:
            axes.plot(known["rate"], at, "D", color=ink[arm], markersize=6, zorder=4)
        axes.plot([known["low"], known["high"]], [at, at], color="0.15", linewidth=1.2, zorder=3)
        for end in (known["low"], known["high"]):
            axes.plot([end, end], [at - 0.13, at + 0.13], color="0.15", linewidth=1.2, zorder=3)
        points = per_seed.loc[arm]
        shift = [at + (n - (len(points) - 1) / 2) * 0.5 / max(len(points), 3) for n in range(len(points))]
        axes.scatter(points, shift, s=13, color="white", edgecolor="0.15", linewidth=0.8, zorder=5)
    axes.grid(axis="y", visible=False)
    if share:
        share_axis(axes)


def save(figure: "Figure", stem: Path) -> list[Path]:
    """Write a figure as PNG (200 dpi), SVG and PDF.

    Args:
        figure: What to write.
        stem: Path without a suffix.

    Returns:
        The three files.
    """
    import matplotlib as mpl

    stem.parent.mkdir(parents=True, exist_ok=True)
    files = [stem.with_name(stem.name + suffix) for suffix in (".png", ".svg", ".pdf")]
    # Without a date and with fixed ids, the same results give the same bytes.
    with mpl.rc_context({"svg.hashsalt": "inoc_evals"}):
        figure.savefig(files[0], dpi=200)
        figure.savefig(files[1], metadata={"Date": None})
        figure.savefig(files[2], metadata={"CreationDate": None})
    return files


def inline(figure: "Figure", title: str) -> str:
    """A figure as SVG to be put into a page: text stays text, ids are its own, nothing is loaded.

    Args:
        figure: What to draw.
        title: What the figure shows, for those who cannot see it; it also keeps ids apart.
    """
    import io
    import re
    import zlib
    from html import escape

    import matplotlib as mpl

    kept = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": title, "svg.fonttype": "none"}):
        figure.savefig(
            kept, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    text = kept.getvalue()
    text = text[text.index("<svg") :]
    mark = f"f{zlib.crc32(title.encode()):08x}-"
    text = re.sub(r'(\bid="|url\(#|href="#)', lambda found: found[0] + mark, text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)
