"""What training is said to take, from what it took: a fixed cost, one by token, and workers that share."""

import json
from pathlib import Path

import pytest

from inoc_evals import FinetuneSpec, toy_spec
from inoc_evals.cli import main
from inoc_evals.experiment.times import TrainingTimes, costs, wall
from inoc_evals.runs.directory import Manifest, Result


def trained(tokens: float, seconds: float, **more: object) -> Manifest:
    """The manifest of a finished run of the toy."""
    result = {"seconds": seconds, "loss_tokens": tokens, "epochs": 1.0, "checkpoint_digest": "0", **more}
    fields = {
        "name": "x",
        "status": "finished",
        "spec": toy_spec(0),
        "base": "toy",
        "backend": "local",
        "seed": 0,
    }
    fields |= dict.fromkeys(("spec_digest", "data_digest", "base_digest", "run_digest", "created"), "0")
    return Manifest.model_validate({**fields, "result": Result.model_validate(result)})


def test_a_fixed_cost_is_told_from_one_by_token() -> None:
    fixed, each = costs([(100, 5.1), (1_000, 6.0), (20_000, 25.0)])
    assert fixed == pytest.approx(5.0) and each == pytest.approx(0.001)


def test_two_tiny_runs_do_not_make_a_night_of_half_an_hour() -> None:
    """Two steps in 1.4 s, of which 0.7 before the first: by rows alone 14,000 tokens would take 36 s."""
    times = TrainingTimes([trained(546, 1.4), trained(546, 1.4)], "cpu")
    found = times.seconds(toy_spec(0), 14_000)
    assert found is not None and found < 0.6 * 14_000 * 1.4 / 546


@pytest.mark.parametrize(
    "points", [[(100, 9.0), (1_000, 3.0)], [(100, 1.0), (1_000, 20.0)], [(5, 0.1)], [(1, 1.0), (1, 2.0)]]
)
def test_no_cost_is_negative(points: list[tuple[float, float]]) -> None:
    assert min(costs(points)) >= 0 and sum(costs(points)) > 0


def test_a_training_on_another_device_counts_only_where_there_is_no_other() -> None:
    quick = [trained(1_000, 2.0, device="NVIDIA H200")] * 5
    both = TrainingTimes([*quick, trained(1_000, 101.0, device="cpu")], "cpu")
    assert both.seconds(toy_spec(0), 1_000) == pytest.approx(101.0) and both.elsewhere(toy_spec(0)) is None
    alone = TrainingTimes(quick, "cpu")
    assert alone.seconds(toy_spec(0), 1_000) == pytest.approx(2.0)
    assert alone.elsewhere(toy_spec(0)) == "NVIDIA H200"


def test_what_tells_nothing_is_left_out() -> None:
    times = TrainingTimes([trained(100, 9.0, resumed_at=3), trained(0, 9.0)], "cpu")
    assert times.seconds(toy_spec(0), 1.0) is None
    assert TrainingTimes([trained(100, 9.0)], "cpu").seconds(FinetuneSpec(base="other"), 1.0) is None


def test_workers_share_the_work() -> None:
    assert wall([3, 2, 1], 1) == 6 and wall([3, 2, 1], 2) == 3 and wall([3, 2, 1], 8) == 3


def test_a_plan_says_wall_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "--setting", "spanish_caps", "--seeds", "2", "--runs", str(tmp_path), "--dry-run"]
    with pytest.raises(SystemExit):
        main([*words, "--workers", "2", "--json"])
    plan = json.loads(capsys.readouterr().out)
    assert plan["training_seconds"] is None and plan["training_wall_seconds"] is None
    (tmp_path / "old-0123456789ab").mkdir()
    (tmp_path / "old-0123456789ab" / "manifest.json").write_text(trained(1_000, 10.0).model_dump_json())
    with pytest.raises(SystemExit):
        main([*words, "--workers", "2", "--json"])
    plan = json.loads(capsys.readouterr().out)
    assert plan["training_wall_seconds"] == pytest.approx(plan["training_seconds"] / 2)
    with pytest.raises(SystemExit):
        main([*words, "--workers", "2"])
    assert "of wall time" in capsys.readouterr().out
