"""What loads nothing heavy must keep loading nothing heavy: these libraries take seconds to import."""

import ast
import subprocess
import sys
from collections.abc import Container, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import inoc_evals

HEAVY = [
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "ray",
    "seaborn",
    "matplotlib",
    "pandas",
    "pyarrow",
    "scipy",
    "statsmodels",
    "lingua",
]
LIGHT = {
    "the package": "import inoc_evals",
    "what Inspect loads": "import inoc_evals._registry",
    "the analysis": "from inoc_evals.analysis import differences, load, rates, read",
    "inoc-evals doctor": "from inoc_evals.cli import main; main(['doctor'])",
}


@pytest.mark.parametrize("code", LIGHT.values(), ids=LIGHT)
def test_nothing_heavy_is_loaded(code: str, tmp_path: Path) -> None:
    program = (
        f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', *[name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["loaded:"]


NOT_FOR_HELP = [*HEAVY, "inspect_ai", "openai", "httpx", "tenacity", "numpy"]
"""What the command line does without until it is told to do something: it answers at once."""

NOR = {
    "--help": ["pydantic", "inoc_evals.settings", "inoc_evals.worlds", "inoc_evals.runs"],
    "list": ["rich.table"],
    "list tasks": ["inoc_evals.settings", "inoc_evals.worlds", "inoc_evals.runs"],
}
"""What each of them needs still less. (Typer itself reads the words of a command with pydantic.)"""


@pytest.mark.parametrize("typed", NOR)
def test_help_and_list_import_next_to_nothing(typed: str, tmp_path: Path) -> None:
    words, unwanted = typed.split(), [*NOT_FOR_HELP, *NOR[typed]]
    program = (
        f"import sys\nfrom inoc_evals.cli import main\n"
        f"try:\n    main({words})\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', *[name for name in {unwanted} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["loaded:"]
    assert len(done.stdout.splitlines()) > 15


def test_every_module_can_be_imported_first() -> None:
    """No module relies on another one having been imported before: no cycle among what importing imports.

    A package's `__init__` runs before its modules whichever is imported, so only what it names counts.
    """
    root = Path(inoc_evals.__file__).parent
    files = {_name(file, root): file for file in root.rglob("*.py")}
    assert len(files) > 100
    imports = {name: set(_imported(file, files)) - {name} for name, file in files.items()}
    assert "inoc_evals.errors" in imports["inoc_evals.files"]
    list(TopologicalSorter(imports).static_order())  # raises CycleError, which names the modules


def _name(file: Path, root: Path) -> str:
    parts = file.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(file: Path, modules: Container[str]) -> Iterator[str]:
    """Our modules that a file imports when it is imported: not within functions, nor for type checkers."""
    waiting: list[ast.AST] = [ast.parse(file.read_text("utf-8"))]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                continue
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                waiting += node.orelse
                continue
            case ast.Import():
                yield from (alias.name for alias in node.names if alias.name in modules)
            case ast.ImportFrom(module=str(module)) if module in modules:
                whole = [f"{module}.{alias.name}" for alias in node.names]
                yield from (name for name in whole if name in modules)
                if any(name not in modules for name in whole):
                    yield module
        waiting += ast.iter_child_nodes(node)


EACH_FIRST = """
import contextlib, gc, importlib, os, pkgutil, sys, traceback
import inoc_evals

names = [module.name for module in pkgutil.walk_packages(inoc_evals.__path__, "inoc_evals.")]
names.remove("inoc_evals.__main__")  # runs the command line
for name in names:  # so that other libraries are loaded once, and not once for each of our modules
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
for name in [name for name in sys.modules if name.partition(".")[0] == "inoc_evals"]:
    del sys.modules[name]
import inoc_evals  # comes before any of its modules, whichever is imported

names = [name for name in names if name not in sys.modules]
gc.freeze()
for name in names:
    if child := os.fork():
        if os.waitpid(child, 0)[1]:
            print("failed:", name)
    else:
        try:
            importlib.import_module(name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
print("modules:", len(names))
"""


@pytest.mark.slow
def test_every_module_is_imported_first(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", EACH_FIRST], capture_output=True, text=True, cwd=tmp_path)
    *failed, counted = done.stdout.splitlines()
    assert not failed, done.stderr
    assert int(counted.removeprefix("modules: ")) > 100
