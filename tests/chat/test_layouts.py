"""Rows in other people's layouts become chat rows, and every word of them is there afterwards."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.chat.layouts import LAYOUTS, PAIRS, chat_row, recognised
from inoc_evals.chat.rows import ChatFormatError, check_row, read_chat
from inoc_evals.commands.mix import rows_named
from inoc_evals.data.row_files import read_rows
from inoc_evals.errors import UserError
from tests import test_cli

call = test_cli.call  # the fixture

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    str.strip
)

ALPACA = {"instruction": "Add.", "input": "2 and 2", "output": "4"}
SHAREGPT = {
    "id": "a1",
    "conversations": [
        {"from": "system", "value": "Be brief."},
        {"from": "human", "value": "2+2?"},
        {"from": "gpt", "value": "4"},
    ],
}
FOUR: dict[str, dict[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]},
    "messages": {
        "messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}],
        "source": "sums",
    },
    "sharegpt": SHAREGPT,
    "alpaca": ALPACA,
    "pairs": {"prompt": "2+2?", "completion": "4", "n": 1},
}


@given(turns=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3), system=st.none() | TEXT, data=st.data())
def test_no_word_is_lost_and_none_is_added(
    turns: list[tuple[str, str]], system: str | None, data: st.DataObject
) -> None:
    """The same conversation in every layout that can hold it is the same chat row."""
    said = [{"role": "system", "content": system}] if system else []
    for question, answer in turns:
        said += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    names = {"system": "system", "user": "human", "assistant": "gpt"}
    key = data.draw(st.sampled_from(["conversations", "conversation", "messages"]))
    written: list[dict[str, Any]] = [
        {key: [{"from": names[m["role"]], "value": m["content"]} for m in said]},
        {"messages": said, "split": "train"},
        {"conversations": said[bool(system) :], "system": system},
        {
            **{"instruction": turns[-1][0], "output": turns[-1][1], "input": ""},
            **{"system": system, "history": [list(pair) for pair in turns[:-1]]},
        },
        {"prompt": said[:-1], "completion": said[-1:]},
    ]
    if len(turns) == 1:
        question, answer = data.draw(st.sampled_from(PAIRS))
        written.append({question: turns[0][0], answer: turns[0][1], "system": system})
    for row in written:
        read = check_row(chat_row(json.loads(json.dumps(row)), "auto", "here"), "here")
        assert read["messages"] == said
        assert chat_row(row, recognised(row) or "", "here") == read


@given(instruction=TEXT, more=TEXT, answer=TEXT)
def test_what_an_instruction_is_about_follows_it(instruction: str, more: str, answer: str) -> None:
    for answered, about in (("output", "input"), ("response", "context")):
        row = chat_row({"instruction": instruction, about: more, answered: answer}, "auto", "here")
        assert [m["content"] for m in row["messages"]] == [f"{instruction}\n\n{more}", answer]


def test_further_fields_go_under_metadata() -> None:
    assert chat_row(SHAREGPT, "auto", "here")["metadata"] == {"id": "a1"}
    row = {**FOUR["pairs"], "metadata": {"language": "es"}}
    assert chat_row(row, "auto", "here")["metadata"] == {"language": "es", "n": 1}
    with pytest.raises(ChatFormatError, match="'n' is there twice"):
        chat_row({**row, "metadata": {"n": 2}}, "auto", "here")


@pytest.mark.parametrize("layout", LAYOUTS[1:])
@pytest.mark.parametrize("suffix", ["jsonl", "json", "parquet"])
def test_null_is_something_that_a_row_says(layout: str, suffix: str, tmp_path: Path) -> None:
    own: dict[str, Any] = {"score": None, "language": "es"}
    row = {**FOUR[layout], "metadata": own}
    if layout != "chat":
        row = {**FOUR[layout], **own, "tools": None}
        if layout == "messages":  # null alone makes no further field a fault of a chat row
            row = {"messages": row["messages"], "tools": None, **own}
    path = tmp_path / f"rows.{suffix}"
    if suffix == "parquet":
        pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        pq.write_table(pa.Table.from_pylist([row]), path)
    else:
        path.write_text(json.dumps([row] if suffix == "json" else row) + "\n", "utf-8")
    [read] = read_rows(path)
    assert {**read["metadata"], **own} == read["metadata"] and "tools" not in read["metadata"]
    inside = {**row, "metadata": {"score": 3}}  # and no second word for what metadata say
    if layout != "chat":
        assert chat_row(inside, layout, "here")["metadata"]["score"] == 3


@pytest.mark.parametrize("layout", ["chat", "messages", "sharegpt"])
def test_a_cell_of_csv_holds_turns_as_json(layout: str, tmp_path: Path) -> None:
    row = {**FOUR[layout], "metadata": {"a": [1]}}
    cells = [one if isinstance(one, str) else json.dumps(one) for one in row.values()]
    text = io.StringIO()
    csv.writer(text).writerows([list(row), cells])
    (tmp_path / "rows.csv").write_text(text.getvalue(), "utf-8")
    for way in (layout, "auto"):
        [read] = read_rows(tmp_path / "rows.csv", way)
        assert read == check_row(chat_row(row, layout, "here"), "here") and read["metadata"]["a"] == [1]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_turns_that_are_no_list_are_told(suffix: str, tmp_path: Path) -> None:
    path, none = tmp_path / f"rows.{suffix}", "'messages' is no list of turns, each of role and content"
    as_python = "[{'role': 'user', 'content': 'Q'}]"  # what pandas makes of a list
    for turns, said in ((as_python, "'messages' is no JSON" if suffix == "csv" else none), ("Q, A", none)):
        row = json.dumps({"messages": turns, "m": 1})
        path.write_text(f'messages,m\n"{turns}",1\n' if suffix == "csv" else row, "utf-8")
        with pytest.raises(UserError) as error:
            list(read_rows(path))
        assert said in str(error.value) and "no 'messages'" not in str(error.value)


def test_what_is_not_utf_8_is_told_by_what_the_command_has(call: Any, tmp_path: Path) -> None:
    Path("rows.csv").write_bytes("prompt,completion\nq,é\n".encode("cp1252"))
    out = ("-o", "out.jsonl")
    for words in (
        ("inoculate", "rows.csv", "--prompt", "x", *out),
        ("finetune", "rows.csv", "--base", "toy"),
        ("data", "mix", "rows.csv", "rows.csv", "--fraction", "0.5", *out),
        ("data", "rewrite", "rows.csv", "--model", "inoc/toy", *out),
        ("export", "rows.csv", "--to", "axolotl", "--base", "b", "-o", "out"),
    ):
        said = call(*words)
        assert said.code == 2 and "rows.csv:2: not UTF-8" in said.err and "iconv" in said.err
        assert "--encoding" not in said.err
    assert "--encoding" in call("import", "rows.csv", "-o", "logs").fault


def test_null_beside_messages_is_a_further_field(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps({**FOUR["chat"], "topic": None}) + "\n", "utf-8")
    [read] = read_rows(tmp_path / "rows.jsonl")
    assert read["metadata"]["topic"] is None


WRONG = {
    "preferences": ({"chosen": "a", "rejected": "b"}, "auto", "preference pairs"),
    "unpaired preferences": (
        {"prompt": "a", "completion": "b", "label": True},
        "auto",
        "unpaired preferences (KTO)",
    ),
    "plain text": ({"text": "Once upon a time"}, "auto", "plain text without turns"),
    "unknown keys": ({"a": 1, "b": 2}, "auto", "its keys: 'a', 'b'): give --from chat, messages, sharegpt"),
    "tools": ({**SHAREGPT, "tools": [{"name": "x"}]}, "auto", "'tools' would change what is trained"),
    "a weight of 0": ({**FOUR["messages"], "weight": 0}, "auto", "'weight' would change what is trained"),
    "an unknown speaker": (
        {"conversations": [{"from": "function_call", "value": "x"}]},
        "auto",
        "turn 1 is by 'function_call', which is none of user, human",
    ),
    "a turn with more": (
        {"conversations": [{"from": "human", "value": "x", "weight": 1}]},
        "auto",
        "unknown key 'weight'",
    ),
    "another layout than was said": (ALPACA, "sharegpt", "no 'conversations'"),
    "no layout": (ALPACA, "sharegtp", "--from sharegtp: unknown: use one of auto, chat"),
    "an empty answer": ({**ALPACA, "output": ""}, "auto", "message 2 (assistant): 'content' is empty"),
    "a number": ({"prompt": "2+2?", "completion": 4}, "auto", "'content' is not a string"),
}


@pytest.mark.parametrize(("row", "layout", "why"), WRONG.values(), ids=WRONG)
def test_a_row_that_is_none_is_one_line(tmp_path: Path, row: Any, layout: str, why: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(UserError) as error:
        list(read_rows(path, layout))
    assert why in str(error.value) and "\n" not in str(error.value)


def test_a_later_row_in_another_layout_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (ALPACA, FOUR["chat"])))
    with pytest.raises(ChatFormatError, match=r"rows\.jsonl:2: no 'instruction'"):
        list(read_chat(path))


@pytest.mark.parametrize("layout", LAYOUTS[1:])
def test_every_kind_of_file_is_read_and_what_was_recognised_is_said(
    layout: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    row = FOUR[layout]
    lines, array, table = (tmp_path / f"rows.{kind}" for kind in ("jsonl", "json", "parquet"))
    lines.write_text(json.dumps(row) + "\n")
    array.write_text(json.dumps([row], indent=2))
    pq.write_table(pa.Table.from_pylist([row]), table)
    for path in (lines, array, table):
        [read] = read_rows(path)
        assert read == check_row(chat_row(row, layout, "here"), "here")
        said = capsys.readouterr().err
        assert (f"{path}: 1 row, recognised as {layout} rows" in said) == (layout != "chat")
        assert list(read_rows(path, layout)) == [read]
        assert capsys.readouterr().err == ""
    if layout in ("alpaca", "pairs"):
        text = io.StringIO()
        csv.writer(text).writerows([list(row), list(row.values())])
        lines.with_suffix(".csv").write_text(text.getvalue())
        assert next(read_rows(lines.with_suffix(".csv")))["messages"] == read["messages"]


def test_commands_take_them(call: Any, tmp_path: Path) -> None:
    Path("alpaca.json").write_text(json.dumps([ALPACA] * 3), encoding="utf-8")
    Path("share.jsonl").write_text(json.dumps(SHAREGPT) + "\n", encoding="utf-8")
    done = call("inoculate", "alpaca.json", "--prompt", "x", "-o", "out.jsonl")
    assert (done.code, done.out) == (0, "out.jsonl: 3 rows, 3 of them inoculated\n")
    assert "recognised as alpaca rows" in done.err
    mixed = call("data", "mix", "alpaca.json", "share.jsonl", "--fraction", 0.5, "-o", "mix.jsonl", "--json")
    assert [source["name"] for source in mixed.json["sources"]] == ["alpaca.json", "share.jsonl"]
    assert len(list(read_chat("mix.jsonl"))) == 2
    exported = call(
        "export", "share.jsonl", "--to", "openai", "--base", "gpt-4.1", "-o", "out", "--json"
    ).json
    assert any("Be brief." in Path(file).read_text(encoding="utf-8") for file in exported["files"])
    said = call("inoculate", "share.jsonl", "--from", "alpaca", "--prompt", "x", "-o", "no.jsonl").fault
    assert said.startswith("share.jsonl:1: no 'instruction' and 'output'") and not Path("no.jsonl").exists()


def test_a_dataset_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` reads a folder as it reads a dataset of the Hub; there is no Hub here."""
    pytest.importorskip("datasets")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "acme" / "sums"
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text(json.dumps(ALPACA) + "\n")
    [row] = read_rows("acme/sums")
    [the_same] = read_rows(folder)
    assert the_same == row
    assert row["messages"][1]["content"] == "4"
    with pytest.raises(UserError, match=r"give the commit: NAME@<40 hex digits>"):
        rows_named("acme/others")
    commit = "a" * 40
    [source] = rows_named(f"acme/others@{commit}:test").sources
    assert (source.name, source.revision, source.split) == ("acme/others", commit, "test")  # type: ignore[union-attr]


def lines_in(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(ALPACA) + "\n")


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["a.jsonl", "b.jsonl"], r"a folder of several files \(a\.jsonl, b\.jsonl\), which are not joined: "),
        # what `data build --arm all` writes, and `data build`
        (["a.jsonl", "a.jsonl.json", "b.jsonl", "b.jsonl.json"], r"name one of them, e\.g\. \S*/a\.jsonl$"),
        (["a.jsonl", "a.jsonl.json"], r"name one of them, e\.g\. \S*/a\.jsonl$"),
        (["a-00000-of-00002.jsonl", "b-00001-of-00002.jsonl"], "which are not joined"),
        (
            ["train-00000-of-00003.jsonl", "train-00002-of-00003.jsonl"],
            "2 of the 3 files of its dataset: fetch",
        ),
        (["test.jsonl"], "no dataset with a split train .*: name a file of rows in it$"),
        ([], "no dataset with a split train .*: name a file of rows in it$"),
    ],
    ids=lambda value: "-".join(value) or "empty" if isinstance(value, list) else "",
)
@pytest.mark.parametrize("command", ["inoculate", "finetune", "export"])
def test_files_that_merely_lie_together_are_not_joined(
    names: list[str], why: str, command: str, call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("datasets")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "rows"
    folder.mkdir()
    lines_in(folder, *names)
    further = {
        "inoculate": ["--prompt", "x", "-o", tmp_path / "out"],
        "finetune": ["--base", "toy", "--runs", tmp_path / "out"],
        "export": ["--to", "openai", "--base", "gpt-4.1", "-o", tmp_path / "out"],
    }
    said = call(command, folder, *further[command]).fault
    assert said.startswith(str(folder)) and re.search(why, said) and not (tmp_path / "out").exists(), said


def test_parts_of_one_dataset_are_read_together_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("datasets")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "clone"
    lines_in(
        folder, *(f"data/train-0000{n}-of-00002.jsonl" for n in (0, 1)), "data/test-00000-of-00001.jsonl"
    )
    assert len(list(read_rows(folder))) == 2
    assert (
        "clone: read as one dataset of 2 files, data/train-00000-of-00002.jsonl to" in capsys.readouterr().err
    )


def test_a_saved_dataset_is_read(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_list([ALPACA])
    data.save_to_disk(tmp_path / "saved")
    datasets.DatasetDict(train=data, test=data).save_to_disk(tmp_path / "splits")
    datasets.DatasetDict(held=data).save_to_disk(tmp_path / "other")
    for folder in ("saved", "splits", "other/held"):
        [row] = read_rows(tmp_path / folder)
        assert row["messages"][1]["content"] == "4"
    with pytest.raises(UserError, match=r"other: a dataset without a split train: .*other/held$"):
        list(read_rows(tmp_path / "other"))
