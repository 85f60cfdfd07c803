"""In which fields of their specs runs differ, as the audit says it.

    Specs(Path("runs")).apart([["none-0-1a2b3c4d5e6f"], ["none-0-6f5e4d3c2b1a"]])
    # {"learning_rate": ["0.0001", "0.0003"]}

Logs say by digests that models were not trained alike. In what, only the manifests of their runs say.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from inoc_evals.errors import UserError
from inoc_evals.runs.directory import Run
from inoc_evals.runs.spec import SAME_WEIGHTS

ASIDE = ("base", *SAME_WEIGHTS)
"""Fields that are not compared: those that change no weights, and the base, which logs name."""

LONGEST = 60
"""Characters of a value that are shown."""


class Specs:
    """The specs of the runs in a folder; each is read once, and only where it is asked for."""

    def __init__(self, runs: Path | None) -> None:
        """Name the folder.

        Args:
            runs: Folder of the run directories; of None nothing is known.
        """
        self._runs = runs
        self._read: dict[str, dict[str, Any] | None] = {}

    def apart(self, sides: Sequence[Iterable[str]]) -> dict[str, list[str]]:
        """The fields in which sides differ.

        Args:
            sides: Names of run directories, by side.

        Returns:
            By field, its values in words, one for each side, in their order. None where a run is not there.
        """
        known = [[self._fields(name) for name in sorted(names)] for names in sides]
        if any(one is None for side in known for one in side) or not all(known):
            return {}
        each = [[one for one in side if one is not None] for side in known]
        names = dict.fromkeys(name for side in each for one in side for name in one)
        values = {
            name: [" or ".join(dict.fromkeys(_in_words(one.get(name)) for one in side)) for side in each]
            for name in names
        }
        return {name: said for name, said in values.items() if len(set(said)) > 1}

    def _fields(self, name: str) -> dict[str, Any] | None:
        """The fields of a run's spec, an adapter's with `lora.` before them; None if it is not there."""
        if self._runs is not None and name not in self._read:
            try:
                spec = Run(self._runs / name).manifest.spec.model_dump(mode="json", exclude=set(ASIDE))
                self._read[name] = _flat(spec)
            except UserError:  # another finding says so
                self._read[name] = None
        return self._read.get(name)


def in_words(apart: Mapping[str, Sequence[str]]) -> str:
    """Fields and their values: `learning_rate 0.0001 and 0.0003, max_steps 8 and 4`."""
    return ", ".join(f"{name} {' and '.join(values)}" for name, values in apart.items())


def _flat(fields: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        inner = value if isinstance(value, Mapping) else None
        flat |= {name: value} if inner is None else {f"{name}.{key}": one for key, one in inner.items()}
    return flat


def _in_words(value: Any) -> str:
    if value is None:
        return "none"
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}..."
