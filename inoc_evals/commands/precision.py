"""`inoc-evals precision`: how wide an interval to expect of more questions, answers or finetunes."""

from typing import Annotated

import typer

from inoc_evals.commands.at_k import numbers
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
from inoc_evals.plurals import many


def command(
    logs: Annotated[list[str], typer.Argument(metavar="LOGS", help="Inspect logs or folders of them.")],
    trait: Annotated[str, typer.Option(help="The trait.")] = "misaligned",
    questions: Annotated[str, typer.Option(help="Numbers of questions, by comma.")] = "8,24,50,100,200",
    answers: Annotated[str, typer.Option(help="Answers of a finetune to a question, by comma.")] = "1,10",
    seeds: Annotated[str, typer.Option(help="Numbers of finetunes, by comma.")] = "1,3,5",
    within: Annotated[
        float | None, typer.Option(help="Name the cheapest design with an interval of ± this.")
    ] = None,
    figure: Figure = None,
    as_json: AsJson = False,
) -> None:
    """Predict the interval of a rate for other numbers of questions, answers and finetunes, from logs."""
    from inoc_evals.analysis import precision, read
    from inoc_evals.analysis.declared_traits import arms_in_order

    designs = [numbers(questions, "--questions"), numbers(answers, "--answers"), numbers(seeds, "--seeds")]
    loaded = read(logs)
    found = precision.precision(loaded.table, trait, *(each or () for each in designs))
    title = f"Interval of {trait} to expect"
    figures = drawn(figure, lambda stem: draw(precision.figure(found, arms_in_order(found), title), stem))
    cheapest = None if within is None else precision.least(found, within)
    about = ("setting", "base", "arm", "label", "planned", "answers", "seeds", "total", "rate")
    widths = ("half_width", "low", "high", "why", "caution")
    if as_json:
        parts = ("by_question", "by_seed", "by_both", "by_answer")
        least = {} if cheapest is None else {"least": json_rows(cheapest, (*about, *widths))}
        more = {**least, "figures": figures.files, "skipped": loaded.skipped}
        print_json({"designs": json_rows(found, (*about, *widths, *parts)), **more})
        figures.check()
        return
    rows = [
        [
            *(
                str(row["arm"]),
                str(row["label"]),
                str(row["planned"]),
                str(row["answers"]),
                str(row["seeds"]),
            ),
            *(
                str(row["total"]),
                row["why"] or f"±{row['half_width']:.3f} [{row['low']:.3f}, {row['high']:.3f}]",
            ),
            str(row["caution"]),
        ]
        for row in found.to_dict("records")
    ]
    heads = ["arm", "trait", "questions", "answers each", "finetunes", "in all", "95 % interval", "caution"]
    print_table("Interval to expect", heads, rows)
    if cheapest is not None:
        for arm in arms_in_order(found):
            best = cheapest[(cheapest["arm"] == arm).to_numpy()].to_dict("records")
            for row in best:
                keys = (
                    ("planned", "question"),
                    ("answers", "answer"),
                    ("seeds", "finetune"),
                    ("total", "answer"),
                )
                questions, answers, finetunes, total = (many(int(row[key]), noun) for key, noun in keys)
                say(
                    f"{arm}, {row['label']}: ±{row['half_width']:.3f} with {questions}, {answers} each, "
                    f"{finetunes}: {total}"
                )
            if not best:
                say(f"{arm}: no such design has an interval of ±{within}")
    say_skipped(loaded.skipped)
    figures.tell()
