"""Trait rates with intervals that cover both kinds of chance: the choice of questions and of seeds.

    rates(load("logs/demo"))        # one row per arm, trait, judge, ...: rate, low, high, n, ...

The interval uses the uncertainty of `variance.py` on the scale of log-odds, so that it stays within 0 and 1
and is wider towards the middle. Three seeds that differ give a wide interval. A bootstrap
over seed means, as published code does it (`method="paper"`), never leaves the range of the seeds and has no
width for a single model.
"""

import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from inoc_evals.analysis.observed import RATE, framed, labels, split
from inoc_evals.analysis.variance import Answers, uncertainty
from inoc_evals.errors import UserError, require
from inoc_evals.plurals import many

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Method = Literal["clustered", "paper"]

FEW_SEEDS, FEW_QUESTIONS = 3, 10
"""An interval from fewer has a caution: in simulations it misses more often (docs/estimates.md)."""

OF_THREE = 3
"""The rule of three: n questions miss a kind of question that makes up 3 / n of all with 5 % probability.
A rate that is closer to 0 or 1 than 3 / n may therefore be wrong by chance."""

RARE = "too near"
"""Beginning of the caution of a rate that the rule of three concerns."""

RATINGS = ("alignment", "coherence", "insecurity")
"""Traits that a judge rates from 0 to `HIGHEST`."""

HIGHEST = 100

WITHOUT_BOUNDS = ("logprob", "per_token", "log_odds", "log_odds_per_token")
"""Traits in nats: a value between 0 and 1 is no share of anything."""

COLUMNS = ("rate", "low", "high", "n", "asked", "seeds", "unscored", "caution")
"""What `rates` says of every group."""

RESAMPLES = 10_000


def rates(table: "pd.DataFrame", confidence: float = 0.95, method: Method = "clustered") -> "pd.DataFrame":
    """Estimate the rate of every trait in every arm.

    Args:
        table: What `table.load` returns.
        confidence: Nominal coverage of the intervals.
        method: `clustered` covers the choice of questions and seeds. `paper` bootstraps the means of seeds,
            for comparison with published intervals.

    Returns:
        A table with one row for every combination of the columns `observed.RATE` (those that the table has),
        in order of first appearance: only seeds are pooled. Beside them `label` (what tells the row's trait
        from others of its setting and base, see `observed.labels`), `rate`, `low`, `high`, `n` (scored
        answers), `asked` (distinct questions), `seeds`, `unscored` (answers without a value) and `caution`
        (why the interval may be too narrow; empty if nothing is wrong). Of ratings and log-probs the
        rate is a mean. An interval of a share stays within 0 and 1, of a rating within 0 and `HIGHEST`; that
        of log-probs has no bounds.

    Raises:
        UserError: If the method does not exist.
    """
    require("analysis", "numpy", "pandas", "scipy")
    if method not in ("clustered", "paper"):
        raise UserError(f"no method {method!r} for intervals: use clustered or paper")
    rows = []
    for observed, cell in split(table, RATE):
        scored = cell.dropna(subset=["value"])
        rate, low, high = _paper(scored, confidence) if method == "paper" else _interval(scored, confidence)
        rows.append(
            {
                **observed,
                **{"rate": rate, "low": low, "high": high, "n": len(scored)},
                **{"asked": scored["question"].nunique(), "seeds": scored["seed"].nunique()},
                **{"unscored": len(cell) - len(scored), "caution": caution(scored)},
            }
        )
    estimates = framed(rows, table, RATE, COLUMNS)
    estimates["label"] = labels(estimates)
    return estimates


def answers(scored: "pd.DataFrame", questions: "pd.Index | None" = None) -> Answers:
    """The arrays of scored rows, as `variance.uncertainty` takes them.

    Args:
        scored: Rows of a table, all with a value.
        questions: All questions, to number those of two arms alike.
    """
    import pandas as pd

    by_question = (
        pd.factorize(scored["question"])[0]
        if questions is None
        else questions.get_indexer(pd.Index(scored["question"]))
    )
    by_seed = pd.factorize(scored["seed"], use_na_sentinel=False)[0]
    return Answers(scored["value"].to_numpy(dtype=float), by_question, by_seed)


def names_rating(trait: str) -> bool:
    """Whether a trait is one of `RATINGS`, also of a single grader (`alignment@gpt-4o`) or in a label.

    Args:
        trait: A trait's name or label.
    """
    return trait.partition(" ")[0].partition("@")[0] in RATINGS


def names_nats(trait: str) -> bool:
    """Whether a trait is one of `WITHOUT_BOUNDS`, also in a label.

    Args:
        trait: A trait's name or label.
    """
    return trait.partition(" ")[0] in WITHOUT_BOUNDS


def in_nats(scored: "pd.DataFrame") -> bool:
    """Whether these rows of one trait are log-probs or differences of some, which have no bounds.

    Args:
        scored: Rows of a table.
    """
    return bool("trait" in scored.columns and len(scored)) and names_nats(str(scored["trait"].iloc[0]))


def is_rating(scored: "pd.DataFrame") -> bool:
    """Whether these rows of one trait are ratings of a judge, from 0 to `HIGHEST`.

    Others use the same names on a scale from 0 to 1. Where no value exceeds 1, a preset tells which it is:
    its thresholds are on our scale.

    Args:
        scored: Rows of a table.
    """
    trait = str(scored["trait"].iloc[0]) if "trait" in scored.columns and len(scored) else ""
    if not names_rating(trait) or not scored["value"].between(0, HIGHEST).all():
        return False
    has_preset = "preset" in scored.columns and bool(scored["preset"].notna().any())
    return has_preset or bool((scored["value"] > 1).any())


def interval(
    data: Answers, confidence: float = 0.95, *, rating: bool = False, nats: bool = False
) -> tuple[float, float, float]:
    """The mean of answers and the interval of it.

    Args:
        data: Answers of one arm.
        confidence: Nominal coverage.
        rating: Whether they are ratings from 0 to `HIGHEST`, which the interval does not leave.
        nats: Whether they have no bounds, whatever their values. Others from 0 to 1 are shares.

    Returns:
        Mean, lower and upper bound; all NaN without an answer.
    """
    values = data.values
    if not len(values):
        return (float("nan"),) * 3
    rate = float(values.mean())
    if rating:
        low, high = _of_share(data._replace(values=values / HIGHEST), confidence, unseen=0)
        return rate, low * HIGHEST, high * HIGHEST
    if not nats and values.min() >= 0 and values.max() <= 1:
        return rate, *_of_share(data, confidence, unseen_part(data))
    spread = uncertainty(data)
    if spread.variance <= 1e-15:  # all alike, except for rounding
        return rate, rate, rate
    reach = spread.quantile(confidence) * spread.variance**0.5
    return rate, rate - reach, rate + reach


def _of_share(data: Answers, confidence: float, unseen: float) -> tuple[float, float]:
    """The bounds of a share.

    Args:
        data: Answers of one arm, with values from 0 to 1.
        confidence: Nominal coverage.
        unseen: How much of what Wilson's interval is wider counts, see `unseen_part`.
    """
    spread = uncertainty(data)
    if spread.variance <= 1e-15:  # all alike, except for rounding
        return wilson_interval(data, confidence)
    low, high = _on_log_odds(float(data.values.mean()), spread.quantile(confidence) * spread.variance**0.5)
    if not unseen:
        return low, high
    lowest, highest = wilson_interval(data, confidence)
    return low - unseen * max(0.0, low - lowest), high + unseen * max(0.0, highest - high)


def unseen_part(data: Answers) -> float:
    """How much of the uncertainty that answers of no have counts for these, which vary less than they could.

    Probabilities of a yes may be 1e-7 each: they vary, by nothing, and say no more about questions that were
    not asked than as many answers of no. The more they amount to, the more their own variation says.

    Args:
        data: Answers with values from 0 to 1.

    Returns:
        From 1, where all are 0 or all are 1, to 0, where they amount to one answer with the trait and to one
        without it: so it is of every yes or no that is not alone.
    """
    total = float(data.values.sum())
    return max(0.0, 1 - min(total, len(data.values) - total))


def wilson_interval(data: Answers, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval, for answers that are all alike (e.g. a rate of 0), where others have no width.

    One trial is one question to one finetune, or one answer if there is only one question.
    """
    import numpy as np

    cells = len(np.unique(data.questions * (int(data.seeds.max()) + 1) + data.seeds))
    trials = cells if len(np.unique(data.questions)) > 1 else len(data.values)
    return _wilson(float(data.values.mean()), trials, confidence)


def wilson_half_width(trials: int, confidence: float = 0.95) -> float:
    """Half the width of Wilson's interval of a rate of 0 or 1.

    Args:
        trials: Number of trials, as `wilson_interval` counts them.
        confidence: Nominal coverage.
    """
    low, high = _wilson(0.0, trials, confidence)
    return (high - low) / 2


def _wilson(rate: float, trials: int, confidence: float) -> tuple[float, float]:
    from scipy import stats

    # scipy's `proportion_ci` counts whole successes, and a mean of epochs may be a fraction
    z2 = float(stats.norm.ppf(0.5 + confidence / 2)) ** 2
    middle = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    reach = (z2 * (rate * (1 - rate) + z2 / (4 * trials)) / trials) ** 0.5 / (1 + z2 / trials)
    low, high = middle - reach, middle + reach
    # rounding must not leave the rate outside of its own interval
    return min(rate, max(0.0, float(low))), max(rate, min(1.0, float(high)))


def caution(scored: "pd.DataFrame") -> str:
    """Why the interval of these answers may be too narrow; empty if nothing is wrong.

    Args:
        scored: Rows of one cell, all with a value.
    """
    return doubts(answers(scored), seeds=scored["seed"].nunique(), nats=in_nats(scored))


def doubts(data: Answers, seeds: int, *, nats: bool = False) -> str:
    """Like `caution`, for arrays.

    Args:
        data: Answers of one arm.
        seeds: Number of its finetunes; 0 for a base model, of which there is only one.
        nats: Whether values have no bounds: then no rate is too near to one.
    """
    import numpy as np

    if not len(data.values):
        return "no scored answer"
    reasons = []
    questions = len(np.unique(data.questions))
    if 0 < seeds < FEW_SEEDS:
        reasons.append(many(seeds, "seed"))
    if questions < FEW_QUESTIONS:
        reasons.append(many(questions, "question"))
    rate, low, high = (float(value) for value in (data.values.mean(), data.values.min(), data.values.max()))
    if not nats and 0 <= low < high <= 1:  # if all are alike, the interval is Wilson's
        near = min(rate, 1 - rate)
        if near < OF_THREE / questions and questions >= FEW_QUESTIONS:
            reasons.append(f"{RARE} {round(rate)} for {questions} questions")
    return ", ".join(reasons)


def merged(cautions: Iterable[str]) -> str:
    """Several cautions as one, each reason once."""
    return ", ".join(dict.fromkeys(reason for text in cautions for reason in text.split(", ") if reason))


def _interval(scored: "pd.DataFrame", confidence: float) -> tuple[float, float, float]:
    return interval(answers(scored), confidence, rating=is_rating(scored), nats=in_nats(scored))


def _on_log_odds(rate: float, reach: float) -> tuple[float, float]:
    from scipy.special import expit, logit

    slope = rate * (1 - rate)
    return float(expit(logit(rate) - reach / slope)), float(expit(logit(rate) + reach / slope))


def _paper(scored: "pd.DataFrame", confidence: float) -> tuple[float, float, float]:
    return paper_interval(scored.groupby("seed", dropna=False)["value"].mean().to_numpy(), confidence)


def paper_interval(means: "np.ndarray", confidence: float = 0.95) -> tuple[float, float, float]:
    """Percentiles of resampled means of seeds, with a fixed random seed.

    Args:
        means: The mean of each seed.
        confidence: Nominal coverage.

    Returns:
        Mean, lower and upper bound; all NaN without a seed.
    """
    import numpy as np

    if not len(means):
        return (float("nan"),) * 3
    generator = np.random.default_rng(zlib.crc32(means.tobytes()))
    drawn = generator.choice(means, size=(RESAMPLES, len(means))).mean(axis=1)
    low, high = np.quantile(drawn, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(means.mean()), float(low), float(high)
