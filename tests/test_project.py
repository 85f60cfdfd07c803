"""The files that a host of repositories reads are readable, and say what the project says elsewhere."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FILES = [*ROOT.glob(".github/**/*.yml"), ROOT / ".pre-commit-config.yaml", ROOT / "CITATION.cff"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_files_of_the_host_are_yaml(file: Path) -> None:
    assert isinstance(yaml.safe_load(file.read_text(encoding="utf-8")), dict)


def test_ci_tests_every_python_that_is_promised() -> None:
    ci = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    promised = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if c.startswith("Programming Language")]
    assert ci["jobs"]["test"]["strategy"]["matrix"]["python"] == promised
    assert set(ci["jobs"]) == {"lint", "test", "docs", "wheel"}


def commands(job: dict[str, Any]) -> list[str]:
    """The commands of a workflow's job, with every value of its matrix put in."""
    matrix = job.get("strategy", {}).get("matrix", {})
    lines = [line for step in job["steps"] for line in step.get("run", "").splitlines()]
    for name, values in matrix.items():
        place = "${{ matrix." + name + " }}"
        lines = [line.replace(place, str(value)) for line in lines for value in values]
    return lines


@pytest.mark.parametrize("file", sorted(ROOT.glob(".github/workflows/*.yml")), ids=lambda file: file.name)
def test_workflows_call_what_exists(file: Path) -> None:
    """A host that has never run them would find it out first."""
    jobs = yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"]
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    asked = [line for job in jobs.values() for line in commands(job)]
    assert {name for line in asked for name in re.findall(r"\bmake ([\w-]+)", line)} <= targets
    scripts = [ROOT / name for line in asked for name in re.findall(r"(?<!\S)\.ci/[\w-]+", line)]
    assert all(script.is_file() and script.stat().st_mode & 0o111 for script in scripts)


def test_nothing_but_a_tag_names_the_version() -> None:
    """A version that is typed in is one day another one than the tag's."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert "version" not in citation and "version" not in PROJECT and PROJECT["dynamic"] == ["version"]


def test_the_development_container_is_json() -> None:
    assert json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))["image"]


def test_the_wind_tunnel_is_said_once() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    assert sum(page.read_text(encoding="utf-8").lower().count("wind tunnel") for page in pages) == 1
