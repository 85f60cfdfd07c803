"""Which prompt will inoculate? What each does to the base before any training, and whether that told.

    elicitation(load("logs/screen"), ("spanish",))     # per prompt: rate under it less rate without one
    surprise_saved(load("logs/rows"))                  # per prompt: nats a token by which rows get likelier
    against(asked, shown, load("logs/run"), {"order": "order"}, "spanish")      # after training

The paper's explanation of inoculation: a prompt that already makes the base show a trait leaves training less
to teach. So the same questions are asked under every prompt and under none, and the same answers are shown
under every prompt and under none; every difference is paired. After training, what a prompt elicited is held
against what it kept out, by rank correlation. Prompts are few, so its interval draws prompts again, and
within each draw questions, rows and finetunes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.contrasts import compare
from inoc_evals.analysis.estimates import FEW_QUESTIONS, FEW_SEEDS, merged
from inoc_evals.analysis.observed import GROUP, labels, split
from inoc_evals.analysis.resampling import RESAMPLES, Part, Statistic, resampled, statistic
from inoc_evals.analysis.verdicts import LEVEL, Word
from inoc_evals.errors import UserError, require
from inoc_evals.plurals import many

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

NONE = "none"
"""Name of the condition without a prompt, and of the arm that is trained without one."""

ELICITATION, SURPRISE, SIDE_EFFECT = "elicitation", "surprise_saved", "side_effect"
"""The measures of a prompt."""

PER_TOKEN = "per_token"  # noqa: S105 - a trait
"""The trait of a log of log-probs (`scorers/response_logprob.py`) that is read: nats a token."""

PAIRED = tuple(part for part in GROUP if part not in ("condition", "system"))
"""What must agree for a question under a prompt to be compared with the question without one."""

SETTING = ("setting", "world")
"""What must agree for a name of an arm to stand for one prompt."""

ALIKE = ("base", "trait", "scorer", "judge", "preset")
"""What must agree for a prompt's elicitation to be held against what training under it kept out."""

CLAIMS = {
    ELICITATION: "the more a prompt elicits from the base, the more of it training under it keeps out",
    SURPRISE: "the likelier a prompt makes the training rows, the more of the trait it keeps out",
}
"""The claims, written before any run of ours. Of the first others report R² above .9 over fixed prompts."""

FEW_PROMPTS = 20
"""A correlation over fewer prompts is said to rest on few."""

SMALLEST_P = 0.001
"""A smaller p-value is said to be smaller."""

LEAST_PROMPTS = 3
"""Over fewer, a rank correlation can only be -1 or 1."""

NAMES = {
    ELICITATION: "elicitation (rate under the prompt less rate without)",
    SURPRISE: "surprise saved on the training rows (nats a token)",
    SIDE_EFFECT: "change on neutral rows (nats a token)",
    "suppression": "suppression (rate of the arm none less rate of the arm)",
}
"""What figures call the measures."""


def elicitation(
    table: "pd.DataFrame", traits: Sequence[str] | None = None, none: str = NONE, confidence: float = 0.95
) -> "pd.DataFrame":
    """How much more often the base shows a trait under a prompt than without one, paired by question.

    Args:
        table: Answers of a model that was asked under every prompt; `condition` names the prompt.
        traits: Which traits; all by default.
        none: Name of the condition without a prompt.
        confidence: Nominal coverage of the intervals.

    Returns:
        A row for every prompt and trait: `prompt`, `text`, `measure`, `trait` (with what tells it from
        others of the same name, e.g. a judge), `value` (a difference of rates) with `low` and `high`,
        `under` and `without` (the two rates), `n` (scored answers of both) and `caution`. Without a scored
        answer of either side the value is NaN, and `caution` says so.
    """
    require("analysis", "numpy", "pandas", "scipy")
    chosen = table if traits is None else table[table["trait"].isin(traits)]

    def measured(cell: "pd.DataFrame", reference: "pd.DataFrame") -> dict[str, Any]:
        found = compare(cell, reference, confidence)
        return {"value": found["difference"], **{key: found[key] for key in ("low", "high", "n", "caution")}}

    return _by_prompt(chosen, ELICITATION, none, measured)


def surprise_saved(
    table: "pd.DataFrame", none: str = NONE, measure: str = SURPRISE, resamples: int = RESAMPLES
) -> "pd.DataFrame":
    """How much likelier given answers get under a prompt, in nats a token, paired by row.

    Args:
        table: Log-probs of rows that were shown under every prompt (the trait `PER_TOKEN`).
        none: Name of the condition without a prompt.
        measure: What the numbers are called: `SURPRISE` of training rows, `SIDE_EFFECT` of neutral ones.
        resamples: Draws of rows for the interval.

    Returns:
        As `elicitation`: `value` is the mean over rows of log P(answer | prompt, question) less
        log P(answer | question), each per token. Rows that lack a log-prob under any prompt that has some
        are left out under all, and `caution` says how many.
    """
    require("analysis", "numpy", "pandas")
    shown = table[table["trait"] == PER_TOKEN]
    whole, left_out = _complete(shown)

    def measured(cell: "pd.DataFrame", reference: "pd.DataFrame") -> dict[str, Any]:
        means = resampled({(NONE, 1): cell, (NONE, 0): reference}, resamples, shares=False)
        found = statistic(means, lambda of: of[NONE, 1] - of[NONE, 0])
        reasons = [many(means.questions, "row")] * (means.questions < FEW_QUESTIONS)
        reasons += [f"{many(left_out, 'row')} left out: no log-prob under every prompt"] * bool(left_out)
        return {
            **{"value": found.value, "low": found.low, "high": found.high},
            **{"n": means.questions, "caution": ", ".join(reasons)},
        }

    return _by_prompt(whole, measure, none, measured)


def gains(table: "pd.DataFrame", none: str = NONE, resamples: int = RESAMPLES) -> dict[str, Statistic]:
    """By prompt, how much more a model shows under it than without, with joint draws of questions.

    Args:
        table: Rows of one trait, asked and scored alike (`elicitation`) or shown (`surprise_saved`).
        none: Name of the condition without a prompt.
        resamples: Number of draws.

    Returns:
        The prompts that have scored answers; none where there are none without a prompt.
    """
    scored = table.dropna(subset=["value"])
    parts: dict[Part, pd.DataFrame] = {
        (NONE, str(name)): rows for name, rows in scored.groupby("condition", observed=True)
    }
    if (NONE, none) not in parts:
        return {}
    means = resampled(parts, resamples)
    return {
        str(name): statistic(means, _less((NONE, name), (NONE, none))) for _, name in parts if name != none
    }


def suppressions(
    table: "pd.DataFrame", arms: Sequence[str], none: str = NONE, resamples: int = RESAMPLES
) -> dict[str, Statistic]:
    """By arm, how much less of a trait a model trained under its prompt shows than one trained without.

    Args:
        table: Answers of one trait, asked and scored alike, without a test-time prompt.
        arms: The arms.
        none: The arm that is trained without a prompt.
        resamples: Number of draws of questions (the same for all arms) and finetunes (of each arm).

    Returns:
        Those of the arms that have scored answers; none without any of the arm `none`.
    """
    scored = table.dropna(subset=["value"])
    parts: dict[Part, pd.DataFrame] = {
        (str(arm), "rate"): rows
        for arm, rows in scored.groupby("arm", observed=True)
        if arm == none or arm in arms
    }
    if (none, "rate") not in parts:
        return {}
    means = resampled(parts, resamples)
    return {arm: statistic(means, _less((none, "rate"), (arm, "rate"))) for arm, _ in parts if arm != none}


def spearman(
    left: Sequence[float],
    right: Sequence[float],
    drawn: "tuple[np.ndarray, np.ndarray] | None" = None,
    resamples: int = 9999,
) -> Statistic:
    """Spearman's rank correlation with its 95 % interval, by drawing the pairs again.

    Args:
        left: A number for each thing, e.g. what each prompt elicits.
        right: Another number for each.
        drawn: Both, as measured again: two arrays of shape `(draws, things)`, e.g. from `Statistic.drawn`.
            Each draw of pairs then takes the next of these, so that the interval covers how uncertain the
            numbers are, too. It is rather too wide than too narrow: the numbers hold their error already.
        resamples: Number of draws.

    Returns:
        The correlation; NaN where fewer than three pairs, or numbers all alike, have none.
    """
    return _correlation(left, right, drawn, resamples, ranked=True)


def explained(
    left: Sequence[float],
    right: Sequence[float],
    drawn: "tuple[np.ndarray, np.ndarray] | None" = None,
    resamples: int = 9999,
) -> Statistic:
    """The share of variance that a straight line explains (R²), with its interval; arguments of `spearman`.

    It knows no sign: a line that falls explains as much as one that rises.
    """
    from dataclasses import replace

    import numpy as np

    pearson = _correlation(left, right, drawn, resamples, ranked=False)
    squared = pearson.drawn**2
    finite = squared[np.isfinite(squared)]
    low, high = np.quantile(finite, [0.025, 0.975]) if len(finite) else (float("nan"),) * 2
    return replace(pearson, value=pearson.value**2, low=float(low), high=float(high), drawn=squared)


@dataclass(frozen=True)
class SignTest:
    """Whether a rank correlation is above or below 0: how often shuffled pairs reach it.

    Attributes:
        above: p-value against a correlation of 0 or less.
        below: p-value against a correlation of 0 or more.
        needed: The smallest correlation of so many pairs for which `above` is under `LEVEL`; NaN if none is.

    Up to eight pairs, every order of them is looked at: a p-value is then the share of all orders that reach
    the correlation, and the observed one is among them. Of more, `PAIRINGS` orders are drawn, and the
    observed one is added to them.
    """

    above: float
    below: float
    needed: float


PAIRINGS = 40_320
"""Orders of the pairs that the test of the sign looks at: all of eight, so that up to eight it is exact."""


def sign_test(left: Sequence[float], right: Sequence[float]) -> SignTest:
    """Test the sign of Spearman's correlation by permutation, exact up to eight pairs.

    Args:
        left: A number for each thing.
        right: Another number for each.
    """
    from math import factorial

    import numpy as np
    from scipy.stats import permutation_test, rankdata

    nan = float("nan")
    if _undefined(left, right):
        return SignTest(nan, nan, nan)
    second = rankdata(right)

    def rho(ranks: "np.ndarray", axis: int = -1) -> "np.ndarray":
        return _pearson(ranks, np.broadcast_to(second, ranks.shape))

    found = permutation_test(
        (rankdata(left),),
        rho,
        permutation_type="pairings",
        n_resamples=PAIRINGS,
        vectorized=True,
        rng=np.random.default_rng(0),
        alternative="greater",
    )
    null = np.asarray(found.null_distribution)
    value = float(found.statistic)
    # of all orders the observed one is one already; drawn ones are completed by it, so that p is never 0
    observed = 0 if factorial(len(second)) <= PAIRINGS else 1

    def share(reach: "np.ndarray") -> float:
        return float((np.sum(reach) + observed) / (len(null) + observed))

    # shuffles that reach a value exactly count, however they were rounded
    above, below = share(null >= value - 1e-9), share(null <= value + 1e-9)
    reaching = [v for v in np.unique(null.round(9)) if share(null >= v - 1e-9) < LEVEL]
    return SignTest(above, below, float(min(reaching, default=nan)))


@dataclass(frozen=True)
class Relation:
    """What prompts did before training, against what training under them kept out.

    Attributes:
        predictor: `elicitation` or `surprise_saved`.
        label: Which trait, with what tells its answers from others.
        points: A row for every prompt: `prompt`, `arm`, `before` with `before_low` and `before_high`,
            `suppression` (rate of `none` less rate of the arm) with `suppression_low` and `suppression_high`,
            `left` (rate of the arm) and `seeds`.
        rho: Spearman's correlation of `before` and `suppression`.
        r2: The share of variance that a straight line explains, which others report.
        test: The test of the correlation's sign.
        caution: What the interval does not cover, and in what the two sides were asked differently.
    """

    predictor: str
    label: str
    points: "pd.DataFrame"
    rho: Statistic
    r2: Statistic
    test: SignTest
    caution: str = ""

    @property
    def word(self) -> Word:
        """The verdict on its claim: whether the correlation is above 0, by the test of its sign."""
        if self.test.above != self.test.above:
            return "not measured"
        if self.test.above < LEVEL:
            return "supported"
        return "contradicted" if self.test.below < LEVEL else "undecided"

    @property
    def sentence(self) -> str:
        """The correlation, the verdict with the p-value that decided it, and how far it carries, in words."""
        count, name = len(self.points), self.predictor.replace("_", " ")
        if self.word == "not measured":
            return f"{self.label}: no correlation of {name} and suppression: {self.why_not}"
        few = ""
        if count < FEW_PROMPTS:
            few = f"; {count} prompts are few: " + (
                f"chance reaches +{self.test.needed:.2f} in 1 of {1 / LEVEL:.0f} cases"
                if self.test.needed == self.test.needed
                else "no correlation of so few could be told from chance"
            )
        caution = f"; caution: {self.caution}" if self.caution else ""
        p = self.test.below if self.word == "contradicted" else self.test.above
        return (
            f"{self.label}: Spearman's correlation of {name} before training and suppression after it is "
            f"{self.rho.text} over {count} prompts (R² {self.r2.text}); "
            f"that {CLAIMS[self.predictor]} is {self.word} (p {_said(p)}){few}{caution}"
        )

    @property
    def why_not(self) -> str:
        """Why there is no correlation; empty if there is one."""
        return _undefined(list(self.points["before"]), list(self.points["suppression"]))

    def as_dict(self) -> dict[str, Any]:
        """The same for programs; None where a number is undefined."""
        return {
            **{"predictor": self.predictor, "label": self.label, "prompts": len(self.points)},
            **{"rho": _numbers(self.rho), "r2": _numbers(self.r2)},
            **{"p": number(self.test.above), "p_contradicted": number(self.test.below)},
            **{"needed": number(self.test.needed), "claim": CLAIMS[self.predictor], "verdict": self.word},
            **{"why_not": self.why_not, "caution": self.caution, "sentence": self.sentence},
            "points": records(self.points),
        }


def against(
    asked: "pd.DataFrame | None",
    shown: "pd.DataFrame | None",
    trained: "pd.DataFrame",
    arms: "Mapping[str, str] | Callable[[pd.DataFrame], Mapping[str, str]]",
    trait: str,
    none: str = NONE,
    resamples: int = RESAMPLES,
) -> list[Relation]:
    """Hold what prompts did to the base against what training under them kept out.

    Args:
        asked: Answers of the base under every prompt, as `elicitation` takes them; None if it was not asked.
        shown: Log-probs of training rows, as `surprise_saved` takes them; None if they were not read.
        trained: Answers of trained models, what `table.load` returns; those under a test-time prompt or
            another condition are left out.
        arms: By prompt, the arm that was trained under it; or what says so of the answers of one setting in
            one world, where arms of one name may have been trained under different prompts.
        trait: The trait.
        none: Name of the condition without a prompt.
        resamples: Number of draws.

    Returns:
        For every way in which trained models were asked and scored, a relation for elicitation and one for
        surprise saved. Only answers of the base that was screened count, scored as the trained models were.

    Raises:
        UserError: If no such answers exist.
    """
    require("analysis", "numpy", "pandas", "scipy")
    import pandas as pd

    plain = trained[trained["trait"] == trait]
    for column in ("condition", "system", "trigger"):
        if column in plain.columns:
            plain = plain[plain[column].isna()]
    under: dict[tuple[Any, ...], Mapping[str, str]] = {}
    parts = [plain.iloc[:0]]
    for where, of_setting in split(plain, SETTING):
        mine = arms(of_setting) if callable(arms) else arms
        under[tuple(where.get(part) for part in SETTING)] = mine
        parts.append(of_setting[of_setting["arm"].astype(str).isin([NONE, *mine.values()])])
    # numbered anew: tables that were put together may number rows twice
    plain = pd.concat(parts, ignore_index=True).dropna(subset=["value"]).reset_index(drop=True)
    bases = [] if asked is None else list(split(asked[asked["trait"] == trait], PAIRED))
    screened = None if shown is None or shown.empty else str(shown["base"].iloc[0])
    group_labels = labels(plain) if len(plain) else None
    relations = []
    for observed, group in split(plain, GROUP):
        before: list[tuple[str, pd.DataFrame, str]] = [
            (ELICITATION, answers, _apart(of_base, observed))
            for of_base, answers in bases
            if all(of_base.get(part) == observed.get(part) for part in ALIKE)
        ]
        if shown is not None and observed.get("base") == screened:
            before.append((SURPRISE, _complete(shown[shown["trait"] == PER_TOKEN])[0], ""))
        mine = under[tuple(observed.get(part) for part in SETTING)]
        after = suppressions(group, list(mine.values()), resamples=resamples) if before else {}
        if not after:
            continue
        assert group_labels is not None  # of the rows that this group is a part of
        label = str(group_labels.loc[group.index[0]])
        if len({str(s) for s in plain["setting"].unique()}) > 1:
            label = f"{observed.get('setting')} {label}"
        for predictor, rows, apart in before:
            relations.append(_relation(predictor, label, rows, group, mine, after, none, resamples, apart))
    if not relations:
        raise UserError(
            f"no answers to hold the prompts against: {trait!r} of an arm {NONE!r} and of arms trained under "
            f"these prompts, of the same base and scored alike, without a test-time prompt"
        )
    return relations


def _relation(
    predictor: str,
    label: str,
    rows: "pd.DataFrame",
    group: "pd.DataFrame",
    arms: Mapping[str, str],
    after: Mapping[str, Statistic],
    none: str,
    resamples: int,
    apart: str,
) -> Relation:
    import numpy as np
    import pandas as pd

    # prompts and arms that have no point are not drawn either: they must change nothing
    drawn_under = [none, *(name for name, arm in arms.items() if arm in after)]
    before = gains(rows[rows["condition"].isin(drawn_under)], none, resamples)
    matched = [(name, arm) for name, arm in arms.items() if name in before and arm in after]
    if matched and {arm for _, arm in matched} < set(after):
        after = suppressions(group, [arm for _, arm in matched], resamples=resamples)
    reference = group[group["arm"] == NONE]
    # the intervals of every other table; draws are for the correlation alone
    table = elicitation(rows, none=none) if predictor == ELICITATION else surprise_saved(rows, none)
    numbers = {one["prompt"]: one for one in table.to_dict("records")}
    points = []
    for name, arm in matched:
        of_arm = group[group["arm"] == arm]
        difference = compare(reference, of_arm)
        points.append(
            {
                **{"prompt": name, "arm": arm, "before": numbers[name]["value"]},
                **{f"before_{end}": numbers[name][end] for end in ("low", "high")},
                "suppression": float(difference["difference"]),
                **{f"suppression_{end}": float(difference[end]) for end in ("low", "high")},
                **{"left": float(of_arm["value"].mean()), "seeds": int(of_arm["seed"].nunique())},
            }
        )
    columns = (
        *("prompt", "arm", "before", "before_low", "before_high", "suppression"),
        *("suppression_low", "suppression_high", "left", "seeds"),
    )
    both = pd.DataFrame(points, columns=list(columns))
    x, y = list(both["before"]), list(both["suppression"])
    drawn = None
    if matched:
        drawn = (
            np.stack([before[name].drawn for name, _ in matched], axis=1),
            np.stack([after[arm].drawn for _, arm in matched], axis=1),
        )
    finetunes = {arm: int(group.loc[group["arm"] == arm, "seed"].nunique()) for arm in (NONE, *after)}
    least = many(min((count for count in finetunes.values() if count), default=0), "seed")
    others = [part for part in merged(one.caution for one in after.values()).split(", ") if part != least]
    return Relation(
        predictor,
        label,
        both,
        spearman(x, y, drawn),
        explained(x, y, drawn),
        sign_test(x, y),
        ", ".join(part for part in (*_few_seeds(finetunes), *others, apart) if part),
    )


def _few_seeds(finetunes: Mapping[str, int]) -> list[str]:
    """Which arms have few finetunes, in words; none is named where all have as few."""
    reasons = []
    for count in range(1, FEW_SEEDS):
        those = [arm for arm, of_arm in finetunes.items() if of_arm == count]
        who = "an arm" if len(those) == len(finetunes) else f"of {' and '.join(those)}"
        unseen = ": how finetunes differ is not in the interval" if count == 1 else ""
        reasons += [f"{many(count, 'seed')} {who}{unseen}"] * bool(those)
    return reasons


def _apart(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """In what the base was asked otherwise than the trained models, in words."""
    parts = [
        part
        for part in ("questions", "sampling", "dtype", "variant", "parameters")
        if first.get(part) != second.get(part)
    ]
    return f"base and arms were asked with different {' and '.join(parts)}" if parts else ""


def _by_prompt(
    table: "pd.DataFrame",
    measure: str,
    none: str,
    measured: "Callable[[pd.DataFrame, pd.DataFrame], dict[str, Any]]",
) -> "pd.DataFrame":
    """A row for every prompt of every group of a table: its answers compared with those without a prompt."""
    import pandas as pd

    nan, out = float("nan"), []
    for observed, group in split(table, PAIRED):
        scored = group.dropna(subset=["value"])
        reference = scored[scored["condition"] == none]
        for name, rows in group.groupby("condition", observed=True, sort=False):
            if name == none:
                continue
            cell = scored[scored["condition"] == name]
            text = rows["system"].iloc[0] if "system" in rows.columns else None
            row = {**observed, "prompt": str(name), "text": text if isinstance(text, str) else None}
            missing = [
                where
                for where, answers in ((f"under {name}", cell), ("without a prompt", reference))
                if answers.empty
            ]
            if missing:
                why = f"no scored answer {' and '.join(missing)}"
                numbers = {"value": nan, "low": nan, "high": nan, "n": 0, "caution": why}
            else:
                numbers = measured(cell, reference)
            means = {"under": float(cell["value"].mean()), "without": float(reference["value"].mean())}
            out.append({**row, "measure": measure, **numbers, **means})
    result = pd.DataFrame(out)
    if result.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    result["trait"] = labels(result)
    return result[list(COLUMNS)]


COLUMNS = (
    *("prompt", "text", "measure", "trait", "value", "low", "high", "under", "without", "n", "caution"),
)
"""Columns of a screening's table."""


def ordered(table: "pd.DataFrame", trait: str | None) -> list[str]:
    """The prompts of a screening, the strongest first: by elicitation, or by surprise saved without a trait.

    Args:
        table: Rows of `elicitation` and `surprise_saved`, one under the other.
        trait: The trait that decides; None for surprise saved.
    """
    mine = table[table["measure"] == (SURPRISE if trait is None else ELICITATION)]
    if trait is not None:
        mine = mine[mine["trait"] == trait]
    strongest = mine.sort_values("value", ascending=False, kind="stable", na_position="last")
    return list(dict.fromkeys([*strongest["prompt"], *table["prompt"]]))


def cell(table: "pd.DataFrame", prompt: str, measure: str, trait: str | None = None) -> dict[str, Any] | None:
    """One number of a screening with its interval; None where it was not measured."""
    mine = table[(table["prompt"] == prompt) & (table["measure"] == measure)]
    if trait is not None:
        mine = mine[mine["trait"] == trait]
    return None if mine.empty else {str(key): value for key, value in mine.iloc[0].items()}


def number(value: float) -> float | None:
    """A number as JSON can hold it: None where it is undefined."""
    return None if value != value else float(value)


def records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """The rows of a table as JSON can hold them."""
    return [
        {
            str(key): None if isinstance(value, float) and value != value else value
            for key, value in row.items()
        }
        for row in table.astype(object).to_dict("records")
    ]


def _numbers(found: Statistic) -> dict[str, float | None]:
    return {key: number(getattr(found, key)) for key in ("value", "low", "high")}


def _said(p: float) -> str:
    """A p-value in a sentence; of a test by permutation none is 0."""
    return f"= {p:.3f}" if p >= SMALLEST_P else f"< {SMALLEST_P}"


def _less(first: Part, second: Part) -> "Callable[[Mapping[Part, np.ndarray]], np.ndarray]":
    return lambda of: of[first] - of[second]


def _complete(table: "pd.DataFrame") -> "tuple[pd.DataFrame, int]":
    """The rows that have a log-prob under every prompt that has any, and how many have not."""
    scored = table.dropna(subset=["value"])
    conditions = scored["condition"].nunique()
    counts = scored.groupby("question", observed=True)["condition"].nunique()
    whole = set(counts[counts == conditions].index)
    kept = table[table["question"].isin(whole)] if conditions else table
    return kept, int(table["question"].nunique() - kept["question"].nunique())


def _undefined(left: Sequence[float], right: Sequence[float]) -> str:
    """Why there is no rank correlation; empty if there is one."""
    if len(left) < LEAST_PROMPTS:
        return f"{many(len(left), 'prompt')} with both numbers, at least {LEAST_PROMPTS} are needed"
    for name, values in (("before training", left), ("after it", right)):
        if any(value != value for value in values):
            return f"a number {name} is undefined"
        if min(values) == max(values):
            return f"all prompts are alike {name}"
    return ""


def _correlation(
    left: Sequence[float],
    right: Sequence[float],
    drawn: "tuple[np.ndarray, np.ndarray] | None",
    resamples: int,
    ranked: bool,
) -> Statistic:
    import numpy as np
    from scipy.stats import rankdata

    nan = float("nan")
    if why := _undefined(left, right):
        return Statistic(nan, nan, nan, np.full(0, nan), why)

    def correlated(x: "np.ndarray", y: "np.ndarray") -> "np.ndarray":
        return _pearson(rankdata(x, axis=-1), rankdata(y, axis=-1)) if ranked else _pearson(x, y)

    x, y = np.asarray(left, dtype=float)[None], np.asarray(right, dtype=float)[None]
    chosen = np.random.default_rng(0).integers(0, x.shape[1], (resamples, x.shape[1]))
    noisy = (x, y) if drawn is None else drawn
    draws = [
        np.take_along_axis(values[np.arange(resamples) % len(values)], chosen, axis=1) for values in noisy
    ]
    again = correlated(*draws)
    finite = again[np.isfinite(again)]  # a draw of one prompt alone has no correlation
    low, high = np.quantile(finite, [0.025, 0.975]) if len(finite) else (nan, nan)
    return Statistic(float(correlated(x, y)[0]), float(low), float(high), again)


def _pearson(x: "np.ndarray", y: "np.ndarray") -> "np.ndarray":
    """Pearson's correlation along the last axis; NaN where either is constant."""
    import numpy as np

    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    scale = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(scale > 1e-12, np.clip((x * y).sum(axis=-1) / scale, -1, 1), np.nan)
