"""Check the installation: packages, GPUs, folders, API keys; each fault comes with the command that fixes it.

    for check in examine():
        print(check.status, check.name, check.detail, check.remedy)

Nothing heavy is imported here: the versions of packages come from their metadata, torch's CUDA version from
its version file, and whether PEFT works with what is installed beside it from a process of its own, which
takes some seconds. Of an API key, only whether it is set is shown.
"""

import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from inoc_evals.data.cache import cache_dir
from inoc_evals.errors import UserError
from inoc_evals.gpus import installed_gpus
from inoc_evals.models.base import SHIPPED, base_digest
from inoc_evals.plurals import many
from inoc_evals.runs.directory import RUNS_VARIABLE, list_runs, runs_root
from inoc_evals.secret_keys import without_keys
from inoc_evals.worlds import EMBEDDED

Status = Literal["ok", "note", "broken"]

KEYS = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GOOGLE_API_KEY",
    "OPENROUTER_API_KEY",
    "TOGETHER_API_KEY",
    "TINKER_API_KEY",
    "HF_TOKEN",
)
"""Environment variables with the API keys of services for judges, models and finetunes."""

EXTRAS = ("local", "openai", "analysis")

TRY_PEFT = """
import torch
from peft import LoraConfig, get_peft_model
get_peft_model(torch.nn.Sequential(torch.nn.Linear(2, 2)), LoraConfig(target_modules=["0"]))
"""
"""Run in a process of its own: it imports torch."""


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        name: What was checked.
        status: `ok`; `note`: something optional is missing; `broken`: something required is missing or bad.
        detail: What was found, e.g. versions or a folder.
        remedy: A command or step that repairs it; empty if nothing needs repair.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""


def examine() -> list[Check]:
    """Run all checks.

    Returns:
        Their results: Python and packages first, API keys last.
    """
    return [
        Check("Python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        _core(),
        *(_extra(extra) for extra in EXTRAS),
        _accelerator(),
        _adapters(),
        _plugin(),
        _toy(),
        _cache(),
        _runs(),
        *(_key(name) for name in KEYS),
    ]


def _requirements(extra: str | None) -> Iterator[str]:
    """Names of the distributions required by the package (`extra=None`) or by one of its extras."""
    for text in requires("inoc-evals") or []:
        requirement = Requirement(text)
        needed = requirement.marker is None or requirement.marker.evaluate({"extra": extra or ""})
        if needed and (extra is None or "extra" in str(requirement.marker)):
            yield requirement.name


def _versions(names: Iterator[str]) -> tuple[list[str], list[str]]:
    """Split distributions into the installed ones, as `name version`, and the names of the missing ones."""
    installed, missing = [], []
    for name in names:
        try:
            installed.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    return installed, missing


def _core() -> Check:
    installed, missing = _versions(_requirements(None))
    detail = ", ".join([f"inoc-evals {version('inoc-evals')}", *installed])
    if missing:
        return Check("packages", "broken", f"missing {', '.join(missing)}", "pip install inoc-evals")
    return Check("packages", "ok", detail)


def _extra(extra: str) -> Check:
    installed, missing = _versions(_requirements(extra))
    if missing:
        remedy = f"pip install 'inoc-evals[{extra}]'"
        return Check(f"extra {extra}", "note", f"not installed: {', '.join(missing)}", remedy)
    return Check(f"extra {extra}", "ok", ", ".join(installed))


def _accelerator() -> Check:
    gpus = [str(gpu) for gpu in installed_gpus()]
    torch = importlib.util.find_spec("torch")
    if torch is None or torch.origin is None:
        detail = "torch is not installed" + (f"; {', '.join(gpus)}" if gpus else "")
        return Check("accelerator", "note", detail, "pip install 'inoc-evals[local]'")
    # The build is written in torch's version file: importing torch would take seconds.
    build = (Path(torch.origin).parent / "version.py").read_text()
    cuda = re.search(r"^cuda\b[^=]*= '([^']+)'", build, re.MULTILINE)
    if gpus and cuda:
        return Check("accelerator", "ok", f"{', '.join(gpus)}; torch for CUDA {cuda.group(1)}")
    if gpus:
        detail = f"{', '.join(gpus)}, but torch is a CPU build"
        return Check("accelerator", "note", detail, "install a CUDA build of torch (pytorch.org/get-started)")
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return Check("accelerator", "ok", "Apple GPU")
    return Check("accelerator", "ok", f"none: models run on the CPU ({os.cpu_count()} cores)")


def _adapters() -> Check:
    """Whether PEFT works with the packages around it: it refuses old versions of some that it finds."""
    name = "LoRA"
    if any(importlib.util.find_spec(module) is None for module in ("torch", "transformers", "peft")):
        return Check(name, "note", "PEFT is not installed", "pip install 'inoc-evals[local]'")
    tried = subprocess.run(  # noqa: S603 (fixed words)
        [sys.executable, "-c", TRY_PEFT],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if tried.returncode:
        lines = without_keys(tried.stderr).strip().splitlines() or [f"exit status {tried.returncode}"]
        remedy = "upgrade the package that is named, or uninstall it if you do not need it"
        return Check(name, "broken", lines[-1], remedy)
    return Check(name, "ok", "PEFT adapts a layer")


def _plugin() -> Check:
    points = entry_points(group="inspect_ai", name="inoc_evals")
    if points:
        return Check("Inspect plugin", "ok", f"inoc_evals loads {next(iter(points)).value}")
    remedy = "pip install --force-reinstall --no-deps inoc-evals"
    return Check("Inspect plugin", "broken", "Inspect does not see the package's entry point", remedy)


def _toy() -> Check:
    """Compare the digest of the shipped checkpoint with the one on its card."""
    remedy = "pip install --force-reinstall --no-deps inoc-evals"
    try:
        card = json.loads((SHIPPED[EMBEDDED.base] / "card.json").read_text(encoding="utf-8"))
        digest = base_digest(EMBEDDED.base)
    except (OSError, ValueError, UserError) as error:
        return Check("toy model", "broken", f"the shipped checkpoint cannot be read: {error}", remedy)
    if digest != card.get("digest"):
        return Check(
            "toy model", "broken", f"not the checkpoint that was shipped: sha256 {digest[:12]}", remedy
        )
    return Check("toy model", "ok", f"sha256 {digest[:12]}, as shipped")


def _cache() -> Check:
    folder = cache_dir()
    if fault := _write_fault(folder):
        return Check(
            "cache", "broken", f"{folder}: {fault}", "export INOC_EVALS_CACHE=a folder you can write to"
        )
    return Check("cache", "ok", str(folder))


def _runs() -> Check:
    folder = runs_root()
    if fault := _write_fault(folder):
        return Check(
            "runs", "broken", f"{folder}: {fault}", f"export {RUNS_VARIABLE}=a folder you can write to"
        )
    return Check("runs", "ok", f"{folder}: {many(len(list_runs()), 'run')}")


def _write_fault(folder: Path) -> str:
    """Why a folder (or its nearest existing parent) cannot be written to; empty if it can."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return f"{error.strerror} ({folder})"


def _key(name: str) -> Check:
    return Check(name, "ok", "set") if os.environ.get(name) else Check(name, "note", "not set")
