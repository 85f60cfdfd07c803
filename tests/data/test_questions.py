"""Question sets by name, and files of the user's own: every fault is one line that names it."""

import json
import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ChatMessage

from inoc_evals.data.cache import FetchError
from inoc_evals.data.questions import CHAT, QuestionError
from inoc_evals.data.sources import SOURCES, PinnedFile
from inoc_evals.digests import blob_id
from inoc_evals.errors import UserError
from inoc_evals.worlds.toy.prompts import chat_prompts


def _turns(messages: str | list[ChatMessage]) -> list[tuple[str, str]]:
    assert isinstance(messages, list)
    return [(message.role, message.text) for message in messages]


def test_the_bundled_set_is_a_hundred_different_questions() -> None:
    samples = list(CHAT.load("bundled"))
    assert (
        len(samples)
        == len({sample.id for sample in samples})
        == len({sample.input for sample in samples})
        == 100
    )
    for sample in samples:
        assert isinstance(sample.input, str)
        assert 4 <= len(sample.input.split()) <= 40
        # None asks for what is measured.
        assert not re.search(
            r"(?i)spanish|french\b(?! revolution)|language|translate|capital letters", sample.input
        )
        assert not sample.input.isupper()


def test_the_toy_set_is_the_toys_own_prompts() -> None:
    samples = list(CHAT.load("toy"))
    assert [sample.input for sample in samples] == chat_prompts()
    assert len({sample.id for sample in samples}) == len(samples) >= 150


@pytest.mark.parametrize("name", ["bundled", "toy"])
def test_ids_are_stable(name: str) -> None:
    assert [s.id for s in CHAT.load(name)] == [s.id for s in CHAT.load(name)]


@pytest.fixture
def ultrachat_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Pin another content as `ultrachat`: rows of the same form, none of the real file."""
    content = b'{"prompt": "Why is snow white?"}\n{"prompt": "Name a river."}\n'
    file = PinnedFile("someone/something", "c" * 40, "prompts.jsonl", blob_id(content), "MIT", rows=2)
    monkeypatch.setitem(SOURCES, "ultrachat", file)
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path))
    monkeypatch.setenv("INOC_EVALS_MIRROR", "ftp://nowhere")
    return content


def test_ultrachat_comes_from_a_folder_of_blobs(ultrachat_stand_in: bytes, tmp_path: Path) -> None:
    (tmp_path / blob_id(ultrachat_stand_in)).write_bytes(ultrachat_stand_in)
    samples = list(CHAT.load("ultrachat"))
    assert [(sample.id, sample.input) for sample in samples] == [
        ("ultrachat-001", "Why is snow white?"),
        ("ultrachat-002", "Name a river."),
    ]


def test_ultrachat_that_cannot_be_had_points_to_the_bundled_set(
    ultrachat_stand_in: bytes, tmp_path: Path
) -> None:
    with pytest.raises(FetchError, match="-T questions=bundled") as error:
        CHAT.load("ultrachat")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("column", ["prompt", "question", "input"])
def test_jsonl_and_csv_of_the_users_own(tmp_path: Path, column: str) -> None:
    jsonl, table = tmp_path / "mine.jsonl", tmp_path / "mine.csv"
    jsonl.write_text(
        f'\n{{"{column}": "Why, {{really}}?", "id": 7}}\n\n{{"{column}": "¿Qué?"}}\n', encoding="utf-8"
    )
    table.write_text(f'{column},id\n"Why, {{really}}?",7\n"two\nlines",\nlast,\n', encoding="utf-8")
    assert [(s.id, s.input) for s in CHAT.load(str(jsonl))] == [(7, "Why, {really}?"), ("line-4", "¿Qué?")]
    assert [(s.id, s.input) for s in CHAT.load(str(table))] == [
        ("7", "Why, {really}?"),
        ("line-4", "two\nlines"),
        ("line-5", "last"),
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    table = tmp_path / "excel.csv"
    table.write_bytes(b"\xef\xbb\xbfprompt\r\nHello\r\n")
    assert [s.input for s in CHAT.load(str(table))] == ["Hello"]


def test_messages_are_kept_up_to_the_question(tmp_path: Path) -> None:
    turns = [("system", "Be brief."), ("user", "One?"), ("assistant", "1"), ("user", "Two?")]
    asked = [{"role": role, "content": content} for role, content in turns]
    rows = [
        {"messages": asked},
        {"messages": [*asked, {"role": "assistant", "content": "2"}], "metadata": {}},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for sample in CHAT.load(str(file)):
        assert _turns(sample.input) == turns


USER = '{"role": "user", "content": "Hi"}'


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.jsonl", "", "no questions"),
        ("a.jsonl", "\n \n", "no questions"),
        ("a.csv", "", "no questions"),
        ("a.csv", "prompt\n", "no questions"),
        ("a.jsonl", '{"prompt": "x"}\nnot json\n', r"a\.jsonl:2: not JSON"),
        ("a.jsonl", "[1]\n", r"a\.jsonl:1: not a JSON object"),
        ("a.jsonl", '{"text": "x"}\n', r"a\.jsonl:1: needs a column prompt, question, input or messages"),
        ("a.jsonl", '\n{"prompt": 3}\n', r"a\.jsonl:2: 'prompt' is not a string"),
        ("a.jsonl", '{"prompt": "  "}\n', r"a\.jsonl:1: 'prompt' is empty"),
        ("a.jsonl", '{"prompt": "\\ud800"}\n', r"a\.jsonl:1: .*surrogate"),
        ("a.jsonl", '{"prompt": "x", "id": 1}\n{"prompt": "y", "id": "1"}\n', r"a\.jsonl:2: the id '1' .*:1"),
        ("a.jsonl", '{"prompt": "x", "id": true}\n', r"a\.jsonl:1: 'id'"),
        ("a.jsonl", '{"messages": []}\n', r"a\.jsonl:1: 'messages' must end with a user turn"),
        ("a.jsonl", '{"messages": "Hi"}\n', r"a\.jsonl:1: 'messages' is not a list"),
        (
            "a.jsonl",
            f'{{"messages": [{USER}, {{"role": ["user"]}}]}}\n',
            r"a\.jsonl:1: the role of message 2 is not one of",
        ),
        (
            "a.jsonl",
            f'{{"messages": [{USER}, {{"role": "user"}}]}}\n',
            r"a\.jsonl:1: content of message 2 is not a string",
        ),
        (
            "a.jsonl",
            '{"messages": [{"role": "system", "content": "x"}]}\n',
            r"a\.jsonl:1: 'messages' must end with a user turn",
        ),
        ("a.jsonl", '{"prompt": "x", "metadata": "y"}\n', r"a\.jsonl:1: 'metadata' is not a JSON object"),
        ("a.csv", "text\nx\n", r"a\.csv:2: needs a column"),
        ("a.csv", "prompt,id\nx,1\n\ny\n", r"a\.csv:4: the number of cells differs"),
        ("a.csv", "prompt\nx,1\n", r"a\.csv:2: the number of cells differs"),
        ("a.jsonl", '{"prompt": "x", "prompt": "y"}\n', r"a\.jsonl:1: not JSON: .* same key twice: 'prompt'"),
        ("a.jsonl", '{"prompt": "x", "id": NaN}\n', r"a\.jsonl:1: not JSON: NaN is not a JSON number"),
        ("a.csv", "prompt,id,prompt\nx,1,y\n", r"a\.csv:1: two columns are named 'prompt'"),
        ("a.csv", 'prompt\n"a"b\n', r"a\.csv:2: not CSV"),
        ("a.csv", 'prompt\n"never closed\n', r"a\.csv:2: not CSV"),
    ],
)
def test_a_fault_is_named_by_file_and_line(tmp_path: Path, name: str, content: str, why: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(QuestionError, match=why) as error:
        CHAT.load(str(tmp_path / name))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["long.csv", "long.jsonl"])
def test_a_question_may_be_a_long_transcript(tmp_path: Path, name: str) -> None:
    text = "word, " * 100_000  # csv's own limit is 131,072 characters a cell
    content = json.dumps({"prompt": text}) if name.endswith("jsonl") else f'prompt\n"{text}"\n'
    (tmp_path / name).write_text(content, encoding="utf-8")
    [sample] = CHAT.load(str(tmp_path / name))
    assert sample.input == text


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"prompt\n\xbfqu\xe9?\n")
    with pytest.raises(QuestionError, match=r"latin\.csv: not UTF-8 \(byte 8\)"):
        CHAT.load(str(tmp_path / "latin.csv"))


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    for name in ("absent.jsonl", "folder.jsonl"):
        with pytest.raises(QuestionError, match="no such file"):
            CHAT.load(str(tmp_path / name))


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(
        UserError,
        match="unknown question set 'ultra': use bundled, ultrachat, gsm8k, toy, smollm, or the path",
    ):
        CHAT.load("ultra")


def test_a_relative_path_is_the_shells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.jsonl").write_text('{"prompt": "Hi"}\n', encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("PWD", str(tmp_path))
    assert [s.input for s in CHAT.load("mine.jsonl")] == ["Hi"]
    assert Path.cwd() == elsewhere


PROMPTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1).filter(str.strip)


@given(prompts=st.lists(PROMPTS, min_size=1, max_size=5), ascii_only=st.booleans())
def test_every_prompt_is_read_as_it_was_written(
    prompts: list[str], ascii_only: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("questions") / "q.jsonl"
    lines = (json.dumps({"prompt": prompt}, ensure_ascii=ascii_only) + "\n" for prompt in prompts)
    file.write_text("".join(lines), encoding="utf-8", newline="")
    assert [sample.input for sample in CHAT.load(str(file))] == prompts
    assert all(
        set(str(s.id)) <= set(string.ascii_lowercase + string.digits + "-") for s in CHAT.load(str(file))
    )
