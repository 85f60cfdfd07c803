"""Two processes that would write the same folder take turns; whoever deletes looks whether one is at work.

with held(folder / LOCK, "evaluates here"):
...
is_held(folder / LOCK)
"""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inoc_evals.errors import UserError, visible, why

LOCK = ".lock"
"""Name of a folder's lock file."""


@contextmanager
def held(lock: Path, doing: str) -> Iterator[None]:
    """Hold a lock, and wait for whoever holds it, which is said on standard error.

    The operating system releases the lock of a process that dies, so none is ever in the way.

    Args:
        lock: The lock's file, which stays; its folder must exist.
        doing: What its holder does, as in `another process evaluates here`.

    Yields:
        Nothing.

    Raises:
        UserError: If the file cannot be written.
    """
    from filelock import FileLock, Timeout

    taken = FileLock(lock)
    try:
        try:
            taken.acquire(timeout=0)
        except Timeout:
            sys.stderr.write(f"waiting: another process {doing} ({visible(lock)} is held)\n")
            sys.stderr.flush()
            taken.acquire()
    except OSError as error:
        raise UserError(f"{lock} cannot be written ({why(error)}): nothing is done without it") from error
    try:
        yield
    finally:
        taken.release()


def is_held(lock: Path) -> bool:
    """Whether a process holds a lock now.

    Args:
        lock: The lock's file; need not exist.

    Raises:
        UserError: If that cannot be found out.
    """
    from filelock import FileLock, Timeout

    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
    except OSError as error:
        if error.errno == errno.EROFS:  # nobody writes there
            return False
        raise UserError(f"{lock} cannot be opened, so whether it is held is unknown: {why(error)}") from error
