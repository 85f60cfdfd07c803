"""Commands that are named in a help page before their modules are imported, which bring what they need.

    group = Later("claims", panel="What came out")        # its help line is read from its source
    group.load()                                          # the command itself, its module imported

`inoc-evals --help` thus takes as long as it takes to print it, however much the commands import.
"""

import ast
import re
from collections.abc import Callable
from functools import cache, wraps
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from inoc_evals.commands.once import Once
from inoc_evals.user_files import refuse_url

DOCSTRING = re.compile(r'^def command\((?:\n .*)*\n\) -> None:\n    """([^"\n]+)', re.MULTILINE)
"""The first line of the docstring of `command`, as every module of one command has it."""


class Later(TyperCommand):
    """A command of `inoc_evals.commands` that is imported when it is called.

    Its module defines the function `command`, or with subcommands the Typer `app`.
    """

    def __init__(self, name: str, panel: str, example: str | None = None, module: str | None = None) -> None:
        """Name the command.

        Args:
            name: What the user types.
            panel: Heading of the help page that it stands under.
            example: A call of it, without `inoc-evals`, that its own page ends with.
            module: Its module in `inoc_evals.commands`; by default it is named as the command.
        """
        self.example = f"Example: inoc-evals {example}" if example else None
        self.module = f"inoc_evals.commands.{module or name.replace('-', '_')}"
        super().__init__(name, rich_help_panel=panel, callback=None)

    @property
    def help(self) -> str | None:
        """Its line in a list of commands: its docstring's first, or the `help` of its `app`."""
        return _help_line(self.module)

    @help.setter
    def help(self, text: str | None) -> None:
        """Typer sets what it was given, which is nothing."""

    def load(self) -> Any:
        """Import the module and build the command."""
        module = import_module(self.module)
        if hasattr(module, "app"):
            for one in module.app.registered_commands:
                if one.callback is not None and not hasattr(one.callback, "__wrapped__"):
                    one.callback = _on_this_machine(one.callback)
                one.cls = Once
            group = typer.main.get_group(module.app)
            group.epilog = self.example
            return group
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(self.name, cls=Once, epilog=self.example)(_on_this_machine(module.command))
        return typer.main.get_command(alone)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the words of a call, by the command itself."""
        return self.load().make_context(*args, **kwargs)


def _on_this_machine(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose options that are paths refuse URLs: `s3://x` would be a folder named `s3:`."""

    @wraps(command)
    def checked(**given: Any) -> None:
        for value in given.values():
            for place in value if isinstance(value, list | tuple) else (value,):
                if isinstance(place, Path):
                    refuse_url(place)
        command(**given)

    return checked


def docstring_line(module: str, function: str) -> str:
    """First line of a function's docstring, read from the source: nothing is imported.

    Args:
        module: Name of the module; its package may be imported, so it has to be a light one.
        function: A function at the module's top.
    """
    for node in _source(module).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    raise LookupError(f"{module} defines no function {function}")


def registered_name(module: str, function: str) -> str:
    """The name that a component's decorator gives it, its own by default; read from the source."""
    for node in _source(module).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            for decorator in node.decorator_list:
                for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
                    if keyword.arg == "name":
                        return str(ast.literal_eval(keyword.value))
    return function


def exported(package: str) -> dict[str, str]:
    """What a package's `__init__` imports from its own modules, read from the source: name and module."""
    return {
        alias.asname or alias.name: node.module
        for node in _source(package).body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}.") and node.module
        for alias in node.names
    }


def _help_line(module: str) -> str:
    # parsing all modules took a tenth of the time of the help page
    if said := DOCSTRING.search(_file(module).read_text(encoding="utf-8")):
        return said[1]
    for node in _source(module).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            for keyword in node.value.keywords:
                if names == ["app"] and keyword.arg == "help":
                    return str(ast.literal_eval(keyword.value))
    return docstring_line(module, "command")


@cache
def _source(module: str) -> ast.Module:
    return ast.parse(_file(module).read_text(encoding="utf-8"))


def _file(module: str) -> Path:
    root = find_spec(module.partition(".")[0])
    assert root is not None and root.submodule_search_locations
    place = Path(root.submodule_search_locations[0]).joinpath(*module.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
