"""`inoc-evals runs`: the finetunes that there are, what each is, how two differ, and which can go."""

import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from inoc_evals.commands.output import AsJson, print_json, print_table
from inoc_evals.errors import UserError, require
from inoc_evals.runs.directory import Manifest, find_run, list_runs, runs_root

Runs = Annotated[
    Path | None, typer.Option("--runs", metavar="DIR", help="Where runs live: ./runs by default.")
]

app = typer.Typer(no_args_is_help=True, help="Finetunes: list, show one, diff two, prune.")


@app.command("list")
def list_command(runs: Runs = None, as_json: AsJson = False) -> None:
    """List every run with its state, base, seed and loss."""
    found = []
    for run in list_runs(runs):
        try:
            found.append(_brief(run.folder.name, run.manifest))
        except UserError as error:
            found.append({"run": run.folder.name, "status": "broken", "error": str(error)})
    if as_json:
        print_json(found)
        return
    columns = ["run", "status", "base", "seed", "rows", "loss"]
    rows = [["" if row.get(c) is None else str(row[c]) for c in columns] for row in found]
    print_table(f"Runs in {runs_root(runs)}", columns, rows)


@app.command("show")
def show_command(
    run: Annotated[str, typer.Argument(help="Its directory, or its name.")],
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """Show a run's manifest."""
    found = find_run(run, runs)
    manifest = found.manifest.model_dump(mode="json")
    if as_json:
        print_json({"folder": str(found.folder), **manifest})
        return
    rows = [[key, str(value)] for key, value in _flat(manifest).items() if value not in (None, {}, [])]
    print_table(str(found.folder), ["", ""], rows)


@app.command("diff")
def diff_command(
    first: Annotated[str, typer.Argument(help="A run.")],
    second: Annotated[str, typer.Argument(help="Another.")],
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """Show in what two runs differ: spec, training bytes, base, packages, result."""
    one, two = (_flat(find_run(name, runs).manifest.model_dump(mode="json")) for name in (first, second))
    keys = [key for key in {**one, **two} if one.get(key) != two.get(key)]
    if as_json:
        print_json({key: [one.get(key), two.get(key)] for key in keys})
        return
    print_table("They differ in", ["", first, second], [[k, str(one.get(k)), str(two.get(k))] for k in keys])


@app.command("prune")
def prune_command(
    logs: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Folders of logs; ./logs by default. Repeatable."),
    ] = None,
    runs: Runs = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove the runs that no log was made of and no other run started from."""
    require("openai", "filelock")
    from inoc_evals.finetune.prune import size, unreferenced

    found = [(run, size(run.folder)) for run in unreferenced(runs, logs or [Path("logs")])]
    if not as_json:
        rows = [[run.folder.name, run.manifest.status, f"{taken / 1e6:,.1f} MB"] for run, taken in found]
        print_table(f"Unreferenced runs in {runs_root(runs)}", ["run", "status", "size"], rows)
    removed = bool(found) and (yes or _confirmed(len(found), as_json))
    if removed:
        for run, _ in found:
            shutil.rmtree(run.folder)
    if as_json:
        listed = [{"run": run.folder.name, "bytes": taken} for run, taken in found]
        print_json({"unreferenced": listed, "removed": removed})
    elif removed:
        typer.echo(f"Removed {len(found)} runs, {sum(taken for _, taken in found) / 1e6:,.1f} MB")


def _confirmed(count: int, as_json: bool) -> bool:
    """Ask; a program is not asked, and removes nothing without --yes."""
    if as_json:
        return False
    if not sys.stdin.isatty():
        raise UserError(f"nobody can be asked here: add --yes to remove {count} runs")
    return typer.confirm(f"Remove {count} runs for good?")


def _brief(name: str, manifest: Manifest) -> dict[str, Any]:
    result = manifest.result
    return {
        "run": name,
        "status": manifest.status,
        "error": manifest.error,
        "base": manifest.base,
        "seed": manifest.seed,
        "rows": result.rows if result else None,
        "loss": None if result is None or result.loss_last is None else round(result.loss_last, 4),
        "metadata": manifest.metadata,
    }


def _flat(value: dict[str, Any], front: str = "") -> dict[str, Any]:
    """Nested keys with dots between them."""
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, dict):
            flat |= _flat(inner, f"{front}{key}.")
        else:
            flat[front + key] = inner
    return flat
