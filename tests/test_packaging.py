import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, version
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import inoc_evals
from inoc_evals import cli

ROOT = Path(__file__).parent.parent
PACKAGE = Path(inoc_evals.__file__).parent


def test_inspect_finds_the_package_under_its_import_name() -> None:
    [found] = entry_points(group="inspect_ai", name="inoc_evals")
    module = found.load()
    assert isinstance(module, ModuleType)
    assert module.__name__ == "inoc_evals._registry"


def test_the_command_is_installed() -> None:
    [found] = entry_points(group="console_scripts", name="inoc-evals")
    assert found.load() is cli.main
    program = Path(sys.executable).with_name("inoc-evals")
    done = subprocess.run([program, "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"inoc-evals {version('inoc-evals')}\n")


def version_of(folder: Path) -> Version:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "version"], cwd=folder, capture_output=True, text=True, check=True
    )
    return Version(done.stdout.strip())


def test_the_version_is_that_of_the_tag_and_then_names_the_commit(tmp_path: Path) -> None:
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tmp_path / file)
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]
    fallback = Version(hatch["version"]["fallback-version"])
    assert version_of(tmp_path) == fallback and fallback.is_postrelease  # no Git: some time after a release

    def git(*words: str) -> str:
        who = ("-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *who, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    assert version_of(tmp_path) > fallback and git("rev-parse", "HEAD").startswith(
        (version_of(tmp_path).local or "g")[1:]
    )
    git("tag", "v3.1.4")
    assert version_of(tmp_path) == Version("3.1.4")
    git("commit", "--quiet", "--message", "second", "--allow-empty")
    later = version_of(tmp_path)
    assert (
        later.base_version == "3.1.5"
        and later.dev == 1
        and f"g{git('rev-parse', 'HEAD')}".startswith(str(later.local))
    )

    git("tag", "data-2026")  # is no version's
    assert version_of(tmp_path) == later

    git("archive", "--output", "all.tar", "HEAD")
    (unpacked := tmp_path / "unpacked").mkdir()
    shutil.unpack_archive(tmp_path / "all.tar", unpacked, filter="data")
    assert version_of(unpacked) == fallback


def test_type_checkers_of_users_see_our_types() -> None:
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.parametrize("name", ["tasks", "scorers", "finetune"])
def test_the_three_faces_of_the_suite_are_links_into_the_package(name: str) -> None:
    assert (ROOT / name).is_symlink()
    assert (ROOT / name).resolve() == (ROOT / "inoc_evals" / name).resolve()
    assert not Path((ROOT / name).readlink()).is_absolute()


def test_every_dependency_has_a_tested_pin_within_its_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    versions = {canonicalize_name(name): version for name, version in pins.items()}
    wanted = [
        *project["dependencies"],
        *(r for extra in project["optional-dependencies"].values() for r in extra),
    ]
    for requirement in map(Requirement, wanted):
        if canonicalize_name(requirement.name) != "inoc-evals":
            assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement
    assert versions["torch"] == "2.13.0"  # without a local label, so that any build of it will do
