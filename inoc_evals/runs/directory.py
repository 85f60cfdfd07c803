"""The run directory: the inputs, status and results of one finetune.

    run = find_run("spanish-inoc-seed0")        # by name, directory name or path
    run.manifest.status                         # "finished"
    run.manifest.result.loss_last
    run.checkpoint                              # a folder that PEFT or transformers can load

A run is stored in `<runs>/<name>-<12 hex>/`, where the hex digits identify spec, base and training bytes:

    manifest.json   inputs, status and result; each change replaces the whole file
    rows.jsonl      the exact training bytes
    loss.jsonl      step, loss and learning rate, one line per step
    checkpoint/     the adapter or the model, as safetensors; appears complete, at the end of training
    steps/64/       the same after step 64, where the spec keeps it
    training/       states of an unfinished training, to go on from; removed when the manifest says finished
"""

import json
import os
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from inoc_evals.digests import content_sizes, fingerprint, folder_digest
from inoc_evals.errors import UserError
from inoc_evals.files import read_json_lines, write_whole
from inoc_evals.notebooks import html_table
from inoc_evals.runs.spec import IN_RUNS, Backend, FinetuneSpec
from inoc_evals.user_files import given, user_path

Status = Literal["pending", "running", "finished", "failed"]

RUNS_VARIABLE = "INOC_EVALS_RUNS"
DEFAULT_RUNS = "runs"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
DIGEST_LENGTH = 12
LOADED_HERE = ("hf", "inoc", "nnterp", "transformer_lens")
"""Inspect's providers that load a model on this machine; no run is served by them."""

STARTED_HERE = ("vllm", "sglang")
"""Those that load it on this machine unless a server is named, by `base_url` or e.g. `VLLM_BASE_URL`."""

DYNAMICS = "dynamics.jsonl"
"""File in a run directory with the log-probs of fixed responses during training."""


TAKEN_FROM = "taken_from"
"""Where a manifest's metadata says which repository and commit of the Hub a run was taken from."""


class Result(BaseModel):
    """The result of a finished finetune.

    Attributes:
        steps: Optimizer steps.
        epochs: Passes over the rows.
        loss_first: Mean loss per trained token at the first step, in nats.
        loss_last: The same at the last step.
        seconds: Wall-clock time of the training, without loading and without interrupted attempts.
        resumed_at: The step that this training resumed from after an interruption, else 0.
        device: The device, e.g. `cpu` or the GPU's name.
        processes: Number of training processes.
        precision: Number format of the computation, `bf16` or `fp32`.
        rows: Number of training rows.
        rows_cut: Number of rows truncated to `max_length`.
        loss_tokens: Tokens with loss in one pass over the rows.
        checkpoint_digest: See `digests.folder_digest`; for a remote model, the digest of its address.
        checkpoint_files: Size in bytes of each file of the checkpoint; empty for a remote model.
        model: For a remote model, its name in Inspect (`openai/ft:...`).
        base_url: The server of a remote model, if it is not the provider's default.
        job: The id of the remote training job.
        billed_tokens: Number of training tokens as reported by the backend.
    """

    model_config = ConfigDict(frozen=True, defer_build=True, hide_input_in_errors=True)

    steps: int | None = None
    epochs: float | None = None
    loss_first: float | None = None
    loss_last: float | None = None
    seconds: float | None = None
    resumed_at: int = 0
    device: str | None = None
    processes: int = 1
    precision: str | None = None
    rows: int | None = None
    rows_cut: int = 0
    loss_tokens: int | None = None
    checkpoint_digest: str
    checkpoint_files: dict[str, int] = {}
    model: str | None = None
    base_url: str | None = None
    job: str | None = None
    billed_tokens: int | None = None


class Manifest(BaseModel):
    """The content of `manifest.json`.

    Attributes:
        name: The run's name, chosen by the user.
        status: The status. A run that was killed keeps the status `running`.
        error: Why it failed, in one line.
        spec: The spec.
        spec_digest: Digest of the spec.
        data_digest: sha256 of the training bytes.
        base_digest: Digest of the base model, see `inoc_evals.models.base`.
        run_digest: Digest of the three digests; the directory's name ends in its first digits.
        backend: Where training runs.
        base: The base model.
        seed: The seed.
        packages: Versions of the packages that did the training.
        metadata: Metadata from the caller, e.g. setting and arm.
        created: When the run was first requested, ISO 8601 in UTC.
        result: The result, once finished.
    """

    model_config = ConfigDict(frozen=True, defer_build=True, hide_input_in_errors=True)

    name: str
    status: Status
    error: str | None = None
    spec: FinetuneSpec
    spec_digest: str
    data_digest: str
    base_digest: str
    run_digest: str
    backend: Backend
    base: str
    seed: int
    packages: dict[str, str] = {}
    metadata: dict[str, Any] = {}
    created: str
    result: Result | None = None

    @property
    def taken_from(self) -> str:
        """The Hub's repository that it was taken from (`finetune/pull.py`); empty if it was trained here."""
        about = self.metadata.get(TAKEN_FROM)
        return str(about.get("repository") or "") if isinstance(about, dict) else ""


@dataclass(frozen=True)
class Run:
    """One run directory.

    Attributes:
        folder: The directory, absolute.
    """

    folder: Path

    def _repr_html_(self) -> str:
        """What a notebook shows of it; of one whose manifest cannot be read, why."""
        try:
            manifest = self.manifest
        except UserError as error:
            return html_table(self.folder.name, {"broken": str(error)})
        result = manifest.result
        about = {
            "evaluate it as": f"inoc/{self.folder.name}",
            "status": f"{manifest.status}: {manifest.error}" if manifest.error else manifest.status,
            **{"base": manifest.base, "backend": manifest.backend, "seed": manifest.seed},
        }
        if result is not None:
            about |= {"rows": result.rows, "steps": result.steps, "seconds": result.seconds}
            about["loss, first and last step"] = f"{result.loss_first} {result.loss_last}"
        return html_table(manifest.name, {**about, "folder": self.folder})

    @property
    def rows(self) -> Path:
        """The exact training bytes."""
        return self.folder / "rows.jsonl"

    @property
    def losses(self) -> Path:
        """The loss curve, JSON lines of `step`, `loss` (nats a token) and `lr`."""
        return self.folder / "loss.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The adapter or model folder."""
        return self.folder / "checkpoint"

    @property
    def merged(self) -> Path:
        """The full model that a later finetune starts from, if one did (`finetune/merged.py`)."""
        return self.folder / "merged"

    @property
    def steps(self) -> Path:
        """The folder of the checkpoints of earlier steps, each named by its step; see `kept_steps`."""
        return self.folder / "steps"

    @property
    def states(self) -> Path:
        """The folder of the states of an unfinished training; a finished run needs none."""
        return self.folder / "training"

    @property
    def state_elsewhere(self) -> Path:
        """Where the state of an unfinished training at Tinker is; a finished run needs none."""
        return self.folder / "tinker.json"

    def forget_states(self) -> None:
        """Remove the states of a finished run, of each first the file that makes it one to go on from."""
        self.state_elsewhere.unlink(missing_ok=True)
        for file in self.states.glob("*/trainer_state.json"):
            file.unlink(missing_ok=True)
        shutil.rmtree(self.states, ignore_errors=True)

    def forget_steps(self, after: int) -> None:
        """Remove the checkpoints of later steps: a training that goes on from a state makes them again.

        Args:
            after: The step that the training goes on from; 0 if it begins.
        """
        for step, folder in self.kept().items():
            if step > after:
                shutil.rmtree(folder, ignore_errors=True)

    def kept(self) -> dict[int, Path]:
        """The checkpoints of earlier steps that it kept, by step."""
        found = self.steps.iterdir() if self.steps.is_dir() else ()
        numbered = {int(path.name): path for path in found if path.name.isdigit()}
        return {step: numbered[step] for step in sorted(numbered)}

    @property
    def lock(self) -> Path:
        """The lock file, which the training process holds."""
        return self.folder / ".lock"

    @property
    def manifest(self) -> Manifest:
        """The manifest, read from disk each time.

        Raises:
            UserError: If it is missing or cannot be read.
        """
        path = self.folder / "manifest.json"
        if path.is_symlink():
            raise UserError(f"{path} is a link, which a run directory must not contain: remove it")
        if not path.exists():
            raise UserError(f"{self.folder} is not a run directory (no manifest.json)")
        data = given(path)
        try:
            manifest = Manifest.model_validate_json(data)
        except (ValidationError, UserError) as error:
            raise UserError(f"{path} cannot be read by this version: remove its folder") from error
        if manifest.result is not None and (manifest.result.model or "").startswith("inoc/"):
            raise UserError(
                f"{path} names {manifest.result.model} as its server: no run is served by another"
            )
        return manifest

    def refuse_links(self) -> None:
        """Refuse a run directory that contains a symbolic link, which could point outside of it.

        Raises:
            UserError: If it contains one; the message names it.
        """
        for file in self.folder.rglob("*"):
            if file.is_symlink():
                raise UserError(f"{file} is a link, which a run directory must not contain: remove it")

    @property
    def base(self) -> str:
        """The base, where it is now: of a moved or copied folder of runs, one that is in it moved along."""
        base = self.manifest.base
        inside = IN_RUNS.search(base)
        if inside is None or Path(base).is_dir():
            return base
        beside = self.folder.parent / inside["run"] / inside["part"]
        return str(beside) if beside.is_dir() else base

    def start(self, manifest: Manifest, data: bytes) -> None:
        """Begin a training: remove an earlier checkpoint and what was merged, write rows, then the manifest.

        Args:
            manifest: With status `running`.
            data: The training bytes.
        """
        for folder in (self.checkpoint, self.merged):
            shutil.rmtree(folder, ignore_errors=True)
        write_whole(self.rows, data)
        self.write_manifest(manifest)

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest atomically, so that readers never see an incomplete one."""
        write_whole(self.folder / "manifest.json", manifest.model_dump_json(indent=2).encode() + b"\n")

    def is_finished(self) -> bool:
        """Whether the run is finished and its checkpoint is byte for byte the one that training wrote.

        Sizes are compared first, then digests. The digest of a full 7B model takes about ten seconds, a small
        price for never evaluating the wrong weights.
        """
        if not (self.folder / "manifest.json").is_file():
            return False
        manifest = self.manifest
        if not self.seems_finished(manifest) or manifest.result is None:
            return False
        if manifest.result.model is not None:
            return True
        return folder_digest(self.checkpoint, manifest.base_digest) == manifest.result.checkpoint_digest

    def seems_finished(self, manifest: Manifest) -> bool:
        """The same by the names and sizes of the checkpoint's files alone, which takes no time.

        Args:
            manifest: The run's.
        """
        result = manifest.result
        if manifest.status != "finished" or result is None:
            return False
        if result.model is not None:
            return not result.checkpoint_files
        return bool(result.checkpoint_files) and content_sizes(self.checkpoint) == result.checkpoint_files


def lost_files(run: Run, manifest: Manifest) -> str | None:
    """Why a run that is finished cannot be used any more, by names and sizes alone; None if it can.

    Args:
        run: The run.
        manifest: Its manifest.
    """
    result = manifest.result
    if manifest.status != "finished" or result is None or result.model is not None:
        return None
    if not run.checkpoint.is_dir():
        return "its checkpoint is missing: train it anew"
    if result.checkpoint_files and not run.seems_finished(manifest):
        return "files of its checkpoint are missing or were changed: train it anew"
    return None


def is_served(model: str, base_url: str | None) -> bool:
    """Whether a model answers on a server, and is not loaded from a path of this machine.

    A manifest may come from elsewhere: no name in it leads to weights outside of its run.

    Args:
        model: The model's name in Inspect, starting with the provider.
        base_url: Its server, if it is not the provider's default.
    """
    provider, _, name = model.partition("/")
    if provider in LOADED_HERE or not name:
        return False
    server = base_url or os.environ.get(f"{provider.upper()}_BASE_URL")
    is_path = name.startswith(("/", "~", ".")) or ".." in Path(name).parts
    return bool(server) or not (provider in STARTED_HERE or is_path)


def read_dynamics(folder: Path) -> list[dict[str, Any]]:
    """Read the log-probs that a run's probe measured, up to the first incomplete line.

    Args:
        folder: The run directory.

    Returns:
        Rows of `step`, `trait`, `id`, `logprob` (of the whole response, in nats) and `tokens`; empty if the
        run has no probe.
    """
    return read_json_lines(folder / DYNAMICS)


def runs_root(runs: str | Path | None = None) -> Path:
    """The folder of all runs: the argument, else `$INOC_EVALS_RUNS`, else `./runs`."""
    named = os.environ.get(RUNS_VARIABLE)
    try:
        return user_path(runs or named or DEFAULT_RUNS).resolve()
    except UserError as error:
        if runs or not named:
            raise
        raise UserError(f"${RUNS_VARIABLE}: {error.message}") from error


def find_run(name: str | Path, runs: str | Path | None = None) -> Run:
    """Look up a run.

    Args:
        name: A run directory's path, its directory name, or a run's name if only one run has it.
        runs: The folder of all runs, see `runs_root`.

    Returns:
        The run, with any status.

    Raises:
        UserError: If no run or more than one matches.
    """
    run = run_named(name, runs)
    if run is None:
        raise UserError(no_run(name, runs))
    return run


def run_named(name: str | Path, runs: str | Path | None = None) -> Run | None:
    """Look up a run; None where nothing has that name.

    Args:
        name: As for `find_run`.
        runs: The folder of all runs, see `runs_root`.

    Raises:
        UserError: If more than one has it.
    """
    for folder in (user_path(name), user_path(runs_root(runs) / name)):
        if (folder / "manifest.json").is_file():
            return Run(folder.resolve())
    matches = [run for run in list_runs(runs) if _has_name(run, str(name))]
    if len(matches) > 1:
        names = ", ".join(run.folder.name for run in matches)
        raise UserError(f"{len(matches)} runs are named {str(name)!r}, use a directory name: {names}")
    return matches[0] if matches else None


def no_run(name: str | Path, runs: str | Path | None = None) -> str:
    """What is said where nothing has the name of a run, and where runs were looked for."""
    return f"no run {str(name)!r} in {runs_root(runs)} (${RUNS_VARIABLE} names another folder)"


def _has_name(run: Run, name: str) -> bool:
    """Whether a run has this name; a run whose manifest cannot be read has none."""
    try:
        return run.manifest.name == name
    except UserError:
        return False


def list_runs(runs: str | Path | None = None) -> list[Run]:
    """All runs with any status, sorted by directory name.

    Args:
        runs: The folder of all runs, see `runs_root`.

    Returns:
        The runs; empty if the folder does not exist.
    """
    return [Run(manifest.parent) for manifest in sorted(runs_root(runs).glob("*/manifest.json"))]


def plan_run(
    spec: FinetuneSpec,
    data_digest: str,
    base_digest: str,
    *,
    name: str,
    runs: str | Path | None = None,
    metadata: dict[str, Any] | None = None,
) -> tuple[Run, Manifest]:
    """Compute the path and the initial manifest of a run, without touching the disk.

    Args:
        spec: The spec.
        data_digest: sha256 of the training bytes.
        base_digest: Digest of the base model.
        name: The run's name.
        runs: The folder of all runs, see `runs_root`.
        metadata: Metadata of the run, e.g. setting and arm; JSON.

    Returns:
        The run and a manifest with status `pending`.

    Raises:
        UserError: If the name is not a valid directory name, or the metadata is not JSON.
    """
    if not NAME.fullmatch(name):
        raise UserError(
            f"run name {name!r}: start with a letter or digit, then use letters, digits, '.', '_', '-'"
        )
    try:
        text = json.dumps(metadata or {}, allow_nan=False, ensure_ascii=False)
        metadata = json.loads(text.encode())  # which half characters cannot be
    except (TypeError, ValueError) as error:
        raise UserError(f"metadata of run {name!r} is not JSON: {error}") from error

    def named(spec_digest: str) -> tuple[Run, str]:
        run_digest = fingerprint({"spec": spec_digest, "data": data_digest, "base": base_digest})
        return Run(runs_root(runs) / f"{name}-{run_digest[:DIGEST_LENGTH]}"), run_digest

    spec_digest = spec.digest
    run, run_digest = named(spec_digest)
    if (old := spec.digest_with(spec.base)) != spec_digest and named(old)[0].folder.is_dir():
        (run, run_digest), spec_digest = named(old), old  # of before bases in runs counted by name
    manifest = Manifest(
        name=name,
        status="pending",
        spec=spec,
        spec_digest=spec_digest,
        data_digest=data_digest,
        base_digest=base_digest,
        run_digest=run_digest,
        backend=spec.backend,
        base=spec.base,
        seed=spec.seed,
        metadata=metadata or {},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return run, manifest
