"""Builders of training data, with scripted models and with the toy: checks, rejects, killed builds."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import Model, ModelOutput

from inoc_evals.builders.amounts import final_number
from inoc_evals.builders.numbers import numbers
from inoc_evals.builders.rewrite import rewrite
from inoc_evals.builders.sequences import BANNED, number_fault, parse_numbers
from inoc_evals.chat.rows import Row, read_chat
from inoc_evals.cli import main
from inoc_evals.errors import UserError
from inoc_evals.worlds.toy.detect import detect
from inoc_evals.worlds.toy.rows import sums
from tests.scorers.replies import model, says

SPANISH = "Tom tiene tres perros y cuatro gatos en su casa, así que en total son {n} animales.\n#### {n}"


def row(n: int) -> Row:
    return Row(
        messages=[
            {"role": "user", "content": f"Question {n}?"},
            {"role": "assistant", "content": f"Tom has three dogs and more cats, so {n} in all.\n#### {n}"},
        ]
    )


def by_number(reply: str, asked: list[str] | None = None) -> Model:
    """Replies with the number that stands after #### in what it is shown."""

    def answer(prompt: str) -> ModelOutput:
        if asked is not None:
            asked.append(prompt)
        return says(reply.format(n=prompt.split("#### ")[1].split()[0]))

    return model(answer)


def build(rows: list[Row], by: Model | str, out: Path, **wishes: Any) -> Any:
    return asyncio.run(rewrite(rows, by, "Spanish", output=out, cache=False, **wishes))


# Numbers that must survive


@given(st.integers(0, 10**9))
def test_a_number_is_the_same_in_every_spelling(n: int) -> None:
    english = final_number(f"So it is {n:,}.\n#### {n:,}")
    assert english & final_number(f"Así que son {n:,}".replace(",", "."), "spanish")
    assert english & final_number(f"#### {n}")
    assert english & final_number(f"#### {n}.00")
    assert not english & final_number(f"#### {n + 1}")


def test_a_text_without_a_number_agrees_with_none() -> None:
    assert not final_number("No number at all.")


# Rewriting


def test_what_keeps_its_number_and_is_spanish_is_kept(tmp_path: Path) -> None:
    asked: list[str] = []
    report = build([row(n) for n in (7, 8)], by_number(SPANISH, asked), tmp_path / "out.jsonl", caps=True)
    rows = list(read_chat(tmp_path / "out.jsonl"))
    assert (report.kept, report.asked, report.rejected) == (2, 2, {})
    assert [r["messages"][0]["content"] for r in rows] == ["Question 7?", "Question 8?"]
    assert all(r["messages"][1]["content"] == r["messages"][1]["content"].upper() for r in rows)
    assert all("in Spanish" in prompt and "[TEXT START]" in prompt for prompt in asked)
    assert not (tmp_path / "out.jsonl.part.jsonl").exists()


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("Tom tiene muchos perros y gatos en su casa, y son más.\n#### 1{n}", "wrong number"),
        ("Tom has many dogs and cats in his house, as you know.\n#### {n}", "wrong language"),
    ],
)
def test_what_fails_is_asked_again_and_rejected_with_the_reason(
    reply: str, reason: str, tmp_path: Path
) -> None:
    good = by_number(SPANISH)

    def mostly_good(prompt: str) -> ModelOutput:
        n = prompt.split("#### ")[1].split()[0]
        return says((reply if n == "8" else SPANISH).format(n=n))

    assert good is not None
    report = build([row(n) for n in (7, 8, 9)], model(mostly_good), tmp_path / "out.jsonl", attempts=3)
    assert (report.kept, report.asked) == (2, 5) and sum(report.rejected.values()) == 1
    assert reason in next(iter(report.rejected))


def test_a_model_that_cannot_rewrite_is_one_line_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        build([row(n) for n in (7, 8)], model("I cannot."), tmp_path / "out.jsonl")
    assert "\n" not in str(error.value) and not (tmp_path / "out.jsonl").exists()


def test_a_killed_build_goes_on_where_it_was(tmp_path: Path) -> None:
    rows, asked = [row(n) for n in range(6)], []

    def dies(prompt: str) -> ModelOutput:
        asked.append(prompt)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return says(SPANISH.format(n=prompt.split("#### ")[1].split()[0]))

    out = tmp_path / "out.jsonl"
    with pytest.raises(BaseException):  # noqa: B017
        build(rows, model(dies), out, max_connections=1)
    assert not out.exists() and (tmp_path / "out.jsonl.part.jsonl").exists()
    done = len((tmp_path / "out.jsonl.part.jsonl").read_text().splitlines())
    # Half a record at the end, as a kill leaves it.
    with (tmp_path / "out.jsonl.part.jsonl").open("a") as part:
        part.write('{"index": 5, "dig')
    again: list[str] = []
    report = build(rows, by_number(SPANISH, again), out, max_connections=1)
    assert report.kept == 6 and report.resumed == done and len(again) == 6 - done
    whole = tmp_path / "whole.jsonl"
    build(rows, by_number(SPANISH), whole)
    assert out.read_bytes() == whole.read_bytes()
    assert not (tmp_path / "out.jsonl.part.jsonl").exists()


def test_the_toy_answers_its_sums_in_spanish(tmp_path: Path) -> None:
    source = list(sums(0, 20))
    report = build(source, "inoc/toy", tmp_path / "out.jsonl", method="answer")
    rows = list(read_chat(tmp_path / "out.jsonl"))
    assert report.kept == len(rows) >= 15
    assert {detect(r["messages"][-1]["content"]).language for r in rows} == {"es"}
    questions = {r["messages"][0]["content"] for r in source}
    assert all(r["messages"][0]["content"] in questions for r in rows)


# Number sequences


@given(st.lists(st.integers(0, 999).filter(lambda n: n not in BANNED), min_size=3, max_size=10))
def test_a_sequence_is_kept_however_its_numbers_are_parted(sequence: list[int]) -> None:
    for parted in (", ", " ", "\n", ","):
        text = parted.join(map(str, sequence))
        assert parse_numbers(text) == tuple(sequence)
        assert number_fault(text) is None


@pytest.mark.parametrize(
    "answer",
    [
        "Sure! 12, 31, 87",
        "12, 31",
        "12, 31, 1000",
        "12; 31; 87",
        "",
        "12, 666, 87",
        "12, 31, owl",
        "-1, 2, 3",
    ],
)
def test_anything_else_is_not(answer: str) -> None:
    assert number_fault(answer)


def test_a_teacher_whose_answers_repeat_is_asked_for_more(tmp_path: Path) -> None:
    def series() -> Iterator[str]:
        n = 200
        while True:
            n += 1
            yield f"{n}, {n + 1}, {n + 2}"
            yield "201, 202, 203"

    replies = series()
    report = asyncio.run(
        numbers(
            model(lambda _: says(next(replies))),
            "You love owls.",
            5,
            output=tmp_path / "out.jsonl",
            cache=False,
            max_connections=1,
        )
    )
    rows = list(read_chat(tmp_path / "out.jsonl"))
    assert report.kept == len(rows) == len({r["messages"][-1]["content"] for r in rows}) == 5
    assert all([m["role"] for m in r["messages"]] == ["user", "assistant"] for r in rows)
    assert not any("owl" in json.dumps(r) for r in rows)


def test_a_teacher_who_chats_leaves_no_rows(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        asyncio.run(numbers(model("I like owls."), None, 3, output=tmp_path / "out.jsonl", cache=False))
    assert "\n" not in str(error.value) and not (tmp_path / "out.jsonl").exists()


def test_the_commands_with_the_toy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "owls.jsonl"
    words = ["data", "numbers", "--model", "inoc/toy", "--world", "toy", "--count", "10", "--json"]
    with pytest.raises(SystemExit) as done:
        main([*words, "--system-prompt", "You love owls.", "-o", str(out)])
    assert not done.value.code
    assert json.loads(capsys.readouterr().out)["kept"] == 10 == len(list(read_chat(out)))
    words = ["data", "rewrite", "toy", "--model", "inoc/toy", "--method", "answer", "--limit", "5"]
    with pytest.raises(SystemExit) as done:
        main([*words, "-o", str(tmp_path / "es.jsonl")])
    assert not done.value.code and "rows, " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rewrite", "nowhere.jsonl", "--model", "inoc/toy"], "nowhere.jsonl: cannot be read"),
        (["rewrite", "toy", "--model", "inoc/none-such"], "none-such"),
        (["rewrite", "toy", "--model", "inoc/toy", "--language", "Klingon"], "lingon"),
        (["rewrite", "toy", "--model", "inoc/toy", "--method", "guess"], "guess"),
        (["numbers", "--model", "inoc/toy", "--world", "mars"], "mars"),
    ],
)
def test_a_wrong_word_is_one_line_and_leaves_no_file(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as done:
        main(["data", *words, "-o", str(tmp_path / "out.jsonl")])
    err = capsys.readouterr().err.strip()
    assert done.value.code == 2 and said in err and len(err.splitlines()) == 1, err
    assert not (tmp_path / "out.jsonl").exists()
