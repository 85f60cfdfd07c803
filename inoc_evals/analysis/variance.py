"""How uncertain a mean is, or a difference of two, when answers share a question and share a finetune.

    spread = uncertainty(Answers(values, questions, seeds))
    spread.variance, spread.dof             # of the mean; for Student's t
    uncertainty(inoculated, none)          # of the difference, paired by question
    effects(Answers(values, questions, seeds))      # what each question and each finetune moves the mean by

Answers to one question resemble each other, and so do answers of one finetune. As in a two-way analysis of
variance with random effects, the variance of the mean is that of clusters by question, plus that of
clusters by seed, minus the residual variance, which both contain; and never less than the residual variance.
Satterthwaite's rule gives the degrees of freedom: near those of the seeds if seeds dominate,
near those of the questions if questions do, and never below the smaller of the two. They hold for intervals
of 95 %; small p-values have the tail that the number of finetunes allows (`Uncertainty.p_above`).
`benchmarks/coverage.py` checks by simulation how often such intervals contain the true value.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

OUTER = 0.025
"""One-sided p-value at the end of a 95 % interval, up to which Satterthwaite's degrees of freedom hold."""

ROUNDING = 1e-12
"""An error that is a smaller part of the largest value is what rounding leaves of none."""

SWEEPS = 100
"""Maximal number of steps to fit questions and seeds to cells of unequal size; equal cells need one."""


class Answers(NamedTuple):
    """Answers of one arm.

    Attributes:
        values: The value of each, a float.
        questions: Which question it answers, an integer from 0.
        seeds: Which finetune gave it, an integer from 0.
    """

    values: "np.ndarray"
    questions: "np.ndarray"
    seeds: "np.ndarray"


class Uncertainty(NamedTuple):
    """The variance of an estimate, as an interval needs it.

    Attributes:
        variance: Variance of the mean or the difference; 0 if all answers of an arm are alike.
        dof: Degrees of freedom, for the 95 % interval.
        fewest: Degrees of freedom of what there is least of, finetunes or questions, for smaller p-values.
    """

    variance: float
    dof: float
    fewest: float = math.inf

    def p_above(self, t: float) -> float:
        """The one-sided p-value of a statistic: how often chance alone would give a larger one.

        Satterthwaite's degrees of freedom are themselves estimated. Where three finetunes resemble each
        other by luck, they are many and the error is small, both at once, so that their Student's
        distribution has far too thin a tail: it takes p below 0.001 for what happens once in fifty
        experiments. Up to the 95 % interval it holds. Beyond, the tail falls as Student's with the degrees
        of freedom of the finetunes, so that 3 against 3 of them never give more evidence than 3 and 3 can
        (`benchmarks/small_p.py`).

        Args:
            t: A difference from what is tested, in standard errors.
        """
        from scipy.special import stdtr, stdtrit

        inner = stdtrit(self.dof, 1 - OUTER)
        if abs(t) <= inner or self.fewest >= self.dof:
            return float(stdtr(self.dof, -t))
        return float(stdtr(self.fewest, -t * stdtrit(self.fewest, 1 - OUTER) / inner))

    def quantile(self, confidence: float) -> float:
        """How many standard errors an interval reaches to either side: the inverse of `p_above`.

        Args:
            confidence: Nominal coverage.
        """
        from scipy.special import stdtrit

        outer = (1 - confidence) / 2
        # rounding must not push 95 % itself beyond the end of its interval
        if outer > OUTER - 1e-9 or self.fewest >= self.dof:
            return float(stdtrit(self.dof, 1 - outer))
        inner, end = stdtrit(self.dof, 1 - OUTER), stdtrit(self.fewest, 1 - OUTER)
        return float(stdtrit(self.fewest, 1 - outer) * inner / end)


def uncertainty(answers: Answers, other: Answers | None = None) -> Uncertainty:
    """The uncertainty of the mean of answers, or of the difference of two means.

    Args:
        answers: Answers of one arm.
        other: Answers of the arm that is subtracted; its questions are numbered like those of the first.

    Returns:
        The uncertainty. A single question counts as the only possible one, a single seed as the only possible
        finetune: variation that cannot be observed adds nothing.
    """
    import numpy as np

    arms = [_Arm(answers)] + ([_Arm(other)] if other is not None else [])
    total = max(arm.sums.shape[0] for arm in arms)
    by_question = np.zeros(total)
    asked = np.zeros(total)
    for sign, arm in zip((1.0, -1.0), arms, strict=False):
        by_question[: len(arm.sums)] += sign * arm.sums.sum(axis=1)
        asked[: len(arm.sums)] += arm.counts.sum(axis=1) / arm.counts.sum()
    answered = asked > 0
    questions = int(answered.sum())
    if questions < 2:
        return _of_one_question(arms)
    residuals = [arm.interaction() for arm in arms]
    residual = sum(variance for variance, _ in residuals)
    # the residual is in the parts of questions and of each arm's seeds, so it is once too often in their sum
    of_questions = _clusters(by_question[answered], asked[answered], residual)
    seeds = zip(arms, residuals, strict=True)
    parts = [of_questions, *(arm.by_seed(own) for arm, (own, _) in seeds if arm.seeds > 1)]
    variance = sum(part for part, _ in parts) - residual
    weight = sum(part**2 / dof for part, dof in [*parts, *residuals] if dof > 0)
    # where they are the same, rounding must not decide which degrees of freedom count: the fewer do
    if variance < residual * (1 - 1e-9):  # neither questions nor seeds vary more than the residual
        variance, weight = residual, sum(part**2 / dof for part, dof in residuals if dof > 0)
    largest = max(float(np.abs(arm.values).max()) for arm in (answers, other) if arm is not None)
    if not weight or variance <= (ROUNDING * largest) ** 2:  # all answers are alike, or all differences
        return Uncertainty(0.0, float(of_questions[1]), min(of_questions[1], _together(parts[1:])))
    fewest = min(dof for _, dof in parts)
    dof = max(float(fewest), float(variance**2 / weight))
    return Uncertainty(float(variance), dof, min(of_questions[1], _together(parts[1:])))


class Effects(NamedTuple):
    """By how much each question and each finetune moves the mean of one arm's answers.

    Attributes:
        questions: For each question; drawn again, they give the mean the variance of clusters by question.
        seeds: For each finetune, without what single answers make of it: drawn again, they give the mean the
            variance of clusters by seed less the residual variance, which is in that of questions already.
    """

    questions: "np.ndarray"
    seeds: "np.ndarray"


def effects(answers: Answers) -> Effects:
    """Take the mean of answers apart into what its questions and its finetunes move it by.

    Args:
        answers: Answers of one arm.

    Returns:
        The effects. Those of finetunes are 0 where these differ by no more than single answers do.
    """
    arm = _Arm(answers)
    residual, _ = arm.interaction()
    by_question, by_seed = arm.sums.sum(axis=1), arm.sums.sum(axis=0)
    of_questions, _ = _clusters(by_question, arm.counts.sum(axis=1), residual)
    of_seeds, _ = arm.by_seed(residual)
    return Effects(_scaled(by_question, of_questions), _scaled(by_seed, of_seeds - residual))


def _scaled(effects: "np.ndarray", variance: float) -> "np.ndarray":
    """Effects that, drawn again, give a mean this variance."""
    drawn, _ = _clusters(effects)
    scale: float = (max(0.0, variance) / drawn) ** 0.5 if drawn > 0 else 0.0
    return effects * scale


def _together(parts: "list[tuple[float, float]]") -> float:
    """Degrees of freedom of the finetunes of all arms, by Satterthwaite's rule; infinite without any."""
    weight = sum(part**2 / dof for part, dof in parts)
    if not weight:
        return float(sum(dof for _, dof in parts)) if parts else math.inf
    return float(sum(part for part, _ in parts) ** 2 / weight)


class _Arm:
    """Sums of residuals by question and seed, over the number of all answers."""

    def __init__(self, answers: Answers) -> None:
        import numpy as np

        shape = (int(answers.questions.max()) + 1, int(answers.seeds.max()) + 1)
        place = answers.questions * shape[1] + answers.seeds
        size = shape[0] * shape[1]
        self.residuals = answers.values - answers.values.mean()
        if answers.values.min() == answers.values.max():  # what is left of equal numbers is rounding
            self.residuals = np.zeros(len(answers.values))
        self.counts = np.bincount(place, minlength=size).reshape(shape)
        self.sums = np.bincount(place, weights=self.residuals, minlength=size).reshape(shape) / len(place)
        self.seeds = shape[1]

    def by_seed(self, residual: float) -> tuple[float, float]:
        """Variance of the mean as clusters by seed show it, and its degrees of freedom."""
        return _clusters(self.sums.sum(axis=0), self.counts.sum(axis=0), residual)

    def within(self) -> float:
        """Variance of the mean by single answers, of one question; 0 where every seed has one answer."""
        answers, free = len(self.residuals), len(self.residuals) - self.seeds
        between = float(((self.sums.sum(axis=0) * answers) ** 2 / self.counts.sum(axis=0)).sum())
        return max(0.0, float((self.residuals**2).sum()) - between) / free / answers if free > 0 else 0.0

    def interaction(self) -> tuple[float, int]:
        """Variance of the mean by what neither question nor seed explains, and its degrees of freedom."""
        import numpy as np

        counts = self.counts[self.counts.any(axis=1)]
        dof = int((counts > 0).sum()) - counts.shape[0] - counts.shape[1] + 1
        if self.seeds < 2 or dof < 1:
            return 0.0, 0
        share = counts / counts.sum()
        means = np.divide(
            self.sums[self.counts.any(axis=1)], share, out=np.zeros(share.shape), where=counts > 0
        )
        for _ in range(SWEEPS):
            before = means
            means = means - (means * counts).sum(axis=1, keepdims=True) / counts.sum(axis=1, keepdims=True)
            means = means - (means * counts).sum(axis=0) / counts.sum(axis=0)
            if np.abs(means - before).max() < 1e-12:
                break
        cells = int((counts > 0).sum())
        return float(((means * share) ** 2).sum() * cells / dof), dof


def _clusters(
    sums: "np.ndarray", counts: "np.ndarray | None" = None, residual: float = 0.0
) -> tuple[float, float]:
    """Variance of a mean whose residuals add up to these sums in independent clusters.

    A cluster that has most of the answers pulls the mean to itself: its own residuals come out small, and
    those of the others say little of how far it may be off. So each part of the sum of squares is divided by
    the share of itself that it leaves there: what single answers make, and what clusters vary by beyond it.

    Args:
        sums: By cluster, over the number of all answers.
        counts: Answers in each, or shares of them; by default they are of equal size.
        residual: The variance of the mean by single answers alone.

    Returns:
        The variance, and its degrees of freedom: of clusters of equal size, one less than there are.
    """
    import numpy as np

    groups, squares = len(sums), float((sums**2).sum())
    if groups < 2:
        return 0.0, 0.0
    if counts is None or np.ptp(counts) <= ROUNDING * float(counts.max()):
        return squares * groups / (groups - 1), float(groups - 1)
    weights = counts / counts.sum()
    two = float((weights**2).sum())
    left, trace, squared = _kept(weights)
    noise = min(squares, residual * left)
    # of two clusters it is 1: rounding makes it neither fewer, nor more than there are
    dof = min(max(trace**2 / squared, 1.0), groups - 1.0)
    return noise / left + (squares - noise) * two / trace, dof


def _kept(weights: "np.ndarray") -> tuple[float, float, float]:
    """What the squares of residuals keep of what varies, where clusters have these shares of the answers.

    Args:
        weights: The shares, which add up to 1.

    Returns:
        The share that they keep of what single answers vary by; and the traces of the quadratic form, and of
        its square, by which what clusters vary by enters them. The largest share stands apart: 1 less a share
        near to 1 is only rounding, and a trace would be 0, or less.
    """
    import numpy as np

    place = int(weights.argmax())
    most, rest = float(weights[place]), np.delete(weights, place)
    one, two, three, four, five = (float((rest**power).sum()) for power in (1, 2, 3, 4, 5))
    all_two = most**2 + two
    # cluster i has the variance w_i^2 (1 - 2 w_i + sum w^2), and w_i w_j (sum w^2 - w_i - w_j) with another
    own = most**2 * (one**2 + two)
    shared = most * rest * (two - most * one - rest)
    trace = own + two - 2 * three + all_two * two
    others = all_two**2 * two**2 + 2 * two * four + 2 * three**2 - 4 * all_two * two * three
    others += (1 + 2 * all_two) * four - 4 * five
    return one * (1 + most) - two, trace, own**2 + 2 * float((shared**2).sum()) + others


def _of_one_question(arms: list[_Arm]) -> Uncertainty:
    """The uncertainty for one question: clustered by seed, or by answer if there is one seed."""
    parts = []
    for arm in arms:
        if arm.seeds > 1:
            parts.append(arm.by_seed(arm.within()))
        else:
            variance, dof = _clusters(arm.residuals / len(arm.residuals))
            parts.append((variance, max(dof, 1.0)))
    variance = sum(part for part, _ in parts)
    dof = _together(parts) if variance > 0 else float(min(dof for _, dof in parts))
    return Uncertainty(variance, dof, dof)
