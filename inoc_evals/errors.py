r"""Errors that a user can fix: one line each, which says what is wrong and what to do.

    raise UserError(f"unknown world {name!r}: use paper or toy")
    require("local", "torch", "transformers")       # MissingExtra: ... pip install 'inoc-evals[local]'
    visible("\x1b[2J")                               # \x1b[2J: a terminal shows it and does not obey it

Both command lines print a `UserError` without a traceback: ours exits with 2; `inspect`, which is built with
Click, treats it as a `ClickException` and exits with 1. Any other exception is a bug in this suite or a
library, and keeps its traceback.
"""

import errno
import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from inoc_evals.secret_keys import without_keys

LONGEST = 2000
"""Most characters of a message; of a longer one, what it quotes in the middle is left out."""

UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Characters that a terminal obeys or cannot write: control characters other than tab and line feed, marks
that turn the direction of a text, half surrogate pairs."""


def visible(text: object) -> str:
    """Text of others as a terminal can show it: what would move the cursor or hide words is spelled out.

    Args:
        text: Any text, e.g. of a manifest or a log that somebody else wrote.
    """
    return UNSEEN.sub(_spelled, str(text))


def _spelled(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


class UserError(click.ClickException):
    """A problem that the user can fix; the message is one line and says how.

    Line breaks in what it quotes, such as a template's own message, become spaces; control characters are
    spelled out, and of a very long message the middle is left out.
    """

    def __init__(self, message: str) -> None:
        line = visible(" ".join(filter(None, map(str.strip, str(message).splitlines()))))
        if len(line) > LONGEST:
            line = f"{line[: LONGEST - 600]} [...] {line[-500:]}"
        super().__init__(line)


class MissingExtra(UserError, ImportError):
    """A feature needs an optional dependency that is not installed."""


NO_ROOM = "make room there, or name another place"
NOT_WRITABLE = "change its permissions, or name another place"

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What only a write can be refused with."""

REFUSALS: dict[int, str] = {
    **dict.fromkeys(FULL, NO_ROOM),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), NOT_WRITABLE),
    **dict.fromkeys((errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.ELOOP), ""),
    **dict.fromkeys((errno.EIO, errno.ESTALE), ""),
}
"""Faults of the file system that its user can mend (no room, no permission, no usable path), and how."""

BY_NUMBER = re.compile(r"\(os error (\d+)\)")
"""How libraries in Rust, such as safetensors, name the same in the text of their own errors."""

TORCH = re.compile(r"PytorchStreamWriter failed|inline_container\.cc.*unexpected pos", re.DOTALL)
"""How torch says that the disk took only a part of a file; it does not say why."""


def refusal(error: BaseException) -> int | None:
    """The number of the fault where a file system refused something, in Python's words or in a library's.

    Args:
        error: What was raised.
    """
    if isinstance(error, OSError) and error.errno is not None:
        number: int | None = error.errno
    elif match := BY_NUMBER.search(str(error)):
        number = int(match[1])
    else:
        number = errno.ENOSPC if TORCH.search(str(error)) else None
    return number if number in REFUSALS else None


def place_of(error: BaseException) -> Any:
    """The path that an error is about; None where it names none.

    Of two files, a copy or a move reads the first and writes the second: that is what cannot be written.

    Args:
        error: What was raised.
    """
    second = getattr(error, "filename2", None)
    return getattr(error, "filename", None) if second is None else second


def why(error: OSError) -> str:
    """What the file system says, and what its user can do: `No space left on device: make room there, ...`.

    Args:
        error: What was raised.
    """
    return ": ".join(filter(None, [error.strerror or str(error), REFUSALS.get(error.errno or 0)]))


def refused(error: BaseException) -> UserError | None:
    """What the file system refuses, as one line; None where the error is another one, and maybe a bug.

    Args:
        error: What was raised, e.g. what the operating system said.
    """
    if not isinstance(error, OSError) or error.errno not in REFUSALS:
        return None
    place = place_of(error)
    if place is not None:
        return UserError(f"{place!s:.300}: {why(error)}")
    return UserError(why(error)) if REFUSALS[error.errno] else None


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


@contextmanager
def packages_together(library: str) -> Iterator[None]:
    """Say in one line that a library refuses what is installed beside it, e.g. another one that is too old.

    Args:
        library: What is imported or called within: its checks of other packages raise an ImportError.

    Raises:
        UserError: In place of that error.
    """
    try:
        yield
    except MissingExtra:
        raise
    except ImportError as error:
        raise UserError(
            f"{library} cannot work with what is installed here: {first_line(error)}: upgrade that package, "
            "uninstall it if you do not need it, or use an environment of its own for inoc-evals"
        ) from error


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
