"""`inoc-evals controls LOGS`: what an inoculation does beyond what any fixed prompt would do."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inoc_evals.commands.known_settings import OwnSettings, known_settings
from inoc_evals.commands.output import (
    AsJson,
    draw,
    drawn,
    json_rows,
    print_json,
    print_table,
    say,
    say_skipped,
)
from inoc_evals.errors import UserError

if TYPE_CHECKING:
    pass


def command(
    logs: Annotated[
        str, typer.Argument(metavar="LOGS", help="A folder of Inspect logs, or one log; a path or URL.")
    ],
    of: Annotated[
        str, typer.Option("--of", metavar="ARM", help="The inoculated arm; the setting's first by default.")
    ] = "",
    trait: Annotated[str, typer.Option(help="Only this trait, by its name or label.")] = "",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Draw rates against pool sizes: FILE.png, .svg."),
    ] = None,
    setting: OwnSettings = None,
    as_json: AsJson = False,
) -> None:
    """Say which share of an inoculation's effect its controls have as well, and draw rates by pool size."""
    from inoc_evals.analysis import conditionalization, estimates, unread
    from inoc_evals.analysis.declared_traits import focused
    from inoc_evals.analysis.observed import labels, records
    from inoc_evals.analysis.table import read

    loaded = read(logs)
    settings = known_settings(setting)
    table = focused(loaded.table, settings)
    if trait:
        table = table[((table["trait"] == trait) | (labels(table) == trait)).to_numpy()]
    found = conditionalization.shares(table, settings, of=of)
    if found.empty:
        raise UserError(
            f"{logs}: no arm of controls beside {conditionalization.NONE} and an inoculated arm"
            f"{f' for {trait!r}' if trait else ''}: train them with --controls, or name the arm with --of"
        )
    rates = estimates.rates(table)

    def pools(stem: Path) -> Iterator[str]:
        """Draw rates by the size of pools, for every setting and trait that has some."""
        named = list(conditionalization.drawn(found, rates, settings))
        if not named:
            raise UserError("nothing to draw: no arm of these logs was trained on a pool of rephrasings")
        for name, figure in named:
            yield from draw(figure, stem, "".join(f"-{word}" for word in name.split()))

    figures = drawn(output, pools)
    missing = unread.lines(table)
    if as_json:
        about = {"skipped": loaded.skipped, "unscored": missing, "figures": figures.files}
        print_json({"shares": json_rows(found), "rates": json_rows(rates), **about})
        figures.check()
        return
    for (of_setting, base), rows in found.groupby(
        ["setting", "base"], sort=False, dropna=False, observed=True
    ):
        shown = [
            [
                *(str(row[key]) for key in ("label", "arm", "of")),
                conditionalization.in_words(row),
                row["caution"],
            ]
            for row in records(rows)
        ]
        title = str(of_setting) if base != base else f"{of_setting}, {base}"
        print_table(
            f"{title}: share of the inoculation's effect",
            ["trait", "control", "of", "(none - control) / (none - inoculated)", "caution"],
            shown,
        )
    say("Of an irrelevant prompt: near 0, the request does the work; near 1, any prompt would.")
    say("Of a pool: near 1, it works as the one prompt does; near 0, the pool has undone it.")
    for line in missing:
        say(line, err=True)
    say_skipped(loaded.skipped)
    figures.tell()
