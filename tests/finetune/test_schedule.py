"""A schedule that would train nothing is no finetune, and one that hardly trains says so."""

import json
from pathlib import Path

import pytest

from inoc_evals import toy_spec
from inoc_evals.chat.rows import write_chat
from inoc_evals.cli import main
from inoc_evals.errors import UserError
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.plan import make_plan
from inoc_evals.finetune import FinetuneSpec, finetune
from inoc_evals.finetune.schedule import steps
from tests.finetune.small import small_rows, small_spec

NOTHING = (
    r"1 step under 5 warm-up steps would train nothing, .*: set warmup_steps to 0, or train on more rows"
)


def small(tiny: Path, **changes: object) -> FinetuneSpec:
    return small_spec(tiny, **{"max_steps": None, "epochs": 1.0, "warmup_steps": 5, **changes})


def test_rows_of_one_step_are_not_trained_under_a_warm_up(tiny: Path, tmp_path: Path) -> None:
    rows = small_rows(8)
    with pytest.raises(UserError, match=NOTHING) as caught:
        finetune(small(tiny), rows, name="x", runs=tmp_path, progress=False)
    assert "\n" not in caught.value.message and not list(tmp_path.glob("*/manifest.json"))
    for trains in ({"warmup_steps": 0}, {"scheduler": "constant"}, {"epochs": 2.0}):
        run = finetune(small(tiny, **trains), rows, name="x", runs=tmp_path, progress=False)
        assert max(json.loads(line)["lr"] for line in run.losses.read_text("utf-8").splitlines()) > 0


def test_rows_that_packing_makes_one_step_of(tiny: Path, tmp_path: Path) -> None:
    spec = small(tiny, packing=True, max_length=512)
    with pytest.raises(UserError, match=NOTHING):
        finetune(spec, small_rows(24), name="x", runs=tmp_path, progress=False)


@pytest.mark.parametrize("epochs", [0.5, 1.0, 1.5, 2.0])
def test_steps_are_those_that_are_trained(tiny: Path, tmp_path: Path, epochs: float) -> None:
    spec = small(tiny, epochs=epochs, batch_size=4, gradient_accumulation=2)
    run = finetune(spec, small_rows(27), name="x", runs=tmp_path, progress=False)
    assert run.manifest.result.steps == steps(spec, 27)


def test_the_command_line_says_so_before_and_after(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_chat(tmp_path / "rows.jsonl", small_rows(8))
    words = ["finetune", str(tmp_path / "rows.jsonl"), "--base", str(tiny), "--runs", str(tmp_path / "runs")]
    words += ["--batch-size", "8", "--gradient-accumulation", "1"]

    def go(*more: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main([*words, *more])
        return int(ended.value.code or 0), capsys.readouterr().err

    for more in ((), ("--dry-run",)):
        status, said = go(*more)
        assert status == 2 and "would train nothing" in said and "Traceback" not in said
    hardly = "3 steps under 5 warm-up steps: the learning rate gets to 4.0e-06, not to 1.0e-05"
    for more in ((), ("--dry-run",)):
        status, said = go("--epochs", "3", *more)
        assert status == 0 and hardly in said
    assert go("--epochs", "3", "--warmup-steps", "1", "--dry-run") == (0, "")


def test_a_plan_refuses_it_for_every_arm(tmp_path: Path) -> None:
    def plan(**changes: object) -> list[str]:
        where = {"runs": str(tmp_path / "runs"), "logs": str(tmp_path / "logs")}
        return make_plan(
            Experiment(settings=("spanish_caps",), world="toy", seeds=(0,), finetune=changes, **where)
        ).notes

    with pytest.raises(UserError, match=f"arm none: {NOTHING}"):
        plan(max_steps=1, warmup_steps=5)
    assert any(
        "arm none: 3 steps under 5 warm-up steps" in note for note in plan(max_steps=3, warmup_steps=5)
    )
    assert not any("warm-up" in note for note in plan())
    assert toy_spec().warmup_steps < (toy_spec().max_steps or 0)
