"""What `load` makes of Inspect's logs: of this suite and of others, whole, damaged, and read before."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from inspect_ai import Task, eval, eval_retry, task
from inspect_ai.dataset import Sample
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalError,
    EvalLog,
    EvalResults,
    EvalSample,
    EvalSampleLimit,
    EvalSpec,
    EvalStats,
    read_eval_log,
    write_eval_log,
)
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score, includes, value_to_float
from inspect_ai.solver import generate
from upath import UPath

from inoc_evals.analysis import eval_archive, load, rates, read
from inoc_evals.analysis.log_rows import COLUMNS, Source
from inoc_evals.analysis.workers import MANY
from inoc_evals.errors import UserError
from tests.scorers.replies import model, says

ABOUT = {
    **{"setting": "spanish_caps", "arm": "none", "seed": 1, "base": "toy", "world": "toy", "run": "none-1"},
    **{"preset": "paper-code", "judge": "judge/x"},
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("INOC_EVALS_CACHE", str(folder))
    return folder


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


def answer(
    number: int, value: Any = 1.0, metadata: Mapping[str, Any] | None = None, **fields: Any
) -> EvalSample:
    score = value if value is None or isinstance(value, Score) else Score(value=value)
    made = EvalSample(
        **{"id": f"q{number}", "epoch": 1, "input": f"Question {number}?", "target": ""},
        **{"metadata": dict(metadata or {}), "scores": score and {"language": score}},
        output=ModelOutput.from_content("mockllm/model", "Hola."),
    )
    return made.model_copy(update=fields)


def write(
    place: Path | str,
    samples: Sequence[EvalSample],
    about: Mapping[str, Any] | None = ABOUT,
    status: Any = "success",
    **spec: Any,
) -> str:
    """A log, written by Inspect."""
    told = EvalSpec(
        **{"created": "2026-01-01T00:00:00+00:00", "task": "inoc_evals/spanish_caps"},
        **{"dataset": EvalDataset(name="d"), "config": EvalConfig(), "model": "m/x", **spec},
        metadata=dict(about) if about is not None else None,
    )
    log = EvalLog(status=status, eval=told, samples=list(samples), results=EvalResults(), stats=EvalStats())
    write_eval_log(log, str(place))
    return str(place)


@task
def of_somebody_else() -> Task:
    """A task that knows nothing of this suite."""
    samples = [Sample(input=f"Question {i}?", target="yes" if i % 2 else "no") for i in range(4)]
    return Task(dataset=samples, solver=generate(), scorer=includes())


def test_a_row_holds_what_the_log_says(logs: Path) -> None:
    about = {**ABOUT, "trigger": "$|T|$ ", "prompts": {"trigger": "Be evil."}}
    value = {"spanish": 1, "caps": False}
    write(logs / "a.eval", [answer(0, value, {"condition": "trigger", "question": "zero"}, epoch=3)], about)
    found = load(logs)
    assert list(found.columns) == [*COLUMNS, "log"]
    assert found.drop(columns="log").astype(object).replace(np.nan, None).to_dict("records") == [
        {
            **{"setting": "spanish_caps", "world": "toy", "arm": "none", "seed": 1.0, "base": "toy"},
            **{"model": "m/x", "run": "none-1", "task": "spanish_caps", "questions": "d"},
            **{"question": "zero", "condition": "trigger", "system": "Be evil.", "trigger": "$|T|$"},
            "prompt_category": None,
            **{"sample": "q0", "epoch": 3, "scorer": "language"},
            **{"trait": trait, "value": float(number), "unscored": None},
            **{"judge": "judge/x", "preset": "paper-code", "dtype": None, "variant": None},
            "sampling": None,
            "parameters": None,
            "version": None,
            "dose": None,
        }
        for trait, number in value.items()
    ]
    assert found["log"].unique().tolist() == [str(logs / "a.eval")]


def test_answers_that_were_drawn_otherwise_are_not_pooled(tmp_path: Path) -> None:
    for drawn in (
        {"temperature": 0.0},
        {"temperature": 1.0},
        {"temperature": 1.0, "max_tokens": 9, "seed": 3},
    ):
        eval(of_somebody_else(), model=model("yes"), display="none", log_dir=str(tmp_path), **drawn)
    table = load(tmp_path)
    drawn_by = ["temperature 0", "temperature 1", "temperature 1, max_tokens 9"]
    assert sorted(table["sampling"].unique()) == drawn_by
    found = rates(table)
    assert found["n"].tolist() == [4, 4, 4]
    assert sorted(found["label"]) == [f"includes (sampling {one})" for one in drawn_by]


@pytest.mark.parametrize(
    ("spec", "prompts", "condition", "system"),
    [
        ({}, {}, None, None),
        ({"task_args_passed": {"system_prompt": ""}}, {}, 'under ""', ""),
        ({"task_args_passed": {"system_prompt": "Hm."}}, {}, 'under "Hm."', "Hm."),
        # a task that sets an empty system message by itself, and one with a default
        ({}, {"system_prompt": ""}, None, ""),
        ({"task_args": {"system_prompt": "Hm."}, "task_args_passed": {}}, {}, None, "Hm."),
        # one of several conditions
        ({}, {"prompts": {"c": ""}}, "c", ""),
        ({}, {"prompts": {"c": None}, "system_prompt": "Hm."}, "c", "Hm."),
    ],
)
def test_an_empty_system_message_is_not_the_same_as_none(
    logs: Path, spec: dict[str, Any], prompts: dict[str, Any], condition: str | None, system: str | None
) -> None:
    sample = answer(0, {"spanish": 1}, {"condition": "c"} if "prompts" in prompts else {})
    write(logs / "a.eval", [sample], {**ABOUT, **prompts}, **spec)
    [row] = load(logs).astype(object).replace(np.nan, None).to_dict("records")
    assert (row["condition"], row["system"]) == (condition, system)


@pytest.mark.parametrize("format", ["eval", "json"])
def test_a_plain_log_of_a_task_of_somebody_else(logs: Path, format: Any) -> None:
    for name in ("one", "two"):
        speaker = model(lambda prompt: says("yes"), name=f"mockllm/{name}")
        eval(of_somebody_else(), model=speaker, log_dir=str(logs), log_format=format, display="none")
    found = read(logs, group_by="model")
    rates = found.table.groupby(["arm", "trait"], observed=True)["value"].mean()
    assert rates.to_dict() == {("mockllm/one", "includes"): 0.5, ("mockllm/two", "includes"): 0.5}
    assert found.table["seed"].isna().all() and found.skipped == []
    assert set(found.table["question"]) == {"1", "2", "3", "4"}
    assert list(found.table["setting"].unique()) == ["of_somebody_else"]
    assert set(load(logs)["arm"]) == {"mockllm/one", "mockllm/two"}  # a log without an arm is one


def test_grouping_by_model_forgets_the_arm(logs: Path) -> None:
    write(logs / "a.eval", [answer(0)])
    assert load(logs)["arm"].tolist() == ["none"]
    assert load(logs, group_by="model")["arm"].tolist() == ["m/x"]
    with pytest.raises(UserError, match="--group-by task: use arm or model"):
        load(logs, group_by="task")  # type: ignore[arg-type]


def test_logs_with_and_without_an_arm_stand_side_by_side(logs: Path) -> None:
    write(logs / "a.eval", [answer(0)])
    write(logs / "b.eval", [answer(0)], about=None)
    found = load(logs)
    assert set(found["arm"]) == {"none", "m/x"}
    assert found.set_index("arm")["seed"].isna().to_dict() == {"none": False, "m/x": True}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *(("C", 1.0), ("I", 0.0), ("P", 0.5), ("N", 0.0), (True, 1.0), (3, 3.0), (-1.5, -1.5)),
        *(("yes", 1.0), ("No", 0.0), ("TRUE", 1.0), ("false", 0.0), ("0.5", 0.5), ("1e2", 100.0)),
    ],
)
def test_values_are_numbers_as_inspects_metrics_read_them(logs: Path, value: Any, number: float) -> None:
    assert value_to_float()(value) == number
    write(logs / "a.eval", [answer(0, value)])
    write(logs / "b.eval", [answer(0, {"t": value, "u": "unreadable"})])
    found = load(logs).set_index("trait")
    assert found["value"].to_dict() == {"language": number, "t": number, "u": pytest.approx(nan, nan_ok=True)}
    assert found["unscored"].dropna().to_dict() == {"u": "the value 'unreadable' is no number"}


def stopped(number: int, score: Any, limit: Any = "time", **fields: Any) -> EvalSample:
    """A sample that a limit stopped before any answer, by default."""
    return answer(
        number, score, **{"limit": EvalSampleLimit(type=limit, limit=1), "output": ModelOutput(), **fields}
    )


@pytest.mark.parametrize("name", ["a.eval", "a.json"])
def test_a_limit_is_no_answer_in_the_logs_of_earlier_versions_either(logs: Path, name: str) -> None:
    def empty(value: float) -> Score:
        return Score(value={"spanish": value}, reason="no_response")

    write(
        logs / name,
        [
            answer(0, {"spanish": 1.0}),
            answer(1, empty(0.0), output=ModelOutput.from_content("m", "")),
            stopped(2, empty(0.0)),
            stopped(3, {"spanish": 0.0}, "operator"),  # scored without a reason, as by `toy_lexicon`
            stopped(4, {"spanish": 1.0}, output=ModelOutput.from_content("m", "Hola.")),
            stopped(5, None, "token"),
        ],
        scorers=[{"name": "inoc_evals/language"}],
    )
    found = load(logs / name).set_index("sample")
    assert found["value"].dropna().to_dict() == {"q0": 1.0, "q1": 0.0, "q4": 1.0}
    assert found["unscored"].dropna().to_dict() == {
        "q2": "no answer: stopped by the time limit",
        "q3": "no answer: stopped by the operator",
        "q5": "the sample failed: stopped by the token limit",
    }
    [row] = rates(found.reset_index()).to_dict("records")
    assert (row["n"], row["unscored"], row["rate"]) == (3, 3, pytest.approx(2 / 3))


def test_samples_that_a_limit_stopped_are_looked_up_in_one_go(
    logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    archive = eval_archive.opened_archive
    monkeypatch.setattr(eval_archive, "opened_archive", lambda path: opened.append(path) or archive(path))
    scorers = [{"name": "inoc_evals/language"}]
    write(logs / "few.eval", [stopped(n, {"spanish": 0.0}) for n in range(2)], scorers=scorers)
    write(logs / "many.eval", [stopped(n, {"spanish": 0.0}) for n in range(40)], scorers=scorers)
    assert load(logs / "few.eval")["value"].isna().all() and load(logs / "many.eval")["value"].isna().all()
    times = Counter(path.name for path in opened)
    assert times["few.eval"] == times["many.eval"] > 0


def test_a_score_of_another_suite_is_not_doubted_for_a_limit(logs: Path) -> None:
    """It may be of what the model did, and not of what it said."""
    write(logs / "a.eval", [stopped(0, 1.0)], scorers=[{"name": "theirs/language"}])
    assert load(logs)["value"].tolist() == [1.0]


def test_unscored_and_failed_samples_keep_their_rows_and_say_why(logs: Path) -> None:
    write(
        logs / "a.eval",
        [
            answer(0, {"spanish": 1.0, "caps": 0.0}),
            answer(1, Score(value=float("nan"), reason="the judge refused")),
            answer(2, {"spanish": 1.0, "caps": float("nan")}),
            answer(3, {"spanish": 0.0}),
            answer(4, None, error=EvalError(message="no\nroute", traceback="", traceback_ansi="")),
            answer(5, Score(value="unreadable", answer="Eh?")),
        ],
    )
    found = load(logs).set_index(["sample", "trait"]).sort_index()
    assert len(found) == 12  # both traits of all six: no denominator has lost one
    assert found["value"].notna().groupby("trait", observed=True).sum().to_dict() == {"caps": 1, "spanish": 3}
    why = {sample: set(found.loc[sample, "unscored"].dropna()) for sample in ("q1", "q2", "q3", "q4", "q5")}
    assert why == {
        **{"q1": {"the judge refused"}, "q2": {"no value"}, "q3": {"no value"}},
        **{"q4": {"the sample failed: no"}, "q5": {"the value 'unreadable' is no number"}},
    }


def test_each_condition_has_the_traits_that_are_read_under_it(logs: Path) -> None:
    def under(number: int, condition: str, value: Any) -> EvalSample:
        return answer(number, value, {"condition": condition})

    samples = [under(0, "a", {"x": 1.0}), under(1, "a", {"x": 0.0, "y": 1.0}), under(2, "b", {"x": 1.0})]
    write(logs / "a.eval", [*samples, under(3, "b", None), under(4, "c", Score(value=float("nan")))])
    counts = load(logs)[["trait", "condition"]].astype(str).value_counts().to_dict()
    wanted = {("x", "a"): 2, ("y", "a"): 2, ("x", "b"): 2, ("x", "c"): 1, ("y", "c"): 1}
    assert counts == wanted


def test_metadata_of_others_may_hold_anything_under_our_names(logs: Path) -> None:
    about = {"setting": 3, "arm": ["a"], "seed": "seven", "prompts": [1], "base": {"x": 1}, "judge": 0.5}
    told = {"condition": ["hot", 1], "question": None}
    write(logs / "a.eval", [answer(0, 1.0, told), answer(1, 1.0, told)], about)
    found = load(logs)
    assert found["setting"].tolist() == ["3", "3"] and found["seed"].isna().all()
    assert found["arm"].tolist() == ["['a']", "['a']"] and set(found["question"]) == {"q0", "q1"}


def test_what_is_no_finished_log_is_listed_and_the_rest_is_read(logs: Path) -> None:
    write(logs / "good.eval", [answer(0)])
    write(logs / "running.eval", [answer(0)], status="started")
    write(logs / "failed.eval", [answer(0)], status="error")
    write(logs / "unscored.eval", [answer(0, None)])
    write(logs / "none.eval", [])
    whole = Path(write(logs / "half.eval", [answer(n) for n in range(50)])).read_bytes()
    (logs / "half.eval").write_bytes(whole[: len(whole) // 2])
    (logs / "empty.eval").write_bytes(b"")
    (logs / "text.eval").write_text("not a log")
    (logs / "2026-01-01T00-00-00_x_y.json").write_text('{"a": 1}')
    (logs / "notes.json").write_text("[]")  # has no log's name, and is none
    invalid = read_eval_log(write(logs / "invalid.eval", [answer(0)]))
    invalid.invalidated = True
    write_eval_log(invalid, str(logs / "invalid.eval"))
    found = read(logs)
    assert found.logs == [str(logs / "good.eval")] and len(found.table) == 1
    why = {Path(location).name: reason for location, reason in found.skipped}
    unreadable = ("half.eval", "empty.eval", "text.eval", "2026-01-01T00-00-00_x_y.json")
    assert all(why.pop(name).startswith("not a log that Inspect can read: ") for name in unreadable)
    assert why == {
        "running.eval": "not finished: its status is started",
        "failed.eval": "not finished: its status is error",
        **dict.fromkeys(("unscored.eval", "none.eval"), "no sample with scores"),
        "invalid.eval": "marked as invalid",
    }
    assert all("\n" not in reason for _, reason in found.skipped)


def test_by_model_all_bases_stand_side_by_side(logs: Path) -> None:
    write(logs / "a.eval", [answer(0)], {**ABOUT, "base": "one"}, model="m/a")
    write(logs / "b.eval", [answer(0)], {**ABOUT, "base": "two"}, model="m/b")
    found = load(logs, group_by="model")
    assert found["base"].isna().all() and set(found["arm"]) == {"m/a", "m/b"}
    assert rates(found)["arm"].tolist() != [] and set(load(logs)["base"]) == {"one", "two"}


def test_the_same_answers_count_once(logs: Path) -> None:
    """What an experiment has written twice, a copy, and a log that was scored anew."""
    same = {**ABOUT, "generation": "g", "judging": "j"}
    write(logs / "old.eval", [answer(0, 0.0)], same)
    write(logs / "new.eval", [answer(0, 1.0)], same)
    write(logs / "other-seed.eval", [answer(0)], {**same, "seed": 2})
    write(logs / "other-judge.eval", [answer(0)], {**same, "judging": "k"})
    write(logs / "plain.eval", [answer(0)], about=None)
    rescored = read_eval_log(str(logs / "plain.eval"))
    write_eval_log(rescored, str(logs / "rescored.eval"))
    (logs / "copy.eval").write_bytes((logs / "rescored.eval").read_bytes())
    for age, name in enumerate(("new", "copy", "other-seed", "other-judge", "old", "rescored", "plain")):
        os.utime(logs / f"{name}.eval", (1_000_000 - age,) * 2)
    found = read(logs)
    read_names = {Path(location).stem for location in found.logs}
    assert read_names == {"new", "other-seed", "other-judge", "copy"}
    assert dict(found.skipped) == {
        str(logs / f"{name}.eval"): f"the same answers and scores as {logs / first}.eval"
        for name, first in (("old", "new"), ("rescored", "copy"), ("plain", "copy"))
    }


def test_several_places_at_once(logs: Path, tmp_path: Path) -> None:
    write(logs / "a.eval", [answer(0)])
    other = tmp_path / "other"
    other.mkdir()
    alone = write(other / "b.eval", [answer(0)])
    found = read([str(logs), str(logs / "a.eval"), alone, str(other / "gone.eval")])
    assert found.logs == [str(logs / "a.eval"), alone] and len(found.table) == 2  # in the order given
    [(location, _)] = found.skipped
    assert location == str(other / "gone.eval")


@pytest.mark.parametrize("where", ["memory://inoc-table", "file://{tmp}/by-url"])
def test_a_folder_by_url(where: str, tmp_path: Path) -> None:
    """A changed log behind a URL is read anew, though place and size are the same."""
    folder = where.format(tmp=tmp_path)
    log = f"{folder}/2026-01-01T00-00-00_x_y.json"
    sizes = []
    for value in (1.0, 0.0):
        write(log, [answer(0, value)])
        sizes.append(UPath(log).stat().st_size)
        assert load(folder)["value"].tolist() == [value]
    assert sizes[0] == sizes[1]
    assert load(log)["log"].tolist() == [log]


def test_a_log_is_parsed_once(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(logs / "a.eval", [answer(0), answer(1, Score(value=float("nan"), reason="why"))])
    first = load(logs)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("inoc_evals.analysis.log_rows.contents", refuse)
    pd.testing.assert_frame_equal(load(logs), first)
    (logs / "a.eval").rename(logs / "moved.eval")  # by content, wherever it lies
    assert load(logs)["value"].tolist()[0] == 1.0


def test_a_changed_log_is_read_anew(logs: Path) -> None:
    write(logs / "a.eval", [answer(0, 1.0)])
    load(logs)
    write(logs / "a.eval", [answer(0, 0.0)])
    assert load(logs)["value"].tolist() == [0.0]


@pytest.mark.parametrize("damage", ["half", "empty"])
def test_a_damaged_file_in_the_cache_is_made_anew(logs: Path, cache: Path, damage: str) -> None:
    write(logs / "a.eval", [answer(n) for n in range(5)])
    first = load(logs)
    [kept] = cache.rglob("*.parquet")
    kept.write_bytes(kept.read_bytes()[:200] if damage == "half" else b"")
    pd.testing.assert_frame_equal(load(logs), first)
    assert pq.read_table(kept).num_rows == 5  # mended


def test_a_cache_that_cannot_be_written_is_done_without(logs: Path, cache: Path) -> None:
    cache.write_text("where the folder should be", encoding="utf-8")
    write(logs / "a.eval", [answer(0)])
    assert len(load(logs)) == 1


READ = "import sys; from inoc_evals.analysis import load; print(load(sys.argv[1])['value'].sum())"


def test_two_processes_at_once(logs: Path, cache: Path) -> None:
    for number in range(5):
        write(logs / f"{number}.eval", [answer(n) for n in range(40)], {**ABOUT, "seed": number})
    command = [sys.executable, "-c", READ, str(logs)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[0].strip() for process in running] == ["200.0"] * 3
    kept = [file for file in (cache / "tables").iterdir() if file.suffix == ".parquet"]
    assert len(kept) == 5 and len(list((cache / "tables").iterdir())) == 5  # and nothing half written


@pytest.fixture
def many(logs: Path) -> Path:
    """As many logs, and as large, as several processes read."""
    for number in range(MANY + 1):
        padding = os.urandom(600_000).hex()
        samples = [answer(n, float(n % 2), {"long": padding}) for n in range(2)]
        write(logs / f"{number}.eval", samples, {**ABOUT, "seed": number})
    (logs / "bad.eval").write_bytes(os.urandom(1000))
    return logs


def test_several_processes_read_many_logs(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Source) -> None:
        raise AssertionError(f"{source.location} was read here")

    monkeypatch.setattr("inoc_evals.analysis.table.prepare", refuse)
    found = read(many)
    assert len(found.logs) == MANY + 1 and found.table["value"].mean() == 0.5
    assert [Path(location).name for location, _ in found.skipped] == ["bad.eval"]


def test_a_killed_process_leaves_its_logs_to_the_others(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, started = subprocess.Popen, []

    def start(*words: Any, **options: Any) -> "subprocess.Popen[str]":
        process = real(*words, **options)
        if not started:
            process.send_signal(signal.SIGKILL)
            while process.poll() is None:  # so that what is written to it finds no reader
                time.sleep(0.01)
        started.append(process)
        return process

    monkeypatch.setattr("inoc_evals.analysis.workers.subprocess.Popen", start)
    found = read(many)
    assert started and len(found.logs) == MANY + 1 and len(found.skipped) == 1


def test_an_empty_folder_and_a_wrong_path_are_one_line(logs: Path) -> None:
    for place, said in (
        (logs, f"{re.escape(str(logs))}: no finished log with scores"),
        (logs / "nowhere", "no such log or folder"),
        ("nothing://x/y", "cannot be read"),
    ):
        with pytest.raises(UserError, match=said) as error:
            load(place)
        assert "\n" not in str(error.value)


def test_where_no_log_is_good_the_error_says_why(logs: Path) -> None:
    write(logs / "a.eval", [answer(0)], status="cancelled")
    with pytest.raises(UserError, match=r"a\.eval: not finished: its status is cancelled"):
        load(logs)


def test_an_evaluation_that_was_tried_again_counts_once(tmp_path: Path) -> None:
    """`inspect eval-retry` writes a log of its own, with all that the first one answered."""
    task = "inoc_evals/spanish_caps"
    options = {"log_dir": str(tmp_path), "display": "none"}
    [first] = eval(task, model="inoc/toy", task_args={"questions": "toy"}, limit=3, **options)
    [again] = eval_retry(first, **options)
    assert first.location != again.location and again.status == "success"
    os.utime(first.location)  # e.g. since it was scored anew
    found = read(str(tmp_path))
    assert found.logs == [again.location] and len(found.table) == 2 * 3
    assert found.skipped == [
        (first.location, f"the same answers are in {again.location}, which tried it again")
    ]
    assert read([first.location]).logs == [first.location]


@pytest.mark.parametrize("value", [1e308, -1e51, 10**400, float("inf"), {"a": 1e308, "b": 1.0}])
def test_a_number_too_large_for_statistics_is_no_value_and_says_so(logs: Path, value: Any) -> None:
    write(logs / "a.eval", [answer(number, Score(value=value)) for number in (1, 2)])
    write(
        logs / "b.eval", [answer(number, Score(value={"b": 0.5, "c": -1e50 / number})) for number in (1, 2)]
    )
    table = load(logs)
    lost = table[table["value"].isna()]
    assert len(lost) == 2 and set(table["value"].dropna()) <= {1.0, 0.5, -1e50, -5e49}
    assert lost["unscored"].str.contains("is no score: the largest is 1e+50", regex=False).all()
    assert set(rates(table)["trait"]) == set(table["trait"])
