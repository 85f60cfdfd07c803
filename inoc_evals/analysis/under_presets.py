"""The same judged answers under every published rule of misalignment: no judge is asked again.

    verdicts = under_presets(load("logs/demo"))      # a row per answer and preset: 1, 0, or why neither
    preset_rates(verdicts)                           # per arm: rate, mean alignment, what was left out
    differences(verdicts, to="none")                 # does the effect of an arm depend on the preset?
    figure(preset_rates(verdicts), order, "One log, five rules")

A score of `scorers.alignment` holds both ratings, whether the judge leaned to a word, and the third judge's
CODE or not, so every preset of `scorers.presets` can be applied to it. Each preset also has the mean
alignment of the answers that count under it, which follow-up work reports beside or instead of a rate. Under
the preset of the log itself the verdicts of the log must come out again; where they do not (graders that
voted), it says so.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis import estimates
from inoc_evals.analysis.observed import GROUP, RATE, records, split, titled
from inoc_evals.errors import UserError, require
from inoc_evals.scorers.alignment import IS_CODE
from inoc_evals.scorers.presets import PRESETS, Preset, is_misaligned

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ANSWER = ("log", "sample", "epoch", "scorer", "dose")
"""Columns that name a scored answer."""

INCOHERENT, CODE, REFUSAL = "incoherent", "code", "refusal"
NO_NUMBER = "the log keeps no rating of an answer whose judge leans to a word"
NOT_ASKED = "no third judge was asked whether it is code"
VOTED = "the log's graders voted: see the rows of each grader"
"""Why an answer has no verdict under a preset."""

LEFT_OUT = {INCOHERENT: "incoherent", CODE: "code", REFUSAL: "refused"}
"""Columns of `preset_rates` that count answers which do not count; all other reasons are `unread`."""

RATING = "alignment"


def under_presets(
    table: "pd.DataFrame", presets: Sequence[Preset] = tuple(PRESETS.values())
) -> "pd.DataFrame":
    """Apply presets to the ratings that a table holds.

    Args:
        table: What `table.load` returns.
        presets: Rules of misalignment.

    Returns:
        A table like it, with a row for every answer and preset: `trait` is `misaligned` (of one of several
        graders `misaligned@NAME`), `preset` the rule, `value` 1, 0 or NaN, `unscored` why it is NaN, and
        `alignment` the rating if the answer counts.

    Raises:
        UserError: If no answer was rated for alignment and coherence.
    """
    require("analysis", "numpy", "pandas")
    import pandas as pd

    traits = [str(trait) for trait in table["trait"].unique()]
    of_graders = [t.removeprefix(RATING) for t in traits if t == RATING or t.startswith(f"{RATING}@")]
    graders = [grader for grader in of_graders if f"coherence{grader}" in traits]
    if not graders:
        raise UserError("no answer was rated for alignment and coherence: score with inoc_evals/alignment")
    parts = []
    for grader in graders:
        ratings = _ratings(table, grader)
        voted = _voted(ratings)
        for rule in presets:
            read = [
                _verdict(rule, row, voted=where) for row, where in zip(records(ratings), voted, strict=True)
            ]
            part = ratings.drop(columns=[*_OTHERS, "logged"])
            part["trait"], part["preset"] = f"misaligned{grader}", rule.name
            part["value"] = [float("nan") if value is None else value for value, _ in read]
            part["unscored"] = pd.Series([why for _, why in read], index=part.index, dtype=object)
            part[RATING] = ratings[RATING].where(part["value"].notna())
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def preset_rates(verdicts: "pd.DataFrame", confidence: float = 0.95) -> "pd.DataFrame":
    """The rate of misaligned answers and the mean alignment of every arm under every preset.

    Args:
        verdicts: What `under_presets` returns.
        confidence: Nominal coverage of the intervals.

    Returns:
        What `estimates.rates` returns, a row for every arm and preset, with `mean_alignment` of the answers
        that count, `mean_low` and `mean_high`; the numbers of answers that do not count, `incoherent`,
        `code`, `refused` and `unread`; and `why`: why a rate is missing, empty if it is not.
    """
    import pandas as pd

    rows = estimates.rates(verdicts, confidence)
    rated = verdicts["trait"].astype(str).str.replace("misaligned", RATING, n=1)  # of a single grader, too
    means = estimates.rates(verdicts.assign(value=verdicts[RATING], trait=rated), confidence)
    rows[["mean_alignment", "mean_low", "mean_high"]] = means[["rate", "low", "high"]].to_numpy()
    counts, reasons = [], []
    for _, cell in split(verdicts, RATE):  # in the order of the rates
        why = cell["unscored"].dropna().value_counts()
        known = {column: int(why.get(reason, 0)) for reason, column in LEFT_OUT.items()}
        counts.append({**known, "unread": int(why.sum()) - sum(known.values())})
        reasons.append("" if cell["value"].notna().any() else str(why.index[0]) if len(why) else "no answer")
    rows = pd.concat([rows, pd.DataFrame(counts, index=rows.index)], axis=1)
    rows["why"] = reasons
    return rows


def figure(rows: "pd.DataFrame", order: Sequence[str], title: str) -> "Figure":
    """Every arm's rate under every preset, with its interval; what was asked or judged otherwise in panels.

    Args:
        rows: What `preset_rates` returns.
        order: Arms in their order.
        title: Title of the figure.

    Returns:
        A matplotlib figure.

    Raises:
        UserError: If there is no rate.
    """
    require("analysis", "seaborn", "pandas")
    from inoc_evals.analysis.style import (
        arm_name,
        colours,
        empty_figure,
        heading,
        legend_beside,
        name_rows,
        share_axis,
        title_of,
    )

    drawn = rows.dropna(subset=["rate"])
    if drawn.empty:
        raise UserError("no answer counts under any preset")
    names = [name for name in PRESETS if (drawn["preset"] == name).any()]
    ways = list(titled(drawn, [part for part in GROUP if part != "preset"]))
    shown = [arm for arm in order if (drawn["arm"] == arm).any()]
    height = 1.0 + len(names) * (0.2 + 0.14 * len(shown))
    figure, panels = empty_figure(2.6 * len(ways) + 3.0, height, len(ways), share=True)
    colour = colours(order)
    for axes, (name, group) in zip(panels, ways, strict=True):
        for place, arm in enumerate(shown):
            shift = (place - (len(shown) - 1) / 2) * 0.8 / len(shown)
            for row in group[(group["arm"] == arm).to_numpy()].to_dict("records"):
                y = names.index(row["preset"]) + shift
                axes.plot([row["low"], row["high"]], [y, y], color=colour[arm], linewidth=2)
                axes.plot(row["rate"], y, "o", color=colour[arm], markersize=5, markeredgecolor="0.15")
        share_axis(axes)
        axes.set_xlabel("misaligned among those that count", fontsize=8)
        axes.set_title(title_of(name), fontsize=9, loc="left")
        axes.grid(axis="y", visible=False)
    name_rows(panels[0], [f"{name}\n{PRESETS[name]}" for name in names])
    for arm in shown:
        panels[-1].plot([], [], "o", color=colour[arm], markeredgecolor="0.15", label=arm_name(arm))
    legend_beside(panels[-1], panels)
    heading(figure, title)
    return figure


_OTHERS = ("coherence", "refused", "said_code", IS_CODE)


def _ratings(table: "pd.DataFrame", grader: str) -> "pd.DataFrame":
    """A row per answer with what one grader said of it; `logged` is the verdict of the log."""
    by = [column for column in ANSWER if column in table.columns]
    mine = table[(table["trait"] == f"{RATING}{grader}").to_numpy()]
    ratings = mine.astype(dict.fromkeys(by, object)).rename(columns={"value": RATING})
    ratings["preset"] = ratings["preset"].astype(object) if "preset" in ratings.columns else None
    for column, trait in (
        *(("coherence", "coherence"), ("refused", "refused"), ("said_code", "code")),
        *((IS_CODE, IS_CODE), ("logged", "misaligned")),
    ):
        other = table[(table["trait"] == f"{trait}{grader}").to_numpy()].astype(dict.fromkeys(by, object))
        values = other[[*by, "value"]].rename(columns={"value": column})
        ratings = ratings.merge(values, on=by, how="left", validate="one_to_one")
    return ratings


def _voted(ratings: "pd.DataFrame") -> list[bool]:
    """For every answer, whether its log has verdicts that its own ratings and preset do not give."""
    differ: dict[Any, bool] = {}
    rows = records(ratings)
    for row in rows:
        rule = PRESETS.get(str(row["preset"]))
        if rule is not None:
            value, _ = _verdict(rule, row, voted=False)
            logged = _number(row["logged"])
            log = (row.get("log"), row.get("scorer"))
            differ[log] = differ.get(log, False) or value != logged
    return [differ.get((row.get("log"), row.get("scorer")), False) for row in rows]


def _verdict(rule: Preset, row: dict[str, Any], *, voted: bool) -> tuple[float | None, str | None]:
    """The verdict on one answer, or why it has none."""
    if voted:
        return None, VOTED
    alignment, coherence, is_code = (_number(row[name]) for name in (RATING, "coherence", IS_CODE))
    refused, code = (_number(row[name]) == 1 for name in ("refused", "said_code"))
    if coherence is not None and not rule.coherent(coherence):
        return None, INCOHERENT
    if (refused or code) and not rule.number_wins:
        return None, REFUSAL if refused else CODE
    if alignment is None and (refused or code):
        heeded = PRESETS.get(str(row["preset"]))
        lost = heeded is not None and not heeded.number_wins
        return None, NO_NUMBER if lost else REFUSAL if refused else CODE
    if alignment is not None and coherence is not None and rule.without_code:
        if is_code is None:
            return None, NOT_ASKED
        if is_code:
            return None, CODE
    verdict = is_misaligned(rule, alignment, coherence, None if is_code is None else bool(is_code))
    if verdict is None:
        return None, row["unscored"] if isinstance(
            row["unscored"], str
        ) else f"no {_missing(alignment)} was read"
    return float(verdict), None


def _missing(alignment: float | None) -> str:
    return RATING if alignment is None else "coherence"


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)
