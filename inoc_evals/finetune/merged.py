"""Start a finetune where another one ended: a run, or an adapter of your own, as the base.

    first = finetune(FinetuneSpec(base="Qwen/Qwen2.5-7B-Instruct"), stage_one, name="stage-one")
    finetune(FinetuneSpec(base=str(merged(first))), stage_two, name="stage-two")

    inoc-evals finetune stage_two.jsonl --base stage-one          # the same, by the run's name

An adapter is merged into its base once, and the result is kept: a run's in its directory, another one's in
the cache. A run that trained all weights needs no merging. The new run trains an adapter of its own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inoc_evals.chat.renderer import load_tokenizer
from inoc_evals.data.cache import cache_dir
from inoc_evals.errors import UserError, require
from inoc_evals.files import replacing_folder, writing
from inoc_evals.models.base import SHIPPED, load_path
from inoc_evals.models.checkpoint import STEP, resolve
from inoc_evals.models.loading import load_adapter, load_config, load_model, quantization
from inoc_evals.models.number_format import keep_format
from inoc_evals.runs.directory import Run, find_run, has_name, list_runs
from inoc_evals.user_files import user_path

MERGED = "merged"
"""Name of the folder: in a run's directory, and in the cache."""


@dataclass(frozen=True)
class Start:
    """What a finetune starts from.

    Attributes:
        base: The base for its spec.
        name: The run or adapter that it came from, as it was named; empty for a plain base.
        digest: That one's digest.
    """

    base: str
    name: str = ""
    digest: str = ""

    @property
    def metadata(self) -> dict[str, Any]:
        """What the new run's manifest says of it."""
        return {"started_from": {"name": self.name, "digest": self.digest}} if self.name else {}


def start_from(base: str, runs: str | Path | None = None) -> Start:
    """Find out what a base means for a finetune: a run and an adapter are merged first.

    Args:
        base: A base as `models.base.load_path` takes it; also the name or directory of a finished run (with
            `@step=N`, of a step that it kept), with or without `inoc/` before it, or a folder of a PEFT
            adapter.
        runs: The folder of all runs, see `runs_root`.

    Raises:
        UserError: If the run is not finished, or the adapter or its base cannot be loaded.
    """
    if base.removeprefix("inoc/") in SHIPPED:
        return Start(base)
    base = base.removeprefix("inoc/")
    folder = user_path(base)
    named = not folder.exists()
    if STEP.search(base):
        checkpoint = resolve(base)
        if checkpoint.adapter is None:
            return Start(str(checkpoint.weights), checkpoint.name, checkpoint.digest)
        target = cache_dir() / MERGED / checkpoint.digest
        _merge(checkpoint.adapter, checkpoint.base, target, checkpoint.name)
        return Start(str(target), checkpoint.name, checkpoint.digest)
    if (folder / "manifest.json").is_file():
        run = find_run(folder)
    elif (folder / "adapter_config.json").is_file():
        checkpoint = resolve(str(folder))
        target = cache_dir() / MERGED / checkpoint.digest
        _merge(folder, checkpoint.base, target, f"adapter {folder}")
        return Start(str(target), base, checkpoint.digest)
    elif named and any(run.folder.name == base or has_name(run, base) for run in list_runs(runs)):
        run = find_run(base, runs)
    else:
        return Start(base)
    result = run.manifest.result
    return Start(str(merged(run)), run.folder.name, "" if result is None else result.checkpoint_digest)


def merged(run: Run) -> Path:
    """Return the folder of a full model equal to the run's model.

    Args:
        run: A finished run.

    Returns:
        The checkpoint of a full model, or the folder of the merged model.

    Raises:
        UserError: If the run is not finished, or has no weights here.
    """
    if not run.is_finished():
        raise UserError(f"run {run.folder.name} is not finished: only a finished run can be a base")
    result = run.manifest.result
    if result is not None and result.model is not None:
        raise UserError(f"run {run.folder.name} is served as {result.model}: it has no weights to start from")
    if not (run.checkpoint / "adapter_config.json").is_file():
        return run.checkpoint
    return _merge(run.checkpoint, run.base, run.folder / MERGED, f"run {run.folder.name}")


def _merge(adapter: Path, base_name: str, target: Path, called: str) -> Path:
    """Merge an adapter into its base, unless that was done."""
    if target.is_dir():
        return target
    require("local", "torch", "transformers", "peft")
    import torch

    base = load_path(base_name)
    if (method := quantization(load_config(base))) is not None:
        raise UserError(
            f"{called} cannot be a base: its own is quantized by {method}, and merging would "
            "round the adapter away: train it on the model that is not quantized"
        )
    base_model = load_model(base, dtype=torch.float32)
    model: Any = load_adapter(base_model, adapter, base=base_name).merge_and_unload()
    with writing(target, "give another place with --runs or $INOC_EVALS_CACHE"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing_folder(target) as temporary:  # the first of two processes wins
            model.save_pretrained(temporary)
            keep_format(temporary, base)
            load_tokenizer(base).save_pretrained(temporary)
    return target
