"""How much of an inoculation's effect any fixed prompt has: controls against conditionalization.

    found = shares(load("logs/mine"))        # per arm of controls: (none - arm) / (none - inoculated)
    pools(rates(load("logs/mine")), "spanish", "spanish-inoc", "Rates by size of the pool")     # a figure

A model that is trained under one prompt and tested without it may just have learnt its trait under that
prompt. Then an irrelevant prompt keeps the trait out, too, and the share of the effect that it explains is
near 1; if only the request counts, the share is near 0. The same share for a pool of rephrasings says how
much of the effect is left when the prompt is no fixed one. Each share is drawn again jointly over questions
and finetunes (`resampling.py`). Where the inoculation has no effect to share out, by the usual test of a
difference (`contrasts.py`), it is undefined.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.contrasts import compare
from inoc_evals.analysis.estimates import caution, in_nats, is_rating, merged
from inoc_evals.analysis.observed import GROUP, framed, labels, split, the_one
from inoc_evals.analysis.resampling import Means, Part, resampled, statistic
from inoc_evals.analysis.style import (
    arm_name,
    arms_of,
    colours,
    empty_figure,
    heading,
    is_share,
    sentence,
)
from inoc_evals.data.rephrasings import KINDS
from inoc_evals.errors import UserError, require
from inoc_evals.settings import SETTINGS, Setting
from inoc_evals.settings.controls import inoculated, pool_of
from inoc_evals.settings.prompts import IRRELEVANT

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

NONE = "none"
"""The arm without a prompt."""

HIGHER_IS_BETTER = ("alignment", "coherence")
"""Ratings of which an inoculation keeps low values out."""

COLUMNS = (
    *("arm", "of", "kind", "size", "share", "low", "high"),
    *("effect", "effect_low", "effect_high", "undefined", "asked", "n", "caution"),
)
"""What `shares` says of every control."""


def _share(arm: str, inoculated_arm: str, means: "Mapping[Part, np.ndarray]") -> "np.ndarray":
    none, inoculated = means[NONE, ""], means[inoculated_arm, ""]
    share: np.ndarray = (none - means[arm, ""]) / (none - inoculated)
    return share


def shares(
    table: "pd.DataFrame",
    settings: Mapping[str, Setting] = SETTINGS,
    of: str = "",
    confidence: float = 0.95,
) -> "pd.DataFrame":
    """The share of an inoculation's effect that its controls have as well.

    Args:
        table: What `table.load` returns.
        settings: The settings by name, which say which arm the inoculated one is.
        of: The inoculated arm, where it is another one than the setting's first.
        confidence: Nominal coverage of the intervals.

    Returns:
        A table with one row for every control (`irrelevant`, `close-K`, `diverse-K`) in every combination of
        the columns `observed.GROUP` (those that the table has) that also has the arm `none` and the
        inoculated one: these columns, `label` as in `rates`, `arm` (the control), `of` (the inoculated arm),
        `kind` and `size` of a pool, `share` with `low` and `high`, `effect` (none minus inoculated; below 0
        of `HIGHER_IS_BETTER`) with `effect_low` and `effect_high`, `undefined` (why there is no share; empty
        if there is one), `asked`, `n` and `caution`. A row is of three arms, and no other arm changes
        anything in it. A share is no bounded number: above 1, the control keeps out more than the
        inoculation, below 0 it brings the trait in.
    """
    require("analysis", "numpy", "pandas", "scipy")
    scored = table.dropna(subset=["value"])
    out: list[dict[str, Any]] = []
    for observed, group in split(scored, GROUP):
        arms = {str(arm): rows for arm, rows in group.groupby("arm", sort=False, observed=True)}
        inoculated_arm = of or _inoculated(settings.get(str(observed.get("setting"))), arms)
        controls = [arm for arm in arms if is_control(arm) and arm != inoculated_arm]
        if NONE not in arms or inoculated_arm not in arms or not controls:
            continue
        both = [NONE, inoculated_arm]
        tested = compare(arms[NONE], arms[inoculated_arm], confidence)
        effect, low_effect, high_effect = (float(tested[key]) for key in ("difference", "low", "high"))
        reason = undefined(low_effect, high_effect, inoculated_arm, **_kind(group))
        for arm in sorted(controls, key=_order):
            means = _drawn(arms, [*both, arm])
            found = statistic(means, partial(_share, arm, inoculated_arm), confidence)
            value, low, high = (found.value, found.low, found.high) if not reason else (float("nan"),) * 3
            kind, size = pool_of(arm) or (None, None)
            compared = [arms[NONE], arms[inoculated_arm], arms[arm]]
            out.append(
                {
                    **observed,
                    **{"arm": arm, "of": inoculated_arm, "kind": kind, "size": size},
                    **{"share": value, "low": low, "high": high},
                    **{"effect": effect, "effect_low": low_effect, "effect_high": high_effect},
                    "undefined": reason,
                    "asked": means.questions,
                    "n": sum(map(len, compared)),
                    "caution": merged([*map(caution, compared), means.caution]),
                }
            )
    result = framed(out, table, GROUP, COLUMNS)
    result["label"] = labels(result, among=table)
    result["size"] = result["size"].astype("Int64")
    return result


def _drawn(arms: "Mapping[str, pd.DataFrame]", those: Sequence[str]) -> Means:
    """Joint draws of these arms alone: their questions, finetunes and cautions are those of a row."""
    return resampled({(arm, ""): arms[arm] for arm in those})


def undefined(
    low: float, high: float, arm: str, *, of_means: bool = False, higher_is_better: bool = False
) -> str:
    """Why an effect cannot be shared out; empty if it can.

    Args:
        low: Lower end of the interval of the effect, the rate of `none` minus that of the inoculated arm.
        high: Its upper end.
        arm: The inoculated arm.
        of_means: Whether the two are means, of ratings or log-probs, and no shares of answers.
        higher_is_better: Whether what is kept out are low values, such as low alignment: then an effect is
            below 0.
    """
    if low <= 0 <= high:
        return f"{arm} may have no effect: its interval [{low:+z.2f}, {high:+z.2f}] holds 0"
    if low > 0 if higher_is_better else high < 0:
        than = f"is {'lower' if higher_is_better else 'higher'} than that of {NONE}"
        shown = f"the mean of {arm} {than}" if of_means else f"{arm} shows the trait more often than {NONE}"
        return f"{shown}: there is nothing that it keeps out"
    return ""


def _kind(group: "pd.DataFrame") -> dict[str, bool]:
    """Whether these answers of one trait are shares or means, and which way is up."""
    trait = str(group["trait"].iloc[0]).partition("@")[0]  # one of several graders has its own
    better = trait in HIGHER_IS_BETTER
    of_means = better or is_rating(group) or in_nats(group) or not bool(group["value"].between(0, 1).all())
    return {"of_means": of_means, "higher_is_better": better}


def is_control(arm: str) -> bool:
    """Whether an arm of this name is a control whose share of the effect can be taken."""
    return arm == IRRELEVANT.name or pool_of(arm) is not None


def pools(estimates: "pd.DataFrame", trait: str, inoculated_arm: str, title: str) -> "Figure":
    """The rate of a trait against the size of the pool: close and diverse rephrasings, and what bounds them.

    Args:
        estimates: What `estimates.rates` returns, for one setting and base.
        trait: The trait, by its name or label.
        inoculated_arm: The arm with one prompt.
        title: Title of the figure.

    Returns:
        A matplotlib figure: a line for close pools and one for diverse ones, with their intervals; the
        irrelevant prompt as a band; levels without a prompt and with one.

    Raises:
        UserError: If no pool was measured, or the name stands for several groups.
    """
    require("analysis", "seaborn", "pandas")
    rates = the_one(estimates, trait).set_index("arm")
    by_kind = {
        kind: sorted((of[1], arm) for arm in rates.index if (of := pool_of(str(arm))) and of[0] == kind)
        for kind in KINDS
    }
    if not any(by_kind.values()):
        raise UserError(f"no pool of rephrasings was measured for {trait!r}: train some with --controls")
    places = sorted({size for sizes in by_kind.values() for size, _ in sizes})
    figure, [axes] = empty_figure(5.2, 3.0)
    ink = colours([NONE, inoculated_arm, IRRELEVANT.name, *KINDS])
    ends = [places[0] / 1.3, places[-1] * 1.3]
    for arm in (NONE, inoculated_arm, IRRELEVANT.name):
        if arm in rates.index:
            row = rates.loc[arm].to_dict()
            axes.axhline(
                float(row["rate"]), color=ink[arm], linewidth=1.4, linestyle="--", label=arm_name(arm)
            )
            if arm == IRRELEVANT.name:
                axes.fill_between(ends, row["low"], row["high"], color=ink[arm], alpha=0.18, linewidth=0)
            else:  # its interval stands at the left end, so that two bands are never taken for one
                axes.vlines(ends[0] * 1.04, row["low"], row["high"], color=ink[arm], linewidth=3)
    for number, (kind, sizes) in enumerate(by_kind.items()):
        if sizes:
            rows = rates.loc[[arm for _, arm in sizes]]
            x = [size * (0.97, 1.03)[number] for size, _ in sizes]  # apart, so that both intervals are seen
            axes.plot(x, rows["rate"], "o-", color=ink[kind], markeredgecolor="0.15", label=f"{kind} pool")
            axes.vlines(x, rows["low"], rows["high"], color=ink[kind], linewidth=1.8)
    axes.set_xscale("log", base=2)
    axes.set_xlim(*ends)
    axes.set_xticks(places, [str(size) for size in places])
    axes.minorticks_off()
    if is_share(rates["rate"]):
        axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("rephrasings in the pool", fontsize=8)
    axes.set_ylabel(f"{sentence(trait)}, rate", fontsize=8)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    heading(figure, title)
    return figure


def drawn(
    found: "pd.DataFrame", estimates: "pd.DataFrame", settings: Mapping[str, Setting] = SETTINGS
) -> "Iterator[tuple[str, Figure]]":
    """A figure for every setting, base and trait with pools of rephrasings.

    Args:
        found: What `shares` returns.
        estimates: Rates of the same table.
        settings: The settings by name, which say what their arms are; the suite's by default.

    Yields:
        What tells the figure from the others, empty if it is the only one; and the figure (`pools`).
    """
    keys = list(split(found[found["kind"].notna().to_numpy()], ("setting", "base", "label", "of")))
    several = [part for part in ("setting", "base", "label") if len({str(key[part]) for key, _ in keys}) > 1]
    for key, _ in keys:
        same = [(estimates[part].astype(str) == str(key[part])).to_numpy() for part in ("setting", "base")]
        mine = same[0] & same[1] if key["base"] is not None else same[0]
        name = "".join(c if c.isalnum() or c in "_-." else " " for part in several for c in f"{key[part]} ")
        title = (
            f"{sentence(str(key['setting']))}, {key['base'] or 'base unknown'}: one prompt, and pools of it"
        )
        with arms_of(settings.get(str(key["setting"]))):
            figure = pools(estimates[mine], str(key["label"]), str(key["of"]), title)
        yield name, figure


def in_words(row: Mapping[str, Any]) -> str:
    """A share with its interval, or why there is none.

    Args:
        row: A row of `shares`.
    """
    if row["undefined"]:
        return f"undefined: {row['undefined']}"
    return f"{row['share']:z.2f} [{row['low']:z.2f}, {row['high']:z.2f}]"


def _inoculated(setting: Setting | None, arms: Mapping[str, Any]) -> str:
    """The setting's inoculated arm; of a setting that is not known, the only arm that can be it."""
    if setting is not None:
        arm = inoculated(setting)
        return arm.name if arm else ""
    others: Sequence[str] = [arm for arm in arms if arm not in (NONE, "base") and not is_control(arm)]
    return others[0] if len(others) == 1 else ""


def _order(arm: str) -> tuple[str, int]:
    """The irrelevant prompt, then pools by kind and size."""
    return pool_of(arm) or ("", 0)
