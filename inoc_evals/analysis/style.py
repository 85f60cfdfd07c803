"""One look for all figures: safe for the colour-blind, readable in one column, a colour an arm.

colours(["none", "spanish-inoc"])      # the same two wherever these arms are drawn
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
"""Characters in a line of a panel's title."""

GREY = 7
"""Place of grey in seaborn's palette: it is the base's, and no arm's."""


def colours(arms: Iterable[str]) -> dict[str, Colour]:
    """A colour for every arm: that of the suite's settings, and for other arms one that is left.

    Args:
        arms: The arms of a figure.
    """
    import seaborn as sns

    palette: list[Colour] = sns.color_palette("colorblind")
    known = _of_settings()
    free = [n for n in range(len(palette)) if n != GREY]
    found: dict[str, int] = {arm: known[arm] for arm in dict.fromkeys(arms) if arm in known}
    for n, arm in enumerate(arm for arm in dict.fromkeys(arms) if arm not in known):
        left = [place for place in free if place not in found.values()]
        found[arm] = left[0] if left else free[n % len(free)]
    return {arm: palette[place] for arm, place in found.items()}


@cache
def _of_settings() -> dict[str, int]:
    """The palette's place of every arm of the suite's settings; two arms of one setting never share one."""
    from inoc_evals.settings import SETTINGS

    found = {BASE: GREY}
    for setting in SETTINGS.values():
        names = [arm.name for arm in setting.arms]
        taken = {found[name] for name in names if name in found}
        for name in names:
            if name not in found:
                found[name] = next(place for place in range(10) if place not in taken | {GREY})
                taken.add(found[name])
    return found


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
    for axes in panels:
        axes.tick_params(labelsize=8)
    return figure, list(panels)


def heading(figure: "Figure", text: str) -> None:
    """The title of a figure, at its left edge."""
    figure.suptitle(plain(text), fontsize=10, x=0.01, ha="left")


def rows(axes: "Axes", names: list[str]) -> None:
    """Name the rows of a panel, the first at the top, without lines between them."""
    axes.set_yticks(range(len(names)), [plain(name) for name in names], fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)


def named(trait: str) -> str:
    """What a figure calls a trait."""
    return plain(trait.replace("_", " "))


def title_of(label: str) -> str:
    """The title of a panel: a label in lines that a narrow panel holds, its condition's spelling kept."""
    import textwrap

    return "\n".join(textwrap.wrap(sentence(label), TITLE_WIDTH))


def sentence(label: str) -> str:
    """A label at the beginning of a heading."""
    text = named(label)
    return text[:1].upper() + text[1:]


def plain(text: str) -> str:
    """Text that is drawn as it is: matplotlib takes what stands between two dollar signs for mathematics."""
    return text.replace("$", r"\$")


def share_axis(axes: "Axes") -> None:
    """Let the horizontal axis be a share of answers."""
    axes.set_xlim(0, 1.02)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"], fontsize=8)


def is_share(values: Any) -> bool:
    """Whether all of these numbers could be shares."""
    return all(0 <= value <= 1 for value in values if value == value)
