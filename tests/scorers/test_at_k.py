"""EM@k: that it is what drawing `k` answers gives, that it grows with `k`, and what too large a `k` gives."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.scorers.metrics import at_k, chance_at_k, reachable
from tests.scorers.test_metrics import found, scores


@pytest.mark.parametrize("answers", range(1, 7))
def test_it_is_the_share_of_subsets_that_hold_one(answers: int) -> None:
    for shown in range(answers + 1):
        values = [1] * shown + [0] * (answers - shown)
        for k in range(1, answers + 1):
            subsets = list(itertools.combinations(values, k))
            share = sum(any(subset) for subset in subsets) / len(subsets)
            assert chance_at_k(shown, answers, k) == pytest.approx(share, abs=1e-15)


@given(st.integers(1, 300), st.data())
def test_at_one_it_is_the_rate_and_it_grows_with_k_and_with_the_trait(
    answers: int, data: st.DataObject
) -> None:
    shown = data.draw(st.integers(0, answers))
    chances = [chance_at_k(shown, answers, k) for k in range(1, answers + 1)]
    assert chances[0] == shown / answers
    assert all(0 <= low <= high <= 1 for low, high in itertools.pairwise([0.0, *chances]))
    assert chances[-1] == float(shown > 0)  # of all answers one shows it, or none does
    if shown < answers:
        assert all(chance_at_k(shown + 1, answers, k) >= chances[k - 1] for k in range(1, answers + 1))


def test_no_digit_is_lost_of_many_answers() -> None:
    assert chance_at_k(1, 10_000, 3) == 3 / 10_000
    assert chance_at_k(5_000, 10_000, 5_000) == pytest.approx(1.0)
    assert chance_at_k(1, 100_000, 50_000) == 0.5


def test_its_mean_over_draws_of_n_answers_is_that_of_k_new_ones() -> None:
    """Unbiased: over all 2^n outcomes it is 1 - (1 - p)^k, whatever n."""
    p, n, k = 0.3, 9, 4
    mean = sum(math.comb(n, m) * p**m * (1 - p) ** (n - m) * chance_at_k(m, n, k) for m in range(n + 1))
    assert mean == pytest.approx(1 - (1 - p) ** k)


def test_too_few_answers_have_no_chance_and_nonsense_is_refused() -> None:
    assert math.isnan(chance_at_k(1, 3, 4))
    for shown, answers, k in ((1, 3, 0), (4, 3, 1), (-1, 3, 1)):
        with pytest.raises(ValueError, match="k = "):
            chance_at_k(shown, answers, k)


def test_a_k_that_too_few_questions_reach_is_left_out() -> None:
    assert reachable([10] * 20, (1, 5, 10, 20)) == [1, 5, 10]
    assert reachable([10] * 19 + [4], (1, 5, 10)) == [1, 5, 10]  # 95 % do
    assert reachable([10] * 18 + [4] * 2, (1, 5, 10)) == [1]
    # a question none of whose answers count has fewer than any k
    assert reachable([10, 0], (10,)) == [] == reachable([10] * 18 + [0] * 2, (1,))
    assert reachable([10] * 19 + [0], (10,)) == [10] and reachable([], (1,)) == []


def test_the_metric_averages_over_questions() -> None:
    answers = scores([("a", 1.0), ("a", 0.0), ("a", math.nan), ("b", 0.0), ("b", 0.0)])
    result = found(at_k("evil", (1, 2, 5)), answers)
    assert result.keys() == {"evil@2", "evil@2_stderr", "evil@2_n"}
    assert (result["evil@2"], result["evil@2_n"]) == (0.5, 2)
    assert result["evil@2_stderr"] == pytest.approx(0.5)
    assert found(at_k("evil"), scores([("a", math.nan)])) == {}
    nearly = scores([(f"q{n}", 1.0 if n else math.nan) for n in range(20) for _ in range(2)])
    assert found(at_k("evil", (2,)), nearly)["evil@2_n"] == 19  # 5 % have none
    assert found(at_k("evil", (2,)), [*nearly, *scores([("q20", math.nan)])]) == {}
