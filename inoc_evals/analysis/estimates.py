"""Trait rates with intervals that admit both kinds of luck: which questions were asked, which seeds trained.

    rates(load("logs/demo"))        # one row per setting, arm and trait: rate, low, high, n, questions, seeds

Answers to one question resemble each other, and so do answers of one run. The variance of a rate is therefore
clustered both ways (Cameron, Gelbach and Miller 2011: by question, plus by seed, less by their
intersection), and the interval uses Student's t with as many degrees of freedom as the smaller clustering
allows. With three seeds that is 2, and the interval is honestly wide. A bootstrap over seed means, as
published code does it, can never leave the range of the seeds and gives a single model no width at all.
"""

from typing import TYPE_CHECKING

from inoc_evals.errors import require

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def rates(table: "pd.DataFrame", confidence: float = 0.95) -> "pd.DataFrame":
    """Estimate the rate of every trait in every arm.

    Args:
        table: What `table.load` returns.
        confidence: Nominal coverage of the intervals.

    Returns:
        A table with one row per setting, arm and trait, in order of first appearance: `rate`, `low`, `high`,
        `n` (scored answers), `questions`, `seeds` and `unscored` (answers without a value).
    """
    require("analysis", "numpy", "pandas", "scipy")
    import pandas as pd

    out = []
    for (setting, arm, trait), cell in table.groupby(["setting", "arm", "trait"], sort=False, dropna=False):
        scored = cell.dropna(subset=["value"])
        seeds = scored["seed"].nunique()
        rate, low, high = _interval(scored, confidence)
        out.append(
            {
                **{"setting": setting, "arm": arm, "trait": trait, "rate": rate, "low": low, "high": high},
                **{"n": len(scored), "questions": scored["question"].nunique(), "seeds": seeds},
                "unscored": len(cell) - len(scored),
            }
        )
    return pd.DataFrame(out)


def _interval(scored: "pd.DataFrame", confidence: float) -> tuple[float, float, float]:
    import numpy as np
    from scipy import stats

    if scored.empty:
        return (float("nan"),) * 3
    values = scored["value"].to_numpy(dtype=float)
    rate = float(values.mean())
    residuals = values - rate
    questions = scored["question"].to_numpy()
    by_question = _clustered(residuals, questions)
    clusters = [len(np.unique(questions))]
    variance = by_question
    if scored["seed"].nunique() > 1:
        seeds = scored["seed"].to_numpy()
        both = np.array([f"{q}\0{s}" for q, s in zip(questions, seeds, strict=True)])
        by_seed = _clustered(residuals, seeds)
        # The sum can fall below either part in small samples; neither kind of luck may vanish.
        variance = max(by_question + by_seed - _clustered(residuals, both), by_question, by_seed)
        clusters.append(scored["seed"].nunique())
    if (variance <= 0 or min(clusters) < 2) and values.min() >= 0 and values.max() <= 1:
        # All answers alike, or one question alone: count questions, the units that are surely independent.
        return rate, *_wilson(rate, clusters[0], confidence)
    reach = float(stats.t.ppf(0.5 + confidence / 2, min(clusters) - 1)) * variance**0.5
    if values.min() < 0 or values.max() > 1:  # a mean of ratings or log-probs, no rate
        return rate, rate - reach, rate + reach
    return rate, max(0.0, rate - reach), min(1.0, rate + reach)


def _clustered(residuals: "np.ndarray", labels: "np.ndarray") -> float:
    """Variance of a mean whose residuals are correlated within clusters, with the small-sample factor."""
    import numpy as np

    _, index = np.unique(labels, return_inverse=True)
    sums = np.bincount(index, weights=residuals)
    groups = len(sums)
    if groups < 2:
        return 0.0
    return float((sums**2).sum() / len(residuals) ** 2 * groups / (groups - 1))


def _wilson(rate: float, n: int, confidence: float) -> tuple[float, float]:
    """Wilson's score interval, which has width where every answer is the same."""
    from scipy import stats

    z = float(stats.norm.ppf(0.5 + confidence / 2))
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * ((rate * (1 - rate) / n + z * z / (4 * n * n)) ** 0.5)
    # rounding must not leave the rate outside of its own interval
    return min(rate, max(0.0, centre - reach)), max(rate, min(1.0, centre + reach))
