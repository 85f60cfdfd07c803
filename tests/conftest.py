from pathlib import Path

import pytest

from tests.tiny import build_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random tiny chat model (see tests/tiny.py)."""
    return build_tiny(tmp_path_factory.mktemp("tiny"))
