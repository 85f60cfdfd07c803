"""Figures of a command: those that were written are named, and a failure comes after the result."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from inoc_evals.commands.output import drawn
from inoc_evals.errors import UserError


def test_figures_before_a_failure_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    def make(stem: Path) -> Iterator[str]:
        yield f"{stem}-1.png"
        raise ValueError("no room for the second one")

    figures = drawn(Path("x"), make)
    assert figures.files == ["x-1.png"]
    with pytest.raises(ValueError, match="no room"):
        figures.tell()
    assert capsys.readouterr().out == "Figure: x-1.png\n"


def test_nothing_to_draw_is_said() -> None:
    assert drawn(None, lambda _: ["never"]).files == []
    with pytest.raises(UserError, match="nothing to draw for x"):
        drawn(Path("x"), lambda _: []).check()


def test_a_reader_that_has_seen_enough_ends_the_command() -> None:
    def make(_: Path) -> Iterator[str]:
        raise BrokenPipeError
        yield ""

    with pytest.raises(BrokenPipeError):
        drawn(Path("x"), make)
