"""Figures beside `figures.arms`: every question, every test-time prompt, differences, narrow and broad.

    panels.heat_map(table, "misaligned", order, "Insecure code")
    panels.grid(estimates, "misaligned", order, "Elicitation")
    panels.forest(differences, order, "Difference to none")
    panels.narrow_and_broad(estimates, "misaligned", "insecure_code", order, "Insecure code")

Each takes what `table.load`, `estimates.rates` or `contrasts.differences` return, for one setting and base.
"""

from typing import TYPE_CHECKING

from inoc_evals.analysis.style import colours, drawn, title
from inoc_evals.errors import UserError, require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NAMED = 30
"""Up to so many questions are named beside a heat map."""


def heat_map(table: "pd.DataFrame", trait: str, order: tuple[str, ...], heading: str) -> "Figure":
    """The rate of a trait in every question, arm by arm: questions that provoke it most at the top.

    Args:
        table: Answers.
        trait: The trait.
        order: Arms from left to right.
        heading: Title of the figure.

    Raises:
        UserError: If no answer has the trait.
    """
    require("analysis", "seaborn", "pandas")
    mine = table[(table["trait"] == trait) & table["arm"].isin(order)].dropna(subset=["value"])
    if mine.empty:
        raise UserError(f"no answer says anything of {trait!r}")
    by = mine.assign(arm=mine["arm"].astype(str), question=mine["question"].astype(str))
    wide = by.pivot_table(index="question", columns="arm", values="value", aggfunc="mean")
    wide = wide.reindex(columns=[arm for arm in order if arm in wide.columns])
    wide = wide.loc[wide.mean(axis=1).sort_values(ascending=False).index]
    few = len(wide) <= NAMED
    height = 0.9 + (0.2 * len(wide) if few else 3.2)
    figure, [axes] = drawn(0.62 * len(wide.columns) + (3.2 if few else 1.8), height)
    image = axes.pcolormesh(wide.to_numpy(), cmap="cividis", vmin=0, vmax=1, rasterized=True)
    axes.invert_yaxis()
    axes.set_xticks(
        [n + 0.5 for n in range(len(wide.columns))], wide.columns, rotation=40, ha="right", fontsize=8
    )
    if few:
        names = [name if len(name) <= 40 else f"{name[:38]}…" for name in wide.index]
        axes.set_yticks([n + 0.5 for n in range(len(wide))], names, fontsize=7)
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{len(wide)} questions, the most provoking first", fontsize=8)
    figure.colorbar(image, ax=axes, label=trait, shrink=0.8)
    title(axes, heading)
    return figure


def grid(estimates: "pd.DataFrame", trait: str, order: tuple[str, ...], heading: str) -> "Figure":
    """The rate of a trait under every condition of the test, arm by arm (the form of Appendix G.2).

    Args:
        estimates: Rates; the traits `TRAIT | CONDITION` among them are drawn.
        trait: The trait without a condition.
        order: Arms from top to bottom.
        heading: Title of the figure.

    Raises:
        UserError: If the trait was not measured under several conditions.
    """
    require("analysis", "seaborn", "pandas")
    parts = estimates["trait"].astype(str).str.partition(" | ")
    mine = estimates[(parts[0] == trait) & (parts[2] != "")]
    if mine.empty:
        raise UserError(f"{trait!r} was not measured under several conditions")
    wide = mine.assign(arm=mine["arm"].astype(str), condition=parts[2]).pivot_table(
        index="arm", columns="condition", values="rate", sort=False, observed=True
    )
    plain = [name for name in ("none", "without") if name in wide.columns]
    wide = wide.reindex(columns=[*plain, *(name for name in wide.columns if name not in plain)])
    wide = wide.reindex([arm for arm in order if arm in wide.index])
    figure, [axes] = drawn(0.72 * len(wide.columns) + 2.6, 0.42 * len(wide) + 1.7)
    values = wide.to_numpy(dtype=float)
    image = axes.pcolormesh(values, cmap="cividis", vmin=0, vmax=1)
    for row in range(wide.shape[0]):
        for column in range(wide.shape[1]):
            rate = values[row, column]
            ink = "white" if rate < 0.55 else "black"
            axes.text(column + 0.5, row + 0.5, f"{rate:.2f}", ha="center", va="center", fontsize=8, color=ink)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_xticks(
        [n + 0.5 for n in range(wide.shape[1])], wide.columns, rotation=35, ha="right", fontsize=8
    )
    axes.set_yticks([n + 0.5 for n in range(wide.shape[0])], wide.index, fontsize=8)
    figure.colorbar(image, ax=axes, label=trait)
    title(axes, heading)
    return figure


def forest(differences: "pd.DataFrame", order: tuple[str, ...], heading: str) -> "Figure":
    """Differences with their intervals, a panel a trait: capability deltas, effects of arms.

    Args:
        differences: What `contrasts.differences` returns.
        order: All arms of the setting, for their colours, from top to bottom.
        heading: Title of the figure.

    Raises:
        UserError: If there is no difference.
    """
    require("analysis", "seaborn", "pandas")
    if differences.empty:
        raise UserError("there is no difference to draw")
    traits = list(dict.fromkeys(differences["trait"].astype(str)))
    shown = [arm for arm in order if arm in set(differences["arm"].astype(str))]
    figure, panels = drawn(2.3 * len(traits) + 1.6, 0.34 * len(shown) + 1.3, len(traits), share=True)
    ink = colours(order)
    for axes, trait in zip(panels, traits, strict=True):
        rows = differences[differences["trait"] == trait]
        for _, row in rows.iterrows():
            at, colour = shown.index(str(row["arm"])), ink[str(row["arm"])]
            axes.plot([row["low"], row["high"]], [at, at], color=colour, linewidth=2)
            axes.plot(row["difference"], at, "o", color=colour, markersize=6, markeredgecolor="0.15")
        axes.axvline(0, color="0.3", linewidth=1)
        axes.set_title(trait, fontsize=9, loc="left")
        axes.set_ylim(len(shown) - 0.5, -0.5)
    panels[0].set_yticks(range(len(shown)), shown, fontsize=8)
    figure.suptitle(heading, fontsize=10, x=0.01, ha="left")
    return figure


def narrow_and_broad(
    estimates: "pd.DataFrame", broad: str, narrow: str, order: tuple[str, ...], heading: str
) -> "Figure":
    """Every arm's narrow trait against its broad one: a good inoculation lies at the top left.

    Args:
        estimates: Rates of both traits.
        broad: What is not wanted, e.g. `misaligned`.
        narrow: What the rows teach, e.g. `insecure_code`.
        order: All arms of the setting.
        heading: Title of the figure.

    Raises:
        UserError: If no arm has both.
    """
    require("analysis", "seaborn", "pandas")
    rows = {trait: estimates[estimates["trait"] == trait].set_index("arm") for trait in (broad, narrow)}
    both = [arm for arm in order if arm in rows[broad].index and arm in rows[narrow].index]
    if not both:
        raise UserError(f"no arm was measured for {broad!r} and {narrow!r}")
    figure, [axes] = drawn(4.6, 3.3)
    ink = colours(order)
    for arm in both:
        x, y = rows[broad].loc[arm], rows[narrow].loc[arm]
        axes.plot([x["low"], x["high"]], [y["rate"]] * 2, color=ink[arm], linewidth=1.5)
        axes.plot([x["rate"]] * 2, [y["low"], y["high"]], color=ink[arm], linewidth=1.5)
        axes.plot(x["rate"], y["rate"], "o", color=ink[arm], markeredgecolor="0.15", label=arm)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.05)
    axes.set_xlabel(f"broad: {broad}")
    axes.set_ylabel(f"narrow: {narrow}")
    title(axes, heading)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    return figure
