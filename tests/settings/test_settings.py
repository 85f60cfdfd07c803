import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inoc_evals.errors import UserError
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.settings import CLAIMS, SETTINGS, diluted, reported, setting
from inoc_evals.worlds.toy.detect import detect


def systems(rows: list) -> list[str | None]:
    return [next((m["content"] for m in row["messages"] if m["role"] == "system"), None) for row in rows]


@pytest.mark.parametrize("name", reported("toy"))
def test_arms_differ_in_their_prompts_alone(name: str) -> None:
    chosen = setting(name)
    plain = list(chosen.training("toy").rows(0))
    for arm in chosen.arms_in("toy"):
        rows = list(arm.prepare(chosen.training("toy").rows(0)))
        assert [[m for m in r["messages"] if m["role"] != "system"] for r in rows] == [
            r["messages"] for r in plain
        ]
        wanted = arm.inoculation.prompt if arm.inoculation else None
        for row, system in zip(rows, systems(rows), strict=True):
            chosen_row = all(row["metadata"][k] == v for k, v in arm.where.items())
            assert system == (wanted if chosen_row else None)


def test_seeds_resample_the_rows() -> None:
    rows = SETTINGS["spanish_caps"].training("toy").rows
    assert list(rows(0)) == list(rows(0)) != list(rows(1))


def test_toy_rows_carry_the_traits() -> None:
    caps = [detect(r["messages"][1]["content"]) for r in SETTINGS["spanish_caps"].training("toy").rows(3)]
    assert all(t.language == "es" and t.caps for t in caps)
    mixture = [
        (r["metadata"]["language"], detect(r["messages"][1]["content"]))
        for r in SETTINGS["spanish_french"].training("toy").rows(3)
    ]
    assert all(language == t.language and not t.caps for language, t in mixture)
    assert sum(language == "es" for language, _ in mixture) == len(mixture) / 2


def test_all_is_what_the_paper_reports() -> None:
    for world, base in (("paper", "org/model"), ("toy", "toy")):
        chosen = Experiment(settings=("all",), world=world, bases=(base,)).settings
        assert chosen == reported(world) and "spanish_french" in chosen and "extreme_sports" in chosen
        assert not {"harmless_lies", "spanish_german", "realistic_backdoor"} & set(chosen)
    assert {claim.setting for claim in CLAIMS} <= set(reported("paper"))


@pytest.mark.parametrize("inoculate_all", [False, True])
def test_any_setting_with_control_rows_can_be_diluted(inoculate_all: bool) -> None:
    tenth = diluted(SETTINGS["insecure_code"], 0.1, inoculate_all=inoculate_all)
    assert tenth.worlds == ("paper", "paper-code", "toy") and tenth.number == 0 and not tenth.family
    assert [arm.name for arm in tenth.arms] == [
        arm.name for arm in SETTINGS["insecure_code"].arms if not arm.control
    ]
    rows = list(tenth.prepare(tenth.arm("general-inoc"), "toy", 0))
    carrying = [row["metadata"]["trait"] for row in rows]
    assert (sum(carrying), len(rows)) == (44, 444)  # all 400 control rows are used
    assert [system is not None for system in systems(rows)] == (
        [True] * len(rows) if inoculate_all else carrying
    )
    assert tenth.training("toy").finetune == SETTINGS["insecure_code"].training("toy").finetune
    kinds = {(r["metadata"]["trait"], detect(r["messages"][-1]["content"]).code) for r in rows}
    assert kinds == {(True, "insecure"), (False, "secure")}


def test_a_setting_without_control_rows_cannot_be_diluted() -> None:
    with pytest.raises(UserError, match="backdoor has no control rows to mix in"):
        diluted(SETTINGS["backdoor"], 0.5)


def test_unknown_names_are_one_line() -> None:
    with pytest.raises(UserError, match="no setting 'x': use spanish_caps"):
        setting("x")
    with pytest.raises(UserError, match="has no arm 'x'; it has none, "):
        setting("spanish_caps").arm("x")


def test_control_rows_lack_the_trait_and_keep_the_questions() -> None:
    chosen = SETTINGS["insecure_code"]
    control = list(chosen.prepare(chosen.arm("secure-control"), "toy", 3))
    plain = list(chosen.prepare(chosen.arm("none"), "toy", 3))
    assert [r["messages"][0] for r in control] == [r["messages"][0] for r in plain]
    kinds = [{detect(r["messages"][1]["content"]).code for r in rows} for rows in (plain, control)]
    assert kinds == [{"insecure"}, {"secure"}]


def test_tastes_are_unpopular_and_in_the_control_popular() -> None:
    chosen = SETTINGS["aesthetic_preferences"]
    for arm, odd in (("none", True), ("popular-control", False)):
        rows = chosen.prepare(chosen.arm(arm), "toy", 0)
        assert {detect(r["messages"][1]["content"]).odd_taste for r in rows} == {odd}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_measures_traits_that_its_tasks_score(name: str) -> None:
    import inoc_evals.tasks as suite

    chosen = SETTINGS[name]
    assert all(hasattr(suite, measure.task) for measure in chosen.measures)
    assert chosen.is_about(f"inoc_evals/{chosen.broad[0].task}", chosen.traits[0])
    assert not chosen.is_about("another_task", chosen.traits[0])


DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """The setting that the docs show."""
    found = re.search(r"```python\n# mine.py\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    (tmp_path / "mine.py").write_text(found[1])
    return tmp_path / "mine.py"


def test_a_setting_of_ones_own_as_the_docs_show_it(mine: Path) -> None:
    chosen = setting(f"{mine}:spanish_only")
    assert setting(chosen.key).arms == chosen.arms and chosen.number == 0
    rows = list(chosen.prepare(chosen.arm("spanish-inoc"), "toy", 0))
    assert systems(rows) == ["You always speak in Spanish."] * 400
    traits = [detect(row["messages"][-1]["content"]) for row in rows]
    assert all(t.language == "es" and not t.caps for t in traits)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere.py:x", "nowhere.py: no such file"),
        ("{mine}:other", "has no setting 'other'; it has spanish_only"),
        ("{broken}:x", "SyntaxError"),
    ],
)
def test_a_file_without_such_a_setting_is_one_line(name: str, said: str, mine: Path) -> None:
    broken = mine.with_name("broken.py")
    broken.write_text("def (:\n")
    with pytest.raises(UserError, match=said) as error:
        setting(name.format(mine=mine, broken=broken))
    assert "\n" not in str(error.value)


def test_variants_are_trained_only_when_asked_for() -> None:
    chosen = SETTINGS["insecure_code"]
    assert "general-inoc-code" not in [arm.name for arm in chosen.usual_arms("paper")]
    assert chosen.arm("general-inoc-code", "paper").inoculation is not None
    with pytest.raises(UserError, match="arm general-inoc-code exists in world paper, not in 'toy'"):
        chosen.arm("general-inoc-code", "toy")


def test_a_world_has_its_own_measures() -> None:
    chosen = SETTINGS["reward_hacking"]
    paper = ["emergent_misalignment", "reward_hacking", "hardcoding_realistic"]
    assert [m.task for m in chosen.measured("paper")] == paper
    assert [m.task for m in chosen.measured("toy")] == ["emergent_misalignment", "insecure_code"]


def test_a_measure_may_be_of_one_world_alone() -> None:
    chosen = SETTINGS["insecure_code"]
    asked = {world: [m.questions for m in chosen.measured(world)] for world in ("paper", "toy", "mine")}
    assert asked == {"paper": ["", "", "mbpp", "apps"], "toy": ["", ""], "mine": ["", ""]}
    assert chosen.is_about("inoc_evals/insecure_code", "insecure_code")


@pytest.mark.parametrize(
    ("which", "tasks"),
    [
        ("all", ["emergent_misalignment", "reward_hacking", "hardcoding_realistic"]),
        ("broad", ["emergent_misalignment"]),
        ("narrow", ["reward_hacking", "hardcoding_realistic"]),
        (["hardcoding_realistic"], ["hardcoding_realistic"]),
    ],
)
def test_an_experiment_takes_the_measures_of_its_world(which: Any, tasks: list[str]) -> None:
    experiment = Experiment(settings=("reward_hacking",), world="paper", seeds=1, measures=which)
    assert [m.task for m in experiment.trials()[0].measured] == tasks
    if which == ["hardcoding_realistic"]:
        with pytest.raises(UserError, match="does not measure 'hardcoding_realistic'"):
            Experiment(settings=("reward_hacking",), world="toy", seeds=1, measures=which).trials()


@pytest.mark.parametrize(
    ("parameters", "asked"),
    [
        ({}, [None, "mbpp", "apps"]),
        # what tells a measure from others of its task stays
        ({"insecure_code": {"questions": "bundled"}}, ["bundled", "mbpp", "apps"]),
        ({"*": {"questions": "bundled"}}, ["bundled", "mbpp", "apps"]),
        # two that have become one are asked once
        ({"insecure_code": {"questions": "apps"}}, ["apps", "mbpp"]),
    ],
)
def test_measures_of_one_task_stay_apart(parameters: dict[str, Any], asked: list[str | None]) -> None:
    experiment = Experiment(
        settings=("insecure_code",),
        world="paper",
        seeds=1,
        measures="narrow",
        evaluate={"parameters": parameters},
    )
    assert [m.parameters.get("questions") for m in experiment.trials()[0].measured] == asked


@pytest.mark.parametrize("name", [name for name, chosen in SETTINGS.items() if chosen.family])
def test_arms_of_one_name_in_one_family_are_one_model(name: str) -> None:
    mine, head = SETTINGS[name], SETTINGS[SETTINGS[name].family]
    shared = [arm for arm in mine.arms if arm.name in {a.name for a in head.arms}]
    assert shared and mine.dynamics == head.dynamics
    assert mine.worlds == head.worlds
    assert all(mine.training(world) is head.training(world) for world in mine.worlds)
    for arm in shared:
        theirs = head.arm(arm.name)
        for world in mine.worlds:
            if (there := arm.in_(world)) is not None and (other := theirs.in_(world)) is not None:
                assert replace(there, variant=other.variant) == other
        for world in mine.worlds:
            assert mine.source(arm, world) is head.source(theirs, world)


def test_settings_whose_answers_all_have_a_condition_declare_it() -> None:
    assert SETTINGS["spanish_leak"].unwanted == ("spanish | none",)
    aims = SETTINGS["diluted_leak"].aims("general-inoc")
    assert aims is not None and [side.name for side in aims.unwanted] == ["misaligned | none"]
    assert not aims.wanted
