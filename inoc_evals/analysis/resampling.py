"""A joint bootstrap over questions and finetunes: intervals for shares and ratios of several means.

    means = resampled({("none", "spanish"): of_none, ("spanish-inoc", "spanish"): of_inoculated})
    none, arm = means["none", "spanish"], means["spanish-inoc", "spanish"]
    kept_out = statistic(means, lambda of: 1 - of["spanish-inoc", "spanish"] / of["none", "spanish"])
    kept_out.value, kept_out.low, kept_out.high

A difference of two means has a test of its own (`contrasts.py`). A ratio of differences has no such formula,
so here the whole experiment is drawn again: questions once for all arms, since all were asked the same ones,
and finetunes within every arm, since they are independent.

- What draws of questions and draws of finetunes both hold, the variation of single answers, is taken out of
  the second (`variance.effects`): so it counts once, as in the usual test.
- Of `k` seeds `k - 1` are drawn (Rao and Wu, 1988): drawing `k` of three would make the spread of seeds look
  a third smaller than it is. Percentiles of such draws could still not leave the range of three seeds, so
  the spread of each draw is stretched as Student's distribution with `k - 1` degrees of freedom is.
- Answers that are all alike, or amount to less than one with the trait, have no spread to draw from; they get
  that of Wilson's interval.
- What cannot be observed adds nothing: one finetune an arm leaves its spread out, so `caution` says so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.estimates import (
    FEW_QUESTIONS,
    FEW_SEEDS,
    in_nats,
    merged,
    unseen_part,
    wilson_interval,
)
from inoc_evals.analysis.variance import Answers, effects, uncertainty
from inoc_evals.errors import UserError
from inoc_evals.plurals import many

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

RESAMPLES = 4000

UNPAIRED = 0.95
"""There is a caution if a smaller share of questions than this has scored answers in all parts of a name."""

Z = 1.959964
"""The normal distribution's 97.5 % quantile, by which Wilson's interval becomes a standard deviation."""

Part = tuple[str, Any]
"""An arm, and which of its numbers: parts of one arm come from the same finetunes."""


@dataclass(frozen=True)
class Means:
    """Means of several parts, as observed and as drawn again.

    Attributes:
        observed: The mean of every part.
        drawn: The means of every part in each draw, shape `(resamples,)`.
        questions: Number of different questions.
        seeds: The smallest number of finetunes among arms that have any; 0 if there are only base models.
        unpaired: Of parts with one name, to how many questions not all of them have scored answers; the most.
    """

    observed: Mapping[Part, float]
    drawn: "Mapping[Part, np.ndarray]"
    questions: int
    seeds: int
    unpaired: int = 0

    @property
    def caution(self) -> str:
        """Why intervals may be too narrow; empty if nothing is wrong."""
        few = []
        if 0 < self.seeds < FEW_SEEDS:
            few.append(many(self.seeds, "seed"))
        if self.questions < FEW_QUESTIONS:
            few.append(many(self.questions, "question"))
        if self.unpaired > (1 - UNPAIRED) * self.questions:
            few.append(
                f"{self.unpaired} of {many(self.questions, 'question')} without scored answers of every arm"
            )
        return merged(few)


@dataclass(frozen=True)
class Statistic:
    """A number with an interval.

    Attributes:
        value: The number; NaN where it is undefined.
        low: Lower bound; NaN where no draw has a value.
        high: Upper bound.
        drawn: Its values in the draws, shape `(resamples,)`.
        caution: Why the interval may be too narrow.
    """

    value: float
    low: float
    high: float
    drawn: "np.ndarray"
    caution: str = ""

    @property
    def text(self) -> str:
        """The number and its interval, e.g. `0.25 [0.10, 0.41]`."""
        return f"{self.value:z.2f} [{self.low:z.2f}, {self.high:z.2f}]"


def resampled(
    parts: "Mapping[Part, pd.DataFrame]", resamples: int = RESAMPLES, seed: int = 0, *, shares: bool = True
) -> Means:
    """Draw questions and finetunes again, jointly for all parts.

    Args:
        parts: By arm and name, scored rows of a table (columns `question`, `seed`, `value`). A question is
            drawn equally often in all parts that have it, a finetune in all parts of its arm.
        resamples: Number of draws.
        seed: Seed of the draws: the same parts give the same intervals.
        shares: Whether values from 0 to 1 are shares of answers; False where 0 is a number like others, as it
            is of log-probs (`estimates.in_nats`) in any case.

    Raises:
        UserError: If a part has no scored answer.
    """
    import numpy as np
    import pandas as pd

    scored = {part: rows.dropna(subset=["value"]) for part, rows in parts.items()}
    if empty := [part for part, rows in scored.items() if rows.empty]:
        raise UserError(f"no scored answers of {' '.join(map(str, empty[0]))}")
    rng = np.random.default_rng(seed)
    # sorted, so that the order of rows changes no draw
    questions = pd.Index(sorted(pd.concat([rows["question"] for rows in scored.values()]).unique(), key=str))
    of_questions = _draws(rng, len(questions), resamples)
    seeds = {
        arm: pd.Index(
            pd.concat([rows["seed"] for (of, _), rows in scored.items() if of == arm]).fillna(-1).unique()
        ).sort_values()
        for arm in dict.fromkeys(arm for arm, _ in scored)
    }
    of_seeds = {}
    for arm, index in seeds.items():
        of_seeds[arm] = _draws(rng, len(index), resamples)
        if (dof := len(index) - 1) > 0:
            of_seeds[arm] *= np.sqrt(dof / rng.chisquare(dof, size=(resamples, 1)))
    observed, drawn = {}, {}
    for part, rows in scored.items():
        values = rows["value"].to_numpy(dtype=float)
        (asked, by_question), (trained, by_seed) = (
            np.unique(index.get_indexer(pd.Index(column)), return_inverse=True)
            for index, column in ((questions, rows["question"]), (seeds[part[0]], rows["seed"].fillna(-1)))
        )
        data = Answers(values, by_question, by_seed)
        moves = effects(data)
        means = float(values.mean()) + _moved(moves.questions, of_questions[:, asked], len(questions))
        means += _moved(moves.seeds, of_seeds[part[0]][:, trained], len(seeds[part[0]]))
        if len(asked) == len(trained) == 1:  # single answers are all that varies
            means += rng.normal(0, uncertainty(data).variance ** 0.5, size=resamples)
        if shares and not in_nats(rows) and values.min() >= 0 and values.max() <= 1:
            alike = values.min() == values.max()
            if weight := 1.0 if alike else unseen_part(data):
                low, high = wilson_interval(data)
                more = rng.normal(0, weight * (high - low) / 2 / Z, size=resamples)
                inward = 1 if values[0] < 1 / 2 else -1
                means = means + (inward * np.abs(more) if alike else more)
            means = np.clip(means, 0.0, 1.0)
        observed[part], drawn[part] = float(values.mean()), means
    finetunes = [rows["seed"].dropna().nunique() for rows in scored.values()]
    least = min((number for number in finetunes if number), default=0)
    return Means(observed, drawn, len(questions), least, _unpaired(scored))


def _unpaired(scored: "Mapping[Part, pd.DataFrame]") -> int:
    """Of parts with one name, how many questions have scored answers of some and not of all; the most."""
    by_name: dict[Any, list[set[Any]]] = {}
    for (_, name), rows in scored.items():
        by_name.setdefault(name, []).append(set(rows["question"]))
    return max(len(set.union(*sets)) - len(set.intersection(*sets)) for sets in by_name.values())


def statistic(
    means: Means, formula: "Callable[[Mapping[Part, np.ndarray]], np.ndarray]", confidence: float = 0.95
) -> Statistic:
    """A number made of several means, with its percentile interval.

    Args:
        means: What `resampled` returns.
        formula: The number, from the means by part; it is given arrays, of the draws and once of length 1.
        confidence: Nominal coverage.
    """
    import numpy as np

    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(
            np.asarray(formula({part: np.array([mean]) for part, mean in means.observed.items()}))[0]
        )
        drawn = np.asarray(formula(means.drawn), dtype=float)
    nan = float("nan")
    finite = drawn[np.isfinite(drawn)] if np.isfinite(value) else drawn[:0]
    low, high = (
        np.quantile(finite, [0.5 - confidence / 2, 0.5 + confidence / 2]) if len(finite) else (nan, nan)
    )
    return Statistic(value if np.isfinite(value) else nan, float(low), float(high), drawn, means.caution)


def _draws(rng: "np.random.Generator", size: int, resamples: int) -> "np.ndarray":
    """How much more often than once each of `size` things is drawn, shape `(resamples, size)`.

    A single thing is always there. Of several one less is drawn, and what is drawn is scaled to add up to
    `size`.
    """
    import numpy as np

    if size < 2:
        return np.zeros((resamples, size))
    drawn = rng.multinomial(size - 1, np.full(size, 1 / size), size=resamples)
    return np.asarray(drawn * (size / (size - 1)) - 1)


def _moved(effects: "np.ndarray", draws: "np.ndarray", of: int) -> "np.ndarray":
    """By how much draws move a mean.

    Args:
        effects: The effect of each thing that the mean rests on.
        draws: What `_draws` says of these things.
        of: Of how many things they were drawn.
    """
    own = len(effects)
    scale = (own / (own - 1) * (of - 1) / of) ** 0.5 if own > 1 else 1.0
    moved: np.ndarray = draws @ effects * scale
    return moved
