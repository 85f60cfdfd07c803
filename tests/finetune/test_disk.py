"""A disk that takes no more: one line that names the path and what to do, and the next call goes on."""

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from inoc_evals.chat.rows import write_chat
from inoc_evals.cli import main
from inoc_evals.errors import UserError
from inoc_evals.files import writing
from inoc_evals.finetune import finetune, list_runs
from inoc_evals.finetune.adopt import adopt
from inoc_evals.finetune.export import export
from inoc_evals.finetune.merged import merged
from inoc_evals.runs.spec import FinetuneSpec
from tests.finetune.small import small_rows, small_spec
from tests.models.parts import build_adapter, build_run


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as a full disk would."""
    usual, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN  # an error, and no signal
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (usual, most))


def refused(use: Callable[[], Any], *words: str) -> None:
    with pytest.raises(UserError) as caught:
        use()
    said = caught.value.message
    assert "cannot be written (" in said and "run the command again" in said and "\n" not in said
    assert all(word in said for word in words), said


def unfinished(folder: Path) -> list[Path]:
    return list(folder.rglob("*.tmp"))


@pytest.mark.parametrize("room", [100, 4500, 12_000])  # for no row; for the rows; for a part of the states
def test_a_finetune(tiny: Path, tmp_path: Path, room: int) -> None:
    spec = small_spec(tiny, max_steps=2, save_steps=1, lora={"r": 8})

    def train() -> Any:
        return finetune(spec, small_rows(), name="x", runs=tmp_path, progress=False)

    with room_for(room):
        refused(train, str(tmp_path), "--runs", "File too large")
    assert not unfinished(tmp_path) and not any(run.is_finished() for run in list_runs(tmp_path))
    run = train()
    assert run.is_finished() and run.manifest.result.steps == 2 and not run.states.exists()


def test_an_adopted_checkpoint_and_a_merged_one(tiny: Path, tmp_path: Path) -> None:
    adapter = build_adapter(tmp_path / "adapter", tiny, 1)
    runs = tmp_path / "runs"

    def take() -> Any:
        return adopt("x", base=str(tiny), checkpoint=adapter, runs=runs)

    with room_for(2000):
        refused(take, str(runs), "--runs")
    assert not list_runs(runs) and not unfinished(runs) and not list(runs.glob("*/checkpoint"))
    assert take().is_finished()
    run = build_run(runs, "y", tiny, adapter)
    with room_for(2000):
        refused(lambda: merged(run), str(run.folder), "INOC_EVALS_CACHE")
    assert not (run.folder / "merged").exists() and not unfinished(runs)
    assert merged(run).is_dir()


def test_an_export_leaves_what_was_there(tmp_path: Path) -> None:
    spec, out = FinetuneSpec(base="org/model"), tmp_path / "out"
    export(spec, small_rows(2), "axolotl", out, name="x")
    before = (out / "rows.jsonl").read_bytes()
    with room_for(1000):
        refused(lambda: export(spec, small_rows(24), "axolotl", out, name="x"), str(out), "-o")
    assert (out / "rows.jsonl").read_bytes() == before and not unfinished(out)


def test_a_file_in_the_place_of_a_folder(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, rows = tmp_path / "place", tmp_path / "rows.jsonl"
    place.write_text("")
    write_chat(rows, small_rows())
    train = ["finetune", str(rows), "--base", str(tiny), "--runs", str(place)]
    model = ["adopt", "x", "--base", "b", "--model", "openai/ft:a", "--runs", str(place)]
    other = ["export", str(rows), "--to", "axolotl", "--base", "b", "-o", str(place / "out")]
    for words in (train, model, other):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 2
        said = capsys.readouterr().err
        assert (
            str(place) in said and "cannot be written (Not a directory)" in said and "Traceback" not in said
        )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "/a/b"), "/a/b cannot be written (No space left on device)"),
        (OSError(13, "Permission denied", "here/x"), "here/x cannot be written (Permission denied)"),
        (Exception("I/O error: Disk quota exceeded (os error 122)"), "here cannot be written (Disk quota"),
        (RuntimeError("PytorchStreamWriter failed writing file data/1"), "cannot be written (No space left"),
        (RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 5 vs 4"), "(No space left"),
    ],
)
def test_the_words_of_every_library(error: Exception, said: str) -> None:
    with pytest.raises(UserError) as caught, writing(Path("here"), "give another"):
        raise error
    assert said in caught.value.message
    assert ("free space" in caught.value.message) is ("Permission" not in said)


def test_other_errors_keep_their_traceback() -> None:
    unread = PermissionError(13, "Permission denied", "/another/base/model.safetensors")
    missing = FileNotFoundError(2, "No such file", "x")
    for fault in (ValueError("x"), missing, ConnectionError("gone"), unread):
        with pytest.raises(type(fault)), writing(Path("here"), ""):
            raise fault
