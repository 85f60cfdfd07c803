"""Figures of a screening: what each prompt does to the base, and what training under it then kept out.

before(screen.table, "spanish", "Which prompt will inoculate?")
after(screen.against, "What a prompt elicited, against what it kept out")
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.screening import (
    ELICITATION,
    NAMES,
    SIDE_EFFECT,
    SURPRISE,
    Relation,
    cell,
    ordered,
)
from inoc_evals.analysis.style import arm_name, colours, empty_figure, heading, legend_beside, literal_text
from inoc_evals.errors import UserError, require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "oDs^vP"
"""Shapes of points; the next one where the colours begin again."""

Point = tuple[float, float, float]
"""A value with its lower and upper bound."""


def before(table: "pd.DataFrame", trait: str | None, title: str) -> "Figure":
    """Draw every prompt as a point: what it elicits against the surprise that it saves.

    Args:
        table: Of a screening (`screening.COLUMNS`).
        trait: The trait that is elicited; None where the base was not asked.
        title: Title of the figure.

    Returns:
        A matplotlib figure, a point a prompt with both intervals. Where one of the two was not measured,
        the change on neutral rows takes its place.

    Raises:
        UserError: If no prompt has two measures.
    """
    require("analysis", "seaborn", "pandas")
    order = ordered(table, trait)

    def points(measure: str) -> dict[str, Point]:
        named = {p: cell(table, p, measure, trait if measure == ELICITATION else None) for p in order}
        return {
            prompt: (found["value"], found["low"], found["high"])
            for prompt, found in named.items()
            if found is not None and found["value"] == found["value"]
        }

    measured = {name: drawn for name in (SURPRISE, ELICITATION, SIDE_EFFECT) if (drawn := points(name))}
    if len(measured) < 2:
        raise UserError("nothing to draw: a figure needs two measures of each prompt, see the table")
    x, y = list(measured)[:2]
    both = [prompt for prompt in order if prompt in measured[x] and prompt in measured[y]]
    figure, panels = empty_figure(6.4, 3.6)
    [axes] = panels
    _scatter(axes, both, measured[x], measured[y])
    axes.set_xlabel(NAMES[x], fontsize=8)
    axes.set_ylabel(_named(y, trait), fontsize=8)
    legend_beside(axes, panels)
    heading(figure, title)
    return figure


def after(relations: Sequence[Relation], title: str) -> "Figure":
    """Draw what prompts did before training against what training under them kept out, a panel a relation.

    Args:
        relations: What `screening.against` returns.
        title: Title of the figure.

    Raises:
        UserError: If no relation has a point.
    """
    require("analysis", "seaborn", "pandas")
    drawn = [relation for relation in relations if len(relation.points)]
    if not drawn:
        raise UserError("nothing to draw: no prompt was both screened and trained under")
    figure, panels = empty_figure(3.3 * len(drawn) + 1.6, 3.4, len(drawn))
    order = list(dict.fromkeys(name for relation in drawn for name in relation.points["prompt"]))
    for axes, relation in zip(panels, drawn, strict=True):
        rows = relation.points.set_index("prompt")
        x, y = (
            {str(name): (row[key], row[f"{key}_low"], row[f"{key}_high"]) for name, row in rows.iterrows()}
            for key in ("before", "suppression")
        )
        _scatter(axes, [name for name in order if name in x], x, y, order)
        axes.set_title(
            f"{literal_text(relation.label)}\nSpearman {relation.rho.text}", fontsize=8, loc="left"
        )
        axes.set_xlabel(NAMES[relation.predictor].replace(" (", "\n("), fontsize=8)
    panels[0].set_ylabel(NAMES["suppression"].replace(" (", "\n("), fontsize=8)
    legend_beside(panels[-1], panels)  # panels of several experiments need not have the same prompts
    heading(figure, title)
    return figure


def _named(measure: str, trait: str | None) -> str:
    name = NAMES[measure].replace(" (", "\n(")
    return f"{literal_text(trait)}: {name}" if measure == ELICITATION and trait else name


def _scatter(
    axes: "Axes",
    prompts: Sequence[str],
    x: Mapping[str, Point],
    y: Mapping[str, Point],
    order: Sequence[str] | None = None,
) -> None:
    """A point a prompt, in the colour that its arm has everywhere, with the intervals of both numbers."""
    everyone = list(order or prompts)
    colour = colours(everyone)
    for draw in (axes.axhline, axes.axvline):
        draw(0, color="0.55", linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    for prompt in prompts:
        look: dict[str, Any] = {"color": colour[prompt], "linewidth": 1.4, "zorder": 3}
        axes.plot(x[prompt][1:], [y[prompt][0]] * 2, **look)
        axes.plot([x[prompt][0]] * 2, y[prompt][1:], **look)
        marker = MARKERS[everyone.index(prompt) // 9 % len(MARKERS)]
        axes.plot(
            x[prompt][0],
            y[prompt][0],
            marker,
            color=colour[prompt],
            markersize=6,
            markeredgecolor="0.15",
            zorder=4,
            label=arm_name(prompt),
        )
