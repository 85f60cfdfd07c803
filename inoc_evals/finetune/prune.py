"""Find unreferenced runs: runs that no log evaluates and that are not the base of another run.

for run in unreferenced(runs="runs", logs=["logs"]):
    run.folder, size(run.folder)
"""

import json
from collections.abc import Iterable
from pathlib import Path

from inoc_evals.errors import UserError
from inoc_evals.models.checkpoint import PIN, STEP
from inoc_evals.runs.directory import DIGEST_LENGTH, Run, list_runs


def unreferenced(runs: str | Path | None, logs: Iterable[str | Path]) -> list[Run]:
    """The runs that can be deleted.

    Args:
        runs: The folder of all runs, see `runs_root`.
        logs: Folders of Inspect logs, searched recursively.

    Returns:
        Runs that no log refers to in its metadata or models, and that are not the base of another run; a run
        in training is never included.

    Raises:
        UserError: If a log folder does not exist, or a log or manifest cannot be read: then it is unknown
            which runs it refers to, and none should be deleted.
    """
    existing = list_runs(runs)
    named = set().union(*(_named_by_logs(Path(folder)) for folder in logs))
    bases = {str(Path(run.manifest.base).expanduser().absolute()) for run in existing}
    return [run for run in existing if not _referenced(run, named, bases) and not _locked(run)]


def size(folder: Path) -> int:
    """Size of a folder in bytes."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())


def _referenced(run: Run, named: set[str], bases: set[str]) -> bool:
    manifest = run.manifest
    identifiers = {run.folder.name, str(run.folder), manifest.run_digest, manifest.name}
    if manifest.result is not None and manifest.result.checkpoint_digest:
        identifiers.add(manifest.result.checkpoint_digest[:DIGEST_LENGTH])
    return bool(identifiers & named) or any(Path(base).is_relative_to(run.folder) for base in bases)


def _named_by_logs(folder: Path) -> set[str]:
    from inspect_ai.log import list_eval_logs, read_eval_log

    if not folder.is_dir():
        raise UserError(
            f"{folder}: no such folder of logs: without its logs every run would look unreferenced"
        )
    named: set[str] = set()
    for info in list_eval_logs(str(folder)):
        try:
            spec = read_eval_log(info, header_only=True).eval
        except Exception as error:
            raise UserError(
                f"{info.name} cannot be read, so the runs it refers to are unknown: repair or remove it"
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


def _locked(run: Run) -> bool:
    """Whether another process is training the run now."""
    if not run.lock.exists():
        return False
    from filelock import FileLock, Timeout

    try:
        with FileLock(run.lock, timeout=0):
            return False
    except Timeout:
        return True
