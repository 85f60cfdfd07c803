import contextvars
import inspect
import os
import re
from pathlib import Path

import pytest

from tests.tiny import build_tiny

LONG = ("tests/end_to_end/", "tests/experiment/", "tests/finetune/")
"""Where the tests are that take minutes. They start first, so that no worker is left with one at the end."""


OF_THE_USER = re.compile(
    r"(INOC_EVALS|INSPECT|RAY|SLURM|SBATCH|SUBMITIT|TORCHELASTIC|ACCELERATE|FSDP)_\w+|\w+_(API_KEY|BASE_URL)"
    r"|HF_(TOKEN|ENDPOINT|HUB_(ETAG|DOWNLOAD)_TIMEOUT)|(LOCAL_)?(RANK|WORLD_SIZE)|MASTER_(ADDR|PORT)"
)
"""Variables by which a user tells the suite, or what it is built on, where things are and who pays for them.

Where caches of the machine are (`HF_HOME`), what it may use (`CUDA_VISIBLE_DEVICES`) and whether it may fetch
(`HF_HUB_OFFLINE`) stays as it is.
"""


AT_THE_START: set[str] = set()
"""The variables with which the tests start: libraries set some of their own later."""


def pytest_configure() -> None:
    """Start from one environment, whoever runs the tests: a test sets the variables that it is about."""
    for name in [name for name in os.environ if OF_THE_USER.fullmatch(name)]:
        del os.environ[name]
    AT_THE_START.update(os.environ)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with what takes longest; the order is otherwise that of the files."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Call each test in a context of its own: what an evaluation binds there, such as a judge, ends with it.

    Inspect keeps the model and the roles of the last evaluation in context variables. A test that asks
    whether a judge is bound would otherwise find that of whatever test its worker ran before.
    """
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    contextvars.Context().run(pyfuncitem.obj, **{name: pyfuncitem.funcargs[name] for name in names})
    return True


@pytest.fixture(autouse=True)
def as_wide_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print tables as into a file: a worker of pytest-xdist has a terminal's width in its environment."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random tiny chat model (see tests/tiny.py)."""
    return build_tiny(tmp_path_factory.mktemp("tiny"))
