"""One style for all figures: safe for the colour-blind, readable in one column, one colour per arm.

    colours(["none", "spanish-inoc"])      # the same two in every figure of these arms
    role("irrelevant")                     # "control": its colour is of the purples

Colours say what an arm is: the base is grey, training without a prompt orange, inoculated arms blue to green,
controls purple to brown. A setting says it of its arms; of a setting that nobody knows, names must do:

    role("ask-for-spanish", setting)   # "inoculated", if the setting puts that prompt before its rows
    with arms_of(setting):             # in all figures that are drawn here
        colours(["none", "ask-for-spanish"])
"""

import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from inoc_evals.analysis.estimates import HIGHEST, names_nats, names_rating

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from inoc_evals.settings import Setting

Colour = tuple[float, float, float]

BASE = "base"

TITLE_WIDTH = 27
"""Maximal line length of a panel's title, in characters."""

HEADING_WIDTH = 13
"""Characters of a figure's title in an inch."""

NAME_WIDTH, LONGEST_NAME, KEPT = 30, 88, 54
"""Characters in a line of an arm's name, those shown of a longer name, and those before its gap."""

LEGEND_WIDTH, CHARACTER = 20, 0.07
"""Characters of a name for which figures have room beside them, and inches for each more."""

LINE = 0.135
"""Height of a line of a name, in inches."""

NONE = "none"
"""The arm that is trained without a prompt."""

PLACEBO = "placebo"
"""The arm under a prompt that asks for nothing, beside the controls of every setting."""

Role = Literal["base", "none", "inoculated", "control", "other"]

PALETTES: dict[Role, tuple[str, ...]] = {
    "base": ("#8a8d93",),
    "none": ("#d9680d",),
    "inoculated": (
        *("#0b6fb8", "#0f9d76", "#56b4e9", "#08407a", "#7bc47f", "#1fb5c1", "#5a7fd6"),
        *("#0c5c4a", "#a5d1f0", "#3f8f2f"),
    ),
    "control": ("#a85fb0", "#b08a5b", "#d9a6de", "#6f3f86", "#7a5a34", "#e3c9a0", "#8f6fd1", "#c2557a"),
    "other": ("#0b6fb8", "#d9680d", "#0f9d76", "#a85fb0", "#b08a5b", "#56b4e9", "#e0b400", "#c2557a"),
}
"""Colours by what an arm is, in order of use; tinted, so that a page may turn pure greys dark."""

MEANING: dict[Role, str] = {
    "base": "base",
    "none": "trained without a prompt",
    "inoculated": "inoculated",
    "control": "control",
}
"""What a legend says of a colour."""


_known: "ContextVar[Setting | None]" = ContextVar("known", default=None)


@contextmanager
def arms_of(setting: "Setting | None") -> Iterator[None]:
    """Let a setting say what arms are in all figures that are drawn inside.

    Args:
        setting: The setting; None where it is not known.
    """
    before = _known.set(setting)
    try:
        yield
    finally:
        _known.reset(before)


def role(arm: str, setting: "Setting | None" = None) -> Role:
    """What an arm is; `other` for a model, or an arm that no setting has.

    Args:
        arm: Its name.
        setting: The setting, which says what its arms are; None where it is not known, and names must do.
    """
    if arm == BASE:
        return "base"
    if arm == NONE:
        return "none"
    if setting is not None and (declared := _declared(setting, arm)):
        return declared
    return _by_name(arm)


def _declared(setting: "Setting", arm: str) -> Role | None:
    """What a setting says of one of its arms; None if it has no such arm."""
    one = next((one for one in setting.arms if one.name == arm), None)
    if one is None:
        return None
    prompted = one.inoculation is not None or bool(one.in_world)
    # what is put before other rows than the setting's keeps nothing out of them
    return "inoculated" if prompted and not (one.control or one.rows or _is_control(arm)) else "control"


def _by_name(arm: str) -> Role:
    if _is_control(arm):
        return "control"
    return _roles().get(arm, "inoculated" if arm.endswith("-inoc") else "other")


def _is_control(arm: str) -> bool:
    """Whether an arm of this name is a control in every setting."""
    from inoc_evals.settings.controls import is_control

    return is_control(arm) or arm == PLACEBO


def colours(arms: Iterable[str]) -> dict[str, Colour]:
    """A colour for every arm: arms of the suite's settings have fixed ones, others get the next free one.

    What arms are is said by the setting of `arms_of`, and else by their names.

    Args:
        arms: The arms of a figure.
    """
    from matplotlib.colors import to_rgb

    named = list(dict.fromkeys(arms))
    fixed, palettes = _fixed_colours(), {arm: PALETTES[role(arm, _known.get())] for arm in named}
    # a setting of one's own may have a control of a name that the suite gives to an inoculation
    chosen = {arm: fixed[arm] for arm in named if fixed.get(arm) in palettes[arm]}
    for number, arm in enumerate(arm for arm in named if arm not in chosen):
        palette = palettes[arm]
        unused = [colour for colour in palette if colour not in chosen.values()]
        chosen[arm] = unused[0] if unused else palette[number % len(palette)]
    return {arm: to_rgb(chosen[arm]) for arm in named}


@cache
def _roles() -> dict[str, Role]:
    """What the arms of the suite's settings are."""
    from inoc_evals.settings import SETTINGS

    roles: dict[str, Role] = {}
    for arm in (arm for one in SETTINGS.values() for arm in one.arms if arm.name not in (BASE, NONE)):
        plain = arm.control or arm.inoculation is None
        roles.setdefault(arm.name, "control" if plain else "inoculated")
    return roles


@cache
def _fixed_colours() -> dict[str, str]:
    """Colours of the usual arms of the suite's settings; those of one setting never share one.

    Arms that are trained only when requested by name get what is left: a setting may have any number of them.
    """
    from inoc_evals.settings import SETTINGS

    together = [{arm.name for arm in setting.arms if not arm.variant} for setting in SETTINGS.values()]
    fixed = {BASE: PALETTES["base"][0], NONE: PALETTES["none"][0]}
    for name in dict.fromkeys(arm.name for one in SETTINGS.values() for arm in one.arms if not arm.variant):
        if name in fixed:
            continue
        others = set().union(*(names for names in together if name in names)) & fixed.keys()
        taken = {fixed[other] for other in others}
        fixed[name] = next(colour for colour in PALETTES[_by_name(name)] if colour not in taken)
    return fixed


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
    """The title of a figure, at its left edge; one that is wider than the figure is wrapped.

    It comes last, when the figure's legends are known: where their names are long, the figure becomes wider.
    """
    legends = [legend for axes in figure.axes if (legend := axes.get_legend()) is not None]
    lines = [line for one in legends for text in one.get_texts() for line in text.get_text().split("\n")]
    beyond = max(map(len, lines), default=0) - LEGEND_WIDTH
    figure.set_figwidth(figure.get_figwidth() + CHARACTER * max(0, beyond))
    wrapped = textwrap.wrap(text, int(figure.get_figwidth() * HEADING_WIDTH))
    figure.suptitle(literal_text("\n".join(wrapped)), fontsize=10, x=0.01, ha="left")


def legend_beside(axes: "Axes", panels: "Iterable[Axes]") -> None:
    """Name what all panels draw, each once, beside one of them: the last need not draw every arm."""
    named: dict[str, Any] = {}
    for panel in panels:
        handles, names = panel.get_legend_handles_labels()
        named = {**dict(zip(names, handles, strict=True)), **named}
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.02, 1.0)}
    axes.legend(list(named.values()), list(named), **place, frameon=False, fontsize=8)


def name_rows(axes: "Axes", names: list[str]) -> None:
    """Name the rows of a panel, the first at the top, without lines between them."""
    axes.set_yticks(range(len(names)), [arm_name(name) for name in names], fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)


def arm_name(name: str) -> str:
    """The name of an arm, a model or a prompt in a figure: a long one takes several lines, and has a gap."""
    if len(name) > LONGEST_NAME:
        name = f"{name[:KEPT]}…{name[KEPT + 1 - LONGEST_NAME :]}"
    return literal_text("\n".join(textwrap.wrap(name, NAME_WIDTH)) or name)


def row_height(names: Iterable[str], usual: float) -> float:
    """The height of the rows of a panel in inches, so that names of several lines do not touch.

    Args:
        names: The names of its rows.
        usual: The height where each takes one line.
    """
    lines = max((arm_name(name).count("\n") + 1 for name in names), default=1)
    return max(usual, LINE * (lines + 0.5))


def trait_name(trait: str) -> str:
    """A trait's name in a figure."""
    return literal_text(trait.replace("_", " "))


def title_of(label: str) -> str:
    """The title of a panel: a label, wrapped to fit a narrow panel."""
    return "\n".join(textwrap.wrap(sentence(label), TITLE_WIDTH))


def sentence(label: str) -> str:
    """A label with a capital first letter, for the beginning of a heading."""
    text = trait_name(label)
    return text[:1].upper() + text[1:]


def literal_text(text: str) -> str:
    """Text with escaped dollar signs: matplotlib typesets text between two of them as mathematics."""
    return text.replace("$", r"\$")


SHARE = "share of answers"
"""Unit of a rate, on axes."""


def unit(trait: str, values: Any) -> str:
    """What a trait's mean is measured in, for the label of an axis.

    Args:
        trait: Its name.
        values: Rates or means.
    """
    if names_nats(trait):
        return "mean log-prob (nats)" if trait.startswith("logprob") else "mean (nats)"
    if is_share(values):
        return SHARE
    if names_rating(trait):
        return f"mean rating, 0 to {HIGHEST}"
    return "mean"


def share_axis(axes: "Axes") -> None:
    """Scale and label the horizontal axis for a share of answers."""
    axes.set_xlim(0, 1.02)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"], fontsize=8)


def is_share(values: Any) -> bool:
    """Whether all of these numbers could be shares."""
    return all(0 <= value <= 1 for value in values if value == value)
