"""A sweep: one training for all its steps, nothing twice, and every row where it belongs."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from inspect_ai.log import read_eval_log

from inoc_evals.analysis import load
from inoc_evals.cli import main
from inoc_evals.errors import UserError
from inoc_evals.experiment import evaluate
from inoc_evals.experiment import run_trial as module
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.plan import make_plan
from inoc_evals.experiment.run import ExperimentResult
from inoc_evals.experiment.run_trial import run_trial
from inoc_evals.experiment.storage import Storage
from inoc_evals.experiment.sweep import checked, of_rows, points, prepare, size
from inoc_evals.inoculation import Inoculation
from inoc_evals.report.report import write as report
from inoc_evals.report.sections import _logs
from inoc_evals.settings import SETTINGS, Arm
from inoc_evals.settings.diluted import diluted

CAPS = SETTINGS["spanish_caps"]
INOCULATED = CAPS.arm("spanish-inoc", "toy")
PROMPT = INOCULATED.inoculation.texts[0] if INOCULATED.inoculation else ""


def spanish_caps(**fields: Any) -> Experiment:
    given = {"setting": "spanish_caps", "arms": "none,spanish-inoc", "seeds": 2, **fields}
    return Experiment.model_validate(given)


def prompted(rows: Any) -> set[int]:
    """Numbers of the rows that have the prompt."""
    return {n for n, row in enumerate(rows) if row["messages"][0]["content"] == PROMPT}


def test_steps_are_one_training_with_the_spec_that_one_would_write_by_hand() -> None:
    swept = spanish_caps(world="smollm", sweep={"learning_rate": "1e-4", "steps": [64, 8, 32, 16]})
    by_hand = {"learning_rate": 1e-4, "max_steps": 64, "scheduler": "constant_with_warmup"}
    usual = spanish_caps(world="smollm", finetune={**by_hand, "kept_steps": [8, 16, 32]})
    for one, other in zip(swept.trials(), usual.trials(), strict=True):
        assert one.arm == "base" or (one.spec.digest == other.spec.digest)
        assert (one.run_name, one.declared if one.seed is not None else "") == (
            other.run_name,
            other.declared if other.seed is not None else "",
        )
    trial = swept.trials()[1]
    assert [stage.step for stage in trial.stages] == [8, 16, 32, None]
    assert [stage.dose_after(64)["steps"] for stage in trial.stages] == [8, 16, 32, 64]
    assert len({stage.folder for stage in trial.stages}) == 4


def test_without_a_sweep_nothing_changes() -> None:
    for trial in spanish_caps().trials():
        assert trial.stages == [trial] and trial.dose_after(50) == {} and "=" not in trial.folder
        assert trial.seed is None or list(trial.rows()) == list(
            CAPS.prepare(CAPS.arm(trial.arm, "toy"), "toy", trial.seed)
        )


def test_every_arm_is_trained_at_every_point_unless_the_axis_does_not_concern_it() -> None:
    trials = spanish_caps(sweep={"learning_rate": [1e-4, 3e-4], "inoculated": [0.5, 1]}).trials()
    assert Counter(trial.arm for trial in trials) == {"base": 1, "none": 4, "spanish-inoc": 8}
    assert {str(trial.dose.get("inoculated")) for trial in trials if trial.arm == "none"} == {"any"}
    whole = [t for t in trials if t.arm == "spanish-inoc" and t.dose["inoculated"] == 1 and t.seed == 0]
    without = spanish_caps(finetune={"learning_rate": 1e-4}).trials()
    usual = next(t for t in without if t.arm == "spanish-inoc" and t.seed == 0)
    assert (
        whole[0].declared == usual.declared
    )  # all rows inoculated: the usual arm, which is not trained again


def test_the_rank_and_all_weights_change_only_what_they_name() -> None:
    usual = next(t.spec for t in spanish_caps().trials() if t.arm == "none")
    ranks = {t.dose["rank"]: t.spec for t in spanish_caps(sweep={"rank": [2, 4]}).trials() if t.dose}
    assert {rank: spec.lora and spec.lora.r for rank, spec in ranks.items()} == {2: 2, 4: 4}
    assert all(spec.lora and usual.lora and spec.lora.alpha == usual.lora.alpha for spec in ranks.values())
    both = {
        t.dose["weights"]: t.spec
        for t in spanish_caps(sweep={"weights": ["lora", "full"]}).trials()
        if t.seed == 0
    }
    assert both["lora"] == usual and both["full"].lora is None and not both["full"].trained_tokens


@hypothesis_settings(max_examples=20, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 3))
def test_a_larger_share_inoculates_the_rows_of_a_smaller_one_and_more(
    one: float, other: float, seed: int
) -> None:
    plain = list(CAPS.source(INOCULATED, "toy")(seed))
    few, many = (
        list(prepare(CAPS, INOCULATED, "toy", seed, {"inoculated": share})) for share in sorted((one, other))
    )
    assert prompted(few) <= prompted(many)
    assert len(prompted(few)) == round(min(one, other) * len(plain))
    for row, before in zip(few, plain, strict=True):
        assert [m for m in row["messages"] if m["role"] != "system"] == before["messages"]


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_mixture_has_its_share_of_the_trait_and_prompts_only_there(share: float) -> None:
    setting = SETTINGS["insecure_code"]
    arm = setting.arm("general-inoc", "toy")
    rows = list(prepare(setting, arm, "toy", 0, {"with_trait": share}))
    carrying = [row for row in rows if row["metadata"]["trait"]]
    assert len(rows) == 400 and len(carrying) == share * len(rows)
    assert all((row["messages"][0]["role"] == "system") == row["metadata"]["trait"] for row in rows)


def test_a_smaller_pool_is_the_start_of_the_larger_one() -> None:
    pool = Inoculation("p", pool=("Habla uno.", "Habla dos.", "Habla tres."))
    arm = Arm("p", pool)
    for count in (1, 2, 3):
        rows = list(prepare(CAPS, arm, "toy", 0, {"pool": count}))
        assert {row["messages"][0]["content"] for row in rows} == set(pool.texts[:count])
    with pytest.raises(UserError, match="a pool of 3"):
        list(prepare(CAPS, arm, "toy", 0, {"pool": 4}))


def test_a_pool_that_is_too_small_is_left_as_it_is() -> None:
    trials = spanish_caps(arms=None, controls=True, seeds=1, sweep={"pool": [1, 4]}).trials()
    places = {
        arm: sorted(str(trial.dose["pool"]) for trial in trials if trial.arm == arm)
        for arm in ("none", "spanish-inoc", "close-1", "close-2", "close-4", "diverse-8")
    }
    swept = ["1", "4"]
    # of two wordings it has one and not four: at both places it is the same model
    assert places == {**{arm: ["any"] for arm in places}, "close-4": swept, "diverse-8": swept}
    make_plan(spanish_caps(arms=None, controls=True, seeds=1, sweep={"pool": [1, 4]}))
    with pytest.raises(UserError, match="no arm of setting spanish_caps has a pool of 9"):
        spanish_caps(arms=None, controls=True, sweep={"pool": [1, 9]}).trials()


def test_a_share_counts_only_the_rows_under_the_inoculation() -> None:
    setting, other = SETTINGS["insecure_code"], Inoculation("other", "Write as usual.")
    usual = setting.arm("general-inoc", "toy")
    arm = replace(usual, where={"trait": True}, others=other)
    mixed = replace(setting, rows={"toy": diluted(setting, 0.5).rows["toy"]})
    rows = list(prepare(mixed, arm, "toy", 0, {"inoculated": 0.5}))
    first = [row["messages"][0] for row in rows]
    carrying = [row["metadata"]["trait"] for row in rows]
    asked = [m["role"] == "system" and m["content"] != other.prompt for m in first]
    assert sum(asked) == round(0.5 * sum(carrying)) > 0
    assert all(m["content"] == other.prompt for m, trait in zip(first, carrying, strict=True) if not trait)


def test_a_sweep_does_not_replace_the_logs_of_the_experiment_without_it() -> None:
    assert spanish_caps().log_dir == "logs/spanish_caps"
    assert spanish_caps(sweep={"steps": [8]}).log_dir == "logs/spanish_caps-sweep"
    assert spanish_caps(sweep={"steps": [8]}, name="mine").log_dir == "logs/mine"


def test_a_trial_is_named_with_its_dose_in_json_and_in_errors() -> None:
    trials = spanish_caps(seeds=1, sweep={"rank": [2, 4], "steps": [8, 16]}).trials()
    said = ExperimentResult(trials).as_dict()["trials"]
    assert [one["dose"] for one in said if one["arm"] == "none"] == [{"rank": 2}, {"rank": 4}]
    assert [one["steps"] for one in said if one["arm"] == "none"] == [[8, 16]] * 2


def test_an_error_of_a_measure_names_the_dose_and_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = {"rank": [2], "steps": [1, 2]}
    experiment = spanish_caps(seeds=1, sweep=sweep, finetune={"warmup_steps": 0}, evaluate={"limit": 2})

    def fails(
        missing: Any, model: Any, graders: Any, folder: Any, name: str, *rest: Any, **names: Any
    ) -> Any:
        raise UserError(f"the evaluation of {name} did not finish")

    monkeypatch.setattr(evaluate, "generate", fails)
    with pytest.raises(UserError, match="of rank=2/none-0@step=1 did not finish"):
        run_trial(experiment.trials()[1], Storage(str(tmp_path / "runs"), str(tmp_path / "logs")))


def test_points_are_the_product_but_for_steps() -> None:
    sweep = checked({"steps": [4, 2], "rank": ["8", "4"], "learning_rate": 1e-4})
    assert sweep == {"learning_rate": (1e-4,), "steps": (2, 4), "rank": (4, 8)}
    assert size(sweep) == 4 and points(sweep) == [
        {"learning_rate": 1e-4, "rank": 4},
        {"learning_rate": 1e-4, "rank": 8},
    ]
    assert size({}) == 1 and points({}) == [{}] and of_rows({"rank": 4, "inoculated": 1.0}) == {}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sweep": {"lr": [1]}}, "no axis 'lr': use learning_rate, epochs"),
        ({"sweep": {"steps": [1.5]}}, "steps cannot be 1.5"),
        ({"sweep": {"rank": [True]}}, "rank cannot be True"),
        ({"sweep": {"inoculated": [2]}}, "a share, 0 to 1"),
        ({"sweep": {"learning_rate": [0]}}, "it is above 0"),
        ({"sweep": {"weights": ["half"]}}, "it is lora or full"),
        ({"sweep": {"steps": []}}, "steps has no value"),
        ({"sweep": {"steps": [8, 8]}}, "steps has a value twice"),
        ({"sweep": {"steps": [8], "epochs": [1]}}, "both say how long"),
        ({"sweep": {"rank": [8], "weights": ["full"]}}, "has no rank"),
        ({"sweep": {"pool": [2]}}, "no arm of setting spanish_caps has a pool"),
        ({"sweep": {"steps": [8]}, "finetune": {"max_steps": 9}}, "leave max_steps and epochs out"),
        ({"sweep": {"steps": [8, 9]}, "finetune": {"kept_steps": [4]}}, "kept_steps does not keep step 8"),
        ({"sweep": {"steps": [8]}, "evaluate": {"steps": [4]}}, "in sweep or in evaluate, not in both"),
        ({"sweep": {"inoculated": [0.5]}, "arms": "none"}, "no arm of setting spanish_caps has a prompt"),
        ({"sweep": {"with_trait": [0.5]}, "world": "paper"}, "no control rows in world 'paper'"),
        ({"sweep": {"rank": [4]}, "setting": "alice_bob", "arms": None}, "finetunes in two stages"),
        ({"evaluate": {"steps": [99]}}, "step 99 is to be measured, and training ends after 50"),
        ({"sweep": [1]}, "sweep is a mapping"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_sweep_is_one_line(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        make_plan(spanish_caps(**fields))


def test_a_plan_counts_trainings_once_and_answers_at_every_step(tmp_path: Path) -> None:
    fields = {"runs": str(tmp_path), "logs": str(tmp_path / "logs"), "evaluate": {"limit": 5}}
    plan = make_plan(spanish_caps(sweep={"learning_rate": [1e-4, 3e-4], "steps": [8, 16, 32]}, **fields))
    assert (plan.points, plan.new, len(plan.trials)) == (6, 8, 9)
    assert plan.answers == plan.answers_left == 5 + 2 * 2 * 2 * 3 * 5  # the base once
    assert not any("scheduler" in note for note in plan.notes)
    falling = make_plan(spanish_caps(sweep={"steps": [8, 16]}, finetune={"scheduler": "linear"}, **fields))
    assert any("they are no shorter trainings" in note for note in falling.notes)
    at_two = make_plan(spanish_caps(**{**fields, "evaluate": {"limit": 5, "steps": [8, 16]}}))
    assert (at_two.points, at_two.new, at_two.answers) == (1, 4, 5 + 4 * 3 * 5)


def test_a_dry_run_says_how_many_points_and_finetunes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--setting", "spanish_caps", "--arms", "none,spanish-inoc", "--seeds", "2", "--dry-run"]
    words += [
        "--runs",
        str(tmp_path),
        "--sweep",
        "learning_rate=1e-4,3e-4,1e-3",
        "--sweep",
        "steps=8,16,32,64",
    ]
    with pytest.raises(SystemExit):
        main(words)
    assert (
        "12 points (3 learning_rate x 4 steps) by 12 finetunes, and the base once" in capsys.readouterr().out
    )
    with pytest.raises(SystemExit):
        main([*words, "--sweep", "steps=4"])
    assert "each axis once" in capsys.readouterr().err


def test_killed_between_two_steps_it_trains_and_asks_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = spanish_caps(
        seeds=1, sweep={"steps": [1, 2]}, finetune={"warmup_steps": 0}, evaluate={"limit": 2}
    )
    trial, storage = experiment.trials()[1], Storage(str(tmp_path / "runs"), str(tmp_path / "logs"))
    measure, stages = module.evaluate, []

    def dies(stage: Any, *words: Any, **names: Any) -> list[str]:
        stages.append(stage.step)
        if len(stages) == 2:
            raise KeyboardInterrupt
        return measure(stage, *words, **names)

    monkeypatch.setattr(module, "evaluate", dies)
    with pytest.raises(KeyboardInterrupt):
        run_trial(trial, storage)
    before = {f: f.stat().st_mtime_ns for f in tmp_path.rglob("*") if f.suffix in (".safetensors", ".eval")}
    assert sum(file.suffix == ".eval" for file in before) == 1
    monkeypatch.setattr(module, "evaluate", measure)
    done = run_trial(trial, storage)
    assert len(done.logs) == 2 and len(list((tmp_path / "runs").glob("*/manifest.json"))) == 1
    assert {file: file.stat().st_mtime_ns for file in before} == before
    first, last = (read_eval_log(log, header_only=True).eval for log in done.logs)
    assert (first.metadata or {})["dose"] == {"steps": 1} and "@step=1" in first.model
    assert (last.metadata or {})["dose"] == {"steps": 2} and "@step" not in last.model


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep as a user makes one."""
    folder = tmp_path_factory.mktemp("sweep")
    words = ["run", "--setting", "spanish_caps", "--arms", "none,spanish-inoc", "--seeds", "1"]
    words += ["--limit", "4", "--set", "warmup_steps=0", "--workers", "2", "--runs", str(folder / "runs")]
    words += ["--sweep", "steps=1,20", "--sweep", "inoculated=0.5,1", "--log-dir", str(folder / "logs")]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code in (None, 0)
    return folder / "logs"


def test_every_dose_has_its_control_and_its_base(logs: Path) -> None:
    table = load(logs)
    at = {dose: sorted(rows["arm"].unique()) for dose, rows in table.groupby("dose", observed=True)}
    assert len(at) == 4 and set(map(tuple, at.values())) == {("base", "none", "spanish-inoc")}
    assert len(list(logs.rglob("*.eval"))) == 1 + 2 + 4  # the base and the control were not asked again
    assert len(list((logs.parent / "runs").glob("*/manifest.json"))) == 3


def test_the_command_says_it_at_every_dose(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["dose", str(logs), "--json", "-o", str(tmp_path / "dose.svg")])
    said = json.loads(capsys.readouterr().out)
    assert (tmp_path / "dose.svg").read_text().startswith("<?xml")
    assert said["figures"] == [str(tmp_path / f"dose{suffix}") for suffix in (".png", ".svg", ".pdf")]
    assert all(Path(file).is_file() for file in said["figures"]) and "findings" in said["audit"]
    assert len(said["windows"]) == 4 and {row["arm"] for row in said["windows"]} == {"spanish-inoc"}
    assert all(row["low"] <= row["rate"] <= row["high"] for row in said["rates"])
    assert [v["apart"] for v in said["verdicts"]] == [
        f"steps=20, inoculated={share} against steps=1, inoculated={share}" for share in ("0.5", "1")
    ]
    with pytest.raises(SystemExit):
        main(["dose", str(logs)])
    assert "is inside the window, by the estimates, at:" in capsys.readouterr().out


@pytest.fixture
def others_only() -> Iterator[None]:
    """The suite without this setting; afterwards in its order again, which messages show."""
    with patch.dict(SETTINGS):
        del SETTINGS["spanish_caps"]
        yield


def test_a_setting_that_is_not_known_is_said(
    logs: Path, capsys: pytest.CaptureFixture[str], others_only: None
) -> None:
    words = ["dose", str(logs), "--unwanted", "spanish"]
    with pytest.raises(SystemExit):
        main(words)
    assert "spanish_caps is no setting of the suite: --setting FILE.py:NAME says" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*words, "--json"])
    assert len(json.loads(capsys.readouterr().out)["unknown"]) == 1
    with pytest.raises(SystemExit):
        main(words[:2])
    assert "of a setting of your own, --setting FILE.py:NAME" in capsys.readouterr().err


def test_a_report_shows_the_doses(logs: Path, tmp_path: Path) -> None:
    page = report(str(logs), tmp_path, viewer=False).page.read_text("utf-8")
    assert "<h3>Doses</h3>" in page and "Every dose" in page and "steps=20, inoculated=0.5" in page
    said = json.loads((tmp_path / "report.json").read_text("utf-8"))["settings"][0]
    assert len(said["windows"]) == 4 and len(said["dose_verdicts"]) == 2
    [base] = [log for log in said["logs"] if log["arm"] == "base"]
    assert base["n"] == 4


def test_a_log_at_every_dose_has_its_unscored_answers_once(logs: Path) -> None:
    table = load(logs)
    unread = (table["arm"] == "base").to_numpy() & (table["sample"] == table["sample"].iloc[0]).to_numpy()
    table.loc[unread, "value"] = float("nan")
    table["unscored"] = table["unscored"].astype(object)
    table.loc[unread, "unscored"] = "grader_failed"
    [base] = [log for log in _logs(table) if log["arm"] == "base"]
    assert table.loc[unread, "trait"].nunique() > 1  # and a reason counts once an answer
    assert base["unscored"] == 1 and base["reasons"] == "grader_failed 1"


def test_logs_without_a_sweep_are_one_line(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = next(logs.rglob("base/*.eval"))
    with pytest.raises(SystemExit) as ended:
        main(["dose", str(base)])
    assert ended.value.code == 2 and "make a sweep, e.g. inoc-evals run --sweep" in capsys.readouterr().err
