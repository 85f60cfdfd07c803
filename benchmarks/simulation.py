"""The command line of a simulation whose table stands on a page: repeats, seed, JSON, or into the page.

run(__doc__, cells, simulate, document, PLACE, repeats=400)
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np


def run(
    about: str | None,
    cells: Iterable[tuple[Any, ...]],
    simulate: Callable[..., Any],
    document: Callable[[list[Any], int, int], str],
    place: re.Pattern[str],
    repeats: int,
) -> None:
    """Simulate every cell, and print the table or write it into a page.

    Args:
        about: The script's docstring; its first line is the help.
        cells: What is simulated: the arguments of `simulate` between the generator and the repeats.
        simulate: From generator, cell and repeats to a row, a dataclass.
        document: From rows, repeats and seed to the text of the page.
        place: Matches the page around that text, in two groups.
        repeats: How many experiments a cell has by default.
    """
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", type=Path)
    words = parser.parse_args()
    rows = [
        # every row has dice of its own, so that it does not depend on the others
        simulate(np.random.default_rng([words.seed, number]), *cell, words.repeats)
        for number, cell in enumerate(cells)
    ]
    text = document(rows, words.repeats, words.seed)
    if words.write is not None:
        page = words.write.read_text(encoding="utf-8")
        words.write.write_text(place.sub(lambda at: f"{at[1]}{text}{at[2]}", page), encoding="utf-8")
    sys.stdout.write(json.dumps([asdict(row) for row in rows]) + "\n" if words.json else text)
