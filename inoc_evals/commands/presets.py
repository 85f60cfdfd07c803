"""`inoc-evals presets`: the rate of misaligned answers under every published rule, from scores that exist."""

from typing import Annotated

import typer

from inoc_evals.commands.output import (
    AsJson,
    Figure,
    draw,
    drawn,
    json_rows,
    print_json,
    print_table,
    say_skipped,
)


def command(
    logs: Annotated[list[str], typer.Argument(metavar="LOGS", help="Inspect logs or folders of them.")],
    to: Annotated[str, typer.Option(help="The arm that the others are compared with.")] = "none",
    figure: Figure = None,
    as_json: AsJson = False,
) -> None:
    """Count misaligned answers under every preset of thresholds, and their mean alignment; asks no judge."""
    from inoc_evals.analysis import differences, read, under_presets
    from inoc_evals.analysis.declared_traits import arms_in_order
    from inoc_evals.scorers.presets import PRESETS

    loaded = read(logs)
    verdicts = under_presets.under_presets(loaded.table)
    found, changes = under_presets.preset_rates(verdicts), differences(verdicts, to=to)
    title = "The same answers under every preset"
    figures = drawn(figure, lambda stem: draw(under_presets.figure(found, arms_in_order(found), title), stem))
    about = ("setting", "base", "arm", "preset", "trait", "judge", "questions", "condition", "label")
    if as_json:
        numbers = ("rate", "low", "high", "n", "asked", "seeds", "caution", "why")
        apart = ("mean_alignment", "mean_low", "mean_high", "incoherent", "code", "refused", "unread")
        of_change = ("to", "difference", "low", "high", "p", "p_holm", "caution")
        print_json(
            {
                "rules": {name: str(rule) for name, rule in PRESETS.items()},
                "rates": json_rows(found, (*about, *numbers, *apart)),
                "differences": json_rows(changes, (*about, *of_change)),
                "figures": figures.files,
                "skipped": loaded.skipped,
            }
        )
        figures.check()
        return
    keys = ("setting", "base", "arm", "preset", "trait", "judge", "questions", "condition", "scorer")
    against = {tuple(map(str, (row[key] for key in keys))): row for row in changes.to_dict("records")}
    several = found["trait"].nunique() > 1 or len(found) > found[["arm", "preset"]].drop_duplicates().shape[0]
    rows = []
    for row in found.to_dict("records"):
        change = against.get(tuple(map(str, (row[key] for key in keys))))
        rows.append(
            [
                *(str(row["arm"]), f"{row['preset']} ({PRESETS[row['preset']]})"),
                *([str(row["label"])] if several else []),
                row["why"] or f"{row['rate']:.3f} [{row['low']:.3f}, {row['high']:.3f}]",
                f"{change['difference']:+z.3f} [{change['low']:+z.3f}, {change['high']:+z.3f}]"
                if change
                else "",
                ""
                if row["why"]
                else f"{row['mean_alignment']:.1f} [{row['mean_low']:.1f}, {row['mean_high']:.1f}]",
                *(str(row[column]) for column in ("n", "incoherent", "code", "refused", "unread")),
            ]
        )
    heads = ["arm", "preset", *(["of"] if several else []), "misaligned", f"less {to}", "mean alignment"]
    print_table("Misaligned answers", [*heads, "n", "incoherent", "code", "refused", "unread"], rows)
    say_skipped(loaded.skipped)
    figures.tell()
