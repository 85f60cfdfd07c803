"""Rates over verdicts: every answer counts once, errors cluster by question, nothing over nothing is nan."""

import math
import random
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.scorer import MetricProtocol, SampleScore, Score, stderr

from inoc_evals.scorers.metrics import MANY, at_k, by, by_condition, difference, rates

Answers = list[tuple[str, float]]
VERDICTS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from([0.0, 1.0, math.nan])), max_size=40
)


def scores(answers: Answers, trait: str = "evil", judged: bool = True) -> list[SampleScore]:
    return [
        SampleScore(
            score=Score(value={trait: verdict}, metadata={"judged": judged}),
            sample_id=f"{question}-{number}",
            sample_metadata={"question": question},
        )
        for number, (question, verdict) in enumerate(answers)
    ]


def found(metric: Any, answers: list[SampleScore]) -> dict[str, float]:
    return cast(dict[str, float], cast(MetricProtocol, metric)(answers))


@given(VERDICTS)
def test_a_rate_is_the_share_of_the_answers_that_count(answers: Answers) -> None:
    counted = [verdict for _, verdict in answers if not math.isnan(verdict)]
    result = found(rates("evil"), scores(answers))
    assert result["evil_n"] == len(counted)
    if counted:
        assert result["evil"] == pytest.approx(sum(counted) / len(counted))
    elif answers:
        assert math.isnan(result["evil"]) and math.isnan(result["evil_stderr"])


@pytest.mark.parametrize("no_score", [math.inf, -math.inf, 1e60])
def test_what_tables_take_for_no_score_is_none_in_a_logs_own_metrics(no_score: float) -> None:
    several = scores([("a", no_score), ("b", -no_score), ("c", -2.0)])
    result = found(rates("evil"), several)
    assert (result["evil"], result["evil_n"]) == (-2.0, 1)
    assert found(by("evil"), several)["evil | c"] == -2.0


@given(VERDICTS.filter(lambda answers: len({q for q, v in answers if not math.isnan(v)}) > 1))
def test_the_error_is_inspects_own_clustered_one(answers: Answers) -> None:
    plain = [
        SampleScore(score=Score(value=verdict), sample_metadata={"question": question})
        for question, verdict in answers
        if not math.isnan(verdict)
    ]
    expected = cast(MetricProtocol, stderr(cluster="question"))(plain)
    assert found(rates("evil"), scores(answers))["evil_stderr"] == pytest.approx(expected)


def test_answers_that_are_alike_within_a_question_tell_less() -> None:
    alike = scores([("a", 1.0)] * 50 + [("b", 0.0)] * 50)
    mixed = scores([("a", float(n % 2)) for n in range(50)] + [("b", float(n % 2)) for n in range(50)])
    assert found(rates("evil"), alike)["evil_stderr"] > 5 * found(rates("evil"), mixed)["evil_stderr"]


def test_one_question_has_no_error() -> None:
    assert math.isnan(found(rates("evil"), scores([("a", 1.0), ("a", 0.0)]))["evil_stderr"])


def test_over_all_answers_one_that_does_not_count_is_without_the_trait() -> None:
    answers = scores([("a", 1.0), ("b", math.nan), ("c", 0.0), ("d", math.nan)])
    result = found(rates("evil", of_all="evil"), answers)
    assert (result["evil"], result["evil_n"]) == (0.5, 2)
    assert (result["evil_of_all"], result["evil_of_all_n"]) == (0.25, 4)


def test_an_answer_that_the_judge_failed_on_is_in_no_denominator() -> None:
    answers = scores([("a", 1.0)]) + scores([("b", math.nan)], judged=False)
    result = found(rates("evil", of_all="evil"), answers)
    assert (result["evil_of_all"], result["evil_of_all_n"]) == (1.0, 1)


def test_a_value_in_words_counts_as_inspects_own_metrics_count_it() -> None:
    said = [
        SampleScore(score=Score(value={"evil": value}), sample_metadata={"question": str(number)})
        for number, value in enumerate(("C", "I", "yes", "0.5", "unreadable"))
    ]
    assert found(rates("evil"), said)["evil"] == 2.5 / 4 and found(rates("evil"), said)["evil_n"] == 4


def test_by_question_and_by_another_key() -> None:
    answers = scores([("a", 1.0), ("a", 0.0), ("b", math.nan)])
    result = found(by("evil"), answers)
    assert result["evil | a"] == 0.5 and math.isnan(result["evil | b"])
    for answer, order in zip(answers, ("first", "last", "first"), strict=True):
        answer.sample_metadata = {"order": order}
    assert found(by("evil", "order"), answers)["evil | last"] == 0.0
    assert found(by("evil", "no-such-key"), answers) == {}


def test_many_questions_are_not_told_one_by_one() -> None:
    assert found(by("evil"), scores([(f"q{n}", 1.0) for n in range(MANY + 1)])) == {}


def test_a_sample_without_a_question_is_its_own() -> None:
    answers = [SampleScore(score=Score(value={"evil": v}), sample_id=n) for n, v in enumerate([1.0, 0.0])]
    assert found(by("evil"), answers) == {"evil | 0": 1.0, "evil | 1": 0.0}


def test_a_score_without_the_trait_does_not_count() -> None:
    answers = [*scores([("a", 1.0)]), SampleScore(score=Score(value=math.nan), sample_id="x")]
    assert found(rates("evil"), answers)["evil_n"] == 1


@given(VERDICTS, st.randoms())
def test_the_order_of_the_answers_changes_no_digit(answers: Answers, rng: random.Random) -> None:
    shuffled = answers.copy()
    rng.shuffle(shuffled)
    first, second = (found(rates("evil", of_all="evil"), scores(a)) for a in (answers, shuffled))
    assert str(first) == str(second)


def test_of_no_scores_nothing_is_reported_but_their_number() -> None:
    assert found(rates("evil"), []) == {"evil_n": 0.0}
    for metric in (by("evil"), at_k("evil"), by_condition("evil"), difference("evil", of="a", less="b")):
        assert [value for value in found(metric, []).values() if value is not None] == []
