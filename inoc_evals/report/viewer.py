"""Inspect's own viewer beside the report, with the logs that the report read and no others.

links = bundle("logs/reproduce", loaded.logs, Path("logs/reproduce-report/viewer"), print)
links[log]                     # "viewer/index.html#/logs/toy-spanish-caps%2F...eval"
"""

import errno
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from urllib.parse import quote

from inoc_evals.errors import UNSEEN, UserError
from inoc_evals.files import local_path, passing_folder, replacing_folder

VIEWER = "viewer"


def bundle(
    root: str | Path, logs: Sequence[str], to: Path, progress: Callable[[str], None] = lambda _: None
) -> dict[str, str]:
    """Put Inspect's viewer with logs into a folder.

    Args:
        root: The folder of the logs. For a single log or a URL, no viewer is made.
        logs: Logs in it.
        to: Folder of the viewer; an earlier viewer in it is replaced.
        progress: Called with the name of the step.

    Returns:
        By log, the link to it, relative to the parent of `to`.

    Raises:
        UserError: If the viewer would be inside the folder of logs, and its copies be read as logs.
    """
    from inspect_ai.log import bundle_log_dir

    folder = _folder(root)
    if not folder.is_dir():
        return {}
    refuse_inside(root, to.parent)
    progress("copying the logs beside Inspect's viewer")
    places = {log: _place(log, folder) for log in logs}
    # Inspect bundles only whole folders, and fails if it cannot read one of the logs.
    with passing_folder(to.with_name("staged")) as staged, replacing_folder(to, over=True) as viewer:
        # An experiment that goes on meanwhile may have moved a log away: the page then has no link to it.
        there = [log for log, place in places.items() if _put(_folder(log), staged / place)]
        try:
            with redirect_stdout(io.StringIO()):  # it prints messages
                bundle_log_dir(log_dir=str(staged), output_dir=str(viewer), overwrite=True)
        except (
            RecursionError
        ) as error:  # Python's own temporary folder, where it may not remove what is in it
            place = tempfile.gettempdir()
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), place) from error
    return {log: f"{VIEWER}/index.html#/logs/{quote(str(places[log]), safe='')}" for log in there}


def refuse_inside(root: str | Path, report: Path) -> None:
    """Refuse a report inside the folder of its logs, as the logs beside its viewer would be read as others.

    Args:
        root: The folder of the logs.
        report: The folder of the report.

    Raises:
        UserError: If it lies inside.
    """
    folder = _folder(root)
    if folder.is_dir() and report.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{report} lies inside the folder of logs: give a folder outside of {root} with -o")


def answer(log: str, sample: str, epoch: int) -> str:
    """The link to one answer, from the link to its log."""
    return f"{log}/samples/sample/{quote(sample, safe='')}/{epoch}/"


def _folder(place: str | Path) -> Path:
    """A place as an absolute path; links stay, so that a log lies below the folder that it was found in."""
    return local_path(place).absolute()


def _place(log: str, folder: Path) -> Path:
    """Where a log lies below the folder of logs; one that is a link lies where the link does."""
    # Inspect takes line breaks and what no terminal shows out of names, and then misses the file.
    return Path(
        *(UNSEEN.sub("_", part).replace("\n", "_") for part in _folder(log).relative_to(folder).parts)
    )


def _put(log: Path, place: Path) -> bool:
    """Put a log into a folder; False if it is no longer there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.hardlink_to(log.resolve())
    except OSError:  # different file systems, or no support for links
        try:
            shutil.copyfile(log, place)
        except FileNotFoundError:
            return False
    return True
