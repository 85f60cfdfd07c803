"""`inoc-evals screen`: what each prompt does to the base, before anything is trained."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inoc_evals.commands.experiment_options import Limit
from inoc_evals.commands.inoculate import From
from inoc_evals.commands.output import AsJson, drawn, print_json, print_table, say
from inoc_evals.commands.output import draw as draw_figure
from inoc_evals.data.row_files import read_rows
from inoc_evals.errors import UserError

if TYPE_CHECKING:
    from inoc_evals.experiment.screen import Screen


def command(
    rows: Annotated[
        Path | None,
        typer.Argument(metavar="ROWS", help="Training rows without a prompt, as `finetune` takes them."),
    ] = None,
    prompts: Annotated[
        str | None, typer.Option(metavar="FILE", help="A prompt per line, or `name: prompt`.")
    ] = None,
    layout: From = "auto",
    base: Annotated[
        str | None, typer.Option(metavar="MODEL", help="The base; by default the world's own.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="What the base is asked; without it only log-probs are read.")
    ] = None,
    setting: Annotated[
        str | None, typer.Option(help="A setting, in place of ROWS: its rows and its task.")
    ] = None,
    arm_prompts: Annotated[
        bool, typer.Option("--arm-prompts", help="The prompts of the setting's arms, in place of a file.")
    ] = False,
    world: Annotated[str | None, typer.Option(help="Whose rows and questions: toy, smollm or paper.")] = None,
    trait: Annotated[
        str | None, typer.Option(help="The trait to order by; the task's first by default.")
    ] = None,
    neutral: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Rows without the trait; the world's or everyday ones by default."),
    ] = None,
    limit: Limit = None,
    count: Annotated[int, typer.Option("--rows", min=1, help="Rows whose log-prob is read.")] = 40,
    grader: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="A judge, if the task needs one; may be repeated."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="LOGS", help="After training: logs of models trained under the prompts."),
    ] = None,
    log_dir: Annotated[Path, typer.Option(metavar="DIR", help="Where logs go.")] = Path("logs/screen"),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FIGURE.png", help="Draw a figure.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Screen prompts before training: what each elicits, and how much likelier it makes the rows."""
    from inoc_evals.experiment.screen import screen, screen_setting
    from inoc_evals.worlds import world_of

    if (rows is None) == (setting is None):
        raise UserError("give either ROWS, or --setting NAME for the rows of a setting")
    if (prompts is None) == (not arm_prompts):
        raise UserError("give either --prompts FILE, or --arm-prompts with --setting")
    if arm_prompts and setting is None:
        raise UserError("--arm-prompts are those of a setting: add --setting NAME")
    options: dict[str, Any] = {
        **{"trait": trait, "neutral": neutral, "limit": limit, "count": count},
        **{
            "grader": tuple(name.strip() for names in grader or () for name in names.split(",")),
            "against": against,
            "log_dir": log_dir,
        },
    }
    with redirect_stdout(sys.stderr):  # what happens on the way is progress
        if setting is not None:
            where = world or world_of(*([base] if base else [])).name
            found = screen_setting(setting, where, base or "", prompts, task, **options)
        else:
            assert rows is not None  # one of the two is given
            asked = _base(base, world)
            shown = list(read_rows(rows, layout))
            found = screen(shown, prompts or "", asked, task, world=world or "", **options)
        figures = drawn(output, lambda stem: draw(found, stem))
    if as_json:
        print_json({**found.as_dict(), "figures": figures.files})
        figures.check()
        return
    heads, cells = table(found)
    print_table(f"What prompts do to {found.base} before training (95 % intervals)", heads, cells)
    say(found.sentence)
    for relation in found.against:
        say(f"After training: {relation.sentence}")
    for note in found.notes:
        say(note, err=True)
    figures.tell()


def table(found: "Screen") -> tuple[list[str], list[list[str]]]:
    """Columns and rows for people: a prompt a row, the strongest first."""
    from inoc_evals.analysis.screening import ELICITATION, SIDE_EFFECT, SURPRISE, cell

    asked = found.table[found.table["measure"] == ELICITATION]
    traits = sorted(dict.fromkeys(asked["trait"]), key=lambda name: name != found.trait)
    columns = [(ELICITATION, trait, f"{trait} elicited") for trait in traits]
    columns += [(SURPRISE, None, "surprise saved, nats a token"), (SIDE_EFFECT, None, "on neutral rows")]
    there = set(found.table["measure"])
    shown = [column for column in columns if column[0] in there]
    cells, cautions = [], False
    for prompt in found.order:
        numbers = [cell(found.table, prompt, measure, trait) for measure, trait, _ in shown]
        doubts = dict.fromkeys(str(one["caution"]) for one in numbers if one and one["caution"])
        cautions = cautions or bool(doubts)
        words = [_shown(one) for one in numbers]
        cells.append([prompt, *words, "; ".join(doubts)])
    heads = ["prompt", *(head for _, _, head in shown), "caution"]
    return (heads, cells) if cautions else (heads[:-1], [row[:-1] for row in cells])


def draw(found: "Screen", output: Path) -> list[str]:
    """Draw a screening, and what it was held against, as `FIGURE` and `FIGURE_after`.

    Args:
        found: The screening.
        output: Where the figure goes, as for `commands.output.draw`.
    """
    from inoc_evals.analysis import screening_figures

    title = f"What prompts do to {found.base} before training"
    files = draw_figure(screening_figures.before(found.table, found.trait, title), output)
    if found.against:
        title = "What a prompt did before training, and what training under it kept out"
        files += draw_figure(screening_figures.after(found.against, title), output, "_after")
    return files


def _shown(one: dict[str, Any] | None) -> str:
    if one is None or one["value"] != one["value"]:
        return "not measured"
    return f"{one['value']:+z.2f} [{one['low']:+z.2f}, {one['high']:+z.2f}]"


def _base(base: str | None, world: str | None) -> str:
    """The base that is asked: as named, or a world's own."""
    from inoc_evals.worlds import world as find_world

    if base is None and world is None:
        raise UserError("name the model with --base, e.g. --base toy")
    return base or find_world(str(world)).base
