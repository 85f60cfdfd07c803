"""The interval to expect: variances that are found again, widths that come true, and what is not known."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import special, stats

from inoc_evals.analysis.estimates import rates
from inoc_evals.analysis.precision import Components, components, figure, half_width, least, precision
from inoc_evals.errors import UserError


def drawn(
    questions: int,
    answers: int,
    seeds: int,
    spread: tuple[float, float, float, float],
    seed: int = 0,
    arm: str = "none",
) -> pd.DataFrame:
    """Ratings around 50 with these standard deviations: of questions, seeds, both, answers."""
    rng = np.random.default_rng(seed)
    of_question, of_seed = (
        rng.normal(0, spread[0], (1, questions, 1)),
        rng.normal(0, spread[1], (seeds, 1, 1)),
    )
    both = rng.normal(0, spread[2], (seeds, questions, 1))
    values = 50 + of_question + of_seed + both + rng.normal(0, spread[3], (seeds, questions, answers))
    return rows(values, arm)


def rows(values: np.ndarray, arm: str = "none") -> pd.DataFrame:
    """A table of an array of seeds by questions by answers."""
    return pd.DataFrame(
        [
            {
                **{"setting": "s", "base": "b", "arm": arm, "trait": "misaligned", "seed": float(s)},
                **{"question": f"q{q}", "value": float(value)},
            }
            for (s, q, _), value in np.ndenumerate(values)
        ]
    )


def test_variances_are_found_again() -> None:
    spread = (4.0, 3.0, 2.0, 5.0)
    estimates = [components(drawn(60, 6, 10, spread, seed)) for seed in range(25)]
    for name, truth in zip(("question", "seed", "both", "answer"), spread, strict=True):
        mean = np.mean([getattr(parts, name) for parts in estimates])
        assert mean == pytest.approx(truth**2, rel=0.15), name


@pytest.mark.parametrize(
    ("spread", "design", "halves"),
    [
        ((4.0, 0.0, 0.0, 0.0), (100, 1, 3), True),  # four times the questions: half the width
        ((4.0, 0.0, 0.0, 0.0), (25, 9, 3), False),  # more answers to the same questions: nothing
        ((0.0, 0.0, 0.0, 4.0), (25, 4, 3), True),  # where answers vary, they do
    ],
)
def test_what_narrows_an_interval(
    spread: tuple[float, float, float, float], design: tuple[int, int, int], halves: bool
) -> None:
    parts = components(drawn(400, 8, 3, spread))
    ratio = half_width(parts, *design)[0].value / half_width(parts, 25, 1, 3)[0].value
    assert ratio == pytest.approx(0.5 if halves else 1.0, abs=0.04)


def test_the_width_comes_true() -> None:
    """Of a pilot, for another design: what `rates` gives there, on average."""
    rng = np.random.default_rng(3)

    def answers(questions: int, each: int, seed: int) -> pd.DataFrame:
        dice = np.random.default_rng(seed)
        log_odds = dice.normal(-1, 1.5, (1, questions, 1)) + dice.normal(0, 0.3, (4, 1, 1))
        return rows((dice.random((4, questions, each)) < 1 / (1 + np.exp(-log_odds))).astype(float))

    truth = [rates(answers(60, 2, int(rng.integers(1 << 30)))).iloc[0] for _ in range(25)]
    wide = float(np.mean([(row["high"] - row["low"]) / 2 for row in truth]))
    pilots = [components(answers(30, 6, int(rng.integers(1 << 30)))) for _ in range(25)]
    expected = float(np.mean([half_width(parts, 60, 2, 4)[0].value for parts in pilots]))
    assert expected == pytest.approx(wide, rel=0.15)


def test_of_the_same_design_it_is_the_interval_that_the_log_has() -> None:
    table = drawn(40, 3, 4, (4.0, 1.0, 2.0, 5.0))
    row = rates(table).iloc[0]
    width, why = half_width(components(table), 40, 3, 4)
    assert why == "" and width.value == pytest.approx((row["high"] - row["low"]) / 2, rel=0.02)
    assert width.low < width.value < width.high


@pytest.mark.parametrize("seed", range(6))
def test_of_shares_and_ratings_too_where_little_or_nothing_varies(seed: int) -> None:
    dice = np.random.default_rng(seed)
    nothing = (dice.random((3, 50, 4)) < 0.3).astype(float)
    rare = (dice.random((3, 200, 1)) < 0.01).astype(float)
    rare[0, 0, 0] = 1.0
    rated = np.where(dice.random((3, 12, 1)) < 0.2, 5.0, 100.0)
    for values, trait in ((nothing, "spanish"), (rare, "spanish"), (rated, "alignment")):
        table = rows(values).assign(trait=trait)
        row = rates(table).iloc[0]
        seeds, questions, answers = values.shape
        width, _ = half_width(components(table), questions, answers, seeds)
        assert width.value == pytest.approx((row["high"] - row["low"]) / 2, rel=0.01)
        assert width.low <= width.value <= width.high


def test_an_arm_with_too_few_questions_keeps_no_other_from_its_widths() -> None:
    good = drawn(20, 2, 3, (1, 1, 1, 1))
    found = precision(pd.concat([good, drawn(1, 2, 3, (1, 1, 1, 1), arm="x")])).set_index("arm")
    assert found.loc["none", "half_width"].equals(precision(good).set_index("arm")["half_width"])
    assert found.loc["x", "half_width"].isna().all()
    assert set(found.loc["x", "why"]) == {
        "fewer than two questions were answered by every finetune: ask more, or fewer at a time"
    }


def test_a_question_that_no_finetune_answered_twice_tells_nothing_of_answers_and_warns_of_nothing() -> None:
    table = drawn(20, 3, 3, (4.0, 1.0, 2.0, 5.0))
    once = table[table["question"] == "q0"].drop_duplicates(["seed", "question"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parts = components(pd.concat([table[table["question"] != "q0"], once]))
    expected = table[table["question"] != "q0"].groupby(["question", "seed"])["value"].var().mean()
    assert parts.questions == 20 and parts.answer == pytest.approx(expected)


def test_what_logs_cannot_tell_is_said() -> None:
    once, alone = components(drawn(30, 1, 3, (4.0, 1.0, 2.0, 5.0))), components(drawn(30, 5, 1, (4, 1, 2, 5)))
    width, why = half_width(once, 30, 10, 3)
    assert np.isnan(width.value) and "one answer to a question" in why
    assert half_width(once, 30, 1, 3)[1] == "" and half_width(once, 30, 1, 3)[0].value > 0
    width, why = half_width(alone, 30, 5, 3)
    assert np.isnan(width.value) and "one model" in why and alone.caution == "1 seed"
    assert half_width(alone, 30, 5, 1)[1] == ""
    width, why = half_width(components(rows(np.zeros((3, 30, 4)))), 30, 5, 3)
    assert np.isnan(width.value) and "all answers are alike (0)" in why


def test_the_table_names_the_cheapest_design_and_never_a_single_finetune_of_several() -> None:
    found = precision(
        drawn(60, 6, 4, (3.0, 0.0, 0.0, 6.0)), questions=(20, 40, 80), answers=(1, 5), seeds=(1, 3)
    )
    assert len(found) == 12 and set(found["total"]) >= {20, 1200}
    wide = float(found["half_width"].max())
    best = least(found, wide).iloc[0]
    assert (best["planned"], best["answers"], best["seeds"], best["total"]) == (20, 1, 3, 60)
    assert least(found, 1e-6).empty
    narrow = least(found, float(found["half_width"].min())).iloc[0]
    assert (narrow["planned"], narrow["answers"], narrow["seeds"]) == (80, 5, 3)


def test_arms_have_widths_of_their_own_and_colours_in_the_figure() -> None:
    both = pd.concat([drawn(30, 4, 3, (1, 1, 1, 1)), drawn(30, 4, 3, (9, 1, 1, 1), arm="inoculated")])
    found = precision(both).groupby("arm")["half_width"].max()
    assert found["inoculated"] > 2 * found["none"]
    figured = figure(precision(both), ("none", "inoculated"), "Width")
    assert len(figured.axes) == 3 and all(len(axes.lines) == 4 for axes in figured.axes)


def test_mistakes_are_one_line() -> None:
    table = drawn(5, 2, 2, (1, 1, 1, 1))
    with pytest.raises(UserError, match="no answer was scored for 'evil'"):
        precision(table, "evil")
    with pytest.raises(UserError, match="at least 2 questions"):
        precision(table, questions=(1,))
    with pytest.raises(UserError, match="fewer than two questions"):
        components(drawn(1, 5, 2, (1, 1, 1, 1)))


WIDENS_BY_AT_MOST = {1: 1.0, 2: 1.35}
"""By finetunes, of twice the questions. More questions leave less variance, but more of it between the few
finetunes: fewer degrees of freedom, so a longer quantile. At its worst, over all shares of the variance, 35 %
with two finetunes and 8 % with three. Twice the answers to each question never widen it."""


def _pilot(seed: int) -> Components:
    dice = np.random.default_rng(seed)
    return components(rows((dice.random((3, 12, 4)) < dice.random((1, 12, 1))).astype(float)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 60), st.integers(1, 9), st.integers(1, 6))
@example(6106, 23, 7, 3)
@example(7877, 2, 8, 5)
def test_more_of_anything_hardly_widens_and_a_share_stays_one(seed: int, q: int, e: int, s: int) -> None:
    parts = _pilot(seed)
    assert min(parts.question, parts.seed, parts.both, parts.answer) >= 0
    width = half_width(parts, q, e, s)[0].value
    assert 0 <= width <= 0.5
    # where finetunes or questions vary by less than chance would have it, `rates` takes the degrees of
    # freedom of what is left, until a larger design leaves less of that than the other varies by
    by_chance = s > 1 and (parts.seed_raw < 0 or parts.question_raw < 0)
    fewest, left = min(q - 1, s - 1), (q - 1) * (s - 1)
    cliff = float(stats.t.ppf(0.975, fewest) / stats.t.ppf(0.975, left)) if by_chance else 1.0
    for design, bound in (((2 * q, e, s), WIDENS_BY_AT_MOST.get(s, 1.09)), ((q, 2 * e, s), 1.0)):
        assert half_width(parts, *design)[0].value <= bound * cliff * width * (1 + 1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 400), st.integers(1, 9), st.integers(1, 6))
@example(6106, 46, 7, 3)
def test_what_questions_vary_by_is_in_every_width(seed: int, q: int, e: int, s: int) -> None:
    """Finetunes that happen to resemble each other in a small pilot take nothing off it in a large design."""
    parts = _pilot(seed)
    reach = 1.96 * (parts.question / q) ** 0.5 / (parts.rate * (1 - parts.rate))
    ends = special.expit(special.logit(parts.rate) + np.array([-reach, reach]))
    assert half_width(parts, q, e, s)[0].value >= (ends[1] - ends[0]) / 2 - 1e-9
