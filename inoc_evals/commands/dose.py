"""`inoc-evals dose`: at which doses of a sweep an inoculation works, with its curves."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from inoc_evals.commands.known_settings import audit_call, known_settings, named_settings
from inoc_evals.commands.output import (
    AsJson,
    Figure,
    draw,
    drawn,
    json_rows,
    print_json,
    print_table,
    say,
    say_skipped,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd


def command(
    logs: Annotated[
        str, typer.Argument(metavar="LOGS", help="Logs of a sweep: a folder, or one log; a path or URL.")
    ],
    setting: Annotated[str | None, typer.Option(help="Settings, by comma; every one with a sweep.")] = None,
    unwanted: Annotated[
        str, typer.Option(metavar="TRAIT", help="What to keep out, where no claim of the setting says it.")
    ] = "",
    wanted: Annotated[str, typer.Option(metavar="TRAIT", help="What to leave in, likewise.")] = "",
    figure: Figure = None,
    as_json: AsJson = False,
) -> None:
    """Say at which doses an inoculation works, and test what its setting claims about doses."""
    from inoc_evals.analysis import doses
    from inoc_evals.analysis.audit import audit_loaded
    from inoc_evals.analysis.declared_traits import focused, unknown_settings
    from inoc_evals.analysis.table import read
    from inoc_evals.runs.directory import runs_root

    loaded = read(logs)
    named, settings = named_settings(setting), known_settings(setting)
    table = doses.swept(loaded.table)
    if named:
        table = table[table["setting"].isin([one.name for one in named]).to_numpy()]
        doses.swept(table)  # says so where nothing is left
    found = doses.windows(table, settings, unwanted, wanted)
    audited = audit_loaded(loaded, runs_root(), settings)
    tested = doses.judge(table, settings, findings=audited.findings)
    figures = drawn(figure, lambda stem: _figures(table, found, settings, stem))
    unknown = unknown_settings(table, settings)
    if as_json:
        print_json(
            {
                "rates": json_rows(doses.curves(focused(table, settings))),
                "windows": json_rows(found),
                "verdicts": [verdict.as_dict() for verdict in tested],
                "figures": figures.files,
                "skipped": loaded.skipped,
                "unknown": unknown,
                "audit": audited.as_dict(),
            }
        )
        figures.check()
        return
    several = found["world"].nunique(dropna=False) > 1
    parts = ["setting", "base", "world", "arm"]
    for (name, base, world, arm), rows in found.groupby(parts, sort=False, dropna=False):
        traits = f"without {rows['unwanted'].iloc[0]}, with {rows['wanted'].iloc[0] or 'anything'}"
        cells = [[row["dose"], row["word"], row["why"], row["caution"]] for _, row in rows.iterrows()]
        place = f" in world {world}" if several else ""
        print_table(f"{name}, {arm} on {base}{place}: {traits}", ["dose", "window", "why", "caution"], cells)
        inside = ", ".join(f"({row['dose']})" for _, row in rows.iterrows() if row["inside"] is True)
        say(f"{arm}{place} is inside the window, by the estimates, at: {inside or 'no dose'}")
    if tested:
        lines = [[v.word, v.claim.text, v.apart, v.why] for v in tested]
        print_table("Claims about doses", ["verdict", "claim", "doses", "difference"], lines)
    if audited.findings:
        say(f"Audit: {audited.summary} (`{audit_call(logs, setting)}` says which)", err=True)
    for line in unknown:
        say(line, err=True)
    say_skipped(loaded.skipped)
    figures.tell()


def _figures(table: "pd.DataFrame", found: "pd.DataFrame", settings: Any, stem: "Path") -> "Iterator[str]":
    """Draw every sweep; of several, each into files with its setting and number in the name."""
    from inoc_evals.analysis import doses
    from inoc_evals.analysis.observed import split

    sweeps = list(split(table, ("setting", "base")))
    for number, (observed, rows) in enumerate(sweeps, start=1):
        drawing = doses.figure(rows, str(observed["setting"]), settings=settings, found=found)
        own = stem.with_name(f"{stem.stem}-{observed['setting']}-{number}{stem.suffix}")
        yield from draw(drawing, stem if len(sweeps) == 1 else own)
