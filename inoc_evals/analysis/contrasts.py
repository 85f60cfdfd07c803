"""The effect of an arm: its difference to another arm, paired by question, and the detectable difference.

    differences(load("logs/demo"), to="none")      # one row per arm and whatever was observed of it

Both arms answer the same questions, so a question's effect on both cancels out. Finetunes of two arms are
independent, even with the same seed; two conditions of one arm are of the same finetunes, and compared within
each. The test is Student's, on the uncertainty of `variance.py`. Only answers that were asked and scored
alike are compared (`observed.GROUP`). P-values are corrected by Holm's method over all arms and traits of a
setting and base that are compared with the same arm.
"""

from typing import TYPE_CHECKING, NamedTuple

from inoc_evals.analysis.estimates import (
    HIGHEST,
    answers,
    caution,
    in_nats,
    is_rating,
    merged,
    unseen_part,
    wilson_interval,
)
from inoc_evals.analysis.observed import FAMILY, GROUP, framed, group_codes, labels, split
from inoc_evals.analysis.variance import Answers, Uncertainty, uncertainty
from inoc_evals.errors import UserError, require
from inoc_evals.plurals import many

if TYPE_CHECKING:
    import pandas as pd

POWER = 0.8
"""Probability with which a difference of size `detectable` would be significant."""

UNPAIRED = 0.95
"""A difference has a caution if both arms answered a smaller share of the questions than this."""

NO_BOUNDS = float("nan")
"""The highest value of what has none, such as log-probs: nothing is within it."""

UNTESTED = "nothing varies and nothing is tested"
"""Caution of a difference between values without bounds that do not vary, such as two log-probs."""

COLUMNS = (
    *("arm", "to", "difference", "low", "high", "p", "effect", "detectable"),
    *("error", "dof", "fewest", "asked", "n", "caution"),
)
"""What `differences` says of every arm."""

USUAL = ("none", "base")
"""Arms that are compared with wherever they exist, and of which a table may well have neither."""


def differences(table: "pd.DataFrame", to: str = "none", confidence: float = 0.95) -> "pd.DataFrame":
    """Compare every arm with one of them.

    Args:
        table: What `table.load` returns.
        to: The arm that the others are compared with.
        confidence: Nominal coverage of the intervals; 1 minus this is the level of the test.

    Returns:
        A table with one row for every arm other than `to` in every combination of the columns
        `observed.GROUP` (those that the table has): these columns, `label` as in `rates`, `arm`, `to`,
        `difference` (arm minus `to`) with `low` and `high`, `p`, `p_holm`, `effect` (Cohen's h of two rates;
        of other values their difference in standard deviations), `detectable` (the smallest difference that
        these data would show with a power of `POWER`; NaN where values have bounds and none that they could
        have is large enough), `error` (its standard error) with `dof` and `fewest`
        (see `variance.Uncertainty`), `asked` (questions asked of both), `n`, and `caution`. Groups without
        the arm `to` have no rows.

    Raises:
        UserError: If no answers are of the arm `to`, and it is none of `USUAL`.
    """
    require("analysis", "numpy", "pandas", "scipy")
    if to not in USUAL and not (table["arm"] == to).any():
        arms = ", ".join(sorted({str(arm) for arm in table["arm"].unique()}))
        raise UserError(f"no answers of {to!r} to compare with: use one of {arms}")
    scored = table.dropna(subset=["value"])
    out = []
    for observed, group in split(scored, GROUP):
        reference = group[group["arm"] == to]
        if reference.empty:
            continue
        for arm, cell in group.groupby("arm", sort=False, observed=True):
            if arm != to:
                out.append({**observed, "arm": arm, "to": to, **compare(cell, reference, confidence)})
    result = framed(out, table, GROUP, COLUMNS)
    result["label"] = labels(result, among=table)
    result["p_holm"] = result["p"].astype(float).groupby(group_codes(result, FAMILY)).transform(holm)
    return result


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
    cautions = []
    within = _within_finetunes(cell, reference)
    if within is not None:
        cell, reference = within.rows
        cautions.append(within.caution)
    both = len(set(cell["question"]) & set(reference["question"]))
    cautions += [caution(cell), caution(reference)]
    if within is None and both < UNPAIRED * len(questions):
        one = len(questions) - both
        cautions.append(f"{one} of {many(len(questions), 'question')} with scored answers of one arm only")
    first, second = answers(cell, questions), answers(reference, questions)
    scale = NO_BOUNDS if in_nats(cell) else HIGHEST if is_rating(pd.concat([cell, reference])) else 1
    estimate = contrast(first, second, confidence, within and within.differences, scale)
    if not estimate["error"]:
        cautions.append(UNTESTED)
    return {
        **estimate,
        **{"asked": both, "n": len(cell) + len(reference), "caution": merged(cautions)},
    }


class _Within(NamedTuple):
    """Answers of the same finetunes on both sides, e.g. under two prompts or after two steps.

    Attributes:
        rows: Those of either side that the other side has, too: of a question by a finetune.
        differences: The difference within each question and finetune.
        caution: What was left out, if it is much.
    """

    rows: "tuple[pd.DataFrame, pd.DataFrame]"
    differences: Answers
    caution: str


def _within_finetunes(cell: "pd.DataFrame", reference: "pd.DataFrame") -> _Within | None:
    """Pair both sides by question and finetune, where they are of the same finetunes.

    A finetune that shows more than others on one side does not vary independently on the other. What one side
    lacks (a seed, or a question of it) would otherwise move its mean without any effect.

    Returns:
        None where both sides have at most one finetune in common.
    """
    if not {"arm", "seed"} <= set(cell.columns) & set(reference.columns):
        return None
    if len({*cell["arm"], *reference["arm"]}) > 1:
        return None
    sides = [_by_finetune(side) for side in (cell, reference)]
    seeds = [set(side.index.get_level_values("finetune").dropna()) for side in sides]
    if len(seeds[0] & seeds[1]) < 2:
        return None
    one, two = (side.groupby(level=["question", "finetune"])["value"].mean() for side in sides)
    differences = (one - two).dropna()
    if differences.empty:
        return None
    rows = tuple(
        side[mine.index.isin(differences.index)] for side, mine in zip((cell, reference), sides, strict=True)
    )
    every, lacking = len(one.index.union(two.index)), len(seeds[0] ^ seeds[1])
    left_out = every - len(differences)
    said = ""
    if lacking:
        said = f"{many(lacking, 'finetune')} with scored answers on one side only (left out)"
    elif len(differences) < UNPAIRED * every:
        said = (
            f"{left_out} of {every} questions of a finetune with scored answers on one side only (left out)"
        )
    named = differences.rename("value").reset_index().rename(columns={"finetune": "seed"})
    return _Within((rows[0], rows[1]), answers(named), said)


def _by_finetune(side: "pd.DataFrame") -> "pd.DataFrame":
    """Values by question and finetune, which the run names where it is known: a sweep trains a seed anew."""
    import pandas as pd

    known = "run" in side.columns and bool(side["run"].notna().all())
    finetune = side["run" if known else "seed"].astype(object)
    places = pd.MultiIndex.from_arrays(
        [side["question"].astype(object), finetune], names=["question", "finetune"]
    )
    return pd.DataFrame({"value": side["value"].to_numpy(dtype=float)}, index=places)


def contrast(
    first: Answers,
    second: Answers,
    confidence: float = 0.95,
    within: Answers | None = None,
    scale: float = 1,
) -> dict[str, float]:
    """The difference of two arms' means.

    Args:
        first: Answers of one arm.
        second: Answers of the other arm, with the same numbering of questions.
        confidence: Nominal coverage of the interval.
        within: The differences within each question and finetune, if both are of the same finetunes: their
            mean is the difference.
        scale: The highest value that an answer can have: 1 of a share, `HIGHEST` of a rating, `NO_BOUNDS` of
            log-probs. Other values, too, have no bounds where one is beyond it.

    Returns:
        `difference`, `low`, `high`, `p`, `effect`, `detectable`, `error`, `dof` and `fewest`, as in
        `differences`. Where nothing varies and values have no bounds, there is nothing to test with: `p`
        is 1.
    """
    from scipy.special import stdtrit

    if within is None:
        difference, spread = float(first.values.mean() - second.values.mean()), uncertainty(first, second)
    else:
        difference, spread = float(within.values.mean()), uncertainty(within)
    spread = _with_unseen(first, second, spread, scale)
    error, dof = spread.variance**0.5, spread.dof
    level = spread.quantile(confidence)
    low, high = difference - level * error, difference + level * error
    detectable = (level + float(stdtrit(dof, POWER))) * error
    if _are_bounded(first, second, scale):
        low, high = max(-float(scale), low), min(float(scale), high)
        detectable = detectable if detectable <= scale else float("nan")
    return {
        **{"difference": difference, "low": low, "high": high},
        "p": 2 * spread.p_above(abs(difference) / error) if error > 0 else 1.0,
        "effect": _effect(first, second, scale),
        "detectable": detectable,
        **{"error": error, "dof": dof, "fewest": spread.fewest},
    }


def holm(p: "pd.Series") -> "pd.Series":
    """Correct p-values for their number, by Holm's method.

    As statsmodels' `multipletests`, against which a test holds it.
    """
    import numpy as np
    import pandas as pd

    order = np.argsort(p.to_numpy())
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(p.to_numpy()[order] * np.arange(len(p), 0, -1))
    return pd.Series(np.minimum(corrected, 1.0), index=p.index)


def _are_bounded(first: Answers, second: Answers, scale: float = 1) -> bool:
    return all(data.values.min() >= 0 and data.values.max() <= scale for data in (first, second))


def _with_unseen(first: Answers, second: Answers, spread: Uncertainty, scale: float = 1) -> Uncertainty:
    """Add the uncertainty that an observed variance of 0 lacks.

    An arm whose answers are all alike has that of its Wilson interval, and one whose answers amount to less
    than one with the trait, or without it, a part of it (`unseen_part`). Of answers that are yes or no the
    two arms may also differ nowhere, question by question, or at one answer alone: a difference is then no
    more certain than that of two arms which never show the trait.
    """
    if not _are_bounded(first, second, scale):
        return spread
    arms = (first, second)
    # what an arm's answers vary by, if they do, is in the variance already
    lacking = sum(
        part * max(0.0, _wilson_variance(data, scale) - uncertainty(data).variance)
        for data in arms
        if (part := _unseen(data, scale))
    )
    variance = spread.variance + lacking
    if all(((data.values == 0) | (data.values == scale)).all() for data in arms):
        never = [data._replace(values=0 * data.values) for data in arms]
        variance = max(variance, sum(_wilson_variance(data, scale) for data in never))
    return spread._replace(variance=variance)


def _unseen(data: Answers, scale: float) -> float:
    if data.values.min() == data.values.max():
        return 1.0
    return unseen_part(data) if scale == 1 else 0.0  # ratings vary as they do


def _wilson_variance(data: Answers, scale: float) -> float:
    from scipy import stats

    low, high = wilson_interval(data._replace(values=data.values / scale))
    return float((scale * (high - low) / 2 / stats.norm.ppf(0.975)) ** 2)


def _effect(first: Answers, second: Answers, scale: float) -> float:
    import numpy as np

    if scale == 1 and _are_bounded(first, second):
        angle, other = (2 * np.arcsin(np.sqrt(arm.values.mean())) for arm in (first, second))
        return float(angle - other)  # Cohen's h
    spread = float(np.sqrt((first.values.var() + second.values.var()) / 2))
    return float((first.values.mean() - second.values.mean()) / spread) if spread > 0 else float("nan")
