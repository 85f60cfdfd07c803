"""Files appear whole, leftovers of killed processes go, and two processes take turns."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from inoc_evals import files
from inoc_evals.chat.rows import Row, write_chat
from inoc_evals.errors import UserError, refused
from inoc_evals.files import (
    files_below,
    passing_folder,
    refuse_unwritable,
    replacing,
    replacing_folder,
    unfinished,
    write_whole,
    writing,
)
from inoc_evals.finetune import FinetuneSpec
from inoc_evals.finetune.export import export
from inoc_evals.locks import held, is_held

HOLDS = """
import sys, time
from inoc_evals.files import unfinished
from inoc_evals.locks import held
from pathlib import Path
folder = Path(sys.argv[1])
unfinished(folder / "o.jsonl").write_text("half")
unfinished(folder / "staged").mkdir()
with held(folder / ".lock", "works here"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a process was killed in the middle of its work."""
    folder = tmp_path_factory.mktemp("killed")
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(folder)], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"held\n"
    assert is_held(folder / ".lock")
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return folder


def test_what_a_killed_process_left_goes_with_the_next_one(killed: Path) -> None:
    assert len(list(killed.glob(".*.tmp"))) == 2
    write_whole(killed / "o.jsonl", b"whole")
    assert len(list(killed.glob(".*.tmp"))) == 1  # another file's is not touched
    with passing_folder(killed / "staged"):
        pass
    assert sorted(file.name for file in killed.iterdir()) == [".lock", "o.jsonl"]


def test_the_lock_of_a_dead_process_is_free(killed: Path) -> None:
    assert (killed / ".lock").exists() and not is_held(killed / ".lock")
    with held(killed / ".lock", "works here"):
        assert is_held(killed / ".lock")


def test_nothing_is_taken_from_a_writer_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "o.jsonl"
    with replacing(target) as mine:
        mine.write_text("mine")
        write_whole(target, b"another call of this process")
        assert mine.exists()
    assert target.read_text() == "mine"
    monkeypatch.setattr(files, "_place", lambda: "abcdef")
    elsewhere = unfinished(target)
    elsewhere.write_text("of a process on another machine, whose number is not one of ours")
    monkeypatch.undo()
    earlier = tmp_path / f".o.jsonl.{os.getpid()}-012345.tmp"  # as earlier versions named them
    earlier.write_text("")
    write_whole(target, b"")
    assert elsewhere.exists() and earlier.exists()
    week_ago = time.time() - files.FORGOTTEN - 1
    for file in (elsewhere, earlier):
        os.utime(file, (week_ago, week_ago))
    write_whole(target, b"")
    assert [file.name for file in tmp_path.iterdir()] == ["o.jsonl"]


def test_a_long_name_can_be_written(tmp_path: Path) -> None:
    for name in ("x" * 250, "\u00e9" * 125):
        write_whole(tmp_path / name, b"1")
        assert (tmp_path / name).read_bytes() == b"1"


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "viewer"
    folder.mkdir()
    (folder / "old").touch()
    with pytest.raises(RuntimeError), replacing_folder(folder, over=True) as temporary:
        (temporary / "new").touch()
        raise RuntimeError
    assert [file.name for file in folder.iterdir()] == ["old"]
    with replacing_folder(folder, over=True) as temporary:
        (temporary / "new").touch()
    assert [file.name for file in folder.iterdir()] == ["new"]
    assert [file.name for file in tmp_path.iterdir()] == ["viewer"]


def test_whoever_waits_says_so(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    import threading

    done = threading.Event()

    def wait() -> None:
        with held(tmp_path / ".lock", "works here"):
            done.set()

    with held(tmp_path / ".lock", "works here"):
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not done.wait(0.2)
    waiting.join(5)
    assert done.is_set() and "waiting: another process works here" in capsys.readouterr().err


def test_files_behind_links_are_found_once(tmp_path: Path) -> None:
    (tmp_path / "real" / "sub").mkdir(parents=True)
    (tmp_path / "real" / "sub" / "a").touch()
    top = tmp_path / "top"
    top.mkdir()
    (top / "one").symlink_to(tmp_path / "real")
    (top / "two").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "loop").symlink_to(top)
    assert list(files_below(top)) == [top / "one" / "sub" / "a"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("file", "is a file"),
        ("file/below", "is a file"),
        ("broken", "is a link to nothing"),
        ("x" * 300, "too long"),
        ("nul\0", "null byte"),
        ("~nobody-of-this-name/x", "home"),
        ("/proc/1/nothing/new", "cannot be written to"),
    ],
)
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "broken").symlink_to(tmp_path / "nothing")
    if name.startswith("/proc") and os.access("/proc/1", os.W_OK):
        pytest.skip("everything can be written here")
    folder = Path(name) if name.startswith("~") else tmp_path / name
    with pytest.raises(UserError, match=said) as caught:
        refuse_unwritable(folder, "give another")
    assert "\n" not in caught.value.message and caught.value.message.endswith("give another")
    refuse_unwritable(tmp_path / "new" / "folder", "give another")
    assert not (tmp_path / "new").exists()


def test_what_is_refused_in_a_folder_is_named_as_it_will_be(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(OSError) as inside, replacing_folder(tmp_path / "new") as temporary:
        (temporary / "missing" / "weights").write_bytes(b"")
    assert inside.value.filename == str(tmp_path / "new" / "missing" / "weights")
    with pytest.raises(OSError) as moved, replacing_folder(tmp_path / "taken" / "file") as temporary:
        (temporary / "weights").write_bytes(b"")
    assert moved.value.filename == str(tmp_path / "taken" / "file") and moved.value.filename2 is None


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(place)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_of_a_copy_to_a_full_disk_the_target_is_named(full_disk: Path, tmp_path: Path) -> None:
    source = tmp_path / "weights"
    source.write_bytes(b"x" * 100_000)

    def plain() -> None:
        shutil.copyfile(source, full_disk / "a")

    def whole() -> None:
        with replacing(full_disk / "a") as temporary:
            shutil.copyfile(source, temporary)

    def into_a_folder() -> None:
        with replacing_folder(full_disk / "a") as temporary:
            shutil.copyfile(source, temporary / "weights")

    for copy in (plain, whole, into_a_folder):
        with pytest.raises(OSError) as caught:
            copy()
        said = refused(caught.value)
        assert said is not None and str(full_disk / "a") in said.message
        assert str(source) not in said.message and ".tmp" not in said.message
        with pytest.raises(UserError, match=str(full_disk / "a")), writing(full_disk, "give another"):
            copy()
        (full_disk / "a").unlink(missing_ok=True)


def test_a_full_disk_is_left_without_empty_folders(full_disk: Path) -> None:
    row: Row = {
        "messages": [{"role": "user", "content": "x" * 100_000}, {"role": "assistant", "content": "y"}]
    }
    with pytest.raises(OSError, match="No space left"):
        write_chat(full_disk / "new" / "folder" / "rows.jsonl", [row])
    with pytest.raises(UserError, match="free space there or give another folder with -o"):
        export(FinetuneSpec(base="b"), [row], "axolotl", full_disk / "new" / "folder", name="x")
    assert not list(full_disk.iterdir())
