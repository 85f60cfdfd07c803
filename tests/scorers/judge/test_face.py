"""The judge is private behind its face, and the scorers know no world."""

import ast
from pathlib import Path

import inoc_evals
import inoc_evals.scorers
from inoc_evals.scorers import judge

SCORERS = Path(inoc_evals.scorers.__file__).parent


def imported(file: Path) -> set[str]:
    """Every module that a file imports, inside functions as well."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    froms = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return froms | {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}


def test_scorers_import_the_judge_by_its_face_alone() -> None:
    for file in SCORERS.glob("*.py"):
        deeper = {name for name in imported(file) if name.startswith("inoc_evals.scorers.judge.")}
        assert not deeper, f"{file.name} imports {deeper}"


def test_scorers_know_no_world() -> None:
    for file in SCORERS.rglob("*.py"):
        assert not {name for name in imported(file) if name.startswith("inoc_evals.worlds")}, file.name


def test_every_public_name_exists() -> None:
    assert all(hasattr(judge, name) for name in judge.__all__)
    assert len(set(judge.__all__)) == len(judge.__all__)


def test_the_toys_lexicon_is_public_though_it_is_no_module_here() -> None:
    assert callable(inoc_evals.toy_lexicon) and not hasattr(inoc_evals.scorers, "toy_lexicon")
