"""Write what a sweep found into dose.md: figure, windows and verdicts.

python docs/dose.py logs/dose       # take over the logs of a sweep, and fill the page
python docs/dose.py                 # fill the page from figures/dose.json
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from fill import markdown

DOCS = Path(__file__).parent
KEPT = DOCS / "figures" / "dose.json"
FIGURE = DOCS / "figures" / "dose.png"
PAGE = DOCS / "dose.md"
PLACE = re.compile(r"(<!-- dose: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Take over a sweep, if one is given, and fill the page."""
    if len(sys.argv) > 1:
        words = ["-m", "inoc_evals", "dose", sys.argv[1], "--json", "-o", str(FIGURE)]
        done = subprocess.run([sys.executable, *words], capture_output=True, check=True)  # noqa: S603
        for suffix in (".svg", ".pdf"):  # the page shows the one as PNG
            FIGURE.with_suffix(suffix).unlink(missing_ok=True)
        said = json.loads(done.stdout)
        kept = {name: said[name] for name in ("rates", "windows", "verdicts")}
        KEPT.write_text(json.dumps(_rounded(kept), indent=1) + "\n", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    found = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else None
    PAGE.write_text(PLACE.sub(lambda place: f"{place[1]}{part(place[2], found)}{place[3]}", text), "utf-8")


def part(name: str, found: dict[str, Any] | None) -> str:
    """What stands in a place of the page.

    Args:
        name: The place.
        found: What was kept of a sweep; None before there is one.
    """
    if found is None:
        return "Not measured yet.\n" if name == "command" else ""
    if name == "windows":
        head = ["arm", "dose", "window", "found", "caution"]
        keys = ("arm", "dose", "word", "why", "caution")
        return markdown(head, [[str(row[key]) for key in keys] for row in found["windows"]])
    if name == "claims":
        head = ["verdict", "claim", "doses", "difference"]
        keys = ("verdict", "text", "apart", "why")
        return markdown(head, [[str(row[key]) for key in keys] for row in found["verdicts"]])
    rates, doses = found["rates"], len({row["dose"] for row in found["rates"]})
    arms = ", ".join(f"`{arm}`" for arm in dict.fromkeys(row["arm"] for row in rates))
    trained = [int(row["seeds"]) for row in rates if row["seeds"]]
    fewest, models = min(trained, default=0), max(trained, default=0)
    number = f"{models}" if fewest == models else f"{fewest} to {models}"
    return (
        f"{doses} doses of setting `{rates[0]['setting']}` on {rates[0]['base']}, {number} "
        f"finetune{'s' * (models != 1)} an arm ({arms}), {rates[0]['asked']} questions. Bands are 95 % "
        "intervals; rings mark doses inside the window by the estimates.\n\n"
        f"![Rates over the dose](figures/{FIGURE.name})\n"
    )


def _rounded(value: Any) -> Any:
    """The same data with numbers of six digits."""
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
