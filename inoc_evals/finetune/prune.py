"""Find and remove unreferenced runs: runs that no log evaluates and that are not the base of another run.

unused = [Unused.of(run) for run in unreferenced(runs="runs", logs=["logs"])]
removed = remove(unused, runs="runs", logs=["logs"])     # those that still are, and are as they were shown

A run is moved away before it is removed, so that a killed removal leaves no run without its manifest: what is
left of it lies in `RUNS/.pruned`, and goes with the next call (`finish`).
"""

import json
import secrets
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from inoc_evals.errors import UserError, why
from inoc_evals.files import LOG_NAME, files_below
from inoc_evals.locks import LOCK, is_held
from inoc_evals.models.checkpoint import PIN, STEP
from inoc_evals.runs.directory import DIGEST_LENGTH, Manifest, Run, list_runs, runs_root
from inoc_evals.user_files import user_path

PRUNED = ".pruned"
"""Where runs go on their way out; too deep for `list_runs`."""


@dataclass(frozen=True)
class Unused:
    """An unreferenced run, as it was shown to whoever decides.

    Attributes:
        run: The run.
        manifest: Its manifest at that time.
        size: In bytes.
    """

    run: Run
    manifest: Manifest
    size: int

    @staticmethod
    def of(run: Run) -> "Unused":
        """A run as it is now.

        Raises:
            UserError: If its manifest cannot be read.
        """
        return Unused(run, run.manifest, size(run.folder))


def unreferenced(runs: str | Path | None, logs: Iterable[str | Path]) -> list[Run]:
    """The runs that can be deleted.

    Args:
        runs: The folder of all runs, see `runs_root`.
        logs: Folders of Inspect logs, searched recursively, also behind links.

    Returns:
        Runs that no log refers to in its metadata or models, and that are not the base of another run; a run
        in training is never included, nor a link to a run directory: what it leads to may be anyone's.

    Raises:
        UserError: If a log folder does not exist, an experiment is at work in it, or a log or manifest cannot
            be read: then it is unknown which runs it refers to, and none should be deleted.
    """
    existing = list_runs(runs)
    named = set().union(*(_named_by_logs(user_path(folder)) for folder in logs))
    named |= {name for run in existing if (name := _start(run.manifest))}
    bases = {path for run in existing for path in _paths(run.manifest.base)}
    return [
        run
        for run in existing
        if not run.folder.is_symlink() and not _referenced(run, named, bases) and not is_held(run.lock)
    ]


def _start(manifest: Manifest) -> str:
    """The run that a run started from, also where what was merged for it lies in a cache."""
    start = manifest.metadata.get("started_from")
    name = start.get("name") if isinstance(start, dict) else None
    return STEP.sub("", PIN.sub("", name)) if isinstance(name, str) else ""


def _paths(base: str) -> set[Path]:
    """A base as the path that it was given as, and as the one that this leads to, if it can be a path."""
    try:
        path = user_path(base)
        return {path, path.resolve()}
    except (UserError, OSError, ValueError, RuntimeError):
        return {Path(base)}


def remove(unused: Sequence[Unused], runs: str | Path | None, logs: Iterable[str | Path]) -> list[Unused]:
    """Remove runs, after a second look: much may have happened since they were shown.

    Args:
        unused: The runs.
        runs: As of `unreferenced`.
        logs: As of `unreferenced`.

    Returns:
        Those that were removed. One that was trained, or referred to, in the meantime is left.

    Raises:
        UserError: As `unreferenced` does, or if a folder cannot be removed; those that were are gone.
    """
    still = set(unreferenced(runs, logs))
    pruned = runs_root(runs) / PRUNED
    removed = [one for one in unused if one.run in still and _moved(one, pruned)]
    finish(runs)
    return removed


def finish(runs: str | Path | None) -> None:
    """Remove what was moved away, also by an earlier call that was killed.

    Args:
        runs: As of `unreferenced`.

    Raises:
        UserError: If something cannot be removed.
    """
    pruned = runs_root(runs) / PRUNED
    try:
        if pruned.exists():
            shutil.rmtree(pruned)
    except FileNotFoundError:  # another call removes it, too
        pass
    except OSError as error:
        raise UserError(f"{pruned}, which holds removed runs, cannot be removed: {why(error)}") from error


def _moved(unused: Unused, pruned: Path) -> bool:
    """Move a run away, unless it is in training or no longer what was shown."""
    from filelock import FileLock, Timeout

    folder = unused.run.folder
    try:
        with FileLock(unused.run.lock, timeout=0):
            if unused.run.manifest != unused.manifest:
                return False
            pruned.mkdir(exist_ok=True)
            folder.rename(pruned / f"{folder.name}-{secrets.token_hex(3)}")
    except Timeout:
        return False
    except OSError as error:
        raise UserError(f"{folder} cannot be removed: {why(error)}") from error
    return True


def size(folder: Path) -> int:
    """Size of a folder in bytes."""
    total = 0
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a temporary file of someone at work
            total += 0 if file.is_dir() else file.lstat().st_size
    return total


def _referenced(run: Run, named: set[str], bases: set[Path]) -> bool:
    manifest = run.manifest
    identifiers = {run.folder.name, str(run.folder), manifest.run_digest, manifest.name}
    if manifest.result is not None and manifest.result.checkpoint_digest:
        identifiers.add(manifest.result.checkpoint_digest[:DIGEST_LENGTH])
    # A base by the name of the run's folder is this run also where both were moved since, or behind a link.
    return bool(identifiers & named) or any(
        run.folder.name in base.parts or base.is_relative_to(run.folder) for base in bases
    )


def _named_by_logs(folder: Path) -> set[str]:
    from inspect_ai.log import read_eval_log

    if not folder.is_dir():
        raise UserError(
            f"{folder}: no such folder of logs: without its logs every run would look unreferenced"
        )
    try:
        files = list(files_below(folder))
    except OSError as error:
        raise UserError(
            f"{error.filename} cannot be read ({error.strerror}), so the runs that logs refer to are unknown"
        ) from error
    if at_work := [file.parent for file in files if file.name == LOCK and is_held(file)]:
        raise UserError(
            f"an experiment is at work in {at_work[0]}, whose runs may have no logs yet: "
            "prune when it has ended"
        )
    named: set[str] = set()
    for file in files:
        if not LOG_NAME.search(file.name):
            continue
        try:
            spec = read_eval_log(str(file), header_only=True).eval
        except Exception as error:
            raise UserError(
                f"{file} cannot be read, so the runs it refers to are unknown: repair or remove it"
            ) from error
        metadata = spec.metadata or {}
        named |= {str(metadata[key]) for key in ("run", "run_digest") if metadata.get(key)}
        models = [spec.model, *(str(role) for role in _models(spec.model_roles))]
        for model in models:
            plain = model.removeprefix("inoc/")
            pin = PIN.search(plain)
            named.add(STEP.sub("", PIN.sub("", plain)))
            if pin:
                named.add(pin[1])
    return named


def _models(roles: object) -> list[str]:
    """Names of all models in a log's roles; a role can have several."""
    names: list[str] = []

    def visit(value: object) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("model"), str):
                names.append(value["model"])
            for inner in value.values():
                visit(inner)
        elif isinstance(value, list):
            for inner in value:
                visit(inner)

    visit(json.loads(json.dumps(roles, default=lambda value: value.model_dump(mode="json"))))
    return names
