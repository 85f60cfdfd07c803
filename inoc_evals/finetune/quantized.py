"""Bases whose weights are quantized: which can be trained, and how.

    config = trainable_config(path, spec)      # UserError where spec and base do not go together
    model = prepare(model)                     # before the adapter is added

A base that bitsandbytes quantized to 4 or 8 bits keeps its weights; a LoRA in bfloat16 is trained over them:
QLoRA (Dettmers et al. 2023, arXiv 2305.14314), as TRL does it. What other libraries quantized is not trained.
"""

from pathlib import Path
from typing import Any

from inoc_evals.errors import UserError
from inoc_evals.models.loading import BITSANDBYTES, check_model, load_config, quantization
from inoc_evals.runs.spec import FinetuneSpec

ELSEWHERE = "use the model that is not quantized"


def trainable_config(folder: str | Path, spec: FinetuneSpec) -> Any:
    """Read the configuration of a base, and refuse one that the spec cannot be trained on.

    Args:
        folder: The base's folder.
        spec: The spec.

    Raises:
        UserError: If the base's configuration cannot be read, its weights would be read from other files than
            those of the folder, or they are quantized in a way that the spec cannot be trained on.
        MissingExtra: If it is quantized by bitsandbytes, which is not installed.
    """
    config = load_config(folder)
    check_model(Path(folder))
    method = quantization(config)
    if method is None:
        return config
    if method != BITSANDBYTES:
        raise UserError(f"{spec.base} is quantized by {method}, and is not trained here: {ELSEWHERE}")
    if spec.lora is None or spec.trained_tokens:
        raise UserError(f"{spec.base} is quantized: train a LoRA on it and no trained_tokens, or {ELSEWHERE}")
    return config


def stored_bytes(config: Any) -> float | None:
    """Bytes that a weight of a quantized base takes, about; None for a base that is not quantized."""
    if quantization(config) is None:
        return None
    fields: Any = config.quantization_config
    fields = fields if isinstance(fields, dict) else fields.to_dict()
    # 4 bits and a scale for every 64 weights; embeddings and norms keep 16 bits.
    return 0.6 if fields.get("load_in_4bit") else 1.1


def prepare(model: Any) -> Any:
    """Prepare a quantized base for training: frozen, with norms and embeddings in 32 bits.

    Whether activations are recomputed is left to the trainer.
    """
    from peft import prepare_model_for_kbit_training

    untyped: Any = prepare_model_for_kbit_training
    return untyped(model, use_gradient_checkpointing=False)
