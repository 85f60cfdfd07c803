"""Run directories behind a URL: fetched before a trial needs them, brought there when they are whole.

    runs = fetch("s3://bucket/runs", "toy-spanish-caps-none-0")     # a folder on this machine
    push(run, "s3://bucket/runs")

For clusters whose nodes share no file system but reach the same store, by any URL that fsspec knows. Training
is local; a manifest arrives last, so that a run that is seen there is whole. Two nodes that are asked for the
same run at the same time both train it; an experiment never asks for that, as by URL no setting shares the
models of another.
"""

from collections.abc import Iterator
from pathlib import Path

import platformdirs
from pydantic import ValidationError
from upath import UPath

from inoc_evals.digests import sha256
from inoc_evals.errors import UserError
from inoc_evals.files import replacing_folder
from inoc_evals.runs.directory import Manifest, Run, list_runs

MANIFEST = "manifest.json"
KEPT = ("rows.jsonl", "loss.jsonl", "dynamics.jsonl", "job.json")
"""Files of a run, beside its manifest and checkpoint, that are brought to the store."""


def is_url(place: str) -> bool:
    """Whether a place is behind a URL."""
    return "://" in place


def manifests(runs: str) -> Iterator[Manifest]:
    """The manifests of a folder of runs, wherever it is; those that cannot be read are left out.

    Args:
        runs: A folder or a URL.
    """
    if not is_url(runs):
        for run in list_runs(runs):
            try:
                yield run.manifest
            except UserError:
                continue
        return
    root = UPath(runs)
    for folder in sorted(root.iterdir()) if root.exists() else ():
        try:
            yield Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        except (OSError, ValidationError, UserError):
            continue


def fetch(url: str, name: str) -> Path:
    """Bring the runs of one name to this machine.

    Args:
        url: Where runs are kept.
        name: The name of the runs, as `finetune` is given it.

    Returns:
        The folder of runs on this machine that stands for the URL.
    """
    here = platformdirs.user_cache_path("inoc_evals") / "runs" / sha256(url)[:12]
    here.mkdir(parents=True, exist_ok=True)
    root = UPath(url)
    for folder in root.glob(f"{name}-*") if root.exists() else ():
        target = here / folder.name
        if target.exists() or not (folder / MANIFEST).exists():
            continue
        with replacing_folder(target) as passing:
            for file in folder.rglob("*"):
                if file.is_file():
                    copy = passing / file.relative_to(folder).as_posix()
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    copy.write_bytes(file.read_bytes())
    return here


def push(run: Run, url: str) -> None:
    """Bring a finished run to the store, unless it is there.

    Args:
        run: The run.
        url: Where runs are kept.
    """
    target = UPath(url) / run.folder.name
    if (target / MANIFEST).exists():
        return
    files = [run.folder / name for name in KEPT if (run.folder / name).is_file()]
    if run.checkpoint.is_dir():
        files += [file for file in run.checkpoint.rglob("*") if file.is_file()]
    for file in [*files, run.folder / MANIFEST]:
        there = target / file.relative_to(run.folder).as_posix()
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(file.read_bytes())
