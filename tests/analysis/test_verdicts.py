import numpy as np
import pandas as pd
import pytest

from inoc_evals.analysis import differences
from inoc_evals.analysis.log_rows import COLUMNS
from inoc_evals.analysis.verdicts import verdicts
from inoc_evals.settings import CLAIMS, SETTINGS
from inoc_evals.settings.claim import Claim, Side

INF = float("inf")
LESS = Claim("less", "x falls", Side("x", "t"), Side("none", "t"), -INF, -0.1, setting="mine")
SAME = Claim("same", "x keeps", Side("x", "t"), Side("none", "t"), -0.1, 0.1, setting="mine")
MORE = Claim("more", "x rises", Side("x", "t"), Side("none", "t"), 0.1, INF, setting="mine")


def table(
    dice: np.random.Generator, rates: dict[str, float], seeds: int = 3, questions: int = 40
) -> pd.DataFrame:
    """Answers of arms with these rates, in log-odds scattered by question and by seed."""
    of_question, rows = dice.normal(0, 1, questions), []
    for arm, rate in rates.items():
        centre = np.log(rate / (1 - rate))
        chance = 1 / (1 + np.exp(-(centre + of_question + dice.normal(0, 0.2, (seeds, 1)))))
        for (seed, question), value in np.ndenumerate(dice.random(chance.shape) < chance):
            rows.append({"arm": arm, "seed": float(seed), "question": f"q{question}", "value": float(value)})
    common = {"setting": "mine", "base": "toy", "task": "t", "trait": "t"}
    return pd.DataFrame(rows).assign(**common).reindex(columns=[*COLUMNS, "log"])


def words(rates: dict[str, float], repeats: int = 60, **shape: int) -> dict[str, list[str]]:
    dice = np.random.default_rng(0)
    found = [
        [v.word for v in verdicts(table(dice, rates, **shape), [LESS, SAME, MORE])] for _ in range(repeats)
    ]
    return dict(zip(("less", "same", "more"), map(list, zip(*found, strict=True)), strict=True))


def test_a_large_effect_is_found_and_its_opposites_contradicted() -> None:
    found = words({"none": 0.8, "x": 0.2}, seeds=5)
    assert found["less"].count("supported") >= 57  # power
    assert found["more"].count("contradicted") >= 57 and found["same"].count("contradicted") >= 55
    assert "supported" not in found["more"] + found["same"] and "contradicted" not in found["less"]


def test_no_effect_is_never_taken_for_one() -> None:
    found = words({"none": 0.5, "x": 0.5}, repeats=100)
    assert found["less"].count("supported") + found["more"].count("supported") <= 5
    assert found["same"].count("contradicted") <= 5


def test_enough_data_say_that_a_trait_is_kept() -> None:
    found = words({"none": 0.5, "x": 0.5}, repeats=30, seeds=20, questions=200)
    assert found["same"].count("supported") >= 27 and "contradicted" not in found["same"]


def test_at_the_edge_of_the_region_wrong_verdicts_are_rare() -> None:
    """The truth is as close to the region as it gets from outside: the level must hold just there."""
    found = words({"none": 0.5, "x": 0.42}, repeats=100, seeds=5)  # about -0.08 after the scatter
    assert found["less"].count("supported") <= 5


def test_few_answers_leave_a_claim_undecided() -> None:
    found = words({"none": 0.5, "x": 0.4}, repeats=20, seeds=2, questions=8)
    assert found["same"].count("undecided") >= 18


def test_what_is_missing_is_not_measured() -> None:
    [verdict] = verdicts(table(np.random.default_rng(0), {"none": 0.5}), [LESS])
    assert verdict.word == "not measured" and "x" in verdict.why and verdict.as_dict()["difference"] is None


def test_answers_without_a_value_decide_nothing() -> None:
    answers = table(np.random.default_rng(0), {"none": 0.8, "x": 0.2})
    answers.loc[answers["arm"] == "x", "value"] = float("nan")
    assert verdicts(answers, [LESS])[0].word == "not measured"


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: f"{c.setting}: {c.name}")
def test_every_claim_speaks_of_arms_and_traits_that_its_setting_has(claim: Claim) -> None:
    setting = SETTINGS[claim.setting]
    for side in (claim.left, claim.right):
        assert side.arm == "base" or setting.arm(side.arm)
        assert side.trait in setting.traits
    assert claim.low < claim.high


def test_claims_have_names_of_their_own() -> None:
    names = [(claim.setting, claim.name) for claim in CLAIMS]
    assert len(set(names)) == len(names)


def test_where_no_possible_difference_could_be_detected_the_verdict_says_so() -> None:
    rows = table(np.random.default_rng(0), {"none": 0.5, "x": 0.5}, seeds=1, questions=3)
    [found] = verdicts(rows, [LESS])
    assert found.word == "undecided" and "no difference could have been detected" in found.why
    assert "detectable ±" not in found.why  # of shares, which cannot differ by more than 1
    assert np.isnan(differences(rows)["detectable"].iloc[0])
    rated = rows.assign(value=50 + 10 * rows["value"])  # without bounds there is always a larger one
    assert differences(rated)["detectable"].iloc[0] > 1
