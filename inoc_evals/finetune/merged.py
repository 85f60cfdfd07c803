"""Start a finetune where another one ended: a run, or an adapter of your own, as the base.

    first = finetune(FinetuneSpec(base="Qwen/Qwen2.5-7B-Instruct"), stage_one, name="stage-one")
    finetune(FinetuneSpec(base=str(merged(first))), stage_two, name="stage-two")

    inoc-evals finetune stage_two.jsonl --base stage-one          # the same, by the run's name

An adapter is merged into its base once, and the result is kept: a run's in its directory, another one's in
the cache. Tokenizer and chat template are the adapter's own where it was saved with them, as in evaluation. A
run that trained all weights needs no merging. The new run trains an adapter of its own.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inoc_evals.chat.renderer import load_tokenizer
from inoc_evals.data.cache import cache_dir
from inoc_evals.digests import folder_digest
from inoc_evals.errors import UserError, first_line, require
from inoc_evals.files import replacing_folder, writing
from inoc_evals.models.base import SHIPPED, HubModel, holds_safetensors, hub_model
from inoc_evals.models.checkpoint import Checkpoint, named, of_run, resolve
from inoc_evals.models.loading import (
    damaged_weights,
    load_adapter,
    load_config,
    load_model,
    loading,
    quantization,
)
from inoc_evals.models.number_format import keep_format
from inoc_evals.runs.directory import Run
from inoc_evals.runs.spec import IN_CACHE, IN_RUNS
from inoc_evals.user_files import user_path

MERGED = "merged"
"""Name of the folder in the cache."""

ORIGIN = ".merged_from"
"""File in a merged model that says what it was merged from."""

THE_BASES = "base"
"""Whose tokenizer a merge has that says nothing of it: earlier versions gave all merges that of the base."""


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
            adapter, or `hf/` and the name of one of the Hub.
        runs: The folder of all runs, see `runs_root`.

    Raises:
        UserError: If the run is not finished, or the adapter or its base cannot be loaded.
    """
    found = named(base, runs)
    if found.is_base:  # of the Hub's names what looks like a pin is a revision
        return Start(base if found.written in SHIPPED else found.written)
    checkpoint = found.checkpoint()
    if isinstance(found.base, HubModel) and checkpoint.adapter is None:
        if hub_model(checkpoint.base) is None:
            raise UserError(
                f"{found.name}: {checkpoint.base} is a folder here, too: move it, or start elsewhere"
            )
        return Start(checkpoint.base)
    called = found.name if checkpoint.run is None else Path(checkpoint.name).name
    return Start(str(_full(checkpoint)), called, checkpoint.digest)


def merged(run: Run) -> Path:
    """Return the folder of a full model equal to the run's model.

    Args:
        run: A finished run.

    Returns:
        The checkpoint of a full model, or the folder of the merged model.

    Raises:
        UserError: If the run is not finished, has no weights here, or was trained on another version of its
            base.
    """
    return _full(of_run(run))


def _full(checkpoint: Checkpoint) -> Path:
    """The folder of a full model equal to a checkpoint: an adapter is merged into its base, once."""
    run, adapter = checkpoint.run, checkpoint.adapter
    if adapter is None:
        return checkpoint.weights
    ended = run is not None and adapter == run.checkpoint
    target = run.merged if run and ended else cache_dir() / MERGED / checkpoint.digest
    if _is_merge_of(checkpoint, target):
        return target
    require("local", "torch", "transformers", "peft")
    import torch

    base = checkpoint.weights
    if (method := quantization(load_config(base))) is not None:
        called = f"{'run' if run else 'adapter'} {checkpoint.name}"
        raise UserError(
            f"{called} cannot be a base: its own is quantized by {method}, and merging would round the "
            "adapter away: train it on the model that is not quantized"
        )
    adapted = load_adapter(load_model(base, dtype=torch.float32), adapter, base=checkpoint.base)
    model = _merge(adapted, adapter)
    with writing(target, "give another place with --runs or $INOC_EVALS_CACHE"):
        target.parent.mkdir(parents=True, exist_ok=True)
        # the first of two processes wins; what is there and is no such merge is replaced
        with loading(), replacing_folder(target, over=target.is_dir()) as temporary:
            model.save_pretrained(temporary)
            keep_format(temporary, base)
            load_tokenizer(checkpoint.tokenizer).save_pretrained(temporary)
            name = checkpoint.name if run is None else Path(checkpoint.name).name
            about = {"name": name, "digest": checkpoint.digest, "content": folder_digest(temporary)}
            about["tokenizer"] = _whose_tokenizer(checkpoint)
            (temporary / ORIGIN).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    return target


def _merge(adapted: Any, adapter: Path) -> Any:
    """The base with an adapter's weights in its own.

    Raises:
        UserError: If PEFT cannot merge adapters of this kind.
    """
    import torch

    try:
        return adapted.merge_and_unload()
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # PEFT raises several types
        raise UserError(
            f"adapter {adapter} cannot be a base, since PEFT cannot merge it: {first_line(error)}"
        ) from error


def _whose_tokenizer(checkpoint: Checkpoint) -> str:
    """Whose tokenizer and chat template the merge has: those that the adapter is evaluated with."""
    return THE_BASES if checkpoint.tokenizer == checkpoint.weights else "adapter"


def _is_merge_of(checkpoint: Checkpoint, folder: Path) -> bool:
    """Whether a folder is the whole merge of a checkpoint, byte for byte as it was written."""
    if not ((folder / "config.json").is_file() and holds_safetensors(folder)):
        return False
    about = _origin(folder)
    if about is None:  # of an earlier version, which wrote no such file
        return damaged_weights(folder) is None and _whose_tokenizer(checkpoint) == THE_BASES
    made = about["digest"], about["tokenizer"], about["content"]
    return made == (checkpoint.digest, _whose_tokenizer(checkpoint), folder_digest(folder))


def _origin(folder: Path) -> dict[str, str] | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        about = json.loads((folder / ORIGIN).read_bytes())
        known = {key: str(about[key]) for key in ("name", "digest", "content")}
        return {**known, "tokenizer": str(about.get("tokenizer", THE_BASES))}
    return None


def started_from(base: str) -> dict[str, Any]:
    """What a manifest says of a base that was merged from a run or an adapter.

    Args:
        base: A spec's base.

    Returns:
        `started_from`, with name and digest; empty for any other base.
    """
    inside = IN_RUNS.search(base)
    if inside is None and not IN_CACHE.search(base):
        return {}
    about = _origin(user_path(base))
    if about is None and inside is not None:  # all weights were trained: the run's own are the base
        step = f"@step={Path(base).name}" if inside["part"].startswith("steps") else ""
        with suppress(UserError):
            checkpoint = resolve(base[: inside.end("run")] + step)
            about = {"name": Path(checkpoint.name).name, "digest": checkpoint.digest}
    return {"started_from": {"name": about["name"], "digest": about["digest"]}} if about else {}
