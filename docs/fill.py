"""Write what was measured into these pages, so that no number in them is typed by hand.

    inoc-evals reproduce --world toy
    python docs/fill.py logs/reproduce-report

The first argument is the folder of a report: its figures and numbers are copied to `figures/`. Without it,
the pages are filled from what is there. A page says where: `<!-- table: NAME -->` to `<!-- end -->`. NAME is
`agreement`, for the judge's card, `overview`, for all settings at a glance, or the name of a setting.
"""

import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
FIGURES = DOCS / "figures"
KEPT = FIGURES / "reproduce.json"
CARD = DOCS.parent / "inoc_evals" / "worlds" / "toy" / "judge_checkpoint" / "card.json"
PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
WORDS = ("supported", "contradicted", "undecided", "not valid", "not measured")

SHOWN = {
    "Every arm": "",
    "Log-probs while it trained": "_while_training",
    "Narrow trait against broad": "_narrow",
}
"""Figures of a report that the pages show, and what their names here end in, beside those of conditions."""


def main() -> None:
    """Take over a report, if one is given, and fill every table of every page."""
    if len(sys.argv) > 1:
        take_over(Path(sys.argv[1]))
    report = json.loads(KEPT.read_text(encoding="utf-8"))
    for page in (*DOCS.rglob("*.md"), DOCS.parent / "README.md"):
        text = page.read_text(encoding="utf-8")
        filled = PLACE.sub(lambda place: f"{place[1]}{table(place[2], report)}{place[3]}", text)
        if filled != text:
            page.write_text(filled, encoding="utf-8")


def take_over(folder: Path) -> None:
    """Copy a report's numbers, without the list of its logs, and the figures that the pages show."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    for part in report["settings"]:
        part["logs"] = len(part["logs"])
        part["differences"] = len(part["differences"])
        shown = {}
        for heading, stem in part["figures"].items():
            ending = (
                "_conditions" if heading.endswith("under every condition of the test") else SHOWN.get(heading)
            )
            if ending is None or heading.startswith("Cruel"):
                continue
            name = f"{part['setting']}{ending}.png"
            shutil.copyfile(folder / "figures" / f"{stem}.png", FIGURES / name)
            shown[heading] = name
        part["figures"] = shown
    report["skipped"] = len(report["skipped"])
    KEPT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def table(name: str, report: dict[str, Any]) -> str:
    """The table of this name, in Markdown."""
    if name == "agreement":
        return agreement(json.loads(CARD.read_text(encoding="utf-8"))["agreement"])
    if name == "overview":
        return overview(report)
    [part] = [part for part in report["settings"] if part["setting"] == name]
    return section(part)


def overview(report: dict[str, Any]) -> str:
    """All settings: the paper's result beside what became of its claims."""
    rows = []
    invalid = any(count(part, "not valid") for part in report["settings"])
    words = [word for word in WORDS if invalid or word != "not valid"]
    for part in report["settings"]:
        counts = [count(part, word) for word in words]
        name = f"[`{part['setting']}`](#{part['number']}-{part['setting']})"
        rows.append([str(part["number"]), name, part["reference"], *(str(n or "") for n in counts)])
    total = [str(sum(count(part, word) for part in report["settings"])) for word in words]
    rows.append(["", f"all, {report['answers']:,} answers in {report['logs']} logs", "", *total])
    return markdown(["row", "setting", "the paper found", *words], rows)


def count(part: dict[str, Any], word: str) -> int:
    """How many claims of a setting have this verdict."""
    return sum(verdict["verdict"] == word for verdict in part["verdicts"])


def section(part: dict[str, Any]) -> str:
    """One setting: claims, rates, figures."""
    claims = markdown(
        ["verdict", "claim", "difference", "found"],
        [[f"**{v['verdict']}**", v["text"], compared(v), v["why"]] for v in part["verdicts"]],
    )
    rows = []
    for row in part["rates"]:
        cells = [row["traits"][trait] for trait in part["traits"]]
        read = [cell if cell and cell["rate"] is not None else None for cell in cells]
        shown = [f"{c['rate']:.2f} [{c['low']:.2f}, {c['high']:.2f}]" if c else "" for c in read]
        rows.append([row["arm"], *shown, str(row["models"]), str(row["n"])])
    rates = markdown(["arm", *part["traits"], "models", "n"], rows)
    figures = "".join(f"\n![{heading}](figures/{name})\n" for heading, name in part["figures"].items())
    return f"{claims}\n{rates}{figures}"


def compared(verdict: dict[str, Any]) -> str:
    """The claim's name, with what tells it from other verdicts on the same claim, e.g. the judge."""
    apart = verdict.get("apart")
    return f"{verdict['claim']} ({apart})" if apart else str(verdict["claim"])


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


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; a bar in a cell does not end it."""
    lines = [[cell.replace("|", "\\|") for cell in row] for row in (head, *rows)]
    lines.insert(1, ["---"] * len(head))
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    main()
