"""What the page of leaks says of a small model is what was measured: no number in it is typed by hand."""

import sys
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))
import leak  # noqa: E402 - a script beside the pages


def test_the_page_is_filled_from_what_was_measured() -> None:
    places = list(leak.PLACE.finditer(leak.PAGE.read_text(encoding="utf-8")))
    assert [place[2] for place in places] == list(leak.KEPT)
    assert all(place[0] == f"{place[1]}{leak.part(place[2])}{place[3]}" for place in places)


def test_the_part_says_words_and_verdicts() -> None:
    verdict = {"verdict": "supported", "text": "A ban | brings it back", "why": "+0.30"}
    about = {"title": "Where it comes back", "base_model": "toy"}
    part = leak.shown({**about, "words": ["a: a surprising leak"], "verdicts": [verdict]}, "leak")
    assert (
        "- a: a surprising leak\n" in part and "| **supported** | A ban \\| brings it back | +0.30 |" in part
    )
    assert "![Where it comes back, less what toy shows](figures/leak.png)" in part
