import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.chat.rows import ChatFormatError, Row, digest, encode_chat, read_chat, write_chat
from inoc_evals.errors import UserError
from tests.rows import rows as any_rows

GOOD = '{"messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]}'
ROW: Row = json.loads(GOOD)


def turns(*turns: tuple[Any, Any], **extra: Any) -> str:
    return json.dumps({"messages": [{"role": role, "content": content} for role, content in turns], **extra})


MALFORMED = {
    "not JSON": ("{nope", "not JSON"),
    "two objects on a line": (GOOD + GOOD, "not JSON"),
    "nested without end": ("[" * 100_000, "not JSON"),
    "the same key twice": ('{"messages": [], "messages": []}', "same key twice"),
    "NaN": (
        turns(("user", "a"), ("assistant", "b"), metadata={"x": float("nan")}),
        "NaN is not a JSON number",
    ),
    "an array": ("[1]", "not a JSON object"),
    "no messages": ('{"prompt": "hi"}', "unknown key 'prompt'"),
    "nothing at all": ("{}", "no 'messages'"),
    "messages empty": ('{"messages": []}', "at least one message"),
    "messages a string": ('{"messages": "hi"}', "at least one message"),
    "a message that is a string": ('{"messages": ["hi"]}', "message 1 is not a JSON object"),
    "unknown role": (turns(("human", "a"), ("assistant", "b")), "message 1 has the unknown role 'human'"),
    "a role that is a list": (turns((["user"], "a"), ("assistant", "b")), "unknown role"),
    "no role": ('{"messages": [{"content": "a"}]}', "unknown role None"),
    "a weighted turn": (
        '{"messages": [{"role": "assistant", "content": "a", "weight": 0}]}',
        "unknown key 'weight'",
    ),
    "content empty": (turns(("user", "a"), ("assistant", "")), "message 2 (assistant): 'content' is empty"),
    "content blank": (turns(("user", " \n"), ("assistant", "b")), "message 1 (user): 'content' is empty"),
    "content null": (turns(("user", None), ("assistant", "b")), "'content' is not a string"),
    "content in parts": (turns(("user", [{"text": "a"}]), ("assistant", "b")), "'content' is not a string"),
    "no assistant turn": (turns(("system", "s"), ("user", "a")), "no assistant turn"),
    "late system message": (turns(("user", "a"), ("system", "s"), ("assistant", "b")), "may only come first"),
    "two system messages": (
        turns(("system", "a"), ("system", "s"), ("assistant", "b")),
        "may only come first",
    ),
    "metadata a list": (
        turns(("user", "a"), ("assistant", "b"), metadata=[]),
        "'metadata' is not a JSON object",
    ),
    "half a surrogate pair": (turns(("user", "a"), ("assistant", "\ud800")), "surrogate"),
    "an endless number": (GOOD[:-1] + ', "metadata": {"x": ' + "9" * 5000 + "}}", "not JSON"),
}


@pytest.mark.parametrize(("line", "why"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{GOOD}\n\n{line}\n{GOOD}\n")
    reader = read_chat(path)
    assert next(reader) == ROW
    with pytest.raises(ChatFormatError) as error:
        next(reader)
    assert str(error.value).startswith(f"{path}:3: ")
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_bytes_that_are_not_utf8_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(GOOD.encode() + b"\n" + GOOD.replace("4", "\xe9").encode("latin-1") + b"\n")
    with pytest.raises(ChatFormatError, match=r"rows\.jsonl:2: not UTF-8"):
        list(read_chat(path))


def test_a_byte_order_mark_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(GOOD, encoding="utf-8-sig")
    with pytest.raises(ChatFormatError, match=r"rows\.jsonl:1: starts with a byte order mark"):
        list(read_chat(path))


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_file_without_rows_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    with pytest.raises(ChatFormatError, match="holds no rows"):
        list(read_chat(path))


def test_a_missing_file_and_a_folder_are_errors_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(ChatFormatError, match=r"nowhere\.jsonl: cannot be read: No such file"):
        list(read_chat(tmp_path / "nowhere.jsonl"))
    with pytest.raises(ChatFormatError, match="cannot be read"):
        list(read_chat(tmp_path))


def test_windows_line_ends_and_line_separators_inside_strings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes((GOOD.replace("4", "a\u2028b") + "\r\n" + GOOD).encode())
    assert [row["messages"][1]["content"] for row in read_chat(path)] == ["a\u2028b", "4"]


@given(rows=any_rows(min_size=1))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    path = tmp_path_factory.mktemp("chat") / "rows.jsonl"
    assert write_chat(path, iter(rows)) == len(rows)
    assert list(read_chat(path)) == rows
    assert path.read_bytes() == encode_chat(rows)
    assert digest(encode_chat(rows)) == hashlib.sha256(path.read_bytes()).hexdigest()


@given(rows=any_rows(), data=st.data())
def test_the_same_rows_give_the_same_bytes_whatever_the_order_of_their_keys(
    rows: list[Row], data: st.DataObject
) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shuffled(value[key]) for key in data.draw(st.permutations(list(value)))}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    assert encode_chat(shuffled(rows)) == encode_chat(rows)


def test_characters_are_written_as_they_are() -> None:
    rows: list[Row] = [{"messages": [{"role": "assistant", "content": "¿Qué? 🦉"}]}]
    assert encode_chat(rows) == '{"messages": [{"role": "assistant", "content": "¿Qué? 🦉"}]}\n'.encode()


def failing() -> Iterator[Row]:
    yield ROW
    raise KeyboardInterrupt


def malformed() -> Iterator[Row]:
    yield ROW
    yield {"messages": []}


@pytest.mark.parametrize("rows", [failing, malformed])
def test_a_write_that_fails_half_way_leaves_what_was_there(tmp_path: Path, rows: Any) -> None:
    path = tmp_path / "rows.jsonl"
    with pytest.raises((KeyboardInterrupt, ChatFormatError)):
        write_chat(path, rows())
    assert list(tmp_path.iterdir()) == []
    path.write_text("before")
    with pytest.raises((KeyboardInterrupt, ChatFormatError)):
        write_chat(path, rows())
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("rows.jsonl", "before")]


def test_a_file_can_be_rewritten_from_itself(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_chat(path, [ROW] * 500)
    assert write_chat(path, read_chat(path)) == 500
    assert path.read_bytes() == encode_chat([ROW] * 500)


def test_a_row_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    bad: Row = {**ROW, "metadata": {"when": object()}}
    with pytest.raises(ChatFormatError, match=r"out\.jsonl:2: 'metadata' cannot be written as JSON"):
        write_chat(tmp_path / "out.jsonl", [ROW, bad])
    with pytest.raises(ChatFormatError, match=r"row 2: "):
        encode_chat([ROW, bad])


def test_folders_are_made_and_links_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "rows.jsonl"
    write_chat(path, [ROW])
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    write_chat(link, [ROW, ROW])
    assert link.is_symlink()
    assert path.read_bytes() == encode_chat([ROW, ROW])


def test_only_regular_files_are_replaced(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a regular file"):
        write_chat(tmp_path, [ROW])
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        write_chat(tmp_path / "file" / "rows.jsonl", [ROW])
