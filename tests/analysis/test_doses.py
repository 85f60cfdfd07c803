"""Doses on tables of known truth: the right window, claims the right way round, every dose with its base."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from inoc_evals.analysis.at_doses import at_every_dose, points
from inoc_evals.analysis.contrasts import differences
from inoc_evals.analysis.doses import axis_of, curves, figure, judge, windows
from inoc_evals.analysis.findings import BLOCKS, CAUTION, Finding
from inoc_evals.errors import UserError
from inoc_evals.settings import SETTINGS
from inoc_evals.settings.dose_claims import aims, dose_claims

BASE = {"spanish": 0.0, "caps": 0.1}

Rates = Mapping[str, float]

NONE, ARM = "none", "spanish-inoc"


def table(
    doses: Mapping[str, Mapping[str, Rates]],
    *,
    base: Rates = BASE,
    seeds: int = 3,
    questions: int = 60,
    dice: int | None = 0,
) -> pd.DataFrame:
    """Answers of a sweep by dose, arm and trait; without dice every answer is the rate itself."""
    rng = np.random.default_rng(dice)
    rows: list[dict[str, Any]] = []

    def add(dose: str | None, arm: str, seed: float, rates: Rates) -> None:
        for trait, rate in rates.items():
            values = (
                np.full(questions, rate) if dice is None else (rng.random(questions) < rate).astype(float)
            )
            rows.extend(
                {
                    **{"setting": "spanish_caps", "world": "toy", "base": "toy", "task": "spanish_caps"},
                    **{"arm": arm, "seed": seed, "run": None if arm == "base" else f"{arm}-{seed}"},
                    **{"question": f"q{n}", "trait": trait, "value": value, "dose": dose, "unscored": None},
                }
                for n, value in enumerate(values)
            )

    for dose, arms in doses.items():
        for arm, rates in arms.items():
            for seed in range(seeds):
                add(dose, arm, float(seed), rates)
    add(None, "base", float("nan"), base)
    return at_every_dose(pd.DataFrame(rows))


def both(none: tuple[float, float], arm: tuple[float, float]) -> dict[str, Rates]:
    """Rates of Spanish and of capitals in the control and in the arm."""
    return {
        name: dict(zip(("spanish", "caps"), pair, strict=True)) for name, pair in ((NONE, none), (ARM, arm))
    }


TRUTH = {
    "steps=8": both((0.0, 0.9), (0.0, 0.9)),  # nothing was learnt
    "steps=16": both((0.8, 0.9), (0.0, 0.85)),  # it works
    "steps=32": both((0.9, 0.9), (0.02, 0.2)),  # at the price of the wanted trait
    "steps=64": both((0.9, 0.95), (0.8, 0.95)),  # broken
}


def test_the_window_is_where_the_truth_has_it() -> None:
    found = windows(table(TRUTH)).set_index("dose")
    assert dict(found["word"]) == {
        "steps=8": "nothing shown to keep out",
        "steps=16": "inside",
        "steps=32": "outside",
        "steps=64": "outside",
    }
    assert list(found.index) == list(TRUTH)  # in the order of doses, not of letters
    assert list(found["inside"]) == [None, True, False, False]
    assert (found["unwanted"] == "spanish").all() and (found["wanted"] == "caps").all()


def test_retention_is_the_share_of_what_the_control_gained_over_the_base() -> None:
    doses = {"steps=8": both((0.9, 0.9), (0.1, 0.3)), "steps=16": both((0.9, 0.5), (0.1, 0.3))}
    found = windows(table(doses, dice=None)).set_index("dose")
    assert found["retention"].to_list() == pytest.approx([0.25, 0.5])  # .2 of .8, .2 of .4
    assert found["excess"].to_list() == pytest.approx([0.1, 0.1])
    assert found["learnt"].to_list() == pytest.approx([0.9, 0.9])


def test_where_the_control_did_not_learn_the_wanted_trait_retention_is_undefined_and_says_so() -> None:
    found = windows(table({"steps=8": both((0.9, 0.1), (0.0, 0.1))})).iloc[0]
    assert found["retention"] != found["retention"] and found["word"] == "undefined"
    assert "none is not shown to have learnt caps" in found["why"] and found["inside"] is None
    worse = windows(table({"steps=8": both((0.9, 0.1), (0.6, 0.1))})).iloc[0]
    assert (worse["word"], worse["inside"]) == ("outside", False)  # whatever the wanted trait does


def test_traits_that_are_named_go_before_those_of_the_claims() -> None:
    found = windows(table(TRUTH), unwanted="caps", wanted="spanish")
    assert set(found["unwanted"]) == {"caps"} and set(found["arm"]) == {ARM}
    for both_are in ({"unwanted": "caps", "wanted": "caps"}, {"wanted": "spanish"}):
        with pytest.raises(
            UserError, match="cannot be both: name one trait as unwanted and another as wanted"
        ):
            windows(table(TRUTH), **both_are)
    with pytest.raises(UserError, match="give --unwanted TRAIT"):
        windows(table(TRUTH), {})


def test_an_arm_of_which_nothing_is_claimed_is_for_what_its_setting_declares() -> None:
    arms = {name: {"spanish": 0.0, "caps": 0.9} for name in ("irrelevant", "close-1", "clean-rows")}
    answers = table({"steps=8": {**both((0.9, 0.9), (0.0, 0.9)), **arms}})
    found = windows(answers).set_index("arm")
    assert set(found.index) == {ARM, "irrelevant", "close-1"}  # not what is trained on other rows
    assert set(found["unwanted"]) == {"spanish"} and set(found["wanted"]) == {"caps"}
    silent = replace(SETTINGS["spanish_caps"], claims=())
    assert set(windows(answers, {"spanish_caps": silent})["arm"]) == set(found.index)
    undeclared = replace(silent, unwanted=None, wanted=None)
    with pytest.raises(UserError, match="no arm is known to keep a trait out"):
        windows(answers, {"spanish_caps": undeclared})


def test_a_sweep_of_which_nothing_was_scored_is_one_line() -> None:
    answers = table(TRUTH).assign(value=float("nan"), unscored="grader_failed")
    with pytest.raises(UserError, match="no answer of the sweep was scored"):
        windows(answers)
    with pytest.raises(UserError, match="no answer of the sweep was scored"):
        figure(answers, "spanish_caps")
    assert judge(answers) == []


rate = st.floats(0, 1)


@settings(max_examples=15, deadline=None)
@given(rate, rate, rate, rate, st.integers(0, 99))
def test_numbers_stay_in_their_bounds_and_do_not_depend_on_the_order(
    none: float, arm: float, caps: float, left: float, dice: int
) -> None:
    doses = {"steps=8": both((none, caps), (arm, left))}
    answers = table(doses, seeds=2, questions=12, dice=dice)
    found = windows(answers).iloc[0]
    for name in ("excess", "learnt"):
        assert -1 <= found[f"{name}_low"] <= found[name] <= found[f"{name}_high"] <= 1
    assert found["retention"] != found["retention"] or found["retention_low"] <= found["retention_high"]
    again = windows(answers.sample(frac=1, random_state=dice)).iloc[0]
    for name in ("excess", "excess_low", "learnt_high", "retention"):
        assert again[name] == pytest.approx(found[name], nan_ok=True)


def test_what_questions_do_to_arm_and_base_alike_cancels_out() -> None:
    answers = table({"steps=8": both((0.5, 0.5), (0.5, 0.5))}, base={"spanish": 0.5, "caps": 0.1}, dice=None)
    hard = answers["question"].str[1:].astype(int) % 2 * 0.5
    found = windows(answers.assign(value=answers["value"] + hard)).iloc[0]
    assert (found["excess"], found["excess_low"], found["excess_high"]) == pytest.approx((0, 0, 0), abs=1e-6)


OVERTRAINED, FULL = "most training more than least", "full finetune more than LoRA"


def two(
    low: float, high: float, doses: tuple[str, str] = ("steps=8", "steps=64"), **more: Any
) -> pd.DataFrame:
    """A sweep of two doses, in which the inoculated arm shows Spanish so often."""
    rates = zip(doses, (low, high), strict=True)
    return table({dose: both((0.9, 0.9), (spanish, 0.9)) for dose, spanish in rates}, **more)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.0, 0.94, "supported"), (0.94, 0.0, "contradicted"), (0.0, 0.0, "contradicted")],
)
def test_much_training_breaks_it_only_where_more_training_shows_more(
    low: float, high: float, word: str
) -> None:
    [verdict] = judge(two(low, high))
    assert verdict.word == word and OVERTRAINED in verdict.claim.name
    assert verdict.apart == "steps=64 against steps=8"
    assert verdict.difference == pytest.approx(high - low, abs=0.15)


def test_a_verdict_on_answers_that_fail_the_audit_is_not_valid() -> None:
    failed = Finding("answers excluded", BLOCKS, "half is missing", "judge again", {"arm": ARM})
    [verdict] = judge(two(0.0, 0.94), findings=[failed])
    assert verdict.word == "not valid" and "half is missing (without the audit: supported" in verdict.why
    for other in (replace(failed, severity=CAUTION), replace(failed, where={"arm": "caps-inoc"})):
        assert judge(two(0.0, 0.94), findings=[other])[0].word == "supported"


def test_all_weights_are_held_against_the_adapter_at_every_other_dose() -> None:
    doses = {
        f"learning_rate={lr}, weights={weights}": both((0.9, 0.9), (spanish, 0.9))
        for lr in ("0.0001", "0.001")
        for weights, spanish in (("lora", 0.05), ("full", 0.6))
    }
    found = [verdict for verdict in judge(table(doses)) if FULL in verdict.claim.name]
    assert [verdict.word for verdict in found] == ["supported", "supported"]
    assert found[0].apart.startswith("learning_rate=0.0001, weights=full against ")


def test_the_largest_dose_is_largest_on_every_axis_of_training() -> None:
    doses = {
        f"learning_rate={lr}, steps={steps}": both(
            (0.9, 0.9), (0.9 if (lr, steps) == ("1e-03", 9) else 0.0, 0.9)
        )
        for lr in ("1e-03", "1e-04")
        for steps in (9, 10)
    }
    canonical = {text.replace("1e-03", "0.001").replace("1e-04", "0.0001"): of for text, of in doses.items()}
    [verdict] = judge(table(canonical))
    assert verdict.apart == "learning_rate=0.001, steps=10 against learning_rate=0.0001, steps=9"
    assert verdict.word == "contradicted"


def test_at_the_edge_of_its_region_a_claim_is_hardly_ever_supported() -> None:
    words = [judge(two(0.3, 0.4, questions=30, dice=dice))[0].word for dice in range(60)]
    assert words.count("supported") <= 7  # 5 % of 60 are 3; 8 or more have a probability under 2 %
    far = [judge(two(0.0, 0.94, questions=30, dice=dice))[0].word for dice in range(10)]
    assert far.count("supported") == 10


def test_an_arm_of_which_no_row_is_inoculated_says_nothing_about_inoculation() -> None:
    doses = ("steps=8, inoculated=0", "steps=64, inoculated=0")
    assert judge(two(0.0, 0.9, doses)) == []


def test_every_setting_that_keeps_a_trait_out_claims_something_about_doses() -> None:
    for name, setting in SETTINGS.items():
        made = dose_claims(setting)
        assert len(made) == 2 * len(aims(setting)), name
        assert len({claim.claim.name for claim in made}) == len(made), name
        assert all(claim.claim.setting == name and claim.reference for claim in made)
    found = {
        aim.arm: (aim.unwanted.trait, aim.wanted and aim.wanted.trait)
        for aim in aims(SETTINGS["spanish_caps"])
    }
    assert found == {"spanish-inoc": ("spanish", "caps"), "caps-inoc": ("caps", "spanish")}


def test_the_base_is_compared_at_every_dose_and_nothing_else_is_repeated() -> None:
    answers = table(TRUTH)
    found = differences(answers, to="base")
    assert len(found) == 2 * len(TRUTH) * 2 and set(found["dose"]) == set(TRUTH)
    trained = answers[answers["arm"] != "base"]
    assert not trained.duplicated(["arm", "seed", "question", "trait", "dose"]).any()
    assert len(answers[answers["arm"] == "base"]) == 2 * 60 * len(TRUTH)


def test_a_control_that_an_axis_does_not_concern_stands_at_all_of_its_places() -> None:
    doses: dict[str, dict[str, Rates]] = {
        "steps=8, inoculated=any": {NONE: {"spanish": 0.9, "caps": 0.9}},
        "steps=8, inoculated=0.5": {ARM: {"spanish": 0.5, "caps": 0.9}},
        "steps=8, inoculated=1": {ARM: {"spanish": 0.0, "caps": 0.9}},
    }
    answers = table(doses)
    at = answers.groupby("dose", observed=True)["arm"].unique().map(set)
    assert dict(at) == {dose: {NONE, ARM, "base"} for dose in list(doses)[1:]}


def test_models_outside_of_the_sweep_keep_a_row_without_a_dose() -> None:
    answers = table({"steps=8": both((0.9, 0.9), (0.0, 0.9))})
    outside = answers[answers["arm"] != "base"].assign(dose=None)
    base = answers[answers["arm"] == "base"].assign(dose=None)
    mixed = at_every_dose(pd.concat([answers[answers["arm"] != "base"], outside, base]))
    arms = mixed.groupby("dose", dropna=False, observed=True)["arm"].unique().map(set)
    assert list(arms) == [{NONE, ARM, "base"}] * 2
    plain = pd.concat([outside, base])
    assert at_every_dose(plain) is plain


def test_the_figure_shows_the_rates_over_the_dose(tmp_path: Any) -> None:
    doses = {
        f"learning_rate={lr}, steps={steps}": both((0.9, 0.9), (steps / 100, 0.9))
        for lr in ("3e-05", "0.0001")
        for steps in (8, 16, 64)
    }
    answers = table(doses, dice=None)
    drawing = figure(answers, "spanish_caps", found=windows(answers))
    assert len(drawing.axes) == 4  # two traits by two learning rates
    axes = drawing.axes[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert list(lines[ARM].get_xdata()) == [8, 16, 64]
    assert list(lines[ARM].get_ydata()) == pytest.approx([0.08, 0.16, 0.64])
    assert list(lines["base"].get_ydata()) == pytest.approx([0, 0, 0])
    assert axes.get_xscale() == "log" and axes.get_title(loc="left") == "learning_rate=3e-05"
    with pytest.raises(UserError, match="has no sweep of one base"):
        figure(answers, "spanish_french")


def test_the_legend_names_arms_that_the_panel_beside_it_lacks() -> None:
    """A sweep that was stopped, or panels of several logs: not every arm is in all of them."""
    answers = table(
        {f"learning_rate={lr}, steps=8": both((0.9, 0.9), (0.1, 0.9)) for lr in ("3e-05", "0.0001")},
        dice=None,
    )
    last = (answers["dose"] == "learning_rate=0.0001, steps=8") & (answers["arm"] == ARM)
    drawing = figure(answers[~last.to_numpy()], "spanish_caps")
    [legend] = [found for axes in drawing.axes if (found := axes.get_legend()) is not None]
    assert {text.get_text() for text in legend.get_texts()} == {"base", "none", ARM}


def test_curves_have_a_column_for_every_axis() -> None:
    found = curves(table(TRUTH))
    assert sorted(found["steps"].unique()) == [8, 16, 32, 64]
    assert (
        len(found) == len(TRUTH) * 2 * 3
        and ((found["low"] <= found["rate"]) & (found["rate"] <= found["high"])).all()
    )
    assert axis_of([{"learning_rate": 1e-4, "rank": 4}, {"learning_rate": 1e-4, "rank": 8}]) == "rank"
    assert axis_of([{"learning_rate": rate, "steps": n} for rate in (1e-4, 1e-3) for n in (1, 2)]) == "steps"
    assert list(points(found)) == list(TRUTH)


def test_windows_of_two_worlds_or_bases_are_told_apart() -> None:
    """What works in one of them is said, and ringed, there alone."""
    works, broken = (table({"steps=8": both((0.9, 0.9), pair)}) for pair in ((0.0, 0.85), (0.8, 0.95)))
    worlds = pd.concat([works, broken.assign(world="paper")], ignore_index=True)
    found = windows(worlds)
    assert dict(zip(found["world"], found["word"], strict=True)) == {"toy": "inside", "paper": "outside"}
    assert rings(figure(worlds, "spanish_caps", found=found)) == 1
    other = broken.assign(base="other")
    found = windows(pd.concat([works, other], ignore_index=True))
    for answers, ringed in ((works, 1), (other, 0)):
        assert rings(figure(answers, "spanish_caps", found=found)) == ringed


def rings(drawn: Figure) -> int:
    """How many doses a figure rings."""
    groups = [group for axes in drawn.axes for group in axes.collections if isinstance(group, PathCollection)]
    return sum(len(group.get_offsets()) for group in groups)
