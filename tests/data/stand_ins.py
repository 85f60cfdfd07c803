"""Files of our own in the place of pinned ones: the same form, none of the content."""

from pathlib import Path

import pytest

from inoc_evals.data.sources import SOURCES, PinnedFile
from inoc_evals.digests import blob_id

NOWHERE = "http://127.0.0.1:9"


def stand_in(
    monkeypatch: pytest.MonkeyPatch, cache: Path, name: str, content: str, rows: int | None = None
) -> None:
    """Pin `content` as the source `name`, said to have so many rows, and put it into the cache."""
    data = content.encode()
    file = PinnedFile("someone/something", "c" * 40, SOURCES[name].path, blob_id(data), "MIT", rows)
    monkeypatch.setitem(SOURCES, name, file)
    cache.mkdir(exist_ok=True)
    (cache / file.blob).write_bytes(data)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, whose path this is, and no server behind it."""
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("INOC_EVALS_MIRROR", NOWHERE)
    monkeypatch.setattr("inoc_evals.data.cache.PAUSE", 0.0)
    return tmp_path / "cache"
