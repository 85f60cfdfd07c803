"""`inoc-evals runs`: list finetunes, show one, compare two, and remove those that nothing refers to."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from inoc_evals.commands.output import AsJson, print_json, print_table, say
from inoc_evals.errors import UserError
from inoc_evals.locks import is_held
from inoc_evals.plurals import many
from inoc_evals.runs.directory import Manifest, Run, find_run, list_runs, lost_files, runs_root

Runs = Annotated[
    Path | None, typer.Option("--runs", metavar="DIR", help="Where runs live: ./runs by default.")
]

app = typer.Typer(no_args_is_help=True, help="Finetunes: list, show one, diff two, prune.")


@app.command("list")
def list_command(runs: Runs = None, as_json: AsJson = False) -> None:
    """List every run with its state, base, seed and loss."""
    summaries = []
    for run in list_runs(runs):
        try:
            summaries.append(_brief(run))
        except UserError as error:
            summaries.append({"run": run.folder.name, "status": "broken", "error": str(error)})
    if as_json:
        print_json(summaries)
        return
    columns = ["run", "status", "base", "seed", "rows", "loss"]
    shown = [{**row, "base": _start(row)} for row in summaries]
    rows = [["" if row.get(c) is None else str(row[c]) for c in columns] for row in shown]
    print_table(f"Runs in {runs_root(runs)}", columns, rows)


@app.command("show")
def show_command(
    run: Annotated[str, typer.Argument(help="Its directory, or its name.")],
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """Show a run's manifest."""
    selected = find_run(run, runs)
    found = selected.manifest
    status, why = _status(selected, found)
    manifest = {**found.model_dump(mode="json"), "status": status, "error": why}
    if as_json:
        print_json({"folder": str(selected.folder), **manifest})
        return
    rows = [[key, str(value)] for key, value in _flat(manifest).items() if value not in (None, {}, [])]
    print_table(str(selected.folder), ["", ""], rows)


@app.command("diff")
def diff_command(
    first: Annotated[str, typer.Argument(help="A run.")],
    second: Annotated[str, typer.Argument(help="Another.")],
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """Show how two runs differ: spec, training data, base, packages, result."""
    one, two = (_flat(find_run(name, runs).manifest.model_dump(mode="json")) for name in (first, second))
    keys = [key for key in {**one, **two} if one.get(key) != two.get(key)]
    if as_json:
        print_json({key: [one.get(key), two.get(key)] for key in keys})
        return
    print_table("Differences", ["", first, second], [[k, str(one.get(k)), str(two.get(k))] for k in keys])


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
    """Remove the runs that no log evaluates and no other run was trained from."""
    from inoc_evals.finetune.prune import Unused, finish, remove, unreferenced

    finish(runs)
    folders = logs or [Path("logs")]
    unused = [Unused.of(run) for run in unreferenced(runs, folders)]
    if not as_json:
        rows = [
            [one.run.folder.name, _status(one.run, one.manifest)[0], f"{one.size / 1e6:,.1f} MB"]
            for one in unused
        ]
        print_table(f"Unreferenced runs in {runs_root(runs)}", ["run", "status", "size"], rows)
    agreed = bool(unused) and (yes or _confirmed(len(unused), as_json))
    removed = remove(unused, runs, folders) if agreed else []
    left = [one.run.folder.name for one in unused if agreed and one not in removed]
    if as_json:
        listed = [{"run": one.run.folder.name, "bytes": one.size} for one in unused]
        print_json({"unreferenced": listed, "removed": bool(removed), "left": left})
        return
    for name in left:
        say(f"left {name}: it is in training, or was trained or evaluated in the meantime", err=True)
    if agreed:
        say(f"Removed {many(len(removed), 'run')}, {sum(one.size for one in removed) / 1e6:,.1f} MB")


def _confirmed(count: int, as_json: bool) -> bool:
    """Ask on the terminal; with --json nothing is asked, and nothing is removed without --yes."""
    if as_json:
        return False
    if not sys.stdin.isatty():
        raise UserError(f"no terminal to confirm on: add --yes to remove {many(count, 'run')}")
    return typer.confirm(f"Remove {many(count, 'run')} for good?")


def _brief(run: Run) -> dict[str, Any]:
    manifest = run.manifest
    result, lost = manifest.result, lost_files(run, manifest)
    status, why = ("broken", lost) if lost else _status(run, manifest)
    return {
        "run": run.folder.name,
        "status": status,
        "error": why,
        "base": manifest.base,
        "seed": manifest.seed,
        "rows": result.rows if result else None,
        "loss": None if result is None or result.loss_last is None else round(result.loss_last, 4),
        "metadata": manifest.metadata,
    }


def _status(run: Run, manifest: Manifest) -> tuple[str, str | None]:
    """What has become of a run, and why; its manifest still says `running` where its process was killed."""
    if manifest.status == "running" and not is_held(run.lock):
        return "interrupted", "no process of this machine trains it: start its finetune again"
    return manifest.status, manifest.error


def _start(summary: dict[str, Any]) -> Any:
    """The base as the user named it: of a run that started from another one it is a path in a cache."""
    started = (summary.get("metadata") or {}).get("started_from")
    return started.get("name") or summary["base"] if isinstance(started, dict) else summary.get("base")


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested fields in one mapping, their keys joined by dots."""
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, dict):
            flat |= _flat(inner, f"{prefix}{key}.")
        else:
            flat[prefix + key] = inner
    return flat
