"""How often chance alone gives a small p-value: of a few finetunes against a few, or against one base.

    python benchmarks/small_p.py [--repeats 20000] [--seed 0] [--json | --write docs/estimates.md]

Two arms that differ in nothing but luck are compared again and again, and it is counted how often p falls
below 5, 1, 0.5 and 0.1 %: by Student's distribution with Satterthwaite's degrees of freedom alone, and with
the tail of `Uncertainty.p_above`. Corrections for many comparisons rest on such small levels: Holm's over ten
claims begins at 0.5 %. Answers are drawn as in `coverage.py`. Takes five minutes on one core.
"""

import math
import re
from dataclasses import dataclass
from itertools import product

import numpy as np
from coverage import WORLDS, World, arm, sigmoid
from simulation import run

from inoc_evals.analysis.contrasts import contrast
from inoc_evals.analysis.variance import Answers, Uncertainty

LEVELS = (0.05, 0.01, 0.005, 0.001)
FINETUNES = ((3, 3), (3, 1), (5, 5))
QUESTIONS, ANSWERS = 50, 4
NAMES = ("nothing", "a little", "seeds", "both")
PLACE = re.compile(r"(<!-- begin small p -->\n).*(<!-- end small p -->)", re.DOTALL)


@dataclass(frozen=True)
class Row:
    """What one comparison gave.

    Attributes:
        world: How its answers scatter, a key of `coverage.WORLDS`.
        finetunes: Of the two arms; 1 is a base, whose finetunes cannot vary.
        student: By level, the share of p below it, by Satterthwaite's degrees of freedom alone.
        used: The same of the p-values that the suite gives.
        smallest: The smallest p of Satterthwaite's degrees of freedom alone.
        smallest_used: The smallest that the suite gives.
    """

    world: str
    finetunes: tuple[int, int]
    student: dict[str, float]
    used: dict[str, float]
    smallest: float
    smallest_used: float


def shares(dice: np.random.Generator, world: World, of_question: np.ndarray, seeds: int) -> Answers:
    """The answers of one arm, averaged over each question and finetune; a base is an ordinary finetune."""
    still = World(world.question, 0.0, world.between, world.centre) if seeds == 1 else world
    chance = sigmoid(arm(dice, still, of_question, seeds))
    places = np.indices(chance.shape).reshape(2, -1)
    return Answers(dice.binomial(ANSWERS, chance).ravel() / ANSWERS, places[1], places[0])


def simulate(dice: np.random.Generator, name: str, finetunes: tuple[int, int], repeats: int) -> Row:
    """Compare arms that differ in nothing but luck."""
    both = []
    for _ in range(repeats):
        of_question = dice.normal(0, WORLDS[name].question, QUESTIONS)
        found = contrast(*(shares(dice, WORLDS[name], of_question, seeds) for seeds in finetunes))
        alone = Uncertainty(found["error"] ** 2, found["dof"])
        both.append((2 * alone.p_above(abs(found["difference"]) / found["error"]), found["p"]))
    student, used = np.array(both).T
    return Row(
        name,
        finetunes,
        *({f"{level:g}": float((p < level).mean()) for level in LEVELS} for p in (student, used)),
        smallest=float(student.min()),
        smallest_used=float(used.min()),
    )


def document(rows: list[Row], repeats: int, seed: int) -> str:
    """The table, as docs have it."""
    levels = [f"{level:g}" for level in LEVELS]
    head = "".join(f" p < {level} |" for level in levels)
    lines = [
        f"    python benchmarks/small_p.py --repeats {repeats} --seed {seed} --write docs/estimates.md",
        "",
        f"{repeats} comparisons of two arms that do not differ, {QUESTIONS} questions, {ANSWERS} answers "
        "each; in each cell the share of Student's p alone and, in bold, of the p that is used:",
        "",
        f"| what varies | finetunes |{head} smallest of all |",
        "|---|---|" + "---|" * (len(levels) + 1),
    ]
    for row in rows:
        cells = " | ".join(f"{row.student[key]:.4f} **{row.used[key]:.4f}**" for key in levels)
        against = f"{row.finetunes[0]} against {'a base' if row.finetunes[1] == 1 else row.finetunes[1]}"
        exponent = "".join(f" {value:.0e}" for value in (row.smallest,)).strip()
        lines.append(f"| {row.world} | {against} | {cells} | {exponent} **{row.smallest_used:.0e}** |")
    error = math.sqrt(LEVELS[-1] * (1 - LEVELS[-1]) / repeats)
    return "\n".join([*lines, "", f"A share of {LEVELS[-1]:g} has a standard error of {error:.4f}.", ""])


if __name__ == "__main__":
    cells = product(NAMES, FINETUNES)
    run(__doc__, cells, simulate, document, PLACE, repeats=20_000)
