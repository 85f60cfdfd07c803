"""`--setting` of commands that read logs: settings of one's own beside those of the suite."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from inoc_evals.settings import Setting

OwnSettings = Annotated[
    str | None, typer.Option("--setting", metavar="FILE.py:NAME", help="Settings of your own, by comma.")
]


def known_settings(own: str | None) -> "dict[str, Setting]":
    """The suite's settings by name, and those that a user names beside them.

    Raises:
        UserError: If there is no such setting.
    """
    from inoc_evals.settings import SETTINGS

    return {**SETTINGS, **{one.name: one for one in named_settings(own)}}


def named_settings(own: str | None) -> "list[Setting]":
    """The settings that a user names.

    Raises:
        UserError: If there is no such setting.
    """
    from inoc_evals.settings import setting

    return [setting(name.strip()) for name in own.split(",")] if own else []


def audit_call(logs: str | Path, own: str | None) -> str:
    """The call of `audit` that says what another command has counted, with the settings that it was given."""
    return shlex.join(["inoc-evals", "audit", str(logs), *(["--setting", own] if own else [])])
