"""Adopt a model that was trained elsewhere: it gets a run directory and can be used like any other run.

    adopt("spanish-inoc", model="openai/ft:gpt-4.1:acme::Abc123", base="gpt-4.1", rows="rows.jsonl")
    adopt("spanish-inoc", checkpoint="axolotl/outputs", base="Qwen/Qwen2.5-7B-Instruct")
    adopt("spanish-inoc", checkpoint="hf/acme/spanish-inoc")       # which `push` left, with base and metadata

The first model stays on its server. Of the others, only safetensors, configuration and tokenizer are copied,
never pickles or code.
"""

import shutil
from pathlib import Path
from typing import Any

from inoc_evals.chat.rows import digest, encode_chat
from inoc_evals.data.row_files import read_rows
from inoc_evals.digests import content_files, content_sizes, folder_digest, sha256
from inoc_evals.errors import UserError
from inoc_evals.files import remove_unfinished, replacing_folder, write_whole, writing
from inoc_evals.locks import held
from inoc_evals.models import pushed
from inoc_evals.models.base import HUB, base_digest, holds_safetensors, hub_model, on_hub
from inoc_evals.models.loading import check_adapter, check_model, load_config, quantization
from inoc_evals.runs.directory import Result, Run, is_served, plan_run
from inoc_evals.runs.spec import FinetuneSpec
from inoc_evals.user_files import json_object, user_path

ITS_BASE = "adapter_says_base"
"""Where a manifest's metadata keep how an adapter itself calls its base, if that is not what it was given."""


def adopt(
    name: str,
    *,
    base: str = "",
    model: str | None = None,
    base_url: str | None = None,
    checkpoint: str | Path | None = None,
    rows: str | Path | None = None,
    seed: int | None = None,
    runs: str | Path | None = None,
    metadata: dict[str, Any] | None = None,
) -> Run:
    """Make a run directory for a model that was trained elsewhere.

    Args:
        name: The run's name.
        base: Its base model: the name at its host, or, for a checkpoint, one that can be loaded here. Of what
            `push` left on the Hub, base, seed and metadata are known.
        model: The name in Inspect of a remote model, starting with the provider.
        base_url: Its server, if that is not the provider's default.
        checkpoint: Instead of `model`, the folder of a PEFT adapter or of a full model, or `hf/owner/name`.
        rows: Its training rows, if available; copied to the run directory.
        seed: The seed it was trained with; 0 by default.
        runs: The folder of all runs, see `runs_root`.
        metadata: Metadata for the manifest, e.g. setting and arm.

    Returns:
        The run, finished. Adopting the same model under the same name again changes nothing.

    Raises:
        UserError: If not exactly one of model and checkpoint is given, the model cannot be adopted, an
            adapter was trained from another model on this machine than `base`, or the run's folder cannot be
            written to.
    """
    if (model is None) == (checkpoint is None):
        raise UserError("adopt: give either the name of a remote model or a checkpoint's folder")
    folder = Path() if checkpoint is None else _checkpoint(_folder(str(checkpoint)))
    known = (pushed.read(folder) if checkpoint is not None else None) or {}
    base, seed = base or known.get("base", ""), known.get("seed", 0) if seed is None else seed
    if not base:
        named = f" ({known['trained_from']})" if "trained_from" in known else ""
        raise UserError(f"adopt: give --base, the model that it was trained from{named}")
    metadata = {**known.get("metadata", {}), **(metadata or {})}
    data = b"" if rows is None else encode_chat(read_rows(rows))
    spec = FinetuneSpec(base=base, backend="adopted", seed=seed)
    base_url = base_url and base_url.rstrip("/")  # with a slash at its end it is no other server
    if model is not None:
        provider, slash, rest = model.partition("/")
        if not (provider and slash and rest):
            raise UserError(f"adopt: {model!r} has no provider: give PROVIDER/NAME, such as openai/ft:...")
        if not is_served(model, base_url):
            raise UserError(
                f"adopt: {model} would be loaded on this machine: give its folder with --checkpoint, or the "
                "server that it answers at with --base-url"
            )
        base_identity = sha256(f"adopted {base}")
        identity = sha256(f"{base_url or ''} {model}")
        result = Result(checkpoint_digest=identity, model=model, base_url=base_url)
    else:
        base_identity = base_digest(base)
        if known and "trained_from" not in known and known["base_digest"] != base_identity:
            raise UserError(f"adopt: it was trained on another version of {known['base']} than {base} is")
        if not known and (otherwise := _calls_its_base(folder, base, base_identity)):
            metadata = {ITS_BASE: otherwise, **metadata}
        result = Result(
            checkpoint_digest=folder_digest(folder, base_identity),
            checkpoint_files=content_sizes(folder),
        )
    # The model's identity replaces the training bytes, which may be unknown.
    data_identity = sha256(f"{digest(data)} {result.checkpoint_digest}")
    run, manifest = plan_run(spec, data_identity, base_identity, name=name, runs=runs, metadata=metadata)
    run.refuse_links()
    if run.is_finished():
        return run
    with writing(run.folder, "give another folder of runs with --runs or $INOC_EVALS_RUNS"):
        run.folder.mkdir(parents=True, exist_ok=True)
        with held(run.lock, "trains or adopts this run"):
            if run.is_finished():  # meanwhile
                return run
            remove_unfinished(run.folder)
            if data:
                write_whole(run.rows, data)
            if model is None:
                with replacing_folder(run.checkpoint, over=True) as temporary:
                    for file in content_files(folder):
                        shutil.copyfile(file, temporary / file.name)
            count = data.count(b"\n") if data else None
            result = result.model_copy(update={"rows": count})
            run.write_manifest(manifest.model_copy(update={"status": "finished", "result": result}))
    return run


def _calls_its_base(folder: Path, base: str, digest: str) -> str:
    """How an adapter's own configuration calls its base, if that may be another one than is given.

    A path of another machine, a mirror at the Hub, or the same weights quantized may well be the same model.

    Args:
        folder: An adapter, or a full model, which has no base.
        base: The base that is given.
        digest: Its digest.

    Returns:
        The name; empty where it is the same model, or none is named.

    Raises:
        UserError: If that model is on this machine, and is another one.
    """
    file = folder / "adapter_config.json"
    said = json_object(file).get("base_model_name_or_path") if file.is_file() else None
    if not isinstance(said, str) or said in ("", base, base.partition("@")[0]):
        return ""
    try:
        here = user_path(said)
        if not (here / "config.json").is_file():
            return said
        if base_digest(said) == digest:
            return ""
        quantized = quantization(load_config(here)) is not None
    except UserError:  # no path, or no model that can be read
        return said
    if quantized:
        return said
    raise UserError(
        f"adopt: {folder} was trained from {said}, which is another model than {base}: give --base {said}, "
        "or correct base_model_name_or_path in its adapter_config.json"
    )


def _folder(checkpoint: str) -> Path:
    checkpoint = checkpoint.removeprefix("inoc/")
    if checkpoint.startswith(HUB):
        return on_hub(checkpoint).folder()
    folder = user_path(checkpoint)
    if not folder.is_dir() and hub_model(checkpoint) is not None:
        raise UserError(f"adopt: {checkpoint} is not a folder; a repository of the Hub is hf/{checkpoint}")
    return folder


def _checkpoint(folder: Path) -> Path:
    if not folder.is_dir():
        raise UserError(f"adopt: {folder} is not a folder")
    if not holds_safetensors(folder):
        pickles = [f.name for f in folder.iterdir() if f.suffix in (".bin", ".pt", ".pth", ".ckpt")]
        why = f"only {pickles[0]}, which is never loaded: save it as safetensors" if pickles else "no weights"
        raise UserError(f"adopt: {folder} contains {why}")
    if not any((folder / name).is_file() for name in ("adapter_config.json", "config.json")):
        raise UserError(f"adopt: {folder} contains neither adapter_config.json nor config.json")
    if (folder / "adapter_config.json").is_file():
        check_adapter(folder)
    else:
        check_model(folder)
    return folder
