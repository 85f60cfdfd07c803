"""What prompts do before training, and whether that told: on tables whose truth is known."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from inoc_evals.analysis.log_rows import COLUMNS
from inoc_evals.analysis.screening import (
    ELICITATION,
    SIDE_EFFECT,
    SURPRISE,
    Relation,
    against,
    elicitation,
    explained,
    gains,
    ordered,
    sign_test,
    spearman,
    suppressions,
    surprise_saved,
)
from inoc_evals.analysis.screening_figures import after, before
from inoc_evals.errors import UserError

PROMPTS = ("p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7")
STRENGTHS = (0.9, 0.75, 0.6, 0.5, 0.35, 0.2, 0.1, 0.0)


def rows(values: "np.ndarray", **columns: Any) -> list[dict[str, Any]]:
    """Rows of values of the shape (seeds, questions); `seed=None` for a base."""
    base = "seed" in columns
    return [
        {"seed": float(s), "question": f"q{q}", "value": float(value), "epoch": 1, **columns}
        if not base
        else {"question": f"q{q}", "value": float(value), "epoch": 1, **columns}
        for (s, q), value in np.ndenumerate(values)
    ]


def frame(*parts: list[dict[str, Any]], **columns: Any) -> pd.DataFrame:
    common = {"setting": "s", "base": "b", "task": "t", "scorer": "x", **columns}
    return (
        pd.DataFrame([row for part in parts for row in part])
        .assign(**common)
        .reindex(columns=[*COLUMNS, "log"])
    )


def asked(rates: dict[str, float], dice: np.random.Generator, questions: int = 60) -> pd.DataFrame:
    """Answers of a base that shows `t` at these rates under each prompt, harder questions for all prompts."""
    chance = dice.random((1, questions))  # a question is as hard under every prompt
    return frame(
        *(
            rows(chance < rate, condition=name, system=None if name == "none" else name, trait="t", seed=None)
            for name, rate in rates.items()
        )
    )


def trained(
    rates: dict[str, float], dice: np.random.Generator, seeds: int = 3, questions: int = 60
) -> pd.DataFrame:
    return frame(
        *(
            rows(dice.random((seeds, questions)) < rate, arm=arm, condition=None, trait="t")
            for arm, rate in rates.items()
        )
    )


def shown(gain: dict[str, float], dice: np.random.Generator, number: int = 40) -> pd.DataFrame:
    """Log-probs a token of rows that a prompt makes likelier by `gain`; rows differ far more than that."""
    of_row = dice.normal(-3, 2, (1, number))
    return frame(
        *(
            rows(
                of_row + more + dice.normal(0, 0.05, (1, number)),
                condition=name,
                trait="per_token",
                seed=None,
            )
            for name, more in gain.items()
        )
    )


def screened(dice: np.random.Generator, follows: float = 1.0, seeds: int = 3) -> tuple[pd.DataFrame, ...]:
    """A base and trained models: what a prompt elicits is kept out (`follows` 1), or is left in (-1)."""
    base = asked({"none": 0.02, **dict(zip(PROMPTS, STRENGTHS, strict=True))}, dice)
    left = {
        name: 0.9 - 0.8 * (one if follows > 0 else 0.9 - one)
        for name, one in zip(PROMPTS, STRENGTHS, strict=True)
    }
    return base, trained({"none": 0.92, **left}, dice, seeds)


ARMS = {name: name for name in PROMPTS}


# before training


def test_elicitation_is_the_rate_under_the_prompt_less_that_without() -> None:
    found = elicitation(asked({"none": 0.1, "order": 0.8, "ban": 0.0}, np.random.default_rng(0))).set_index(
        "prompt"
    )
    assert list(found.index) == ["order", "ban"] and set(found["measure"]) == {ELICITATION}
    order, ban = found.loc["order"], found.loc["ban"]
    assert order["value"] == pytest.approx(order["under"] - order["without"]) and order["low"] > 0.5
    assert ban["value"] < 0 and ban["low"] <= ban["value"] <= ban["high"]


def test_elicitation_is_paired_by_question() -> None:
    """Every question shows the trait under the prompt and half do without: unpaired, more would be unsure."""
    chance = np.arange(40)[None] % 2
    table = frame(
        rows(chance, condition="none", trait="t", seed=None),
        rows(chance * 0 + 1, condition="order", trait="t", seed=None),
    )
    [one] = elicitation(table).to_dict("records")
    paired = stats.ttest_rel(np.ones(40), chance[0]).confidence_interval()
    assert one["value"] == 0.5 and one["low"] <= paired.low <= one["low"] + 0.05
    # the same questions do and do not under both: no difference, and as much doubt as where none ever does
    same = frame(*(rows(chance, condition=name, trait="t", seed=None) for name in ("none", "order")))
    [one] = elicitation(same).to_dict("records")
    never = frame(*(rows(chance * 0, condition=name, trait="t", seed=None) for name in ("none", "order")))
    [least] = elicitation(never).to_dict("records")
    assert one["value"] == 0 and (one["low"], one["high"]) == pytest.approx((least["low"], least["high"]))
    assert -0.1 < one["low"] < 0 < one["high"] < 0.1


def test_what_was_scored_in_two_ways_is_not_averaged() -> None:
    dice = np.random.default_rng(0)
    one, other = (
        asked({"none": 0.0, "order": rate}, dice).assign(judge=judge)
        for rate, judge in ((0.9, "a"), (0.1, "b"))
    )
    found = elicitation(pd.concat([one, other])).set_index("trait")["value"]
    assert list(found.index) == ["t (judge a)", "t (judge b)"]
    assert found["t (judge a)"] > 0.7 and found["t (judge b)"] < 0.3


def test_a_prompt_without_a_scored_answer_has_no_number_and_says_why() -> None:
    table = asked({"none": 0.1, "order": 0.8}, np.random.default_rng(0))
    table.loc[table["condition"] == "order", "value"] = math.nan
    [one] = elicitation(table).to_dict("records")
    assert math.isnan(one["value"]) and one["n"] == 0 and one["caution"] == "no scored answer under order"
    table["value"] = math.nan
    [one] = elicitation(table).to_dict("records")
    assert one["caution"] == "no scored answer under order and without a prompt"


def test_surprise_saved_is_paired_by_row_and_has_the_sign_of_likelier() -> None:
    table = shown({"none": 0.0, "order": 0.3, "ban": -0.2}, np.random.default_rng(0))
    found = surprise_saved(table).set_index("prompt")
    assert found.loc["order", "value"] == pytest.approx(0.3, abs=0.04) and found.loc["order", "low"] > 0.2
    assert found.loc["ban", "value"] == pytest.approx(-0.2, abs=0.04) and found.loc["ban", "high"] < -0.1
    # rows differ by 2 nats, the pairs by .07: an unpaired interval would be ten times as wide
    assert (found["high"] - found["low"]).max() < 0.1
    assert set(surprise_saved(table, measure=SIDE_EFFECT)["measure"]) == {SIDE_EFFECT}


def test_a_row_that_one_prompt_could_not_score_is_left_out_under_all() -> None:
    table = shown({"none": 0.0, "order": 0.3, "ban": -0.2}, np.random.default_rng(0), number=12)
    table.loc[(table["condition"] == "order") & (table["question"] == "q3"), "value"] = math.nan
    found = surprise_saved(table)
    assert set(found["n"]) == {11}
    assert set(found["caution"]) == {"1 row left out: no log-prob under every prompt"}


@given(st.lists(st.tuples(st.floats(-9, 0), st.floats(-9, 0)), min_size=2, max_size=12))
@settings(max_examples=30, deadline=None)
def test_surprise_saved_holds_its_value_and_turns_with_its_sides(pairs: list[tuple[float, float]]) -> None:
    first, second = (np.array(side)[None] for side in zip(*pairs, strict=True))
    either = [
        surprise_saved(
            frame(
                rows(without, condition="none", trait="per_token", seed=None),
                rows(under, condition="p", trait="per_token", seed=None),
            ),
            resamples=200,
        ).iloc[0]
        for under, without in ((first, second), (second, first))
    ]
    for one, (under, without) in zip(either, ((first, second), (second, first)), strict=True):
        gaps = under - without
        assert one["value"] == pytest.approx(gaps.mean(), abs=1e-9)
        assert gaps.min() - 1e-9 <= one["low"] <= one["high"] <= gaps.max() + 1e-9
    assert either[0]["value"] == pytest.approx(-either[1]["value"], abs=1e-9)


# correlations


def test_rank_correlation_has_the_sign_and_an_interval_around_it() -> None:
    found = spearman([0.0, 0.1, 0.2, 0.5, 0.9], [0.9, 0.8, 0.8, 0.3, 0.1])
    assert found.value < -0.9 and found.low <= found.value <= found.high <= 1
    found = spearman([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [3.0, 1.0, 6.0, 2.0, 5.0, 4.0])
    assert found.low < 0 < found.high and not math.isnan(found.value)


number = st.floats(-1, 1, allow_subnormal=False).map(lambda value: round(value, 3))


@given(st.lists(st.tuples(number, number), min_size=3, max_size=9))
@settings(max_examples=40, deadline=None)
def test_correlations_are_scipys_and_stay_in_their_bounds(pairs: list[tuple[float, float]]) -> None:
    left, right = (list(side) for side in zip(*pairs, strict=True))
    rho, r2 = spearman(left, right, resamples=200), explained(left, right, resamples=200)
    if len(set(left)) == 1 or len(set(right)) == 1:
        assert (
            math.isnan(rho.value) and math.isnan(r2.value) and rho.caution.startswith("all prompts are alike")
        )
        return
    assert rho.value == pytest.approx(stats.spearmanr(left, right).statistic)
    assert -1 <= rho.low <= rho.high <= 1 and 0 <= r2.low <= r2.high <= 1
    assert r2.value == pytest.approx(stats.pearsonr(left, right).statistic ** 2, abs=1e-6)
    turned = spearman(left, [-value for value in right], resamples=200)
    assert (turned.value, turned.low, turned.high) == pytest.approx((-rho.value, -rho.high, -rho.low))


def test_the_error_of_the_numbers_widens_the_interval() -> None:
    left, right = list(STRENGTHS), [0.8 * one for one in STRENGTHS]
    dice = np.random.default_rng(0)
    drawn = tuple(np.array(side) + dice.normal(0, 0.3, (4000, 8)) for side in (left, right))
    exact, unsure = spearman(left, right), spearman(left, right, (drawn[0], drawn[1]))
    assert exact.low == pytest.approx(1) and unsure.value == exact.value and unsure.low < 0.6


def test_too_few_prompts_have_no_correlation() -> None:
    assert math.isnan(spearman([0.1, 0.2], [0.2, 0.1]).value)
    assert "at least 3" in spearman([0.1, 0.2], [0.2, 0.1]).caution
    assert math.isnan(sign_test([0.1, 0.2], [0.2, 0.1]).above)


def test_the_sign_test_is_exact_for_eight_and_holds_its_level() -> None:
    order = list(range(8))
    perfect = sign_test(order, order)
    assert perfect.above == pytest.approx(1 / math.factorial(8)) and perfect.below == pytest.approx(1)
    assert perfect.needed == pytest.approx(0.643, abs=0.001)  # as in printed tables, one-sided, n = 8
    turned = sign_test(order, order[::-1])
    assert turned.below < 1e-4 and turned.above == pytest.approx(1)
    assert math.isnan(sign_test([1, 2, 3], [1, 2, 3]).needed)  # 1 of 6 orders is more than 5 %
    dice = np.random.default_rng(0)
    false = sum(sign_test(dice.random(8), dice.random(8)).above < 0.05 for _ in range(40))
    assert false <= 5


@pytest.mark.parametrize("count", [3, 4, 5, 9])
def test_both_sides_of_the_sign_test_ask_for_the_same(count: int) -> None:
    """Falling order is as rare as rising order: up to eight pairs exactly, one of all orders."""
    order = list(range(count))
    rising, falling = sign_test(order, order), sign_test(order, order[::-1])
    assert falling.below == rising.above and falling.above == rising.below == pytest.approx(1)
    if count <= 8:
        assert falling.below == pytest.approx(1 / math.factorial(count), abs=1e-12)


def test_a_perfect_fall_over_four_prompts_contradicts_with_the_p_value_of_that_verdict() -> None:
    rising, falling = [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]
    points = pd.DataFrame({"prompt": list("abcd"), "before": rising, "suppression": falling})
    numbers = spearman(rising, falling), explained(rising, falling), sign_test(rising, falling)
    found = Relation(ELICITATION, "t", points, *numbers)
    assert found.word == "contradicted" and "is contradicted (p = 0.042)" in found.sentence


def test_no_p_value_is_said_to_be_0() -> None:
    """Of eight prompts in order it is 1 in 40320."""
    order = [n / 10 for n in range(8)]
    points = pd.DataFrame({"prompt": list("abcdefgh"), "before": order, "suppression": order})
    found = Relation(
        ELICITATION, "t", points, spearman(order, order), explained(order, order), sign_test(order, order)
    )
    assert "is supported (p < 0.001)" in found.sentence


# after training


def test_what_elicits_and_is_kept_out_supports_the_claim_and_the_reverse_contradicts_it() -> None:
    base, arms = screened(np.random.default_rng(0), seeds=6)
    [found] = against(base, None, arms, ARMS, "t", resamples=500)
    assert found.predictor == ELICITATION and found.rho.value > 0.9 and found.rho.low > 0.5
    assert found.r2.value > 0.9 and found.word == "supported" and found.caution == ""
    first = found.points.set_index("prompt").loc["p0"]
    assert first["suppression"] == pytest.approx(0.92 - 0.18, abs=0.1) and first["left"] < 0.35
    same = elicitation(base).set_index("prompt")  # the number and interval that the table shows
    assert list(first[["before", "before_low", "before_high"]]) == list(
        same.loc["p0", ["value", "low", "high"]]
    )
    assert "8 prompts are few: chance reaches +0.64 in 1 of 20 cases" in found.sentence

    base, arms = screened(np.random.default_rng(0), follows=-1)
    [found] = against(base, None, arms, ARMS, "t", resamples=500)
    assert found.rho.value < -0.9 and found.word == "contradicted"


def test_prompts_that_do_not_tell_leave_the_claim_undecided() -> None:
    dice, words = np.random.default_rng(0), []
    for _ in range(8):
        base = asked({"none": 0.02, **dict(zip(PROMPTS, STRENGTHS, strict=True))}, dice)
        left = dict(zip(PROMPTS, dice.permutation(STRENGTHS), strict=True))
        [found] = against(base, None, trained({"none": 0.92, **left}, dice), ARMS, "t", resamples=100)
        words.append(found.word)
    assert words.count("undecided") >= 6


def test_surprise_saved_is_held_against_suppression_too() -> None:
    dice = np.random.default_rng(0)
    base, arms = screened(dice)
    likelier = shown({"none": 0.0, **dict(zip(PROMPTS, STRENGTHS, strict=True))}, dice)
    found = against(base, likelier, arms, ARMS, "t", resamples=300)
    assert [one.predictor for one in found] == [ELICITATION, SURPRISE]
    assert found[1].rho.value > 0.9 and found[1].as_dict()["verdict"] == "supported"
    assert len(found[1].as_dict()["points"]) == 8


def test_one_finetune_an_arm_is_said() -> None:
    base, arms = screened(np.random.default_rng(0), seeds=1)
    [found] = against(base, None, arms, ARMS, "t", resamples=100)
    assert "1 seed an arm: how finetunes differ is not in the interval" in found.sentence


def test_arms_with_few_finetunes_are_named_where_others_have_more() -> None:
    base, arms = screened(np.random.default_rng(0), seeds=3)
    few = arms["arm"].isin(["none", ARMS["p1"]]) & (arms["seed"] > 0)
    [found] = against(base, None, arms[~few], ARMS, "t", resamples=100)
    assert found.caution == f"1 seed of none and {ARMS['p1']}: how finetunes differ is not in the interval"
    [found] = against(base, None, arms[arms["seed"] < 2], ARMS, "t", resamples=100)
    assert found.caution == "2 seeds an arm"


def test_an_arm_whose_prompt_was_not_screened_changes_nothing() -> None:
    base, arms = screened(np.random.default_rng(0), seeds=3)
    without = base[base["condition"] != "p7"]
    [found] = against(without, None, arms[arms["arm"] != ARMS["p7"]], ARMS, "t", resamples=100)
    few = (arms["arm"] != ARMS["p7"]) | (arms["seed"] < 1)
    other = arms[few].assign(
        question=[
            f"other-{q}" if arm == ARMS["p7"] else q
            for q, arm in zip(arms[few]["question"], arms[few]["arm"], strict=True)
        ]
    )
    [beside] = against(without, None, other, ARMS, "t", resamples=100)
    assert beside.sentence == found.sentence and beside.as_dict() == found.as_dict()


def test_another_base_or_judge_or_a_test_time_prompt_does_not_count() -> None:
    base, arms = screened(np.random.default_rng(0))
    for other in (
        arms.assign(base="c"),
        arms.assign(judge="j"),
        arms.assign(condition='under "x"', system="x"),
        arms[arms["arm"] != "none"],
        arms.assign(trait="u"),
    ):
        with pytest.raises(UserError, match="no answers to hold the prompts against"):
            against(base, None, other, ARMS, "t", resamples=50)


def test_trained_models_asked_in_two_ways_are_two_relations_and_what_differs_is_said() -> None:
    base, arms = screened(np.random.default_rng(0))
    both = pd.concat([arms.assign(questions="one"), arms.assign(questions="two")])
    found = against(base.assign(questions="one"), None, both, ARMS, "t", resamples=50)
    assert [one.label for one in found] == ["t (questions one)", "t (questions two)"]
    assert [one.caution for one in found] == ["", "base and arms were asked with different questions"]


def test_two_prompts_alone_are_no_correlation_and_say_so() -> None:
    base, arms = screened(np.random.default_rng(0))
    [found] = against(base, None, arms, {"p0": "p0", "p7": "p7"}, "t", resamples=50)
    assert found.word == "not measured" and math.isnan(found.rho.value)
    assert "2 prompts with both numbers, at least 3 are needed" in found.sentence
    assert found.as_dict()["rho"] == {"value": None, "low": None, "high": None}


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_gains_and_suppressions_stay_in_their_bounds_and_keep_pairs(seed: int) -> None:
    dice = np.random.default_rng(seed)
    base = asked({"none": dice.random(), "p": dice.random()}, dice, questions=15)
    for found in gains(base, resamples=100).values():
        assert -1 <= found.low <= found.high <= 1
    same = base.assign(value=base.groupby("question")["value"].transform("first"))
    alike = same["value"].nunique() == 1
    for found in gains(same, resamples=100).values():  # alike question by question: drawn alike
        assert found.value == 0
        if alike:  # nothing varies that could be drawn, so that Wilson's interval stands for it
            assert found.low < 0 < found.high
        else:
            assert (found.low, found.high) == (0, 0)
    arms = trained({"none": dice.random(), "p": dice.random()}, dice, questions=15)
    found = suppressions(arms, ["p"], resamples=100)["p"]
    means = arms.groupby("arm")["value"].mean()
    assert found.value == pytest.approx(means["none"] - means["p"]) and -1 <= found.low <= found.high <= 1


# order and figures


def test_the_strongest_prompt_comes_first_and_an_unmeasured_one_last() -> None:
    dice = np.random.default_rng(0)
    table = asked({"none": 0.1, "weak": 0.3, "strong": 0.9, "unread": 0.5}, dice)
    table.loc[table["condition"] == "unread", "value"] = math.nan
    likelier = surprise_saved(shown({"none": 0.0, "weak": 0.5, "strong": 0.1}, dice))
    both = pd.concat([elicitation(table), likelier], ignore_index=True)
    assert ordered(both, "t") == ["strong", "weak", "unread"]
    assert ordered(both, None) == ["weak", "strong", "unread"]


def test_figures_have_a_point_a_prompt_and_refuse_what_cannot_be_drawn() -> None:
    dice = np.random.default_rng(0)
    base, arms = screened(dice)
    likelier = shown({"none": 0.0, **dict(zip(PROMPTS, STRENGTHS, strict=True))}, dice)
    table = pd.concat([elicitation(base), surprise_saved(likelier)], ignore_index=True)
    figure = before(table, "t", "Title")
    assert {text.get_text() for text in figure.axes[0].get_legend().get_texts()} == set(PROMPTS)
    found: list[Relation] = against(base, likelier, arms, ARMS, "t", resamples=50)
    assert len(after(found, "Title").axes) == 2
    fewer = against(base, None, arms, {"p0": "p0", "p4": "p4", "p7": "p7"}, "t", resamples=50)
    legend = after([*found, *fewer], "Title").axes[-1].get_legend()
    assert {text.get_text() for text in legend.get_texts()} == set(PROMPTS)  # of all panels
    with pytest.raises(UserError, match="two measures"):
        before(elicitation(base), "t", "Title")
    with pytest.raises(UserError, match="nothing to draw"):
        after([], "Title")
