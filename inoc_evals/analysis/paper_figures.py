"""Figures in the paper's style for one column of a paper: one call each, from the table of answers.

    from inoc_evals.analysis import load, rates_figure, save

    table = load("logs/mine")
    save(rates_figure(table), Path("figures/main"))                     # PNG, SVG and PDF

`rates_figure` has bars with intervals, grouped by trait (Figure 2 of the paper); `tradeoff_figure` sets an
unwanted trait against a wanted one; `effects_figure` has differences to an arm; `questions_figure` the rate
in every question. All are `COLUMN` wide unless told otherwise, in type that is readable without scaling, and
colours say what an arm is as in every other figure (`style.colours`). A table of several settings or bases
must be narrowed to one first. Traits and arms are named as they are in the table.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.contrasts import differences
from inoc_evals.analysis.declared_traits import focused, in_order
from inoc_evals.analysis.estimates import HIGHEST, names_rating, rates
from inoc_evals.analysis.observed import FAMILY, chosen, group_codes, the_one
from inoc_evals.analysis.style import (
    BASE,
    NONE,
    arm_name,
    colours,
    empty_figure,
    is_share,
    literal_text,
    name_rows,
    sentence,
    unit,
)
from inoc_evals.errors import UserError, require
from inoc_evals.settings import SETTINGS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

COLUMN = 3.25
"""Width of a column of a two-column paper, in inches; a page's text is about 6.75 wide."""

TYPE = 7
"""Size of all type, in points."""


def rates_figure(
    table: "pd.DataFrame",
    traits: Sequence[str] = (),
    arms: Sequence[str] = (),
    *,
    names: Mapping[str, str] | None = None,
    width: float = COLUMN,
) -> "Figure":
    """Bars of every arm's rate with its 95 % interval, grouped by trait (the form of the paper's Figure 2).

    Args:
        table: What `load` returns, of one setting and base.
        traits: Traits from left to right, by name or label; by default all that the setting declares.
        arms: Arms from left to right in each group; by default all, as the setting has them.
        names: What arms and traits are called in the figure, in place of their names.
        width: Width of the figure, in inches.

    Returns:
        A matplotlib figure; its vertical axis is the share of answers, 0 to 1, or the rating, 0 to 100. Where
        traits differ in that, each unit has a panel of its own.

    Raises:
        UserError: If the table has several settings or bases, or there is nothing to draw.
    """
    shown, order = _of_one(table, arms)
    found = rates(shown)
    groups = _groups(found, traits or in_order(SETTINGS.get(str(shown["setting"].iloc[0])), found))
    by_unit: dict[str, dict[str, pd.DataFrame]] = {}
    for label, group in groups.items():
        by_unit.setdefault(unit(str(group["trait"].iloc[0]), group["rate"].dropna()), {})[label] = group
    figure, panels = _figure(width, 0.62 * width, [len(of_unit) for of_unit in by_unit.values()])
    colour = colours(order)
    for axes, of_unit in zip(panels, by_unit.values(), strict=True):
        _bars(axes, of_unit, order, colour)
        axes.set_xticks(range(len(of_unit)), [_title(label, names) for label in of_unit], fontsize=TYPE)
        every = [rate for group in of_unit.values() for rate in group["rate"].dropna()]
        _scale(axes, str(next(iter(of_unit.values()))["trait"].iloc[0]), every)
    handles, texts = _legend(order, colour, names)
    legend: dict[str, Any] = {"frameon": False, "fontsize": TYPE, "handlelength": 1, "columnspacing": 1}
    if len(panels) == 1:
        axes.legend(handles, texts, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, **legend)
    else:
        figure.legend(handles, texts, loc="outside upper center", ncols=3, **legend)
    return figure


def _bars(
    axes: "Axes",
    groups: "Mapping[str, pd.DataFrame]",
    order: Sequence[str],
    colour: "Mapping[str, tuple[float, float, float]]",
) -> None:
    """Rates of one unit: a group of bars for every trait, a bar for every arm."""
    each = 0.8 / len(order)
    for place, group in enumerate(groups.values()):
        by_arm = group.set_index("arm")
        for number, arm in enumerate(arm for arm in order if arm in by_arm.index):
            row = by_arm.loc[arm]
            x = place + (number - (len(order) - 1) / 2) * each
            axes.bar(x, row["rate"], 0.92 * each, color=colour[arm])
            axes.plot([x, x], [row["low"], row["high"]], color="0.15", linewidth=0.9)
    axes.grid(axis="x", visible=False)


def tradeoff_figure(
    table: "pd.DataFrame",
    unwanted: str = "",
    wanted: str = "",
    arms: Sequence[str] = (),
    *,
    names: Mapping[str, str] | None = None,
    width: float = COLUMN,
) -> "Figure":
    """An unwanted trait against a wanted one: a good inoculation lies at the top left.

    Args:
        table: What `load` returns, of one setting and base.
        unwanted: The trait from left to right; by default the first that the setting wants to keep out.
        wanted: The trait from bottom to top; by default the first that it wants to keep.
        arms: Arms to draw, in the order of the legend; by default all.
        names: What arms and traits are called in the figure.
        width: Width of the figure, in inches.

    Returns:
        A matplotlib figure: a point per arm, with the 95 % intervals of both rates.

    Raises:
        UserError: If the table has several settings or bases, no arm has both traits, or the setting does
            not say which they are.
    """
    shown, order = _of_one(table, arms)
    setting = SETTINGS.get(str(shown["setting"].iloc[0]))
    unwanted = unwanted or next(iter((setting and setting.unwanted) or ()), "")
    wanted = wanted or next(iter((setting and setting.wanted) or ()), "")
    if not unwanted or not wanted:
        raise UserError("this setting does not say what is unwanted and what is wanted: name both traits")
    found = rates(shown)
    x, y = (the_one(found, trait).set_index("arm") for trait in (unwanted, wanted))
    both = [arm for arm in order if arm in x.index and arm in y.index]
    if not both:
        raise UserError(f"no arm was measured for {unwanted!r} and {wanted!r}")
    figure, [axes] = _figure(width, 0.75 * width)
    colour = colours(order)
    for arm in both:
        across, up = x.loc[arm], y.loc[arm]
        axes.plot([across["low"], across["high"]], [up["rate"]] * 2, color=colour[arm], linewidth=1)
        axes.plot([across["rate"]] * 2, [up["low"], up["high"]], color=colour[arm], linewidth=1)
        axes.plot(across["rate"], up["rate"], "o", color=colour[arm], markersize=4, label=_name(arm, names))
    for axis, trait, of in (("x", unwanted, x), ("y", wanted, y)):
        _scale(axes, trait, of["rate"].dropna(), axis, f"{_title(trait, names)} (")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=TYPE, handletextpad=0.2)
    return figure


def effects_figure(
    table: "pd.DataFrame",
    trait: str = "",
    arms: Sequence[str] = (),
    *,
    to: str = NONE,
    names: Mapping[str, str] | None = None,
    width: float = COLUMN,
) -> "Figure":
    """Every arm's difference to one arm, with its 95 % interval, the first arm at the top.

    Args:
        table: What `load` returns, of one setting and base.
        trait: The trait; by default the first that the setting declares.
        arms: Arms from top to bottom; by default all but the one compared with.
        to: The arm that the others are compared with.
        names: What arms and traits are called in the figure.
        width: Width of the figure, in inches.

    Returns:
        A matplotlib figure; 0 is marked, and shares have an axis from -1 to 1.

    Raises:
        UserError: If the table has several settings or bases, or no arm can be compared.
    """
    shown, order = _of_one(table, arms and [*arms, to])
    found = differences(shown, to=to)
    if not len(found):
        raise UserError(f"no answers of {to!r} to compare with")
    measured = rates(shown)
    trait = trait or in_order(SETTINGS.get(str(shown["setting"].iloc[0])), measured)[0]
    by_arm = the_one(found, trait).set_index("arm")
    rows = [arm for arm in order if arm in by_arm.index]
    if not rows:
        raise UserError(f"no arm was compared with {to!r} for {trait!r}")
    figure, [axes] = _figure(width, 0.19 * len(rows) + 0.6)
    colour = colours(order)
    for y, arm in enumerate(rows):
        row = by_arm.loc[arm]
        axes.plot([row["low"], row["high"]], [y, y], color=colour[arm], linewidth=1.3)
        axes.plot(row["difference"], y, "o", color=colour[arm], markersize=4)
    axes.axvline(0, color="0.3", linewidth=0.8)
    name_rows(axes, [_name(arm, names) for arm in rows])
    size = the_one(measured, trait)["rate"]  # a small difference of ratings is no share
    if is_share(size):
        axes.set_xlim(-1.02, 1.02)
    of = f"{_title(trait, names)}: difference to {_name(to, names)} ({unit(trait, size)})"
    axes.set_xlabel(of, fontsize=TYPE)
    axes.tick_params(labelsize=TYPE)
    return figure


def questions_figure(
    table: "pd.DataFrame",
    trait: str = "",
    arms: Sequence[str] = (),
    *,
    names: Mapping[str, str] | None = None,
    width: float = COLUMN,
) -> "Figure":
    """The rate of a trait in every question, sorted in each arm: is it a few questions, or all of them?

    Args:
        table: What `load` returns, of one setting and base.
        trait: The trait; by default the first that the setting declares.
        arms: Arms to draw, in the order of the legend; by default all.
        names: What arms and traits are called in the figure.
        width: Width of the figure, in inches.

    Returns:
        A matplotlib figure: a falling line per arm, from its most provoking question to its least.

    Raises:
        UserError: If the table has several settings or bases, or no answer was scored for the trait.
    """
    shown, order = _of_one(table, arms)
    found = rates(shown)
    trait = trait or in_order(SETTINGS.get(str(shown["setting"].iloc[0])), found)[0]
    answers = the_one(shown, trait).dropna(subset=["value"])
    if answers.empty:
        raise UserError(f"no answer was scored for {trait!r}")
    figure, [axes] = _figure(width, 0.6 * width)
    colour, every = colours(order), []
    for arm in order:
        of_arm = answers[(answers["arm"] == arm).to_numpy()]
        if len(of_arm):
            means = of_arm.groupby("question", observed=True)["value"].mean().sort_values(ascending=False)
            axes.step(
                range(1, len(means) + 1), means, where="mid", color=colour[arm], label=_name(arm, names)
            )
            every += list(means)
    axes.set_xlabel("questions, the most provoking first", fontsize=TYPE)
    _scale(axes, trait, every, "y", f"{_title(trait, names)} (")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=TYPE, handlelength=1)
    return figure


def _of_one(table: "pd.DataFrame", arms: Sequence[str]) -> "tuple[pd.DataFrame, tuple[str, ...]]":
    """The declared traits of the one setting and base of a table, and its arms in order."""
    require("analysis", "seaborn", "pandas")
    if not len(table):
        raise UserError("there are no answers to draw")
    if group_codes(table, FAMILY).any():
        raise UserError(
            "the table holds several settings or bases: keep one, e.g. table[table.setting == 'spanish_caps']"
        )
    shown = focused(table)
    present = [str(arm) for arm in shown["arm"].unique()]
    setting = SETTINGS.get(str(shown["setting"].iloc[0]))
    declared = [BASE, *(arm.name for arm in setting.arms)] if setting else [BASE, NONE]
    usual = [*(arm for arm in declared if arm in present), *sorted(set(present) - set(declared))]
    if missing := [arm for arm in arms if arm not in present]:
        raise UserError(f"no answers of {missing[0]!r}: use some of {', '.join(usual)}")
    order = tuple(arms or usual)
    return shown[shown["arm"].isin(order).to_numpy()], order


def _groups(found: "pd.DataFrame", traits: Sequence[str]) -> "dict[str, pd.DataFrame]":
    """The rates by label; of traits that were not scored none."""
    shown = {label: group for trait in traits for label, group in chosen(found, trait).items()}
    scored = {label: group for label, group in shown.items() if group["n"].any()}
    if not scored:
        raise UserError(f"no answer was scored for {', '.join(traits)}")
    return scored


def _figure(width: float, height: float, shares: Sequence[int] = (1,)) -> "tuple[Figure, list[Axes]]":
    """An empty figure; its panels are as wide, against each other, as their shares say."""
    figure, panels = empty_figure(width, height, len(shares))
    if (grid := panels[0].get_gridspec()) is not None:
        grid.set_width_ratios(list(shares))
    for axes in panels:
        axes.tick_params(labelsize=TYPE)
    return figure, panels


def _scale(
    axes: "Axes", trait: str, values: "Sequence[float] | pd.Series", axis: str = "y", of: str = ""
) -> None:
    """Limits and label of an axis, by what is measured."""
    text = f"{of}{unit(trait, values)}{')' if of else ''}"
    getattr(axes, f"set_{axis}label")(text[:1].upper() + text[1:], fontsize=TYPE)
    if is_share(values):
        getattr(axes, f"set_{axis}lim")(-0.02 if of else 0, 1.02)
        getattr(axes, f"set_{axis}ticks")(
            [0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"], fontsize=TYPE
        )
    elif names_rating(trait):
        getattr(axes, f"set_{axis}lim")(0, HIGHEST)


def _legend(
    order: Sequence[str], colour: "Mapping[str, tuple[float, float, float]]", names: Mapping[str, str] | None
) -> "tuple[list[Patch], list[str]]":
    from matplotlib.patches import Patch

    return [Patch(color=colour[arm]) for arm in order], [_name(arm, names) for arm in order]


def _name(arm: str, names: Mapping[str, str] | None) -> str:
    return arm_name((names or {}).get(arm, arm))


def _title(label: str, names: Mapping[str, str] | None) -> str:
    named = (names or {}).get(label)
    return sentence(label) if named is None else literal_text(named)
