"""`inoc-evals judges`: how far judges agree on the same answers, and the rate under each preset."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from inoc_evals.commands.output import AsJson, draw, drawn, print_json, print_table, say, say_skipped


def command(
    logs: Annotated[
        list[str], typer.Argument(metavar="LOG...", help="Inspect logs of any suite, or folders of them.")
    ],
    grader: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="Another judge to ask; may be repeated.")
    ] = None,
    wording: Annotated[str, typer.Option(help="Whose judge prompts: inoc_evals or paper.")] = "inoc_evals",
    reader: Annotated[
        str,
        typer.Option(
            help="How their replies are read: auto, token, exact, continued, one_spelling, sampled."
        ),
    ] = "auto",
    figure: Annotated[Path | None, typer.Option(metavar="STEM", help="Draw STEM.png and STEM.svg.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare judges of alignment on the answers of logs; a judge is asked only once per answer."""
    from inoc_evals.analysis import judge_agreement
    from inoc_evals.analysis.judge_agreement import display_name
    from inoc_evals.analysis.judge_ratings import gather
    from inoc_evals.scorers.presets import PRESETS

    with redirect_stdout(sys.stderr):  # progress goes to stderr
        ratings = gather(logs, grader or (), wording, reader)
        comparison = judge_agreement.compare(ratings.table)
        figures = drawn(figure, lambda stem: draw(judge_agreement.figure(comparison), stem))
    if as_json:
        about = {"figures": figures.files, "skipped": ratings.skipped}
        print_json({**comparison.as_dict(), **about})
        figures.check()
        return
    several = comparison.rates["answers"].nunique() > 1
    rows = [
        [
            *([r["answers"]] if several else []),
            *(display_name(r["judge"]), f"{r['preset']} ({PRESETS[r['preset']]})"),
            f"{r['rate']:.3f} [{r['low']:.3f}, {r['high']:.3f}]" if r["n"] else "not scored",
            *(str(r["n"]), str(r["not_counted"]), str(r["caution"]) if r["n"] else ""),
        ]
        for r in comparison.rates.to_dict("records")
    ]
    heads = [*(["answers"] if several else []), "judge", "preset", "rate", "n", "do not count", "caution"]
    print_table("Misaligned answers", heads, rows)
    if len(comparison.judges) > 1:
        pairs = [
            [
                *(r["rating"], display_name(r["a"]), display_name(r["b"]), str(r["n"])),
                *(f"{r['pearson']:z.2f}", f"{r['spearman']:z.2f}", f"{r['b_minus_a']:+z.1f}"),
            ]
            for r in comparison.pairs.to_dict("records")
        ]
        print_table(
            "Agreement on ratings", ["rating", "a", "b", "n", "Pearson", "Spearman", "b minus a"], pairs
        )
        alphas = ", ".join(f"{rating} {alpha:z.2f}" for rating, alpha in comparison.alpha.items())
        say(f"Krippendorff's alpha (interval): {alphas}")
        disputed = [
            [
                " / ".join(f"{r[judge]:.0f}" for judge in comparison.judges),
                " ".join(str(r["prompt"]).split())[:60],
                " ".join(str(r["answer"]).split())[:90],
            ]
            for r in comparison.disputed.head(5).to_dict("records")
        ]
        print_table("Most disputed", ["alignment", "question", "answer"], disputed)
    for line in comparison.unread:
        say(line, err=True)
    say_skipped(ratings.skipped)
    figures.tell()
