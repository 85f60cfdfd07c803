"""Run directories behind a URL: copied to this machine before a trial needs them, uploaded when complete.

    runs = fetch("s3://bucket/runs", "toy-spanish-caps-none-0")     # a folder on this machine
    push(run, "s3://bucket/runs")

For clusters whose nodes share no file system but reach the same store, by any URL that fsspec knows. Training
is local. A manifest is uploaded last, so a run with a manifest is complete. Two nodes that start
the same run at once would both train it. Experiments avoid that: by URL, settings do not share models.
"""

from collections.abc import Iterator
from pathlib import Path

import platformdirs
from pydantic import ValidationError
from upath import UPath

from inoc_evals.digests import sha256
from inoc_evals.errors import UserError
from inoc_evals.files import below, is_url, reaching, replacing_folder
from inoc_evals.runs.directory import Manifest, Run, list_runs

MANIFEST = "manifest.json"
KEPT = ("rows.jsonl", "loss.jsonl", "dynamics.jsonl", "job.json")
"""Files of a run that are uploaded, in addition to its manifest and checkpoint."""


def manifests(runs: str) -> Iterator[tuple[Manifest, bool]]:
    """The manifests in a folder of runs, local or behind a URL; unreadable ones are left out.

    Args:
        runs: A folder or a URL.

    Yields:
        Each, and whether the run can be used as it is: it is finished, and its weights are there. Behind a
        URL they are looked for when they are fetched.
    """
    if not is_url(runs):
        for run in list_runs(runs):
            try:
                manifest = run.manifest
            except UserError:
                continue
            yield manifest, run.seems_finished(manifest)
        return
    for folder in _folders(runs):
        try:
            manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
            yield manifest, manifest.status == "finished"
        except (OSError, ValidationError, UserError):
            continue


def fetch(url: str, name: str) -> Path:
    """Copy the finished runs of one name to this machine.

    Args:
        url: Where runs are kept.
        name: The name of the runs, as given to `finetune`.

    Returns:
        The folder of runs on this machine that stands for the URL.
    """
    local = platformdirs.user_cache_path("inoc_evals") / "runs" / sha256(url)[:12]
    local.mkdir(parents=True, exist_ok=True)
    for folder in _folders(url):
        target = local / folder.name
        if not folder.name.startswith(f"{name}-") or target.exists() or not (folder / MANIFEST).exists():
            continue
        with replacing_folder(target) as temporary:
            # one by one: `get` of a folder takes brackets in its name for a pattern
            files = {file.path: temporary / file.relative_to(folder).as_posix() for file in below(folder)}
            for place in {place.parent for place in files.values()}:
                place.mkdir(parents=True, exist_ok=True)
            folder.fs.get(list(files), [str(place) for place in files.values()])
    return local


def _folders(url: str) -> list[UPath]:
    """What is in a folder behind a URL; nothing where it does not exist."""
    with reaching(url):
        root = UPath(url)
        return sorted(root.iterdir(), key=lambda folder: folder.name) if root.exists() else []


def push(run: Run, url: str) -> None:
    """Copy a finished run to the store, unless the store already has it.

    Args:
        run: The run.
        url: Where runs are kept.
    """
    with reaching(url):
        target = UPath(url) / run.folder.name
        there = (target / MANIFEST).exists()
    if there:
        return
    files = [file for file in (run.folder / name for name in KEPT) if file.is_file()]
    for kept in (run.checkpoint, run.steps):
        files += [file for file in kept.rglob("*") if file.is_file()]
    for batch in (files, [run.folder / MANIFEST]):  # the manifest last: it says that the run is complete
        places = [target / file.relative_to(run.folder).as_posix() for file in batch]
        for folder in {place.parent for place in places}:
            folder.mkdir(parents=True, exist_ok=True)  # `put` makes none in a file system on disk
        target.fs.put([str(file) for file in batch], [place.path for place in places])
