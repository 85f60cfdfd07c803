"""The uncertainty of means and differences, against textbook formulas and what must not change it."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.formula.api import ols

from inoc_evals.analysis.variance import Answers, Uncertainty, effects, uncertainty


def flat(values: np.ndarray) -> Answers:
    """values: (seeds, questions, answers)."""
    seeds, questions, _ = np.indices(values.shape).reshape(3, -1)
    return Answers(values.reshape(-1).astype(float), questions, seeds)


def ragged(dice: np.random.Generator, seeds: int = 3, questions: int = 12) -> Answers:
    """Answers of cells of unequal size, some of them empty."""
    values = dice.normal(0, 1, (questions, 1)) + dice.normal(0, 0.5, seeds) + np.zeros((questions, seeds))
    place = np.argwhere(dice.random((questions, seeds, 6)) < 0.6)
    own = values[place[:, 0], place[:, 1]] + dice.normal(0, 1, len(place))
    return Answers(own, np.unique(place[:, 0], return_inverse=True)[1], place[:, 1])


def mean_squares(values: np.ndarray) -> tuple[float, float, float]:
    """Of questions, of seeds and of what is left, by statsmodels' analysis of variance of cells."""
    cells = pd.DataFrame(
        [(s, q, v) for (s, q), v in np.ndenumerate(values.mean(axis=2))], columns=["s", "q", "v"]
    )
    table = sm.stats.anova_lm(ols("v ~ C(q) + C(s)", data=cells).fit())
    found = table["sum_sq"] / table["df"]
    return found["C(q)"], found["C(s)"], found["Residual"]


@pytest.mark.parametrize("dice", range(6))
@pytest.mark.parametrize(("of_question", "of_seed"), [(1.0, 1.0), (2.0, 0.0), (0.0, 2.0), (0.0, 0.0)])
def test_equal_cells_give_the_two_way_random_effects_analysis(
    dice: int, of_question: float, of_seed: float
) -> None:
    rng = np.random.default_rng(dice)
    values = (
        rng.normal(0, 1, (4, 9, 5)) + rng.normal(0, of_question, (9, 1)) + rng.normal(0, of_seed, (4, 1, 1))
    )
    questions, seeds, left = mean_squares(values)
    size, dofs = 4 * 9, (8, 3, 24)
    parts = np.array([questions, seeds, -left]) / size
    if parts.sum() < left / size:
        parts, dofs = np.array([0, 0, left]) / size, dofs
    found = uncertainty(flat(values))
    assert found.variance == pytest.approx(parts.sum())
    satterthwaite = parts.sum() ** 2 / (parts**2 / dofs).sum()
    assert found.dof == pytest.approx(max(satterthwaite, 3))


def test_one_seed_is_the_t_interval_of_question_means() -> None:
    values = np.random.default_rng(0).random((1, 20, 4))
    found = uncertainty(flat(values))
    means = values.mean(axis=(0, 2))
    assert found.variance**0.5 == pytest.approx(stats.sem(means)) and found.dof == 19


def test_one_question_is_the_t_interval_of_seed_means_or_of_answers() -> None:
    values = np.random.default_rng(0).random((5, 1, 8))
    by_seed, by_answer = uncertainty(flat(values)), uncertainty(flat(values[:1]))
    assert by_seed.variance**0.5 == pytest.approx(stats.sem(values.mean(axis=(1, 2)))) and by_seed.dof == 4
    assert by_answer.variance**0.5 == pytest.approx(stats.sem(values[0, 0])) and by_answer.dof == 7


def test_one_seed_each_is_the_paired_t_test() -> None:
    dice = np.random.default_rng(1)
    of_question = dice.normal(0, 3, (1, 15, 1))
    mine, theirs = (of_question + dice.normal(0, 1, (1, 15, 1)) for _ in range(2))
    found = uncertainty(flat(mine), flat(theirs))
    paired = stats.ttest_rel(mine.ravel(), theirs.ravel())
    assert (mine.mean() - theirs.mean()) / found.variance**0.5 == pytest.approx(paired.statistic)
    assert found.dof == paired.df


def test_what_questions_add_to_both_arms_is_no_part_of_their_difference() -> None:
    dice = np.random.default_rng(2)
    mine, theirs = (dice.normal(0, 1, (3, 10, 4)) for _ in range(2))
    shift = 100 * dice.normal(0, 1, (1, 10, 1))
    plain, shifted = (
        uncertainty(flat(mine), flat(theirs)),
        uncertainty(flat(mine + shift), flat(theirs + shift)),
    )
    assert shifted.variance == pytest.approx(plain.variance) and shifted.dof == pytest.approx(plain.dof)
    assert uncertainty(flat(mine + shift)).variance > 100 * shifted.variance


def test_what_a_seed_adds_is_part_of_it() -> None:
    """Finetunes of two arms are different finetunes, though they bear the same number."""
    dice = np.random.default_rng(3)
    mine, theirs = (dice.normal(0, 1, (3, 10, 4)) for _ in range(2))
    shift = np.array([-5.0, 0.0, 5.0]).reshape(3, 1, 1)
    plain, shifted = (
        uncertainty(flat(mine), flat(theirs)),
        uncertainty(flat(mine + shift), flat(theirs + shift)),
    )
    assert shifted.variance > 20 * plain.variance and shifted.dof == pytest.approx(4, abs=0.2)


def test_unequal_cells_are_estimated_as_well_as_equal_ones() -> None:
    """On average the variance is that of the means that other experiments would have given."""
    dice = np.random.default_rng(4)
    drawn = [ragged(dice, seeds=6, questions=30) for _ in range(400)]
    true = np.var([answers.values.mean() for answers in drawn])
    assert np.mean([uncertainty(answers).variance for answers in drawn]) == pytest.approx(true, rel=0.2)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), seeds=st.integers(1, 4), questions=st.integers(1, 8))
def test_names_order_and_repetition_are_no_evidence(seed: int, seeds: int, questions: int) -> None:
    dice = np.random.default_rng(seed)
    values = dice.normal(0, 1, (seeds, questions, 3)) + dice.normal(0, 1, (seeds, questions, 1))
    first = uncertainty(flat(values))
    names = values[dice.permutation(seeds)][:, dice.permutation(questions)]
    order = dice.permutation(values.size)
    for again in (flat(names), Answers(*(part[order] for part in flat(values)))):
        assert uncertainty(again) == pytest.approx(first)
    if seeds > 1 or questions > 1:  # else the answer is what varies
        assert uncertainty(flat(np.repeat(values, 7, axis=2))) == pytest.approx(first)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.floats(0.1, 10), shift=st.floats(-10, 10))
def test_variance_is_of_the_scale_and_freedom_of_none(seed: int, factor: float, shift: float) -> None:
    answers = ragged(np.random.default_rng(seed))
    first = uncertainty(answers)
    again = uncertainty(answers._replace(values=answers.values * factor + shift))
    assert again.variance == pytest.approx(first.variance * factor**2, rel=1e-6)
    assert again.dof == pytest.approx(first.dof, rel=1e-6)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_difference_is_as_uncertain_either_way_round(seed: int) -> None:
    dice = np.random.default_rng(seed)
    mine, theirs = ragged(dice), ragged(dice, seeds=2)
    assert uncertainty(mine, theirs) == pytest.approx(uncertainty(theirs, mine))
    found = uncertainty(mine, theirs)
    assert found.variance > 0 and 1 <= found.dof < 60


def test_a_p_value_has_the_tail_that_so_few_finetunes_allow() -> None:
    few, many = Uncertainty(1.0, 713.0, 4.0), Uncertainty(1.0, 713.0)
    assert 2 * many.p_above(35) < 1e-150 and 2 * few.p_above(35) > 1e-7
    for t in (0.0, 0.7, few.quantile(0.95)):  # up to the 95 % interval, Satterthwaite's rule
        assert few.p_above(t) == many.p_above(t) and few.p_above(-t) == pytest.approx(1 - few.p_above(t))
    for confidence in (0.5, 0.9, 0.95, 0.99, 0.9999):
        assert 2 * few.p_above(few.quantile(confidence)) == pytest.approx(1 - confidence)
    assert few.quantile(0.99) > many.quantile(0.99)
    falling = [few.p_above(t / 10) for t in range(-100, 100)]
    assert falling == sorted(falling, reverse=True)


def test_chance_gives_small_p_values_no_oftener_than_it_should() -> None:
    """Of `benchmarks/small_p.py` a small part: Student's alone is far off where it counts."""
    dice = np.random.default_rng(1)
    places = np.indices((3, 20)).reshape(2, -1)
    alone, used = [], []
    for _ in range(800):
        arms = [
            Answers((dice.normal(size=(3, 20)) + dice.normal(size=(3, 1))).ravel(), places[1], places[0])
            for _ in range(2)
        ]
        spread = uncertainty(*arms)
        t = abs(arms[0].values.mean() - arms[1].values.mean()) / spread.variance**0.5
        used.append(2 * spread.p_above(t))
        alone.append(2 * Uncertainty(spread.variance, spread.dof).p_above(t))
    assert np.mean(np.array(used) < 0.05) < 0.07 and np.mean(np.array(used) < 0.005) < 0.01
    assert min(alone) < min(used) / 10


@pytest.mark.parametrize(
    ("counts", "spread"),
    [
        (
            [[1, 1, 1]] * 10 + [[1, 1, 0]] * 20 + [[1, 0, 0]] * 70,
            (0.5, 0.3),
        ),  # few answers of two seeds count
        ([[10, 1, 1]] * 30, (0.5, 0.3)),  # one seed was asked more often
        ([[40, 40, 40]] + [[1, 1, 1]] * 29, (1.0, 0.0)),  # one question was
        ([[2, 2, 2]] * 30, (0.5, 0.3)),
    ],
)
def test_intervals_hold_the_truth_however_unequal_the_numbers_of_answers(
    counts: list[list[int]], spread: tuple[float, float]
) -> None:
    dice, held, variances, means = np.random.default_rng(8), 0, [], []
    each = np.array(counts)
    question, seed = (place.ravel().repeat(each.ravel()) for place in np.indices(each.shape))
    for _ in range(500):
        of_question, of_seed = dice.normal(0, spread[0], len(each)), dice.normal(0, spread[1], 3)
        values = of_question[question] + of_seed[seed] + dice.normal(0, 1, len(question))
        found = uncertainty(Answers(values, question, seed))
        held += abs(values.mean()) <= found.quantile(0.95) * found.variance**0.5
        variances.append(found.variance)
        means.append(values.mean())
    assert held / 500 >= 0.9
    assert 0.8 <= np.mean(variances) / np.var(means) <= 1.4


def test_so_do_those_of_differences_of_arms_whose_finetunes_were_asked_unequally_often() -> None:
    dice, held, variances, found = np.random.default_rng(9), 0, [], []
    question, seed = (place.ravel().repeat([8, 1, 1] * 60) for place in np.indices((60, 3)))
    for _ in range(400):
        of_question = dice.normal(0, 0.7, 60)
        arms = [
            Answers(
                (of_question + dice.normal(0, 0.3, 60))[question]
                + dice.normal(0, 0.3, 3)[seed]
                + dice.normal(0, 1, len(question)),
                question,
                seed,
            )
            for _ in range(2)
        ]
        spread = uncertainty(*arms)
        found.append(arms[0].values.mean() - arms[1].values.mean())
        held += abs(found[-1]) <= spread.quantile(0.95) * spread.variance**0.5
        variances.append(spread.variance)
    assert held / 400 >= 0.93 and 0.8 <= np.mean(variances) / np.var(found) <= 1.4


@given(st.integers(2, 12), st.integers(2, 5), st.integers(1, 3), st.integers(0, 1000))
def test_of_equal_numbers_it_is_the_usual_variance_of_clusters(q: int, s: int, e: int, seed: int) -> None:
    values = np.random.default_rng(seed).random((q, s, e))
    moves = effects(Answers(values.ravel(), *np.indices(values.shape).reshape(3, -1)[:2]))
    of_question, of_seed = (values.mean(axis=axes) - values.mean() for axes in ((1, 2), (0, 2)))
    assert moves.questions == pytest.approx(of_question / q)
    both = values.mean(axis=2) - values.mean() - of_question[:, None] - of_seed[None, :]
    noise = (both**2).sum() / ((q - 1) * (s - 1)) / (q * s)
    drawn = (moves.seeds**2).sum() * s / (s - 1)
    assert drawn == pytest.approx(max(0.0, of_seed.var(ddof=1) / s - noise), abs=1e-12)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.integers(0, 1000))
def test_of_one_question_seeds_with_unequal_numbers_of_answers_are_clusters(
    counts: list[int], seed: int
) -> None:
    dice = np.random.default_rng(seed)
    trained = np.repeat(np.arange(len(counts)), counts)
    found = uncertainty(Answers(dice.random(len(trained)), 0 * trained, trained))
    assert found.variance > 0 and 1 - 1e-6 <= found.dof <= len(counts) - 1 + 1e-6


@given(
    st.sampled_from([1, 10, 1_000, 100_000]),
    st.integers(2, 6),
    st.integers(1, 3),
    st.booleans(),
    st.integers(0, 1000),
)
@example(100_000, 2, 1, False, 0)
@settings(max_examples=40, deadline=None)
def test_one_question_or_finetune_with_nearly_all_answers_leaves_numbers_that_make_sense(
    times: int, questions: int, seeds: int, of_seed: bool, seed: int
) -> None:
    dice = np.random.default_rng(seed)
    counts = np.ones((questions, seeds), dtype=int)
    counts[(slice(None), 0) if of_seed else 0] *= times
    question, trained = (place.ravel().repeat(counts.ravel()) for place in np.indices(counts.shape))
    arms = [Answers(dice.random(counts.sum()), question, trained) for _ in range(2)]
    for found in (uncertainty(arms[0]), uncertainty(*arms)):
        assert np.isfinite(found.variance) and found.variance > 0
        assert min(found.dof, found.fewest) >= 1
        assert np.isfinite(found.quantile(0.95)) and 0 < found.p_above(2.0) < 0.5
