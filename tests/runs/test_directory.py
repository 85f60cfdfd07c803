"""A run directory is found, trusted only where it may be, and never trained twice."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from inoc_evals.chat.rows import encode_chat, read_chat
from inoc_evals.errors import MissingExtra, UserError
from inoc_evals.finetune import FinetuneSpec, Run, find_run, finetune, list_runs, runs_root
from tests.finetune.small import small_rows, small_spec


@pytest.fixture
def trained(tiny: Path, tmp_path: Path) -> Run:
    return finetune(small_spec(tiny), small_rows(), name="sums", runs=tmp_path, progress=False)


def _again(run: Run, rows: int = 24) -> Run:
    spec = run.manifest.spec
    return finetune(spec, small_rows(rows), name="sums", runs=run.folder.parent, progress=False)


def test_a_finished_run_is_returned_without_torch(trained: Run) -> None:
    code = (
        "import sys; from pathlib import Path; from inoc_evals.finetune import *; "
        "from inoc_evals.chat.rows import read_chat; run = find_run(sys.argv[1]); "
        "again = finetune(run.manifest.spec, read_chat(run.rows), name='sums', runs=run.folder.parent); "
        "assert again == run; "
        "heavy = {'torch', 'transformers', 'trl', 'peft', 'datasets'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    before = (trained.folder / "manifest.json").stat().st_mtime_ns
    subprocess.run([sys.executable, "-c", code, str(trained.folder)], check=True)
    assert (trained.folder / "manifest.json").stat().st_mtime_ns == before


def test_the_exact_training_bytes_are_kept(trained: Run) -> None:
    assert trained.rows.read_bytes() == encode_chat(small_rows())
    assert list(read_chat(trained.rows)) == small_rows()


def test_other_bytes_or_another_spec_are_another_run(trained: Run) -> None:
    fewer = _again(trained, rows=20)
    assert fewer.folder != trained.folder and fewer.is_finished()
    with pytest.raises(UserError, match=r"2 runs are named 'sums', use .*: sums-\w{12}, sums-\w{12}"):
        find_run("sums", trained.folder.parent)


def _truncate(folder: Path) -> None:
    file = folder / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def _flip(folder: Path) -> None:
    file = folder / "adapter_model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def _remove_weights(folder: Path) -> None:
    (folder / "adapter_model.safetensors").unlink()


def _remove_config(folder: Path) -> None:
    (folder / "adapter_config.json").unlink()


@pytest.mark.parametrize("damage", [_truncate, _flip, _remove_weights, _remove_config])
def test_a_damaged_checkpoint_is_trained_again(trained: Run, damage: Callable[[Path], None]) -> None:
    whole = (trained.checkpoint / "adapter_model.safetensors").read_bytes()
    assert trained.is_finished()
    damage(trained.checkpoint)
    assert not trained.is_finished()
    assert _again(trained) == trained
    assert trained.is_finished()
    assert (trained.checkpoint / "adapter_model.safetensors").read_bytes() == whole


def test_a_run_is_found_by_path_by_directory_and_by_name(
    trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_run(trained.folder) == find_run(str(trained.folder)) == trained
    monkeypatch.setenv("INOC_EVALS_RUNS", str(trained.folder.parent))
    assert runs_root() == trained.folder.parent
    assert find_run("sums") == find_run(trained.folder.name) == trained
    assert list_runs() == [trained]
    with pytest.raises(UserError, match="no run 'nobody' in "):
        find_run("nobody")


def test_runs_live_in_runs_unless_told_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INOC_EVALS_RUNS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert runs_root() == tmp_path / "runs"
    assert list_runs() == []


def test_a_spoilt_manifest_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "half')
    with pytest.raises(UserError) as caught:
        _ = find_run(tmp_path).manifest
    assert "cannot be read by this version" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "name", "metadata", "says"),
    [
        ([], "run", None, "run 'run': no rows to train on"),
        ([{"messages": [{"role": "user", "content": "Hi"}]}], "run", None, "row 1: no assistant turn"),
        (small_rows(1), "../run", None, "run name '../run': start with a letter or digit"),
        (small_rows(1), "", None, "run name '': start with a letter or digit"),
        (small_rows(1), "run", {"folder": Path()}, "metadata of run 'run' is not JSON"),
    ],
)
def test_bad_asks_are_refused_before_anything_is_written(
    tiny: Path, tmp_path: Path, rows: list, name: str, metadata: dict | None, says: str
) -> None:
    with pytest.raises(UserError) as caught:
        finetune(small_spec(tiny), rows, name=name, runs=tmp_path / "runs", metadata=metadata)
    assert says in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_an_unknown_base_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no base model '\./nowhere'"):
        finetune(FinetuneSpec(base="./nowhere"), small_rows(1), name="run", runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_without_the_extra_one_line_says_which(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "trl" else object())
    with pytest.raises(MissingExtra, match=r"trl not installed: run  pip install 'inoc-evals\[local\]'"):
        finetune(small_spec(tiny), small_rows(1), name="run", runs=tmp_path)
