"""`inoc-evals settings [NAME]`: the experiments of the paper, all in a table or one in full."""

import json
import shlex
from typing import Annotated, Any

import typer

from inoc_evals.commands.output import AsJson, print_json, print_table, say
from inoc_evals.data.row_sources import sources_of
from inoc_evals.settings import SETTINGS, Measure, Setting
from inoc_evals.settings import setting as find_setting
from inoc_evals.worlds import EMBEDDED
from inoc_evals.worlds.paper import PAPER

ELSEWHERE = (
    (14, "narrow traits", "the narrow tasks of 3, 4 and 5", "Appendix E.2"),
    (15, "side effects", "benchmarks: inoc-evals capabilities", "Appendix E.3"),
    (16, "replications", "any setting with another --base; the organisms", "Appendices D, E.1"),
)
"""Experiments of the paper that are not settings of their own, and how to run them."""


def command(
    name: Annotated[str | None, typer.Argument(help="A setting; all of them by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the paper's experiments; one by name with its arms, prompts, rows and the paper's result."""
    if name is not None:
        chosen = find_setting(name)
        if as_json:
            print_json(about(chosen))
        else:
            _show(chosen)
        return
    if as_json:
        print_json([about(setting) for setting in SETTINGS.values()])
        return
    rows = [[str(s.number), s.name, s.summary, s.paper] for s in SETTINGS.values() if s.number]
    rows += [[str(number), name, what, paper] for number, name, what, paper in ELSEWHERE]
    rows.sort(key=lambda row: int(row[0]))
    rows += [["-", s.name, s.summary, s.paper] for s in SETTINGS.values() if not s.number]
    print_table("Experiments of arXiv 2510.04340", ["#", "setting", "what", "paper"], rows)
    say("To see one in full:  inoc-evals settings NAME")


def about(setting: Setting) -> dict[str, Any]:
    """A setting as JSON-ready data."""
    return {
        "number": setting.number,
        "name": setting.name,
        "paper": setting.paper,
        "about": setting.summary,
        "reference": setting.reference,
        "worlds": {world: sources(setting.training(world).rows) for world in setting.worlds},
        "control": {
            world: sources(setting.training(world).control)
            for world in setting.worlds
            if setting.training(world).control is not None
        },
        "stages": 2 if any(setting.training(world).first_stage for world in setting.worlds) else 1,
        "arms": [
            {
                "name": arm.name,
                "prompts": list(arm.inoculation.listed) if arm.inoculation else [],
                "in_world": {world: list(asked.listed) for world, asked in arm.in_world.items()},
                "where": dict(arm.where),
                "others": list(arm.others.listed) if arm.others else [],
                "control": arm.control,
                "rows": arm.rows,
                "worlds": list(arm.worlds),
                "variant": arm.variant,
                "unwanted": list(arm.unwanted),
            }
            for arm in setting.arms
        ],
        "claims": [
            {
                **{"claim": claim.name, "text": claim.text, "region": claim.region, "paper": claim.paper},
                **{"source": claim.source, "reference": claim.reference},
            }
            for claim in setting.claims
        ],
        "unwanted": setting.unwanted,
        "wanted": setting.wanted,
        "broad": [measure.full for measure in setting.broad],
        "narrow": [measure.full for measure in setting.narrow],
    }


def sources(rows: Any) -> list[str]:
    """Names of the files and datasets that rows come from; none where a function makes them."""
    return [str(one) for one in sources_of(rows)]


def _as_typed(value: Any) -> str:
    """A parameter's value as Inspect's YAML takes it, in the quotes of a shell."""
    values = [value] if isinstance(value, str) else value
    plain = isinstance(values, list | tuple) and all(map(_is_plain, values))
    return shlex.quote(",".join(values) if plain else json.dumps(value, ensure_ascii=False))


def _is_plain(value: Any) -> bool:
    """Whether YAML reads a text as itself, and Inspect does not split it at commas."""
    import yaml

    try:
        return isinstance(value, str) and "," not in value and bool(yaml.safe_load(value) == value)
    except (yaml.YAMLError, ValueError):  # the latter of a date that there is not
        return False


def _measure_line(measure: Measure) -> str:
    """A measure's task, parameters and traits, and where it exists if not everywhere."""
    given = "".join(f" -T {name}={_as_typed(value)}" for name, value in measure.parameters.items())
    only = f" (in world {', '.join(measure.worlds)})" if measure.worlds else ""
    return f"{measure.full}{given}: {', '.join(measure.traits)}{only}"


def _show(setting: Setting) -> None:
    number = f"{setting.number}. " if setting.number else ""
    where = f" ({setting.paper})" if setting.paper else ""
    say(f"{number}{setting.name}{where}")
    say(f"   {setting.summary}")
    if setting.reference:
        say(f"   The paper: {setting.reference}")
    rows = []
    for arm in setting.arms:
        prompt = " | ".join(arm.inoculation.listed) if arm.inoculation else "-"
        for world, asked in arm.in_world.items():
            prompt += f"\nin world {world}: {' | '.join(asked.listed)}"
        if arm.others:
            prompt += f"\nthe other rows: {' | '.join(arm.others.listed)}"
        where = ", ".join(f"{key}={value}" for key, value in arm.where.items())
        kind = f"{arm.rows} rows" if arm.rows else "control rows" if arm.control else where or "all rows"
        only = f", in world {', '.join(arm.worlds)}" if arm.worlds else ""
        rows.append([arm.name, prompt, f"{kind}{only}, by name only" if arm.variant else f"{kind}{only}"])
    print_table("Arms", ["arm", "system prompt in training", "on"], rows)
    for world in setting.worlds:
        files = ", ".join(sources(setting.training(world).rows)) or "made by a function"
        say(f"   rows, {world}: {files}")
    for kind, measures in (("broad", setting.broad), ("narrow", setting.narrow)):
        for measure in measures:
            say(f"   {kind}: {_measure_line(measure)}")
    declared = [(measure.task, measure.parameters) for measure in setting.measures]
    for world in setting.worlds:
        for taken in setting.measured(world):
            if (taken.task, taken.parameters) not in declared:
                say(f"   instead, in world {world}: {_measure_line(taken)}")
    for kind, traits in (("unwanted", setting.unwanted), ("wanted", setting.wanted)):
        if traits:
            say(f"   {kind}: {', '.join(traits)}")
    for claim in setting.claims:
        whose = f"; {claim.source}: {claim.reference}" if claim.source else ""
        say(f"   claim: {claim.text} ({claim.name}, {claim.region}{whose})")
    shown = PAPER.name if PAPER.name in setting.worlds else setting.worlds[0]
    usual = setting.usual_arms(shown)
    example = usual[min(1, len(usual) - 1)].name
    world = "" if shown == PAPER.name else f" --world {shown}"
    key = shlex.quote(setting.key)
    say(f"   data: inoc-evals data build {key}{world} --arm {shlex.quote(example)} -o rows.jsonl")
    if EMBEDDED.name in setting.worlds:
        say(f"   {EMBEDDED.name}:  inoc-evals demo --setting {key}")
