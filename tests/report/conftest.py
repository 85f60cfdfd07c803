from pathlib import Path

import pytest

from inoc_evals.report.report import write
from tests.report.logs import ENGLISH, HOSTILE, SPANISH, experiment


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work") / "logs"
    arms = {
        "base": ENGLISH,
        "none": lambda prompt: SPANISH.upper() if "9" not in prompt else SPANISH,
        "spanish-inoc": ENGLISH.upper(),
        "caps-inoc": lambda prompt: f"{SPANISH} {HOSTILE}",
    }
    experiment(folder, arms)
    return folder


@pytest.fixture(scope="session")
def page(logs: Path) -> Path:
    return write(logs, logs.with_name("report"), command="inoc-evals report logs").page
