"""One style for all figures: safe for the colour-blind, readable in one column, one colour per arm.

colours(["none", "spanish-inoc"])      # the same two in every figure of these arms
"""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Colour = tuple[float, float, float]

BASE = "base"

TITLE_WIDTH = 32
"""Maximal line length of a panel's title, in characters."""

GREY = 7
"""Index of grey in seaborn's palette, which is reserved for the base."""


def colours(arms: Iterable[str]) -> dict[str, Colour]:
    """A colour for every arm: arms of the suite's settings have fixed ones, others get the next free one.

    Args:
        arms: The arms of a figure.
    """
    import seaborn as sns

    palette: list[Colour] = sns.color_palette("colorblind")
    fixed = _fixed_places()
    free = [number for number in range(len(palette)) if number != GREY]
    places: dict[str, int] = {arm: fixed[arm] for arm in dict.fromkeys(arms) if arm in fixed}
    for number, arm in enumerate(arm for arm in dict.fromkeys(arms) if arm not in fixed):
        unused = [place for place in free if place not in places.values()]
        places[arm] = unused[0] if unused else free[number % len(free)]
    return {arm: palette[place] for arm, place in places.items()}


@cache
def _fixed_places() -> dict[str, int]:
    """Palette indices of the usual arms of the suite's settings; those of one setting never share one.

    Arms that are trained only when requested by name get what is left: a setting may have any number of them.
    """
    from inoc_evals.settings import SETTINGS

    together = [{arm.name for arm in setting.arms if not arm.variant} for setting in SETTINGS.values()]
    places = {BASE: GREY}
    for name in dict.fromkeys(arm.name for one in SETTINGS.values() for arm in one.arms if not arm.variant):
        others = set().union(*(names for names in together if name in names)) & places.keys()
        taken = {places[other] for other in others} | {GREY}
        places[name] = next(place for place in range(10) if place not in taken)
    return places


def empty_figure(
    width: float, height: float, columns: int = 1, *, share: bool = False
) -> "tuple[Figure, list[Axes]]":
    """An empty figure in the style.

    Args:
        width: In inches.
        height: In inches.
        columns: Panels side by side.
        share: Whether panels share the vertical axis.
    """
    return empty_grid(width, height, 1, columns, share=share)


def empty_grid(
    width: float, height: float, rows: int, columns: int, *, share: bool = False
) -> "tuple[Figure, list[Axes]]":
    """An empty figure in the style, with panels in several rows; the first row's come first.

    Args:
        width: In inches.
        height: In inches.
        rows: Rows of panels.
        columns: Panels side by side.
        share: Whether the panels of a row share the vertical axis.
    """
    import seaborn as sns
    from matplotlib.figure import Figure

    with sns.axes_style("whitegrid", {"axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(width, height), layout="constrained")
        panels = figure.subplots(rows, columns, sharey="row" if share else False, squeeze=False).ravel()
    for axes in panels:
        axes.tick_params(labelsize=8)
    return figure, list(panels)


def heading(figure: "Figure", text: str) -> None:
    """The title of a figure, at its left edge."""
    figure.suptitle(literal_text(text), fontsize=10, x=0.01, ha="left")


def name_rows(axes: "Axes", names: list[str]) -> None:
    """Name the rows of a panel, the first at the top, without lines between them."""
    axes.set_yticks(range(len(names)), [literal_text(name) for name in names], fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)


def trait_name(trait: str) -> str:
    """A trait's name in a figure."""
    return literal_text(trait.replace("_", " "))


def title_of(label: str) -> str:
    """The title of a panel: a label, wrapped to fit a narrow panel."""
    import textwrap

    return "\n".join(textwrap.wrap(sentence(label), TITLE_WIDTH))


def sentence(label: str) -> str:
    """A label with a capital first letter, for the beginning of a heading."""
    text = trait_name(label)
    return text[:1].upper() + text[1:]


def literal_text(text: str) -> str:
    """Text with escaped dollar signs: matplotlib typesets text between two of them as mathematics."""
    return text.replace("$", r"\$")


def share_axis(axes: "Axes") -> None:
    """Scale and label the horizontal axis for a share of answers."""
    axes.set_xlim(0, 1.02)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"], fontsize=8)


def is_share(values: Any) -> bool:
    """Whether all of these numbers could be shares."""
    return all(0 <= value <= 1 for value in values if value == value)
