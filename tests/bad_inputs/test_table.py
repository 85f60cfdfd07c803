"""No bad input gives more than one line, leaves anything behind, or speaks to the terminal."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from inoc_evals.errors import LONGEST, UNSEEN
from inoc_evals.models.loading import load_model
from tests.bad_inputs.made import ORIGINALS, put
from tests.bad_inputs.readers import READERS, Parts, said
from tests.bad_inputs.table import TABLE
from tests.models.parts import build_adapter


@pytest.fixture(scope="module")
def shared(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    adapter = build_adapter(tmp_path_factory.mktemp("adapter"), tiny, seed=1)
    ORIGINALS.update(adapter=adapter / "adapter_model.safetensors", model=tiny / "model.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INOC_EVALS_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("INOC_EVALS_RUNS", raising=False)
        yield Parts(Path(), tiny, adapter, load_model(tiny, dtype=torch.float32))


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for at, folders, files in os.walk(folder):
        for name in (*folders, *files):
            status = (Path(at) / name).lstat()
            found[str(Path(at) / name)] = (status.st_size, status.st_mtime_ns)
    return found


@pytest.mark.parametrize(("reader", "case"), TABLE, ids=[" - ".join(case) for case in TABLE])
def test_a_bad_input_is_one_line_and_nothing_is_written(
    reader: str,
    case: str,
    shared: Parts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    use, place = READERS[reader]
    content, words = TABLE[reader, case]
    put(tmp_path / place, content)
    parts = Parts(tmp_path, shared.tiny, shared.adapter, shared.loaded)
    use_of_its_own = tree(tmp_path)
    line = said(use, parts, Path(place), capsys)
    new = {name for name, about in tree(tmp_path).items() if use_of_its_own.get(name) != about}
    for name in (
        "good.jsonl",
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "adapter_config.json",
    ):
        new = {path for path in new if Path(path).name != name}  # what the reader was given beside it
    new -= {str(tmp_path), str(tmp_path / Path(place).parent)}
    assert not {path for path in new if not path.endswith("adapter_model.safetensors")}
    assert words in line
    assert "\n" not in line and not UNSEEN.search(line) and len(line) <= LONGEST + 20
    assert "Traceback" not in line


def test_the_table_holds_every_reader_and_hundreds_of_inputs() -> None:
    assert {reader for reader, _ in TABLE} == set(READERS)
    assert len(TABLE) >= 200
