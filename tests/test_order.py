"""What is printed stands in one order, whatever Python's hashes are."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.report.logs import ENGLISH, SPANISH, experiment

WORDS = ("supported", "contradicted", "undecided", "not valid", "not measured")


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work") / "logs"
    experiment(folder, {"base": ENGLISH, "none": SPANISH.upper(), "spanish-inoc": ENGLISH.upper()})
    return folder


def seeds(count: int = 2) -> list[str]:
    """Seeds of hashes under which sets of the words for verdicts are iterated over in different orders."""
    orders: dict[str, str] = {}
    for seed in map(str, range(20)):
        script = f"print(list(set({WORDS[:4]!r})))"
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        orders.setdefault(done.stdout, seed)
        if len(orders) == count:
            break
    return list(orders.values())


def test_claims_are_counted_in_one_order(logs: Path) -> None:
    said = set()
    for seed in seeds(4):
        done = subprocess.run(
            [sys.executable, "-m", "inoc_evals", "claims", str(logs)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        said.add(done.stdout)
    [one] = said
    counted = re.findall("|".join(WORDS), one.splitlines()[-1])
    assert len(counted) > 2 and counted == sorted(counted, key=WORDS.index), one
