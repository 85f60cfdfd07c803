"""Fill docs/screen.md from a screening, so that no number in it is typed by hand.

    inoc-evals screen --setting spanish_prompts --arm-prompts --world smollm --against logs/smollm/runs \
        -o docs/figures/screen.png --json > docs/figures/screen.json
    python docs/screen.py

The JSON is kept as the command printed it; of the figures, the PNG files.
"""

import json
import re
from pathlib import Path
from typing import Any

from fill import markdown

DOCS = Path(__file__).parent
FIGURES = DOCS / "figures"
KEPT = FIGURES / "screen.json"
PAGE = DOCS / "screen.md"
PLACE = re.compile(r"(<!-- screen: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
HEADS = {"elicitation": "elicited", "surprise_saved": "surprise saved", "side_effect": "on neutral rows"}


def main() -> None:
    """Fill the page."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(PLACE.sub(lambda place: f"{place[1]}{measured()}{place[3]}", text), encoding="utf-8")


def measured() -> str:
    """Table, sentences and figures of the screening that was kept."""
    if not KEPT.is_file():
        return "Not measured yet.\n"
    found = json.loads(KEPT.read_text(encoding="utf-8"))
    left = {
        point["prompt"]: f"{point['left']:.2f} ({point['seeds']})"
        for relation in found["against"][:1]
        for point in relation["points"]
    }
    columns = list(dict.fromkeys((one["measure"], one["trait"]) for one in found["table"]))
    cells = {(one["prompt"], one["measure"], one["trait"]): shown(one) for one in found["table"]}
    rows = [
        [
            *(prompt, f"`{found['prompts'][prompt]}`"),
            *(cells.get((prompt, *column), "") for column in columns),
            *([left.get(prompt, "")] if left else []),
        ]
        for prompt in found["order"]
    ]
    heads = [f"{trait} {HEADS[key]}" if key == "elicitation" else HEADS[key] for key, trait in columns]
    after = [f"{found['trait']} after training (finetunes)"] if left else []
    said = [found["sentence"], *(one["sentence"] + "." for one in found["against"])]
    return (
        markdown(["prompt", "text", *heads, *after], rows)
        + "".join(f"\n{one}\n" for one in said)
        + "".join(
            f"\n![{name}](figures/{file})\n" for file, name in PICTURES.items() if (FIGURES / file).is_file()
        )
    )


PICTURES = {
    "screen.png": "What every prompt does to the base before training",
    "screen_after.png": "What prompts did before training, and what training under them kept out",
}


def shown(one: dict[str, Any]) -> str:
    """A number with its interval."""
    if one["value"] is None:
        return str(one["caution"])
    return f"{one['value']:+z.2f} [{one['low']:+z.2f}, {one['high']:+z.2f}]"


if __name__ == "__main__":
    main()
