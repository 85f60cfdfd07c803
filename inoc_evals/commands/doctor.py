"""`inoc-evals doctor`: what is installed, set or broken, and how to fix it. Never prints a key."""

from dataclasses import asdict

import typer

from inoc_evals.commands.output import AsJson, print_json, print_table
from inoc_evals.doctor import examine


def command(as_json: AsJson = False) -> None:
    """Show what is installed, which keys are set, and what is broken; exit with 1 if something is."""
    checks = examine()
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        print_table(
            "inoc-evals doctor", ["check", "status", "detail"], [(c.name, c.status, c.detail) for c in checks]
        )
        for check in checks:
            if check.remedy:  # outside of the table, so that the line can be copied
                typer.echo(f"{check.name}: {check.remedy}")
    if any(check.status == "broken" for check in checks):
        raise typer.Exit(1)
