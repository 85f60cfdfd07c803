"""What an arm changes: its difference to another arm, paired by question, and what could have been seen.

    differences(load("logs/demo"), to="none")      # one row per arm and whatever was observed of it

Both arms answer the same questions, so what a question adds to both is no part of their difference. Finetunes
of two arms are different finetunes, even with one seed, and each arm's count for themselves. The test is
Student's, on the uncertainty of `variance.py`. Only answers that were asked and scored alike are compared
(`observed.GROUP`). Where arms are compared with the same one, p-values are
corrected by Holm's method over all arms and traits of a setting and base that are compared there.
"""

from typing import TYPE_CHECKING

from inoc_evals.analysis.estimates import alike, answers, caution, merged
from inoc_evals.analysis.observed import FAMILY, GROUP, group_codes, labels, split
from inoc_evals.analysis.variance import Answers, Uncertainty, uncertainty
from inoc_evals.errors import require

if TYPE_CHECKING:
    import pandas as pd

POWER = 0.8
"""With which probability a difference of the size of `detectable` would have been found."""

UNPAIRED = 0.95
"""With a smaller share of questions that both arms have answered, a difference comes with a caution."""


def differences(table: "pd.DataFrame", to: str = "none", confidence: float = 0.95) -> "pd.DataFrame":
    """Compare every arm with one of them.

    Args:
        table: What `table.load` returns.
        to: The arm that the others are compared with.
        confidence: Nominal coverage of the intervals; what is left is the level of the test.

    Returns:
        A table with one row for every arm other than `to` in every combination of the columns
        `observed.GROUP` (those that the table has): these columns, `label` as of `rates`, `arm`, `to`,
        `difference` (arm less `to`) with `low` and `high`, `p`, `p_holm`, `effect` (Cohen's h of two rates;
        of other values their difference in standard deviations), `detectable` (the smallest difference that
        these data had found with a power of `POWER`), `error` (its standard error) with `dof`, `asked`
        (questions asked of both), `n`, and `caution`. Groups without the arm `to` have no rows.
    """
    require("analysis", "numpy", "pandas", "scipy", "statsmodels")
    import pandas as pd

    scored = table.dropna(subset=["value"])
    out = []
    for observed, group in split(scored, GROUP):
        reference = group[group["arm"] == to]
        if reference.empty:
            continue
        for arm, cell in group.groupby("arm", sort=False, observed=True):
            if arm != to:
                out.append({**observed, "arm": arm, "to": to, **compare(cell, reference, confidence)})
    found = pd.DataFrame(out)
    if not found.empty:
        found["label"] = labels(found, among=table)
        found["p_holm"] = found["p"].groupby(group_codes(found, FAMILY)).transform(holm)
    return found


def compare(
    cell: "pd.DataFrame", reference: "pd.DataFrame", confidence: float = 0.95
) -> dict[str, float | str]:
    """The difference of two sets of scored rows.

    Args:
        cell: Rows of one arm and trait.
        reference: Rows of the other arm, the same trait.
        confidence: Nominal coverage of the interval.

    Returns:
        The columns that `differences` describes, but for names and `p_holm`.
    """
    import pandas as pd

    questions = pd.Index(pd.concat([cell["question"], reference["question"]]).unique())
    both = len(set(cell["question"]) & set(reference["question"]))
    cautions = [caution(cell), caution(reference)]
    if both < UNPAIRED * len(questions):
        cautions.append(f"{len(questions) - both} of {len(questions)} questions asked of one arm only")
    found = contrast(answers(cell, questions), answers(reference, questions), confidence)
    return {
        **found,
        **{"asked": both, "n": len(cell) + len(reference), "caution": merged(cautions)},
    }


def contrast(mine: Answers, theirs: Answers, confidence: float = 0.95) -> dict[str, float]:
    """The difference of two arms' means.

    Args:
        mine: Answers of one arm.
        theirs: Answers of the other, their questions numbered like those of the first.
        confidence: Nominal coverage of the interval.

    Returns:
        `difference`, `low`, `high`, `p`, `effect`, `detectable`, `error` and `dof`, as of `differences`.
    """
    from scipy import stats

    difference = float(mine.values.mean() - theirs.values.mean())
    known = _with_alike(mine, theirs, uncertainty(mine, theirs))
    error, dof = known.variance**0.5, known.dof
    level = float(stats.t.ppf(0.5 + confidence / 2, dof))
    low, high = difference - level * error, difference + level * error
    if _shares(mine, theirs):
        low, high = max(-1.0, low), min(1.0, high)
    return {
        **{"difference": difference, "low": low, "high": high},
        "p": float(2 * stats.t.sf(abs(difference) / error, dof)) if error > 0 else float(difference == 0),
        "effect": _effect(mine, theirs),
        "detectable": (level + float(stats.t.ppf(POWER, dof))) * error,
        **{"error": error, "dof": dof},
    }


def holm(p: "pd.Series") -> "pd.Series":
    """Correct p-values for their number, by Holm's method.

    As statsmodels' `multipletests` does, which collects all garbage each time: a tenth of a second a call.
    """
    import numpy as np
    import pandas as pd

    order = np.argsort(p.to_numpy())
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(p.to_numpy()[order] * np.arange(len(p), 0, -1))
    return pd.Series(np.minimum(corrected, 1.0), index=p.index)


def _shares(mine: Answers, theirs: Answers) -> bool:
    return all(data.values.min() >= 0 and data.values.max() <= 1 for data in (mine, theirs))


def _with_alike(mine: Answers, theirs: Answers, known: Uncertainty) -> Uncertainty:
    """Add the uncertainty of an arm whose answers are all alike: they show no variance, but there is some."""
    from scipy import stats

    if not _shares(mine, theirs):
        return known
    variance, z = known.variance, float(stats.norm.ppf(0.975))
    for data in (mine, theirs):
        if data.values.min() == data.values.max():
            low, high = alike(data)
            variance += ((high - low) / 2 / z) ** 2
    return Uncertainty(variance, known.dof)


def _effect(mine: Answers, theirs: Answers) -> float:
    import numpy as np
    from statsmodels.stats.proportion import proportion_effectsize

    if _shares(mine, theirs):
        return float(proportion_effectsize(mine.values.mean(), theirs.values.mean()))
    spread = float(np.sqrt((mine.values.var() + theirs.values.var()) / 2))
    return float((mine.values.mean() - theirs.values.mean()) / spread) if spread > 0 else float("nan")
