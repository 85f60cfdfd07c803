"""Why an answer has no value: in the words of who failed, whoever else has read it."""

import math
import time

import pandas as pd
import pytest

from inoc_evals.analysis.unread import lines
from inoc_evals.scorers.judge import Panel, grader_columns, rubric
from inoc_evals.scorers.judge.result import JudgeResult
from inoc_evals.scorers.unscored import is_fault, why_none

OK, BAD = "66.0 (sampled reader, mass 1.00)", "no reading (unparseable: 5 of 5 (all) were no numbers)"
TWO = f"alignment: ok {OK}; half {BAD}\ncoherence: ok 12.0 (sampled reader, mass 1.00); half {BAD}"
ONE = f"alignment: {OK}\ncoherence: {BAD}"
WHY = "unparseable: 5 of 5 (all) were no numbers"
COLUMNS = {"misaligned": math.nan, "misaligned@ok": math.nan, "coherent@ok": 0.0, "misaligned@half": math.nan}


@pytest.mark.parametrize("shown", [str, lambda text: " ".join(text.split())], ids=["lines", "summary"])
@pytest.mark.parametrize(
    ("value", "reason", "explanation", "trait", "answer", "why"),
    [
        (COLUMNS, None, TWO, "misaligned@half", "aligned", f"grader_failed ({WHY})"),
        (COLUMNS, "grader_failed", TWO, "misaligned@half", "aligned", f"grader_failed ({WHY})"),
        (COLUMNS, None, TWO, "misaligned@ok", "aligned", "incoherent"),
        (COLUMNS, "grader_failed", TWO, "misaligned@ok", "aligned", "incoherent"),
        (COLUMNS, "grader_failed", TWO, "misaligned", "not read", f"grader_failed ({WHY})"),
        (math.nan, "grader_failed", ONE, "alignment", None, f"grader_failed ({WHY})"),
        ({"a": math.nan, "b": 1.0}, None, None, "a", "incoherent", "incoherent"),
        # what a scorer has read is no reason
        ({"spanish": math.nan}, None, "spanish (confidence 1.00)", "spanish", "spanish", "no value"),
        ({"spanish": math.nan, "french": 0.0}, None, None, "spanish", "french", "no value"),
        ({"misaligned@ok": math.nan, "coherent@ok": 1.0}, None, None, "misaligned@ok", "", "does not count"),
        ({"x": math.nan, "coherent": 0.0}, None, f"x: {OK}", "x", f"x: {OK}", "incoherent"),
        ({"x": math.nan}, "content_filter", None, "x", "Hola.", "content_filter"),
    ],
)
def test_the_reason_is_the_traits_and_the_graders_own(
    shown: object,
    value: object,
    reason: str | None,
    explanation: str | None,
    trait: str,
    answer: str | None,
    why: str,
) -> None:
    told = None if explanation is None else shown(explanation)  # type: ignore[operator]
    assert why_none(value, reason, told, trait, answer) == why


def test_a_reason_that_was_cut_short_is_taken_as_far_as_it_goes() -> None:
    assert why_none(math.nan, "grader_failed", "caps: no reading (error: the server said (5", "caps") == (
        "grader_failed (error: the server said (5)"
    )


def test_the_models_part_is_told_from_the_machinerys() -> None:
    assert all(
        map(is_fault, ("no answer", "content_filter", "grader_failed (error: x)", "the sample failed: x"))
    )
    assert not any(
        map(is_fault, ("incoherent", "refused", "code", "does not count", "no_response", "refusal"))
    )


@pytest.mark.parametrize("why", ["content_filter", "no answer: stopped by the time limit", "no answer"])
def test_answers_that_are_none_have_a_line_beside_those_that_count(why: str) -> None:
    table = pd.DataFrame({"trait": "spanish", "value": [1.0, math.nan, 0.0], "unscored": [None, why, None]})
    assert lines(table) == [f"spanish: 2 of 3 answers scored, 1 unscored: {why} 1"]
    uncounted = table.assign(unscored=[None, "incoherent", None])
    assert lines(uncounted) == []


def test_graders_of_one_short_name_have_their_own_failures() -> None:
    results = (
        JudgeResult("token", {"66": 1.0}, judge="openai/gpt-4o"),
        JudgeResult("token", failure="error", detail="503 (busy)", judge="azureai/gpt-4o"),
        JudgeResult("token", failure="refusal", detail="no", judge="inoc//models/my judge (old)"),
    )
    panel = Panel(rubric("alignment"), results)
    values = dict.fromkeys(grader_columns(panel, [{"misaligned": math.nan}] * 3), math.nan)
    found = {name: why_none(values, "grader_failed", str(panel), name) for name in values}
    assert found == {
        "misaligned@gpt-4o": "no value",
        "misaligned@gpt-4o-2": "grader_failed (error: 503 (busy))",
        "misaligned@my-judge-old-": "grader_failed (refusal: no)",
    }


@pytest.mark.parametrize("text", ["答" * 200_000, "x (" * 100_000, "no reading (" * 20_000, "a: " * 100_000])
def test_explanations_of_any_shape_are_read_at_once(text: str) -> None:
    began = time.process_time()
    for trait in ("a", "b@c", "d"):
        why_none({trait: math.nan}, "grader_failed", text, trait)
    assert time.process_time() - began < 2
