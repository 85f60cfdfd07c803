"""Counts in sentences: one of a kind is no plural."""

import pytest

from inoc_evals.analysis.findings import BLOCKS, CAUTION, NOTE, Finding, Severity, summary
from inoc_evals.plurals import many


@pytest.mark.parametrize(
    ("count", "nouns", "said"),
    [
        (0, ("log",), "0 logs"),
        (1, ("log",), "1 log"),
        (3000, ("empty answer",), "3,000 empty answers"),
        (2, ("query", "queries"), "2 queries"),
    ],
)
def test_a_count_has_its_noun(count: int, nouns: tuple[str, ...], said: str) -> None:
    assert many(count, *nouns) == said


@pytest.mark.parametrize(
    ("severities", "said"),
    [
        ([], "nothing to report"),
        ([CAUTION], "1 caution"),
        ([NOTE, BLOCKS, CAUTION, CAUTION, BLOCKS], "2 block a verdict, 2 cautions, 1 note"),
    ],
)
def test_findings_are_counted_by_severity(severities: list[Severity], said: str) -> None:
    assert summary(Finding("x", severity, "x", "x") for severity in severities) == said
