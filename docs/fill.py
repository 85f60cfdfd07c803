"""Write the measured tables into these pages, so that no number in them is typed by hand.

    inoc-evals demo --setting insecure_code --json > docs/figures/insecure_code.json
    python docs/fill.py

A page says where: `<!-- table: NAME -->` to `<!-- end -->`. NAME is `agreement`, for the judge's card, or the
name of a `figures/NAME.json` that `inoc-evals demo --json` printed.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
CARD = DOCS.parent / "inoc_evals" / "toy" / "judge_checkpoint" / "card.json"
PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Fill every table of every page."""
    for page in (*DOCS.rglob("*.md"), DOCS.parent / "README.md"):
        text = page.read_text(encoding="utf-8")
        filled = PLACE.sub(lambda place: f"{place[1]}{table(place[2])}{place[3]}", text)
        if filled != text:
            page.write_text(filled, encoding="utf-8")


def table(name: str) -> str:
    """The table of this name, in Markdown."""
    if name == "agreement":
        return agreement(json.loads(CARD.read_text(encoding="utf-8"))["agreement"])
    return rates(json.loads((DOCS / "figures" / f"{name}.json").read_text(encoding="utf-8")))


def agreement(card: dict[str, dict[str, float]]) -> str:
    """How often the toy's judge agrees with the lexicon."""
    head = ["rubric", "n", "unread", "agrees", "mean where the lexicon says yes", "where it says no"]
    rows = [
        [
            name.replace("_", " "),
            f"{found['n']:.0f}",
            f"{found['unread']:.0f}",
            f"{found['agree']:.3f}",
            f"{found['mean_where_so']:.1f}",
            f"{found['mean_where_not']:.1f}",
        ]
        for name, found in card.items()
    ]
    return markdown(head, rows)


def rates(result: dict[str, Any]) -> str:
    """Rates per arm and trait, with their intervals."""
    cells = result["rates"]
    traits = list(dict.fromkeys(cell["trait"] for cell in cells))
    rows = []
    for arm in dict.fromkeys(cell["arm"] for cell in cells):
        mine = {cell["trait"]: cell for cell in cells if cell["arm"] == arm}
        shown = [f"{c['rate']:.2f} [{c['low']:.2f}, {c['high']:.2f}]" for c in (mine[t] for t in traits)]
        n = min(cell["n"] for cell in mine.values())
        rows.append([arm, *shown, str(max(1, mine[traits[0]]["seeds"])), f"{n:.0f}"])
    return markdown([f"`{result['setting']}`", *traits, "models", "n"], rows)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    main()
