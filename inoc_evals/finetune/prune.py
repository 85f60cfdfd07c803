"""Find the runs that nothing refers to: no log was made of them, and no other run started from them.

for run in unreferenced(runs="runs", logs=["logs"]):
    run.folder, size(run.folder)
"""

import json
from collections.abc import Iterable
from pathlib import Path

from inoc_evals.errors import UserError
from inoc_evals.models.checkpoint import PIN
from inoc_evals.runs.directory import DIGEST_LENGTH, Run, list_runs


def unreferenced(runs: str | Path | None, logs: Iterable[str | Path]) -> list[Run]:
    """The runs that could go.

    Args:
        runs: The folder that runs live in, see `runs_root`.
        logs: Folders of Inspect logs, searched with all folders in them.

    Returns:
        Runs that no log names by its metadata or its model, and on whose checkpoint no other run was trained;
        a run that is being trained is never among them.

    Raises:
        UserError: If a log folder is not there, or a log or manifest cannot be read: what it refers to is
            not known then, and nothing should go.
    """
    there = list_runs(runs)
    named = set().union(*(_named_by_logs(Path(folder)) for folder in logs))
    bases = {str(Path(run.manifest.base).expanduser().absolute()) for run in there}
    return [run for run in there if not _referenced(run, named, bases) and not _locked(run)]


def size(folder: Path) -> int:
    """Bytes that a folder takes."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())


def _referenced(run: Run, named: set[str], bases: set[str]) -> bool:
    manifest = run.manifest
    own = {run.folder.name, str(run.folder), manifest.run_digest, manifest.name}
    if manifest.result is not None and manifest.result.checkpoint_digest:
        own.add(manifest.result.checkpoint_digest[:DIGEST_LENGTH])
    return bool(own & named) or any(Path(base).is_relative_to(run.folder) for base in bases)


def _named_by_logs(folder: Path) -> set[str]:
    from inspect_ai.log import list_eval_logs, read_eval_log

    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of logs; without them every run would look unreferenced")
    named: set[str] = set()
    for info in list_eval_logs(str(folder)):
        try:
            spec = read_eval_log(info, header_only=True).eval
        except Exception as error:
            raise UserError(f"{info.name} cannot be read, so it is not known what it refers to") from error
        about = spec.metadata or {}
        named |= {str(about[key]) for key in ("run", "run_digest") if about.get(key)}
        models = [spec.model, *(str(role) for role in _models(spec.model_roles))]
        for model in models:
            plain = model.removeprefix("inoc/")
            pin = PIN.search(plain)
            named.add(PIN.sub("", plain))
            if pin:
                named.add(pin[1])
    return named


def _models(roles: object) -> list[str]:
    """Names of models anywhere in a log's roles, of which there may be several for one."""
    found: list[str] = []

    def visit(value: object) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("model"), str):
                found.append(value["model"])
            for inner in value.values():
                visit(inner)
        elif isinstance(value, list):
            for inner in value:
                visit(inner)

    visit(json.loads(json.dumps(roles, default=lambda value: value.model_dump(mode="json"))))
    return found


def _locked(run: Run) -> bool:
    """Whether somebody is training it now."""
    if not run.lock.exists():
        return False
    from filelock import FileLock, Timeout

    try:
        with FileLock(run.lock, timeout=0):
            return False
    except Timeout:
        return True
