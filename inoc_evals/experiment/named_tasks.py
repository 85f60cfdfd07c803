"""Tasks by name: those of the suite, and those that other installed packages register with Inspect.

task_named("spanish_caps")(questions="toy")     # an Inspect task
task_named("plugin/politeness")                 # of an installed package; a misspelt name is one line
takes(task_named("spanish_caps"), "questions")  # True
"""

import difflib
import inspect
from importlib.metadata import entry_points
from typing import Any

from inoc_evals.errors import UserError, one_line


def task_named(name: str) -> Any:
    """The task of this name: the suite's, or as `PACKAGE/NAME` one that a package registers with Inspect.

    Args:
        name: The name, as `Measure` takes it.

    Returns:
        What makes the task.

    Raises:
        UserError: If there is no such task, with what is close to it.
    """
    import inoc_evals.tasks as suite

    package, _, short = name.rpartition("/")
    if not package and short in suite.__all__:
        return getattr(suite, short)
    packages = sorted({entry.name for entry in entry_points(group="inspect_ai")} - {"inoc_evals"})
    if not package:
        near = difflib.get_close_matches(short, suite.__all__, n=3, cutoff=0.5) or suite.__all__
        others = f" (installed: {', '.join(packages)})" if packages else ""
        raise UserError(
            f"no task {short!r:.80} in the suite: use {', '.join(near)}, or PACKAGE/{short:.80} for one that "
            f"another package registers with Inspect{others}"
        )
    if package not in packages:
        raise UserError(
            f"task {name!r:.80}: no installed package {package!r:.80} registers anything with Inspect; "
            f"installed: {', '.join(packages) or 'none'}"
        )
    tasks = _tasks_of(package)
    if name not in tasks:
        raise UserError(
            f"package {package} has no task {short!r:.80}: use {', '.join(tasks) or 'another one'}"
        )
    return tasks[name]


def _tasks_of(package: str) -> dict[str, Any]:
    """The tasks that a package registers, by their names with the package, as Inspect finds them."""
    from inspect_ai.util import registry_info

    found: dict[str, Any] = {}
    for entry in entry_points(group="inspect_ai", name=package):
        try:
            module = entry.load()
        except Exception as error:
            raise UserError(
                f"package {package} cannot be loaded: {type(error).__name__}: {one_line(error)}"
            ) from error
        for value in vars(module).values():
            try:
                about = registry_info(value)
            except ValueError:  # nothing that is registered
                continue
            if about.type == "task":
                found[f"{package}/{about.name.rpartition('/')[2]}"] = value
    return found


def takes(make: Any, name: str) -> bool:
    """Whether what makes a task has a parameter, or takes any."""
    parameters = inspect.signature(make).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
