import pickle

import pytest

from inoc_evals.errors import MissingExtra, UserError, first_line, require
from inoc_evals.user_files import csv_rows, strict_json, strict_yaml


def test_a_message_is_one_line_whatever_it_quotes() -> None:
    quoted = "the template says:\n\n  <think>\n  no system role\r\n"
    assert UserError(quoted).message == str(UserError(quoted)) == "the template says: <think> no system role"
    assert UserError("run  pip install x").message == "run  pip install x"
    assert pickle.loads(pickle.dumps(UserError("a\nb"))).message == "a b"
    with pytest.raises(MissingExtra, match=r"no_such_module not installed: run  pip install"):
        require("local", "no_such_module")


def test_the_first_line_does_not_end_before_the_reason() -> None:
    torch = (
        "Error(s) in loading state_dict for Model:\n\tsize mismatch for a.weight: [2]\n\tsize mismatch for b"
    )
    assert first_line(torch) == "Error(s) in loading state_dict for Model: size mismatch for a.weight: [2]"
    assert first_line(ValueError("what\nadvice")) == "what"
    assert first_line(ValueError("")) == "ValueError"
    assert len(first_line("x" * 10_000)) < 500


def test_nothing_that_is_written_twice_is_lost() -> None:
    for read in (strict_json, strict_yaml):
        for text in ('{"a": 1, "a": 1}', '{"a": {"b": [{"c": 1, "c": 2}]}}'):
            with pytest.raises(ValueError, match="same key twice"):
                read(text)
    merged = "base: &base {a: 1, b: 2}\nmine:\n  <<: *base\n  b: 3\n"
    assert strict_yaml(merged)["mine"] == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("seeds: 1\nseeds: 2\n", 2),
        ("a: 1\nseeds: 1\nb: 2\nseeds: 2\nseeds: 3\n", 4),
        ("a:\n  b: 1\n  b: 2\n", 3),
        ("- a: 1\n- {b: 1,\n   b: 2}\n", 3),
    ],
)
def test_a_key_that_is_there_twice_is_named_by_the_line_of_the_second(text: str, line: int) -> None:
    with pytest.raises(ValueError, match=rf"same key twice: '\w+', line {line}$"):
        strict_yaml(text)


@pytest.mark.parametrize("date", ["2026-01-31", "2026-01-31 12:00:00", "2026-13-45"])
def test_a_date_in_yaml_stays_the_text_that_it_is(date: str) -> None:
    assert strict_yaml(f"date: {date}") == {"date": date}
    with pytest.raises(ValueError, match="Infinity is not a JSON number"):
        strict_json("[Infinity]")
    with pytest.raises(ValueError, match="two columns are named 'a'"):
        csv_rows("a,b,a\n1,2,3\n")
