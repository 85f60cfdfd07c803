"""What the pages say of the field's claims and of selectivity is from settings, reports and simulations."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from inoc_evals.settings import since

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))
import since as script  # noqa: E402 - a script beside the pages

KEPT = json.loads(script.KEPT.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", script.PAGES, ids=lambda page: page.name)
def test_the_pages_are_filled_from_what_was_measured(page: Path) -> None:
    """If this fails after a setting changed: `python docs/since.py`."""
    places = list(script.PLACE.finditer(page.read_text(encoding="utf-8")))
    assert places
    for place in places:
        assert f"{place[1]}{script.PARTS[place[2]](KEPT)}{place[3]}" == place[0]


def test_every_part_has_a_place() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in script.PAGES)
    assert {place[2] for place in script.PLACE.finditer(text)} == set(script.PARTS)


def test_every_claim_has_a_row_with_what_its_source_reports() -> None:
    table, sources = script.claims(KEPT), script.sources(KEPT)
    for claim in since():
        assert script.key(claim).replace("|", "\\|") in table
        assert claim.source in sources and claim.reference.replace("|", "\\|") in sources


@pytest.fixture
def report(tmp_path: Path) -> Path:
    claim = since()[0]
    share: dict[str, Any] = {"trait": "caps", "value": 0.25, "low": 0.125, "high": 0.5, "undefined": ""}
    nothing = {"trait": "spanish", "value": None, "low": None, "high": None, "undefined": "nobody asked"}
    verdict = {"setting": claim.setting, "claim": claim.name, "why": "-0.40 [-0.50, -0.30], claimed < -0.10"}
    verdict |= {"n": 600, "apart": ""}
    part = {
        **{"setting": claim.setting, "figures": {}},
        "verdicts": [
            {**verdict, "verdict": "supported", "source": claim.source},
            {**verdict, "verdict": "contradicted", "source": ""},
        ],
        "selectivity": [
            {
                **{"setting": claim.setting, "arm": "x", "apart": "", "verdict": "undecided", "seeds": 3},
                **{"n": 600, "caution": "", "suppression": share, "retention": nothing},
            }
        ],
    }
    (tmp_path / "report.json").write_text(json.dumps({"settings": [part]}), encoding="utf-8")
    return tmp_path


def test_a_report_becomes_verdicts_and_shares(report: Path) -> None:
    kept = {"worlds": {"toy": script.taken("toy", report)}, "power": {script.key(since()[0]): 0.375}}
    row = next(line for line in script.claims(kept).splitlines() if script.key(since()[0]) in line)
    assert "**supported**, -0.40 [-0.50, -0.30], n 600" in row and "0.38" in row and "contradicted" not in row
    shares = script.selectivity(kept)
    assert "caps: 0.25 [0.12, 0.50]" in shares and "nobody asked" in shares and "On the toy" in shares
