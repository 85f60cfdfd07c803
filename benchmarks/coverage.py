"""How often the 95 % intervals hold the truth, over grids as experiments have them.

    python benchmarks/coverage.py [--repeats 1000] [--seed 0] [--json | --write docs/estimates.md]

Answers are drawn with luck of three kinds: of the question (some provoke the trait, some do not), of the seed
(some finetunes take, some less) and of the single answer. On the scale of log-odds the first two are normal.
Counted is how often the interval of a rate holds the mean rate over all questions and seeds that could have
been drawn; how often that of a difference holds the true one, for two arms that share their questions, each
question being a little kinder to one arm than to the other; and how often two arms that differ in nothing but
luck are told apart. Takes about ten minutes on one core.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from simulation import run

from inoc_evals.analysis.contrasts import contrast
from inoc_evals.analysis.estimates import doubts, interval, paper_interval
from inoc_evals.analysis.variance import Answers

SEEDS, QUESTIONS, ANSWERS = (1, 3, 5, 10), (8, 24, 50), (10, 100)
SHIFT = 1.5  # log-odds between two arms that do differ
LEVEL = 0.05
PROMISED = (0.93, 0.97)  # of three seeds and more
PLACE = re.compile(r"(<!-- begin coverage -->\n).*(<!-- end coverage -->)", re.DOTALL)


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
    "nothing": World(0, 0, 0),
    "a little": World(1, 0.3, 0.3),
    "questions": World(3, 0, 1),
    "seeds": World(0, 0.6, 0),
    "both": World(3, 0.6, 1),
    "both, rare": World(3, 0.6, 1, centre=-5),
}


def sigmoid(x: Any) -> Any:
    """From log-odds to a rate."""
    return 1.0 / (1.0 + np.exp(-x))


def mean_rate(centre: float, *scatter: float, power: int = 1) -> float:
    """The mean rate (or its power) around log-odds with these standard deviations, by quadrature."""
    points, weights = np.polynomial.hermite_e.hermegauss(64)
    chances = sigmoid(centre + float(np.linalg.norm(scatter)) * points)
    return float((weights * chances**power).sum() / weights.sum())


def inflation(world: World, answers: int) -> float:
    """How much larger questions make the variance of one model's mean than independent answers would."""
    mean, square = (mean_rate(world.centre, world.question, power=power) for power in (1, 2))
    return 1 + (answers - 1) * (square - mean**2) / (mean * (1 - mean))


def draw(dice: np.random.Generator, chance: np.ndarray, answers: int) -> Answers:
    """The answers of one arm; `chance` is log-odds by seed and question."""
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
    """What one grid gave, as shares of the experiments drawn.

    Attributes:
        world: How its answers scatter, a key of `WORLDS`.
        seeds: Finetunes an arm.
        questions: Questions asked.
        answers: Answers a question and finetune.
        inflation: Of the variance of one model's rate, by questions.
        rate: Those whose interval of a rate holds the true rate.
        width: Mean width of these intervals.
        rate_warned: Of those whose interval misses, those that come with a caution.
        paper: Those whose interval by the method `paper` holds the true rate.
        difference: Those whose interval of a difference holds the true one.
        difference_warned: Of those whose interval misses, those that come with a caution.
        false_positives: Those with p below 5 % for two arms that do not differ.
    """

    world: str
    seeds: int
    questions: int
    answers: int
    inflation: float
    rate: float
    width: float
    rate_warned: float
    paper: float
    difference: float
    difference_warned: float
    false_positives: float


def simulate(dice: np.random.Generator, name: str, grid: tuple[int, int, int], repeats: int) -> Row:
    """Draw experiments of one grid and count whose intervals hold the truth."""
    world, (seeds, questions, answers) = WORLDS[name], grid
    other, plain = replace(world, centre=world.centre + SHIFT), replace(world, between=0.0)
    truth = mean_rate(world.centre, world.question, world.seed)
    scatter = (world.question, world.seed, world.between / 2**0.5)
    shift = mean_rate(other.centre, *scatter) - mean_rate(world.centre, *scatter)
    held: dict[str, list[float]] = {key: [] for key in ("rate", "paper", "difference")}
    warned: dict[str, list[bool]] = {"rate": [], "difference": []}
    widths, false_positives = 0.0, 0
    for _ in range(repeats):
        of_question = dice.normal(0, world.question, questions)
        one = draw(dice, arm(dice, plain, of_question, seeds), answers)
        _, low, high = interval(one)
        held["rate"].append(low <= truth <= high)
        warned["rate"].append(bool(doubts(one, seeds)))
        widths += high - low
        _, low, high = paper_interval(one.values.reshape(seeds, -1).mean(axis=1))
        held["paper"].append(low <= truth <= high)
        a, b, c = (draw(dice, arm(dice, what, of_question, seeds), answers) for what in (world, world, other))
        far = contrast(c, a)
        held["difference"].append(far["low"] <= shift <= far["high"])
        warned["difference"].append(bool(doubts(c, seeds) or doubts(a, seeds)))
        false_positives += contrast(a, b)["p"] < LEVEL
    shares = {key: round(float(np.mean(values)), 4) for key, values in held.items()}
    for key, values in warned.items():
        missed = ~np.array(held[key], dtype=bool)
        shares[f"{key}_warned"] = round(float(np.array(values)[missed].mean()), 4) if missed.any() else 1.0
    return Row(
        name,
        *grid,
        inflation=round(inflation(world, answers), 1),
        width=round(widths / repeats, 4),
        false_positives=round(false_positives / repeats, 4),
        **shares,
    )


def table(rows: list[Row], shown: Callable[[Row], str]) -> str:
    """A line a world, questions and answers; a column a number of seeds."""
    heads = " | ".join("1 seed" if seeds == 1 else f"{seeds} seeds" for seeds in SEEDS)
    lines = [
        f"| what varies | questions | answers | inflation | {heads} |",
        "|---|---|---|---|" + "---|" * len(SEEDS),
    ]
    for name, questions, answers in product(WORLDS, QUESTIONS, ANSWERS):
        cells = [r for r in rows if (r.world, r.questions, r.answers) == (name, questions, answers)]
        values = " | ".join(map(shown, cells))
        lines.append(f"| {name} | {questions} | {answers} | {cells[0].inflation:.1f} | {values} |")
    return "\n".join(lines)


def outside(row: Row, share: float) -> str:
    """A mark for a share that is not as promised."""
    return "" if row.seeds < 3 or PROMISED[0] <= share <= PROMISED[1] else "*"


def extremes(rows: list[Row], key: str) -> str:
    """Least and most of a column, in words."""
    values = [100 * getattr(row, key) for row in rows]
    least, most = f"{min(values):.1f}", f"{max(values):.1f}"
    return f"{least} %" if least == most else f"{least} to {most} %"


def summary(rows: list[Row]) -> str:
    """What the tables say of three seeds and more."""
    many = [row for row in rows if row.seeds >= 3]
    lines = []
    for name in WORLDS:
        mine = [row for row in many if row.world == name]
        lines.append(
            f"- *{name}*: rates {extremes(mine, 'rate')}, differences {extremes(mine, 'difference')}, "
            f"false positives {extremes(mine, 'false_positives')}, `paper` {extremes(mine, 'paper')}."
        )
    lines += [
        "",
        f"Below {100 * PROMISED[0]:.0f} %, and how many of the intervals that miss come with a caution:",
        "",
    ]
    for key in ("rate", "difference"):
        low = [row for row in many if getattr(row, key) < PROMISED[0]]
        for name, questions in dict.fromkeys((row.world, row.questions) for row in low):
            mine = [row for row in low if (row.world, row.questions) == (name, questions)]
            lines.append(
                f"- {key}s, *{name}*, {questions} questions, {len(mine)} of 6 cells: {extremes(mine, key)}; "
                f"a caution with {extremes(mine, f'{key}_warned')}."
            )
    return "\n".join(lines)


def document(rows: list[Row], repeats: int, seed: int) -> str:
    """The summary and the tables, as docs have them."""
    error = (0.95 * 0.05 / repeats) ** 0.5
    command = f"python benchmarks/coverage.py --repeats {repeats} --seed {seed} --write docs/estimates.md"
    return f"""    {command}

{repeats} experiments a cell; a share near 0.95 has a standard error of {error:.4f}. From three seeds on:

{summary(rows)}

Share of intervals of a rate that hold the true rate (and half their mean width); * marks what is outside of
{PROMISED[0]:.2f} to {PROMISED[1]:.2f} with three seeds and more:

{table(rows, lambda r: f"{r.rate:.3f}{outside(r, r.rate)} (±{r.width / 2:.3f})")}

Share of intervals of a difference that hold the true one; share of p below 0.05 where arms do not differ:

{table(rows, lambda r: f"{r.difference:.3f}{outside(r, r.difference)}, {r.false_positives:.3f}")}
"""


if __name__ == "__main__":
    cells = [(name, grid) for name in WORLDS for grid in product(SEEDS, QUESTIONS, ANSWERS)]
    run(__doc__, cells, simulate, document, PLACE, repeats=1000)
