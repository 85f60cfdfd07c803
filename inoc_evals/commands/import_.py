"""`inoc-evals import answers.csv -o logs/mine`: answers that exist already, as logs of Inspect."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from inoc_evals.commands.output import AsJson, print_json, print_table, say
from inoc_evals.errors import UserError
from inoc_evals.plurals import many


def _column(what: str) -> Any:
    return typer.Option(metavar="COLUMN", help=f"Column of {what}; guessed by default, '' for none.")


def command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The answers: CSV, TSV, JSONL, JSON or Parquet.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="LOGDIR", help="Folder of the logs.")
    ] = None,
    question: Annotated[str | None, _column("what was asked")] = None,
    answer: Annotated[str | None, _column("the answer")] = None,
    messages: Annotated[str | None, _column("whole conversations, in place of both")] = None,
    system: Annotated[str | None, _column("the system prompt of the test")] = None,
    group: Annotated[str | None, _column("the training arm: base, none, ...")] = None,
    model: Annotated[str | None, _column("the model that answered")] = None,
    seed: Annotated[str | None, _column("the finetune's seed")] = None,
    identity: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="COLUMN", help="Column of the row's name; guessed by default, '' for none."
        ),
    ] = None,
    question_id: Annotated[str | None, _column("the question's name")] = None,
    condition: Annotated[str | None, _column("the test's condition")] = None,
    epoch: Annotated[str | None, _column("the number of the answer to its question")] = None,
    score_column: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="A score that is there; may be repeated.")
    ] = None,
    empty: Annotated[
        Literal["refuse", "keep", "skip"],
        typer.Option(help="What to do with answers that are empty or missing."),
    ] = "refuse",
    encoding: Annotated[str, typer.Option(help="Of a text file, e.g. cp1252; UTF-8 by default.")] = "",
    task: Annotated[str, typer.Option(help="Name of the task; the file's by default.")] = "",
    setting: Annotated[str, typer.Option(help="Setting whose claims `report` is to test.")] = "",
    scorer: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Score the answers, e.g. alignment or language; may be repeated."),
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option("-S", metavar="KEY=VALUE", help="A parameter of the scorer; may be repeated."),
    ] = None,
    grader: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="The judge, for scorers that need one; may be repeated."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace logs of the same task that hold other answers.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show which column is taken for what, and stop.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make Inspect logs of answers that you have, and score them; then `inoc-evals report LOGDIR`."""
    from inoc_evals.analysis import answers_file, imported_logs

    if output is None and not dry_run:
        raise UserError("say by -o LOGDIR where the logs go, or --dry-run to see the columns only")
    wanted = _scorers(scorer or [], parameters or [], grader or [])
    roles = {
        **{"question": question, "answer": answer, "messages": messages, "system": system, "group": group},
        **{"model": model, "seed": seed, "id": identity, "question_id": question_id},
        **{"condition": condition, "epoch": epoch},
    }
    found = answers_file.read(file, roles, scores=tuple(score_column or ()), empty=empty, encoding=encoding)
    empty_prompts = sum(one.system is not None and not one.system.strip() for one in found.answers)
    if empty_prompts:
        say(
            f"{many(empty_prompts, 'answer')} under an empty system message, which is kept apart from none "
            "(null, or no such column): name the column by --system, or '' for nothing",
            err=True,
        )
    if dry_run or output is None:
        _show(found, as_json)
        return
    with redirect_stdout(sys.stderr):
        if wanted:
            imported_logs.check(found, wanted, grader or ())
        logs = imported_logs.write(found, file, output, task=task, setting=setting, force=force)
        scored = imported_logs.score([one.location for one in logs], wanted, grader or (), _progress)
    unscored = _unscored([(one.group, str(one.location)) for one in logs])
    for of_log in unscored:
        say(f"{of_log['group']}: {of_log['why']}", err=True)
    if as_json:
        about = [{**vars(one), "location": str(one.location)} for one in logs]
        print_json(
            {
                **{"columns": found.columns, "logs": about, "skipped": found.skipped, "scored": scored},
                "unscored": unscored,
            }
        )
        return
    _show(found, as_json)
    print_table(
        "Logs",
        ["group", "model", "seed", "questions", "answers", "log", ""],
        [
            [
                *(answers_file.printable(one.group), answers_file.printable(one.model)),
                *("" if one.seed is None else str(one.seed), str(one.questions), str(one.answers)),
                *(str(one.location), one.state),
            ]
            for one in logs
        ],
    )
    if found.skipped:
        were = "was" if len(found.skipped) == 1 else "were"
        say(f"{many(len(found.skipped), 'empty answer')} {were} left out", err=True)
    for line in _next(output, [one.group for one in logs], bool(wanted or score_column)):
        say(line)


def _scorers(names: list[str], parameters: list[str], graders: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Scorers with their parameters; the values of parameters are read as Inspect reads those of `-S`."""
    from inoc_evals.user_files import strict_yaml

    if (parameters or graders) and not names:
        raise UserError("--grader and -S are about scoring: give --scorer NAME with them, e.g. alignment")
    if parameters and len(names) > 1:
        raise UserError("-S is for one scorer: import once for each, what is there is kept")
    options = {}
    for text in parameters:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise UserError(f"-S {text}: write KEY=VALUE")
        try:
            options[key] = strict_yaml(value)
        except ValueError as error:
            raise UserError(f"-S {text}: {error}") from error
    return [(name, options) for name in names]


def _show(found: Any, as_json: bool) -> None:
    if as_json:
        shown = [{"column": c, "taken_for": role, "first": first} for c, role, first in found.shown]
        print_json({"columns": found.columns, "shown": shown, "answers": len(found.answers)})
        return
    from inoc_evals.analysis.answers_file import printable

    rows = [[printable(name), role, first] for name, role, first in found.shown]
    print_table(
        f"Columns ({many(len(found.answers), 'answer')})", ["column", "taken for", "first value"], rows
    )


def _unscored(logs: list[tuple[str, str]]) -> list[dict[str, str]]:
    """Of every log with answers that have no score: its arm, the log, and why."""
    from inspect_ai.log import read_eval_log_sample_summaries

    from inoc_evals.scorers.unscored import summaries

    return [
        {"group": group, "log": log, "why": line}
        for group, log in logs
        for line in summaries(read_eval_log_sample_summaries(log))
    ]


def _progress(what: str) -> None:
    say(what, err=True)


def _next(output: Path, groups: list[str], scored: bool) -> list[str]:
    """What to do with the logs, as commands to copy."""
    import shlex

    where = shlex.quote(str(output))
    if not scored:
        return [
            "Score them: the same command with  --scorer alignment --grader MODEL  (or without a judge:",
            "--scorer language), or  inspect score LOG --scorer inoc_evals/...  Then:",
            f"  inoc-evals report {where}",
        ]
    to = "" if {"base", "none"} & set(groups) or len(set(groups)) < 2 else f" --to {shlex.quote(groups[0])}"
    return [f"Next:  inoc-evals report {where}{to}"]
