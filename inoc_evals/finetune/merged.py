"""Use a run as the base of a second finetune.

    first = finetune(FinetuneSpec(base="Qwen/Qwen2.5-7B-Instruct"), stage_one, name="stage-one")
    finetune(FinetuneSpec(base=str(merged(first))), stage_two, name="stage-two")

An adapter is merged into its base once, and the result is kept in the run directory. A run that trained all
weights needs no merging.
"""

from pathlib import Path
from typing import Any

from inoc_evals.chat.renderer import load_tokenizer
from inoc_evals.errors import UserError, require
from inoc_evals.files import replacing_folder
from inoc_evals.models.base import load_path
from inoc_evals.models.loading import load_adapter, load_config, load_model, quantization
from inoc_evals.runs.directory import Run

MERGED = "merged"


def merged(run: Run) -> Path:
    """Return the folder of a full model equal to the run's model.

    Args:
        run: A finished run.

    Returns:
        The checkpoint of a full model, or the folder of the merged model.

    Raises:
        UserError: If the run is not finished.
    """
    if not run.is_finished():
        raise UserError(f"run {run.folder.name} is not finished: only a finished run can be a base")
    if not (run.checkpoint / "adapter_config.json").is_file():
        return run.checkpoint
    target = run.folder / MERGED
    if target.is_dir():
        return target
    require("local", "torch", "transformers", "peft")
    import torch

    base = load_path(run.manifest.base)
    if (method := quantization(load_config(base))) is not None:
        raise UserError(
            f"run {run.folder.name} cannot be a base: its own is quantized by {method}, and merging would "
            "round the adapter away: train it on the model that is not quantized"
        )
    base_model = load_model(base, dtype=torch.float32)
    model: Any = load_adapter(base_model, run.checkpoint, base=run.manifest.base).merge_and_unload()
    with replacing_folder(target) as temporary:  # the first of two processes wins
        model.save_pretrained(temporary)
        load_tokenizer(base).save_pretrained(temporary)
    return target
