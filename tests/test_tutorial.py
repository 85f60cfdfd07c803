"""The tutorial's notebook runs, cell by cell, as it stands; in CI on the embedded model and a few answers."""

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parent.parent / "docs" / "tutorial.ipynb"


def cells() -> list[str]:
    """The code of every cell, without what only a notebook understands."""
    read = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in read["cells"] if cell["cell_type"] == "code"]


def execute(
    world: str, folder: Path, monkeypatch: pytest.MonkeyPatch, fewer: dict[str, Any]
) -> dict[str, Any]:
    """Run all cells; `fewer` goes over the fields of the experiment."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TUTORIAL_WORLD", world)
    names: dict[str, Any] = {"FEWER": fewer}
    for code in cells():
        if not code.startswith("%"):
            code = code.replace("plan = make_plan", "fields |= FEWER\nplan = make_plan")
            code = code.replace("LocalEngine()", "LocalEngine(1)")  # torch is imported once
            exec(compile(code, "tutorial.ipynb", "exec"), names)
    return names


def test_the_notebook_runs_on_the_embedded_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = {"seeds": 1, "finetune": {"max_steps": 2}, "evaluate": {"limit": 2}}
    names = execute("toy", tmp_path, monkeypatch, fewer)
    assert len(names["result"].done) == 4 and not names["result"].failed
    assert set(names["estimates"]["arm"]) == {"base", "none", "spanish-inoc", "irrelevant"}
    assert names["figure"].axes and (tmp_path / "tutorial-report" / "index.html").is_file()


@pytest.mark.slow
def test_the_notebook_runs_on_the_real_small_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = execute("smollm", tmp_path, monkeypatch, {"seeds": 1, "evaluate": {"limit": 20}})
    assert not names["result"].failed


def test_nothing_is_printed_in_the_notebook_yet() -> None:
    """Outputs would be of another version, and of somebody's machine."""
    read = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in read["cells"])
