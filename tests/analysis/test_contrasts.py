"""Differences between arms: against tests of the textbook, and what must not change them."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from inoc_evals.analysis import differences, rates
from inoc_evals.analysis.conditionalization import shares
from inoc_evals.analysis.contrasts import POWER, compare, holm
from inoc_evals.analysis.estimates import is_rating
from inoc_evals.analysis.precision import precision
from inoc_evals.analysis.resampling import resampled, statistic
from inoc_evals.analysis.verdicts import Case, judged
from inoc_evals.settings.claim import Claim, Side


def table(arms: dict[str, np.ndarray], **columns: object) -> pd.DataFrame:
    """Answers of arms, each of the shape (seeds, questions, answers)."""
    rows = [
        {"arm": arm, "seed": float(s), "question": f"q{q}", "epoch": e, "value": float(value)}
        for arm, values in arms.items()
        for (s, q, e), value in np.ndenumerate(values)
    ]
    return pd.DataFrame(rows).assign(**{"setting": "s", "base": "b", "trait": "t", **columns})


def drawn(seed: int, *rates: float, shape: tuple[int, int, int] = (3, 12, 4)) -> list[np.ndarray]:
    """Answers that show a trait at these rates, of questions that differ."""
    dice = np.random.default_rng(seed)
    of_question = dice.normal(0, 1, (1, shape[1], 1))
    chances = [1 / (1 + np.exp(-(np.log(rate / (1 - rate)) + of_question))) for rate in rates]
    return [(dice.random(shape) < chance).astype(float) for chance in chances]


def test_one_seed_and_one_answer_is_the_paired_t_test() -> None:
    mine, theirs = drawn(0, 0.7, 0.4, shape=(1, 40, 1))
    found = differences(table({"none": theirs, "x": mine})).iloc[0]
    paired = stats.ttest_rel(mine.ravel(), theirs.ravel())
    interval = paired.confidence_interval(0.95)
    assert found["p"] == pytest.approx(paired.pvalue) and found["dof"] == 39
    assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high))


def test_the_detectable_difference_is_found_with_the_power_it_names() -> None:
    mine, theirs = drawn(0, 0.5, 0.5, shape=(1, 40, 1))
    found = differences(table({"none": theirs, "x": mine})).iloc[0]
    in_deviations = found["detectable"] / (found["error"] * 40**0.5)
    assert TTestPower().power(in_deviations, nobs=40, alpha=0.05) == pytest.approx(POWER, abs=0.01)


def test_rows_name_their_cells_and_the_reference_has_none() -> None:
    mine, theirs = drawn(0, 0.7, 0.4)
    both = pd.concat(
        [
            table({"none": theirs, "x": mine, "y": theirs}, trait=trait, base=base)
            for trait in "tu"
            for base in "bc"
        ]
    )
    alone = table({"x": mine}, setting="without none")
    found = differences(pd.concat([both, alone]))
    assert len(found) == 8 and set(found["arm"]) == {"x", "y"} and set(found["to"]) == {"none"}
    assert set(found["setting"]) == {"s"}
    assert (found["n"] == mine.size * 2).all() and (found["asked"] == 12).all()
    assert set(differences(both, to="x")["arm"]) == {"none", "y"}
    assert differences(alone).empty


def test_p_values_are_corrected_within_a_setting_and_base() -> None:
    arms = dict(zip(("none", "x", "y", "z"), drawn(1, 0.5, 0.7, 0.6, 0.5), strict=True))
    found = differences(pd.concat([table(arms), table(arms, base="c"), table(arms, setting="other")]))
    for _, family in found.groupby(["setting", "base"]):
        assert list(family["p_holm"]) == pytest.approx(multipletests(family["p"], method="holm")[1])


@settings(max_examples=15, deadline=None)  # statsmodels collects all garbage each time
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_is_the_one_of_statsmodels(p: list[float]) -> None:
    index = [f"row {n}" for n in range(len(p))]
    found = holm(pd.Series(p, index=index))
    assert list(found) == pytest.approx(multipletests(p, method="holm")[1]) and list(found.index) == index


def test_every_question_answered_alike_in_both_arms_is_no_difference() -> None:
    """Not only in their rates: each question gives the same, so nothing is left to be uncertain about."""
    [values] = drawn(2, 0.5)
    found = differences(table({"none": values, "x": values})).iloc[0]
    assert found["difference"] == 0 and found["p"] == 1 and found["low"] < 0 < found["high"]


@pytest.mark.parametrize("shape", [(1, 20, 1), (3, 20, 5)])
def test_all_against_nothing_has_an_interval_inside_of_minus_one_and_one(shape: tuple[int, int, int]) -> None:
    found = differences(table({"none": np.zeros(shape), "x": np.ones(shape)})).iloc[0]
    assert found["difference"] == 1 and 0 < found["low"] < 1 and found["high"] == 1
    assert 0 < found["p"] < 1e-6 and found["error"] > 0


def test_nothing_in_both_arms_has_a_width_that_shrinks_with_questions() -> None:
    few, many = (
        differences(table({"none": np.zeros((3, n, 1)), "x": np.zeros((3, n, 1))})).iloc[0] for n in (10, 100)
    )
    assert (
        few["p"] == 1 and 0 < many["high"] < few["high"] < 0.2 and few["detectable"] > many["detectable"] > 0
    )


@pytest.mark.parametrize("ends", [(0, 100), (80, 85)])
def test_constant_ratings_of_a_few_finetunes_prove_what_a_few_can(ends: tuple[int, int]) -> None:
    """Nothing varies, so that only the number of questions and of finetunes speaks: never p = 0."""
    shape = (3, 12, 1)
    arms = {"none": np.full(shape, float(ends[0])), "x": np.full(shape, float(ends[1]))}
    rated = table(arms, trait="alignment", preset="p")
    found = differences(rated).iloc[0]
    assert found["fewest"] == 4 and found["error"] > 0
    assert 0 < found["p"] < 1e-3 if ends == (0, 100) else found["p"] > 0.2
    assert -100 <= found["low"] < ends[1] - ends[0] <= found["high"] <= 100
    # the same as shares, on a scale of 100
    shares = differences(rated.assign(value=rated["value"] / 100, trait="t")).iloc[0]
    assert found["p"] == pytest.approx(shares["p"]) and found["error"] == pytest.approx(100 * shares["error"])
    claim = Claim("x", "Higher.", Side("x", "alignment"), Side("none", "alignment"), 1, math.inf)
    [verdict] = judged([Case(claim, *(rated[rated["arm"] == arm] for arm in ("x", "none")))], "b")
    assert verdict.word == ("supported" if ends == (0, 100) else "undecided")


def test_values_without_bounds_that_do_not_vary_are_not_tested() -> None:
    rows = table({"none": np.full((3, 12, 1), -3.5), "x": np.full((3, 12, 1), -1.5)}, trait="logprob")
    found = differences(rows).iloc[0]
    assert (found["difference"], found["p"], found["error"]) == (2, 1, 0)
    assert "nothing is tested" in found["caution"]
    claim = Claim("x", "Likelier.", Side("x", "logprob"), Side("none", "logprob"), 1, math.inf)
    [verdict] = judged([Case(claim, *(rows[rows["arm"] == arm] for arm in ("x", "none")))], "b")
    assert verdict.word == "undecided" and "nothing is tested" in verdict.why


@pytest.mark.parametrize(
    ("values", "preset", "rating"),
    [
        ([0.0, 0.8, 1.0], None, False),  # somebody's judge, whose scale ends at 1
        ([0.0, 80.0, 100.0], None, True),
        ([0.0, 0.5, 1.0], "betley2025", True),  # a very low rating of ours
        ([-1.0, 80.0], "betley2025", False),
    ],
)
def test_the_scale_of_a_rating_is_told_by_its_values(
    values: list[float], preset: str | None, rating: bool
) -> None:
    assert is_rating(pd.DataFrame({"trait": "alignment", "value": values, "preset": preset})) is rating


@settings(max_examples=30, deadline=None)
@example(seed=427, shape=(3, 6, 2))  # questions and seeds vary exactly as the residual does
@given(seed=st.integers(0, 10_000), shape=st.tuples(*(st.integers(1, n) for n in (3, 8, 3))))
def test_arms_swapped_change_the_sign_and_names_change_nothing(
    seed: int, shape: tuple[int, int, int]
) -> None:
    mine, theirs = drawn(seed, 0.6, 0.4, shape=shape)
    answers = table({"none": theirs, "x": mine})
    found, other = differences(answers).iloc[0], differences(answers, to="x").iloc[0]
    assert -1 <= found["low"] <= found["difference"] <= found["high"] <= 1 and 0 <= found["p"] <= 1
    assert other["difference"] == pytest.approx(-found["difference"])
    assert (other["low"], other["high"]) == pytest.approx((-found["high"], -found["low"]))
    same = ["p", "detectable", "error", "dof"]
    assert list(other[same]) == pytest.approx(list(found[same]), nan_ok=True)
    assert other["effect"] == pytest.approx(-found["effect"])
    renamed = answers.sample(frac=1, random_state=seed).assign(
        seed=lambda t: 100 - t["seed"], question=lambda t: t["question"].map(lambda q: f"{hash(q)}")
    )
    numbers = [*same, "difference", "low", "high", "effect"]
    again = differences(renamed, to="none").iloc[0]
    assert list(again[numbers]) == pytest.approx(list(found[numbers]), nan_ok=True)


def test_questions_asked_of_one_arm_only_are_told() -> None:
    mine, theirs = drawn(3, 0.6, 0.4, shape=(3, 20, 4))
    answers = table({"none": theirs, "x": mine})
    assert differences(answers).iloc[0]["caution"] == ""
    found = differences(answers[(answers["arm"] == "x") | ~answers["question"].isin(["q1", "q2"])]).iloc[0]
    assert (
        found["asked"] == 18 and "2 of 20 questions with scored answers of one arm only" in found["caution"]
    )


@pytest.mark.parametrize(
    ("rates", "shape", "said"),
    [
        ((0.5, 0.5), (2, 20, 9), "2 seeds"),
        ((0.5, 0.5), (3, 9, 9), "9 questions"),
        ((0.5, 0.02), (3, 20, 9), "too near 0 for 20 questions"),
        ((0.98, 0.5), (3, 20, 9), "too near 1 for 20 questions"),
        ((0.5, 0.5), (3, 10, 9), ""),
        ((0.5, 0.15), (3, 100, 9), ""),
    ],
)
def test_cautions_of_either_arm(rates: tuple[float, float], shape: tuple[int, int, int], said: str) -> None:
    mine, theirs = drawn(4, *rates, shape=shape)
    assert differences(table({"none": theirs, "x": mine})).iloc[0]["caution"] == said


def test_unscored_answers_are_no_part_of_a_difference() -> None:
    mine, theirs = drawn(5, 0.6, 0.4)
    whole = differences(table({"none": theirs, "x": mine})).iloc[0]
    holes = table({"none": theirs, "x": mine})
    extra = holes[holes["arm"] == "x"].assign(value=np.nan)
    found = differences(pd.concat([holes, extra])).iloc[0]
    pd.testing.assert_series_equal(found, whole)


def test_ratings_have_an_effect_in_standard_deviations_and_no_bounds() -> None:
    dice = np.random.default_rng(6)
    arms = {"none": dice.normal(50, 10, (3, 200, 2)), "x": dice.normal(70, 10, (3, 200, 2))}
    found = differences(table(arms)).iloc[0]
    assert found["effect"] == pytest.approx(2.0, abs=0.2) and 18 < found["low"] < found["high"] < 22


def conditions(up: float, down: float, seeds: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One arm under two conditions: what a finetune shows more of in the one moves the other by this."""
    dice = np.random.default_rng(7)
    of_seed = dice.normal(0, 0.2, (seeds, 1, 1))
    noise = [dice.normal(0, 0.01, (seeds, 40, 1)) for _ in range(2)]
    first, second = 0.8 + up * of_seed + noise[0], 0.2 + down * of_seed + noise[1]
    return table({"x": first}), table({"x": second})


def test_two_conditions_of_the_same_finetunes_are_compared_within_each() -> None:
    together, apart = compare(*conditions(1, 1)), compare(*conditions(1, -1))
    assert float(together["error"]) < 0.02  # the same in both, so that it cancels out
    first, second = conditions(1, -1)
    independent = compare(first, second.assign(arm="y"))
    assert float(apart["error"]) > 1.2 * float(independent["error"])  # opposite, so that it adds up
    assert float(apart["difference"]) == pytest.approx(float(independent["difference"]))


def test_other_finetunes_of_an_arm_are_independent() -> None:
    first, second = conditions(1, 1)
    other = second.assign(seed=second["seed"] + 10)
    assert compare(first, other)["error"] == compare(first, other.assign(arm="y"))["error"]


def test_a_seed_trained_at_two_doses_is_two_finetunes() -> None:
    """The number of a seed pairs nothing: another numbering of the same runs gives the same verdict."""
    first, second = conditions(1, 1)
    by_run = first.assign(run=[f"lora-{seed:g}" for seed in first["seed"]])
    other = second.assign(run=[f"full-{seed:g}" for seed in second["seed"]])
    apart = compare(by_run, other)
    assert apart["error"] == compare(first, second.assign(arm="y"))["error"]
    renumbered = compare(by_run, other.assign(seed=(other["seed"] + 1) % 3))
    assert [renumbered[key] for key in ("difference", "low", "high", "p")] == pytest.approx(
        [apart[key] for key in ("difference", "low", "high", "p")]
    )
    together = compare(by_run, second.assign(run=by_run["run"].to_numpy()))
    assert float(together["error"]) < 0.1 * float(apart["error"])


def test_answers_missing_under_one_condition_are_no_effect_of_it() -> None:
    hard = np.tile((np.arange(20) < 10)[None, :, None], (3, 1, 10)).astype(float)
    hard[:, 10:, :5] = 1.0  # the trait in 5 of 10 answers to the harder half, under both conditions
    hard[0, 12, 0] = 0.0
    under, plain = table({"x": hard}), table({"x": hard})
    lost = under["question"].isin([f"q{q}" for q in range(10, 20)]) & ~under["epoch"].isin([0, 9])
    found = compare(under[~lost], plain)
    assert abs(float(found["difference"])) < 0.02 and float(found["p"]) > 0.3


def test_a_finetune_without_one_condition_is_left_out_of_the_comparison() -> None:
    first, second = conditions(1, 1)
    found = compare(first, second[second["seed"] != 2])
    both = compare(first[first["seed"] != 2], second[second["seed"] != 2])
    assert all(found[key] == both[key] for key in ("difference", "low", "high", "p", "n"))
    assert "1 finetune with scored answers on one side only" in str(found["caution"])


@pytest.mark.parametrize("trait", ["alignment", "alignment@gpt-4o", "coherence@toy-judge"])
def test_ratings_of_single_graders_are_ratings(trait: str) -> None:
    high = np.array([100.0, 100.0, 99.0, 60.0] * 3).reshape(1, 12, 1)
    answers = table({"none": high, "x": np.full((1, 12, 1), 90.0)}, trait=trait)
    assert rates(answers)["high"].max() <= 100
    same = table({"none": np.full((1, 12, 1), 100.0), "x": np.full((1, 12, 1), 90.0)}, trait=trait)
    found = differences(same).iloc[0]
    assert found["low"] < -10 < found["high"] and found["caution"] == "1 seed"


def test_the_effect_of_ratings_that_are_all_low_is_in_standard_deviations() -> None:
    low = np.array([0.0, 1.0] * 6).reshape(1, 12, 1)
    lower = np.array([0.0, 0.0, 1.0] * 4).reshape(1, 12, 1)
    answers = table({"none": low, "x": lower}, trait="alignment", preset="paper-code")
    spread = ((low.var() + lower.var()) / 2) ** 0.5
    assert differences(answers).iloc[0]["effect"] == pytest.approx((lower.mean() - low.mean()) / spread)


def test_results_without_a_row_have_the_columns_of_others() -> None:
    none, mine, other = drawn(0, 0.7, 0.4, 0.6)
    full = table({"none": none, "spanish-inoc": mine, "irrelevant": other}, setting="spanish_caps")
    nothing = full.iloc[:0]
    assert list(differences(full)) == list(differences(full[full["arm"] != "none"]))
    assert list(differences(full)) == list(differences(nothing)) and differences(nothing).empty
    assert list(rates(full)) == list(rates(nothing)) and rates(nothing).empty
    assert list(shares(full)) == list(shares(nothing)) and len(shares(full)) == 1


@pytest.mark.parametrize("shown", [0, 1, 3, 10, 20])
@pytest.mark.parametrize("questions", [20, 30, 100])
def test_arms_that_differ_nowhere_are_no_more_certain_than_arms_that_never_show_it(
    questions: int, shown: int
) -> None:
    """Rounding once made an interval of no width of them, and a verdict without a caution."""
    alike = (np.arange(questions) < shown).astype(float)
    base = np.broadcast_to(alike[:, None], (1, questions, 1))
    three = np.broadcast_to(alike[:, None], (3, questions, 1))
    answered = table({"base": base, "x": three})
    never = table({"base": 0 * base, "x": 0 * three})
    found, least = (differences(one, to="base").iloc[0] for one in (answered, never))
    assert found["difference"] == 0 and found["error"] == pytest.approx(least["error"])
    assert found["low"] == pytest.approx(-found["high"]) and found["high"] > 0.5 / questions


def test_one_answer_more_does_not_narrow_the_interval() -> None:
    nothing = np.zeros((1, 20, 1))
    one = nothing.copy()
    one[0, 0] = 1
    both = differences(table({"none": nothing, "x": nothing})).iloc[0]
    with_one = differences(table({"none": one, "x": one[:, :19]})).iloc[0]
    assert with_one["error"] >= 0.95 * both["error"]


def test_ratings_that_differ_alike_everywhere_are_not_tested_and_vary_as_they_do() -> None:
    ratings = np.linspace(60, 90, 20).reshape(1, 20, 1)
    three = np.repeat(ratings, 3, axis=0)
    alike = differences(table({"none": three, "x": three - 7}, trait="alignment", preset="p")).iloc[0]
    assert alike["error"] == 0 and alike["p"] == 1 and "nothing is tested" in alike["caution"]
    noisy = three + np.random.default_rng(0).normal(0, 0.5, three.shape)
    varied = differences(table({"none": noisy, "x": three - 7}, trait="alignment", preset="p")).iloc[0]
    assert 0 < varied["error"] < 0.5


@pytest.mark.parametrize("trait", ["log_odds_per_token", "log_odds", "logprob", "per_token"])
@given(st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_log_probs_between_0_and_1_are_numbers_like_others(trait: str, seed: int) -> None:
    """Where all of them happen to lie between 0 and 1 nothing changes but the mean."""
    values = np.random.default_rng(seed).uniform(0.01, 0.05, (2, 3, 10))
    arms = dict(zip(("none", "arm"), values[..., None], strict=True))
    tables = [
        table({arm: of_arm - moved for arm, of_arm in arms.items()}, trait=trait) for moved in (0.0, 1.0)
    ]
    here, there = (rates(one)[["low", "high"]].to_numpy() for one in tables)
    assert here == pytest.approx(there + 1) and set(rates(tables[0])["caution"]) == {""}
    numbers = ["difference", "low", "high", "p", "effect", "detectable", "error", "dof"]
    here, there = (differences(one)[numbers].to_numpy(dtype=float) for one in tables)
    assert here == pytest.approx(there, rel=1e-6)
    here, there = (
        statistic(
            resampled({(arm, ""): one[one["arm"] == arm] for arm in arms}, resamples=200),
            lambda of: of["none", ""] - of["arm", ""],
        ).drawn
        for one in tables
    )
    assert here == pytest.approx(there)
    here, there = (
        precision(one, trait, questions=(10,), answers=(1,), seeds=(3,))["half_width"].to_numpy()
        for one in tables
    )
    assert here == pytest.approx(there)
