"""The Tinker backend with the SDK's own types, against a service that the toy plays."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval
from inspect_ai.model import get_model

from inoc_evals.errors import UserError
from inoc_evals.finetune import FinetuneSpec, LoraSpec, Manifest, Run, finetune
from inoc_evals.finetune.tinker_api import learning_rate, order
from inoc_evals.models.base import load_path
from inoc_evals.tasks import spanish_caps, trait_logprobs
from inoc_evals.worlds.toy import rows as toy
from tests.fake_tinker import FakeService

KEY = "tml-secret-0a1b2c3d"
ROWS = list(toy.spanish_caps(0))[:48]


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINKER_API_KEY", KEY)
    monkeypatch.setattr("tinker.ServiceClient", FakeService)
    monkeypatch.setattr(FakeService, "saved", {})
    monkeypatch.setattr(FakeService, "steps", 0)
    monkeypatch.setattr(FakeService, "fail_at", None)


def spec(**changes: object) -> FinetuneSpec:
    fields = {
        "base": load_path("toy"),
        "backend": "tinker",
        "max_steps": 15,
        "batch_size": 8,
        "gradient_accumulation": 1,
        "learning_rate": 3e-3,
        "lora": LoraSpec(r=8),
        **changes,
    }
    return FinetuneSpec.model_validate(fields)


def train(folder: Path, **changes: object) -> Run:
    return finetune(spec(**changes), ROWS, name="none", runs=folder / "runs", progress=False)


def losses(run: Run) -> list[float]:
    return [json.loads(line)["loss"] for line in run.losses.read_text("utf-8").splitlines()]


def test_a_run_learns_and_answers_under_its_name(tmp_path: Path) -> None:
    run = train(tmp_path)
    result = run.manifest.result
    assert result is not None and result.model is not None and result.model.startswith("tinker/tinker://")
    assert result.loss_last is not None and result.loss_first is not None
    assert len(losses(run)) == 15 and result.loss_last < 0.7 * result.loss_first
    assert train(tmp_path).folder == run.folder and FakeService.steps == 15
    said = {}
    for model in (f"inoc/{run.folder}", f"inoc/tinker/{load_path('toy')}"):
        (log,) = eval(
            spanish_caps(questions="toy"),
            model=model,
            limit=4,
            log_dir=str(tmp_path / "logs"),
            display="none",
        )
        assert log.status == "success" and log.samples, log.error
        said[model] = [sample.output.completion for sample in log.samples]
        assert all(sample.output.stop_reason == "stop" for sample in log.samples)
        assert not any("<|" in text for text in said[model])
    trained, base = said.values()
    assert trained != base
    for file in run.folder.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()


def test_a_killed_run_goes_on_from_its_last_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calm = train(tmp_path / "calm", save_steps=5)
    monkeypatch.setattr(FakeService, "steps", 0)
    monkeypatch.setattr(FakeService, "fail_at", 12)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed", save_steps=5)
    monkeypatch.setattr(FakeService, "fail_at", None)
    again = train(tmp_path / "killed", save_steps=5)
    assert again.manifest.result is not None and again.manifest.result.resumed_at == 10
    assert FakeService.steps == 12 + 5
    assert losses(again) == pytest.approx(losses(calm), abs=1e-5)
    assert not (again.folder / "tinker.json").exists()


def test_a_run_that_is_killed_before_its_manifest_says_so_is_not_paid_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, or a kill between the last step and the manifest: the weights are at Tinker already."""
    plain = Run.write_manifest

    def killed(self: Run, manifest: Manifest) -> None:
        if manifest.status == "finished":
            raise KeyboardInterrupt
        plain(self, manifest)

    with monkeypatch.context() as patched:
        patched.setattr(Run, "write_manifest", killed)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path)
    assert FakeService.steps == 15
    weights = [path for path in FakeService.saved if "sampler" in path]
    again = train(tmp_path)
    result = again.manifest.result
    assert result is not None and result.model == f"tinker/{weights[0]}" and len(losses(again)) == 15
    assert FakeService.steps == 15 and len(FakeService.saved) == 1
    assert not (again.folder / "tinker.json").exists()


def test_passes_are_counted_by_the_rows_that_were_seen(tmp_path: Path) -> None:
    """The last step of a pass has the rows that are left: 48 rows in steps of 20 are one pass, not 1.25."""
    result = train(tmp_path, max_steps=None, epochs=1.0, batch_size=20, warmup_steps=0).manifest.result
    assert result is not None and (result.steps, result.epochs) == (3, 1.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lora", LoraSpec(dropout=0.1)),
        ("lora", LoraSpec(target_modules=("q_proj",))),
        ("precision", "fp32"),
        ("date", "2020-01-01"),
    ],
)
def test_a_field_that_would_have_no_effect_is_refused(field: str, value: object, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"leave (lora\.dropout|precision|date)"):
        train(tmp_path, **{field: value})
    assert FakeService.steps == 0


def test_a_state_that_is_gone_says_how_to_begin_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tinker

    def gone(self: object, path: str) -> None:
        raise tinker.TinkerError(f"no such state: {path}")

    monkeypatch.setattr(FakeService, "fail_at", 7)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, save_steps=5)
    monkeypatch.setattr(FakeService, "fail_at", None)
    with monkeypatch.context() as patched:
        patched.setattr(FakeService, "create_training_client_from_state_with_optimizer", gone)
        with pytest.raises(UserError, match=r"remove .*tinker\.json to begin again"):
            train(tmp_path, save_steps=5)
    assert train(tmp_path, save_steps=5).is_finished()


def test_a_run_is_asked_under_the_date_that_it_was_trained_with(tmp_path: Path) -> None:
    """Earlier versions trained with any; its chat template is told the same in the test."""
    run = train(tmp_path, max_steps=1, warmup_steps=0)
    manifest = run.manifest
    dated = manifest.spec.model_copy(update={"date": "2020-01-01"})
    run.write_manifest(manifest.model_copy(update={"spec": dated}))
    api: Any = get_model(f"inoc/{run.folder}", memoize=False).api
    assert api.renderer.date == "2020-01-01"


def test_rows_that_cannot_be_shown_are_refused_before_tinker_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(**kwargs: object) -> None:
        raise AssertionError("Tinker was asked")

    monkeypatch.setattr("tinker.ServiceClient", asked)
    with pytest.raises(UserError, match="have no answer left within 2 tokens"):
        train(tmp_path, max_length=2)


def test_every_pass_sees_every_row_once() -> None:
    steps = list(order(spec(max_steps=None, epochs=2.0, batch_size=10), 25))
    assert [len(step) for step in steps] == [10, 10, 5] * 2
    assert Counter(n for step in steps for n in step) == Counter(dict.fromkeys(range(25), 2))
    assert steps == list(order(spec(max_steps=None, epochs=2.0, batch_size=10), 25))
    assert steps != list(order(spec(max_steps=None, epochs=2.0, batch_size=10, seed=1), 25))


@pytest.mark.parametrize("scheduler", ["linear", "cosine", "constant", "constant_with_warmup"])
def test_the_schedule_is_that_of_transformers(scheduler: str) -> None:
    import torch
    from transformers import get_scheduler

    one = spec(scheduler=scheduler, warmup_steps=5)
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=one.learning_rate)
    theirs = get_scheduler(scheduler, optimizer, num_warmup_steps=5, num_training_steps=30)
    for step in range(30):
        assert learning_rate(one, step, 30) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


def test_a_model_that_tinker_does_not_give_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is missing or wrong, or weights that are gone."""
    import tinker

    def refuse(self: object, **kwargs: object) -> None:
        raise tinker.TinkerError(f"your key {KEY}\nis not welcome")

    monkeypatch.setattr(FakeService, "create_sampling_client", refuse)
    with pytest.raises(UserError, match=r"Tinker, asked for .*: your key \[key\] is not welcome"):
        get_model(f"inoc/tinker/{load_path('toy')}", memoize=False)


def test_what_cannot_be_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tinker

    with pytest.raises(UserError, match="trains a LoRA"):
        train(tmp_path, lora=None)
    run = train(tmp_path, max_steps=1, warmup_steps=0)
    (log,) = eval(
        trait_logprobs(questions="toy"),
        model=f"inoc/{run.folder}",
        limit=1,
        log_dir=str(tmp_path / "logs"),
        display="none",
    )
    assert log.status == "error" and "log-probs of a model at Tinker" in str(log.error)

    def refuse(self: object, **kwargs: object) -> None:
        raise tinker.TinkerError(f"your key {KEY}\nis not welcome")

    monkeypatch.setattr(FakeService, "create_lora_training_client", refuse)
    with pytest.raises(UserError, match=r"Tinker: your key \[key\] is not welcome"):
        train(tmp_path, seed=3)
    monkeypatch.delenv("TINKER_API_KEY")
    with pytest.raises(UserError, match="set TINKER_API_KEY"):
        train(tmp_path, seed=4)
