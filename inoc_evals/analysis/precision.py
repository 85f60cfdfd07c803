"""How many questions, answers and finetunes a rate needs: the width of its interval for any number of them.

    found = precision(load("logs/pilot"), "misaligned")     # a row per arm and design
    found[["planned", "answers", "seeds", "half_width", "low", "high"]]
    figure(found, order, "How wide an interval to expect")

A rate varies by the luck of questions, of finetunes, of what is special to both, and of single answers.
Answers that exist say how large each is (`components`), as in a two-way analysis of variance with random
effects. The interval of other numbers follows: questions divide the first by their number, finetunes the
second, and repeating a question divides only the last. So `half_width` is half the width that
`estimates.rates` would give. It is itself an estimate: its own interval comes of drawing the questions again
(`resampling.py`). How much finetunes vary is taken from the few that there are, and has no share in that
interval; `caution` says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.estimates import (
    FEW_QUESTIONS,
    FEW_SEEDS,
    HIGHEST,
    in_nats,
    is_rating,
    wilson_half_width,
)
from inoc_evals.analysis.observed import RATE, labels, split, titled
from inoc_evals.analysis.resampling import Means, Part, Statistic, resampled, statistic
from inoc_evals.errors import UserError, require
from inoc_evals.plurals import many

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

QUESTIONS, ANSWERS, SEEDS = (8, 24, 50, 100, 200), (1, 10), (1, 3, 5)
"""The designs that are compared by default."""

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Components:
    """How much a rate varies, and by what; variances of 0/1 values, or of points squared for ratings.

    Attributes:
        rate: The mean, over questions.
        question: Variance between questions.
        seed: Variance between finetunes; NaN where there is one.
        both: Variance of what is special to a question and a finetune; with one finetune it is in `question`.
        answer: Variance between answers of one finetune to one question; NaN where each has one answer, which
            leaves it in `both`.
        questions: Questions that they rest on: those that every finetune answered.
        seeds: Finetunes; 0 for a model that was not finetuned.
        highest: The highest value, 1 of shares and 100 of ratings, whose intervals are of log-odds; None of
            values without bounds.
        question_raw: Like `question`, and under 0 where questions vary less than chance would have it.
        seed_raw: Like `seed`, likewise.
        means: What the draws of questions are made of.
        answers: Answers of one finetune to one question: their harmonic mean.
    """

    rate: float
    question: float
    seed: float
    both: float
    answer: float
    questions: int
    seeds: int
    highest: int | None
    question_raw: float
    seed_raw: float
    means: Means
    answers: float

    @property
    def caution(self) -> str:
        """Why the widths may be off; empty if nothing is wrong."""
        few = [many(self.seeds, "seed")] if 0 < self.seeds < FEW_SEEDS else []
        few += [many(self.questions, "question")] if self.questions < FEW_QUESTIONS else []
        return ", ".join(few)


def precision(
    table: "pd.DataFrame",
    trait: str = "misaligned",
    questions: Sequence[int] = QUESTIONS,
    answers: Sequence[int] = ANSWERS,
    seeds: Sequence[int] = SEEDS,
) -> "pd.DataFrame":
    """The width of the interval of every arm's rate, for several numbers of questions, answers and finetunes.

    Args:
        table: What `table.load` returns.
        trait: The trait.
        questions: Numbers of questions, each at least 2.
        answers: Numbers of answers that one finetune gives to one question.
        seeds: Numbers of finetunes.

    Returns:
        A row for every combination of `observed.RATE` and of the numbers: `planned` (questions), `answers`,
        `seeds`, `total` (answers of the arm in all), `half_width` with its interval `low` and `high`, the
        `rate`, the variances `by_question`, `by_seed`, `by_both` and `by_answer`, `label`, `why` (why there
        is no width; empty if there is one) and `caution`. Among `observed.RATE`, `questions` is the question
        set.

    Raises:
        UserError: If no answer has the trait or a number is too small.
    """
    require("analysis", "numpy", "pandas", "scipy")
    import pandas as pd

    of_trait = table[(table["trait"] == trait).to_numpy()].dropna(subset=["value"])
    if of_trait.empty:
        others = sorted({str(name) for name in table["trait"].unique()})
        raise UserError(f"no answer was scored for {trait!r}: use one of {', '.join(others)}")
    if min(questions) < 2 or min(answers) < 1 or min(seeds) < 1:
        raise UserError("a design has at least 2 questions, 1 answer to each and 1 finetune")
    rows = []
    for observed, cell in split(of_trait, RATE):
        parts, no_parts = _components(cell)
        for count, each, finetunes in product(questions, answers, seeds):
            design = {
                "planned": count,
                "answers": each,
                "seeds": finetunes,
                "total": count * each * finetunes,
            }
            if parts is None:
                rate = float(cell["value"].mean())
                rows.append({**observed, "rate": rate, **design, **_NO_WIDTH, "why": no_parts, "caution": ""})
                continue
            width, why = half_width(parts, count, each, finetunes)
            rows.append(
                {
                    **observed,
                    **{"rate": parts.rate, **design, "half_width": width.value},
                    **{"low": width.low, "high": width.high, "why": why, "caution": parts.caution},
                    **{"by_question": parts.question, "by_seed": parts.seed},
                    **{"by_both": parts.both, "by_answer": parts.answer},
                }
            )
    found = pd.DataFrame(rows)
    found["label"] = labels(found)
    return found


_NO_WIDTH = dict.fromkeys(
    ("half_width", "low", "high", "by_question", "by_seed", "by_both", "by_answer"), float("nan")
)


def _components(scored: "pd.DataFrame") -> tuple[Components | None, str]:
    """The components, or why there are none: one arm with few answers keeps no other from its widths."""
    try:
        return components(scored), ""
    except UserError as error:
        return None, str(error)


def components(scored: "pd.DataFrame") -> Components:
    """Estimate how much questions, finetunes and answers vary.

    Args:
        scored: Rows of one arm and trait, all with a value (columns `question`, `seed`, `value`).

    Returns:
        The variances, none under 0.

    Raises:
        UserError: If fewer than two questions were answered by every finetune.
    """
    import numpy as np
    import pandas as pd

    finetunes = int(scored["seed"].nunique())
    by = [scored["question"].astype(object), scored["seed"].fillna(-1.0)]
    cells: Any = scored["value"].astype(float).groupby(by).agg(["count", "mean", "var"]).unstack()
    whole = cells[cells["count"].notna().to_numpy().all(axis=1)]  # several columns of each name
    if len(whole) < 2:
        raise UserError(
            "fewer than two questions were answered by every finetune: ask more, or fewer at a time"
        )
    counts, means = whole["count"].to_numpy(dtype=float), whole["mean"].to_numpy(dtype=float)
    seeds = means.shape[1]
    of_question = means.mean(axis=1)
    spread = means - of_question[:, None] - means.mean(axis=0)[None, :] + means.mean()
    repeated = bool((counts > 1).all(axis=1).mean() >= 0.5)
    # pandas gives no mean, and numpy a warning, of a question that no finetune answered twice
    within = whole["var"].where(counts > 1).mean(axis=1).to_numpy(dtype=float) if repeated else None
    parts = {
        "mean": of_question,
        "square": of_question**2,
        "both": (spread**2).sum(axis=1) / max(seeds - 1, 1),
        **({} if within is None else {"answer": within}),
    }
    drawn = resampled(
        {
            ("arm", name): pd.DataFrame({"question": whole.index, "seed": float("nan"), "value": values})
            for name, values in parts.items()
        },
        shares=False,  # sums of squares, not rates
    )
    each = float(counts.size / (1 / counts).sum())
    once = {part: np.array([mean]) for part, mean in drawn.observed.items()}
    variances = {name: float(value[0]) for name, value in _variances(once, len(whole), seeds, each).items()}
    of_seed = means.mean(axis=0)
    seed = float("nan")
    if seeds > 1:  # what finetunes share out beyond the luck of their questions and answers
        left = variances["both"] + (0.0 if within is None else variances["answer"] / each)
        seed = float(of_seed.var(ddof=1)) - left / len(whole)
    values = scored["value"]
    share = bool(values.min() >= 0 and values.max() <= 1) and not in_nats(scored)
    return Components(
        rate=float(of_question.mean()),
        question=max(0.0, variances["question"]),
        seed=max(0.0, seed) if seed == seed else seed,
        both=max(0.0, variances["both"]),
        answer=variances.get("answer", float("nan")),
        questions=len(whole),
        seeds=finetunes,
        highest=HIGHEST if is_rating(scored) else 1 if share else None,
        question_raw=variances["question"],
        seed_raw=seed,
        means=drawn,
        answers=each,
    )


def half_width(
    parts: Components, questions: int, answers: int, seeds: int, confidence: float = CONFIDENCE
) -> tuple[Statistic, str]:
    """Half the width of the interval of a rate, for a number of questions, answers and finetunes.

    Args:
        parts: What `components` returns.
        questions: Number of questions.
        answers: Answers that one finetune gives to one question.
        seeds: Number of finetunes.
        confidence: Nominal coverage of the interval whose width is predicted.

    Returns:
        The half width with an interval of its own, and why it is undefined; empty if it is not.
    """
    import numpy as np

    why = ""
    if seeds > 1 and parts.seed != parts.seed:
        why = "one model: how much finetunes vary is not known"
    elif parts.answer != parts.answer and answers != 1:
        why = "one answer to a question: how much answers to one question vary is not known"
    elif parts.highest is not None and parts.rate in (0.0, parts.highest):
        why = f"all answers are alike ({parts.rate:.0f}): nothing varies that a width could follow from"
    nothing = float("nan")
    if why:
        return Statistic(nothing, nothing, nothing, np.array([]), parts.caution), why
    found = statistic(parts.means, _width(parts, questions, answers, seeds, confidence))
    if found.value == found.value:  # draws of a rare trait lean to one side, and may all miss the estimate
        ends = min(found.low, found.value), max(found.high, found.value)
        found = replace(found, low=ends[0], high=ends[1])
    return found, ""


def _width(
    parts: Components, questions: int, answers: int, seeds: int, confidence: float
) -> "Callable[[Mapping[Part, np.ndarray]], np.ndarray]":
    """Half the width as a function of drawn means, as `variance.uncertainty` and `estimates` make it."""
    import numpy as np
    from scipy import special, stats

    def formula(of: "Mapping[Part, np.ndarray]") -> "np.ndarray":
        drawn = _variances(of, parts.questions, max(parts.seeds, 1), parts.answers)
        rate = of["arm", "mean"]
        before, noise = (
            np.maximum(0.0, drawn["both"] + drawn.get("answer", 0.0) / each)
            for each in (parts.answers, answers)
        )
        left = noise / (questions * seeds)
        fewer = np.divide(noise, before, out=np.ones_like(noise), where=before > 0)
        question = _at_less_noise(drawn["question"], fewer * max(parts.seeds, 1) / seeds)
        by_question = np.maximum(0.0, question / questions + left)
        pieces, dofs = [by_question], [questions - 1]
        variance = by_question
        if seeds > 1:
            by_seed = _at_less_noise(parts.seed_raw, fewer * parts.questions / questions) / seeds
            pieces += [np.maximum(0.0, by_seed + left), left]
            dofs += [seeds - 1, (questions - 1) * (seeds - 1)]
            variance = by_question + by_seed
        weight = sum(piece**2 / dof for piece, dof in zip(pieces, dofs, strict=True))
        fewest = min(dofs[:2])
        dof = np.maximum(np.where(weight > 0, variance**2 / weight, fewest), fewest)
        if seeds > 1:  # neither questions nor seeds vary more than what is left: its degrees of freedom count
            least = variance < left
            variance, dof = np.where(least, left, variance), np.where(least, dofs[2], dof)
        reach = stats.t.ppf(0.5 + confidence / 2, dof) * np.sqrt(variance)
        if parts.highest is None:
            return np.asarray(reach)
        share = rate / parts.highest
        slope = parts.highest * share * (1 - share)
        with np.errstate(invalid="ignore", divide="ignore"):
            high, low = (special.expit(special.logit(share) + side * reach / slope) for side in (1, -1))
        alike = wilson_half_width(questions * seeds, confidence)
        half = np.where((share > 0) & (share < 1), (high - low) / 2, alike)
        if parts.highest == 1:  # of the next to nothing that probabilities may amount to, see `unseen_part`
            planned = np.minimum(share, 1 - share) * questions * seeds * answers
            half = half + np.maximum(0.0, 1 - planned) * np.maximum(0.0, alike - half)
        return np.asarray(parts.highest * half)

    return formula


def _at_less_noise(raw: "np.ndarray | float", share: "np.ndarray") -> "np.ndarray":
    """A variance that came out under 0 by chance, in a design that leaves another share of what chance does.

    It came out by so much under what single answers make of few questions and finetunes. Where these make
    less, it is nearer to 0: taken as it is, it would outweigh what truly varies.
    """
    import numpy as np

    return np.where(np.asarray(raw) < 0, raw * share, raw)


def _variances(
    of: "Mapping[Part, np.ndarray]", questions: int, seeds: int, answers: float
) -> "dict[str, np.ndarray]":
    """Variances from means over questions, as the expected mean squares of the analysis of variance say.

    One may come out under 0, where there is less of it than chance would have.
    """
    free = questions / (questions - 1)
    between = (of["arm", "square"] - of["arm", "mean"] ** 2) * free
    answer = of.get(("arm", "answer"))
    of_answers = 0.0 if answer is None else answer / answers
    both = of["arm", "both"] * free - of_answers if seeds > 1 else 0.0 * between
    question = between - (both + of_answers) / seeds
    return {"question": question, "both": both, **({} if answer is None else {"answer": answer})}


def least(found: "pd.DataFrame", within: float) -> "pd.DataFrame":
    """The cheapest design of every arm whose interval is narrow enough.

    Args:
        found: What `precision` returns.
        within: Largest half width.

    Returns:
        A row for every arm that has one: that with the fewest answers, of several that with the fewest
        finetunes. Where several finetunes were observed no design has only one: its interval would leave out
        how much they vary.
    """
    import pandas as pd

    of_several = found["by_seed"].isna() | (found["seeds"] > 1)
    narrow = found[of_several & (found["half_width"] <= within)]
    enough = narrow.sort_values(["total", "seeds", "planned"], kind="stable")
    firsts = [group.iloc[:1] for _, group in split(enough, RATE)]
    return pd.concat(firsts) if firsts else enough


def figure(found: "pd.DataFrame", order: Sequence[str], title: str) -> "Figure":
    """The half width against the number of questions: a panel per number of finetunes, a line per arm.

    Args:
        found: What `precision` returns.
        order: Arms in their order.
        title: Title of the figure.

    Returns:
        A matplotlib figure. The fewest answers a question are a dashed line, the most a full one, with its
        interval.

    Raises:
        UserError: If no design has a width.
    """
    require("analysis", "seaborn", "pandas")
    from inoc_evals.analysis.style import (
        arm_name,
        colours,
        empty_figure,
        heading,
        legend_beside,
        title_of,
    )

    drawn = found.dropna(subset=["half_width"])
    if drawn.empty:
        raise UserError("no width is known: " + "; ".join(dict.fromkeys(found["why"])))
    ways = [
        (f"{name}, {many(seeds, 'finetune')}", group[(group["seeds"] == seeds).to_numpy()])
        for name, group in titled(drawn)
        for seeds in sorted(set(group["seeds"]))
    ]
    figure, panels = empty_figure(3.0 * len(ways) + 1.9, 3.0, len(ways), share=True)
    colour = colours(order)
    for axes, (name, group) in zip(panels, ways, strict=True):
        repeats = sorted(set(group["answers"]))
        for arm in [arm for arm in order if (group["arm"] == arm).any()]:
            for answers in dict.fromkeys((repeats[0], repeats[-1])):
                chosen = (group["arm"] == arm).to_numpy() & (group["answers"] == answers).to_numpy()
                line = group[chosen].sort_values("planned")
                if line.empty:
                    continue
                most = answers == repeats[-1]
                axes.plot(
                    *(line["planned"], line["half_width"], "o-" if most else "o--"),
                    color=colour[arm],
                    markersize=4,
                    linewidth=1.6 if most else 1.0,
                    label=f"{arm_name(arm)}, {answers} each",
                )
                if most:
                    band = (line["low"], line["high"])
                    axes.fill_between(line["planned"], *band, color=colour[arm], alpha=0.15, linewidth=0)
        ticks = sorted(set(group["planned"]))
        axes.set_xscale("log")
        axes.set_xticks(ticks, [str(count) for count in ticks], fontsize=8)
        axes.minorticks_off()
        axes.set_ylim(0, None)
        axes.set_xlabel("questions", fontsize=8)
        axes.set_title(title_of(name), fontsize=9, loc="left")
    panels[0].set_ylabel("half the width of the interval", fontsize=8)
    legend_beside(panels[-1], panels)
    heading(figure, title)
    return figure
