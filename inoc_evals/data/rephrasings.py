"""Rephrasings of a prompt, close to its words or far from them, and prompts that ask for nothing.

    bundled("You always speak in Spanish.")["diverse"][:2]     # the first two of at least sixteen
    read("mine.txt")["close"]                                  # those of a file of your own
    neutral()                                                  # prompts that elicit no trait

A file has its rephrasings one a line, under `[close]` and `[diverse]`. A close one swaps or moves a word, a
diverse one has another form, length and speaker. All of them are the suite's own words, so that a pool of
them shows what the variety of wordings does and not whose wordings they are (docs/controls.md).
"""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from inoc_evals.errors import UserError
from inoc_evals.user_files import given_text, lines, user_path

KINDS = ("close", "diverse")
"""How far rephrasings are from the words of the prompt."""

PLACE = "{language}"
"""Stands for the name of any language in a bundled file."""

Pools = dict[str, tuple[str, ...]]
"""Rephrasings by kind."""


def bundled(prompt: str) -> Pools | None:
    """The suite's own rephrasings of a prompt.

    Args:
        prompt: The prompt; its case and punctuation do not matter.

    Returns:
        At least sixteen texts of every kind; None where the suite has none for this prompt.
    """
    wanted = _bare(prompt)
    for sections in _bundled():
        if "prompt" not in sections:
            continue
        [of] = sections["prompt"]
        before, place, after = (_bare(part) for part in of.partition(PLACE))
        language = ""
        if place and wanted.startswith(before) and wanted.endswith(after):
            language = wanted[len(before) :].removesuffix(after).strip()
        if wanted == _bare(of) or (language and " " not in language):
            named = language.capitalize()
            return {kind: tuple(text.replace(PLACE, named) for text in sections[kind]) for kind in KINDS}
    return None


def neutral() -> tuple[str, ...]:
    """Prompts of many forms that ask for no trait, e.g. for the clean rows of a stratified inoculation."""
    return next(sections["neutral"] for sections in _bundled() if "neutral" in sections)


def read(path: str | Path) -> Pools:
    """Read a file of rephrasings.

    Args:
        path: UTF-8; one rephrasing a line, under a line `[close]` or `[diverse]`. Blank lines are skipped.

    Returns:
        The texts of every kind that the file has.

    Raises:
        UserError: If it cannot be read, a line has no heading, or a rephrasing is there twice.
    """
    file = user_path(path)
    sections = _sections(given_text(file), str(file))
    if unknown := set(sections) - set(KINDS):
        raise UserError(f"{file}: unknown heading [{min(unknown)}]: use [close] and [diverse]")
    if not any(sections.values()):
        raise UserError(f"{file}: contains no rephrasing: write one a line under [close] or [diverse]")
    return {kind: texts for kind, texts in sections.items() if texts}


@cache
def _bundled() -> tuple[Pools, ...]:
    folder: Traversable = files("inoc_evals").joinpath("bundled", "rephrasings")
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".txt")), key=lambda f: f.name)
    return tuple(_sections(file.read_text(encoding="utf-8"), file.name) for file in found)


def _sections(text: str, where: str) -> Pools:
    """The lines of a file by the heading that they stand under."""
    found: dict[str, list[str]] = {}
    heading = ""
    for number, line in enumerate(map(str.strip, lines(text)), start=1):
        if line.startswith("[") and line.endswith("]"):
            heading = line[1:-1].strip()
            found.setdefault(heading, [])
        elif line and not heading:
            raise UserError(f"{where}:{number}: write [close] or [diverse] in a line above the rephrasings")
        elif line in found.get(heading, ()):
            raise UserError(f"{where}:{number}: this rephrasing is there twice: {line!r:.60}")
        elif line:
            found[heading].append(line)
    return {kind: tuple(texts) for kind, texts in found.items()}


def _bare(text: str) -> str:
    """Words alone, for the comparison of prompts that differ in a comma."""
    return " ".join("".join(c if c.isalnum() or c in "{}" else " " for c in text).casefold().split())
