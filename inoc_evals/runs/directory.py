"""The run directory: what one finetune was made of, how far it got, and what came out.

    run = find_run("spanish-inoc-seed0")        # by name, directory name or path
    run.manifest.status                         # "finished"
    run.manifest.result.loss_last
    run.checkpoint                              # a folder that PEFT or transformers loads

A run lives in `<runs>/<name>-<12 hex>/`, where the hex digits name spec, base and training bytes together:

    manifest.json   what it is and how it went, rewritten whole at each change
    rows.jsonl      the exact training bytes
    loss.jsonl      step, loss and learning rate, one line a step
    checkpoint/     the adapter or the model, as safetensors; appears whole, and only at the end
"""

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from inoc_evals.digests import content_files, fingerprint, folder_digest
from inoc_evals.errors import UserError
from inoc_evals.files import read_json_lines, write_whole
from inoc_evals.runs.spec import Backend, FinetuneSpec

Status = Literal["pending", "running", "finished", "failed"]

RUNS_VARIABLE = "INOC_EVALS_RUNS"
DEFAULT_RUNS = "runs"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
DIGEST_LENGTH = 12
DYNAMICS = "dynamics.jsonl"
"""File in a run directory with the log-probs of fixed responses over the steps."""


class Result(BaseModel):
    """What a finished finetune did.

    Attributes:
        steps: Optimizer steps.
        epochs: Passes over the rows.
        loss_first: Mean loss per trained token at the first step, in nats.
        loss_last: The same at the last step.
        seconds: Wall-clock time of the training that finished, without loading.
        resumed_at: The step that this training went on from after one that was killed, else 0.
        device: Where it ran, e.g. `cpu` or the GPU's name.
        processes: How many trained it together.
        precision: Number format of the computation, `bf16` or `fp32`.
        rows: Rows trained on.
        rows_cut: Rows of which `max_length` cut off the end.
        loss_tokens: Tokens in one pass that carry loss.
        checkpoint_digest: See `checkpoint_digest`; of a model elsewhere, the digest of its address.
        checkpoint_files: Size in bytes of each file of the checkpoint; none of a model elsewhere.
        model: Where the model is served, if that is elsewhere, by Inspect's name (`openai/ft:...`).
        base_url: The server that serves it, where it is not the provider's own.
        job: The id of the job that trained it there.
        billed_tokens: Tokens that the backend says it trained on.
    """

    model_config = ConfigDict(frozen=True)

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
        name: What the user calls the run.
        status: How far it got. `running` with nobody at work is a run that was killed.
        error: Why it failed, in one line.
        spec: What was asked for.
        spec_digest: Digest of the spec.
        data_digest: sha256 of the training bytes.
        base_digest: Digest of the base model, see `inoc_evals.models.base`.
        run_digest: Digest of the three together; it ends the directory's name.
        backend: Who trains.
        base: The base model.
        seed: The seed.
        packages: Versions of the packages that did the work.
        metadata: The caller's own words on the run, e.g. its setting and arm.
        created: When the run was first asked for, ISO 8601 in UTC.
        result: What came out, once finished.
    """

    model_config = ConfigDict(frozen=True)

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


@dataclass(frozen=True)
class Run:
    """One run directory.

    Attributes:
        folder: The directory, absolute.
    """

    folder: Path

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
    def lock(self) -> Path:
        """The file that whoever trains here holds locked."""
        return self.folder / ".lock"

    @property
    def manifest(self) -> Manifest:
        """The manifest as it is on disk now.

        Raises:
            UserError: If there is none, or it cannot be read.
        """
        path = self.folder / "manifest.json"
        if path.is_symlink():
            raise UserError(f"{path} is a link: a run directory holds its own files")
        try:
            return Manifest.model_validate_json(path.read_bytes())
        except OSError as error:
            raise UserError(f"{self.folder} is not a run directory (no manifest.json)") from error
        except (ValidationError, UserError) as error:
            raise UserError(f"{path} is no manifest that this version reads: remove its folder") from error

    def refuse_links(self) -> None:
        """Refuse a run directory with a link in it: what is read or written there would lie elsewhere.

        Raises:
            UserError: If there is one; says where.
        """
        for file in self.folder.rglob("*"):
            if file.is_symlink():
                raise UserError(f"{file} is a link: a run directory holds its own files, remove it")

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest in one move, so that nobody ever reads half of one."""
        write_whole(self.folder / "manifest.json", manifest.model_dump_json(indent=2).encode() + b"\n")

    def is_finished(self) -> bool:
        """Whether the run is finished and its checkpoint is, byte for byte, the one that it wrote.

        Sizes are compared first. The digest of a full 7B model then takes some ten seconds, little beside
        what it guards: an evaluation of weights that nobody trained.
        """
        if not (self.folder / "manifest.json").is_file():
            return False
        manifest = self.manifest
        if manifest.status != "finished" or manifest.result is None:
            return False
        if manifest.result.model is not None:
            return not manifest.result.checkpoint_files
        if not manifest.result.checkpoint_files:
            return False
        if checkpoint_files(self.checkpoint) != manifest.result.checkpoint_files:
            return False
        return checkpoint_digest(self.checkpoint, manifest.base_digest) == manifest.result.checkpoint_digest


def read_dynamics(folder: Path) -> list[dict[str, Any]]:
    """Read the log-probs that a run's probe took, up to the first line that a killed process left by half.

    Args:
        folder: The run directory.

    Returns:
        Rows of `step`, `trait`, `id`, `logprob` (of the whole response, in nats) and `tokens`; none where
        the run had no probe.
    """
    return read_json_lines(folder / DYNAMICS)


def runs_root(runs: str | Path | None = None) -> Path:
    """The folder that runs live in: the one given, else `$INOC_EVALS_RUNS`, else `./runs`."""
    return Path(runs or os.environ.get(RUNS_VARIABLE) or DEFAULT_RUNS).expanduser().resolve()


def find_run(name: str | Path, runs: str | Path | None = None) -> Run:
    """Look a run up.

    Args:
        name: A run directory's path, its directory name, or a run's name if only one run has it.
        runs: The folder that runs live in, see `runs_root`.

    Returns:
        The run, in whatever state it is.

    Raises:
        UserError: If there is no such run, or several.
    """
    for folder in (Path(name).expanduser(), runs_root(runs) / name):
        if (folder / "manifest.json").is_file():
            return Run(folder.resolve())
    found = [run for run in list_runs(runs) if _named(run, str(name))]
    if len(found) > 1:
        names = ", ".join(run.folder.name for run in found)
        raise UserError(f"{len(found)} runs are named {str(name)!r}, say which: {names}")
    if not found:
        raise UserError(f"no run {str(name)!r} in {runs_root(runs)} (${RUNS_VARIABLE} names another folder)")
    return found[0]


def _named(run: Run, name: str) -> bool:
    """Whether a run has this name; one whose manifest is broken has none, and hides no other."""
    try:
        return run.manifest.name == name
    except UserError:
        return False


def list_runs(runs: str | Path | None = None) -> list[Run]:
    """All runs, in whatever state, by directory name.

    Args:
        runs: The folder that runs live in, see `runs_root`.

    Returns:
        The runs; none where the folder does not exist.
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
    """Say where a run lives and what its manifest says at first, without touching the disk.

    Args:
        spec: What is asked for.
        data_digest: sha256 of the training bytes.
        base_digest: Digest of the base model.
        name: What to call the run.
        runs: The folder that runs live in, see `runs_root`.
        metadata: The caller's own words on the run; JSON.

    Returns:
        The run and a manifest with status `pending`.

    Raises:
        UserError: If the name cannot name a directory, or the metadata is not JSON.
    """
    if not NAME.fullmatch(name):
        raise UserError(f"run name {name!r}: use letters, digits, '.', '_' and '-', no sign first")
    try:
        metadata = json.loads(json.dumps(metadata or {}, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise UserError(f"metadata of run {name!r} is not JSON: {error}") from error
    identity = {"spec": spec.digest, "data": data_digest, "base": base_digest}
    run_digest = fingerprint(identity)
    manifest = Manifest(
        name=name,
        status="pending",
        spec=spec,
        spec_digest=spec.digest,
        data_digest=data_digest,
        base_digest=base_digest,
        run_digest=run_digest,
        backend=spec.backend,
        base=spec.base,
        seed=spec.seed,
        metadata=metadata or {},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return Run(runs_root(runs) / f"{name}-{run_digest[:DIGEST_LENGTH]}"), manifest


def checkpoint_digest(folder: Path, base_digest: str) -> str:
    """Digest a checkpoint: its safetensors, configuration and, where it has one, its tokenizer.

    Args:
        folder: The adapter or model folder.
        base_digest: Digest of the base; for an adapter it stands for the path of the base on this machine.

    Returns:
        sha256 in hex, the same as `folder_digest(folder, base=base_digest)`.
    """
    return folder_digest(folder, base=base_digest)


def checkpoint_files(folder: Path) -> dict[str, int]:
    """Size in bytes of each file that the digest is taken of; empty where there is no folder."""
    return {file.name: file.stat().st_size for file in content_files(folder)}
