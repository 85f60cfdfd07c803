"""What is read from an archive directly is what Inspect reads; what is strange is left to Inspect."""

import json
import shutil
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from inspect_ai import eval
from inspect_ai.log import EvalError
from inspect_ai.scorer import Score

from inoc_evals.analysis.eval_archive import Contents, by_inspect, contents, from_archive
from inoc_evals.tasks import spanish_caps
from tests.analysis.test_table import ABOUT, answer, write
from tests.scorers.replies import model, says

FIELDS = ("id", "epoch", "metadata", "error", "limit")


def told(log: Contents) -> list[Any]:
    """All that rows are made of, in a form that can be compared: NaN is not equal to itself."""
    asked = log.header["eval"]
    grader = (asked.get("model_roles") or {}).get("grader") or {}
    header = [log.header["status"], log.header.get("invalidated"), grader.get("model")]
    names = ("eval_id", "task", "model", "metadata", "task_args")
    samples = []
    for sample in log.samples:
        scores = {
            name: (repr(score["value"]), score.get("answer"), score.get("reason"))
            for name, score in (sample.get("scores") or {}).items()
        }
        samples.append([*(sample.get(name) for name in FIELDS), scores])
    return [*header, *(asked.get(name) or None for name in names), samples]


def test_an_archive_gives_what_inspect_gives(tmp_path: Path) -> None:
    log = write(
        tmp_path / "a.eval",
        [
            answer(0, {"spanish": 1.0, "caps": float("nan")}, {"condition": "x", "deep": {"a": [1]}}),
            answer(1, Score(value=float("nan"), reason="why", answer="Hm")),
            answer(2, None, error=EvalError(message="no route", traceback="", traceback_ansi="")),
            answer(3, "C", {"long": "word " * 1000}, epoch=2),
        ],
        task_args={"system_prompt": "Hi."},
        model_roles={"grader": {"model": "judge/x"}},
    )
    found = from_archive(log)
    assert found is not None and told(found) == told(by_inspect(log))


def test_a_log_that_inspect_wrote_while_it_ran(tmp_path: Path) -> None:
    speaker = model(lambda prompt: says("HOLA, BUENOS DIAS A TODOS."))
    [log] = eval(spanish_caps(), model=speaker, limit=3, epochs=2, log_dir=str(tmp_path), display="none")
    found = from_archive(log.location)
    assert found is not None and told(found) == told(by_inspect(log.location)) and len(found.samples) == 6


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return Path(write(tmp_path / "a.eval", [answer(0, 0.0), answer(1)]))


def changed(log: Path, name: str, change: Any) -> str:
    """A copy of a log with one of its members changed."""
    copy = log.with_name(f"changed-{log.name}")
    shutil.copy(log, copy)
    with ZipFile(copy, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        data = json.loads(archive.read(name))
        archive.writestr(name, json.dumps(change(data)))
    return str(copy)


def test_a_sample_that_ran_again_counts_as_it_ran_last(log: Path) -> None:
    def again(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*samples, {**samples[0], "scores": {"language": {"value": 1.0}}}]

    path = changed(log, "summaries.json", again)
    found = from_archive(path)
    assert found is not None and told(found) == told(by_inspect(path))
    assert [sample["scores"]["language"]["value"] for sample in found.samples] == [1.0, 1.0]


def test_another_version_is_left_to_inspect(log: Path) -> None:
    path = changed(log, "header.json", lambda header: {**header, "version": 1})
    assert from_archive(path) is None
    assert [sample["id"] for sample in contents(path).samples] == ["q0", "q1"]


def test_json_damage_and_other_file_systems_are_left_to_inspect(log: Path) -> None:
    for place in (log.with_suffix(".json"), "memory://inoc-log-file/a.eval"):
        path = write(place, [answer(0)], ABOUT)
        assert from_archive(path) is None and len(contents(path).samples) == 1
    half = log.with_name("half.eval")
    half.write_bytes(log.read_bytes()[:500])
    assert from_archive(str(half)) is None
    with pytest.raises(Exception, match=r"."):
        contents(str(half))
