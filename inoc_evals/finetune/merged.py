"""A run as a base: what a second finetune starts from.

    first = finetune(FinetuneSpec(base="Qwen/Qwen2.5-7B-Instruct"), stage_one, name="stage-one")
    finetune(FinetuneSpec(base=str(merged(first))), stage_two, name="stage-two")

An adapter is merged into its base once and kept in the run directory; a run of all weights is its own base.
"""

from pathlib import Path
from typing import Any

from inoc_evals.chat.renderer import load_tokenizer
from inoc_evals.errors import UserError, require
from inoc_evals.files import replacing_folder
from inoc_evals.models.base import load_path
from inoc_evals.runs.directory import Run

MERGED = "merged"


def merged(run: Run) -> Path:
    """Give the folder of a whole model that says what the run says.

    Args:
        run: A finished run.

    Returns:
        Its checkpoint, or the folder into which adapter and base were merged.

    Raises:
        UserError: If the run is not finished.
    """
    if not run.is_finished():
        raise UserError(f"run {run.folder.name} is not finished: only a finished one can be a base")
    if not (run.checkpoint / "adapter_config.json").is_file():
        return run.checkpoint
    target = run.folder / MERGED
    if target.is_dir():
        return target
    require("local", "torch", "transformers", "peft")
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = load_path(run.manifest.base)
    whole: Any = AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.float32, trust_remote_code=False, use_safetensors=True
    )
    model: Any = PeftModel.from_pretrained(whole, str(run.checkpoint)).merge_and_unload()
    with replacing_folder(target) as passing:  # of two processes the first wins; both write the same
        model.save_pretrained(passing)
        load_tokenizer(base).save_pretrained(passing)
    return target
