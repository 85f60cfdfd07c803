"""What a model read in training and reads in its test: kept in the metadata of a log, shown in the report.

    about = Shown(training=rendered.text, row=1, test=prompt.text, notes=("without a system prompt ...",))
    metadata[SHOWN] = about.as_dict()
    Shown.read(metadata)                # of any log: None where it holds nothing of the kind

An experiment writes it and a report reads it, maybe years later and of logs by others, so reading believes
nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inoc_evals.plurals import many

SHOWN = "shown"
"""Key of a log's metadata."""

LONGEST = 2000
"""Most characters of a text that are kept."""

BEGIN, END = 1350, 600
"""Characters of a longer text that are kept: its end shows where an answer ends or begins."""


@dataclass(frozen=True)
class Shown:
    """What a model read, special tokens included; of a long text, its beginning and its end.

    Attributes:
        training: A training row as rendered; None for a base, or where it was not rendered on this machine.
        row: Which row that is, from 1; None without one.
        test: The first question of the test as rendered, with the test's own system prompt; None where it was
            not rendered on this machine.
        notes: What the chat template adds by itself, in words.
    """

    training: str | None = None
    row: int | None = None
    test: str | None = None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any] | None:
        """For a log; None where nothing is known."""
        if self == Shown():
            return None
        return {
            "training": self.training if self.training is None else shortened(self.training),
            "row": self.row,
            "test": self.test if self.test is None else shortened(self.test),
            "notes": [shortened(note) for note in self.notes],
        }

    @staticmethod
    def read(metadata: Mapping[str, Any] | None) -> "Shown | None":
        """What a log's metadata say; None where they say nothing.

        Args:
            metadata: The metadata of a log, whoever wrote it.
        """
        said = (metadata or {}).get(SHOWN)
        if not isinstance(said, dict):
            return None
        row, notes = said.get("row"), said.get("notes")
        found = Shown(
            training=_text(said.get("training")),
            row=row if isinstance(row, int) else None,
            test=_text(said.get("test")),
            notes=tuple(filter(None, map(_text, notes))) if isinstance(notes, list) else (),
        )
        return None if found == Shown() else found


def shortened(text: str) -> str:
    """A text of at most `LONGEST` characters; what is cut out of its middle is counted there."""
    if len(text) <= LONGEST:
        return text
    left_out = len(text) - BEGIN - END
    return f"{text[:BEGIN]}\n[... {many(left_out, 'character')} left out ...]\n{text[-END:]}"


def _text(value: Any) -> str | None:
    return shortened(value) if isinstance(value, str) else None
