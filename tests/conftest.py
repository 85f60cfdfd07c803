from pathlib import Path

import pytest

from tests.tiny import build_tiny

LONG = ("tests/end_to_end/", "tests/experiment/", "tests/finetune/")
"""Where the tests are that take minutes. They start first, so that no worker is left with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with what takes longest; the order is otherwise that of the files."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random tiny chat model (see tests/tiny.py)."""
    return build_tiny(tmp_path_factory.mktemp("tiny"))
