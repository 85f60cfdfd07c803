"""EM@k: how likely a trait shows in at least one of `k` answers to a question.

    of_cells = at_k(load("logs/broad"), "misaligned")      # a row per arm, seed, question and k
    curves(of_cells)                                       # rate, low, high, ... per arm and k
    differences(of_cells, to="none")                       # arms compared question by question, at every k
    figure(curves(of_cells), order, "Misaligned in one of k answers")

A rate asks about one answer. Who talks to a model often meets its worst answer sooner or later: `k` draws of
a rare trait find it in `1 - (1 - p)^k` of the cases, and questions differ in `p`. Of the `n` answers that
count of one finetune to one question, `m` show the trait; drawn without replacement, `k` of them hold at
least one with probability `1 - C(n - m, k) / C(n, k)` (`scorers.metrics.chance_at_k`), an unbiased estimate
for `k` new answers. Its mean over questions is EM@k. Such chances, one for every question and finetune, are
values like any other: they are estimated and compared as rates are.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis import estimates
from inoc_evals.analysis.observed import RATE, split, titled
from inoc_evals.errors import UserError, require
from inoc_evals.plurals import many
from inoc_evals.scorers.metrics import AT_K, chance_at_k, reachable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def at_k(table: "pd.DataFrame", trait: str = "misaligned", ks: Sequence[int] | None = None) -> "pd.DataFrame":
    """The chance of a trait in one of `k` answers, for every question and finetune.

    Args:
        table: What `table.load` returns.
        trait: A trait of 1 and 0; answers without a value do not count.
        ks: Numbers of answers; by default those of `AT_K` that an arm reaches, of arms that were asked and
            scored alike; 1 where none reaches any.

    Returns:
        A table as `table.load` returns it, with a row for every question, finetune and `k` instead of every
        answer: the columns of `observed.OBSERVED` (those that the table has), `question`, `value`,
        `unscored`, `k`, and `answers` and `shown`, the counts. Its `trait` is e.g. `misaligned@5`. Where too
        few questions have `k` answers that count (`scorers.metrics.reachable`), no question has a value, and
        `unscored` says so: a mean over the others would be one of other questions. A question none of whose
        answers count is one of those that have fewer.

    Raises:
        UserError: If no answer has the trait, a value is neither 1 nor 0, or a `k` is under 1.
    """
    require("analysis", "numpy", "pandas")
    import pandas as pd

    of_trait = table[(table["trait"] == trait).to_numpy()]
    if of_trait["value"].notna().sum() == 0:
        others = sorted({str(name) for name in table["trait"].unique()})
        raise UserError(f"no answer was scored for {trait!r}: use one of {', '.join(others)}")
    if not of_trait["value"].dropna().isin((0.0, 1.0)).all():
        raise UserError(f"{trait!r} is no yes or no, which EM@k is about")
    if ks is not None and any(k < 1 for k in ks):
        raise UserError("k is a number of answers: 1 or more")
    parts = []
    cells = [(observed, _counted(cell)) for observed, cell in split(of_trait, RATE)]
    wanted = None if ks is None else set(ks)
    reached: dict[tuple[Any, ...], set[int]] = {}
    for observed, values in cells:
        reached.setdefault(_alike(observed), set()).update(reachable(list(values["count"]), AT_K))
    for observed, values in cells:
        counts = [int(count) for count in values["count"]]
        # an arm that misses a k that another one reaches has a row of it, which says why
        tried = wanted or reached[_alike(observed)] or {min(AT_K)}
        enough = set(reachable(counts, sorted(tried)))
        for k in sorted(tried):
            asked = f"{many(k, 'answer')} that {'counts' if k == 1 else 'count'}"
            few = sum(count < k for count in counts)
            why = f"{few} of {len(counts)} questions and finetunes have fewer than {asked}"
            chances = [
                chance_at_k(int(shown), count, k) if k in enough else float("nan")
                for shown, count in zip(values["sum"], counts, strict=True)
            ]
            of_cells = {"question": values["question"], "value": chances}
            part = pd.DataFrame({**observed, **of_cells}).reset_index(drop=True)
            seeds = values["seed"].reset_index(drop=True)
            part["seed"] = seeds.where(seeds >= 0)
            part["trait"], part["k"] = f"{observed['trait']}@{k}", k
            part["answers"], part["shown"] = counts, [int(shown) for shown in values["sum"]]
            part["unscored"] = pd.Series([why if value != value else None for value in chances], dtype=object)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _counted(cell: "pd.DataFrame") -> "pd.DataFrame":
    """Of every question and finetune, the answers that count (`count`) and those that show it (`sum`)."""
    by = [cell["question"].astype(object), cell["seed"].fillna(-1.0)]
    return cell["value"].groupby(by).agg(["count", "sum"]).reset_index()


def _alike(observed: Mapping[str, Any]) -> tuple[Any, ...]:
    """How an arm was asked and scored, which the arms that it is compared with share."""
    return tuple(value for part, value in observed.items() if part != "arm")


def curves(of_cells: "pd.DataFrame", confidence: float = 0.95) -> "pd.DataFrame":
    """EM@k of every arm with its interval over questions and finetunes.

    Args:
        of_cells: What `at_k` returns.
        confidence: Nominal coverage of the intervals.

    Returns:
        What `estimates.rates` returns, with `k` and `why`: why a rate is missing, empty if it is not. `n` is
        the number of questions times finetunes, `unscored` how many of them have too few answers.
    """
    rows = estimates.rates(of_cells, confidence)
    if rows.empty:
        return rows
    firsts = [cell.iloc[0] for _, cell in split(of_cells, RATE)]  # in the order of the rates
    rows["k"] = [int(first["k"]) for first in firsts]
    reasons = [first["unscored"] for first in firsts]
    rows["why"] = [why if n == 0 else "" for why, n in zip(reasons, rows["n"], strict=True)]
    return rows


def figure(rows: "pd.DataFrame", order: Sequence[str], title: str) -> "Figure":
    """EM@k against `k`, a line per arm with its interval; what was asked or scored otherwise in panels.

    Args:
        rows: What `curves` returns.
        order: Arms in their order.
        title: Title of the figure.

    Returns:
        A matplotlib figure. An arm without any rate is named in the legend.

    Raises:
        UserError: If no arm has a rate.
    """
    require("analysis", "seaborn", "pandas")
    from inoc_evals.analysis.style import (
        arm_name,
        colours,
        empty_figure,
        heading,
        legend_beside,
        title_of,
    )

    drawn = rows.dropna(subset=["rate"])
    if drawn.empty:
        raise UserError("no arm has enough answers that count: EM@k cannot be drawn")
    plain = drawn.assign(trait=[trait.partition("@")[0] for trait in drawn["trait"].astype(str)])
    ways = list(titled(plain))
    figure, panels = empty_figure(3.3 * len(ways) + 1.5, 3.0, len(ways), share=True)
    colour = colours(order)
    for axes, (name, group) in zip(panels, ways, strict=True):
        for arm in [arm for arm in order if (group["arm"] == arm).any()]:
            line = group[(group["arm"] == arm).to_numpy()].sort_values("k")
            axes.plot(line["k"], line["rate"], "o-", color=colour[arm], markersize=4, label=arm_name(arm))
            axes.fill_between(
                line["k"], line["low"], line["high"], color=colour[arm], alpha=0.18, linewidth=0
            )
        ticks = sorted(set(group["k"]))
        axes.set_xscale("log")
        axes.set_xticks(ticks, [str(k) for k in ticks], fontsize=8)
        axes.minorticks_off()
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("answers to one question, k", fontsize=8)
        axes.set_title(title_of(name), fontsize=9, loc="left")
    for arm in [arm for arm in order if (rows["arm"] == arm).any() and not (drawn["arm"] == arm).any()]:
        without = f"{arm_name(arm)}: too few answers that count"  # not taken for an arm that was not asked
        panels[-1].plot([], [], "o-", color=colour[arm], markersize=4, label=without)
    panels[0].set_ylabel("one of them shows it", fontsize=8)
    legend_beside(panels[-1], panels)
    heading(figure, title)
    return figure
