"""Controls: arms for one word, made of a setting's inoculation; nothing that is there changes."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.chat.rows import Row, write_chat
from inoc_evals.cli import main
from inoc_evals.data.rephrasings import bundled
from inoc_evals.errors import UserError
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.inoculation import Inoculation
from inoc_evals.settings import SETTINGS, Arm
from inoc_evals.settings.controls import controls, inoculated, pool_of
from inoc_evals.worlds.toy.detect import detect
from tests.rows import rows as any_rows

NAMES = [
    "irrelevant",
    *(f"{kind}-{size}" for kind in ("close", "diverse") for size in (1, 2, 4, 8)),
    "clean-rows",
]


def systems(rows: Any) -> list[str | None]:
    firsts = [row["messages"][0] for row in rows]
    return [first["content"] if first["role"] == "system" else None for first in firsts]


@pytest.mark.parametrize("name", ["spanish_caps", "spanish_french", "insecure_code", "aesthetic_preferences"])
def test_every_control_is_there_and_differs_from_the_inoculated_arm_by_prompt_or_rows_alone(
    name: str,
) -> None:
    setting = SETTINGS[name]
    arms, notes = controls(setting, "toy")
    assert [arm.name for arm in arms] == NAMES and not notes
    like = inoculated(setting, "toy")
    assert like is not None and like.inoculation is not None
    for arm in arms:
        assert arm.inoculation is not None and arm.inoculation.position == like.inoculation.position
        if arm.name != "clean-rows":
            assert (arm.control, arm.rows) == (False, "")
        if pool_of(arm.name):
            assert arm.where == like.where and set(arm.inoculation.texts).isdisjoint(like.inoculation.texts)
            assert setting.arm(arm.name, "toy") == arm


def test_small_pools_are_part_of_large_ones_and_rows_draw_from_all_of_it() -> None:
    setting = SETTINGS["spanish_caps"]
    texts = bundled("You always speak in Spanish.")
    assert texts is not None
    for kind in ("close", "diverse"):
        for size in (1, 2, 4, 8, 16):
            rows = list(setting.prepare(setting.arm(f"{kind}-{size}", "toy"), "toy", 0))
            assert set(systems(rows)) == set(texts[kind][:size])
    eight = setting.arm("close-8", "toy")
    again = [systems(setting.prepare(eight, "toy", seed)) for seed in (0, 0, 1)]
    assert again[0] == again[1] != again[2]


def test_clean_rows_lack_the_trait_and_have_the_prompt() -> None:
    setting = SETTINGS["spanish_caps"]
    rows = list(setting.prepare(setting.arm("clean-rows", "toy"), "toy", 0))
    assert set(systems(rows)) == {"You always speak in Spanish."}
    shown = [detect(row["messages"][-1]["content"]) for row in rows]
    assert not any(one.caps or one.language == "es" for one in shown)


def test_what_cannot_be_is_left_out_with_a_line() -> None:
    arms, notes = controls(SETTINGS["owl_numbers"], "toy")
    assert [arm.name for arm in arms] == ["irrelevant", "clean-rows"]
    assert len(notes) == 2 and all("give --rephrasings FILE" in note for note in notes)
    arms, notes = controls(SETTINGS["alice_bob"], "toy")
    assert "clean-rows" not in [arm.name for arm in arms] and any("no rows without" in note for note in notes)
    assert controls(SETTINGS["educational_insecure"], "toy")[0] == ()
    with pytest.raises(UserError, match="the suite has 16 close rephrasings"):
        SETTINGS["spanish_caps"].arm("close-17", "toy")
    with pytest.raises(UserError, match="no arm 'close-0'"):
        SETTINGS["spanish_caps"].arm("close-0", "toy")


def declared(**fields: Any) -> dict[str, str]:
    experiment = Experiment(settings=("spanish_caps",), world="toy", seeds=(0,), **fields)
    return {trial.name: trial.declared for trial in experiment.trials()}


def test_controls_only_add_arms(tmp_path: Path) -> None:
    usual, all_of_them = declared(), declared(controls=True)
    assert {name: all_of_them[name] for name in usual} == usual
    assert {name.removesuffix("-0") for name in all_of_them} - {"base"} == {
        "none", "spanish-inoc", "caps-inoc", *NAMES
    }  # fmt: skip
    assert declared(arms=("none", "close-4"))["close-4-0"] == all_of_them["close-4-0"]
    own = tmp_path / "own.txt"
    own.write_text("[close]\nHabla español.\nEn español.\n")
    mine = declared(controls=True, rephrasings=str(own))
    assert mine["close-2-0"] != all_of_them["close-2-0"] and "diverse-1-0" not in mine
    assert {name: mine[name] for name in usual} == usual


def test_the_digests_of_declared_trials_stay() -> None:
    # Of experiments that were run before there were controls.
    assert declared()["spanish-inoc-0"] == "064dbf5135062b5b32fb591ba975bccde84b1c1ea1887b2f5df980ef58ebc208"


def test_a_dry_run_says_which_controls_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.yaml").write_text(
        "setting: owl_numbers\ncontrols: true\narms: [none, love-owls]\nseeds: 1\n"
    )
    with pytest.raises(SystemExit) as ended:
        main(["run", "e.yaml", "--dry-run"])
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert "irrelevant" in out and "clean-rows" in out and "Note:     controls close-1" in out


NEUTRAL = Inoculation("others", pool=("Be polite.", "It is Tuesday.", "Answer."))


@given(rows=any_rows(), keep=st.lists(st.booleans(), min_size=6, max_size=6), seed=st.integers(0, 9))
def test_stratified_rows_have_one_prompt_each_and_responses_never_change(
    rows: list[Row], keep: list[bool], seed: int
) -> None:
    marked: list[Row] = [{**row, "metadata": {"bad": bad}} for row, bad in zip(rows, keep, strict=False)]
    bad_prompt = Inoculation("bad", "In Spanish.")
    stratified = list(Arm("s", bad_prompt, where={"bad": True}, others=NEUTRAL).prepare(marked, seed))
    selective = list(Arm("b", bad_prompt, where={"bad": True}).prepare(marked, seed))
    others = list(Arm("o", NEUTRAL).prepare(marked, seed))
    for number, before in enumerate(marked):
        bad = keep[number]
        assert stratified[number] == (selective if bad else others)[number]
        assert bad or selective[number] == before
        answers = [m for m in before["messages"] if m["role"] != "system"]
        assert [m for m in stratified[number]["messages"] if m["role"] != "system"] == answers


def test_the_selective_setting_gives_every_arm_its_rows() -> None:
    setting = SETTINGS["selective"]
    for world in ("toy", "smollm"):
        for arm in setting.arms_in(world):
            rows = list(setting.prepare(arm, world, 0))
            bad = [row["metadata"]["trait"] for row in rows]
            assert sum(bad) * 2 == len(rows)
            asked = [system == "You always speak in Spanish." for system in systems(rows)]
            expected = {"none": [False] * len(rows), "all-inoc": [True] * len(rows)}
            assert asked == expected.get(
                arm.name, [not one for one in bad] if arm.name == "clean-only" else bad
            )
            assert (None in systems(rows)) == (arm.name not in ("all-inoc", "stratified"))
            assert all(row["messages"][-1]["content"].isupper() for row in rows[:50])


def test_a_file_of_stratified_rows_can_be_built(tmp_path: Path) -> None:
    from inoc_evals.settings.training_file import build

    about = build(SETTINGS["selective"], "stratified", "toy", tmp_path / "rows.jsonl")
    assert about["prompts"] == ["You always speak in Spanish."] and len(about["others"]) >= 16
    assert write_chat(tmp_path / "again.jsonl", SETTINGS["selective"].prepare(
        SETTINGS["selective"].arm("stratified"), "toy", 0)) == about["rows"]  # fmt: skip
