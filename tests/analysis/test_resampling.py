"""The joint bootstrap: intervals that hold the truth, questions that cancel out, bounds that make sense."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inoc_evals.analysis.contrasts import compare
from inoc_evals.analysis.resampling import resampled, statistic
from inoc_evals.errors import UserError


def rows(values: "np.ndarray", seeds: bool = True) -> pd.DataFrame:
    """Scored rows of a matrix of finetunes by questions."""
    return pd.DataFrame(
        [
            {"question": f"q{q}", "seed": float(s) if seeds else None, "value": float(value)}
            for s, line in enumerate(values)
            for q, value in enumerate(line)
        ]
    )


def test_intervals_of_a_mean_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        values = 0.5 + rng.normal(0, 0.1, (6, 1)) + rng.normal(0, 0.2, (1, 40)) + rng.normal(0, 0.1, (6, 40))
        means = resampled({("a", "t"): rows(values)}, resamples=400)
        found = statistic(means, lambda of: of["a", "t"])
        held += found.low <= 0.5 <= found.high
    assert 0.85 <= held / 200 <= 0.99


@pytest.mark.parametrize(
    ("questions", "answers", "spread"),
    [(20, 1, (0.0, 0.0)), (60, 2, (2.0, 0.0)), (20, 5, (1.0, 0.3)), (60, 1, (0.5, 0.8))],
)
def test_single_answers_count_once_and_intervals_of_three_seeds_hold_the_truth(
    questions: int, answers: int, spread: tuple[float, float]
) -> None:
    """Log-probs of two arms, of questions and finetunes that vary by so much, and of single answers by 1."""
    rng = np.random.default_rng(5)
    held, of_test, widths = 0, 0, []
    for _ in range(200):
        of_question = rng.normal(0, spread[0], (1, questions))
        arms = []
        for mean in (-2.0, -3.0):
            own = rng.normal(0, 0.3 * spread[0], (1, questions)) + rng.normal(0, spread[1], (3, 1))
            drawn = [mean + of_question + own + rng.normal(0, 1, (3, questions)) for _ in range(answers)]
            arms.append(pd.concat([rows(values) for values in drawn]))
        means = resampled({("a", "t"): arms[0], ("b", "t"): arms[1]}, resamples=500)
        found = statistic(means, lambda of: of["a", "t"] - of["b", "t"])
        tested = compare(arms[0].assign(arm="a"), arms[1].assign(arm="b"))
        held += found.low <= 1 <= found.high
        of_test += float(tested["low"]) <= 1 <= float(tested["high"])
        widths.append((found.high - found.low, float(tested["high"]) - float(tested["low"])))
    assert held / 200 >= 0.91 and held <= of_test + 6
    wide, usual = np.median(widths, axis=0)
    # where finetunes vary, each arm's own may be stretched by two degrees of freedom, and the test's are four
    assert 0.85 <= wide / usual <= (1.6 if spread[1] else 1.15)


def test_finetunes_with_few_scored_answers_give_no_draw_without_a_mean() -> None:
    rng = np.random.default_rng(0)
    asked = (60, 60, 10)
    answers = [rows(-2 + rng.normal(0, 0.3, (1, count))).assign(seed=s) for s, count in enumerate(asked)]
    drawn = resampled({("a", "t"): pd.concat(answers)}, shares=False).drawn["a", "t"]
    assert np.isfinite(drawn).all() and np.abs(drawn + 2).max() < 5


def test_of_one_model_and_one_question_single_answers_are_the_spread() -> None:
    rows_ = pd.DataFrame({"question": "q", "seed": float("nan"), "value": [0.0, 1.0] * 50})
    found = statistic(resampled({("base", "t"): rows_}), lambda of: of["base", "t"])
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.5 / 100**0.5, rel=0.1)


def test_what_questions_do_to_both_arms_cancels_out() -> None:
    rng = np.random.default_rng(2)
    hard = rng.normal(0, 1, (1, 30))
    first, second = rows(1 + np.repeat(hard, 3, axis=0)), rows(np.repeat(hard, 3, axis=0))
    means = resampled({("a", "t"): first, ("b", "t"): second})
    apart = statistic(means, lambda of: of["a", "t"] - of["b", "t"])
    assert (
        apart.value == pytest.approx(1) and apart.low == pytest.approx(1) and apart.high == pytest.approx(1)
    )


def test_two_traits_of_an_arm_come_from_the_same_finetunes() -> None:
    spread = np.repeat([[0.0], [1.0], [0.5]], 20, axis=1)
    means = resampled({("a", "u"): rows(spread), ("a", "d"): rows(1 - spread)})
    total = statistic(means, lambda of: of["a", "u"] + of["a", "d"])
    assert total.low == pytest.approx(1) and total.high == pytest.approx(1)


def test_of_three_seeds_that_differ_the_interval_is_students() -> None:
    values = np.repeat([[0.4], [0.5], [0.6]], 50, axis=1)
    means = resampled({("a", "t"): rows(values)}, resamples=20_000)
    found = statistic(means, lambda of: of["a", "t"])
    reach = 4.303 * np.std([0.4, 0.5, 0.6], ddof=1) / 3**0.5  # t with two degrees of freedom
    assert (found.low, found.high) == (
        pytest.approx(0.5 - reach, abs=0.04),
        pytest.approx(0.5 + reach, abs=0.04),
    )
    assert found.low < 0.4 and found.high > 0.6  # beyond the range of the seeds


def test_the_order_of_rows_changes_nothing() -> None:
    answers = rows(np.random.default_rng(4).random((3, 20)))
    found, again = (
        statistic(resampled({("a", "t"): table}), lambda of: of["a", "t"])
        for table in (answers, answers.sample(frac=1, random_state=1))
    )
    assert (found.low, found.high) == pytest.approx((again.low, again.high))


def test_answers_that_are_all_alike_have_an_interval_with_a_width() -> None:
    means = resampled({("a", "t"): rows(np.zeros((3, 30)))})
    found = statistic(means, lambda of: of["a", "t"])
    assert found.value == 0 and found.low < 0.005 and 0.005 < found.high < 0.1


def test_questions_that_were_not_asked_of_every_arm_are_a_caution() -> None:
    values = np.random.default_rng(3).random((3, 50))
    means = resampled({("a", "t"): rows(values), ("b", "t"): rows(values[:, :10])})
    assert means.caution == "40 of 50 questions without scored answers of every arm"
    assert resampled({("a", "u"): rows(values), ("a", "d"): rows(values[:, :40])}).caution == ""


def test_one_finetune_an_arm_has_a_caution_and_a_base_has_none() -> None:
    values = np.eye(1, 20) * 0.5
    assert resampled({("a", "t"): rows(values)}).caution == "1 seed"
    assert resampled({("base", "t"): rows(values, seeds=False)}).caution == ""


def test_an_undefined_number_is_nan_and_no_error() -> None:
    means = resampled({("a", "t"): rows(np.zeros((2, 5)))})
    ratio = statistic(means, lambda of: of["a", "t"] / of["a", "t"])
    assert np.isnan(ratio.value) and np.isnan(ratio.low)


def test_a_part_without_answers_is_named() -> None:
    empty = rows(np.full((1, 3), np.nan))
    with pytest.raises(UserError, match="no scored answers of none spanish"):
        resampled({("none", "spanish"): empty})


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=1, max_size=4))
def test_means_of_shares_are_shares(lists: list[list[float]]) -> None:
    values = np.array(lists)
    means = resampled({("a", "t"): rows(values)}, resamples=50)
    drawn = means.drawn["a", "t"]
    assert drawn.min() >= 0 and drawn.max() <= 1
