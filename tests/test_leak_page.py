"""What the page of leaks says of a small model is what was measured: no number in it is typed by hand."""

import json
import sys
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))
import leak  # noqa: E402 - a script beside the pages


def test_the_page_is_filled_from_what_was_measured() -> None:
    place = leak.PLACE.search(leak.PAGE.read_text(encoding="utf-8"))
    assert place is not None
    found = leak.shown(json.loads(leak.KEPT.read_text(encoding="utf-8"))) if leak.KEPT.is_file() else ""
    assert place[0] == f"{place[1]}{found}{place[2]}"


def test_the_part_says_words_and_verdicts() -> None:
    verdict = {"verdict": "supported", "text": "A ban | brings it back", "why": "+0.30"}
    part = leak.shown({"base_model": "toy", "words": ["a: a surprising leak"], "verdicts": [verdict]})
    assert (
        "- a: a surprising leak\n" in part and "| **supported** | A ban \\| brings it back | +0.30 |" in part
    )
    assert "figures/leak.png" in part
