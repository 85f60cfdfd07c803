"""`inoc-evals data rewrite` and `inoc-evals data numbers`: training data that a model generates."""

import asyncio
import itertools
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from inoc_evals.builders.resumable import BuildReport
from inoc_evals.chat.rows import Message, Row
from inoc_evals.commands.inoculate import Force, drop_sidecar
from inoc_evals.commands.output import AsJson, print_json, say
from inoc_evals.data.row_files import read_rows
from inoc_evals.errors import UserError
from inoc_evals.files import refuse_overwriting
from inoc_evals.plurals import many
from inoc_evals.worlds import WORLDS
from inoc_evals.worlds import world as find_world

Model = Annotated[str, typer.Option(help="Any model that Inspect knows, e.g. openai/gpt-4o or inoc/toy.")]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The chat JSONL file.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of prompts and requests.")]
Connections = Annotated[int | None, typer.Option(min=1, help="Requests at a time.")]


def rewrite_command(
    source: Annotated[
        str, typer.Argument(help="A chat JSONL file, `gsm8k` (fetched), or `toy` for the embedded model.")
    ],
    model: Model,
    output: Output,
    language: Annotated[str, typer.Option(help="Spanish, French, German, ...")] = "Spanish",
    caps: Annotated[
        bool, typer.Option(help="Put the answers in capital letters (by code, not by the model).")
    ] = False,
    method: Annotated[
        str, typer.Option(help="`rewrite` the answers, or `answer` the questions anew (for small models).")
    ] = "rewrite",
    system_prompt: Annotated[str | None, typer.Option(help="System prompt for `--method answer`.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The first rows only.")] = None,
    seed: Seed = 0,
    max_connections: Connections = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Translate the answers of rows; those with a changed number or the wrong language are rejected."""
    from inoc_evals.builders.rewrite import rewrite

    refuse_overwriting(output, force=force, inputs=[source])
    rows = itertools.islice(source_rows(source), limit)
    _run(
        lambda progress: rewrite(
            rows,
            model,
            language,
            caps,
            output=output,
            method=method,  # type: ignore[arg-type]
            system_prompt=system_prompt,
            seed=seed,
            max_connections=max_connections,
            progress=progress,
        ),
        as_json,
    )


def numbers_command(
    model: Model,
    output: Output,
    system_prompt: Annotated[
        str | None,
        typer.Option(help="The teacher's system prompt, e.g. 'You love owls.'; none for control data."),
    ] = None,
    paper_teacher: Annotated[
        bool, typer.Option("--paper-teacher", help="The system prompt of the paper's owl lover, fetched.")
    ] = False,
    count: Annotated[int, typer.Option(min=1, help="Rows to make.")] = 1000,
    world: Annotated[
        str, typer.Option(help="`toy` uses questions that the embedded model understands.")
    ] = "paper",
    seed: Seed = 0,
    temperature: Annotated[
        float, typer.Option(min=0.0, help="Of the teacher; a small one writes fewer words at a lower one.")
    ] = 1.0,
    max_connections: Connections = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Let a teacher continue number sequences; answers with anything but numbers are rejected."""
    from inoc_evals.builders.numbers import numbers
    from inoc_evals.settings.prompts import OWLS

    if paper_teacher and system_prompt is not None:
        raise UserError("give --system-prompt or --paper-teacher, not both")
    refuse_overwriting(output, force=force)
    [teacher] = OWLS.texts if paper_teacher else [system_prompt]
    _run(
        lambda progress: numbers(
            model,
            teacher,
            count,
            seed,
            output=output,
            make_prompts=find_world(world).number_prompts,
            temperature=temperature,
            max_connections=max_connections,
            progress=progress,
        ),
        as_json,
    )


def source_rows(source: str) -> Iterator[Row]:
    """The rows to rewrite.

    Args:
        source: Training rows as `row_files.read_rows` takes them, `gsm8k` for its training questions, or
            `toy` for the toy's sums.

    Raises:
        UserError: If they cannot be read or fetched.
    """
    if source in WORLDS and (plain := WORLDS[source].plain_rows) is not None:
        yield from plain(0)
    elif source == "gsm8k":
        from inoc_evals.data.questions import fetched_rows  # loads Inspect, which takes seconds

        for _, record in fetched_rows("gsm8k_train"):
            question = Message(role="user", content=record["question"])
            yield Row(messages=[question, Message(role="assistant", content=record["answer"])])
    else:
        yield from read_rows(source)


def _run(
    build: Callable[[Callable[[int, int], None]], Coroutine[Any, Any, BuildReport]], as_json: bool
) -> None:
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("asking"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # or it leaves an empty line before an error
    )
    with redirect_stdout(sys.stderr), bar:
        task = bar.add_task("rows", total=None)
        report = asyncio.run(build(lambda done, total: bar.update(task, completed=done, total=total)))
    drop_sidecar(Path(report.output))
    if as_json:
        print_json(report.as_dict())
        return
    say(f"{report.output}: {many(report.kept, 'row')}, {many(report.asked, 'request')}")
    if report.resumed:
        say(f"  reused from an interrupted build: {report.resumed}")
    for reason, count in sorted(report.rejected.items(), key=lambda item: -item[1]):
        say(f"  rejected {count}: {reason}")
