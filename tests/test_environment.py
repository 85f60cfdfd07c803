"""What whoever runs the tests has set does not reach them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import inoc_evals
from inoc_evals.runs.directory import RUNS_VARIABLE
from tests.conftest import AT_THE_START, OF_THE_USER

STAYS = {"CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "TOKENIZERS_PARALLELISM", "PWD", "COLUMNS"}
"""Variables of the machine and the shell, which tests may see; `COLUMNS` is taken from each by a fixture."""

READ = re.compile(r"""(?:environ|environ\.get|environ\.setdefault|\benv)[\[(]f?"([^"]+)\"""")


def read_by_the_suite() -> set[str]:
    """The names of all variables in the suite's code; what is filled in stands as `X`."""
    files = Path(inoc_evals.__file__).parent.rglob("*.py")
    names = {name for file in files for name in READ.findall(file.read_text(encoding="utf-8"))}
    return {re.sub(r"\{.*\}", "X", name) for name in names} | {RUNS_VARIABLE}


def test_the_tests_start_without_what_a_user_may_have_set() -> None:
    assert AT_THE_START and not [name for name in AT_THE_START if OF_THE_USER.fullmatch(name)]


def test_every_variable_that_the_suite_reads_is_known() -> None:
    names = read_by_the_suite()
    assert {"INOC_EVALS_CACHE", "OPENAI_API_KEY", "WORLD_SIZE", "X_BASE_URL"} <= names
    assert {name for name in names if not OF_THE_USER.fullmatch(name)} <= STAYS


@pytest.mark.parametrize("name", ["INOC_EVALS_RUNS", "INOC_EVALS_CACHE", "VLLM_BASE_URL", "INSPECT_LOG_DIR"])
def test_a_variable_of_whoever_runs_them_does_not_reach_the_tests(name: str) -> None:
    test = f"{__file__}::{test_the_tests_start_without_what_a_user_may_have_set.__name__}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test],
        env={**os.environ, name: "/somewhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout
