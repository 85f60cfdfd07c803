"""Shares of an inoculation's effect: the true share comes out, the right way round, or a word why not."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inoc_evals.analysis.conditionalization import drawn, in_words, pools, shares, undefined
from inoc_evals.analysis.contrasts import differences
from inoc_evals.analysis.estimates import rates
from inoc_evals.errors import UserError

TRUTH = {"base": 0.0, "none": 0.9, "spanish-inoc": 0.1, "irrelevant": 0.7, "close-2": 0.2, "diverse-2": 0.8}


def table(
    truth: dict[str, float], questions: int = 60, seeds: int = 3, seed: int = 0, **columns: object
) -> pd.DataFrame:
    """Answers of arms with known rates; a question is as hard for one arm as for another."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(0, 0.05, questions)
    lines = [
        {
            **{
                "setting": "spanish_caps",
                "base": "toy",
                "arm": arm,
                "seed": None if arm == "base" else float(s),
            },
            **{"task": "inoc_evals/spanish_caps", "trait": "spanish", "question": f"q{q}"},
            "value": float(rng.random() < np.clip(rate + hard[q], 0, 1)) if 0 < rate < 1 else rate,
            **columns,
        }
        for arm, rate in truth.items()
        for s in range(1 if arm == "base" else seeds)
        for q in range(questions)
    ]
    return pd.DataFrame(lines)


def share_of(found: pd.DataFrame, arm: str) -> pd.Series:
    [row] = [row for _, row in found[found["arm"] == arm].iterrows()]
    return row


def test_shares_hold_the_truth_and_are_the_right_way_round() -> None:
    held = {arm: 0 for arm in ("irrelevant", "close-2", "diverse-2")}
    for seed in range(20):
        found = shares(table(TRUTH, questions=60, seed=seed))
        assert list(found["arm"]) == ["irrelevant", "close-2", "diverse-2"] and set(found["of"]) == {
            "spanish-inoc"
        }
        for arm in held:
            true = (TRUTH["none"] - TRUTH[arm]) / (TRUTH["none"] - TRUTH["spanish-inoc"])
            row = share_of(found, arm)
            assert row["low"] <= row["share"] <= row["high"] and not row["undefined"]
            held[arm] += row["low"] <= true <= row["high"]
    assert all(count >= 16 for count in held.values()), held  # 19 of 20 are expected
    big = shares(table(TRUTH, questions=2000))
    for arm, true in (("irrelevant", 0.25), ("close-2", 0.875), ("diverse-2", 0.125)):
        assert share_of(big, arm)["share"] == pytest.approx(true, abs=0.04)  # turned round: 0.75, ...
    assert share_of(big, "irrelevant")["effect"] == pytest.approx(0.8, abs=0.03)
    assert (share_of(big, "close-2")["kind"], share_of(big, "close-2")["size"]) == ("close", 2)


@pytest.mark.parametrize(("seeds", "questions"), [(1, 60), (3, 7), (2, 90)])
def test_another_control_changes_nothing_in_a_row(seeds: int, questions: int) -> None:
    """One of fewer finetunes, and of fewer or further questions."""
    answers = table({arm: TRUTH[arm] for arm in ("none", "spanish-inoc", "irrelevant")})
    other = table({"diverse-2": 0.8}, questions, seeds, seed=1)
    alone = share_of(shares(answers), "irrelevant")
    found = shares(pd.concat([answers, other], ignore_index=True))
    beside = share_of(found, "irrelevant")
    assert list(found["arm"]) == ["irrelevant", "diverse-2"] and alone["caution"] == ""
    for part in alone.index:
        assert (pd.isna(alone[part]) and pd.isna(beside[part])) or alone[part] == beside[part], part


@pytest.mark.parametrize(
    ("inoculated", "why"),
    [(0.9, "may have no effect"), (0.88, "may have no effect"), (1.0, "nothing that it keeps out")],
)
def test_without_an_effect_there_is_no_share_and_never_a_zero(inoculated: float, why: str) -> None:
    truth = {"none": 0.5 if inoculated == 1.0 else 0.9, "spanish-inoc": inoculated, "irrelevant": 0.3}
    row = share_of(shares(table(truth)), "irrelevant")
    assert math.isnan(row["share"]) and math.isnan(row["low"]) and math.isnan(row["high"])
    assert why in row["undefined"] and in_words(dict(row)).startswith("undefined: spanish-inoc")


@pytest.mark.parametrize("trait", ["alignment", "alignment@a", "insecurity"])
def test_of_ratings_the_shares_are_those_of_means_the_right_way_round(trait: str) -> None:
    """An inoculation that raises alignment keeps misalignment out; one that raises insecurity does not."""
    dice = np.random.default_rng(0)
    answers = table({"none": 0.3, "spanish-inoc": 0.9, "irrelevant": 0.4}).assign(
        trait=trait, preset="paper-code"
    )
    means = answers["arm"].map({"none": 30.0, "spanish-inoc": 90.0, "irrelevant": 40.0})
    answers["value"] = (means + dice.normal(0, 5, len(means))).clip(0, 100)
    up, down = share_of(shares(answers), "irrelevant"), answers.assign(value=100 - answers["value"])
    turned = share_of(shares(down), "irrelevant")
    good, bad = (turned, up) if trait == "insecurity" else (up, turned)
    assert good["share"] == pytest.approx(1 / 6, abs=0.05) and not good["undefined"]
    assert math.isnan(bad["share"])
    higher = "higher" if trait == "insecurity" else "lower"
    assert bad["undefined"].startswith(f"the mean of spanish-inoc is {higher} than that of none: there is")


def test_a_share_that_rounds_to_zero_has_no_sign() -> None:
    assert in_words({"undefined": "", "share": -0.001, "low": -0.2, "high": -0.0}) == "0.00 [-0.20, 0.00]"


def test_alike_to_the_last_answer_is_undefined_too() -> None:
    row = share_of(shares(table({"none": 0.0, "spanish-inoc": 0.0, "irrelevant": 0.0})), "irrelevant")
    assert math.isnan(row["share"]) and "holds 0" in row["undefined"]


@given(
    st.tuples(*[st.floats(0.0, 1.0)] * 3),
    st.integers(2, 4),
    st.integers(0, 5),
)
@settings(deadline=None, max_examples=25)
def test_the_irrelevant_prompt_and_the_inoculation_bound_each_other(
    levels: tuple[float, float, float], seeds: int, seed: int
) -> None:
    none, inoculated, irrelevant = levels
    found = shares(
        table({"none": none, "spanish-inoc": inoculated, "irrelevant": irrelevant}, 12, seeds, seed)
    )
    row = share_of(found, "irrelevant")
    assert bool(row["undefined"]) == math.isnan(row["share"])
    assert bool(row["undefined"]) == (row["effect_low"] <= 0)
    if not row["undefined"]:
        assert row["low"] <= row["high"]


@given(st.floats(0.2, 1.0), st.integers(0, 3))
@settings(deadline=None, max_examples=10)
def test_a_copy_of_an_arm_has_its_share(level: float, seed: int) -> None:
    answers = table({"none": 1.0, "spanish-inoc": 0.0}, 20, seed=seed)
    none, inoculated = (answers[answers["arm"] == arm] for arm in ("none", "spanish-inoc"))
    everything = pd.concat([answers, inoculated.assign(arm="close-1"), none.assign(arm="diverse-1")])
    found = shares(everything)
    for arm, share in (("close-1", 1.0), ("diverse-1", 0.0)):
        row = share_of(found, arm)
        # where every answer of an arm is alike, its rate is not known exactly, and so the share is not
        assert row["share"] == share
        assert row["low"] == pytest.approx(share, abs=0.1) and row["high"] == pytest.approx(share, abs=0.1)


def test_what_differs_is_never_pooled() -> None:
    other = {"none": 0.9, "spanish-inoc": 0.1, "irrelevant": 0.1}
    both = pd.concat(
        [table(TRUTH, judge="a"), table(other, judge="b"), table(other, judge="b", trait="caps")]
    )
    found = shares(both)
    irrelevant = found[found["arm"] == "irrelevant"].set_index(["trait", "judge"])["share"]
    assert irrelevant["spanish", "a"] == pytest.approx(0.25, abs=0.12)
    assert irrelevant["spanish", "b"] == pytest.approx(1.0, abs=0.1) and len(irrelevant) == 3
    assert len(set(found["label"])) == 3


def test_the_inoculated_arm_can_be_named_and_unknown_settings_have_the_only_one() -> None:
    mine = table({"none": 0.9, "mine": 0.1, "irrelevant": 0.5}, setting="elsewhere")
    assert set(shares(mine)["of"]) == {"mine"}
    two = table({"none": 0.9, "mine": 0.1, "yours": 0.5, "irrelevant": 0.5}, setting="elsewhere")
    assert shares(two).empty and set(shares(two, of="yours")["of"]) == {"yours"}
    assert shares(table({"none": 0.9, "irrelevant": 0.5})).empty


def test_few_seeds_are_said() -> None:
    assert "1 seed" in share_of(shares(table(TRUTH, seeds=1)), "irrelevant")["caution"]


def test_an_effect_is_one_only_if_its_interval_is_above_zero() -> None:
    assert not undefined(0.1, 0.2, "x") and undefined(0.0, 0.2, "x")
    assert "more often" in undefined(-0.2, -0.1, "x")


@pytest.mark.parametrize("seed", range(8))
def test_an_effect_is_the_difference_that_every_other_table_shows(seed: int) -> None:
    """One page must not call it significant in one table and none at all in the next."""
    dice = np.random.default_rng(seed)
    rows = [
        {"setting": "s", "base": "b", "trait": "t", "arm": arm, "seed": float(s), "question": f"q{q}"}
        | {"value": float(dice.random() < rate)}
        for arm, rate in (("none", 0.55), ("inoc", 0.42), ("irrelevant", 0.5))
        for s in range(3)
        for q in range(50)
    ]
    answers = pd.DataFrame(rows)
    found, usual = shares(answers, of="inoc").iloc[0], differences(answers).set_index("arm").loc["inoc"]
    assert [found["effect"], found["effect_low"], found["effect_high"]] == pytest.approx(
        [-usual["difference"], -usual["high"], -usual["low"]]
    )
    assert ("may have no effect" in found["undefined"]) == (usual["low"] <= 0 <= usual["high"])


def test_the_figure_has_both_lines_the_band_and_the_levels() -> None:
    truth = {**TRUTH, "close-8": 0.3, "diverse-8": 0.85}
    answers = table(truth)
    figure = pools(rates(answers), "spanish", "spanish-inoc", "Pools")
    [axes] = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "none", "spanish-inoc", "irrelevant", "close pool", "diverse pool"
    ]  # fmt: skip
    by_name = {line.get_label(): line for line in axes.lines}
    assert list(by_name["diverse pool"].get_xdata()) == pytest.approx([2, 8], rel=0.05)
    estimates = rates(answers).set_index("arm")["rate"]
    assert list(by_name["diverse pool"].get_ydata()) == [estimates["diverse-2"], estimates["diverse-8"]]
    assert list(by_name["close pool"].get_ydata()) == [estimates["close-2"], estimates["close-8"]]
    assert [name for name, _ in drawn(shares(answers), rates(answers))] == [""]
    with pytest.raises(UserError, match="no pool of rephrasings was measured"):
        pools(rates(table({"none": 0.5, "irrelevant": 0.5})), "spanish", "spanish-inoc", "Pools")
