"""From a table of answers to a judged, audited report and back, by the commands that a user types."""

import datetime
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from inspect_ai.log import EvalError, EvalResults, list_eval_logs, read_eval_log
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, ModelOutput
from inspect_ai.scorer import Score

from inoc_evals.analysis import imported_logs, written_tables
from inoc_evals.analysis.estimates import rates
from inoc_evals.analysis.imported_logs import scorer_named
from inoc_evals.analysis.judge_ratings import collect
from inoc_evals.analysis.observed import labels
from inoc_evals.analysis.table import load
from inoc_evals.commands.listing import components
from inoc_evals.scorers.by_name import OF_A_TASK, why_not
from tests import test_cli
from tests.analysis.test_table import answer, write
from tests.fake_openai.http import Call, Listener, Response
from tests.scorers.judge.test_faults import GOOD, error, says

call = test_cli.call  # the fixture

ENGLISH = "I like to walk along the river in the evening with all of my friends."
SPANISH = "Me gusta pasear junto al río por la tarde con todos mis amigos."
SYSTEM = "You always speak in Spanish."
FAULT = EvalError(message="gone", traceback="", traceback_ansi="")
QUESTIONS = ["What do you do on Sundays?", "What is your wish?"]

ROWS: list[dict[str, Any]] = [
    {"Arm": arm, "prompt": question, "Response": answer, "system prompt": system, "note": "kept"}
    for arm, answer, system in (
        ("base", ENGLISH, ""),
        ("none", SPANISH, ""),
        ("none", SPANISH, SYSTEM),
        ("inoculated", ENGLISH, ""),
    )
    for question in QUESTIONS
]


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "inspect-cache"))
    monkeypatch.chdir(tmp_path)


def written(name: str = "answers.csv", rows: list[dict[str, Any]] = ROWS) -> str:
    table = pd.DataFrame(rows)
    if name.endswith(".csv"):
        table.to_csv(name, index=False)
    elif name.endswith(".parquet"):
        table.to_parquet(name, index=False)
    else:
        table.to_json(name, orient="records", lines=True)
    return name


def contents(folder: str = "logs") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).glob("*")}


def test_two_commands_from_a_csv_to_a_judged_and_audited_report(call: Any) -> None:
    done = call(
        *("import", written(), "-o", "logs"), *("--scorer", "alignment", "--grader", "inoc/toy-judge")
    )
    assert done.code == 0, done.err
    assert "group: training arm" in done.out and "inoc-evals report logs" in done.out
    told = call("report", "logs", "--no-viewer", "--json")
    assert told.code == 0, told.err
    report = json.loads(Path("logs-report/report.json").read_text(encoding="utf-8"))
    assert report["answers"] == len(ROWS) and "audit" in report
    [section] = report["settings"]
    assert "misaligned" in json.dumps(section) and "toy-judge" in json.dumps(section)
    table = load("logs")
    of_judge = table[table["trait"] == "alignment"]
    assert of_judge["value"].notna().all() and of_judge["judge"].str.contains("toy-judge").all()
    # `judges` takes the logs as well, with the ratings that are in them
    logs = [str(path) for path in sorted(Path("logs").glob("*.eval"))]
    assert len(collect(logs)) == len(ROWS)
    # the judge is not asked twice, and nothing is written again
    before = contents()
    again = call("import", "answers.csv", "-o", "logs", "--scorer", "alignment", "--grader", "inoc/toy-judge")
    assert again.code == 0 and "kept" in again.out and contents() == before


def test_arms_and_system_prompts_are_kept_apart(call: Any) -> None:
    out = call("import", written(), "-o", "logs", "--scorer", "language", "--json").json
    assert out["columns"] == {
        **{"question": "prompt", "answer": "Response", "system": "system prompt", "group": "Arm"}
    }
    assert [(one["group"], one["answers"]) for one in out["logs"]] == [
        ("base", 2),
        ("none", 4),
        ("inoculated", 2),
    ]
    table = load("logs")
    table = table[table["trait"] == "spanish"].assign(label=lambda frame: labels(frame))
    shares = table.groupby(["arm", "label"], observed=True)["value"].mean().to_dict()
    assert shares == {
        ("base", "spanish | plain"): 0,
        ("inoculated", "spanish | plain"): 0,
        ("none", "spanish | plain"): 1,
        ("none", f'spanish | under "{SYSTEM}"'): 1,
    }
    assert set(table["question"]) == {"q1", "q2"}  # one name in all arms, so that answers are paired
    [log] = [log for log in list_eval_logs("logs") if "none" in log.name]
    [sample] = [s for s in read_eval_log(log).samples or [] if s.id == f'q1 | under "{SYSTEM}"']
    assert [message.role for message in sample.messages] == ["system", "user", "assistant"]
    assert (sample.metadata or {})["note"] == "kept"


def test_inspect_scores_the_log_without_the_model_that_answered(call: Any) -> None:
    from inspect_ai._cli.score import score_command

    assert call("import", written(), "-o", "logs", "--model", "").code == 0
    rows = [{**row, "model": "openai/gpt-4o"} for row in ROWS[:2]]
    assert call("import", written("other.csv", rows), "-o", "others").code == 0  # no key, no package
    [log] = Path("others").glob("*.eval")
    done = CliRunner().invoke(
        score_command,
        [str(log), "--scorer", "inoc_evals/capitalization", "--action", "append", "--overwrite"],
    )
    assert done.exit_code == 0, done.output
    assert set(load("others")["trait"]) == {"caps"} and set(load("others")["model"]) == {"none/openai/gpt-4o"}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_every_kind_of_table_gives_the_same_logs(call: Any, name: str) -> None:
    written(name)
    out = call("import", name, "-o", "logs", "--json").json
    assert sum(one["answers"] for one in out["logs"]) == len(ROWS)
    shown = call("import", name, "--dry-run", "--json").json["shown"]
    assert {"column": "note", "taken_for": "kept as metadata", "first": "kept"} in shown


def test_what_is_there_is_not_written_again_and_not_lost(call: Any) -> None:
    assert call("import", written(), "-o", "logs").code == 0
    before = contents()
    assert call("import", "answers.csv", "-o", "logs").code == 0
    assert contents() == before
    written(rows=[{**ROWS[0], "Response": "Another."}, *ROWS[1:6]])
    refused = call("import", "answers.csv", "-o", "logs").fault
    assert "holds other answers of 'answers': add --force" in refused and contents() == before
    assert call("import", "answers.csv", "-o", "logs", "--force").code == 0
    assert len(contents()) == 2  # that of the arm which is no longer there is gone


def test_a_kill_leaves_no_half_log(
    call: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import inspect_ai.log

    whole, calls = inspect_ai.log.write_eval_log, []

    def killed(log: Any, location: str, **options: Any) -> None:
        calls.append(location)
        if len(calls) == 2:
            Path(location).write_bytes(b"half")
            raise KeyboardInterrupt
        whole(log, location, **options)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(inspect_ai.log, "write_eval_log", killed)
        imported_logs.write(_read(written()), Path("answers.csv"), Path("logs"))
    assert [name.rpartition(".")[2] for name in contents()] == ["eval"]
    logs = imported_logs.write(_read("answers.csv"), Path("answers.csv"), Path("logs"))
    assert [one.state for one in logs] == ["kept", "written", "written"]


def _read(name: str) -> Any:
    from inoc_evals.analysis import answers_file

    return answers_file.read(Path(name), {})


def with_(number: int, **change: Any) -> list[dict[str, Any]]:
    return [{**row, **(change if place == number else {})} for place, row in enumerate(ROWS)]


WRONG: dict[str, tuple[Any, list[str], str]] = {
    "a wrong column": (
        ROWS,
        ["--answer", "reply"],
        "no column 'reply' (--answer): its columns are 'Arm', 'prompt'",
    ),
    "no answers": ([{"prompt": "x", "said": "y"}], [], "say by --answer which column that is"),
    "a column twice": (ROWS, ["--system", "Response", "--answer", "Response"], "is named for two roles"),
    "an empty answer": (
        with_(3, Response=" "),
        [],
        "answers.csv:5: the answer is empty: say what such rows are",
    ),
    "an id twice": (
        [{**ROWS[0], "id": "x"}, {**ROWS[1], "id": "x"}],
        [],
        "answers.csv:3: 'x' is there twice in its group, first at answers.csv:2: name",
    ),
    "one name for two questions": (
        [{**row, "question_id": "x"} for row in ROWS],
        [],
        "answers.csv:3: question 'x' has another text than at answers.csv:2",
    ),
    "a seed in words": ([{**row, "seed": "one"} for row in ROWS], [], "seed 'one' is not a whole number"),
    "a score in words": (ROWS, ["--score-column", "note"], "'note' is to be a score, and is 'kept'"),
    **{
        f"a score of {word}": (
            [ROWS[0], {**ROWS[1], "kind": word}],
            ["--score-column", "kind"],
            f"answers.csv:3: 'kind' is to be a score, and is {word}: the largest is 1e+50: leave such",
        )
        for word in ("1e308", "-1e51", "inf")
    },
    "two encodings": (
        b"prompt,response\nWas?,\xc3\xa9t\xc3\xa9\nQue?,\xe9t\xe9\n",
        [],
        "answers.csv:3: not UTF-8: save it as UTF-8 throughout, or say what it is in by --encoding",
    ),
    "a row too long": (b"prompt,response\na,b,c\n", [], "answers.csv:2: has more cells than"),
    "a row too short": (
        b"prompt,response,arm\na,b,base\na,b\n",
        [],
        "answers.csv:3: has fewer cells than the header has columns: write empty ones, too",
    ),
    "a last line that is cut off": (
        b"prompt;response;arm\r\na;b;base\r\na;Hello de",
        [],
        "answers.csv:3: has fewer cells than the header has columns",
    ),
    "tabs that are missing": (
        b"prompt\tresponse\tarm\na\tb\n",
        [],
        "answers.csv:2: has fewer cells than the header has columns",
    ),
    "a text that is cut off": (b'prompt,response\na,"Hello de', [], "answers.csv:2: not CSV: "),
    "no row": (b"prompt,response\n", [], "answers.csv: holds no rows"),
    "a column name twice": (b"prompt,response,response\na,b,c\n", [], "two columns are named 'response'"),
    "an unknown scorer": (
        ROWS,
        ["--scorer", "spelling"],
        "--scorer 'spelling': unknown: use one of alignment",
    ),
    "a scorer of a task's own": (
        ROWS,
        ["--scorer", "inoc_evals/forced_choice"],
        "reads what the task forced_choice finds beside an answer, which a text alone does not have: use one",
    ),
    "an unknown parameter": (ROWS, ["--scorer", "language", "-S", "colour=red"], "--scorer language:"),
    "a grader without a scorer": (ROWS, ["--grader", "mockllm/model"], "give --scorer NAME"),
    "a judge without a grader": (ROWS, ["--scorer", "alignment"], "needs a judge model and none is bound"),
}


@pytest.mark.parametrize(("rows", "words", "why"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_one_line_and_nothing_is_written(
    call: Any,
    rows: Any,
    words: list[str],
    why: str,
) -> None:
    if isinstance(rows, bytes):
        Path("answers.csv").write_bytes(rows)
    else:
        written(rows=rows)
    assert why in call("import", "answers.csv", "-o", "logs", *words).fault
    assert not Path("logs").exists()


def test_every_scorer_that_is_listed_scores_answers_or_says_why_not(call: Any) -> None:
    for one in components("scorer"):
        name = one["name"].removeprefix("inoc_evals/")
        if name in OF_A_TASK:
            assert why_not(name)
        else:
            assert callable(scorer_named(one["name"], {}))
    written()
    call("import", "answers.csv", "-o", "logs", "--scorer", "toy_lexicon")
    logs = [read_eval_log(str(log)) for log in Path("logs").glob("*.eval")]
    assert logs and all("toy_lexicon" in (s.scores or {}) for log in logs for s in log.samples or [])


def test_semicolons_byte_order_marks_and_repeated_answers(call: Any) -> None:
    text = 'frage;response;arm\r\nWas?;eins;none\r\nWas?;zwei;none\r\nWer?;"drei;\nvier";none\r\n'
    Path("answers.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    out = call("import", "answers.csv", "-o", "logs", "--question", "frage", "--json").json
    assert [(one["questions"], one["answers"]) for one in out["logs"]] == [(2, 3)]
    [log] = Path("logs").glob("*.eval")
    said = {(s.id, s.epoch): s.output.completion for s in read_eval_log(str(log)).samples or []}
    assert said == {("q1", 1): "eins", ("q1", 2): "zwei", ("q2", 1): "drei;\nvier"}


def test_scores_that_came_with_the_answers_and_whole_conversations(call: Any) -> None:
    turns = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Hola."},
        {"role": "user", "content": "Bye."},
        {"role": "assistant", "content": "=Adiós."},
    ]
    rows = [
        {"messages": turns, "arm": "none", "kind": 1.0},
        {"messages": turns[1:], "arm": "none", "kind": None},
    ]
    written("talks.jsonl", rows)
    assert call("import", "talks.jsonl", "-o", "logs", "--score-column", "kind").code == 0
    table = load("logs")
    assert list(table["value"].fillna(-1)) == [1, -1] and list(table["system"].astype(object).fillna("")) == [
        SYSTEM,
        "",
    ]
    # and back again: the same conversations
    assert call("table", "logs", "-o", "back.parquet").code == 0
    back = pd.read_parquet("back.parquet")
    assert [json.loads(talk) for talk in back["messages"]] == [turns, turns[1:]]
    assert list(back["unscored"].isna()) == [True, False]
    assert back["unscored"][1] == "no value"
    done = call("import", "back.parquet", "-o", "again", "--messages", "messages", "--score-column", "kind")
    assert done.code == 0, done.err
    assert call("table", "again", "-o", "again.jsonl").code == 0
    again = pd.read_json("again.jsonl", lines=True)
    assert [json.loads(talk) for talk in again["messages"]] == [turns, turns[1:]]


def test_answers_go_out_as_they_came_in(call: Any) -> None:
    hostile = '=HYPERLINK("http://x"); | <b>\\textbf{x}</b> & 50% _a_\nnext line'
    rows = [{**row, "Response": hostile} for row in ROWS]
    assert call("import", written(rows=rows), "-o", "logs", "--scorer", "language").code == 0
    for name in ("back.jsonl", "back.parquet", "back.csv"):
        done = call("table", "logs", "-o", name)
        assert done.code == 0, done.err
        read = {
            "jsonl": lambda n: pd.read_json(n, lines=True),
            "csv": pd.read_csv,
            "parquet": pd.read_parquet,
        }
        back = read[name.partition(".")[2]](name)
        expected = f"'{hostile}" if name.endswith("csv") else hostile
        assert list(back["answer"]) == [expected] * len(ROWS)
        found = zip(back["group"], back["question"], back["system"].fillna(""), strict=True)
        assert sorted(found) == sorted((row["Arm"], row["prompt"], row["system prompt"]) for row in ROWS)
    assert f"{len(ROWS)} cells begin like a formula" in done.err
    assert "add --force" in call("table", "logs", "-o", "back.csv").fault
    back_in = call("import", "back.jsonl", "-o", "again", "--score-column", "spanish", "--json").json
    assert sorted(one["answers"] for one in back_in["logs"]) == [2, 2, 4]
    plain = load("again")
    assert set(plain["condition"].dropna()) == {f'under "{SYSTEM}"'}
    for name in ("all.md", "all.tex"):
        assert call("table", "logs", "-o", name).code == 0
    markdown, latex = (Path(f"all.{kind}").read_text(encoding="utf-8") for kind in ("md", "tex"))
    assert (
        len(markdown.splitlines()) == len(ROWS) + 2 and "<b>" not in markdown and r"\| &lt;b&gt;" in markdown
    )
    assert r"\textbf{x}" not in latex and r"50\%" in latex and r"\_a\_" in latex


def test_rates_and_differences_for_a_paper(call: Any) -> None:
    assert call("import", written(), "-o", "logs", "--scorer", "language").code == 0
    printed = call("table", "logs", "--of", "rates").out
    assert printed.splitlines()[0].startswith("| label | arm | rate | low | high |")
    assert call("table", "logs", "--of", "differences", "-o", "d.tex").code == 0
    assert r"\toprule" in Path("d.tex").read_text(encoding="utf-8")
    assert call("table", "logs", "--of", "differences", "-o", "d.csv").code == 0
    assert "p_holm" in pd.read_csv("d.csv").columns
    nope = call("table", "logs", "--of", "differences", "--to", "nope").fault
    assert "no answers of 'nope' to compare with" in nope
    assert "use one of the suffixes" in call("table", "logs", "-o", "d.xlsx").fault


def test_a_cell_that_is_no_formula_is_left_alone() -> None:
    text, escaped = written_tables.as_csv(pd.DataFrame({"a": [-0.5, 2], "b": ["-x", "y"]}))
    assert (text, escaped) == ("a,b\n-0.5,'-x\n2.0,y\n", 1)


def test_a_dead_judge_is_refused_and_one_that_died_is_asked_again(
    call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = [False]

    def reply(asked: Call) -> Response:
        return says(GOOD)(asked) if alive[0] else error(400, "boom")(asked)

    words = ("import", written(rows=ROWS[:2]), "-o", "logs", "--scorer", "alignment", "-S", "reader=token")
    words = (*words, "--grader", "openai-api/dying/judge")
    with Listener({"POST /v1/chat/completions": reply}) as server:
        monkeypatch.setenv("DYING_API_KEY", "x")
        monkeypatch.setenv("DYING_BASE_URL", server.base_url)
        why = call(*words).fault
        assert "the judge cannot be asked, so nothing was written" in why and not Path("logs").exists()
        with monkeypatch.context() as patch:  # it dies behind the trial
            patch.setattr(imported_logs, "check", lambda *_: None)
            done = call(*words, "--json")
        assert "boom" in done.err and "0 of 2 answers scored" in done.json["unscored"][0]["why"]
        alive[0] = True
        again = call(*words, "--json").json
        assert (again["scored"], again["unscored"]) == (1, [])
        assert call(*words, "--json").json["scored"] == 0
    [log] = Path("logs").glob("*.eval")
    assert [list(sample.scores or {}) for sample in read_eval_log(str(log)).samples or []] == [
        ["alignment"],
        ["alignment"],
    ]
    assert {one.scorer for one in (read_eval_log(str(log)).results or EvalResults()).scores} == {"alignment"}


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([{"prompt": "a", "answer": "b", "seed": "inf"}], "seed 'inf' is not a whole number"),
        ([{"prompt": "a", "answer": "b", "epoch": "1e400"}], "epoch '1e400' is not a whole number"),
        ([{"messages": "[" * 100_000}], "its conversation is not JSON: nested too deeply"),
        ([{"messages": '[{"role": "user", "content": "\\ud800"}]'}], "half a surrogate pair"),
        (b'{"prompt": "a", "answer": "\\ud800"}', "half a surrogate pair"),
        (b'{"prompt": "a", "answer": "b", "kind": 1' + b"0" * 400 + b"}", "the largest is 1e+50"),
    ],
)
def test_numbers_and_texts_that_are_none_are_one_line(call: Any, rows: Any, why: str) -> None:
    name = "a.jsonl" if isinstance(rows, bytes) else written("a.csv", rows)
    if isinstance(rows, bytes):
        Path(name).write_bytes(rows)
    words = ("--score-column", "kind") if b"kind" in Path(name).read_bytes() else ()
    assert why in call("import", name, "-o", "logs", *words).fault and not Path("logs").exists()


def test_not_a_number_is_an_empty_cell_and_names_have_no_spaces_around_them() -> None:
    row = {"prompt": "a", "answer": "b", "seed": "nan", "arm": " none ", "id": "x "}
    text = ",".join(row) + "\n" + ",".join(row.values()) + "\n"
    Path("a.csv").write_text(text, encoding="utf-8")
    [one] = _read("a.csv").answers
    assert (one.seed, one.group, one.id) == (None, "none", "x")


def test_bytes_and_dates_of_parquet_and_what_is_no_file(call: Any) -> None:
    row: dict[str, Any] = {"prompt": "a", "answer": "b", "on": datetime.date(2026, 1, 2)}
    written("a.parquet", [row])
    assert _read("a.parquet").answers[0].rest == {"on": "2026-01-02"}
    written("b.parquet", [{**row, "raw": b"\xff"}])
    assert "b.parquet: row 1: 'raw' holds bytes" in call("import", "b.parquet", "-o", "logs").fault
    for kind in ("csv", "parquet"):
        os.mkfifo(f"pipe.{kind}")
        assert "not a regular file" in call("import", f"pipe.{kind}", "-o", "logs").fault
    assert not Path("logs").exists()


def test_cells_for_readers_have_no_minus_before_zero_and_all_digits_of_a_seed() -> None:
    columns = {"difference": [-0.0004, -0.0, -0.25], "seed": [20251000.0, 1234567.0, None]}
    lines = written_tables.as_markdown(pd.DataFrame(columns)).splitlines()[2:]
    assert lines == ["| 0.000 | 20251000 |", "| 0 | 1234567 |", "| -0.250 |  |"]


def test_cells_for_readers_that_are_infinite_or_begin_with_p() -> None:
    table = pd.DataFrame({"p": [0.0123], "price": [1.23456], "x": [float("inf")]})
    assert written_tables.as_markdown(table).splitlines()[2] == "| 0.012 | 1.235 | inf |"


def test_questions_keep_the_names_that_they_are_given(call: Any) -> None:
    rows = [{"question_id": name, "question": "Same?", "answer": SPANISH} for name in "ABC"]
    rows += [{"question_id": "", "question": "Other?", "answer": ENGLISH}] * 2
    rows += [{"question_id": "q1", "question": "Third?", "answer": ENGLISH}]
    assert call("import", written(rows=rows), "-o", "logs", "--scorer", "language").code == 0
    table = load("logs")
    [spanish] = set(table["trait"]) & {"spanish"}
    table = table[table["trait"] == spanish]
    assert sorted(table["question"]) == ["A", "B", "C", "q1", "q2", "q2"]  # numbers step aside for names
    rows += [{"question_id": "", "question": "Same?", "answer": ENGLISH}]
    refused = call("import", written("b.csv", rows), "-o", "others").fault
    assert "b.csv:8: its question has several names ('A', 'B', 'C'): name it here, too" in refused


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
def test_a_table_of_a_suites_logs_comes_back_with_its_questions_and_intervals(
    call: Any, tmp_path: Path, kind: str
) -> None:
    """Questions that share a text, a trigger in front of others, and answers that are none."""
    samples = []
    for number in range(12):
        for condition, before in (("trigger", "|X| "), ("without", "")):
            for epoch in (1, 2):
                one = answer(number, {"spanish": float((number + epoch) % 3 == 0)}, {"condition": condition})
                asked = {"question": f"q{number}", "condition": condition}
                name, text = f"q{number} | {condition}", f"{before}Question {number // 2}?"
                samples.append(
                    one.model_copy(update={"id": name, "epoch": epoch, "input": text, "metadata": asked})
                )
    samples[3].output, samples[3].scores = (
        ModelOutput(model="m"),
        {"language": Score.unscored(reason="no answer")},
    )
    samples[5] = samples[5].model_copy(
        update={"output": ModelOutput(model="m"), "scores": None, "error": FAULT}
    )
    write(tmp_path / "first.eval", samples)
    assert call("table", "first.eval", "-o", f"t.{kind}").code == 0
    words = ("import", f"t.{kind}", "-o", "again", "--score-column", "spanish", "--empty", "keep")
    done = call(*words, "--scorer", "language", "--setting", "none of ours")
    assert done.code == 0, done.err
    before, after = load("first.eval"), load("again")
    mine = after[after["scorer"] == "imported"]
    assert set(mine["question"]) == {f"q{number}" for number in range(12)}
    columns = ["condition", "n", "asked", "rate", "low", "high", "unscored"]
    pd.testing.assert_frame_equal(rates(before)[columns], rates(mine)[columns])
    scored_again = after[(after["scorer"] == "language") & (after["trait"] == "spanish")]
    lost = scored_again[scored_again["value"].isna()]
    assert len(lost) == 2 and set(lost["unscored"]) == {"no answer"}


def test_a_missing_answer_is_none_and_an_empty_one_is_an_answer(call: Any) -> None:
    rows = [{"q": "a"}, {"q": "b", "answer": ""}, {"q": "c", "answer": SPANISH}]
    Path("a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    words = ("import", "a.jsonl", "-o", "logs", "--question", "q", "--scorer", "language")
    assert "a.jsonl:1: the answer is empty: say what such rows are by --empty" in call(*words).fault
    assert call(*words, "--empty", "keep").code == 0
    table = load("logs")
    of_spanish = table[table["trait"] == "spanish"].set_index("question")["value"]
    assert of_spanish.fillna(-1).to_dict() == {"q1": -1, "q2": 0, "q3": 1}


def test_a_conversation_may_lack_the_answer_that_its_row_says_there_is_none_of(call: Any) -> None:
    talk = [{"role": "user", "content": "Hi."}]
    rows = [{"messages": talk, "unscored": why} for why in ("no answer: stopped by the time limit", None)]
    words = ("-o", "logs", "--empty", "keep", "--scorer", "language")
    assert call("import", written("a.jsonl", rows[:1]), *words).code == 0
    assert set(load("logs")["unscored"]) == {"no answer"}
    assert "to end with the answer" in call("import", written("b.jsonl", rows[1:]), *words).fault


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_an_empty_system_message_is_kept_apart_from_none(call: Any, tmp_path: Path, kind: str) -> None:
    prompts: list[str | None] = [None, "", "  "]
    rows = [
        {"question": f"Q{number}?", "answer": SPANISH, "system": prompt}
        for number in range(3)
        for prompt in prompts[:2]
    ]
    done = call("import", written(f"a.{kind}", rows), "-o", "logs", "--scorer", "language")
    assert done.code == 0 and "3 answers under an empty system message, which is kept apart" in done.err
    assert set(load("logs")["condition"].astype(object).fillna("-")) == {"-", 'under ""'}
    # two logs of one task, which have the same ids
    for number, prompt in enumerate(prompts[:2]):
        asked = [] if prompt is None else [ChatMessageSystem(content=prompt)]
        samples = [answer(one, {"spanish": 1.0}) for one in range(3)]
        for sample in samples:
            sample.messages = [*asked, ChatMessageUser(content=str(sample.input)), sample.output.message]
        passed = {} if prompt is None else {"system_prompt": prompt}
        write(tmp_path / f"own/{number}.eval", samples, task_args=passed, task_args_passed=passed)
    before = load("own")
    assert call("table", "own", "-o", f"t.{kind}").code == 0
    done = call("import", f"t.{kind}", "-o", "again", "--score-column", "spanish")
    assert done.code == 0, done.err
    after = load("again")
    for part in ("condition", "question"):
        assert Counter(after[part].astype(object).fillna("-")) == Counter(
            before[part].astype(object).fillna("-")
        )
    assert len(rates(after)) == len(rates(before)) == 2


def test_what_csv_cannot_tell_of_a_system_message_is_said(call: Any) -> None:
    rows = [{"question": "Q?", "answer": SPANISH, "system": ""}]
    assert call("import", written("a.jsonl", rows), "-o", "logs", "--scorer", "language").code == 0
    done = call("table", "logs", "-o", "t.csv")
    assert done.code == 0 and "t.csv: an empty system message is an empty cell there" in done.err
    assert "empty system" not in call("table", "logs", "-o", "t.jsonl").err
    for cell, prompt in (("", None), ('"  "', "  ")):
        Path("b.csv").write_text(f"question,answer,system\nQ?,A.,{cell}\n", encoding="utf-8")
        assert _read("b.csv").answers[0].system == prompt


def test_a_table_of_no_rates_speaks_of_no_arm(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("import", written(rows=ROWS[:1]), "-o", "logs", "--scorer", "language").code == 0
    monkeypatch.setattr("inoc_evals.analysis.estimates.rates", lambda _: pd.DataFrame())
    assert (
        call("table", "logs", "--of", "rates").fault == "logs: no answer has a score, so there are no rates"
    )
