"""`inoc-evals list`: the available tasks, scorers, settings with their arms, and models.

`inspect list tasks` looks through the files of a folder, so it does not see a package that is installed.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer

from inoc_evals.commands.output import AsJson, print_json, print_table
from inoc_evals.errors import UserError
from inoc_evals.runs.directory import list_runs
from inoc_evals.settings import SETTINGS

Kind = Literal["tasks", "scorers", "settings", "models"]


def command(
    kind: Annotated[Kind | None, typer.Argument(help="What to list; everything by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """List tasks, scorers, settings with their arms, and models."""
    kinds: dict[Kind, Callable[[], list[dict[str, Any]]]] = {
        "tasks": lambda: components("task"),
        "scorers": lambda: components("scorer"),
        "settings": settings,
        "models": models,
    }
    listed = {name: find() for name, find in kinds.items() if kind in (None, name)}
    if as_json:
        print_json(listed)
        return
    for name, items in listed.items():
        if name == "settings":
            items = [arm for setting in items for arm in _arm_rows(setting)]
        if items:
            print_table(name, list(items[0]), [[str(value) for value in item.values()] for item in items])


def components(kind: Literal["task", "scorer"]) -> list[dict[str, Any]]:
    """List what the package registers with Inspect.

    Args:
        kind: Kind of component.

    Returns:
        Per component `name`, as `inspect eval` takes it, and `about`, the first line of its docstring.
    """
    from inspect_ai.util import registry_info

    from inoc_evals import _registry

    abouts = {}
    for component in vars(_registry).values():
        if not callable(component):
            continue
        try:
            info = registry_info(component)
        except ValueError:  # not an Inspect component
            continue
        if info.type == kind and info.name.startswith("inoc_evals/"):
            abouts[info.name] = (component.__doc__ or "").strip().partition("\n")[0]
    return [{"name": name, "about": abouts[name]} for name in sorted(abouts)]


def settings() -> list[dict[str, Any]]:
    """List the settings, each with its arms and their prompts."""
    return [
        {
            "name": setting.name,
            "paper": setting.paper,
            "about": setting.summary,
            "tasks": [f"inoc_evals/{measure.task}" for measure in setting.measures],
            "arms": [
                {
                    "name": arm.name,
                    "prompts": list(arm.inoculation.listed) if arm.inoculation else [],
                    "where": dict(arm.where),
                }
                for arm in setting.arms
            ],
        }
        for setting in SETTINGS.values()
    ]


def models() -> list[dict[str, Any]]:
    """List the shipped base and the runs, by the name that `--model` takes."""
    entries = [
        {"name": "inoc/toy", "about": "the embedded base model"},
        {"name": "inoc/toy-judge", "about": "its judge, for grader=inoc/toy-judge"},
    ]
    for run in list_runs():
        try:
            manifest = run.manifest
            about = f"{manifest.status}: {manifest.base} finetuned, seed {manifest.seed}"
        except UserError as error:
            about = f"broken: {error}"
        entries.append({"name": f"inoc/{run.folder.name}", "about": about})
    return entries


def _arm_rows(setting: dict[str, Any]) -> list[dict[str, str]]:
    """Lines of the table for people: one per arm; only the first names the setting."""
    rows = []
    for number, arm in enumerate(setting["arms"]):
        where = ", ".join(f"{key}={value}" for key, value in arm["where"].items())
        rows.append(
            {
                "setting": "" if number else setting["name"],
                "paper": "" if number else setting["paper"],
                "arm": arm["name"],
                "prompt in training": " | ".join(arm["prompts"]) or "-",
                "rows": where or "all",
            }
        )
    return rows
