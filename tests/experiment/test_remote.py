"""Runs behind a URL, in stores in memory and on disk: complete or invisible, whenever a copy breaks off."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import platformdirs
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from upath import UPath

from inoc_evals.experiment.remote import fetch, push

URL = "memory://store/runs"


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda _: tmp_path / "cache")


@pytest.fixture
def run(tmp_path: Path) -> Any:
    folder = tmp_path / "runs" / "mine-0123"
    for name in ("manifest.json", "rows.jsonl", "checkpoint/model.safetensors", "checkpoint/deep/one.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / "lock").touch()
    return SimpleNamespace(folder=folder, checkpoint=folder / "checkpoint", steps=folder / "steps")


def contents(folder: Any) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }


@pytest.mark.parametrize("store", ["memory", "file"])
def test_a_run_arrives_as_it_was_sent(run: Any, store: str, tmp_path: Path) -> None:
    url = URL if store == "memory" else f"file://{tmp_path}/store"
    push(run, url)
    runs = fetch(url, "mine")
    sent = {name: data for name, data in contents(run.folder).items() if name != "lock"}
    assert contents(runs / "mine-0123") == sent and len(sent) == 4
    assert [folder.name for folder in runs.iterdir()] == ["mine-0123"]
    assert fetch(url, "my") == runs


def test_the_manifest_is_sent_last_and_an_incomplete_run_is_not_fetched(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    put_file = MemoryFileSystem.put_file

    def breaks_off(self: Any, lpath: str, rpath: str, **more: Any) -> None:
        if rpath.endswith("manifest.json"):
            raise OSError("the line is down")
        sent.append(rpath)
        put_file(self, lpath, rpath, **more)

    with monkeypatch.context() as broken:
        broken.setattr(MemoryFileSystem, "put_file", breaks_off)
        with pytest.raises(OSError, match="the line is down"):
            push(run, URL)
    assert len(sent) == 3 and not list(fetch(URL, "mine").iterdir())
    push(run, URL)
    assert (fetch(URL, "mine") / "mine-0123" / "manifest.json").is_file()


def test_a_copy_that_breaks_off_leaves_no_run_behind(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    push(run, URL)

    def breaks_off(*_: Any, **__: Any) -> None:
        raise OSError("the line is down")

    with monkeypatch.context() as broken:
        broken.setattr(MemoryFileSystem, "get_file", breaks_off)
        with pytest.raises(OSError, match="the line is down"):
            fetch(URL, "mine")
    runs = fetch(URL, "mine")
    assert [folder.name for folder in runs.iterdir()] == ["mine-0123"]


def test_what_the_store_has_is_not_sent_again(run: Any) -> None:
    push(run, URL)
    (run.folder / "rows.jsonl").write_bytes(b"other rows")
    push(run, URL)
    assert (UPath(URL) / "mine-0123" / "rows.jsonl").read_bytes() == b"rows.jsonl"
