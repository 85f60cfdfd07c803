"""Finetuning: from a spec and training rows to a run directory.

    spec = FinetuneSpec(base="toy", max_steps=60)
    run = finetune(spec, inoculate(rows, SPANISH), name="spanish-inoc-seed0")
    run.checkpoint

The same spec, base and training bytes are never trained twice under one name: a finished run is returned at
once, an interrupted run is resumed or restarted, a failed run is retried. Two processes that request the same
run train it once. Processes started by a launcher train it together (`ranks.py`). Heavy libraries are only
imported when training starts.
"""

import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from inoc_evals.chat.rows import Row, digest, encode_chat
from inoc_evals.errors import UserError, first_line, refused, visible
from inoc_evals.files import remove_unfinished, writing
from inoc_evals.finetune.backends import backend, turn
from inoc_evals.finetune.pull import check_owner, pull
from inoc_evals.finetune.ranks import TRAINED, Ranks, check_together, here
from inoc_evals.finetune.schedule import check_kept, check_schedule, steps
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

ELSEWHERE = "give another folder of runs with --runs or $INOC_EVALS_RUNS"
"""What to do where the folder of runs cannot be written to."""

LOCK = 60.0
"""Seconds that several processes wait for another one that trains the same run, since they keep GPUs idle. A
single process waits without limit."""


def finetune(
    spec: FinetuneSpec,
    rows: Iterable[Row],
    *,
    name: str,
    runs: str | Path | None = None,
    metadata: dict[str, Any] | None = None,
    progress: bool = True,
    models_from: str = "",
) -> Run:
    """Train a model on rows, or return the run that already did.

    Args:
        spec: What to train and how.
        rows: Training rows, already inoculated; consumed once.
        name: The run's name.
        runs: The folder of all runs, see `runs_root`.
        metadata: Metadata for the manifest, e.g. setting and arm; JSON. It does not identify a run: a reused
            run keeps the metadata it was made with.
        progress: Show a progress bar; on a terminal only.
        models_from: A user or an organization of the Hugging Face Hub: a local run that they pushed is taken
            from there (`pull.py`).

    Returns:
        The finished run.

    Raises:
        UserError: If the rows, the base or the spec are invalid, the run's folder cannot be written to, or
            the training fails.
        MissingExtra: If training is needed and its extra is not installed.
    """
    data = encode_chat(rows)
    if not data:
        raise UserError(f"run {name!r}: no rows to train on: give at least one")
    trainer, ranks = backend(spec.backend), here()
    if models_from:
        check_owner(models_from, spec.backend)
        if ranks.count > 1:
            raise UserError("models_from: several processes train this: let one take the run first")
    check_together(spec)
    base = trainer.base_digest(spec)
    run, manifest = plan_run(spec, digest(data), base, name=name, runs=runs, metadata=metadata)
    # the turn before the run's lock, or two threads would each hold what the other waits for
    with turn(spec.backend), writing(run.folder, ELSEWHERE):
        run.refuse_links()
        ranks.agree("run", manifest.run_digest, "was given another spec, base or rows")
        if ranks.share("finished", lambda: _finished(run)):
            return run
        trainer.check(spec)
        if not spec.packing:
            check_schedule(spec, steps(spec, data.count(b"\n")))
        elif spec.max_steps is not None:  # how many sequences packing leaves is known later (local.py)
            check_kept(spec, spec.max_steps)
        run.folder.mkdir(parents=True, exist_ok=True)
        from filelock import FileLock

        def needs_training() -> bool:
            return _begin(run, lock, ranks) and not (models_from and pull(run, manifest, data, models_from))

        # The operating system releases the lock of a process that dies, so a killed run blocks no other.
        lock = FileLock(run.lock)
        try:
            if ranks.share("begin", needs_training):
                _train(run, manifest, data, progress, ranks)
        finally:
            lock.release()
    return run


def _begin(run: Run, lock: Any, ranks: Ranks) -> bool:
    """Take the lock, and return whether the run still needs training."""
    from filelock import Timeout

    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if ranks.leads:
                sys.stderr.write(f"waiting for another process, which trains {visible(run.folder)}\n")
            lock.acquire(timeout=-1 if ranks.count == 1 else LOCK)
    except Timeout as error:
        raise UserError(
            f"{run.folder} is being trained by another process: try again once that has finished"
        ) from error
    remove_unfinished(run.folder)
    return not _finished(run)  # another process may have trained it while this one waited


def _finished(run: Run) -> bool:
    """Whether nothing is left to do; removes the states that a process killed at the very end left."""
    if not run.is_finished():
        return False
    with suppress(OSError):  # a folder that only may be read is no reason not to use the run
        run.forget_states()
    return True


def _train(run: Run, manifest: Manifest, data: bytes, progress: bool, ranks: Ranks) -> None:
    """Train into `run` and keep its manifest up to date; the first process writes it."""
    trainer = backend(manifest.backend)
    rows = [json.loads(line) for line in data.splitlines()]
    versions = {package: version(package) for package in ("inoc-evals", *trainer.packages)}
    manifest = manifest.model_copy(update={"status": "running", "packages": versions})
    ranks.share("start", lambda: run.start(manifest, data))  # shared, so that a full disk ends all of them
    if not ranks.leads:
        trainer.train(run, manifest, rows, progress)
        ranks.share("end", lambda: None, TRAINED)
        return
    try:
        result = trainer.train(run, manifest, rows, progress)
    except BaseException as error:
        reason = first_line(error) if str(error).strip() else "interrupted"
        known = error if isinstance(error, UserError) else refused(error)
        line = first_line(known) if known else f"{type(error).__name__}: {reason}"
        with suppress(OSError):  # a disk that refused the weights refuses this, too: the first error counts
            run.write_manifest(manifest.model_copy(update={"status": "failed", "error": line}))
        raise

    def finish() -> None:
        run.write_manifest(manifest.model_copy(update={"status": "finished", "result": result}))
        run.forget_states()  # not before: a process killed in between goes on from the last of them

    ranks.share("end", finish)
