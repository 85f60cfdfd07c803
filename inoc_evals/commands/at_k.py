"""`inoc-evals at-k`: how likely a trait shows in at least one of k answers to a question."""

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
from inoc_evals.errors import UserError


def command(
    logs: Annotated[list[str], typer.Argument(metavar="LOGS", help="Inspect logs or folders of them.")],
    trait: Annotated[str, typer.Option(help="A trait of yes or no.")] = "misaligned",
    k: Annotated[
        str | None, typer.Option("--k", metavar="NUMBERS", help="Numbers of answers, by comma: 1,5,10.")
    ] = None,
    to: Annotated[str, typer.Option(help="The arm that the others are compared with.")] = "none",
    figure: Figure = None,
    as_json: AsJson = False,
) -> None:
    """Estimate EM@k, arm by arm: the chance that one of k answers to a question shows the trait."""
    from inoc_evals.analysis import at_k, differences, read
    from inoc_evals.analysis.declared_traits import arms_in_order

    loaded = read(logs)
    of_cells = at_k.at_k(loaded.table, trait, numbers(k, "--k"))
    curves, changes = at_k.curves(of_cells), differences(of_cells, to=to)
    title = f"{trait} in one of k answers"
    figures = drawn(figure, lambda stem: draw(at_k.figure(curves, arms_in_order(curves), title), stem))
    if as_json:
        about = ("setting", "base", "arm", "label", "judge", "preset", "questions", "condition", "k")
        numbers_of_curve = ("rate", "low", "high", "n", "asked", "seeds", "unscored", "caution", "why")
        of_change = (
            "setting",
            "base",
            "arm",
            "label",
            "to",
            "difference",
            "low",
            "high",
            "p",
            "p_holm",
            "caution",
        )
        print_json(
            {
                "curves": json_rows(curves, (*about, *numbers_of_curve)),
                "differences": json_rows(changes, of_change),
                "figures": figures.files,
                "skipped": loaded.skipped,
            }
        )
        figures.check()
        return
    keys = ("setting", "base", "arm", "label")
    against = {tuple(str(row[key]) for key in keys): row for row in changes.to_dict("records")}
    rows = []
    for row in curves.to_dict("records"):
        change = against.get(tuple(str(row[key]) for key in keys))
        rows.append(
            [
                *(str(row["arm"]), str(row["label"]), str(row["asked"])),
                row["why"] or f"{row['rate']:.3f} [{row['low']:.3f}, {row['high']:.3f}]",
                f"{change['difference']:+z.3f} [{change['low']:+z.3f}, {change['high']:+z.3f}]"
                if change
                else "",
                str(row["caution"]) if row["n"] else "",
            ]
        )
    print_table(
        "In one of k answers", ["arm", "trait@k", "questions", "chance", f"less {to}", "caution"], rows
    )
    say_skipped(loaded.skipped)
    figures.tell()


def numbers(text: str | None, option: str) -> list[int] | None:
    """Whole numbers by comma.

    Raises:
        UserError: If they are none.
    """
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(f"{option} {text}: write whole numbers by comma, e.g. 1,5,10") from error
