"""Errors that a user can fix: one line each, which says what is wrong and what to do.

    raise UserError(f"unknown world {name!r}: use paper or toy")
    require("local", "torch", "transformers")       # MissingExtra: ... pip install 'inoc-evals[local]'

Both command lines print a `UserError` without a traceback: ours exits with 2; `inspect`, which is built with
Click, treats it as a `ClickException` and exits with 1. Any other exception is a bug in this suite or a
library, and keeps its traceback.
"""

import importlib.util

import click


class UserError(click.ClickException):
    """A problem that the user can fix; the message is one line and says how."""


class MissingExtra(UserError, ImportError):
    """A feature needs an optional dependency that is not installed."""


def require(extra: str, *modules: str) -> None:
    """Fail in one line where an extra is not installed.

    Args:
        extra: Name of the extra in `pyproject.toml`, e.g. `"local"`.
        *modules: Top-level modules that the extra installs; they are looked up, not imported.

    Raises:
        MissingExtra: If any of the modules is not installed.
    """
    missing = [m for m in modules if importlib.util.find_spec(m) is None]
    if missing:
        raise MissingExtra(f"{', '.join(missing)} not installed: run  pip install 'inoc-evals[{extra}]'")
