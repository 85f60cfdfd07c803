"""A reader that has read enough, as `head` does, ends no command: what is left to say is not said.

    patient()
    print(...)      # `inoc-evals audit logs --strict | head -1` still ends with the code of `--strict`

Python raises an error where nobody reads a pipe any more. Libraries make different exit codes of it, and
what a command was still to do would not be done.
"""

import errno
import io
import os
import sys
from typing import Any, TextIO

if sys.platform == "win32":
    CLOSED: tuple[int, ...] = (errno.EPIPE, errno.EINVAL)
else:
    CLOSED = (errno.EPIPE,)
"""How a system calls a pipe without a reader."""


class _Pipe(io.RawIOBase):
    """What is written to a file, up to where nobody reads it."""

    def __init__(self, file: int) -> None:
        self.file = file
        self.closed_there = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.file

    def isatty(self) -> bool:
        return False

    def write(self, data: Any, /) -> int:
        if not self.closed_there:
            try:
                return os.write(self.file, data)
            except OSError as error:
                if error.errno not in CLOSED:
                    raise
                self.closed_there = True
        return len(data)


def patient() -> None:
    """Have the standard outputs that are pipes lose what nobody reads, in place of an error."""
    sys.stdout = _patient(sys.stdout)
    sys.stderr = _patient(sys.stderr)


def _patient(stream: TextIO) -> TextIO:
    """A stream like it; itself where it is a terminal, or somebody else's, e.g. a notebook's or a test's."""
    if stream not in (sys.__stdout__, sys.__stderr__) or not isinstance(stream, io.TextIOWrapper):
        return stream
    if stream.isatty() or stream.closed:
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Pipe(stream.fileno())),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
