"""A world is one value, and nothing else of the package asks which world it is in."""

import ast
from pathlib import Path

import pytest

import inoc_evals
from inoc_evals.data import question_sets
from inoc_evals.data.questions import CHAT
from inoc_evals.errors import UserError
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.settings import SETTINGS, Arm, Measure, Setting
from inoc_evals.worlds import EMBEDDED, WORLDS, Counterpart, Training, World, spec_for, world, world_of

PACKAGE = Path(inoc_evals.__file__).parent

CHECKPOINT_NAMES = {"runs/spec.py", "models/base.py"}
"""Where the names of the shipped checkpoints stand, and the folder that they lie in."""


def test_only_worlds_say_the_name_of_the_toys_world() -> None:
    saying = set()
    for file in PACKAGE.rglob("*.py"):
        place = file.relative_to(PACKAGE)
        if place.parts[0] == "worlds":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value == EMBEDDED.name:
                saying.add(place.as_posix())
    assert saying == CHECKPOINT_NAMES


def test_worlds_are_known_by_name() -> None:
    assert world("paper") is WORLDS["paper"] and world(EMBEDDED.name) is EMBEDDED
    with pytest.raises(UserError, match="unknown world 'mars': use paper or paper-code or toy or smollm"):
        world("mars")


def test_a_base_belongs_to_a_world_and_has_a_usual_finetune() -> None:
    assert world_of() is world_of("toy") is world_of("inoc/toy") is EMBEDDED
    assert world_of("toy", "Qwen/Qwen2.5-7B-Instruct").name == "paper"
    assert spec_for("inoc/toy", seed=1) == inoc_evals.toy_spec(1)
    assert spec_for("org/model", seed=1) == inoc_evals.FinetuneSpec(base="org/model", seed=1)


def test_settings_get_their_rows_from_the_world() -> None:
    for name, one in WORLDS.items():
        for setting in SETTINGS.values():
            if name not in setting.worlds:  # the paper reports nothing of it, or it needs a judge
                assert not setting.number or name == "smollm"
                continue
            if name in setting.rows:  # a mixture of its own, e.g. of a setting's rows and its control rows
                continue
            training = setting.training(name)
            assert training is one.training.get(setting.name, one.training.get(setting.family))
    used = {setting.name for setting in SETTINGS.values()}
    assert all(set(one.training) <= used for one in WORLDS.values())


def test_a_world_in_one_value(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "HOLA"}]}
    chat = question_sets.QuestionSet("mine", lambda: CHAT.load("bundled")[:3])
    mine = World(
        "mine",
        "ours",
        base="toy",
        training={"spanish_caps": Training(rows=lambda seed: [row] * 8)},
        parameters={"*": {"questions": "mine"}},
        question_sets={"chat": chat},
        max_questions={"spanish_caps": 2},
        extra_traits={"spanish_caps": ("french",)},
    )
    monkeypatch.setitem(WORLDS, "mine", mine)
    monkeypatch.setitem(question_sets._added, "chat", [chat])
    chosen = SETTINGS["spanish_caps"]
    assert chosen.worlds == ("paper", "paper-code", "toy", "smollm", "mine")
    assert len(list(chosen.prepare(chosen.arm("spanish-inoc"), "mine", 0))) == 8
    [measure] = chosen.measured("mine")
    assert measure.traits == ("spanish", "caps", "french")
    experiment = Experiment(settings=("spanish_caps",), world="mine", arms=("none",), seeds=(0,))
    assert experiment.bases == ("toy",) and experiment.graders == ()

    from inoc_evals.experiment.measure_tasks import build

    built = build(measure, "mine")
    assert built.measure.parameters == {"questions": "mine"} and len(built.task.dataset) == 2
    with pytest.raises(
        UserError, match="setting backdoor has no rows in world 'mine'; it has paper, paper-code, toy"
    ):
        SETTINGS["backdoor"].training("mine")


def test_a_world_measures_by_counterparts_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    counterparts = {("reward_hacking", "reward_hacking"): Counterpart("insecure_code", "flawed")}
    mine = World("mine", "ours", counterparts=counterparts, extra_traits={"insecure_code": ("bad",)})
    monkeypatch.setitem(WORLDS, "mine", mine)
    setting = Setting(
        name="x",
        summary="",
        arms=(Arm("none"),),
        broad=(Measure("reward_hacking", ("reward_hacking",)), Measure("insecure_code", ("insecure_code",))),
    )
    taken = [(measure.task, measure.traits) for measure in setting.measured("mine")]
    assert taken == [("insecure_code", ("flawed",)), ("insecure_code", ("insecure_code", "bad"))]


def test_a_counterpart_has_parameters_and_a_task_without_a_judge_may_be_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tastes = Counterpart("forced_choice", "prefers_unpopular", parameters={"questions": "tastes"})
    mine = World(
        "mine",
        "ours",
        counterparts={("aesthetic_preference", "unpopular"): tastes},
        not_measured=("reward_hacking",),
    )
    monkeypatch.setitem(WORLDS, "mine", mine)
    setting = Setting(
        name="x",
        summary="",
        arms=(Arm("none"),),
        broad=(Measure("reward_hacking", ("reward_hacking",)),),
        narrow=(Measure("aesthetic_preference", ("unpopular",), parameters={"epochs": 2}),),
    )
    [measure] = setting.measured("mine")
    assert (measure.task, measure.traits) == ("forced_choice", ("prefers_unpopular",))
    assert measure.parameters == {"epochs": 2, "questions": "tastes"}


def test_the_rooms_lists_are_the_packages() -> None:
    import yaml

    from inoc_evals import _registry, scorers, tasks

    suite = {*tasks.__all__, *scorers.__all__, "toy_lexicon"}
    assert suite <= set(inoc_evals.__all__) and suite | {"inoc"} == set(_registry.__all__)
    declared = yaml.safe_load((PACKAGE / "eval.yaml").read_text(encoding="utf-8"))["tasks"]
    assert sorted(task["name"] for task in declared) == sorted(tasks.__all__)
