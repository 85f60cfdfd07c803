"""`inoc-evals selectivity`: does a prompt keep out the unwanted trait alone, or the wanted one with it?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from inoc_evals.commands.known_settings import OwnSettings, known_settings
from inoc_evals.commands.output import AsJson, draw, drawn, print_json, print_table, say_skipped


def command(
    logs: Annotated[
        str, typer.Argument(metavar="LOGS", help="A folder of Inspect logs, or one log; a path or URL.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Draw FILE as PNG, SVG and PDF."),
    ] = None,
    unwanted: Annotated[
        list[str] | None,
        typer.Option(metavar="TRAIT", help="Instead of what the settings declare; may be repeated."),
    ] = None,
    wanted: Annotated[
        list[str] | None,
        typer.Option(metavar="TRAIT", help="Likewise, what should stay; may be repeated."),
    ] = None,
    setting: OwnSettings = None,
    as_json: AsJson = False,
) -> None:
    """Show how much of the unwanted trait each arm keeps out, and how much of the wanted one it leaves."""
    from inoc_evals.analysis.selectivity import drawings, selectivity
    from inoc_evals.analysis.table import read
    from inoc_evals.errors import UserError

    loaded, settings = read(logs), known_settings(setting)
    found = selectivity(loaded.table, settings, unwanted=unwanted or (), wanted=wanted or ())
    if not found:
        raise UserError(
            f"{logs}: no arm with a prompt in a setting that declares what is wanted: name the traits, "
            "--unwanted TRAIT --wanted TRAIT"
        )

    def every(stem: Path) -> Iterator[str]:
        """Draw every setting; of several, each into files with its name."""
        named = drawings(found, settings)
        endings = {name: f"-{name}" if len(named) > 1 else "" for name in named}
        for name, figure in named.items():
            yield from draw(figure, stem, endings[name])

    figures = drawn(output, every)
    if as_json:
        arms = [one.as_dict() for one in found]
        print_json({"arms": arms, "figures": figures.files, "skipped": loaded.skipped})
        figures.check()
        return
    for setting, base in dict.fromkeys((one.setting, one.base) for one in found):
        mine = [one for one in found if (one.setting, one.base) == (setting, base)]
        rows = [
            [
                *(f"{one.arm} ({one.apart})" if one.apart else one.arm, one.word),
                *(
                    one.suppression.named,
                    one.retention.named,
                ),
                *(str(one.n), one.caution),
            ]
            for one in mine
        ]
        title = f"{setting} on {base}" if base else setting
        print_table(title, ["arm", "verdict", "keeps out", "leaves", "n", "caution"], rows)
    say_skipped(loaded.skipped)
    figures.tell()
