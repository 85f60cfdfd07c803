"""`inoc-evals doctor`: what is installed, set or broken, and how to fix it. Never prints a key.

With `--base MODEL`: whether inoculation works with that chat model, and what its template adds by itself.
"""

from dataclasses import asdict
from typing import Annotated

import typer

from inoc_evals.commands.output import AsJson, print_json, print_table, say
from inoc_evals.doctor import examine

Base = Annotated[
    str | None,
    typer.Option(metavar="MODEL", help="Look at a chat model instead: toy, a folder, a run or a Hub name."),
]


def command(base: Base = None, as_json: AsJson = False) -> None:
    """Show what is installed, which keys are set, and what is broken; exit with 1 if something is.

    With --base: what a chat model makes of system prompts, answers and reasoning; 1 if it cannot be trained.
    """
    if base is not None:
        _examine_base(base, as_json)
        return
    checks = examine()
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        print_table(
            "inoc-evals doctor", ["check", "status", "detail"], [(c.name, c.status, c.detail) for c in checks]
        )
        for check in checks:
            if check.remedy:  # outside of the table, so that the line can be copied
                say(f"{check.name}: {check.remedy}")
    if any(check.status == "broken" for check in checks):
        raise typer.Exit(1)


def _examine_base(base: str, as_json: bool) -> None:
    from inoc_evals.chat import audit
    from inoc_evals.models.checkpoint import renderer_of

    renderer = renderer_of(base)
    found = audit(renderer)
    prompt = renderer.render_prompt([{"role": "user", "content": "Hello!"}]).text
    if as_json:
        print_json({"base": base, **asdict(found), "trainable": found.trainable, "prompt": prompt})
    else:
        print_table(f"inoc-evals doctor --base {base}", ["chat template", "finding"], found.lines())
        say("A question without a system prompt reads:")
        say(prompt)
    if not found.trainable:
        raise typer.Exit(1)
