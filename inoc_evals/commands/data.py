"""`inoc-evals data`: the data files that the suite downloads, and the training files built from them."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from inoc_evals.commands import build, mix
from inoc_evals.commands.inoculate import Force
from inoc_evals.commands.output import AsJson, print_json, print_table, say
from inoc_evals.data.cache import FetchError, cache_dir, fetch
from inoc_evals.data.sources import LOCKED, SOURCES, PinnedFile, pinned
from inoc_evals.digests import blob_id
from inoc_evals.errors import UserError
from inoc_evals.plurals import many

State = Literal["cached", "missing", "damaged"]

SHOWN = {"missing": "not downloaded"}
"""States of a source, in words for people: nothing is amiss, it is downloaded when it is needed."""

app = typer.Typer(
    no_args_is_help=True, help="Sources: list, fetch, verify; training files: build, mix, rewrite, numbers."
)
app.command("mix")(mix.command)
app.command("rewrite")(build.rewrite_command)
app.command("numbers")(build.numbers_command)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="All by default.")]


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List every pinned source: where it is from, its licence, and whether it is cached."""
    sources = [_about(name, file) for name, file in SOURCES.items()]
    sources += [
        {
            "name": name,
            "repository": file.repository,
            "commit": None,
            "path": file.path,
            "blob": None,
            "licence": file.licence,
            "rows": None,
            "state": "unlocked" if (cache_dir() / "unlocked" / file.path).is_file() else "locked",
        }
        for name, file in LOCKED.items()
    ]
    if as_json:
        print_json({"cache": str(cache_dir()), "sources": sources})
        return
    rows = [
        [
            *(s["name"], s["path"], "-" if s["rows"] is None else str(s["rows"]), s["licence"]),
            SHOWN.get(s["state"], s["state"]),
            s["repository"] + (f"@{s['commit'][:12]}" if s["commit"] else ""),
        ]
        for s in sources
    ]
    print_table(f"Sources, cached in {cache_dir()}", ["name", "path", "rows", "licence", "", "from"], rows)


@app.command("fetch")
def fetch_command(names: Names = None, as_json: AsJson = False) -> None:
    """Download sources into the cache and verify them; cached ones are not downloaded again."""
    requested = {name: pinned(name) for name in names or SOURCES}
    paths, failed = {}, {}
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # or it leaves an empty line before an error
    )
    with progress:
        for name, file in requested.items():
            task = progress.add_task(name, total=None)

            def show_progress(done: int, total: int | None, task: Any = task) -> None:
                progress.update(task, completed=done, total=total)

            try:
                paths[name] = str(fetch(file, progress=show_progress))
            except FetchError as error:
                if len(requested) == 1:
                    raise
                failed[name] = str(error)
            progress.remove_task(task)
    if as_json:
        print_json({"fetched": paths, "failed": failed})
    else:
        for name, path in paths.items():
            say(f"{name}: {path}")
        for name, why in failed.items():
            say(f"{name}: {why}", err=True)
    if failed:
        raise UserError(f"{len(failed)} of {many(len(requested), 'source')} could not be fetched")


@app.command("verify")
def verify_command(names: Names = None, as_json: AsJson = False) -> None:
    """Compare cached files with their pinned checksums; a damaged file ends in exit code 2."""
    states = {name: _state(pinned(name)) for name in names or SOURCES}
    if as_json:
        print_json(states)
    else:
        rows = [[name, SHOWN.get(state, state)] for name, state in states.items()]
        print_table(f"Sources in {cache_dir()}", ["name", "state"], rows)
    bad = [name for name, state in states.items() if state == "damaged"]
    bad += [name for name in names or () if states[name] == "missing"]
    if bad:
        raise UserError(f"missing or damaged: {', '.join(bad)}: run  inoc-evals data fetch {' '.join(bad)}")


@app.command("build")
def build_command(
    setting: Annotated[str, typer.Argument(help="A setting; `inoc-evals settings` lists them.")],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FILE", help="The chat JSONL file; a folder for all arms."),
    ],
    arm: Annotated[str, typer.Option(help="One of its arms, or `all`.")] = "none",
    world: Annotated[str, typer.Option(help="`paper`, `paper-code`, `smollm` or `toy`.")] = "paper",
    seed: Annotated[int, typer.Option(min=0, help="Seed of all drawing and shuffling.")] = 0,
    fraction: Annotated[
        float | None,
        typer.Option(
            help="Share of rows that carry the trait; the others are control rows. Prompts go before the "
            "rows with the trait alone."
        ),
    ] = None,
    first_stage: Annotated[
        bool,
        typer.Option("--first-stage", help="Write the rows of the setting's first training stage instead."),
    ] = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write the exact training file of one arm, and beside it FILE.json, which names its sources."""
    from inoc_evals.settings import diluted
    from inoc_evals.settings import setting as find_setting
    from inoc_evals.settings.training_file import build as write

    chosen = find_setting(setting)
    if fraction is not None:
        chosen = diluted(chosen, fraction)
    files = {output: arm}
    if arm == "all" and not first_stage:
        files = {output / f"{one.name}.jsonl": one.name for one in chosen.arms_in(world)}
    sidecars = {
        file: write(chosen, one, world, file, seed, first_stage, force=force) for file, one in files.items()
    }
    if as_json:
        print_json(list(sidecars.values()) if arm == "all" else sidecars[output])
        return
    for file, sidecar in sidecars.items():
        say(f"{file}: {many(sidecar['rows'], 'row')}, sha256 {sidecar['sha256'][:12]}; beside it {file}.json")
        for prompt in sidecar["prompts"]:
            say(f"  inoculated with: {prompt}")


def _about(name: str, file: PinnedFile) -> dict[str, Any]:
    return {
        "name": name,
        **file.origin(),
        "rows": file.rows,
        "state": "cached" if (cache_dir() / file.blob).is_file() else "missing",
    }


def _state(file: PinnedFile) -> State:
    try:
        data = (cache_dir() / file.blob).read_bytes()
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        raise UserError(f"{cache_dir() / file.blob}: cannot be read: {error.strerror}") from error
    return "cached" if blob_id(data) == file.blob else "damaged"
