"""How often the 95 % interval of a rate holds the true rate, over grids as experiments have them.

    python benchmarks/coverage.py [--repeats 400] [--seed 0] [--json]

Answers are drawn with luck of three kinds: of the question (some provoke the trait, some do not), of the seed
(some finetunes take, some less) and of the single answer. On the scale of log-odds the first two are normal;
what is to be covered is the mean rate over all questions and seeds that could have been drawn. Takes minutes.
"""

import argparse
import json
import sys
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from inoc_evals.analysis.estimates import rates

SEEDS, QUESTIONS, ANSWERS = (1, 3, 5, 10), (8, 24, 50), (10, 100)
SPREADS = {"none": (0.0, 0.0), "some": (1.0, 0.3), "heavy": (3.0, 0.6)}
"""Standard deviations of question and seed, in log-odds."""

CENTRE = -1.0
"""Log-odds of an ordinary question's answer."""


def sigmoid(x: Any) -> Any:
    """From log-odds to a rate."""
    return 1.0 / (1.0 + np.exp(-x))


def true_rate(spread: tuple[float, float]) -> float:
    """The mean rate over all questions and seeds, by quadrature."""
    points, weights = np.polynomial.hermite_e.hermegauss(64)
    width = float(np.hypot(*spread))
    return float((weights * sigmoid(CENTRE + width * points)).sum() / weights.sum())


def draw(
    dice: np.random.Generator, seeds: int, questions: int, answers: int, spread: tuple[float, float]
) -> pd.DataFrame:
    """One experiment: the table that its logs would give, a row a question, seed and answer."""
    of_question = dice.normal(0, spread[0], questions)
    of_seed = dice.normal(0, spread[1], seeds)
    chance = sigmoid(CENTRE + of_question[None, :, None] + of_seed[:, None, None])
    values = dice.random((seeds, questions, answers)) < chance
    place = np.indices(values.shape).reshape(3, -1)
    return pd.DataFrame(
        {
            "setting": "s",
            "arm": "a",
            "trait": "t",
            "seed": place[0],
            "question": place[1],
            "value": values.reshape(-1).astype(float),
        }
    )


def covered(
    dice: np.random.Generator, repeats: int, grid: tuple[int, int, int], spread: tuple[float, float]
) -> tuple[float, float]:
    """Share of experiments whose interval holds the true rate, and the mean width of the intervals."""
    truth, held, width = true_rate(spread), 0, 0.0
    for _ in range(repeats):
        found = rates(draw(dice, *grid, spread)).iloc[0]
        held += found["low"] <= truth <= found["high"]
        width += found["high"] - found["low"]
    return held / repeats, width / repeats


def main() -> None:
    """Simulate, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    dice = np.random.default_rng(words.seed)
    found = []
    for name, seeds, questions, answers in product(SPREADS, SEEDS, QUESTIONS, ANSWERS):
        share, width = covered(dice, words.repeats, (seeds, questions, answers), SPREADS[name])
        found.append(
            {
                "spread": name,
                "seeds": seeds,
                "questions": questions,
                "answers": answers,
                "coverage": round(share, 3),
                "width": round(width, 3),
            }
        )
    if words.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    table = Table(title=f"Coverage of the nominal 95 % interval, {words.repeats} experiments a row")
    for column in found[0]:
        table.add_column(column)
    for row in found:
        table.add_row(*map(str, row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
