"""What is trained, what comes out, and that plain PEFT and transformers read it alike."""

import json
from pathlib import Path
from typing import Any

import pytest

from inoc_evals.chat import NO_LOSS, Renderer, load_tokenizer, render_rows
from inoc_evals.errors import UserError
from inoc_evals.finetune import FinetuneSpec, LoraSpec, Run, find_run, finetune
from tests.finetune.small import small_rows, small_spec

HEADER = "<|assistant|>"


def _train(spec: FinetuneSpec, runs: Path, name: str = "run", rows: list[Any] | None = None) -> Run:
    return finetune(spec, small_rows() if rows is None else rows, name=name, runs=runs, progress=False)


def _base(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder)


def _adapted(base: Path, run: Run) -> Any:
    from peft import PeftModel

    return PeftModel.from_pretrained(_base(base), run.checkpoint)


def _loss(model: Any, base: Path) -> float:
    """Mean cross-entropy of the small rows' answers, in nats a token, without TRL and its loss."""
    import torch

    total, count = 0.0, 0
    for example in render_rows(Renderer(load_tokenizer(base)), small_rows(), 512):
        with torch.no_grad():
            logits = model(torch.tensor([example.input_ids])).logits[0, :-1]
        labels = torch.tensor(example.labels[1:])
        total += torch.nn.functional.cross_entropy(
            logits, labels, ignore_index=NO_LOSS, reduction="sum"
        ).item()
        count += example.loss_tokens
    return total / count


def _weights(run: Run) -> dict[str, Any]:
    from safetensors.torch import load_file

    [file] = run.checkpoint.glob("*.safetensors")
    return dict(load_file(file))


def _curve(run: Run) -> list[float]:
    return [json.loads(line)["loss"] for line in run.losses.read_text().splitlines()]


KINDS: dict[str, dict[str, Any]] = {
    "lora": {"trained_tokens": (), "token_learning_rate": None},
    "lora and token": {},
    "token": {"lora": None},
    "all weights": {"lora": None, "trained_tokens": (), "token_learning_rate": None, "learning_rate": 1e-3},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_saved_checkpoint_has_the_loss_that_training_saw(tiny: Path, tmp_path: Path, kind: str) -> None:
    """With all rows in a batch and a constant rate, step n + 1 starts from what n steps save.

    That plain transformers and PEFT give the same loss for it shows at once that the loss lay on the
    answers alone, that embeddings are tied in training as they are after loading, and that nothing is lost
    in saving.
    """
    whole = {"batch_size": 24, "scheduler": "constant", "warmup_steps": 0, **KINDS[kind]}
    short = _train(small_spec(tiny, max_steps=3, **whole), tmp_path)
    longer = _train(small_spec(tiny, max_steps=4, **whole), tmp_path, "longer")
    model = _base(short.checkpoint) if kind == "all weights" else _adapted(tiny, short)
    after_three = _curve(longer)[3]
    assert _loss(model, tiny) == pytest.approx(after_three, abs=1e-4)
    assert _curve(short) == _curve(longer)[:3]
    assert after_three < _curve(short)[0] - 0.01  # and it did learn


def test_accumulated_batches_are_one_step(tiny: Path, tmp_path: Path) -> None:
    """Every token weighs the same, whichever batch of the step it is in."""
    steady = {"scheduler": "constant", "warmup_steps": 0, "max_steps": 3}
    whole = _train(small_spec(tiny, batch_size=24, **steady), tmp_path, "whole")
    parts = _train(small_spec(tiny, batch_size=5, gradient_accumulation=5, **steady), tmp_path, "parts")
    assert _curve(parts) == pytest.approx(_curve(whole), abs=1e-4)


def test_an_adapter_is_small_and_holds_no_embedding_matrix(tiny: Path, tmp_path: Path) -> None:
    both = _train(small_spec(tiny), tmp_path, "both")
    token = _train(small_spec(tiny, lora=None), tmp_path, "token")
    vocabulary, width = _base(tiny).get_input_embeddings().weight.shape
    [trained] = [w for name, w in _weights(token).items()]
    assert trained.shape == (1, width)
    assert all(vocabulary not in weight.shape for weight in _weights(both).values())
    assert sum(file.stat().st_size for file in token.checkpoint.iterdir()) < 2000
    assert {file.name for file in both.checkpoint.iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }


def test_merging_an_adapter_changes_no_logit(tiny: Path, tmp_path: Path) -> None:
    import torch

    model = _adapted(tiny, _train(small_spec(tiny), tmp_path))
    ids = torch.arange(1, 60)[None]
    with torch.no_grad():
        before = model(ids).logits
        assert (before - _base(tiny)(ids).logits).abs().max() > 1e-3
        assert torch.allclose(model.merge_and_unload()(ids).logits, before, atol=1e-4)


def test_the_same_spec_gives_the_same_bytes_and_another_seed_does_not(tiny: Path, tmp_path: Path) -> None:
    dropout = {"lora": LoraSpec(r=4, dropout=0.1), "epochs": 1.5, "max_steps": None}
    runs = [
        _train(small_spec(tiny, seed=seed, **dropout), tmp_path, name)
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    ]
    digests = [run.manifest.result.checkpoint_digest for run in runs if run.manifest.result]
    assert digests[0] == digests[1] != digests[2]
    files = [(run.checkpoint / "adapter_model.safetensors").read_bytes() for run in runs]
    assert files[0] == files[1] != files[2]
    assert runs[0].manifest.result and runs[0].manifest.result.epochs == pytest.approx(1.5, abs=0.2)


def test_the_trained_token_has_a_learning_rate_of_its_own(tiny: Path, tmp_path: Path) -> None:
    """Adam's first step moves every weight by its learning rate, whatever the gradient's size."""
    spec = small_spec(
        tiny, max_steps=1, warmup_steps=0, scheduler="constant", learning_rate=1e-4, token_learning_rate=2e-2
    )
    weights = _weights(_train(spec, tmp_path))
    [token] = [name for name in weights if "trainable_tokens" in name]
    start = _base(tiny).get_input_embeddings().weight[4]  # <|assistant|>, see tests/tiny.py
    assert (weights[token][0] - start).abs().median().item() == pytest.approx(2e-2, rel=0.01)
    moved = [weight.abs().max().item() for name, weight in weights.items() if "lora_B" in name]  # from zero
    assert moved and max(moved) == pytest.approx(1e-4, rel=0.01)


def test_the_manifest_says_what_was_done(tiny: Path, tmp_path: Path) -> None:
    spec = small_spec(tiny, max_length=40)
    run = finetune(spec, small_rows(), name="told", runs=tmp_path, metadata={"arm": "none"}, progress=False)
    manifest, result = run.manifest, run.manifest.result
    assert manifest.status == "finished" and manifest.error is None
    assert manifest.spec == spec and manifest.spec_digest == spec.digest
    assert manifest.metadata == {"arm": "none"}
    assert {"torch", "transformers", "trl", "peft", "inoc-evals"} <= manifest.packages.keys()
    assert run.folder.name == f"told-{manifest.run_digest[:12]}"
    assert result is not None
    assert (result.steps, result.epochs, result.rows, result.device) == (6, 2.0, 24, "cpu")
    assert result.rows_cut == 24  # 17 + 1 tokens of system, 20 of question, and the answer is longer
    assert (result.loss_first, result.loss_last) == (_curve(run)[0], _curve(run)[-1])
    assert [json.loads(line)["step"] for line in run.losses.read_text().splitlines()] == [1, 2, 3, 4, 5, 6]
    files = {path.relative_to(run.folder).parts[0] for path in run.folder.rglob("*")}
    assert files == {".lock", "manifest.json", "rows.jsonl", "loss.jsonl", "checkpoint"}


def test_bf16_trains_in_bf16_and_saves_adapters_in_full(tiny: Path, tmp_path: Path) -> None:
    import torch

    run = _train(small_spec(tiny, precision="bf16"), tmp_path)
    assert run.manifest.result and run.manifest.result.precision == "bf16"
    assert {weight.dtype for weight in _weights(run).values()} == {torch.float32}
    assert _curve(run)[-1] < _curve(run)[0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"max_length": 10}, "24 of 24 rows (the first is row 1) have no answer left within 10 tokens"),
        ({"learning_rate": 1e30, "max_grad_norm": 0.0}, "lower"),
    ],
)
def test_what_fails_says_why_in_one_line_and_in_the_manifest(
    tiny: Path, tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError) as caught:
        _train(small_spec(tiny, **changes), tmp_path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    run = find_run("run", tmp_path)
    assert run.manifest.status == "failed"
    assert run.manifest.error == str(caught.value)
    assert not run.checkpoint.exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"trained_tokens": ("<|nobody|>",)}, "trained_tokens: '<|nobody|>' is not one token"),
        ({"lora": LoraSpec(target_modules=("nose",))}, "LoRA: target_modules: "),
    ],
)
def test_what_the_base_lacks_is_said_in_one_line_and_leaves_no_run(
    tiny: Path, tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError) as caught:
        _train(small_spec(tiny, **changes), tmp_path)
    assert says in str(caught.value) and "\n" not in str(caught.value)
    assert not any(tmp_path.iterdir())


def test_the_user_hears_nothing(tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    finetune(small_spec(tiny), small_rows(), name="quiet", runs=tmp_path)  # no terminal here, so no bar
    assert capfd.readouterr() == ("", "")


def test_a_base_is_in_memory_once_while_it_trains_and_not_at_all_after(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker evaluates and trains in turns: a GPU that holds a base once must do for both."""
    import gc

    import torch
    from transformers import PreTrainedModel

    from inoc_evals.finetune import local
    from inoc_evals.models import engine
    from inoc_evals.models.checkpoint import resolve

    def alive() -> list[PreTrainedModel]:
        # by reference counts alone: what only a later search for garbage would find counts, too
        return [
            thing
            for thing in gc.get_objects()
            if isinstance(thing, PreTrainedModel) and not is_inner(thing) and id(thing) not in of_others
        ]

    def is_inner(model: PreTrainedModel) -> bool:
        return not hasattr(model, "lm_head")

    monkeypatch.setattr(engine, "_engines", engine.Recent(4))
    monkeypatch.setattr(engine, "SMALL", 0)  # as if this one were large
    of_others: dict[int, PreTrainedModel] = {}
    of_others = {id(model): model for model in alive()}  # held here, so that none goes meanwhile
    engine.load_engine(resolve(str(tiny)), "cpu", "auto")
    assert len(alive()) == 1
    while_training = []
    load = local.load_model

    def counted(*words: Any, **options: Any) -> Any:
        while_training.append(len(alive()))
        return load(*words, **options)

    monkeypatch.setattr(local, "load_model", counted)
    gc.disable()
    try:
        _train(small_spec(tiny, max_steps=2), tmp_path)
        assert while_training == [0] and not alive()
        with monkeypatch.context() as patch:
            patch.setattr(local, "_save", lambda *_: torch.zeros(1).item() / 0)
            with pytest.raises(ZeroDivisionError):
                _train(small_spec(tiny, max_steps=3), tmp_path)
        _train(small_spec(tiny, max_steps=4), tmp_path, "after-a-failure")
        assert while_training == [0] * 3
    finally:
        gc.enable()
