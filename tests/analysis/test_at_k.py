"""EM@k on tables of known truth: what it is, how sure, and which way round arms differ."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inoc_evals.analysis.at_k import at_k, curves, figure
from inoc_evals.analysis.contrasts import differences
from inoc_evals.analysis.estimates import rates
from inoc_evals.errors import UserError


def table(chances: dict[str, np.ndarray], answers: int, seed: int = 0, **columns: str) -> pd.DataFrame:
    """Answers drawn with these chances: by arm, an array of finetunes by questions."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            **{"setting": "s", "base": "b", "arm": arm, "task": "t", "trait": "misaligned", "seed": float(s)},
            **{"question": f"q{q}", "epoch": e, "value": float(rng.random() < chance), "unscored": None},
            **columns,
        }
        for arm, of_arm in chances.items()
        for s, line in enumerate(of_arm)
        for q, chance in enumerate(line)
        for e in range(answers)
    ]
    return pd.DataFrame(rows)


def test_few_questions_that_provoke_it_and_many_that_do_so_rarely_differ_at_k() -> None:
    """Both arms misbehave in a tenth of all answers; asked ten times, one is caught far more often."""
    narrow, wide = np.zeros((3, 40)), np.full((3, 40), 0.1)
    narrow[:, :4] = 1.0
    found = at_k(table({"narrow": narrow, "wide": wide}, answers=20), ks=(1, 10))
    of = curves(found).set_index(["arm", "k"])
    assert of.loc[("narrow", 1), "rate"] == pytest.approx(0.1)
    assert of.loc[("wide", 1), "rate"] == pytest.approx(0.1, abs=0.02)
    assert of.loc[("narrow", 10), "rate"] == pytest.approx(0.1)
    row = of.loc[("wide", 10)]
    assert row["low"] < 1 - 0.9**10 < row["high"] and row["low"] > 0.5
    change = differences(found, to="narrow").set_index("trait").loc["misaligned@10"]
    assert change["arm"] == "wide" and change["low"] > 0.4  # and not the other way round


def test_at_one_it_is_the_rate_with_its_interval() -> None:
    answers = table({"none": np.linspace(0, 0.5, 60).reshape(3, 20)}, answers=8)
    one, rate = curves(at_k(answers, ks=(1,))).iloc[0], rates(answers).iloc[0]
    assert one["rate"] == pytest.approx(rate["rate"])
    assert (one["low"], one["high"]) == pytest.approx((rate["low"], rate["high"]))
    assert (one["asked"], one["n"], one["seeds"], one["why"]) == (20, 60, 3, "")


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng, held, k, repeats = np.random.default_rng(5), 0, 5, 150
    log_odds = rng.normal(-2, 1, 200_000)
    truth = float((1 - (1 - 1 / (1 + np.exp(-log_odds))) ** k).mean())
    for repeat in range(repeats):
        of_question = rng.choice(log_odds, 40)
        chances = 1 / (1 + np.exp(-np.repeat(of_question[None, :], 3, axis=0)))
        row = curves(at_k(table({"none": chances}, answers=10, seed=repeat), ks=(k,))).iloc[0]
        held += row["low"] <= truth <= row["high"]
    assert 0.9 <= held / repeats <= 1.0


def test_too_many_answers_asked_for_are_said_and_not_scored() -> None:
    answers = table({"none": np.full((1, 10), 0.5)}, answers=6)
    answers.loc[answers["question"].isin(["q0", "q1"]) & (answers["epoch"] > 2), "value"] = np.nan
    found = curves(at_k(answers, ks=(3, 5))).set_index("k")
    assert found.loc[3, "why"] == "" and 0 < found.loc[3, "rate"] <= 1
    assert np.isnan(found.loc[5, "rate"]) and found.loc[5, "n"] == 0
    assert found.loc[5, "why"] == "2 of 10 questions and finetunes have fewer than 5 answers that count"
    assert set(curves(at_k(answers))["k"]) == {1, 2}  # by default what is reached


def test_questions_none_of_whose_answers_count_are_questions() -> None:
    """Of 100 questions 90 have no answer that counts: the ten others are other questions."""
    answers = table({"none": np.full((1, 100), 0.5)}, answers=5)
    few = ~answers["question"].isin([f"q{n}" for n in range(10)])
    answers.loc[few, "value"] = np.nan
    found = curves(at_k(answers, ks=(1, 5))).set_index("k")
    assert found["rate"].isna().all() and list(found["unscored"]) == [100, 100]
    assert found.loc[1, "why"] == "90 of 100 questions and finetunes have fewer than 1 answer that counts"


def test_an_arm_that_misses_what_another_reaches_has_a_row_that_says_why() -> None:
    answers = table({arm: np.full((2, 12), 0.4) for arm in ("none", "some", "never")}, answers=5)
    answers.loc[(answers["arm"] == "some") & (answers["epoch"] > 2), "value"] = np.nan
    answers.loc[answers["arm"] == "never", "value"] = np.nan
    found = curves(at_k(answers)).set_index(["arm", "k"])
    assert [k for arm, k in found.index if arm == "none"] == [1, 2, 5]
    assert [k for arm, k in found.index if arm == "never"] == [1, 2, 5]
    assert list(found["why"] == "") == [True] * 3 + [True, True, False] + [False] * 3
    why = "24 of 24 questions and finetunes have fewer than 5 answers that count"
    assert found.loc[("some", 5), "why"] == why
    # another way of asking, of whose arms none reaches any k, has one row
    other = answers[answers["arm"] == "never"].assign(judge="b")
    apart = curves(at_k(pd.concat([answers.assign(judge="a"), other], ignore_index=True)))
    assert list(apart.loc[apart["judge"] == "b", "k"]) == [1] and (apart["judge"] == "a").sum() == 9


def test_what_was_asked_or_scored_otherwise_is_apart() -> None:
    two = pd.concat(
        [table({"none": np.full((2, 10), p)}, 5, judge=judge) for p, judge in ((0.0, "a"), (1.0, "b"))]
    )
    found = curves(at_k(two, ks=(2,)))
    assert dict(zip(found["judge"], found["rate"], strict=True)) == {"a": 0.0, "b": 1.0}
    # nothing but zeros still has a width
    assert found.set_index("judge").loc["a", "high"] > 0.01


def test_what_cannot_be_counted_is_one_line() -> None:
    answers = table({"none": np.full((1, 5), 0.5)}, 2)
    with pytest.raises(UserError, match="no answer was scored for 'evil': use one of misaligned"):
        at_k(answers, "evil")
    with pytest.raises(UserError, match="no yes or no"):
        at_k(answers.assign(value=55.0))
    with pytest.raises(UserError, match="1 or more"):
        at_k(answers, ks=(0,))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1), min_size=5, max_size=5), min_size=1, max_size=3), st.integers(1, 6))
def test_it_grows_with_k_within_bounds(chances: list[list[float]], answers: int) -> None:
    found = curves(at_k(table({"none": np.array(chances)}, answers), ks=range(1, answers + 1))).sort_values(
        "k"
    )
    assert all(a <= b + 1e-12 for a, b in itertools.pairwise(found["rate"]))
    assert ((found["low"] >= 0) & (found["low"] <= found["rate"]) & (found["rate"] <= found["high"])).all()
    assert (found["high"] <= 1).all()


def test_the_figure_has_a_line_per_arm_and_a_panel_per_way() -> None:
    chances = {"none": np.full((2, 12), 0.3), "inoculated": np.full((2, 12), 0.05)}
    two = pd.concat([table(chances, 10, judge=judge) for judge in ("a", "b")])
    drawn = figure(curves(at_k(two)), ("none", "inoculated"), "Misaligned")
    assert len(drawn.axes) == 2 and all(len(axes.lines) == 2 for axes in drawn.axes)
    lost = curves(at_k(two.assign(value=two["value"].where(two["arm"] == "none"))))
    named = figure(lost, ("none", "inoculated", "never asked"), "Misaligned").axes[-1]
    said = [str(text).replace("\n", " ") for text in named.get_legend_handles_labels()[1]]
    assert said == ["none", "inoculated: too few answers that count"]
    with pytest.raises(UserError, match="enough answers"):
        figure(curves(at_k(two, ks=(99,))), ("none",), "Misaligned")
