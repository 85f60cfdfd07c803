"""What an analysis takes grows no faster than its answers: Python's own calls, counted at three sizes.

Times are measured by `benchmarks/many_logs.py`; counts are the same on every machine.
"""

import sys
from collections.abc import Callable
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from inoc_evals.analysis import audit_answers, audit_same, audit_texts, log_facts, workers
from inoc_evals.analysis.contrasts import differences
from inoc_evals.analysis.estimates import rates
from inoc_evals.analysis.log_facts import LogFacts
from inoc_evals.analysis.verdicts import verdicts
from inoc_evals.settings import SETTINGS
from tests.analysis.test_audit import facts_of, table
from tests.report.logs import ENGLISH, evaluated

SIZES = (12, 24, 48)
"""Finetunes of an arm."""

LINEAR = 1.15

CLAIMS = SETTINGS["spanish_caps"].claims


def answers(seeds: int) -> pd.DataFrame:
    """Answers of an experiment."""
    shows = {"base": 0.0, "none": 0.9, "spanish-inoc": 0.1, "irrelevant": 0.8}
    return table(shows, seeds, 20, setting="spanish_caps", task="spanish_caps", trait="spanish", world="toy")


def calls(of: Callable[[], Any]) -> int:
    """How many functions of Python are called, generators that go on included."""
    count = 0

    def counted(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        of()
    finally:
        sys.setprofile(None)
    return count


STEPS: dict[str, Callable[[pd.DataFrame, dict[str, LogFacts]], Any]] = {
    "audit": lambda table, facts: list(audit_answers.checks(table, facts, SETTINGS)),
    "same answers": lambda table, facts: list(audit_same.same_answers(audit_texts.with_facts(table, facts))),
    "verdicts": lambda table, _: verdicts(table, CLAIMS),
    "rates": lambda table, _: rates(table),
    "differences": lambda table, _: differences(table),
}


@pytest.mark.parametrize("step", STEPS)
def test_work_grows_with_the_answers(step: str) -> None:
    counts = []
    STEPS[step](answers(2), facts_of(answers(2)))  # what is imported and kept at the first use
    for seeds in SIZES:
        of_size = answers(seeds)
        facts = facts_of(of_size)
        counts.append(calls(lambda table=of_size, known=facts: STEPS[step](table, known)))
    growth = [log(b / a) / log(2) for a, b in pairwise(counts)]
    assert max(growth) < LINEAR, counts


def test_logs_are_read_alike_by_one_process_and_by_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    evaluated(tmp_path / "logs", ENGLISH, {"arm": "none", "seed": 0})
    read, damaged = next((tmp_path / "logs").glob("*.eval")), tmp_path / "damaged.eval"
    damaged.write_bytes(read.read_bytes()[:-200])
    alone = log_facts.read(str(read))
    for kept in (tmp_path / "cache" / "audits").iterdir():
        kept.unlink()
    monkeypatch.setattr(workers, "MANY", 1)
    monkeypatch.setattr(workers, "LARGE", 0)
    found, error = log_facts.read_all([str(read), str(damaged)])
    assert found == alone and isinstance(error, Exception)
