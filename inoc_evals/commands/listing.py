"""`inoc-evals list`: the available tasks, scorers, settings with their arms, and models.

`inspect list tasks` looks through the files of a folder, so it does not see a package that is installed.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from textwrap import fill
from typing import Annotated, Any, Literal

import typer

from inoc_evals.commands.lazy import docstring_line, exported, registered_name
from inoc_evals.commands.output import AsJson, print_json, print_table, say
from inoc_evals.errors import UserError
from inoc_evals.plurals import many

Kind = Literal["tasks", "scorers", "settings", "models"]

SHIPPED = {"inoc/toy": "the embedded base model", "inoc/toy-judge": "its judge, for grader=inoc/toy-judge"}
"""The models that come with the package, and what they are."""


def command(
    kind: Annotated[Kind | None, typer.Argument(help="What to list in full; all names by default.")] = None,
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
    elif kind is None:
        _print_names(listed)
    else:
        items = listed[kind]
        if kind == "settings":
            items = [arm for setting in items for arm in _arm_rows(setting)]
        print_table(kind, list(items[0]), [[str(value) for value in item.values()] for item in items])


def _print_names(listed: Mapping[Kind, Sequence[Mapping[str, Any]]]) -> None:
    """Print all names on one screen; the runs are counted, since there may be hundreds."""
    uses = {
        "tasks": "inspect eval inoc_evals/NAME --model MODEL",
        "scorers": "inspect score LOG --scorer inoc_evals/NAME",
        "settings": "inoc-evals run --setting NAME",
        "models": "inspect eval TASK --model NAME",
    }
    width = shutil.get_terminal_size().columns
    for kind, items in listed.items():
        names = [item["name"].removeprefix("inoc_evals/") for item in items]
        runs = names[len(SHIPPED) :] if kind == "models" else []
        if runs:
            more = f"and {many(len(runs) - 3, 'more run')}" if len(runs) > 3 else ""
            names = [*SHIPPED, *runs[:3], *filter(None, [more])]
        say(f"{kind}:  {uses[kind]}")
        indent = "    "
        text = ", ".join(names)
        say(fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False))
    say(f"\nWhat each of them is:  inoc-evals list {'|'.join(listed)}")


def components(kind: Literal["task", "scorer"]) -> list[dict[str, Any]]:
    """List what the package registers with Inspect, which takes seconds to import and is not.

    The packages `inoc_evals.tasks` and `inoc_evals.scorers` are read in its place: they import all that is
    registered. A test holds the list against Inspect's registry.

    Args:
        kind: Kind of component.

    Returns:
        Per component `name`, as `inspect eval` takes it, and `about`, the first line of its docstring.
    """
    homes = exported(f"inoc_evals.{kind}s")
    if kind == "scorer":
        homes["toy_lexicon"] = "inoc_evals.worlds.toy.lexicon_scorer"
    abouts = {registered_name(home, name): docstring_line(home, name) for name, home in homes.items()}
    return [{"name": f"inoc_evals/{name}", "about": abouts[name]} for name in sorted(abouts)]


def settings() -> list[dict[str, Any]]:
    """List the settings, each with its arms and their prompts."""
    from inoc_evals.settings import SETTINGS

    return [
        {
            "name": setting.name,
            "paper": setting.paper,
            "about": setting.summary,
            "tasks": list(dict.fromkeys(measure.full for measure in setting.measures)),
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
    from inoc_evals.runs.directory import list_runs, lost_files

    entries = [{"name": name, "about": about} for name, about in SHIPPED.items()]
    for run in list_runs():
        try:
            manifest = run.manifest
            about = f"{manifest.status}: {manifest.base} finetuned, seed {manifest.seed}"
            if lost := lost_files(run, manifest):
                about = f"broken: {lost}"
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
