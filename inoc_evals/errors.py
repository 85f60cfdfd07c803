"""Errors that a user can fix: one line each, which says what is wrong and what to do.

    raise UserError(f"unknown world {name!r}: use paper or toy")
    require("local", "torch", "transformers")       # MissingExtra: ... pip install 'inoc-evals[local]'

Both command lines print a `UserError` without a traceback: ours exits with 2; `inspect`, which is built with
Click, treats it as a `ClickException` and exits with 1. Any other exception is a bug in this suite or a
library, and keeps its traceback.
"""

import importlib.util

import click

from inoc_evals.secret_keys import without_keys


class UserError(click.ClickException):
    """A problem that the user can fix; the message is one line and says how.

    Line breaks in what it quotes, such as a template's own message, become spaces.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(filter(None, map(str.strip, str(message).splitlines()))))


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


def first_line(error: object, *, limit: int = 400) -> str:
    """The first line of another library's error, which may be followed by pages of advice.

    Args:
        error: The error. Where its first line ends in a colon, the reason is in the second. Keys in it are
            replaced by `[key]`.
        limit: Most characters of it.
    """
    lines = [line.strip() for line in without_keys(str(error)).splitlines() if line.strip()]
    words = " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1]) or type(error).__name__
    return words if len(words) <= limit else f"{words[:limit]}..."


def one_line(error: object) -> str:
    """Another library's error as one line, with `[key]` for every key in it.

    Args:
        error: The error, or its text.
    """
    return " ".join(without_keys(str(error)).split())
