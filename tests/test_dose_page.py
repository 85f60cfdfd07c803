"""What the page on doses says was measured, or that nothing was."""

import json
import sys
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))
import dose  # noqa: E402 - a script beside the page

FOUND = {
    "rates": [
        {"dose": f"steps={n}", "arm": arm, "setting": "s", "base": "b", "seeds": 2, "asked": 9}
        for n in (8, 16)
        for arm in ("none", "inoc")
    ],
    "windows": [{"arm": "inoc", "dose": "steps=8", "word": "inside", "why": "so | it is", "caution": ""}],
    "verdicts": [{"verdict": "supported", "text": "It breaks", "apart": "16 against 8", "why": "+0.9"}],
}


def test_the_page_is_filled_from_what_was_measured() -> None:
    found = json.loads(dose.KEPT.read_text("utf-8")) if dose.KEPT.exists() else None
    places = list(dose.PLACE.finditer(dose.PAGE.read_text("utf-8")))
    assert [place[2] for place in places] == ["command", "windows", "claims"]
    for place in places:
        assert place[0] == f"{place[1]}{dose.part(place[2], found)}{place[3]}"
    assert dose.FIGURE.exists() == dose.KEPT.exists()


def test_its_parts_say_what_was_found() -> None:
    assert "2 doses of setting `s` on b, 2 finetunes an arm (`none`, `inoc`)" in dose.part("command", FOUND)
    assert "| inoc | steps=8 | inside | so \\| it is |  |" in dose.part("windows", FOUND)
    assert "| supported | It breaks | 16 against 8 | +0.9 |" in dose.part("claims", FOUND)
