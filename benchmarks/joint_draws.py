"""How often intervals of a share that is drawn again jointly (`analysis/resampling.py`) hold the truth.

    python benchmarks/joint_draws.py [--repeats 400] [--seed 0] [--json | --write docs/selectivity.md]

Three arms answer the same questions: `none`, an arm that an inoculation has brought half of the way back in
log-odds, and a base, of which there is one model. Counted is how often the interval of the share that is kept
out, (none - arm) / (none - base), holds the true one, and the same of the difference none - arm. Answers are
drawn as in `coverage.py`. Takes two minutes on one core.
"""

import re
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from coverage import WORLDS, arm, draw, mean_rate
from simulation import run

from inoc_evals.analysis.resampling import resampled, statistic

DESIGNS = tuple(product((20, 50, 100), (1, 5)))
NAMES = ("nothing", "a little", "questions", "seeds")
CENTRES = {"none": 1.5, "arm": -0.5, "base": -3.0}
SEEDS, DRAWS = 3, 500
PLACE = re.compile(r"(<!-- begin joint draws -->\n).*(<!-- end joint draws -->)", re.DOTALL)


@dataclass(frozen=True)
class Row:
    """What one design gave, as shares of the experiments drawn.

    Attributes:
        world: How its answers scatter, a key of `coverage.WORLDS`.
        questions: Questions asked.
        answers: Answers a question and finetune.
        share: Those whose interval of the share holds the true one.
        width: The median width of these intervals.
        difference: Those whose interval of the difference does.
    """

    world: str
    questions: int
    answers: int
    share: float
    width: float
    difference: float


def kept_out(means: Any) -> Any:
    """The share that is kept out."""
    return difference(means) / (means["none", ""] - means["base", ""])


def difference(means: Any) -> Any:
    """What is kept out."""
    return means["none", ""] - means["arm", ""]


def simulate(dice: np.random.Generator, name: str, questions: int, answers: int, repeats: int) -> Row:
    """Draw experiments of one design and count whose intervals hold the truth."""
    worlds = {
        one: replace(WORLDS[name], centre=centre, seed=0.0 if one == "base" else WORLDS[name].seed)
        for one, centre in CENTRES.items()
    }
    true = {
        (one, ""): mean_rate(world.centre, world.question, world.seed, world.between / 2**0.5)
        for one, world in worlds.items()
    }
    held, widths = {"share": 0, "difference": 0}, []
    for number in range(repeats):
        of_question = dice.normal(0, WORLDS[name].question, questions)
        parts = {}
        for one, world in worlds.items():
            drawn = draw(dice, arm(dice, world, of_question, 1 if one == "base" else SEEDS), answers)
            columns = {"question": drawn.questions, "seed": drawn.seeds, "value": drawn.values}
            parts[one, ""] = pd.DataFrame(columns)
        means = resampled(parts, DRAWS, number)
        for key, formula in (("share", kept_out), ("difference", difference)):
            found = statistic(means, formula)
            held[key] += found.low <= formula(true) <= found.high
            if key == "share":
                widths.append(found.high - found.low)
    shares = {key: count / repeats for key, count in held.items()}
    return Row(name, questions, answers, shares["share"], float(np.median(widths)), shares["difference"])


def document(rows: list[Row], repeats: int, seed: int) -> str:
    """The table, as docs have it."""
    lines = [
        f"    python benchmarks/joint_draws.py --repeats {repeats} --seed {seed} --write docs/selectivity.md",
        "",
        f"{repeats} experiments a row, {SEEDS} finetunes an arm; a share near 0.95 has a standard error of "
        f"{(0.95 * 0.05 / repeats) ** 0.5:.3f}:",
        "",
        "| what varies | questions | answers | intervals of the share kept out that hold it | median width "
        "| of the difference |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.world} | {row.questions} | {row.answers} | {row.share:.3f} | {row.width:.2f} "
        f"| {row.difference:.3f} |"
        for row in rows
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    cells = [(name, *design) for name, design in product(NAMES, DESIGNS)]
    run(__doc__, cells, simulate, document, PLACE, repeats=400)
