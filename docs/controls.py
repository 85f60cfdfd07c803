"""Write what controls show on a small language model into controls.md.

python docs/controls.py logs/prompt_pools       # take over the logs of `prompt_pools`, and fill the page
python docs/controls.py                         # fill the page from figures/controls.json
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from fill import markdown

DOCS = Path(__file__).parent
FIGURES = DOCS / "figures"
KEPT, FIGURE = FIGURES / "controls.json", FIGURES / "controls.png"
PAGE = DOCS / "controls.md"
PLACE = re.compile(r"(<!-- controls: smollm -->\n).*?(<!-- end -->)", re.DOTALL)
SHOWN = (
    "setting",
    "base",
    "label",
    "arm",
    "of",
    "share",
    "low",
    "high",
    "effect",
    "effect_low",
    "effect_high",
)
KEYS = (*SHOWN, "undefined", "asked", "n", "caution")


def main() -> None:
    """Take over a run, if one is given, and fill the page."""
    if len(sys.argv) > 1:
        words = [sys.executable, "-m", "inoc_evals", "controls", sys.argv[1], "--trait", "spanish"]
        done = subprocess.run([*words, "-o", str(FIGURE), "--json"], capture_output=True, check=True)  # noqa: S603
        said = json.loads(done.stdout)
        kept = {
            "shares": [{key: row.get(key) for key in KEYS} for row in said["shares"]],
            "rates": [
                {key: row[key] for key in ("arm", "rate", "low", "high", "n", "seeds")}
                for row in said["rates"]
            ],
        }
        KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        for extra in (".svg", ".pdf"):
            for file in FIGURES.glob(f"controls*{extra}"):
                file.unlink()
    found = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else None
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(PLACE.sub(lambda place: f"{place[1]}{part(found)}{place[2]}", text), encoding="utf-8")


def part(found: dict[str, Any] | None) -> str:
    """What stands on the page; that nothing was measured, before anything was."""
    if found is None:
        return "Not measured on SmolLM2 yet.\n"
    rates = markdown(
        ["arm", "Spanish", "n", "models"],
        [
            [row["arm"], _interval(row, "rate"), str(row["n"]), str(max(1, row["seeds"]))]
            for row in found["rates"]
        ],
    )
    shares = markdown(
        ["control", "(none - control) / (none - inoculated)", "caution"],
        [
            [row["arm"], row["undefined"] or _interval(row, "share"), row["caution"] or ""]
            for row in found["shares"]
        ],
    )
    figure = f"![Spanish by size of the pool](figures/{FIGURE.name})\n\n" if FIGURE.is_file() else ""
    return f"On {found['shares'][0]['base']}, the traits read by detectors:\n\n{rates}\n{shares}\n{figure}"


def _interval(row: dict[str, Any], name: str) -> str:
    return f"{row[name]:z.2f} [{row['low']:z.2f}, {row['high']:z.2f}]"


if __name__ == "__main__":
    main()
