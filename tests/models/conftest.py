from pathlib import Path

import pytest

from tests.models.parts import build_adapters


@pytest.fixture(scope="session")
def adapters(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Adapter folders over the tiny model, by name."""
    return build_adapters(tmp_path_factory.mktemp("adapters"), tiny)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
