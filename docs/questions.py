"""Write what logs say into questions-and-precision.md, so that no number in it is typed by hand.

    python docs/questions.py --at-k LOGS --trait spanish --precision LOGS --presets LOGS

Each option takes a folder of logs; tables and figures of the others stay as they are.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fill import markdown

DOCS = Path(__file__).parent
PAGE = DOCS / "questions-and-precision.md"
SHOWN_DESIGNS = (8, 50, 200)
"""Numbers of questions in the table; the figure has all."""


def main() -> None:
    """Run the commands that are asked for, and fill their places."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trait", default="misaligned", help="of EM@k and of the interval to expect")
    for name in TABLES:
        parser.add_argument(f"--{name}", metavar="LOGS")
    given = vars(parser.parse_args())
    text = PAGE.read_text(encoding="utf-8")
    for name, table in TABLES.items():
        logs = given[name.replace("-", "_")]
        if logs is None:
            continue
        of_trait = [] if name == "presets" else ["--trait", given["trait"]]
        place, figure = name.replace("-", "_"), f"questions_{name.replace('-', '_')}"
        command = [sys.executable, "-m", "inoc_evals", name, logs, *of_trait, "--json"]
        command += ["-o", str(DOCS / "figures" / figure)]
        said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603
        for file in said["figures"]:
            if not file.endswith(".png"):
                Path(file).unlink()
        shown = f"{table(said)}\n![{CAPTIONS[name]}](figures/{figure}.png)\n"
        pattern = re.compile(rf"(<!-- questions: {place} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = pattern.sub(lambda match, shown=shown: f"{match[1]}{shown}{match[2]}", text)
    PAGE.write_text(text, encoding="utf-8")


def at_k(said: Mapping[str, Any]) -> str:
    """A row per arm, a column per k."""
    ks = sorted({row["k"] for row in said["curves"]})
    by_arm: dict[str, dict[int, str]] = {}
    for row in said["curves"]:
        by_arm.setdefault(row["arm"], {})[row["k"]] = (
            interval(row, "rate") if row["rate"] is not None else row["why"]
        )
    rows = [[arm, *(cells.get(k, "") for k in ks)] for arm, cells in by_arm.items()]
    return markdown(["arm", *(f"one of {k}" for k in ks)], rows)


def precision(said: Mapping[str, Any]) -> str:
    """A row per arm and design."""
    rows = [
        [
            *(row["arm"], str(row["planned"]), str(row["answers"]), str(row["seeds"]), str(row["total"])),
            f"±{interval(row, 'half_width')}" if row["half_width"] is not None else row["why"],
        ]
        for row in said["designs"]
        if row["planned"] in SHOWN_DESIGNS
    ]
    return markdown(["arm", "questions", "answers each", "finetunes", "in all", "95 % interval"], rows)


def presets(said: Mapping[str, Any]) -> str:
    """A row per arm and preset."""
    rows = [
        [
            *(row["arm"], row["preset"], interval(row, "rate") if row["rate"] is not None else row["why"]),
            "" if row["rate"] is None else f"{row['mean_alignment']:.1f}",
            *(str(row[column]) for column in ("n", "incoherent", "code", "refused", "unread")),
        ]
        for row in said["rates"]
    ]
    heads = ["arm", "preset", "misaligned", "mean alignment", "n", "incoherent", "code", "refused", "unread"]
    return markdown(heads, rows)


def interval(row: Mapping[str, Any], name: str) -> str:
    """A number with its interval."""
    return f"{row[name]:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


TABLES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "at-k": at_k,
    "precision": precision,
    "presets": presets,
}
CAPTIONS = {
    "at-k": "The chance that one of k answers shows the trait, arm by arm",
    "precision": "Half the width of the interval against the number of questions",
    "presets": "The same answers under every preset",
}

if __name__ == "__main__":
    main()
