"""The errors a user can mend: one line each, and that line says what to do.

Both command lines print a `UserError` without a traceback: ours exits with 2, and `inspect`, which is built
with Click, knows it as one of Click's own and exits with 1. Anything else that is raised is a defect of ours
or of the machinery, and keeps its traceback.
"""

import importlib.util

import click


class UserError(click.ClickException):
    """Something the user can put right; the message is one line and says how."""


class MissingExtra(UserError, ImportError):
    """A feature needs an optional dependency that is not installed."""


def require(extra: str, *modules: str) -> None:
    """Fail in one line where an extra is not installed.

    Args:
        extra: Name of the extra in `pyproject.toml`, e.g. `"local"`.
        *modules: Top-level modules that the extra brings; they are looked up, not imported.

    Raises:
        MissingExtra: If any of the modules cannot be found.
    """
    missing = [m for m in modules if importlib.util.find_spec(m) is None]
    if missing:
        raise MissingExtra(f"{', '.join(missing)} not installed: run  pip install 'inoc-evals[{extra}]'")
