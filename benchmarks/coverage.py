"""How often the 95 % intervals hold the truth, over grids as experiments have them.

    python benchmarks/coverage.py [--repeats 2000] [--seed 0] [--json | --markdown]

Answers are drawn with luck of three kinds: of the question (some provoke the trait, some do not), of the seed
(some finetunes take, some less) and of the single answer. On the scale of log-odds the first two are normal.
What a rate's interval is to cover is the mean rate over all questions and seeds that could have been drawn;
what a difference's is to cover is 0, for two arms that share their questions and differ in nothing but luck,
each question being a little kinder to one arm than to the other. Takes a few minutes.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats

from inoc_evals.analysis.estimates import interval
from inoc_evals.analysis.variance import Answers, uncertainty

SEEDS, QUESTIONS, ANSWERS = (1, 3, 5, 10), (8, 24, 50), (10, 100)


@dataclass(frozen=True)
class World:
    """How answers scatter: standard deviations in log-odds.

    Attributes:
        question: Of questions.
        seed: Of seeds.
        between: Of how a question differs between two arms.
        centre: Log-odds of an ordinary question.
    """

    question: float
    seed: float
    between: float
    centre: float = -1.0


WORLDS = {
    "nothing varies": World(0, 0, 0),
    "some": World(1, 0.3, 0.3),
    "questions": World(3, 0, 1),
    "seeds": World(0, 0.6, 0),
    "both": World(3, 0.6, 1),
    "rare": World(3, 0.6, 1, centre=-5),
}


def sigmoid(x: Any) -> Any:
    """From log-odds to a rate."""
    return 1.0 / (1.0 + np.exp(-x))


def true_rate(world: World) -> float:
    """The mean rate over all questions and seeds, by quadrature."""
    points, weights = np.polynomial.hermite_e.hermegauss(64)
    width = float(np.hypot(world.question, world.seed))
    return float((weights * sigmoid(world.centre + width * points)).sum() / weights.sum())


def inflation(world: World, answers: int) -> float:
    """How much larger questions make the variance of one model's mean than independent answers would."""
    points, weights = np.polynomial.hermite_e.hermegauss(64)
    weights = weights / weights.sum()
    chances = sigmoid(world.centre + world.question * points)
    mean = float((weights * chances).sum())
    between = float((weights * chances**2).sum()) - mean**2
    return 1 + (answers - 1) * between / (mean * (1 - mean))


def draw(dice: np.random.Generator, world: World, chance: np.ndarray, answers: int) -> Answers:
    """The answers of one arm: `chance` is log-odds by question, to which its seeds add their luck."""
    seeds, questions = chance.shape
    hits = dice.binomial(answers, sigmoid(chance))
    place = np.indices((seeds, questions, answers)).reshape(3, -1)
    values = (place[2] < hits.reshape(-1).repeat(answers)).astype(float)
    return Answers(values, place[1], place[0])


def arm(dice: np.random.Generator, world: World, of_question: np.ndarray, seeds: int) -> np.ndarray:
    """Log-odds of an arm by seed and question."""
    own = dice.normal(0, world.between / 2**0.5, len(of_question))
    return world.centre + of_question + own + dice.normal(0, world.seed, (seeds, 1))


@dataclass(frozen=True)
class Row:
    """What one grid gave.

    Attributes:
        world: How its answers scatter, a key of `WORLDS`.
        seeds: Finetunes an arm.
        questions: Questions asked.
        answers: Answers a question and finetune.
        inflation: Of the variance of one model's rate, by questions.
        coverage: Share of experiments whose interval of the rate holds the true rate.
        width: Mean width of these intervals.
        difference: Share of experiments whose interval of a difference holds 0.
    """

    world: str
    seeds: int
    questions: int
    answers: int
    inflation: float
    coverage: float
    width: float
    difference: float


def simulate(dice: np.random.Generator, name: str, grid: tuple[int, int, int], repeats: int) -> Row:
    """Draw experiments of one grid and count whose intervals hold the truth."""
    world, (seeds, questions, answers) = WORLDS[name], grid
    plain = World(world.question, world.seed, 0, world.centre)
    truth, held, zero, width = true_rate(world), 0, 0, 0.0
    for _ in range(repeats):
        of_question = dice.normal(0, world.question, questions)
        _, low, high = interval(draw(dice, world, arm(dice, plain, of_question, seeds), answers))
        held += low <= truth <= high
        width += high - low
        a, b = (draw(dice, world, arm(dice, world, of_question, seeds), answers) for _ in range(2))
        known = uncertainty(a, b)
        reach = stats.t.ppf(0.975, known.dof) * known.variance**0.5
        zero += abs(a.values.mean() - b.values.mean()) <= reach
    found = (round(held / repeats, 3), round(width / repeats, 3), round(zero / repeats, 3))
    return Row(name, *grid, round(inflation(world, answers), 1), *found)


def markdown(rows: list[Row]) -> str:
    """The rows as docs show them: a line a world, questions and answers; a column a number of seeds."""
    heads = " | ".join("1 seed" if seeds == 1 else f"{seeds} seeds" for seeds in SEEDS)
    lines = [
        f"| scatter | questions | answers | inflation | {heads} |",
        "|---|---|---|---|" + "---|" * len(SEEDS),
    ]
    for name, questions, answers in product(WORLDS, QUESTIONS, ANSWERS):
        cells = [r for r in rows if (r.world, r.questions, r.answers) == (name, questions, answers)]
        shown = " | ".join(f"{r.coverage:.3f}, {r.difference:.3f} (±{r.width / 2:.3f})" for r in cells)
        lines.append(f"| {name} | {questions} | {answers} | {cells[0].inflation:.1f} | {shown} |")
    return "\n".join(lines)


def main() -> None:
    """Simulate, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    words = parser.parse_args()
    dice = np.random.default_rng(words.seed)
    rows = [
        simulate(dice, name, grid, words.repeats)
        for name in WORLDS
        for grid in product(SEEDS, QUESTIONS, ANSWERS)
    ]
    if words.json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows]) + "\n")
        return
    if words.markdown:
        sys.stdout.write(markdown(rows) + "\n")
        return
    table = Table(title=f"Coverage of nominal 95 % intervals, {words.repeats} experiments a row")
    for column in asdict(rows[0]):
        table.add_column(column)
    for row in rows:
        table.add_row(*map(str, asdict(row).values()))
    Console().print(table)


if __name__ == "__main__":
    main()
