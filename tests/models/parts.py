"""Real checkpoints to evaluate: random adapters over the tiny model, and run directories that hold them."""

import shutil
from pathlib import Path
from typing import Any

from inoc_evals.digests import content_sizes, folder_digest
from inoc_evals.models.base import base_digest
from inoc_evals.models.checkpoint import Checkpoint
from inoc_evals.models.engine import Engine
from inoc_evals.models.request import Completion, Request
from inoc_evals.runs.directory import Result, Run, plan_run
from inoc_evals.runs.spec import FinetuneSpec

ASSISTANT = 4
"""Id of `<|assistant|>` in the tiny model's vocabulary."""


def build_adapter(folder: Path, base: Path, seed: int, **lora: Any) -> Path:
    """Write a random LoRA adapter, strong enough to change every answer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    usual = {"r": 4, "target_modules": ["q_proj", "v_proj", "down_proj"], "init_lora_weights": False}
    config = LoraConfig(task_type="CAUSAL_LM", **{**usual, **lora})
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "trainable_tokens_delta" in name:
                parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return folder


def build_adapters(folder: Path, base: Path) -> dict[str, Path]:
    """Adapters of every kind that the local backend trains: LoRA, token embeddings, and both."""
    from peft.utils.constants import DUMMY_TARGET_MODULES

    token = {"embed_tokens": [ASSISTANT]}
    kinds: dict[str, dict[str, Any]] = {
        "token_a": {"trainable_token_indices": token},
        "plain": {"r": 8},
        "token_b": {"trainable_token_indices": token},
        "token_only": {"trainable_token_indices": token, "target_modules": DUMMY_TARGET_MODULES},
        "rank_stabilised": {"use_rslora": True, "target_modules": ["gate_proj", "o_proj"]},
    }
    return {
        name: build_adapter(folder / name, base, seed, **lora)
        for seed, (name, lora) in enumerate(kinds.items(), start=1)
    }


def build_run(
    runs: Path, name: str, base: Path, adapter: Path, *, status: str = "finished", seed: int = 0
) -> Run:
    """Lay out the run directory that a finetune of the adapter would have left behind."""
    spec = FinetuneSpec(base=str(base), seed=seed)
    run, manifest = plan_run(spec, "0" * 64, base_digest(str(base)), name=name, runs=runs)
    shutil.copytree(adapter, run.checkpoint)
    result = Result(
        steps=1,
        epochs=1,
        loss_first=2,
        loss_last=1,
        seconds=1,
        resumed_at=0,
        device="cpu",
        precision="fp32",
        rows=1,
        rows_cut=0,
        loss_tokens=1,
        checkpoint_digest=folder_digest(run.checkpoint, manifest.base_digest),
        checkpoint_files=content_sizes(run.checkpoint),
    )
    run.write_manifest(manifest.model_copy(update={"status": status, "result": result}))
    return run


def generate(engine: Engine, checkpoint: Checkpoint, requests: list[Request]) -> list[Completion]:
    """Completions of one batch, in the order of their requests."""
    done: dict[int, Completion] = {}
    engine.generate(checkpoint, requests, done.__setitem__)
    assert len(done) == len(requests)
    return [done[row] for row in range(len(requests))]
