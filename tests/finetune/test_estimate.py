"""What a finetune will take, said before it starts."""

import json
from pathlib import Path

import pytest
import torch

from inoc_evals import toy_spec
from inoc_evals.chat.rows import write_chat
from inoc_evals.cli import main
from inoc_evals.errors import UserError
from inoc_evals.finetune import FinetuneSpec, finetune
from inoc_evals.finetune.estimate import estimate
from inoc_evals.worlds.toy import rows as toy

ROWS = list(toy.spanish_caps(0))[:64]


@pytest.mark.alone
def test_counts_are_those_of_the_training(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    spec = toy_spec(0, max_steps=None, epochs=2.0, batch_size=8)
    found = estimate(spec, ROWS)
    trained = [finetune(spec, ROWS, name=name, runs=tmp_path, progress=False) for name in ("a", "b", "c")]
    # The quickest of three: other work on the machine slows the rest.
    run = min(trained, key=lambda one: one.manifest.result.seconds)
    result = run.manifest.result
    assert result is not None and found.steps == result.steps == 16
    weights = load_file(run.checkpoint / "adapter_model.safetensors")
    assert found.trained == sum(tensor.numel() for tensor in weights.values())
    assert found.fits and not found.advice and not found.checkpointing
    # An estimate: of the right order, no more (docs/finetune.md).
    assert result.seconds is not None and 0.1 < found.seconds / result.seconds < 10


def test_more_of_everything_takes_more() -> None:
    small = estimate(toy_spec(0), ROWS)
    assert estimate(toy_spec(0, batch_size=64), ROWS).bytes > small.bytes
    assert estimate(toy_spec(0, lora={"r": 64}), ROWS).trained > small.trained
    assert estimate(toy_spec(0, max_steps=500), ROWS).seconds > 3 * small.seconds
    assert estimate(toy_spec(0, lora=None, trained_tokens=(), token_learning_rate=None), ROWS).trained == (
        small.parameters
    )
    packed = estimate(toy_spec(0, max_steps=None, epochs=1.0, batch_size=1, packing=True), ROWS)
    assert packed.steps < len(ROWS)


def test_what_does_not_fit_is_said(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch) -> None:
    import psutil

    write_chat(tmp_path / "rows.jsonl", ROWS)
    words = ["finetune", str(tmp_path / "rows.jsonl"), "--base", "toy", "--runs", str(tmp_path / "runs")]
    with pytest.raises(SystemExit):
        main([*words, "--dry-run", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["fits"] and found["tokens"] > 0 and not (tmp_path / "runs").exists()
    tiny = type("Memory", (), {"available": 2**20})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: tiny)
    with pytest.raises(SystemExit):
        main([*words, "--dry-run"])
    assert "may not fit: lower max_length" in capsys.readouterr().err
    with pytest.raises(UserError, match="needs backend local"):
        estimate(FinetuneSpec(base="gpt-4.1", backend="openai"), ROWS)


def test_out_of_memory_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from inoc_evals.finetune.trainer import TokenRateTrainer

    def no_memory(*args: object, **kwargs: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB")

    monkeypatch.setattr(TokenRateTrainer, "training_step", no_memory)
    with pytest.raises(UserError, match="out of memory: lower max_length, or lower batch_size") as caught:
        finetune(toy_spec(0), ROWS, name="one", runs=tmp_path, progress=False)
    assert "\n" not in str(caught.value)
