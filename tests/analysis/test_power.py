"""Every claim of every setting on answers of known truth: what is false must not be supported."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from inoc_evals.analysis.power import QUESTION, at_its_edge, power, simulated
from inoc_evals.analysis.verdicts import LEVEL, verdicts
from inoc_evals.settings import CLAIMS, SETTINGS, since
from inoc_evals.settings.claim import LEAST, LEAST_NATS, Claim, Side, falls, keeps

EVERY = [claim for setting in SETTINGS.values() for claim in setting.claims]

AT_THE_EDGE = 3
"""Tables of each claim whose truth is just outside of its region."""


def scale(claim: Claim) -> float:
    """What a rate is multiplied by to be a log-prob, for a claim about log-probs."""
    bound = claim.high if math.isfinite(claim.high) else claim.low
    return abs(bound) / LEAST


def word(claim: Claim, left: float, right: float, seed: int = 0, questions: int = 60) -> str:
    dice = np.random.default_rng(seed)
    [verdict] = verdicts(simulated(claim, left, right, dice, questions=questions), [claim])
    return verdict.word


def ways(claim: Claim) -> tuple[tuple[float, float], tuple[float, float]]:
    """Rates of left and right side for which the claim is plainly true, and plainly false."""
    high, low, by = 0.85, 0.15, scale(claim)
    if claim.low == -math.inf:
        true, false = (low, high), (high, low)
    elif claim.high == math.inf:
        true, false = (high, low), (low, high)
    else:
        true, false = (high, high), (low, high)
    return tuple((left * by, right * by) for left, right in (true, false))  # type: ignore[return-value]


@pytest.mark.parametrize("claim", EVERY, ids=lambda c: f"{c.setting}: {c.name}")
def test_the_wrong_side_is_never_supported_and_the_right_one_never_contradicted(claim: Claim) -> None:
    true, false = ways(claim)
    assert word(claim, *false) == "contradicted"
    assert word(claim, *true) in (
        ("supported", "undecided") if claim.low > -1e9 < claim.high else ("supported",)
    )


def test_just_outside_of_its_region_a_claim_is_supported_no_more_often_than_the_level() -> None:
    wrong = total = 0
    for number, claim in enumerate(EVERY):
        left, right = at_its_edge(claim)
        for repeat in range(AT_THE_EDGE):
            wrong += word(claim, left, right, seed=1000 * number + repeat) == "supported"
            total += 1
    assert wrong <= binom.ppf(0.999, total, LEVEL), f"{wrong} of {total}"


def test_the_edge_is_where_the_claim_stops_being_true() -> None:
    fewer, same = falls("x", "t", ""), keeps("x", "t", "")
    assert at_its_edge(fewer) == pytest.approx((0.35, 0.45))
    assert at_its_edge(same) == pytest.approx((0.55, 0.45))
    assert at_its_edge(falls("x", "t", "", least=LEAST_NATS)) == pytest.approx((-0.55, 0.45))


def test_simulated_answers_have_the_rates_that_they_are_said_to_have() -> None:
    dice, claim = np.random.default_rng(3), falls("x", "t", "")
    table = simulated(claim, 0.2, 0.97, dice, seeds=60, questions=4000)
    means = table.groupby("arm")["value"].mean()
    assert means["x"] == pytest.approx(0.2, abs=0.02) and means["none"] == pytest.approx(0.97, abs=0.01)
    nats = simulated(falls("x", "t", "", least=LEAST_NATS), -3, -1, dice, seeds=60, questions=4000)
    means = nats.groupby("arm")["value"].mean()
    assert means["x"] == pytest.approx(-3, abs=0.15) and means["none"] == pytest.approx(-1, abs=0.15)
    assert nats[nats["arm"] == "x"].groupby("question")["value"].mean().std() > 0.9 * QUESTION


def test_a_base_is_one_model_and_questions_are_the_same_for_both_sides() -> None:
    claim = keeps("x", "t", "", to="base")
    table = simulated(claim, 0.5, 0.5, np.random.default_rng(0), seeds=2, questions=10)
    assert table[table["arm"] == "base"]["seed"].isna().all() and (table["arm"] == "base").sum() == 10
    assert (table["arm"] == "x").sum() == 20
    assert {*table[table["arm"] == "x"]["question"]} == {*table[table["arm"] == "base"]["question"]}


def test_power_grows_with_the_effect_and_with_questions() -> None:
    claim = falls("x", "t", "")
    small, large = (power(claim, left, 0.7, repeats=20)["supported"] for left in (0.55, 0.3))
    assert small < 0.5 < large
    few = power(claim, 0.35, 0.7, questions=8, repeats=20)
    many = power(claim, 0.35, 0.7, questions=200, repeats=20)
    assert few["supported"] < many["supported"] and sum(few.values()) == pytest.approx(1)


def test_a_claim_that_the_field_made_since_is_told_from_the_papers() -> None:
    assert since() and not set(since()) & set(CLAIMS)
    for claim in since():
        assert claim.source and claim.reference and claim.paper == claim.source
    assert all(not claim.source for claim in CLAIMS)
    assert len({(claim.setting, claim.name) for claim in EVERY}) == len(EVERY)


@pytest.mark.parametrize("claim", since(), ids=lambda c: f"{c.setting}: {c.name}")
def test_what_the_source_reports_would_support_the_claim(claim: Claim) -> None:
    """The expected rates lie in the region: a claim the wrong way round would contradict its own source."""
    if claim.expected is not None:
        left, right = claim.expected
        assert claim.low < left - right < claim.high


def test_claims_of_the_field_do_not_weaken_the_verdicts_on_the_papers() -> None:
    mine = Claim("less", "", Side("x", "t"), Side("none", "t"), -math.inf, -0.1, setting="mine")
    others = [
        Claim(
            f"of others {n}", "", Side("x", "t"), Side("none", "t"), 0.1, math.inf, setting="mine", source="y"
        )
        for n in range(9)
    ]
    table = simulated(mine, 0.4, 0.62, np.random.default_rng(1))
    [alone] = verdicts(table, [mine])
    together = verdicts(table, [mine, *others])
    assert 0 < alone.p_supported < 1
    assert together[0].p_supported == alone.p_supported and len(together) == 10
    assert together[1].p_contradicted == pytest.approx(
        min(1, 9 * verdicts(table, [others[0]])[0].p_contradicted)
    )
    assert together[1].as_dict()["source"] == "y"
