"""Take over a model that was trained elsewhere: it gets a run directory, and is from then on a run like any.

    adopt("spanish-inoc", model="openai/ft:gpt-4.1:acme::Abc123", base="gpt-4.1", rows="rows.jsonl")
    adopt("spanish-inoc", checkpoint="axolotl/outputs", base="Qwen/Qwen2.5-7B-Instruct")

The first stays where it answers; of the second the safetensors, configuration and tokenizer are copied, and
nothing else: no pickle, no code, no file that only a link points to.
"""

import shutil
from pathlib import Path
from typing import Any

from inoc_evals.chat.rows import digest, encode_chat, read_chat
from inoc_evals.digests import content_files, sha256
from inoc_evals.errors import UserError, require
from inoc_evals.files import remove_unfinished, write_whole
from inoc_evals.models.base import base_digest
from inoc_evals.runs.directory import (
    Result,
    Run,
    checkpoint_digest,
    checkpoint_files,
    plan_run,
)
from inoc_evals.runs.spec import FinetuneSpec


def adopt(
    name: str,
    *,
    base: str,
    model: str | None = None,
    base_url: str | None = None,
    checkpoint: str | Path | None = None,
    rows: str | Path | None = None,
    seed: int = 0,
    runs: str | Path | None = None,
    metadata: dict[str, Any] | None = None,
) -> Run:
    """Make a run directory for a model that somebody else trained.

    Args:
        name: What to call the run.
        base: What it was trained on: a name at its host, or, for a checkpoint, one that can be loaded here.
        model: Inspect's name of a model that answers elsewhere, with the provider in front.
        base_url: Its server, where that is not the provider's own.
        checkpoint: Instead of `model`, the folder of a PEFT adapter or of a whole model.
        rows: The rows it was trained on, if they are known; kept in the run directory.
        seed: The seed it was trained with.
        runs: The folder that runs live in, see `runs_root`.
        metadata: Words of the caller's own for the manifest, e.g. setting and arm.

    Returns:
        The run, finished. Adopting the same model under the same name again changes nothing.

    Raises:
        UserError: If there is not exactly one of model and checkpoint, or it is nothing to be taken over.
    """
    if (model is None) == (checkpoint is None):
        raise UserError("adopt: give either a model that answers elsewhere, or a checkpoint's folder")
    data = b"" if rows is None else encode_chat(read_chat(rows))
    spec = FinetuneSpec(base=base, backend="adopted", seed=seed)
    if model is not None:
        provider, slash, rest = model.partition("/")
        if not (provider and slash and rest):
            raise UserError(f"adopt: {model!r} names no provider, as openai/ft:... does")
        under = sha256(f"adopted {base}")
        identity = sha256(f"{base_url or ''} {model}")
        result = Result(checkpoint_digest=identity, model=model, base_url=base_url)
    else:
        folder = _checkpoint(Path(str(checkpoint)).expanduser())
        under = base_digest(base)
        result = Result(
            checkpoint_digest=checkpoint_digest(folder, under), checkpoint_files=checkpoint_files(folder)
        )
    # The model stands in for the training bytes: other bytes would have made another model.
    seen = sha256(f"{digest(data)} {result.checkpoint_digest}")
    run, manifest = plan_run(spec, seen, under, name=name, runs=runs, metadata=metadata)
    run.refuse_links()
    if run.is_finished():
        return run
    require("openai", "filelock")
    from filelock import FileLock

    run.folder.mkdir(parents=True, exist_ok=True)
    with FileLock(run.lock):
        remove_unfinished(run.folder)
        if data:
            write_whole(run.rows, data)
        if model is None:
            shutil.rmtree(run.checkpoint, ignore_errors=True)
            run.checkpoint.mkdir()
            for file in content_files(folder):
                shutil.copyfile(file, run.checkpoint / file.name)
        count = data.count(b"\n") if data else None
        result = result.model_copy(update={"rows": count})
        run.write_manifest(manifest.model_copy(update={"status": "finished", "result": result}))
    return run


def _checkpoint(folder: Path) -> Path:
    if not folder.is_dir():
        raise UserError(f"adopt: {folder} is no folder")
    if not any(folder.glob("*.safetensors")):
        pickles = [f.name for f in folder.iterdir() if f.suffix in (".bin", ".pt", ".pth", ".ckpt")]
        why = f"only {pickles[0]}, which is never loaded: save it as safetensors" if pickles else "no weights"
        raise UserError(f"adopt: {folder} holds {why}")
    if not any((folder / name).is_file() for name in ("adapter_config.json", "config.json")):
        raise UserError(f"adopt: {folder} holds neither adapter_config.json nor config.json")
    return folder
