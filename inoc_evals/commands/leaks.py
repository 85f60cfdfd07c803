"""`inoc-evals leaks`: under which test-time prompts a model shows a trait that its base does not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from inoc_evals.commands.known_settings import OwnSettings, known_settings
from inoc_evals.commands.output import AsJson, draw, drawn, print_json, print_table, say, say_skipped


def command(
    logs: Annotated[
        list[str],
        typer.Argument(metavar="LOG...", help="Logs of inoc_evals/leak, or folders of them; paths or URLs."),
    ],
    base: Annotated[
        str, typer.Option(help="What the others are compared with: an arm, or a model where logs name none.")
    ] = "base",
    setting: OwnSettings = None,
    figure: Annotated[
        Path | None, typer.Option("--figure", "-o", metavar="STEM", help="Draw STEM.png, .svg and .pdf.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show where a trait comes back: rates under many prompts, less those of the base under the same."""
    from inoc_evals.analysis.leak_figure import leak_figures
    from inoc_evals.analysis.leaks import leaks
    from inoc_evals.analysis.table import read

    loaded, settings = read(logs), known_settings(setting)
    found = leaks(loaded.table, base, settings=settings)

    def every(stem: Path) -> Iterator[str]:
        """Draw the grid and what stands beside it, and say what is where."""
        measured = [settings[name] for name in dict.fromkeys(found.grid["setting"]) if name in settings]
        order = [arm.name for setting in measured for arm in setting.arms]
        drawings = leak_figures(found, "Where the trait comes back", order)
        for number, (heading, drawing) in enumerate(drawings, start=1):
            written = draw(drawing, stem, "" if number == 1 else f"-{number}")
            say(f"{written[0]}: {heading}", err=True)
            yield from written

    figures = drawn(figure, every)
    if as_json:
        print_json({**found.as_dict(), "skipped": loaded.skipped, "figures": figures.files})
        figures.check()
        return
    rows = [
        [
            str(row["arm"]),
            f"{row['trait']} ({row['apart']})" if row["apart"] else str(row["trait"]),
            *(str(row[key]) for key in ("category", "condition")),
            f"{row['rate']:.2f}",
            f"{row['base_rate']:.2f}",
            f"{row['leak']:+z.2f} [{row['low']:+z.2f}, {row['high']:+z.2f}]" + "*" * bool(row["significant"]),
            f"{row['p_holm']:.2g}",
            str(row["n"]),
        ]
        for row in found.grid.to_dict("records")
    ]
    heads = ["arm", "trait", "category", "prompt", "rate", "base", "leak", "p, Holm", "n"]
    print_table("Leaks: rates less those of the base under the same prompt", heads, rows)
    for line in found.words():
        say(line)
    say_skipped(loaded.skipped)
    figures.check()
