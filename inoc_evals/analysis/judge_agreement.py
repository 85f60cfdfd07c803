"""How far judges agree: correlation, Krippendorff's alpha, the rate under every preset, and where they part.

    found = compare(collect(logs, graders))
    found.alpha, found.rates, found.disputed
    figure(found)

The same answers gave 9.9 %, 5.8 % and 0.5 % of misalignment under three judges in published work: a rate
without its judge and its preset is no result.
"""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.observed import group_codes, groups
from inoc_evals.analysis.style import plain
from inoc_evals.errors import UserError, require
from inoc_evals.scorers.presets import PRESETS, Preset, is_misaligned

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DISPUTED = 10
"""Answers that are shown as the most disputed."""

KEY = ["log", "question", "epoch"]

ASKED = ("setting", "base", "arm", "task", "questions", "condition")
"""What must agree for ratings of answers to be pooled into one rate."""


@dataclass(frozen=True)
class Comparison:
    """What was found.

    Attributes:
        ratings: The ratings it rests on, as `judge_ratings.collect` gives them.
        judges: Their names; one that was asked or read in several ways is several.
        alpha: By rating (`alignment`, `coherence`), Krippendorff's alpha for interval data over all judges:
            1 is full agreement, 0 what chance gives; nan with one judge or without variation.
        pairs: Per pair of judges and rating: `n`, `pearson`, `spearman`, mean difference.
        rates: Per judge and preset: `rate`, `low`, `high`, `n`, and how many answers do not count; answers of
            several arms, question sets or conditions apart, which `answers` names (empty where they do not
            differ).
        disputed: The answers whose alignment ratings differ most.
    """

    ratings: "pd.DataFrame"
    judges: tuple[str, ...]
    alpha: dict[str, float]
    pairs: "pd.DataFrame"
    rates: "pd.DataFrame"
    disputed: "pd.DataFrame"

    def as_dict(self) -> dict[str, Any]:
        """The same for programs."""
        import json

        def records(table: "pd.DataFrame") -> Any:
            return json.loads(table.to_json(orient="records"))

        return {
            "judges": list(self.judges),
            "alpha": {key: None if value != value else value for key, value in self.alpha.items()},
            "pairs": records(self.pairs),
            "rates": records(self.rates),
            "disputed": records(self.disputed),
        }


def compare(ratings: "pd.DataFrame") -> Comparison:
    """Compare judges on the answers of a table.

    Args:
        ratings: What `judge_ratings.collect` returns.

    Returns:
        The comparison.

    Raises:
        UserError: If no judge has rated anything.
    """
    require("analysis", "pandas", "scipy", "krippendorff")
    if ratings.empty:
        raise UserError("no judge has rated these answers: name one with  --grader MODEL")
    ratings = _judges_apart(ratings)
    judges = tuple(ratings["judge"].unique())
    return Comparison(
        ratings=ratings,
        judges=judges,
        alpha={rating: _alpha(ratings, rating) for rating in ("alignment", "coherence")},
        pairs=_pairs(ratings, judges),
        rates=_rates(ratings),
        disputed=_disputed(ratings),
    )


def shown(judge: str) -> str:
    """A judge's short name, with what tells it from others of that name."""
    from inoc_evals.scorers.judge.panel import short_name

    name, bracket, apart = judge.partition(" (")
    return f"{short_name(name)}{bracket}{apart}"


def _judges_apart(ratings: "pd.DataFrame") -> "pd.DataFrame":
    """The same, where a judge that was asked by several wordings or read in several ways is several."""
    by = [part for part in ("judge", "wording", "reader") if part in ratings.columns]
    kinds = groups(ratings, by)
    names = []
    for kind in kinds:
        same = [other for other in kinds if other["judge"] == kind["judge"]]
        differing = [part for part in by if len({other[part] for other in same}) > 1]
        told = ", ".join(f"{part} {kind[part]}" for part in differing)
        names.append(f"{kind['judge']} ({told})" if told else str(kind["judge"]))
    return ratings.assign(judge=[names[code] for code in group_codes(ratings, by)])


def _answers_apart(ratings: "pd.DataFrame") -> list[str]:
    """What tells the answers of every row from others: their arm, question set, condition; or nothing."""
    by = [part for part in ASKED if part in ratings.columns]
    kinds = groups(ratings, by)
    differing = [part for part in by if len({kind[part] for kind in kinds}) > 1]
    names = [
        ", ".join(str(kind[p]) if kind[p] is not None else f"no {p}" for p in differing) for kind in kinds
    ]
    return [names[code] for code in group_codes(ratings, by)]


def _wide(ratings: "pd.DataFrame", rating: str) -> "pd.DataFrame":
    """Answers by judges."""
    return ratings.pivot_table(index=KEY, columns="judge", values=rating, dropna=False, sort=False)


def _alpha(ratings: "pd.DataFrame", rating: str) -> float:
    import krippendorff

    wide = _wide(ratings, rating).dropna(how="all").to_numpy(dtype=float).T
    if wide.shape[0] < 2 or len({value for value in wide.ravel() if value == value}) < 2:
        return float("nan")
    return float(krippendorff.alpha(reliability_data=wide, level_of_measurement="interval"))


def _pairs(ratings: "pd.DataFrame", judges: tuple[str, ...]) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for rating in ("alignment", "coherence"):
        wide = _wide(ratings, rating)
        for a, b in itertools.combinations(judges, 2):
            both = wide[[a, b]].dropna() if {a, b} <= set(wide.columns) else wide.iloc[:0, :0]
            varied = len(both) > 1 and both[a].nunique() > 1 and both[b].nunique() > 1
            rows.append(
                {
                    **{"rating": rating, "a": a, "b": b, "n": len(both)},
                    "pearson": float(both[a].corr(both[b])) if varied else float("nan"),
                    "spearman": float(both[a].corr(both[b], method="spearman")) if varied else float("nan"),
                    "b_minus_a": float((both[b] - both[a]).mean()) if len(both) else float("nan"),
                }
            )
    return pd.DataFrame(rows, columns=["rating", "a", "b", "n", "pearson", "spearman", "b_minus_a"])


def _rates(ratings: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    from inoc_evals.analysis import estimates

    rows = [{str(key): value for key, value in row.items()} for row in ratings.to_dict("records")]
    answers = [
        {
            **{
                "setting": rule.name,
                "arm": row["judge"],
                "trait": "misaligned",
                "seed": None,
                "task": group,
            },
            **{"question": f"{row['log']} {row['question']}", "value": _misaligned(rule, row)},
        }
        for rule in PRESETS.values()
        for row, group in zip(rows, _answers_apart(ratings), strict=True)
    ]
    found = estimates.rates(pd.DataFrame(answers).astype({"value": float})).rename(
        columns={"arm": "judge", "setting": "preset", "task": "answers", "asked": "questions"}
    )
    found = found.rename(columns={"unscored": "not_counted"})
    return found[["judge", "preset", "answers", "rate", "low", "high", "n", "not_counted", "questions"]]


def _misaligned(rule: Preset, row: dict[str, Any]) -> float | None:
    def number(value: Any) -> float | None:
        return None if value is None or value != value else float(value)

    heeded = row["word"] is not None and row["word"] == row["word"] and not rule.number_wins
    misaligned = is_misaligned(rule, None if heeded else number(row["alignment"]), number(row["coherence"]))
    return None if misaligned is None else float(misaligned)


def _disputed(ratings: "pd.DataFrame") -> "pd.DataFrame":
    wide = _wide(ratings, "alignment")
    wide["range"] = wide.max(axis=1) - wide.min(axis=1)
    texts = ratings.drop_duplicates(KEY).set_index(KEY)[["prompt", "answer"]]
    most = wide[wide["range"] > 0].nlargest(DISPUTED, "range").join(texts)
    return most.reset_index()


def figure(found: Comparison) -> "Figure":
    """Draw the rate under each preset by judge, and the first two judges' ratings against each other.

    Returns:
        A matplotlib figure.
    """
    require("analysis", "seaborn")
    import seaborn as sns
    from matplotlib.figure import Figure

    with sns.axes_style("whitegrid", {"axes.spines.top": False, "axes.spines.right": False}):
        drawn = Figure(figsize=(8.4, 3.6), layout="constrained")
        left, right = drawn.subplots(1, 2)
    colours = sns.color_palette("colorblind", len(found.judges))
    width = 0.8 / len(found.judges)
    apart = list(dict.fromkeys(found.rates["answers"]))
    bars = [(answers, preset) for answers in apart for preset in PRESETS]
    drawn.set_figwidth(8.4 + 2.4 * (len(apart) - 1))
    for k, judge in enumerate(found.judges):
        mine = found.rates[found.rates["judge"] == judge]
        rows = mine.set_index(["answers", "preset"]).reindex(bars)
        at = [i + (k - (len(found.judges) - 1) / 2) * width for i in range(len(bars))]
        left.bar(at, rows["rate"], width=0.92 * width, color=colours[k], alpha=0.75, label=shown(judge))
        reach = [(rows["rate"] - rows["low"]).clip(lower=0), (rows["high"] - rows["rate"]).clip(lower=0)]
        left.errorbar(at, rows["rate"], yerr=reach, fmt="none", ecolor="0.15", capsize=3, linewidth=1.1)
    ticks = [f"{preset}\n{answers}" if answers else preset for answers, preset in bars]
    left.set_xticks(range(len(bars)), [plain(tick) for tick in ticks], fontsize=8)
    left.set_ylim(0, None)
    left.set_ylabel("rate of misaligned answers")
    left.grid(axis="x", visible=False)
    left.legend(frameon=False, fontsize=8)
    left.set_title("The same answers", loc="left", fontsize=10)
    if len(found.judges) > 1:
        a, b = found.judges[:2]
        wide = _wide(found.ratings, "alignment")
        right.scatter(wide[a], wide[b], s=12, alpha=0.4, color="0.2", linewidth=0)
        right.plot([0, 100], [0, 100], color="0.7", linewidth=1, zorder=0)
        right.set_xlabel(f"alignment by {shown(a)}")
        right.set_ylabel(f"by {shown(b)}")
        right.set_title(f"Krippendorff's alpha {found.alpha['alignment']:.2f}", loc="left", fontsize=10)
    else:
        right.hist(found.ratings["alignment"].dropna(), bins=20, color=colours[0], alpha=0.75)
        right.set_xlabel(f"alignment by {shown(found.judges[0])}")
        right.set_ylabel("answers")
    return drawn
