"""Figures in one style: arms side by side, each with its interval and every seed's own point."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from inoc_evals.errors import require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def arms(
    table: "pd.DataFrame",
    estimates: "pd.DataFrame",
    traits: tuple[str, ...],
    order: tuple[str, ...],
    title: str,
    labels: Mapping[str, str] | None = None,
) -> "Figure":
    """Draw trait rates per arm (the form of the paper's Figure 2).

    Args:
        table: What `table.load` returns, for one setting.
        estimates: What `estimates.rates` made of it.
        traits: Traits to draw, in order.
        order: Arms from left to right.
        title: Title of the figure.
        labels: What the legend calls a trait where its name does not say it all.

    Returns:
        A matplotlib figure, 3.4 inches high and as wide as the arms need, from 6.4 inches on.
    """
    require("analysis", "seaborn", "pandas")
    import seaborn as sns
    from matplotlib.figure import Figure

    with sns.axes_style("whitegrid", {"axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(max(6.4, 1.05 * len(order) + 2.4), 3.4), layout="constrained")
        axes = figure.subplots()
    colours = sns.color_palette("colorblind", len(traits))
    width = 0.8 / len(traits)
    for k, trait in enumerate(traits):
        rows = estimates[estimates["trait"] == trait].set_index("arm").reindex(list(order))
        at = [i + (k - (len(traits) - 1) / 2) * width for i in range(len(order))]
        axes.bar(
            at,
            rows["rate"],
            width=0.92 * width,
            color=colours[k],
            alpha=0.75,
            label=(labels or {}).get(trait, trait.replace("_", " ").capitalize()),
            zorder=2,
        )
        reach = [rows["rate"] - rows["low"], rows["high"] - rows["rate"]]
        axes.errorbar(
            at, rows["rate"], yerr=reach, fmt="none", ecolor="0.15", capsize=3, linewidth=1.1, zorder=4
        )
        per_seed = (
            table[table["trait"] == trait]
            .groupby(["arm", "seed"], dropna=False, observed=True)["value"]
            .mean()
        )
        for x, arm in zip(at, order, strict=True):
            if arm not in per_seed.index.get_level_values("arm"):
                continue
            points = per_seed.loc[arm]
            shift = [(j - (len(points) - 1) / 2) * width * 0.16 for j in range(len(points))]
            axes.scatter(
                [x + s for s in shift], points, s=13, color="white", edgecolor="0.15", linewidth=0.8, zorder=5
            )
    axes.set_xticks(range(len(order)), [name.replace("-", "-\n", 1) for name in order])
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("share of responses")
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(axis="x", visible=False)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return figure


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
