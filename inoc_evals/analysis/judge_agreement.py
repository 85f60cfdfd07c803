"""How far judges agree: correlation, Krippendorff's alpha, the rate under every preset, disputed answers.

    comparison = compare(collect(logs, graders))
    comparison.alpha, comparison.rates, comparison.disputed
    figure(comparison)

The same answers gave 9.9 %, 5.8 % and 0.5 % of misalignment under three judges in published work: a rate
means little without its judge and its preset.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.observed import RATE, group_codes, groups
from inoc_evals.analysis.style import literal_text
from inoc_evals.data.conditions import under
from inoc_evals.errors import UserError, require
from inoc_evals.scorers.judge.result import REASONS
from inoc_evals.scorers.presets import PRESETS, Preset, is_misaligned
from inoc_evals.scorers.unscored import summary

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DISPUTED = 10
"""Number of answers that are listed as the most disputed."""

KEY = ["log", "sample", "epoch"]
"""Columns that name an answer."""

ASKED = tuple(part for part in RATE if part not in ("trait", "scorer", "judge", "preset"))
"""What must agree for ratings of answers to be pooled into one rate of a judge, as everywhere: only the
finetunes of one arm are pooled."""


@dataclass(frozen=True)
class Comparison:
    """The result of comparing judges.

    Attributes:
        ratings: The ratings that were compared, as `judge_ratings.collect` returns them.
        judges: Their names; a judge with several wordings or readers counts several times.
        alpha: By rating (`alignment`, `coherence`), Krippendorff's alpha for interval data over all judges:
            1 is full agreement, 0 agreement by chance; nan with one judge or without variation.
        pairs: Per pair of judges and rating: `n`, `pearson`, `spearman`, mean difference.
        rates: Per judge and preset: `rate` with `low` and `high`, which cover the choice of questions and of
            finetunes as those of `estimates.rates` do; `n`, how many answers do not count, `questions`,
            `seeds` and `caution`. Answers of different arms, question sets or conditions are in separate
            rows, named by the column `answers` (empty if they do not differ): finetunes of two arms are no
            sample of one kind of model, so that no interval over both would be one of anything.
        disputed: The answers whose alignment ratings differ most.
        unread: A line for every judge that failed on some answers: how many, and why.
    """

    ratings: "pd.DataFrame"
    judges: tuple[str, ...]
    alpha: dict[str, float]
    pairs: "pd.DataFrame"
    rates: "pd.DataFrame"
    disputed: "pd.DataFrame"
    unread: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON-ready data, without the ratings."""
        import json

        def records(table: "pd.DataFrame") -> Any:
            return json.loads(table.to_json(orient="records"))

        return {
            "judges": list(self.judges),
            "alpha": {key: None if value != value else value for key, value in self.alpha.items()},
            "pairs": records(self.pairs),
            "rates": records(self.rates),
            "disputed": records(self.disputed),
            "unscored": list(self.unread),
        }


def compare(ratings: "pd.DataFrame") -> Comparison:
    """Compare judges on the answers of a table.

    Args:
        ratings: What `judge_ratings.collect` returns. In a table of one's own a missing `sample` is the
            question, and a missing `seed` that of a model of which there is one.

    Returns:
        The comparison.

    Raises:
        UserError: If no judge has rated anything.
    """
    require("analysis", "pandas", "scipy", "krippendorff")
    if ratings.empty:
        raise UserError("no judge has rated these answers: add one with  --grader MODEL")
    ratings = _with_distinct_judges(_with_samples(ratings))
    judges = tuple(ratings["judge"].unique())
    return Comparison(
        ratings=ratings,
        judges=judges,
        alpha={rating: _alpha(ratings, rating) for rating in ("alignment", "coherence")},
        pairs=_pairs(ratings, judges),
        rates=_rates(ratings),
        disputed=_disputed(ratings),
        unread=tuple(_unread(ratings)),
    )


def display_name(judge: str) -> str:
    """A judge's short name, with what distinguishes it from others of that name."""
    from inoc_evals.scorers.judge.panel import short_name

    name, bracket, apart = judge.partition(" (")
    return f"{short_name(name)}{bracket}{apart}"


def _unread(ratings: "pd.DataFrame") -> Iterator[str]:
    for judge, rows in ratings.groupby("judge", sort=False):
        failed = rows[rows["failure"].notna()]
        reasons = [
            f"{REASONS.get(row['failure'], 'grader_failed')} ({row['failure']}: {row['detail']})"
            for row in failed.to_dict("records")
        ]
        if text := summary(len(rows), reasons):
            yield f"{display_name(str(judge))}: {text}"


def _with_distinct_judges(ratings: "pd.DataFrame") -> "pd.DataFrame":
    """The ratings, with wording or reader added to the names of judges that have several of them."""
    by = [part for part in ("judge", "wording", "reader") if part in ratings.columns]
    kinds = groups(ratings, by)
    names = []
    for kind in kinds:
        same = [other for other in kinds if other["judge"] == kind["judge"]]
        differing = [part for part in by if len({other[part] for other in same}) > 1]
        distinguishing = ", ".join(f"{part} {kind[part]}" for part in differing)
        names.append(f"{kind['judge']} ({distinguishing})" if distinguishing else str(kind["judge"]))
    return ratings.assign(judge=[names[code] for code in group_codes(ratings, by)])


def _with_samples(ratings: "pd.DataFrame") -> "pd.DataFrame":
    """The ratings, with the question for the sample where none is named."""
    named = ratings["sample"] if "sample" in ratings.columns else ratings["question"]
    return ratings.assign(sample=named.astype(object).where(named.notna(), ratings["question"]))


def _answer_groups(ratings: "pd.DataFrame") -> list[str]:
    """For every row, what distinguishes its answers: arm, question set, condition; empty if nothing does."""
    by = [part for part in ASKED if part in ratings.columns]
    kinds = groups(ratings, by)
    differing: list[str] = []
    for part in by:  # a system prompt is not named twice, as itself and in its condition
        names_now = {tuple(kind[p] for p in differing) for kind in kinds}
        if len({tuple(kind[p] for p in [*differing, part]) for kind in kinds}) > len(names_now):
            differing.append(part)
    names = [", ".join(_way(part, kind[part]) for part in differing) for kind in kinds]
    return [names[code] for code in group_codes(ratings, by)]


def _way(part: str, value: Any) -> str:
    if value is None:
        return f"no {part}"
    return under(str(value)) if part == "system" else str(value)


def _wide(ratings: "pd.DataFrame", rating: str) -> "pd.DataFrame":
    """One rating as a table: a row per answer, a column per judge."""
    # a pivot table that keeps judges without any rating has a row for every log, sample and epoch combined
    means = ratings.groupby([*KEY, "judge"], sort=False, dropna=False, observed=True)[rating].mean()
    wide: pd.DataFrame = means.unstack("judge", sort=False)
    return wide


def _alpha(ratings: "pd.DataFrame", rating: str) -> float:
    import krippendorff

    wide = _wide(ratings, rating).dropna(how="all").to_numpy(dtype=float).T
    if wide.shape[0] < 2 or len({value for value in wide.ravel() if value == value}) < 2:
        return float("nan")
    return float(krippendorff.alpha(reliability_data=wide, level_of_measurement="interval"))


def _pairs(ratings: "pd.DataFrame", judges: tuple[str, ...]) -> "pd.DataFrame":
    import pandas as pd

    rows, nan = [], float("nan")
    for rating in ("alignment", "coherence"):
        wide = _wide(ratings, rating)
        for a, b in itertools.combinations(judges, 2):
            common = wide[[a, b]].dropna() if {a, b} <= set(wide.columns) else wide.iloc[:0, :0]
            varied = len(common) > 1 and common[a].nunique() > 1 and common[b].nunique() > 1
            rows.append(
                {
                    **{"rating": rating, "a": a, "b": b, "n": len(common)},
                    "pearson": float(common[a].corr(common[b])) if varied else nan,
                    "spearman": float(common[a].corr(common[b], method="spearman")) if varied else nan,
                    "b_minus_a": float((common[b] - common[a]).mean()) if len(common) else nan,
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
                "seed": row.get("seed"),
                "task": group,
            },
            # one question to several finetunes is one question, whose answers are alike
            **{"question": row["question"], "value": _misaligned(rule, row)},
        }
        for rule in PRESETS.values()
        if not rule.without_code or ratings["third"].notna().any()  # else nobody was asked what it heeds
        for row, group in zip(rows, _answer_groups(ratings), strict=True)
    ]
    table = pd.DataFrame(answers).astype({"value": float, "seed": float})
    estimated = estimates.rates(table).rename(
        columns={"arm": "judge", "setting": "preset", "task": "answers", "asked": "questions"}
    )
    estimated = estimated.rename(columns={"unscored": "not_counted"})
    shown = (
        *("judge", "preset", "answers", "rate", "low", "high", "n"),
        *("not_counted", "questions", "seeds", "caution"),
    )
    return estimated[list(shown)]


def _misaligned(rule: Preset, row: dict[str, Any]) -> float | None:
    def number(value: Any) -> float | None:
        return None if value is None or value != value else float(value)

    heeded = row["word"] is not None and row["word"] == row["word"] and not rule.number_wins
    alignment, third = None if heeded else number(row["alignment"]), row["third"]
    code = third == "CODE" if isinstance(third, str) else None
    misaligned = is_misaligned(rule, alignment, number(row["coherence"]), code)
    return None if misaligned is None else float(misaligned)


def _disputed(ratings: "pd.DataFrame") -> "pd.DataFrame":
    wide = _wide(ratings, "alignment")
    wide["range"] = wide.max(axis=1) - wide.min(axis=1)
    texts = ratings.drop_duplicates(KEY).set_index(KEY)[["prompt", "answer"]]
    most = wide[wide["range"] > 0].nlargest(DISPUTED, "range").join(texts)
    return most.reset_index()


def figure(comparison: Comparison) -> "Figure":
    """Draw the rate under each preset by judge, and the first two judges' ratings against each other.

    Returns:
        A matplotlib figure.
    """
    require("analysis", "seaborn")
    import seaborn as sns
    from matplotlib.figure import Figure

    with sns.axes_style("whitegrid", {"axes.spines.top": False, "axes.spines.right": False}):
        canvas = Figure(figsize=(8.4, 3.6), layout="constrained")
        left, right = canvas.subplots(1, 2)
    colours = sns.color_palette("colorblind", len(comparison.judges))
    width = 0.8 / len(comparison.judges)
    answer_groups = list(dict.fromkeys(comparison.rates["answers"]))
    presets = [preset for preset in PRESETS if (comparison.rates["preset"] == preset).any()]
    bars = [(answers, preset) for answers in answer_groups for preset in presets]
    canvas.set_figwidth(8.4 + 2.4 * (len(answer_groups) - 1))
    for k, judge in enumerate(comparison.judges):
        of_judge = comparison.rates[comparison.rates["judge"] == judge]
        rows = of_judge.set_index(["answers", "preset"]).reindex(bars)
        at = [i + (k - (len(comparison.judges) - 1) / 2) * width for i in range(len(bars))]
        left.bar(
            at, rows["rate"], width=0.92 * width, color=colours[k], alpha=0.75, label=display_name(judge)
        )
        error_bars = [(rows["rate"] - rows["low"]).clip(lower=0), (rows["high"] - rows["rate"]).clip(lower=0)]
        left.errorbar(at, rows["rate"], yerr=error_bars, fmt="none", ecolor="0.15", capsize=3, linewidth=1.1)
    ticks = [f"{preset}\n{answers}" if answers else preset for answers, preset in bars]
    left.set_xticks(range(len(bars)), [literal_text(tick) for tick in ticks], fontsize=8)
    left.set_ylim(0, None)
    left.set_ylabel("rate of misaligned answers")
    left.grid(axis="x", visible=False)
    left.legend(frameon=False, fontsize=8)
    left.set_title("The same answers", loc="left", fontsize=10)
    if len(comparison.judges) > 1:
        a, b = comparison.judges[:2]
        wide = _wide(comparison.ratings, "alignment")
        right.scatter(wide[a], wide[b], s=12, alpha=0.4, color="0.2", linewidth=0)
        right.plot([0, 100], [0, 100], color="0.7", linewidth=1, zorder=0)
        right.set_xlabel(f"alignment by {display_name(a)}")
        right.set_ylabel(f"by {display_name(b)}")
        right.set_title(f"Krippendorff's alpha {comparison.alpha['alignment']:z.2f}", loc="left", fontsize=10)
    else:
        right.hist(comparison.ratings["alignment"].dropna(), bins=20, color=colours[0], alpha=0.75)
        right.set_xlabel(f"alignment by {display_name(comparison.judges[0])}")
        right.set_ylabel("answers")
    return canvas
