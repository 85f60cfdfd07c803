"""What is installed, what is set and what is broken, each fault with the line that mends it.

    for check in examine():
        print(check.status, check.name, check.detail, check.remedy)

Nothing heavy is imported: packages are looked up in their metadata, torch in its version file. Of a key
nothing is told but whether it is set.
"""

import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from pathlib import Path
from typing import Literal

from inoc_evals.data.cache import cache_dir
from inoc_evals.errors import UserError
from inoc_evals.models.base import SHIPPED, base_digest
from inoc_evals.runs.directory import RUNS_VARIABLE, list_runs, runs_root
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
"""Environment variables of the services that a judge, a model or a finetune may live at."""

EXTRAS = ("local", "openai", "analysis")


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes:
        name: What was looked at.
        status: `ok`; `note`, something optional is missing; `broken`, something needed is.
        detail: What was found.
        remedy: The line that mends it; empty where nothing needs mending.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""


def examine() -> list[Check]:
    """Look at everything the suite stands on.

    Returns:
        The checks, from the ground up.
    """
    return [
        Check("Python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        _core(),
        *(_extra(extra) for extra in EXTRAS),
        _accelerator(),
        _plugin(),
        _toy(),
        _cache(),
        _runs(),
        *(_key(name) for name in KEYS),
    ]


def _requirements(extra: str | None) -> Iterator[str]:
    """Names of the distributions that the package, or one extra of it, needs."""
    for requirement in requires("inoc-evals") or []:
        spec, _, marker = requirement.partition(";")
        found = re.search(r"extra\s*==\s*['\"]([^'\"]+)", marker)
        if (found.group(1) if found else None) == extra:
            yield re.match(r"[\w.-]+", spec).group()  # type: ignore[union-attr]  # every requirement has a name


def _versions(names: Iterator[str]) -> tuple[list[str], list[str]]:
    """Of some distributions, those installed as `name version`, and the names of those that are not."""
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
    gpus = _nvidia_gpus()
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


def _nvidia_gpus() -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in answer.stdout.splitlines() if line.strip()]


def _plugin() -> Check:
    found = entry_points(group="inspect_ai", name="inoc_evals")
    if found:
        return Check("Inspect plugin", "ok", f"inoc_evals loads {next(iter(found)).value}")
    remedy = "pip install --force-reinstall --no-deps inoc-evals"
    return Check("Inspect plugin", "broken", "Inspect does not see the package's entry point", remedy)


def _toy() -> Check:
    """Compare the shipped checkpoint with the digest that its card was written with."""
    remedy = "pip install --force-reinstall --no-deps inoc-evals"
    try:
        card = json.loads((SHIPPED[EMBEDDED.base] / "card.json").read_text(encoding="utf-8"))
        found = base_digest(EMBEDDED.base)
    except (OSError, ValueError, UserError) as error:
        return Check("toy model", "broken", f"the shipped checkpoint cannot be read: {error}", remedy)
    if found != card.get("digest"):
        return Check(
            "toy model", "broken", f"not the checkpoint that was shipped: sha256 {found[:12]}", remedy
        )
    return Check("toy model", "ok", f"sha256 {found[:12]}, as shipped")


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
    return Check("runs", "ok", f"{folder}: {len(list_runs())} runs")


def _write_fault(folder: Path) -> str:
    """Why a folder cannot be written to, tried in the nearest one above it that exists; empty if it can."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return f"{error.strerror} ({folder})"


def _key(name: str) -> Check:
    return Check(name, "ok", "set") if os.environ.get(name) else Check(name, "note", "not set")
