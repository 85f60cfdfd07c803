"""Write the leak grid of a small language model into leak.md, so that no number in it is typed by hand.

inoc-evals run --setting spanish_leak --world smollm --log-dir logs/leak
python docs/leak.py logs/leak          # takes numbers and figure over, and fills the page
python docs/leak.py                    # fills the page from figures/leak.json
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from fill import markdown

DOCS = Path(__file__).parent
PAGE = DOCS / "leak.md"
KEPT = DOCS / "figures" / "leak.json"
PLACE = re.compile(r"(<!-- leak: found -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Take over logs, if any are given, and fill the page."""
    if len(sys.argv) > 1:
        take_over(sys.argv[1])
    found = json.loads(KEPT.read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(PLACE.sub(lambda place: f"{place[1]}{shown(found)}{place[2]}", text), encoding="utf-8")


def take_over(logs: str) -> None:
    """Keep the numbers of `inoc-evals leaks`, the verdicts on the claims, and the figure."""
    from inoc_evals.analysis.figures import save
    from inoc_evals.analysis.leak_figure import leak_figures
    from inoc_evals.analysis.leaks import leaks
    from inoc_evals.analysis.table import load
    from inoc_evals.analysis.verdicts import verdicts
    from inoc_evals.settings import SETTINGS

    setting, table = SETTINGS["spanish_leak"], load(logs)
    found = leaks(table[(table["setting"] == setting.name).to_numpy()])
    bases = ", ".join(str(base) for base in found.grid["base"].unique())
    order = [arm.name for arm in setting.arms]
    for _, figure in leak_figures(found, f"{setting.title}: {bases}", order):
        _, *others = save(figure, KEPT.with_suffix(""))
        for file in others:
            file.unlink()
    claims = [verdict.as_dict() for verdict in verdicts(table, setting.claims)]
    kept = {"base_model": bases, **found.as_dict(), "verdicts": claims}
    KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def shown(found: dict[str, Any]) -> str:
    """The part of the page: figure, sentences, claims."""
    words = "".join(f"- {line}\n" for line in found["words"])
    claims = markdown(
        ["verdict", "claim", "found"],
        [[f"**{one['verdict']}**", one["text"], one["why"]] for one in found["verdicts"]],
    )
    figure = f"![Spanish under every prompt, less what {found['base_model']} shows](figures/leak.png)"
    return f"\n{figure}\n\n{words}\n{claims}"


if __name__ == "__main__":
    main()
