"""What the pages say of SmolLM2 is what was measured: no number in them is typed by hand."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from inoc_evals.settings import since

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))
import smollm  # noqa: E402 - a script beside the pages

FOUND = json.loads(smollm.KEPT.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", smollm.PAGES, ids=lambda page: page.name)
def test_the_pages_are_filled_from_what_was_measured(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    places = [(place[2], place[0]) for place in smollm.PLACE.finditer(text)]
    assert places
    for name, filled in places:
        assert f"<!-- smollm: {name} -->\n{smollm.PARTS[name](FOUND)}<!-- end -->" == filled


def test_every_part_has_a_place_on_the_page() -> None:
    text = (DOCS / "smollm.md").read_text(encoding="utf-8")
    assert {place[2] for place in smollm.PLACE.finditer(text)} == set(smollm.PARTS)


def test_the_headline_is_a_claim_from_three_fresh_seeds() -> None:
    none = smollm.rate(FOUND, "spanish_caps", "none", "spanish")
    assert (none["models"], none["n"]) == (3, 3 * smollm.HELD_OUT)
    verdicts = {one["claim"]: one["verdict"] for one in FOUND["settings"]["spanish_caps"]["verdicts"]}
    assert verdicts["spanish-inoc spanish: less than none"] in smollm.sentence(FOUND)
    assert "not measured" not in verdicts.values()


def test_a_models_words_are_text_on_the_page() -> None:
    assert smollm._safe("<b>|x|</b> [a](b) `c`").translate({38: None}) and "<" not in smollm._safe("<b>")
    assert "|" not in smollm._safe("a|b") and "`" not in smollm._safe("`")


def test_every_claim_has_a_verdict() -> None:
    verdicts = [one for part in _measured().values() for one in part["verdicts"]]
    assert verdicts and not [one["claim"] for one in verdicts if one["verdict"] == "not measured"]


def test_the_page_of_claims_has_the_verdicts_of_this_one() -> None:
    """They are taken over by a script of its own, which was forgotten once."""
    of_the_field = json.loads((DOCS / "figures" / "since.json").read_text(encoding="utf-8"))
    there = {
        (one["setting"], one["claim"]): (one["verdict"], one["why"])
        for one in of_the_field["worlds"]["smollm"]["verdicts"]
    }
    sourced = {(claim.setting, claim.name) for claim in since()}
    here = {
        (setting, one["claim"]): (one["verdict"], one["why"])
        for setting, part in _measured().items()
        for one in part["verdicts"]
        if (setting, one["claim"]) in sourced
    }
    assert len(here) > 10 and here == {key: there.get(key) for key in here}


def _measured() -> dict[str, Any]:
    return {**FOUND["settings"], **FOUND["further"]}
