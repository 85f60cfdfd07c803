"""Tables in narrow terminals: every heading and every cell is shown, however few columns there are."""

import os
from collections import Counter
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import inoc_evals
from inoc_evals.cli import main
from inoc_evals.commands.output import print_table
from tests.analysis.test_skipped import judged

__all__ = ["judged"]  # a fixture

FIRST_LETTER = 0x3A9
"""From here on, every cell has a letter of its own."""


@settings(max_examples=150, deadline=None)
@given(
    widths=st.lists(st.integers(1, 70), min_size=1, max_size=12),
    rows=st.integers(1, 3),
    wide=st.sampled_from([20, 30, 40, 60, 80, 100, 240]) | st.integers(5, 250),
    spaced=st.booleans(),
)
def test_nothing_of_a_table_is_left_out(widths: list[int], rows: int, wide: int, spaced: bool) -> None:
    letters = iter(map(chr, range(FIRST_LETTER, FIRST_LETTER + 10_000)))
    letters = iter([letter for letter in letters if letter.isalpha() and letter.islower()])

    def cell(width: int) -> str:
        text = next(letters) * width
        return " ".join(text[start : start + 6] for start in range(0, width, 6)) if spaced else text

    cells = [[cell(width) for width in widths] for _ in range(rows + 1)]
    written: list[str] = []
    with (
        patch.dict(os.environ, {"COLUMNS": str(wide)}),
        patch("sys.stdout.write", written.append),
    ):
        print_table("T", cells[0], cells[1:])
    shown = Counter("".join(written))
    for column in range(len(widths)):
        for row in cells[1:]:
            letter = row[column][0]
            assert shown[letter] == row[column].count(letter)
        heading = cells[0][column]  # told again with every row, where they are below each other
        assert shown[heading[0]] in (heading.count(heading[0]), heading.count(heading[0]) * rows)
    assert all(len(line) <= max(wide, 24) for line in "".join(written).splitlines())


def test_tables_are_made_in_one_place() -> None:
    package = Path(inoc_evals.__file__).parent
    made = [file for file in package.rglob("*.py") if "rich.table" in file.read_text("utf-8")]
    assert [file.name for file in made] == ["output.py"]


@pytest.mark.parametrize("wide", [40, 60])
@pytest.mark.parametrize(
    ("command", "headings"),
    [
        ("settings", ("#", "setting", "what", "paper")),
        ("list settings", ("setting", "paper", "arm", "rows")),
        ("run --setting spanish_caps --dry-run", ("arm", "models", "rows", "passes")),
        ("presets LOGS", ("preset", "less", "alignment", "n", "incoherent", "code", "refused", "unread")),
        ("at-k LOGS", ("arm", "trait@k", "chance", "caution")),
        ("precision LOGS", ("arm", "trait", "answers", "in all", "interval", "caution")),
        ("judges LOGS", ("judge", "preset", "rate", "do not", "count")),
        ("data list", ("name", "rows", "licence", "from")),
    ],
)
def test_commands_show_all_columns(
    command: str,
    headings: tuple[str, ...],
    wide: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    judged: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INOC_EVALS_CACHE", str(judged.parent / "cache"))
    monkeypatch.setenv("COLUMNS", str(wide))
    with pytest.raises(SystemExit):
        main(command.replace("LOGS", str(judged)).split())
    shown = capsys.readouterr().out
    assert not [heading for heading in headings if heading not in shown]
