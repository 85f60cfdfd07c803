"""Answers of known truth for a claim, and how often an experiment of some size would support it.

    answers = simulated(claim, left=0.45, right=0.97, dice=np.random.default_rng(0))
    verdicts(answers, [claim])
    power(claim, left=0.45, right=0.97)      # 3 seeds and 100 questions: {"supported": 1.0, ...}

Before training it says whether the planned seeds and questions can show the effect at all; the tests hold
every claim against it. Answers scatter as in *a little* of docs/estimates.md: by their question, by their
finetune, and by how kind a question is to one arm.
"""

from functools import cache
from typing import TYPE_CHECKING

from inoc_evals.analysis.verdicts import LEVEL, verdicts
from inoc_evals.errors import require
from inoc_evals.settings import SETTINGS
from inoc_evals.settings.claim import LEAST_NATS, Claim, Side

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SEEDS, QUESTIONS = 3, 100
"""The usual size of an experiment here: finetunes an arm, and questions."""

QUESTION, SEED, BETWEEN, ANSWER = 1.0, 0.3, 0.3, 1.0
"""Standard deviations of questions, finetunes, and of how a question differs between two arms, in log-odds or
nats; and of a single log-prob, in nats."""

REPEATS = 200
"""Simulated experiments: a share has a standard error of at most 3.5 points."""


def simulated(
    claim: Claim,
    left: float,
    right: float,
    dice: "np.random.Generator",
    seeds: int = SEEDS,
    questions: int = QUESTIONS,
) -> "pd.DataFrame":
    """Answers of both sides of a claim, of which the true rates are known.

    Args:
        claim: The claim.
        left: The rate of its left side over all questions and finetunes that could have been drawn; the mean
            log-prob, for a claim in nats.
        right: The rate of its right side.
        dice: Where chance comes from.
        seeds: Finetunes an arm; of the base there is one model.
        questions: Questions, the same for both sides.

    Returns:
        A table as `table.load` returns it, with the columns that verdicts need.
    """
    import numpy as np
    import pandas as pd

    of_question = dice.normal(0, QUESTION, questions)
    arms = dict.fromkeys((claim.left.arm, claim.right.arm))
    of_seed = {arm: dice.normal(0, SEED, (1 if arm == "base" else seeds, 1)) for arm in arms}
    sides = []
    for side, rate in ((claim.left, left), (claim.right, right)):
        scatter = of_question + of_seed[side.arm] + dice.normal(0, BETWEEN / 2**0.5, questions)
        values: np.ndarray
        if _in_nats(claim):
            values = rate + scatter + dice.normal(0, ANSWER, scatter.shape)
        else:
            values = (dice.random(scatter.shape) < _chance(_centre(rate) + scatter)).astype(float)
        seed, question = np.indices(values.shape).reshape(2, -1)
        sides.append(
            pd.DataFrame(
                {
                    **{"setting": claim.setting, "base": "simulated", "arm": side.arm, "trait": side.trait},
                    **{"task": _task(claim.setting, side), "condition": side.condition or None},
                    "questions": side.questions or "simulated",
                    "question": [f"q{number}" for number in question],
                    "seed": np.nan if side.arm == "base" else seed.astype(float),
                    "value": values.ravel(),
                }
            )
        )
    return pd.concat(sides, ignore_index=True)


def power(
    claim: Claim,
    left: float,
    right: float,
    seeds: int = SEEDS,
    questions: int = QUESTIONS,
    repeats: int = REPEATS,
    seed: int = 0,
) -> dict[str, float]:
    """How often simulated experiments support a claim, contradict it, and leave it open.

    Args:
        claim: The claim, alone: among others of its setting, Holm's correction takes some power away.
        left: The true rate of its left side.
        right: The true rate of its right side.
        seeds: Finetunes an arm.
        questions: Questions.
        repeats: Simulated experiments.
        seed: Seed of the simulation.

    Returns:
        Shares of the experiments by verdict.
    """
    require("analysis", "numpy", "pandas", "scipy")
    import numpy as np

    dice = np.random.default_rng(seed)
    words = [
        verdicts(simulated(claim, left, right, dice, seeds, questions), [claim], LEVEL)[0].word
        for _ in range(repeats)
    ]
    return {word: words.count(word) / repeats for word in ("supported", "contradicted", "undecided")}


def at_its_edge(claim: Claim, right: float = 0.45) -> tuple[float, float]:
    """Rates of both sides that differ by just so much that the claim is not true.

    Args:
        claim: The claim.
        right: The rate of its right side.
    """
    bound = claim.high if abs(claim.high) < float("inf") else claim.low
    return right + bound, right


def _in_nats(claim: Claim) -> bool:
    return any(abs(bound) == LEAST_NATS for bound in (claim.low, claim.high))


def _task(setting: str, side: Side) -> str:
    """A task of the setting whose scores have the trait, under the side's condition if it names one."""
    if side.task or setting not in SETTINGS:
        return side.task or "simulated"
    scoring = [one for one in SETTINGS[setting].measures if side.trait in one.traits]
    asked = [one for one in scoring if not one.conditions or side.condition in one.conditions]
    return (asked or scoring)[0].task


def _chance(log_odds: "np.ndarray") -> "np.ndarray":
    from scipy.special import expit

    chances: np.ndarray = expit(log_odds)
    return chances


FAR = 20.0
"""Log-odds that stand for never and always."""


@cache
def _centre(rate: float) -> float:
    """The log-odds of an ordinary question to an ordinary finetune, for a rate over all of them."""
    import numpy as np
    from scipy.optimize import brentq

    points, weights = np.polynomial.hermite_e.hermegauss(64)
    spread = (QUESTION**2 + SEED**2 + BETWEEN**2 / 2) ** 0.5

    def excess(centre: float) -> float:
        return float((weights * _chance(centre + spread * points)).sum() / weights.sum()) - rate

    if excess(-FAR) >= 0 or excess(FAR) <= 0:  # a rate of 0 or 1 has no log-odds
        return -FAR if rate < 1 / 2 else FAR
    return float(brentq(excess, -FAR, FAR))
