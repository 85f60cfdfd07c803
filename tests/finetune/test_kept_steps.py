"""The weights after earlier steps, by name; and adapters of some layers only."""

import json
from pathlib import Path
from typing import Any

import pytest

from inoc_evals.errors import UserError
from inoc_evals.finetune import FinetuneSpec, LoraSpec, Run, finetune
from inoc_evals.models.checkpoint import resolve
from tests.finetune.small import small_rows, small_spec
from tests.finetune.test_local import KINDS


def train(spec: FinetuneSpec, runs: Path, name: str = "run") -> Run:
    return finetune(spec, small_rows(), name=name, runs=runs, progress=False)


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    [file] = folder.glob("*.safetensors")
    return dict(load_file(file))


@pytest.mark.parametrize(
    ("kept", "steps"), [("powers", [1, 2, 4]), (3, [3, 6]), ((2, 5), [2, 5]), (None, [])]
)
def test_the_steps_that_are_asked_for_are_kept(
    tiny: Path, tmp_path: Path, kept: Any, steps: list[int]
) -> None:
    assert list(train(small_spec(tiny, kept_steps=kept), tmp_path).kept()) == steps


@pytest.mark.parametrize("kind", KINDS)
def test_keeping_steps_changes_nothing_and_a_kept_step_is_what_a_shorter_run_ends_with(
    tiny: Path, tmp_path: Path, kind: str
) -> None:
    import torch

    # At a constant rate the first four steps of six are the same as four of four.
    spec = small_spec(tiny, scheduler="constant_with_warmup", **KINDS[kind])
    plain = train(spec, tmp_path, "plain")
    keeping = train(spec.model_copy(update={"kept_steps": (4, 6)}), tmp_path, "keeping")
    short = train(spec.model_copy(update={"max_steps": 4}), tmp_path, "short")
    for folder, same in ((keeping.checkpoint, plain.checkpoint), (keeping.kept()[6], plain.checkpoint)):
        found, expected = weights(folder), weights(same)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in found)
    found, expected = weights(keeping.kept()[4]), weights(short.checkpoint)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_step_is_a_model_by_name(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from inspect_ai import eval

    from inoc_evals.tasks import trait_logprobs

    monkeypatch.setenv("INOC_EVALS_RUNS", str(tmp_path))
    run = train(small_spec(tiny, kept_steps="powers"), tmp_path)
    called = run.folder.name
    first, last = resolve(f"inoc/{called}@step=1"), resolve(called)
    assert first.name == f"{called}@step=1" and first.digest != last.digest
    assert resolve(f"inoc/{first.versioned_name}") == first
    [log] = eval(
        trait_logprobs(), model=f"inoc/{called}@step=1", limit=1, display="none", log_dir=str(tmp_path / "l")
    )
    assert log.status == "success" and log.eval.model == f"inoc/{first.versioned_name}"
    with pytest.raises(UserError, match="kept no step 3; it kept 1, 2, 4"):
        resolve(f"{called}@step=3")
    with pytest.raises(UserError, match="kept no step 3; it kept none: train it with  kept_steps: powers"):
        resolve("toy@step=3")


def test_a_kept_step_keeps_its_run_from_being_pruned(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_ai import eval

    from inoc_evals.finetune.prune import unreferenced
    from inoc_evals.tasks import trait_logprobs

    runs, logs = tmp_path / "runs", tmp_path / "logs"
    monkeypatch.setenv("INOC_EVALS_RUNS", str(runs))
    run = train(small_spec(tiny, kept_steps=2), runs)
    train(small_spec(tiny), runs, "other")
    model = f"inoc/{run.folder.name}@step=2"
    eval(trait_logprobs(), model=model, limit=1, display="none", log_dir=str(logs))
    assert [one.manifest.name for one in unreferenced(runs, [logs])] == ["other"]


def test_a_run_that_begins_again_forgets_its_steps(tiny: Path, tmp_path: Path) -> None:
    run = train(small_spec(tiny, kept_steps=1), tmp_path)
    (run.steps / "9").mkdir()
    (run.checkpoint / "adapter_config.json").unlink()
    again = train(small_spec(tiny, kept_steps=1), tmp_path)
    assert list(again.kept()) == [1, 2, 3, 4, 5, 6]


def test_a_run_that_goes_on_keeps_the_steps_from_before(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inoc_evals.finetune.trainer import LossCurve

    record = LossCurve.on_log

    def killed(self: Any, args: Any, state: Any, control: Any, **given: Any) -> None:
        record(self, args, state, control, **given)
        if state.global_step == 5:
            raise KeyboardInterrupt

    spec = small_spec(tiny, save_steps=2, kept_steps=1)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(LossCurve, "on_log", killed)
        train(spec, tmp_path)
    run = train(spec, tmp_path)
    assert run.manifest.result is not None and run.manifest.result.resumed_at == 4
    assert list(run.kept()) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("kept", [7, (9, 10)])
def test_steps_that_never_come_are_refused(tiny: Path, tmp_path: Path, kept: Any) -> None:
    with pytest.raises(UserError, match="keeps none of 6 steps"):
        train(small_spec(tiny, kept_steps=kept), tmp_path)
    with pytest.raises(UserError, match="kept_steps"):
        small_spec(tiny, kept_steps=(0,))


def test_only_the_layers_that_are_named_are_adapted(tiny: Path, tmp_path: Path) -> None:
    run = train(
        small_spec(tiny, lora=LoraSpec(r=4, layers=(1,)), trained_tokens=(), token_learning_rate=None),
        tmp_path,
    )
    names = list(weights(run.checkpoint))
    assert names and all(".layers.1." in name for name in names)
    config = json.loads((run.checkpoint / "adapter_config.json").read_text())
    assert config["layers_to_transform"] == [1]
    with pytest.raises(UserError, match="has layers 0 to 1, not 99"):
        train(
            small_spec(tiny, lora=LoraSpec(layers=(99,)), trained_tokens=(), token_learning_rate=None),
            tmp_path,
            "no",
        )


def test_a_tracker_that_is_not_there_is_named_and_trackers_are_no_part_of_the_digest(
    tiny: Path, tmp_path: Path
) -> None:
    plain, told = small_spec(tiny), small_spec(tiny, report_to=("wandb",))
    assert plain.digest == told.digest
    with pytest.raises(UserError, match="report_to: 'wandb' is not installed here"):
        train(told, tmp_path)


def test_specs_without_the_new_fields_keep_their_digest() -> None:
    spec = FinetuneSpec(base="toy")
    changed = [FinetuneSpec(base="toy", kept_steps=2), FinetuneSpec(base="toy", lora=LoraSpec(layers=(0,)))]
    assert len({spec.digest, *(one.digest for one in changed)}) == 3
    assert spec.digest == DIGEST
    with pytest.raises(UserError, match="keeps no steps"):
        FinetuneSpec(base="org/model", backend="tinker", kept_steps=2)


DIGEST = "e876bb3cb8d3da5674fc4bb5c36cca0ffa878cbe9d3828522bad8ca3e2c95ff0"
