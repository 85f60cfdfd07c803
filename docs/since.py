"""Write what the field found since the paper, and what our models say of it, into claims.md, selectivity.md.

    python docs/since.py take toy logs/reproduce-report     # verdicts and shares of a report, as this world's
    python docs/since.py take smollm logs/smollm/report
    python docs/since.py power                              # simulate what an experiment could show: minutes
    python docs/since.py                                    # fill the pages from figures/since.json

A report is what `inoc-evals report` writes. The claims come from the settings themselves, so that one that is
new there stands on the page with the next call.
"""

import argparse
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fill import markdown

from inoc_evals.analysis.power import QUESTIONS, SEEDS, power
from inoc_evals.settings import since
from inoc_evals.settings.claim import Claim

DOCS = Path(__file__).parent
FIGURES = DOCS / "figures"
KEPT = FIGURES / "since.json"
PAGES = (DOCS / "claims.md", DOCS / "selectivity.md")
PLACE = re.compile(r"(<!-- since: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

NAMES = {"toy": "the toy", "smollm": "SmolLM2"}
"""What pages call a world."""

HEADING = "What is kept against what is kept out"
"""Heading of the figure in a report."""

DRAWN = ("spanish_prompts", "spanish_caps")
"""The setting whose figure is shown: the first of these that a report has."""


def main() -> None:
    """Take over, simulate, fill: what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="?", choices=("take", "power"))
    parser.add_argument("world", nargs="?", choices=tuple(NAMES))
    parser.add_argument("report", nargs="?", type=Path)
    given = parser.parse_args()
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {"worlds": {}, "power": {}}
    if given.what == "take":
        if given.report is None:
            parser.error("take WORLD FOLDER, where FOLDER holds a report.json")
        kept["worlds"][given.world] = beside(
            kept["worlds"].get(given.world), taken(given.world, given.report)
        )
    if given.what == "power":
        kept["power"] = simulated()
    KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        filled = PLACE.sub(lambda place: f"{place[1]}{PARTS[place[2]](kept)}{place[3]}", text)
        page.write_text(filled, encoding="utf-8")


def taken(world: str, folder: Path) -> dict[str, Any]:
    """What a report says of the field's claims and of selectivity; its figure is copied."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    stems = {part["setting"]: part["figures"].get(HEADING) for part in report["settings"]}
    drawn = next((stems[name] for name in DRAWN if stems.get(name)), None)
    figure = f"selectivity_{world}.png" if drawn else ""
    if drawn:
        shutil.copyfile(folder / "figures" / f"{drawn}.png", FIGURES / figure)
    return {
        "verdicts": [
            {key: verdict[key] for key in ("setting", "claim", "verdict", "why", "n", "apart")}
            for part in report["settings"]
            for verdict in part["verdicts"]
            if verdict["source"] and verdict["verdict"] != "not measured"
        ],
        "selectivity": [one for part in report["settings"] for one in part["selectivity"]],
        "figure": figure,
    }


def beside(before: dict[str, Any] | None, now: dict[str, Any]) -> dict[str, Any]:
    """What a report says, and of settings that it does not hold what an earlier one said."""
    if before is None:
        return now
    for part in ("verdicts", "selectivity"):
        held = {one["setting"] for one in now[part]}
        now[part] = [*now[part], *(one for one in before[part] if one["setting"] not in held)]
    return {**now, "figure": now["figure"] or before["figure"]}


def simulated() -> dict[str, float]:
    """By claim, how often a usual experiment supports it if the truth is what its source says."""
    by_rates: dict[tuple[Any, ...], float] = {}
    found = {}
    for claim in since():
        if claim.expected is None:
            continue
        same = (claim.low, claim.high, *claim.expected, "base" in (claim.left.arm, claim.right.arm))
        if same not in by_rates:
            by_rates[same] = power(claim, *claim.expected)["supported"]
        found[key(claim)] = by_rates[same]
    return found


def key(claim: Claim) -> str:
    """A claim's name among those of all settings."""
    return f"{claim.setting}: {claim.name}"


def claims(kept: dict[str, Any]) -> str:
    """Every claim of the field, with its numbers, its power, and the verdicts of the worlds."""
    worlds = [world for world in NAMES if world in kept["worlds"]]
    rows = []
    for claim in since():
        verdicts = [
            "; ".join(of(kept["worlds"][world]["verdicts"], claim)) or "not measured" for world in worlds
        ]
        rows.append([claim.text, f"`{key(claim)}`", claim.region, _power(kept, claim), *verdicts])
    head = ["claim", "setting: difference", "claimed", "power", *(NAMES[world] for world in worlds)]
    return markdown(head, rows)


def of(verdicts: list[dict[str, Any]], claim: Claim) -> Iterator[str]:
    """The verdicts on a claim, each with what was found, and with what tells it from others."""
    for one in verdicts:
        if (one["setting"], one["claim"]) == (claim.setting, claim.name):
            apart = f"{one['apart']}: " if one["apart"] else ""
            yield f"{apart}**{one['verdict']}**, {one['why'].partition(', claimed')[0]}, n {one['n']}"


def _power(kept: dict[str, Any], claim: Claim) -> str:
    if claim.expected is None:
        return "no rates are reported"
    found = kept["power"].get(key(claim))
    return "not simulated yet" if found is None else f"{found:.2f}"


def sources(kept: dict[str, Any]) -> str:
    """Who reports what: a row for each source and its numbers, however many settings claim it."""
    rows = []
    for source, reference in dict.fromkeys((claim.source, claim.reference) for claim in since()):
        mine = [claim for claim in since() if (claim.source, claim.reference) == (source, reference)]
        expected = dict.fromkeys(claim.expected for claim in mine)
        pairs = ", ".join("none" if pair is None else f"{pair[0]:g} against {pair[1]:g}" for pair in expected)
        rows.append([source, reference, pairs, str(len(mine))])
    return markdown(["source", "reports", "rates for the power", "claims here"], rows)


def design(kept: dict[str, Any]) -> str:
    """The size of the simulated experiments, in a line."""
    return f"Power: of simulated experiments with {SEEDS} finetunes an arm and {QUESTIONS} questions.\n"


def selectivity(kept: dict[str, Any]) -> str:
    """Suppression and retention of every arm, world by world, with the figure."""
    parts = []
    for world in NAMES:
        found = kept["worlds"].get(world)
        if not found:
            continue
        rows = [
            [
                *(one["setting"], f"{one['arm']} ({one['apart']})" if one["apart"] else one["arm"]),
                f"**{one['verdict']}**",
                *(_share(one[share]) for share in ("suppression", "retention")),
                *(str(one["seeds"]), str(one["n"]), one["caution"]),
            ]
            for one in found["selectivity"]
            if one["retention"]["value"] is not None or one["suppression"]["value"] is not None
        ]
        head = ["setting", "arm", "verdict", "keeps out", "leaves", "seeds", "n", "caution"]
        picture = f"\n![{HEADING}, {NAMES[world]}](figures/{found['figure']})\n" if found["figure"] else ""
        parts.append(f"\nOn {NAMES[world]}:\n\n{markdown(head, rows)}{picture}\n")
    return "".join(parts) or "\nNothing was measured yet.\n\n"


def _share(share: dict[str, Any]) -> str:
    if share["value"] is None:
        return share["undefined"]
    return f"{share['trait']}: {share['value']:z.2f} [{share['low']:z.2f}, {share['high']:z.2f}]"


PARTS = {"claims": claims, "sources": sources, "design": design, "selectivity": selectivity}

if __name__ == "__main__":
    main()
