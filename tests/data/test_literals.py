"""Literals in somebody's Python file: read exactly, and never run."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.data.literals import literal, literals
from inoc_evals.errors import UserError


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read(source: str) -> dict[str, Any]:
        path = tmp_path / "eval.py"
        path.write_text(source, encoding="utf-8")
        return literals(path)

    return read


TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
KEYS = st.one_of(TEXT, st.integers(), st.tuples(TEXT, st.integers()))
LITERALS = st.recursive(
    st.one_of(
        TEXT, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
    ),
    max_leaves=12,
)


@given(
    values=st.dictionaries(st.from_regex(r"[a-z][a-zA-Z0-9_]{0,5}_", fullmatch=True), LITERALS, max_size=4)
)
def test_every_literal_is_read_as_it_was_written(
    values: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("literals") / "eval.py"
    source = "".join(f"{name} = {value!r}\n" for name, value in values.items())
    path.write_text(source, encoding="utf-8", newline="")
    assert literals(path) == values
    assert repr(literals(path)) == repr(values)  # 1 is not True, and a tuple no list


@given(parts=st.lists(TEXT, min_size=1, max_size=4))
def test_sums_and_stripped_texts_are_read(parts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("literals") / "eval.py"
    total = " + ".join(repr(part) for part in parts)
    path.write_text(
        f"a = {total}\nb = ({total}).strip()\nc = {parts!r} + ['z']\n", encoding="utf-8", newline=""
    )
    assert literals(path) == {"a": "".join(parts), "b": "".join(parts).strip(), "c": [*parts, "z"]}


def test_the_forms_of_a_judge_template_are_read(read: Any) -> None:
    found = read(
        "import somewhere\n"
        'RAW = r"""\nRate \\d {prompt}\n""".strip()\n'
        'CONTINUED = """\\\nRate {completion}\n""".strip()\n'
        'TYPED: dict[str, str] = {"a": "b" "c"}\n'
        "UNSET: str\n"
        "one = two = 'x'\n"
    )
    assert found == {
        **{"RAW": "Rate \\d {prompt}", "CONTINUED": "Rate {completion}"},
        **{"TYPED": {"a": "bc"}, "one": "x", "two": "x"},
    }


def test_a_constructor_call_is_its_keywords(read: Any) -> None:
    found = read(
        'pairs = [\n  Pair(kind="hat", first="red", which="A"),\n  Pair(kind="shoe", first="", which="B")\n]'
    )
    assert found["pairs"] == [
        {"kind": "hat", "first": "red", "which": "A"},
        {"kind": "shoe", "first": "", "which": "B"},
    ]


@pytest.mark.parametrize(
    "value",
    [
        "name",
        "f'{name}'",
        "Pair('hat')",
        "Pair('hat', kind='x')",
        "Pair(kind='x', **others)",
        "Pair()",
        "'a'.upper()",
        "'a'.strip('b')",
        "'{x}'.format(x='y')",
        "['a', name]",
        "{'a': 'b', **others}",
        "{'a': name}",
        "'a' + 1",
        "['a'] + 'a'",
        "[1].strip()",
        "{['a']: 1}",
        "-'a'",
        "[x for x in 'ab']",
        "lambda: 'a'",
    ],
)
def test_what_is_no_literal_is_left_out(read: Any, value: str) -> None:
    assert read(f"before = 'b'\nx = {value}\nafter = 'a'\n") == {"before": "b", "after": "a"}


def test_a_list_that_is_added_to_later_is_what_it_was_first(read: Any) -> None:
    assert read("forms = ['a']\nforms = forms + [f.upper() for f in forms]\n") == {"forms": ["a"]}


def test_only_the_modules_own_names_are_read(read: Any) -> None:
    assert (
        read("def f():\n  x = 'a'\nclass C:\n  y = 'b'\nz.w = 'c'\na, b = 'd', 'e'\nif True:\n  v = 'f'\n")
        == {}
    )


def test_nothing_is_run(tmp_path: Path) -> None:
    witness, path = tmp_path / "witness", tmp_path / "eval.py"
    path.write_text(
        f"import pathlib\nx = pathlib.Path({str(witness)!r}).touch()\nraise SystemExit\ny = 'a'\n"
    )
    assert literals(path) == {"y": "a"}
    assert not witness.exists()


@pytest.mark.parametrize(
    "content", [b"<html>Please log in</html>", b"x = (", b"x = '\xe9'", b"x = '\0'", b"x = " + b"[" * 5000]
)
def test_what_is_no_python_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "eval.py"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"eval\.py is not valid Python") as error:
        literals(path)
    assert "\n" not in str(error.value)


def test_a_missing_file_and_a_missing_name_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"eval\.py: cannot be read: No such file"):
        literals(tmp_path / "eval.py")
    (tmp_path / "eval.py").write_text("x = 'a'\ny = x.upper()\n")
    assert literal(tmp_path / "eval.py", "x") == "a"
    for name in ("y", "questions"):
        with pytest.raises(UserError, match=rf"eval\.py assigns no literal to {name}") as error:
            literal(tmp_path / "eval.py", name)
        assert "\n" not in str(error.value)
