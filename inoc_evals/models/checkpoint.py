"""Which checkpoint a model name means: the toy, a run, or a checkpoint of your own.

    resolve("toy")                              # the shipped base; "toy-judge" is its judge
    resolve("spanish-inoc")                     # a finished run, by name, under the runs root
    resolve("runs/spanish-inoc-1a2b3c4d5e6f")   # the same, by its directory
    resolve("spanish-inoc@step=64")             # what it kept after step 64 (`kept_steps`)
    resolve("checkpoints/my-qwen")              # a full model or a PEFT adapter
    resolve("hf/Qwen/Qwen2.5-0.5B-Instruct")    # a model of the Hugging Face Hub, or a PEFT adapter
    resolve("Qwen/Qwen2.5-0.5B-Instruct")       # the same, where there is no folder Qwen here
    resolve("models/mine.Q8_0.gguf")            # a GGUF file; package:NAME/FILE.gguf is one in a package

Every checkpoint has a digest of its content, and only the safetensors that it covers are ever loaded.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from inoc_evals.chat.renderer import DATE, Renderer, load_renderer
from inoc_evals.digests import content_files, folder_digest
from inoc_evals.errors import UserError
from inoc_evals.models import pushed
from inoc_evals.models.base import (
    SHIPPED,
    GgufFile,
    HubModel,
    find_base,
    holds_safetensors,
    hub_model,
    on_hub,
)
from inoc_evals.models.gguf import PACKAGE, source_digest
from inoc_evals.models.loading import check_adapter, check_model, load_config
from inoc_evals.runs.directory import Manifest, Run, find_run, list_runs, runs_root
from inoc_evals.user_files import json_object, user_path

SHORT = 12
"""Hex characters of a digest in a model's name."""

PIN = re.compile(rf"@([0-9a-f]{{{SHORT}}})$")
"""How a log names the version of a checkpoint: `inoc/toy@1a2b3c4d5e6f`."""


STEP = re.compile(r"@step=(\d+)$")
"""How a name asks for an earlier step of a run: `inoc/spanish-inoc@step=64`."""


@dataclass(frozen=True)
class Checkpoint:
    """A model that can be loaded, and its identity.

    Attributes:
        name: How logs call it, without the digest.
        base: The model under it as the user or the run wrote it: `toy`, a folder, or a Hub name.
        weights: Folder of the full weights under it.
        adapter: Folder of a PEFT adapter over them, or None.
        weights_digest: Identity of those weights; checkpoints that share them are loaded over one copy.
        digest: Identity of the whole; a run's is its manifest's `checkpoint_digest`.
        run: The run that left it behind, if one did.
    """

    name: str
    base: str
    weights: Path
    adapter: Path | None
    weights_digest: str
    digest: str
    run: Run | None = None

    @property
    def tokenizer(self) -> Path:
        """Folder of the tokenizer: the adapter's own where it was saved with one."""
        if self.adapter is not None and (self.adapter / "tokenizer_config.json").is_file():
            return self.adapter
        return self.weights

    @property
    def versioned_name(self) -> str:
        """The name and the start of the digest, as logs and Inspect's cache carry it."""
        return f"{self.name}@{self.digest[:SHORT]}"

    def files(self) -> list[Path]:
        """The files that decide its answers."""
        return content_files(self.weights) + (content_files(self.adapter) if self.adapter else [])


def resolve(name: str, runs: str | Path | None = None) -> Checkpoint:
    """Find the checkpoint that a name means.

    Args:
        name: `toy`; a run directory; a run's directory name or unique name under the runs root, `@step=N`
            after it for the weights that the run kept after that step; a folder
            of a full model or of a PEFT adapter; a GGUF file, or `package:NAME[/FILE.gguf]`; a Hub name, best
            with `hf/` before it. A leading `inoc/` is dropped, and a trailing `@` with 12 hex characters of
            the digest is checked.
        runs: The folder of all runs, see `runs_root`.

    Raises:
        UserError: If no checkpoint has that name, it is not ready, it holds no safetensors or would be loaded
            from other files than these, its base does not exist, or it is another version than the pinned
            one.
    """
    name = name.removeprefix("inoc/")
    pin = PIN.search(name)
    checkpoint = _find(PIN.sub("", name), runs)
    if pin and not checkpoint.digest.startswith(pin[1]):
        raise UserError(
            f"{checkpoint.name} is now {checkpoint.versioned_name}, no longer version {pin[1]}: "
            f"use inoc/{checkpoint.name} to evaluate the present version"
        )
    return checkpoint


def renderer_of(name: str, date: str = DATE) -> Renderer:
    """The tokenizer and chat template that a name means, as training and evaluation use them.

    Args:
        name: As for `resolve`; a name on the Hub may stand without `hf/`.
        date: The date that the template is told, ISO 8601.

    Raises:
        UserError: If nothing has that name, or its tokenizer cannot be loaded.
    """
    checkpoint = resolve(f"hf/{name}" if hub_model(name) and not _is_run(name) else name)
    return load_renderer(checkpoint.tokenizer, model=checkpoint.weights, date=date)


def context_length(config: Any) -> int | None:
    """Longest sequence that a transformers configuration allows, in tokens; None if it sets no limit."""
    length = getattr(config.get_text_config(), "max_position_embeddings", None)
    return int(length) if length else None


def load_context_length(folder: Path) -> int | None:
    """Longest sequence that a model folder's `config.json` allows, in tokens; None if it sets no limit.

    Raises:
        UserError: As `load_config`.
    """
    return context_length(load_config(folder))


def _is_run(name: str) -> bool:
    return name.startswith(("hf/", "inoc/")) or any(run.folder.name == name for run in list_runs())


def split_step(name: str) -> tuple[str, int | None]:
    """Split `run@step=64` into the run's name and the step; None for what training ended with."""
    asked = STEP.search(name)
    return STEP.sub("", name), int(asked[1]) if asked else None


def _find(name: str, runs: str | Path | None) -> Checkpoint:
    called, step = split_step(name)
    if step is not None:
        return _at_step(_find(called, runs), step)
    if name.startswith("hf/"):
        return _on_hub(name)
    base, folder = find_base(name), user_path(name)
    if name in SHIPPED or isinstance(base, GgufFile):
        called = name if name in SHIPPED or name.startswith(PACKAGE) else _path_name(folder)
        return _full_model(called, name, base.folder())
    if (folder / "manifest.json").is_file():
        return of_run(find_run(folder), runs)
    if (folder / "adapter_config.json").is_file():
        return _adapter(_path_name(folder), _named_base(folder), folder)
    if (folder / "config.json").is_file():
        return _full_model(_path_name(folder), name, folder)
    if folder.is_dir() and "/" in name and not (runs_root(runs) / name / "manifest.json").is_file():
        raise UserError(f"{name} holds no model: neither manifest.json, adapter_config.json nor config.json")
    if isinstance(base, HubModel) and not _may_be_here(name, runs):
        return _on_hub(f"hf/{name}")
    return of_run(_find_run(name, runs), runs)


def _may_be_here(name: str, runs: str | Path | None) -> bool:
    """Whether `a/b` is a path, mistyped maybe: where there is a folder `a`, the Hub is not asked."""
    return user_path(name).parent.exists() or (runs_root(runs) / name).parent.exists()


def _on_hub(name: str) -> Checkpoint:
    """A full model or an adapter of the Hub."""
    model = on_hub(name)
    base, weights = model.name, model.folder()
    about = pushed.read(weights) or {}
    if (weights / "adapter_config.json").is_file() and not (weights / "config.json").is_file():
        adapter = _adapter(name, _named_base(weights), weights)
        if about and "trained_from" not in about and about["base_digest"] != adapter.weights_digest:
            raise UserError(f"{name} was trained on another version of {adapter.base}: fetch that one")
        return adapter
    # of a run that trained all weights, the digest names the base, too
    return _full_model(name, base, weights, digest=about.get("weights_digest"))


def _at_step(last: Checkpoint, step: int) -> Checkpoint:
    """What a run kept after a step."""
    kept = {} if last.run is None else last.run.kept()
    if last.run is None or step not in kept:
        has = ", ".join(map(str, kept)) or "none: train it with  kept_steps: powers"
        raise UserError(f"{last.name} kept no step {step}; it kept {has}")
    called, folder = f"{last.name}@step={step}", kept[step]
    if last.adapter is None:
        return _full_model(called, last.base, folder, run=last.run)
    return _adapter(called, last.base, folder, run=last.run)


def _find_run(name: str, runs: str | Path | None) -> Run:
    try:
        return find_run(name, runs)
    except UserError as error:
        known = [*SHIPPED, *(run.folder.name for run in list_runs(runs))]
        close = [other for other in get_close_matches(name, known, cutoff=0.5) if other not in str(error)]
        if not close and hub_model(name) is not None:
            raise UserError(f"{error}; the one of the Hugging Face Hub is inoc/hf/{name}") from error
        if not close:
            raise
        raise UserError(f"{error}; close to it: {', '.join(close)}") from error


def finished(run: Run) -> Manifest:
    """The manifest of a run whose weights are here, finished, and byte for byte those that training wrote.

    Args:
        run: The run.

    Raises:
        UserError: If it is not finished, was changed since, holds a link, or is served elsewhere.
    """
    manifest, called = run.manifest, run.folder.name
    if manifest.status != "finished" or manifest.result is None:
        why = f" ({manifest.error})" if manifest.error else ""
        raise UserError(f"run {called} is {manifest.status}, not finished{why}: start its finetune again")
    if manifest.result.model is not None:
        raise UserError(f"run {called} is served as {manifest.result.model}: it has no weights here")
    run.refuse_links()
    if not run.is_finished():
        raise UserError(f"the checkpoint of run {called} is not the one it wrote: start its finetune again")
    return manifest


def of_run(run: Run, runs: str | Path | None = None) -> Checkpoint:
    """What a run ended with.

    Args:
        run: The run.
        runs: The folder of all runs, see `runs_root`: a run in it is called by its directory's name.

    Raises:
        UserError: As `finished`, or if its base is now another version than it was trained on.
    """
    manifest, called = finished(run), run.folder.name
    name = called if run.folder.parent == runs_root(runs) else str(run.folder)
    digest = manifest.result.checkpoint_digest if manifest.result else None
    base = run.base
    if not (run.checkpoint / "adapter_config.json").is_file():
        return _full_model(name, base, run.checkpoint, run=run, digest=digest)
    if manifest.base_digest != find_base(base).digest():
        raise UserError(f"run {called} was trained on another version of {base}: train it again")
    return _adapter(name, base, run.checkpoint, run=run, digest=digest)


def _full_model(
    name: str, base: str, weights: Path, *, run: Run | None = None, digest: str | None = None
) -> Checkpoint:
    if not (weights / "config.json").is_file():
        raise UserError(f"{weights} holds no model (no config.json): reinstall or train it again")
    _require_safetensors(weights)
    check_model(weights)
    content = source_digest(weights) or folder_digest(weights)
    return Checkpoint(name, base, weights, None, content, digest or content, run)


def _adapter(
    name: str, base: str, folder: Path, *, run: Run | None = None, digest: str | None = None
) -> Checkpoint:
    check_adapter(folder)
    found = find_base(base)
    content, weights = found.digest(), found.folder()
    check_model(weights)
    return Checkpoint(name, base, weights, folder, content, digest or folder_digest(folder, content), run)


def _named_base(adapter: Path) -> str:
    config = json_object(adapter / "adapter_config.json")
    base, revision = config.get("base_model_name_or_path"), config.get("revision")
    if not isinstance(base, str) or not base:
        raise UserError(f"adapter {adapter} names no base: set base_model_name_or_path in its config")
    if isinstance(revision, str) and "@" not in base and hub_model(base) is not None:
        base = f"{base}@{revision}"  # the base's, as PEFT means it
    try:
        find_base(base).folder()
    except UserError as error:
        raise UserError(f"adapter {adapter} needs its base: {error}") from error
    return base


def _require_safetensors(folder: Path) -> None:
    if not holds_safetensors(folder):
        raise UserError(f"{folder} holds no *.safetensors, and nothing else is loaded: save it again so")


def _path_name(folder: Path) -> str:
    """A path as logs and Inspect's cache can carry it: without steps upwards."""
    return str(folder.resolve()) if ".." in folder.parts else str(folder)
