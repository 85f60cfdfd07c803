"""One look for all figures: safe for the colour-blind, readable in one column, a colour an arm."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIRST = ("none", "base")
"""Arms that every setting has, which thereby keep one colour from figure to figure."""

GREY = "0.55"


def colours(arms: Iterable[str]) -> dict[str, Any]:
    """A colour for every arm: grey for the base, and the others by their place after `none`.

    Args:
        arms: All arms of a setting, in its order.
    """
    import seaborn as sns

    rest = [arm for arm in dict.fromkeys(arms) if arm not in FIRST]
    palette = sns.color_palette("colorblind", len(rest) + 1)
    return {"base": GREY, "none": palette[0], **dict(zip(rest, palette[1:], strict=True))}


def drawn(
    width: float, height: float, columns: int = 1, *, share: bool = False
) -> "tuple[Figure, list[Axes]]":
    """An empty figure in the style.

    Args:
        width: In inches.
        height: In inches.
        columns: Panels side by side.
        share: Whether they share the vertical axis.
    """
    import seaborn as sns
    from matplotlib.figure import Figure

    with sns.axes_style("whitegrid", {"axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(width, height), layout="constrained")
        panels = figure.subplots(1, columns, sharey=share, squeeze=False)[0]
    return figure, list(panels)


def title(axes: "Axes", text: str) -> None:
    """The title of a panel."""
    axes.set_title(text, loc="left", fontsize=10)
