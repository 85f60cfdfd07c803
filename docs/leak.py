"""Write the leak grids of a small language model into leak.md, so that no number in it is typed by hand.

inoc-evals run --setting spanish_leak,pirate_leak --world smollm --log-dir logs/leak
python docs/leak.py logs/leak          # takes numbers and figures over, and fills the page
python docs/leak.py                    # fills the page from figures/leak*.json
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from fill import markdown

DOCS = Path(__file__).parent
PAGE = DOCS / "leak.md"
KEPT = {
    "spanish_leak": DOCS / "figures" / "leak.json",
    "pirate_leak": DOCS / "figures" / "leak-pirate.json",
}
"""By setting, what is kept of it; the figure lies beside it."""

PLACE = re.compile(r"(<!-- leak: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Take over logs, if any are given, and fill the page."""
    if len(sys.argv) > 1:
        take_over(sys.argv[1])
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(PLACE.sub(lambda place: f"{place[1]}{part(place[2])}{place[3]}", text), encoding="utf-8")


def part(setting: str) -> str:
    """What the page says of a setting."""
    kept = KEPT[setting]
    return shown(json.loads(kept.read_text(encoding="utf-8")), kept.stem) + COMPARED.get(setting, str)()


def take_over(logs: str) -> None:
    """Keep the numbers of `inoc-evals leaks`, the verdicts on the claims, and the figure of each setting."""
    from inoc_evals.analysis.figures import save
    from inoc_evals.analysis.leak_figure import leak_figures
    from inoc_evals.analysis.leaks import leaks
    from inoc_evals.analysis.table import load
    from inoc_evals.analysis.verdicts import verdicts
    from inoc_evals.settings import SETTINGS

    table = load(logs)
    for setting in (SETTINGS[name] for name in KEPT if (table["setting"] == name).any()):
        kept = KEPT[setting.name]
        found = leaks(table[(table["setting"] == setting.name).to_numpy()])
        bases = ", ".join(str(base) for base in found.grid["base"].unique())
        order = [arm.name for arm in setting.arms]
        for _, figure in leak_figures(found, f"{setting.title}: {bases}", order):
            _, *others = save(figure, kept.with_suffix(""))
            for file in others:
                file.unlink()
        claims = [verdict.as_dict() for verdict in verdicts(table, setting.claims)]
        numbers = {"title": setting.title, "base_model": bases, **found.as_dict(), "verdicts": claims}
        kept.write_text(json.dumps(numbers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def shown(found: dict[str, Any], figure_name: str) -> str:
    """Figure, sentences, claims."""
    words = "".join(f"- {line}\n" for line in found["words"])
    claims = markdown(
        ["verdict", "claim", "found"],
        [[f"**{one['verdict']}**", one["text"], one["why"]] for one in found["verdicts"]],
    )
    figure = f"![{found['title']}, less what {found['base_model']} shows](figures/{figure_name}.png)"
    return f"\n{figure}\n\n{words}\n{claims}"


def two_traits() -> str:
    """What the two grids say side by side, of the arm that each kept its trait out of."""
    from inoc_evals.data.prompt_categories import SURPRISING

    pirate, spanish = (
        [row for row in json.loads(kept.read_text(encoding="utf-8"))["grid"] if row["arm"] == arm]
        for kept, arm in ((KEPT["pirate_leak"], "captain-inoc"), (KEPT["spanish_leak"], "spanish-inoc"))
    )
    asked_nothing = {row["condition"]: row["rate"] for row in pirate if row["category"] in SURPRISING}
    rates = {row["condition"]: row["rate"] for row in spanish}
    [plain] = [row["rate"] for row in pirate if row["condition"] == "none"]
    least, most = min(asked_nothing.values()), max(asked_nothing.values())
    names = ", ".join(f"`{name}`" for name in asked_nothing)
    return f"""
So the two traits differ. `captain-inoc` talks like a pirate in {plain:.2f} of its answers without a system
prompt, and in {least:.2f} to {most:.2f} under {names}:
no prompt that gives no reason for it brings it back. `spanish-inoc` writes Spanish in {rates["none"]:.2f}
without a prompt, as often, and in {rates["keyword-1"]:.2f} under `keyword-1`, a sentence that only names the
language. These data do not say why: the trait and the request both differ.
"""


COMPARED = {"pirate_leak": two_traits}
"""What follows the claims of a setting."""


if __name__ == "__main__":
    main()
