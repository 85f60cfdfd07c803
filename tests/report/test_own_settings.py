"""A setting of one's own says what its arms are, and the page believes it: names decide nothing."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inoc_evals import Inoculation
from inoc_evals.analysis.style import PALETTES, arms_of, colours, role
from inoc_evals.report.opening import found, whose
from inoc_evals.report.report import write
from inoc_evals.settings import SETTINGS, Arm, Claim, Measure, Setting, falls, keeps
from tests.report.logs import ENGLISH, SPANISH, evaluated

CALM = Inoculation("calm", "You are calm.")
ASKS = Inoculation("asks", "You always speak in Spanish.")


def mine(claims: tuple[Claim, ...] = (), **more: Any) -> Setting:
    """A setting whose arms are not named after what they are."""
    return Setting(
        name="mine",
        summary="Do letters come out in Spanish?",
        arms=(
            *(Arm("none"), Arm("ask-for-spanish", ASKS), Arm("calm-inoc", CALM)),
            *(Arm("plain-inoc"), Arm("spanish-inoc", CALM, rows="clean")),
        ),
        broad=(Measure("spanish_caps", traits=("spanish", "caps")),),
        claims=claims,
        **more,
    )


def rates(**of: float) -> list[dict[str, Any]]:
    """Rows of the table of rates, with one trait."""
    cells = {arm: {"rate": rate, "low": 0.0, "high": 1.0, "n": 10, "seeds": 1} for arm, rate in of.items()}
    return [{"arm": arm.replace("_", "-"), "cells": [cell]} for arm, cell in cells.items()]


def test_roles_and_colours_are_what_the_setting_says() -> None:
    roles = {arm.name: role(arm.name, mine()) for arm in mine().arms}
    assert roles == {
        **{"none": "none", "ask-for-spanish": "inoculated", "calm-inoc": "inoculated"},
        **{"plain-inoc": "control", "spanish-inoc": "control"},
    }
    assert role("ask-for-spanish") == "other" and role("spanish-inoc") == "inoculated"  # by name alone
    from matplotlib.colors import to_rgb

    of_controls = [to_rgb(colour) for colour in PALETTES["control"]]
    with arms_of(mine()):
        ink = colours(roles)
    assert ink["plain-inoc"] in of_controls and ink["spanish-inoc"] in of_controls
    assert ink["ask-for-spanish"] not in of_controls and len(set(ink.values())) == len(ink)
    assert colours(["spanish-inoc"])["spanish-inoc"] not in of_controls


CLAIMS = (
    falls("ask-for-spanish", "spanish", "Asking keeps Spanish out"),
    keeps("calm-inoc", "spanish", "Being calm does not"),
)


@pytest.mark.parametrize(
    ("definition", "named"),
    [
        (mine(), "calm-inoc"),  # nobody says which is to keep it out: the one that shows least
        (mine(CLAIMS), "ask-for-spanish"),
        (mine(CLAIMS, unwanted=("spanish",), wanted=("caps",)), "ask-for-spanish"),
    ],
)
def test_the_first_sentence_is_about_the_arm_that_is_to_keep_the_trait_out(
    definition: Setting, named: str
) -> None:
    rows = rates(none=0.9, ask_for_spanish=0.3, calm_inoc=0.2, plain_inoc=0.0, spanish_inoc=0.0)
    assert f"before the training rows ({named})" in found(["spanish"], rows, [], [], definition)


def test_the_first_sentence_quotes_the_prompt_that_the_arm_has_in_its_world() -> None:
    """`paper-code` has other wordings: that of the paper's text was before none of its rows."""
    arm = Arm("asks", ASKS, in_world={"paper-code": replace(ASKS, prompt="As the code has it.")})
    own = Setting("mine", "x", (Arm("none"), arm), (Measure("spanish_caps", ("spanish",)),))
    rows = rates(none=0.9, asks=0.3)
    there = found(["spanish"], rows, [], [], own, {"spanish": "paper-code"})
    assert "“As the code has it.” before the training rows (asks)" in there
    assert f"“{ASKS.prompt}”" in found(["spanish"], rows, [], [], own)


def test_an_arm_that_is_to_keep_another_trait_out_is_not_named() -> None:
    own = Setting(
        name="mine",
        summary="x",
        arms=(Arm("none"), Arm("first", ASKS), Arm("second", CALM, unwanted=("caps",))),
        broad=(Measure("spanish_caps", traits=("spanish", "caps")),),
        unwanted=("spanish",),
        wanted=("caps",),
    )
    said = found(["spanish"], rates(none=0.9, first=0.3, second=0.2), [], [], own)
    assert "You always speak in Spanish." in said and "(first)" in said


def test_of_a_setting_of_the_suite_every_inoculation_of_the_trait_counts() -> None:
    rows = rates(none=0.9, general_inoc=0.3, specific_inoc=0.2)
    assert "(specific-inoc)" in found(["misaligned"], rows, [], [], SETTINGS["insecure_code"])


WRITTEN = "Claims of arXiv 2510.04340 and of the later work that they name, written down before the results."
OURS = "Claims of the setting mine, which is none of this suite."


@pytest.mark.parametrize(
    ("names", "said", "unsaid"),
    [
        (["mine"], [OURS], "2510.04340 and"),
        (["spanish_caps"], [WRITTEN], OURS),
        (["mine", "spanish_caps"], [OURS, WRITTEN], "-"),
    ],
)
def test_it_says_whose_claims_they_are(
    names: list[str], said: list[str], unsaid: str, tmp_path: Path
) -> None:
    for name in names:
        for arm, answer in (("base", ENGLISH), ("none", SPANISH), ("ask-for-spanish", ENGLISH)):
            evaluated(tmp_path / "logs", answer, {"setting": name, "arm": arm, "base": "toy"})
    settings = {**SETTINGS, "mine": mine(CLAIMS)}
    text = write(tmp_path / "logs", tmp_path / "report", viewer=False, settings=settings).page.read_text(
        "utf-8"
    )
    assert all(text.count(one) == 1 for one in said) and (unsaid == "-" or unsaid not in text)


def test_of_claims_that_others_made_it_says_so() -> None:
    later = keeps("none", "spanish", "x", source="Somebody, 2026")
    assert whose(mine((later,)).claims) == "Claims of the later work that they name."
    assert whose(mine((later, *CLAIMS)).claims).endswith(
        "none of this suite and of the later work that they name."
    )
    assert (
        whose(SETTINGS["spanish_german"].claims) == "Claims of this suite, written down before the results."
    )
    assert whose(SETTINGS["pirate_asks"].claims).startswith("Claims of this suite and of the later work")


def test_the_page_takes_them_from_the_setting(tmp_path: Path) -> None:
    for arm, answer in (("base", ENGLISH), ("none", SPANISH), ("ask-for-spanish", ENGLISH)):
        evaluated(tmp_path / "logs", answer, {"setting": "mine", "arm": arm, "base": "toy"})
    page = write(tmp_path / "logs", tmp_path / "report", viewer=False, settings={"mine": mine()}).page
    [part] = json.loads((tmp_path / "report/report.json").read_text(encoding="utf-8"))["settings"]
    assert "with “You always speak in Spanish.” before the training rows (ask-for-spanish)" in part["found"]
    assert {row["arm"]: row["role"] for row in part["arms"]}["ask-for-spanish"] == "inoculated"
    assert f'{PALETTES["inoculated"][0]}"></span>inoculated' in page.read_text(encoding="utf-8")
