"""How a model is trained: a spec and rows go in, a run directory comes out.

    spec = FinetuneSpec(base="toy", max_steps=60)
    run = finetune(spec, inoculate(rows, SPANISH), name="spanish-inoc-seed0")
    run.checkpoint

The same spec, base and training bytes never train twice under one name: a finished run is returned at once,
one that was killed is resumed or begun again, one that failed is tried again. Two processes that ask for the
same run train it once. Several that a launcher started train it together (`ranks.py`). Nothing heavy is
imported until something is to be trained.
"""

import json
import shutil
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from inoc_evals.chat.rows import Row, digest, encode_chat
from inoc_evals.errors import UserError
from inoc_evals.files import remove_unfinished, write_whole
from inoc_evals.finetune.backends import backend
from inoc_evals.finetune.ranks import TRAINED, Ranks, check_together, here
from inoc_evals.runs.directory import (
    Manifest,
    Result,
    Run,
    find_run,
    list_runs,
    plan_run,
    runs_root,
)
from inoc_evals.runs.spec import FinetuneSpec, LoraSpec, OpenAISpec

__all__ = [
    "FinetuneSpec",
    "LoraSpec",
    "Manifest",
    "OpenAISpec",
    "Result",
    "Run",
    "find_run",
    "finetune",
    "list_runs",
    "runs_root",
]

LOCK = 60.0
"""Seconds that several processes wait for one that trains the same run. One waits as long as it takes: it
holds no GPUs idle."""


def finetune(
    spec: FinetuneSpec,
    rows: Iterable[Row],
    *,
    name: str,
    runs: str | Path | None = None,
    metadata: dict[str, Any] | None = None,
    progress: bool = True,
) -> Run:
    """Train a model on rows, or return the run that already did.

    Args:
        spec: What to train and how.
        rows: Training rows, already inoculated; consumed once.
        name: What to call the run.
        runs: The folder that runs live in, see `runs_root`.
        metadata: Words of the caller's own for the manifest, e.g. setting and arm; JSON. They are no part of
            what identifies a run: a run that is reused keeps the metadata it was made with.
        progress: Show a progress bar; on a terminal only.

    Returns:
        The finished run.

    Raises:
        UserError: If the rows, the base or the spec cannot be trained, or the training breaks down.
        MissingExtra: If something is to be trained and the extra that does it is not installed.
    """
    data = encode_chat(rows)
    if not data:
        raise UserError(f"run {name!r}: there are no rows to train on")
    trainer, ranks = backend(spec.backend), here()
    check_together(spec)
    base = trainer.base_digest(spec)
    run, manifest = plan_run(spec, digest(data), base, name=name, runs=runs, metadata=metadata)
    run.refuse_links()
    ranks.agree("run", manifest.run_digest, "was given another spec, base or rows")
    if ranks.share("finished", run.is_finished):
        return run
    trainer.check(spec)
    run.folder.mkdir(parents=True, exist_ok=True)
    from filelock import FileLock

    # The operating system frees the lock of a process that dies, so a killed run blocks nobody.
    lock = FileLock(run.lock)
    try:
        if ranks.share("begin", lambda: _begin(run, lock, ranks)):
            _train(run, manifest, data, progress, ranks)
    finally:
        lock.release()
    return run


def _begin(run: Run, lock: Any, ranks: Ranks) -> bool:
    """Take the lock, and say whether there is still something to train."""
    from filelock import Timeout

    try:
        lock.acquire(timeout=-1 if ranks.count == 1 else LOCK)
    except Timeout as error:
        raise UserError(f"{run.folder} is being trained by another process: start again after it") from error
    remove_unfinished(run.folder)
    return not run.is_finished()  # another process may have trained it while this one waited


def _train(run: Run, manifest: Manifest, data: bytes, progress: bool, ranks: Ranks) -> None:
    """Train into `run`, keeping its manifest true at every moment; the first process writes it."""
    trainer = backend(manifest.backend)
    rows = [json.loads(line) for line in data.splitlines()]
    if not ranks.leads:
        trainer.train(run, manifest, rows, progress)
        ranks.share("end", lambda: None, TRAINED)
        return
    versions = {package: version(package) for package in ("inoc-evals", *trainer.packages)}
    manifest = manifest.model_copy(update={"status": "running", "packages": versions})
    shutil.rmtree(run.checkpoint, ignore_errors=True)  # of a run whose checkpoint was damaged
    write_whole(run.rows, data)
    run.write_manifest(manifest)
    try:
        result = trainer.train(run, manifest, rows, progress)
    except BaseException as error:
        reason = next(iter(str(error).strip().splitlines()), "interrupted")
        line = reason if isinstance(error, UserError) else f"{type(error).__name__}: {reason}"
        run.write_manifest(manifest.model_copy(update={"status": "failed", "error": line}))
        raise
    run.write_manifest(manifest.model_copy(update={"status": "finished", "result": result}))
    ranks.share("end", lambda: None)
