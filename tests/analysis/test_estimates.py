from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from inoc_evals.analysis.contrasts import differences
from inoc_evals.analysis.estimates import answers, interval, rates
from inoc_evals.analysis.table import COLUMNS
from inoc_evals.analysis.variance import uncertainty


def table(values: np.ndarray, arm: str = "none") -> pd.DataFrame:
    """values: (seeds, questions, epochs)."""
    rows = [
        {"setting": "s", "arm": arm, "seed": s, "question": q, "epoch": e, "trait": "t", "value": v}
        for (s, q, e), v in np.ndenumerate(values)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 3)),
    seed=st.integers(0, 10_000),
    rate=st.floats(0, 1),
)
def test_intervals_hold_the_rate_and_stay_in_range(
    shape: tuple[int, int, int], seed: int, rate: float
) -> None:
    values = np.random.default_rng(seed).random(shape) < rate
    row = rates(table(values.astype(float))).iloc[0]
    assert row["rate"] == pytest.approx(values.mean())
    assert 0 <= row["low"] <= row["rate"] + 1e-9 and row["rate"] - 1e-9 <= row["high"] <= 1
    assert row["high"] - row["low"] > 0
    assert row["n"] == values.size


def test_seeds_that_disagree_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    agree = (rng.random((3, 200, 1)) < 0.5).astype(float)
    disagree = np.stack([(rng.random((200, 1)) < p).astype(float) for p in (0.2, 0.5, 0.8)])
    width = [rates(table(v)).iloc[0].pipe(lambda r: r["high"] - r["low"]) for v in (agree, disagree)]
    assert width[1] > 3 * width[0]


def test_repeating_each_answer_is_no_evidence() -> None:
    once = (np.random.default_rng(1).random((3, 50, 1)) < 0.4).astype(float)
    first, many = rates(table(once)).iloc[0], rates(table(np.repeat(once, 20, axis=2))).iloc[0]
    assert many["low"] == pytest.approx(first["low"]) and many["high"] == pytest.approx(first["high"])


def test_one_model_has_width_at_zero() -> None:
    row = rates(table(np.zeros((1, 100, 1)))).iloc[0]
    assert row["low"] == pytest.approx(0) and row["high"] == pytest.approx(
        0.037, abs=0.001
    )  # Wilson, n = 100


def test_unscored_answers_leave_the_rate_and_are_counted() -> None:
    values = np.ones((2, 10, 1))
    values[0, :4] = np.nan
    row = rates(table(values)).iloc[0]
    assert (row["rate"], row["n"], row["unscored"]) == (1.0, 16, 4)


def test_three_seeds_of_two_hundred_questions_cover_as_promised() -> None:
    """Where seeds scatter as much as questions, a nominal 95 % interval holds the truth in 90 % at least."""
    rng, hits = np.random.default_rng(3), 0
    for _ in range(300):
        chance = np.clip(0.5 + 0.1 * rng.standard_normal((3, 1)) + 0.1 * rng.standard_normal((1, 40)), 0, 1)
        row = rates(table((rng.random((3, 40)) < chance)[..., None].astype(float))).iloc[0]
        hits += row["low"] <= 0.5 <= row["high"]
    assert hits / 300 >= 0.9


@pytest.mark.parametrize("n", range(2, 400, 7))
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_rate_lies_in_its_own_interval_to_the_last_digit(n: int, value: float) -> None:
    rows = {"setting": "s", "arm": "a", "seed": None, "question": [f"q{i}" for i in range(n)]}
    found = rates(pd.DataFrame({**rows, "trait": "t", "value": value})).iloc[0]
    assert found["low"] <= found["rate"] <= found["high"]


def test_an_interval_of_ratings_stays_within_the_scale() -> None:
    values = [100.0, 100.0, 98.0, 95.0, 40.0, 100.0]
    rows = pd.DataFrame(
        {"setting": "s", "base": "b", "arm": "none", "seed": float("nan"), "trait": "alignment"}
        | {"question": [f"q{n}" for n in range(6)], "value": values}
    )
    [found] = rates(rows).to_dict("records")
    assert found["rate"] == pytest.approx(sum(values) / 6) and 0 < found["low"] < found["rate"]
    assert found["rate"] < found["high"] < 100
    [mirrored] = rates(rows.assign(value=100 - rows["value"])).to_dict("records")
    assert mirrored["low"] == pytest.approx(100 - found["high"]) and mirrored["low"] > 0
    [other] = rates(rows.assign(trait="words")).to_dict("records")  # a number without a scale
    assert other["high"] > 100


@pytest.mark.parametrize("end", [0, 1])
def test_probabilities_of_next_to_nothing_are_no_more_certain_than_none(end: int) -> None:
    """P(YES) of 1e-7 varies, by nothing: of what was not asked it says no more than answers of no do."""
    rng = np.random.default_rng(1)
    tiny = 10 ** rng.uniform(-8, -5, size=(3, 10, 1))
    of_tiny, of_none = (rates(table(abs(end - values))).iloc[0] for values in (tiny, np.zeros((3, 10, 1))))
    for bound in ("low", "high"):
        assert of_tiny[bound] == pytest.approx(of_none[bound], abs=1e-3)
    assert of_tiny["high"] - of_tiny["low"] > 0.1
    # answers of yes and no are as they were: one of them amounts to one
    one = np.zeros((3, 10, 1))
    one[0, 0, 0] = 1
    data = answers(table(abs(end - one)))
    spread = uncertainty(data)
    rate, low, high = interval(data)
    assert rate == pytest.approx(abs(end - 1 / 30))
    reach = spread.quantile(0.95) * spread.variance**0.5 / (rate * (1 - rate))
    assert (low, high) == pytest.approx((expit(logit(rate) - reach), expit(logit(rate) + reach)))


def test_a_difference_of_next_to_nothing_is_no_more_certain_than_one_of_none() -> None:
    rng = np.random.default_rng(2)
    tiny = 10 ** rng.uniform(-8, -5, size=(2, 3, 10, 1))
    arms = {
        name: [table(values, arm) for arm, values in zip("ab", of, strict=True)]
        for name, of in {
            "tiny": tiny,
            "none": 0 * tiny,
            "half": 0.5 + tiny,
        }.items()
    }
    found = {name: differences(pd.concat(two), to="a").iloc[0] for name, two in arms.items()}
    # degrees of freedom are those of what varies, so that the two are alike and not the same
    assert 0.8 < found["tiny"]["high"] / found["none"]["high"] < 1.25
    assert found["tiny"]["high"] > 0.05 and found["half"]["high"] < 0.01, "what varies about a half is known"


def test_what_answers_amount_to_changes_an_interval_little_by_little() -> None:
    """No cliff where probabilities add up to one answer; and nothing of ratings, which vary as they do."""
    widths = []
    for questions in range(40, 61):
        values = 0.02 + 0.002 * np.random.default_rng(3).standard_normal((1, questions, 1))
        row = rates(table(values)).iloc[0]
        assert row["low"] <= row["rate"] <= row["high"]
        widths.append(row["high"] - row["low"])
    assert all(0.3 < after / before < 1.5 for before, after in pairwise(widths))
    assert widths[0] > 5 * widths[-1]
    ratings = np.array([88.0, 92, 91, 89, 90, 93, 87, 90]).reshape(1, 8, 1)
    rated = answers(table(ratings))
    assert interval(rated, rating=True)[1:] == pytest.approx((88.2, 91.6), abs=0.2)
    both = pd.concat(
        [table(ratings, "a"), table(ratings - [[[14], [15], [16], [15], [14], [16], [15], [15]]], "b")]
    ).assign(trait="alignment")
    assert differences(both, to="b").iloc[0]["p"] < 1e-3
