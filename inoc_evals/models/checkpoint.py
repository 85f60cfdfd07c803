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
    HUB,
    SHIPPED,
    Base,
    GgufFile,
    HubModel,
    find_base,
    holds_safetensors,
    hub_model,
    on_hub,
)
from inoc_evals.models.gguf import PACKAGE, source_digest
from inoc_evals.models.loading import check_adapter, check_model, load_config
from inoc_evals.runs.directory import Manifest, Run, list_runs, no_run, run_named, runs_root
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


@dataclass(frozen=True)
class Named:
    """What a name means, told by its form and by what exists here, before anything is fetched or loaded.

    Attributes:
        written: The name as it was written, without `inoc/`.
        name: The same without the digest and the step.
        base: The base model that it means, which at the Hub may turn out an adapter.
        run: The run that it means.
        adapter: The folder of a PEFT adapter that it means.
        step: The step that is asked of a run; None for what training ended with.
        pin: What its digest must begin with; empty for any.
        runs: The folder of all runs.

    Of base, run and adapter one is set, or none where nothing here has that name.
    """

    written: str
    name: str
    base: Base | None
    run: Run | None
    adapter: Path | None
    step: int | None
    pin: str
    runs: Path

    @property
    def is_base(self) -> bool:
        """Whether no finetune left it behind; of `hf/ORG/NAME` only the files tell, so it is False."""
        return (self.run, self.adapter, self.step) == (None, None, None) and not self.name.startswith(HUB)

    def checkpoint(self) -> Checkpoint:
        """The checkpoint that it means, see `resolve`."""
        found = self._last()
        if self.step is not None:
            found = _at_step(found, self.step)
        if not found.digest.startswith(self.pin):
            raise UserError(
                f"{found.name} is now {found.versioned_name}, no longer version {self.pin}: "
                f"use inoc/{found.name} to evaluate the present version"
            )
        return found

    def _last(self) -> Checkpoint:
        if self.run is not None:
            return of_run(self.run, self.runs)
        if self.adapter is not None:
            return _adapter(_path_name(self.adapter), _named_base(self.adapter), self.adapter)
        if isinstance(self.base, HubModel):
            return _on_hub(self.base)
        if self.base is None:
            raise _nothing_named(self.name, self.runs)
        plain = self.name in SHIPPED or self.name.startswith(PACKAGE)
        called = self.name if plain else _path_name(user_path(self.name))
        return _full_model(called, self.name, self.base.folder())


def named(name: str, runs: str | Path | None = None) -> Named:
    """Tell what a name means: a base, a run, a step of one, or an adapter.

    Args:
        name: As for `resolve`.
        runs: The folder of all runs, see `runs_root`.

    Raises:
        UserError: If several runs have that name, or it is a folder without a model.
    """
    written, root = name.removeprefix("inoc/"), runs_root(runs)
    pin = PIN.search(written)
    called, step = split_step(PIN.sub("", written))
    base, run, adapter = _kind(called, root)
    return Named(written, called, base, run, adapter, step, pin[1] if pin else "", root)


def _kind(name: str, runs: Path) -> tuple[Base | None, Run | None, Path | None]:
    """Base, run and adapter that a name means: at most one."""
    if name.startswith(HUB):
        return on_hub(name), None, None
    base, folder = find_base(name), user_path(name)
    if name in SHIPPED or isinstance(base, GgufFile):
        return base, None, None
    if (folder / "manifest.json").is_file():
        return None, Run(folder.resolve()), None
    if (folder / "adapter_config.json").is_file():
        return None, None, folder
    if (folder / "config.json").is_file():
        return base, None, None
    may_be_here = folder.parent.exists() or (runs / name).parent.exists()  # a path, mistyped maybe
    if isinstance(base, HubModel) and not may_be_here:
        return base, None, None
    if run := run_named(name, runs):
        return None, run, None
    if folder.is_dir() and "/" in name:
        raise UserError(f"{name} holds no model: neither manifest.json, adapter_config.json nor config.json")
    return None, None, None


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
    return named(name, runs).checkpoint()


def renderer_of(name: str, date: str = DATE) -> Renderer:
    """The tokenizer and chat template that a name means, as training and evaluation use them.

    Args:
        name: A base, run or adapter, as a finetune starts from it.
        date: The date that the template is told, ISO 8601.

    Raises:
        UserError: If nothing has that name, or its tokenizer cannot be loaded.
    """
    found = named(name)
    if found.base is None and found.is_base and isinstance(base := find_base(found.written), HubModel):
        return load_renderer(base.folder(), date=date)
    checkpoint = found.checkpoint()
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


def split_step(name: str) -> tuple[str, int | None]:
    """Split `run@step=64` into the run's name and the step; None for what training ended with."""
    asked = STEP.search(name)
    return STEP.sub("", name), int(asked[1]) if asked else None


def _on_hub(model: HubModel) -> Checkpoint:
    """A full model or an adapter of the Hub."""
    name, base, weights = f"{HUB}{model.name}", model.name, model.folder()
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


def _nothing_named(name: str, runs: Path) -> UserError:
    """What is said of a name that nothing here has: what is close to it."""
    error = no_run(name, runs)
    known = [*SHIPPED, *(run.folder.name for run in list_runs(runs))]
    if close := get_close_matches(name, known, cutoff=0.5):
        return UserError(f"{error}; close to it: {', '.join(close)}")
    if hub_model(name) is not None:
        return UserError(f"{error}; the one of the Hugging Face Hub is inoc/{HUB}{name}")
    return UserError(error)


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
