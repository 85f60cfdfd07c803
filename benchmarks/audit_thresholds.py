"""From how many answers and questions on a verdict can be trusted: the thresholds of `inoc-evals audit`.

    python benchmarks/audit_thresholds.py [--repeats 400] [--write]

Experiments are drawn as `coverage.py` draws them: answers scatter by question and by finetune. Two arms
differ by exactly `LEAST`, the edge of what a claim says, so that each verdict that they differ by more is
wrong; five in a hundred may be. A verdict is worthless where more than twice as many are wrong:

- `questions`: fewest questions from which on no world is beyond that, with three finetunes an arm;
- `answers`: fewest scored answers, one a question, of a single finetune that is taken as it is;
- `excluded`: largest difference of the shares excluded from two arms up to which that holds, where answers
  with the trait are excluded more often than others (`SHIFT` in log-odds) and the arms do not differ;

and it is hardly to be had below `power`: fewest questions at which a difference of `EFFECT` is mostly seen.
Takes about three minutes on one core. `--write` keeps the thresholds in
`inoc_evals/analysis/audit_thresholds.json` and the table in docs/audit.md.
"""

import argparse
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from coverage import LEVEL, SHIFT, WORLDS, World, arm, draw, mean_rate, sigmoid
from scipy import stats
from scipy.optimize import brentq

from inoc_evals.analysis.contrasts import contrast
from inoc_evals.analysis.variance import Answers
from inoc_evals.settings.claim import LEAST

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "inoc_evals" / "analysis" / "audit_thresholds.json"
PAGE = ROOT / "docs" / "audit.md"
PLACE = re.compile(r"(<!-- begin thresholds -->\n).*(<!-- end thresholds -->)", re.DOTALL)

QUESTIONS = (1, 2, 3, 4, 6, 8, 12)
WRONG = 2 * LEVEL
"""Most of the verdicts that may be wrong: twice what is promised."""

EFFECT = 0.5
"""A difference as the paper's main ones: most are larger (docs/paper.md)."""

POWER = 0.8
EXCLUDED = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
SEEDS = 3


def beyond(found: dict[str, float], least: float = LEAST) -> bool:
    """Whether the verdict is that the first arm shows the trait more often than the second, by `least`."""
    return bool(stats.t.sf((found["difference"] - least) / max(found["error"], 1e-12), found["dof"]) < LEVEL)


def shifted(world: World, by: float) -> World:
    """The world of an arm whose rate is higher by `by` than that of a world."""
    scatter = (world.question, world.seed, world.between / 2**0.5)
    goal = mean_rate(world.centre, *scatter) + by
    return replace(world, centre=brentq(lambda centre: mean_rate(centre, *scatter) - goal, -30, 30))


def found(
    dice: np.random.Generator, world: World, by: float, grid: tuple[int, int, int], repeats: int
) -> float:
    """Share of experiments with the verdict that two arms differ by more than `LEAST`, if they do by `by`."""
    seeds, questions, answers = grid
    other, count = shifted(world, by), 0
    for _ in range(repeats):
        of_question = dice.normal(0, world.question, questions)
        one, two = (draw(dice, arm(dice, what, of_question, seeds), answers) for what in (other, world))
        count += beyond(contrast(one, two))
    return count / repeats


def kept(dice: np.random.Generator, data: Answers, share: float) -> Answers:
    """Answers of which a share is excluded, of those with the trait more, by `SHIFT` in log-odds."""
    rate = float(data.values.mean())
    if 0 < rate < 1:
        centre = brentq(lambda c: rate * sigmoid(c + SHIFT) + (1 - rate) * sigmoid(c) - share, -30, 30)
        left = dice.random(len(data.values)) > sigmoid(centre + SHIFT * data.values)
    else:
        left = dice.random(len(data.values)) > share
    return Answers(data.values[left], data.questions[left], data.seeds[left])


def biased(dice: np.random.Generator, world: World, share: float, repeats: int) -> float:
    """Share of wrong verdicts if a share of one arm's answers is excluded, and the arms do not differ."""
    count = 0
    for _ in range(repeats):
        of_question = dice.normal(0, world.question, 50)
        one, two = (draw(dice, arm(dice, world, of_question, SEEDS), 4) for _ in range(2))
        count += beyond(contrast(one, kept(dice, two, share)))
    return count / repeats


def smallest(sizes: tuple[int, ...], fine: dict[int, bool]) -> int:
    """The smallest size from which on all are fine."""
    bad = [size for size in sizes if not fine[size]]
    return next(size for size in sizes if not bad or size > max(bad))


def simulate(repeats: int, seed: int) -> dict[str, object]:
    """The thresholds, and the shares that they come from, of the worst world each."""
    names = list(WORLDS)
    rates: dict[str, dict[str, float]] = {key: {} for key in ("questions", "answers", "power", "excluded")}
    for size in QUESTIONS:
        cells: dict[str, list[float]] = {"questions": [], "answers": [], "power": []}
        for number, name in enumerate(names):
            dice = np.random.default_rng([seed, size, number])
            world = WORLDS[name]
            cells["questions"].append(found(dice, world, LEAST, (SEEDS, size, 10), repeats))
            cells["answers"].append(found(dice, replace(world, seed=0.0), LEAST, (1, size, 1), repeats))
            if name != "both, rare":  # where most questions show nothing no number of this size is enough
                cells["power"].append(found(dice, world, EFFECT, (SEEDS, size, 10), repeats // 2))
        rates["questions"][str(size)] = max(cells["questions"])
        rates["answers"][str(size)] = max(cells["answers"])
        rates["power"][str(size)] = min(cells["power"])
    for share in EXCLUDED:
        dice = np.random.default_rng([seed, round(1000 * share)])
        rates["excluded"][str(share)] = max(biased(dice, WORLDS[name], share, repeats // 2) for name in names)
    honest = [share for share in EXCLUDED if rates["excluded"][str(share)] <= WRONG]
    lowest_bad = min((s for s in EXCLUDED if s not in honest), default=1.0)
    thresholds = {
        "questions": smallest(QUESTIONS, {s: rates["questions"][str(s)] <= WRONG for s in QUESTIONS}),
        "answers": smallest(QUESTIONS, {s: rates["answers"][str(s)] <= WRONG for s in QUESTIONS}),
        "power": smallest(QUESTIONS, {s: rates["power"][str(s)] >= POWER for s in QUESTIONS}),
        "excluded": max((s for s in honest if s < lowest_bad), default=0.0),
    }
    return {"command": f"--repeats {repeats} --seed {seed}", **thresholds, "simulated": rates}


def document(result: dict[str, object]) -> str:
    """What the page says of it."""
    rates = result["simulated"]
    assert isinstance(rates, dict)
    size_heads = " | ".join(map(str, QUESTIONS))
    rows = {
        "questions": "wrong verdicts, 3 finetunes, 10 answers a question",
        "answers": "wrong verdicts, 1 finetune as it is, 1 answer a question",
        "power": f"differences of {EFFECT} found, 3 finetunes, 10 answers a question",
    }
    lines = [f"| questions | {size_heads} | threshold |", "|---|" + "---|" * (len(QUESTIONS) + 1)]
    for key, words in rows.items():
        lines.append(
            f"| {words} | "
            + " | ".join(f"{rates[key][str(s)]:.2f}" for s in QUESTIONS)
            + f" | {result[key]} |"
        )
    shares = " | ".join(f"{s:.2f}" for s in EXCLUDED)
    lines += [
        "",
        f"| share excluded of one arm | {shares} | threshold |",
        "|---|" + "---|" * (len(EXCLUDED) + 1),
    ]
    lines.append(
        "| wrong verdicts | "
        + " | ".join(f"{rates['excluded'][str(s)]:.2f}" for s in EXCLUDED)
        + f" | {result['excluded']} |"
    )
    return (
        f"    python benchmarks/audit_thresholds.py {result['command']} --write\n\n" + "\n".join(lines) + "\n"
    )


def main() -> None:
    """Simulate, and print the thresholds or keep them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    words = parser.parse_args()
    result = simulate(words.repeats, words.seed)
    if words.write:
        KEPT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(PLACE.sub(lambda at: f"{at[1]}{document(result)}{at[2]}", page), encoding="utf-8")
    sys.stdout.write(document(result))


if __name__ == "__main__":
    main()
