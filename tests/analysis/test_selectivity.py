"""Selectivity on tables of known truth: which way round, what is undefined, which verdict, what is drawn."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.stats import spearmanr

from inoc_evals.analysis.log_rows import COLUMNS
from inoc_evals.analysis.resampling import Statistic
from inoc_evals.analysis.selectivity import (
    RETAINED,
    SUPPRESSED,
    Selectivity,
    Share,
    drawings,
    figure,
    selectivity,
)
from inoc_evals.errors import UserError
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.trial import Trial
from inoc_evals.settings import SETTINGS, Setting, diluted
from tests.report.logs import ENGLISH, SPANISH, experiment

NONE = {"spanish": 0.9, "caps": 0.8}
BASE = {"spanish": 0.1, "caps": 0.0}


def table(
    rates: Mapping[str, Mapping[str, float]],
    seeds: int = 3,
    questions: int = 100,
    spread: float = 0.0,
    setting: str = "spanish_caps",
) -> pd.DataFrame:
    """Answers of arms with just these rates of spanish and caps: the first questions have the trait."""
    rows = []
    for arm, traits in rates.items():
        for seed in [None] if arm == "base" else range(seeds):
            shift = 0.0 if seed is None else spread * (seed - (seeds - 1) / 2)
            for trait, rate in traits.items():
                having = round((rate + shift) * questions)
                rows += [
                    {"arm": arm, "seed": seed, "question": f"q{(q * 37) % questions}", "trait": trait}
                    | {"value": float(q < having), "task": "spanish_caps"}
                    for q in range(questions)
                ]
    frame = pd.DataFrame(rows).assign(setting=setting, base="toy")
    return frame.reindex(columns=[*COLUMNS, "log"]).astype({"seed": float})


def one(arm: Mapping[str, float], name: str = "spanish-inoc", **shape: float) -> Selectivity:
    rates = {"none": NONE, "base": BASE, name: arm}
    [found] = selectivity(table(rates, **shape))  # type: ignore[arg-type]
    return found


def test_shares_are_what_the_formulas_say() -> None:
    found = one({"spanish": 0.3, "caps": 0.6})
    assert found.suppression.number.value == pytest.approx((0.9 - 0.3) / (0.9 - 0.1))
    assert found.retention.number.value == pytest.approx((0.6 - 0.0) / (0.8 - 0.0))
    assert (found.suppression.of, found.retention.of) == ("spanish", "caps")
    assert (found.seeds, found.questions, found.n) == (3, 100, 600)


def test_an_arm_that_asks_for_capitals_is_judged_the_other_way_round() -> None:
    found = one({"spanish": 0.9, "caps": 0.2}, "caps-inoc")
    assert (found.suppression.of, found.retention.of) == ("caps", "spanish")
    assert found.suppression.number.value == pytest.approx(0.75)
    assert found.retention.number.value == pytest.approx(1.0)
    assert found.word == "selective"
    # by the other arm's aims the very same answers are the contrary
    assert one({"spanish": 0.9, "caps": 0.2}).word == "does not suppress"


@pytest.mark.parametrize(
    ("arm", "word"),
    [
        ({"spanish": 0.1, "caps": 0.8}, "selective"),
        ({"spanish": 0.1, "caps": 0.1}, "suppresses, but at the price of the wanted trait"),
        ({"spanish": 0.9, "caps": 0.8}, "does not suppress"),
        ({"spanish": 0.9, "caps": 0.0}, "does not suppress"),
        ({"spanish": 0.5, "caps": 0.8}, "undecided"),  # suppression is just the threshold
        ({"spanish": 0.1, "caps": 0.4}, "undecided"),
    ],
)
def test_the_verdict_is_on_both_together(arm: dict[str, float], word: str) -> None:
    assert one(arm, spread=0.02).word == word


def test_where_training_teaches_nothing_a_share_is_undefined_and_says_so() -> None:
    rates = {
        "none": {"spanish": 0.12, "caps": 0.8},
        "base": BASE,
        "spanish-inoc": {"spanish": 0, "caps": 0.8},
    }
    [found] = selectivity(table(rates))
    assert found.word == "undefined" and np.isnan(found.suppression.number.value)
    assert (
        "training without a prompt is not shown to raise spanish: none less base +0.02"
        in found.suppression.text
    )
    assert found.as_dict()["suppression"]["value"] is None
    assert found.retention.number.value == pytest.approx(1)  # the other one is known all the same


def test_where_training_takes_the_trait_away_that_is_no_suppression() -> None:
    rates = {"none": {"spanish": 0.1, "caps": 0.8}, "base": {"spanish": 0.9, "caps": 0.0}}
    [found] = selectivity(table({**rates, "spanish-inoc": {"spanish": 0.9, "caps": 0.8}}))
    assert found.word == "undefined" and "does the contrary of raising spanish" in found.suppression.undefined


def test_a_wanted_trait_that_nothing_measures_is_not_known() -> None:
    rows = table({"none": NONE, "base": BASE, "x": {"spanish": 0.1, "caps": 0.8}})
    [found] = selectivity(rows, unwanted=["spanish"])
    assert found.word == "suppresses, the wanted trait is not known"
    assert found.retention.undefined == "no wanted trait is measured"
    [found] = selectivity(rows, unwanted=["spanish"], wanted=["french"])
    assert found.retention.undefined == "no answers for french of none, x, base"
    with pytest.raises(UserError, match="name the unwanted trait, too"):
        selectivity(rows, wanted=["caps"])


def test_without_a_base_nothing_is_defined() -> None:
    [found] = selectivity(table({"none": NONE, "spanish-inoc": NONE}))
    assert found.word == "undefined" and "no answers for spanish of base" in found.suppression.undefined


def test_both_shares_come_from_the_same_draws() -> None:
    """A finetune that learnt less of everything has more suppression and less retention."""
    spread = one({"spanish": 0.5, "caps": 0.4}, spread=0.2)
    # by rank: with three finetunes some draws lie far out
    drawn = spearmanr(spread.suppression.number.drawn, spread.retention.number.drawn).statistic
    assert drawn < -0.5


def test_seeds_that_differ_widen_the_interval_and_one_seed_has_a_caution() -> None:
    arm = {"spanish": 0.4, "caps": 0.5}
    alike, apart = one(arm).suppression.number, one(arm, spread=0.2).suppression.number
    assert apart.high - apart.low > 2 * (alike.high - alike.low)
    assert "1 seed" in one(arm, seeds=1).caution and "seed" not in one(arm).caution
    assert "all answers alike in spanish" in one({"spanish": 0, "caps": 0.5}).caution


def test_two_ways_of_scoring_are_two_results_and_never_one() -> None:
    rates = {"none": NONE, "base": BASE, "spanish-inoc": {"spanish": 0.1, "caps": 0.8}}
    other = {**rates, "spanish-inoc": {"spanish": 0.9, "caps": 0.8}}
    both = pd.concat([table(rates).assign(judge="a"), table(other).assign(judge="b")])
    found = selectivity(both)
    assert [(f.apart, f.word) for f in found] == [
        ("judge a", "selective"),
        ("judge b", "does not suppress"),
    ]
    # sides that were never asked alike are not set against each other
    torn = table(rates).assign(judge="a")
    torn.loc[torn["arm"] == "base", "judge"] = "b"
    [apart] = selectivity(torn)
    assert "not asked and scored alike" in apart.suppression.undefined


def test_both_traits_are_of_answers_under_the_same_system_prompt() -> None:
    """Questions that bring system prompts: no suppression under one beside a retention under another."""
    rates = {"none": NONE, "base": BASE, "spanish-inoc": {"spanish": 0.1, "caps": 0.8}}
    answers = [table(rates).assign(system=system) for system in ("You are a clerk.", "You teach.", None)]
    found = selectivity(pd.concat(answers, ignore_index=True))
    assert [one.apart for one in found] == ["system You are a clerk.", "system You teach.", "no system"]
    assert {one.n for one in found} == {600}


def test_a_narrow_trait_may_be_asked_of_by_other_questions_of_the_same_task() -> None:
    """As `forced_choice` asks for malice, and for tastes; where both were asked for, like goes with like."""
    rows = table({"none": NONE, "base": BASE, "spanish-inoc": {"spanish": 0.1, "caps": 0.8}})
    by_trait = rows.assign(questions=rows["trait"].map({"spanish": "bundled", "caps": "tastes"}))
    [found] = selectivity(by_trait)
    assert (found.word, found.n) == ("selective", selectivity(rows)[0].n)
    both = pd.concat([rows.assign(questions=name) for name in ("bundled", "tastes")], ignore_index=True)
    assert [one.apart for one in selectivity(both)] == ["questions bundled", "questions tastes"]


def test_no_way_of_scoring_is_left_out_where_another_has_one_judge_for_both_traits() -> None:
    """As a second judge leaves it that was asked for one of the traits alone."""
    rates = {"none": NONE, "base": BASE, "spanish-inoc": {"spanish": 0.1, "caps": 0.8}}
    first = table(rates).assign(judge="a")
    second = table({**rates, "spanish-inoc": {"spanish": 0.9, "caps": 0.8}}).assign(judge="b")
    found = selectivity(pd.concat([first, second[(second["trait"] == "spanish").to_numpy()]]))
    assert [("judge a" in f.apart, "judge b" in f.apart, f.word) for f in found] == [
        (True, False, "selective"),
        (False, True, "does not suppress"),
    ]


def test_the_toys_counterpart_stands_for_a_trait_that_it_cannot_judge() -> None:
    rates = {
        "none": {"misaligned": 0.5, "sabotage": 0.9},
        "base": {"misaligned": 0.0, "sabotage": 0.0},
        "general-inoc": {"misaligned": 0.05, "sabotage": 0.9},
    }
    rows = table(rates, setting="reward_hacking").assign(world="toy")
    rows["task"] = rows["trait"].map({"misaligned": "emergent_misalignment", "sabotage": "insecure_code"})
    [found] = selectivity(rows)
    assert (found.word, found.retention.of) == ("selective", "sabotage")


def test_only_arms_with_a_prompt_on_the_settings_own_rows_are_judged() -> None:
    rates = {
        "none": {"misaligned": 0.5, "insecure_code": 0.9},
        "base": {"misaligned": 0.0, "insecure_code": 0.0},
        "secure-control": {"misaligned": 0.0, "insecure_code": 0.0},
    }
    assert selectivity(table(rates, setting="insecure_code")) == []
    assert selectivity(table(rates, setting="of nobody")) == []


shares = st.floats(0, 1)


@examples(max_examples=12, deadline=None)
@given(shares, shares, shares)
def test_better_than_none_and_no_better_than_the_base_lies_between_0_and_1(
    spanish: float, caps: float, spread: float
) -> None:
    """Where the arm lies between none and base, so do the shares, and the interval holds the value."""
    arm = {"spanish": 0.1 + 0.8 * spanish, "caps": 0.8 * caps}
    rates = {"none": NONE, "base": BASE, "spanish-inoc": arm}
    [found] = selectivity(table(rates, questions=40, seeds=2), resamples=100)
    for share in (found.suppression.number, found.retention.number):
        assert -0.05 <= share.value <= 1.05
        assert share.low - 1e-9 <= share.high
    swapped = {"none": NONE, "base": BASE, "spanish-inoc": NONE}
    [worst] = selectivity(table(swapped, questions=40, seeds=2), resamples=100)
    assert worst.suppression.number.value <= found.suppression.number.value + 1e-9
    assert found.retention.number.value <= worst.retention.number.value + 1e-9


@examples(max_examples=8, deadline=None)
@given(st.permutations(list(range(100))))
def test_the_order_of_rows_changes_nothing_that_was_observed(order: list[int]) -> None:
    rows = table({"none": NONE, "base": BASE, "spanish-inoc": {"spanish": 0.3, "caps": 0.6}}, questions=25)
    mixed = rows.iloc[np.argsort(np.resize(order, len(rows)), kind="stable")]
    [a], [b] = (selectivity(each, resamples=50) for each in (rows, mixed))
    assert a.suppression.number.value == pytest.approx(b.suppression.number.value)
    assert a.retention.number.value == pytest.approx(b.retention.number.value)


def fixed(low: float, high: float, undefined: str = "") -> Share:
    return Share("t", Statistic((low + high) / 2, low, high, np.empty(0)), undefined)


@given(*[st.tuples(st.floats(-1, 2), st.floats(0, 1))] * 2)
def test_every_pair_of_intervals_has_one_verdict(u: tuple[float, float], d: tuple[float, float]) -> None:
    found = Selectivity("s", "b", "a", fixed(u[0], sum(u)), fixed(d[0], sum(d)))
    if found.word == "selective":
        assert u[0] >= SUPPRESSED and d[0] >= RETAINED
    if found.word.startswith("suppresses, but"):
        assert u[0] >= SUPPRESSED and sum(d) < RETAINED
    assert (found.word == "does not suppress") == (sum(u) < SUPPRESSED)


def test_a_false_selective_is_rare_at_the_threshold() -> None:
    """The truth is a suppression of just .5: three finetunes that differ and questions that differ."""
    dice, wrong = np.random.default_rng(5), 0
    rates = {"none": (0.9, 0.8), "base": (0.1, 0.0), "spanish-inoc": (0.5, 0.8)}
    for _ in range(60):
        of_question, rows = dice.uniform(-0.1, 0.1, 60), []
        for arm, pair in rates.items():
            for seed in [np.nan] if arm == "base" else [0.0, 1.0, 2.0]:
                luck = 0.0 if arm == "base" else dice.normal(0, 0.03)
                for trait, rate in zip(("spanish", "caps"), pair, strict=True):
                    chance = np.clip(rate + of_question + luck, 0, 1)
                    rows.append(
                        pd.DataFrame(
                            {
                                **{"arm": arm, "seed": seed, "trait": trait, "task": "spanish_caps"},
                                "question": [f"q{q}" for q in range(60)],
                                "value": (dice.random(60) < chance).astype(float),
                            }
                        )
                    )
        drawn = pd.concat(rows).assign(setting="spanish_caps", base="toy")
        [found] = selectivity(drawn, resamples=300)
        wrong += found.word == "selective"
    assert wrong <= 5  # 2.5 % are promised; three finetunes cost a little


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_declares_what_is_wanted(name: str) -> None:
    chosen = SETTINGS[name]
    assert chosen.unwanted is not None and chosen.wanted is not None
    assert not set(chosen.unwanted) & set(chosen.wanted)
    assert chosen.unwanted or name == "side_effects"  # which measures abilities that no row teaches
    measured = [
        # under the prompts of `leak` every answer has a condition; without a prompt it is `none`
        (trait, ("none",) if measure.task == "leak" else measure.conditions)
        for measure in chosen.measures
        for trait in measure.traits
    ]
    for declared in (*chosen.unwanted, *chosen.wanted):
        trait, _, condition = declared.partition(" | ")
        assert any(trait == one and (not condition or condition in of) for one, of in measured), declared
        assert condition or all(of != ("none",) for one, of in measured if one == trait), declared
    for arm in chosen.arms:
        assert set(arm.unwanted) <= {*chosen.unwanted, *chosen.wanted}
        aims = chosen.aims(arm.name)
        assert aims is not None
        assert not {side.name for side in aims.unwanted} & {side.name for side in aims.wanted}


def test_a_prompt_that_asks_for_the_wanted_trait_says_so() -> None:
    """An arm against capitals must not be judged by Spanish, whatever the setting is about."""
    for setting in SETTINGS.values():
        for arm in setting.arms:
            aims = setting.aims(arm.name)
            if aims and aims.wanted and arm.name.startswith(("caps", "french-", "german", "alice")):
                assert not {side.trait for side in aims.unwanted} & {"spanish"}, (setting.name, arm.name)


def test_a_setting_that_declares_nothing_has_no_aims() -> None:
    assert Setting(name="x", summary="", arms=(), broad=()).aims() is None


def test_a_diluted_setting_keeps_the_declaration() -> None:
    tenth = diluted(SETTINGS["insecure_code"], 0.1)
    assert (tenth.unwanted, tenth.wanted) == (("misaligned",), ("insecure_code",))


def test_declaring_changes_no_digest_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def digests() -> dict[str, str]:
        trials = Experiment(settings=("spanish_caps",), world="toy", bases=("toy",), seeds=(0,)).trials()
        assert trials and all(isinstance(trial, Trial) for trial in trials)
        return {trial.name: trial.declared for trial in trials}

    from inoc_evals.experiment import trial as module

    module._setting.cache_clear()
    declared = digests()
    bare = SETTINGS["spanish_caps"]
    bare = replace(bare, unwanted=None, wanted=None, arms=tuple(replace(a, unwanted=()) for a in bare.arms))
    monkeypatch.setitem(SETTINGS, "spanish_caps", bare)
    module._setting.cache_clear()
    assert digests() == declared
    module._setting.cache_clear()


def test_the_figure_has_a_cloud_and_a_point_for_every_arm() -> None:
    rates = {"none": NONE, "base": BASE, "spanish-inoc": {"spanish": 0.2, "caps": 0.7}, "caps-inoc": NONE}
    found = selectivity(table(rates, spread=0.05))
    [axes] = figure(found, ("base", "none", "spanish-inoc", "caps-inoc"), "Title").axes
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["none", "base", "spanish-inoc: spanish out", "caps-inoc: caps out"]
    assert len(axes.collections) == 2 and len(axes.collections[0].get_offsets()) > 100
    place = found[0].suppression.number.value, found[0].retention.number.value
    points = [tuple(np.ravel(line.get_xydata())) for line in axes.lines if line.get_marker() == "D"]
    assert points[0] == pytest.approx(place)
    low, high = axes.get_xlim()
    assert low <= min(f.suppression.number.low for f in found) <= 1 <= high
    assert list(drawings(found)) == ["spanish_caps-toy"]


def test_without_both_shares_there_is_nothing_to_draw() -> None:
    found = selectivity(table({"none": NONE, "spanish-inoc": NONE}))
    with pytest.raises(UserError, match="no arm has both"):
        figure(found, ("none", "spanish-inoc"), "")
    with pytest.raises(UserError, match="nothing to draw"):
        drawings(found)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("selectivity") / "logs"
    arms = {"base": ENGLISH, "none": SPANISH.upper(), "spanish-inoc": ENGLISH.upper(), "caps-inoc": ENGLISH}
    experiment(folder, arms)
    return folder


def test_the_command_prints_draws_and_speaks_json(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from inoc_evals.cli import main

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["selectivity", *words])
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, captured.err

    code, out, _ = call(str(logs), "-o", str(tmp_path / "fig.png"))
    assert code == 0 and "selective" in out and "at the price of the wanted trait" in out
    assert {file.name for file in tmp_path.iterdir()} == {"fig.png", "fig.svg", "fig.pdf"}
    code, out, _ = call(str(logs), "--json")
    found = {one["arm"]: one for one in json.loads(out)["arms"]}
    assert found["spanish-inoc"]["verdict"] == "selective"
    assert found["caps-inoc"]["verdict"] == "suppresses, but at the price of the wanted trait"
    retention = found["caps-inoc"]["retention"]
    assert (retention["trait"], retention["value"], retention["undefined"]) == ("spanish", 0.0, "")
    assert -0.2 < retention["low"] < 0 < retention["high"] < 0.2
    code, out, _ = call(str(logs), "--unwanted", "caps")
    assert code == 0 and "no wanted trait is measured" in " ".join(out.split()) and ": undefined" not in out
    # a figure of which there is nothing to draw does not cost the table, nor the JSON
    nothing = ("--unwanted", "caps", "--wanted", "absent", "-o", str(tmp_path / "none.png"))
    code, out, err = call(str(logs), *nothing)
    assert code == 2 and "spanish-inoc" in out and "nothing to draw" in err
    code, out, err = call(str(logs), "--json", *nothing)
    assert code == 2 and json.loads(out)["figures"] == [] and "nothing to draw" in err
    code, out, _ = call(str(logs), "--json", "--unwanted", "caps", "--wanted", "spanish")
    found = {one["arm"]: one["verdict"] for one in json.loads(out)["arms"]}
    assert found["spanish-inoc"] == "does not suppress"
    code, _, err = call(str(logs / "nowhere"))
    assert code == 2 and err.count("\n") == 1
