"""The page on screening says what was measured, and nothing that was typed by hand."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "docs"))
import screen


def test_the_page_is_filled_from_what_was_measured() -> None:
    [place] = screen.PLACE.finditer(screen.PAGE.read_text(encoding="utf-8"))
    assert place[0] == f"{place[1]}{screen.measured()}{place[3]}"


def test_a_screening_becomes_a_table_with_every_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"prompt": "order", "caution": "", "value": 0.5, "low": 0.4, "high": 0.6, "trait": "spanish"}
    point = {"prompt": "order", "left": 0.25, "seeds": 3}
    kept = {
        **{"trait": "spanish", "prompts": {"order": "Speak Spanish."}, "order": ["order"]},
        "table": [
            {**row, "measure": "elicitation"},
            {**row, "measure": "side_effect", "trait": "per_token", "value": None, "caution": "no score"},
        ],
        **{"sentence": "A sentence.", "against": [{"sentence": "Spearman's", "points": [point]}]},
    }
    (tmp_path / "screen.json").write_text(json.dumps(kept), encoding="utf-8")
    monkeypatch.setattr(screen, "KEPT", tmp_path / "screen.json")
    text = screen.measured()
    assert "| order | `Speak Spanish.` | +0.50 [+0.40, +0.60] | no score | 0.25 (3) |" in text
    assert "A sentence." in text and "Spearman's." in text
