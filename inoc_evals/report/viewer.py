"""Inspect's own viewer beside the report, with the logs that the report read and no others.

links = bundle("logs/reproduce", loaded.logs, Path("logs/reproduce-report/viewer"), print)
links[log]                     # "viewer/index.html#/logs/toy-spanish-caps%2F...eval"
"""

import io
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from urllib.parse import quote

from inoc_evals.errors import UNSEEN, UserError

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

    folder = Path(str(root).removeprefix("file://"))
    if not folder.is_dir():
        return {}
    folder = folder.resolve()
    if to.resolve().is_relative_to(folder):
        raise UserError(
            f"{to.parent} lies inside the folder of logs: give a folder outside of {root} with -o"
        )
    progress("copying the logs beside Inspect's viewer")
    places = {log: _place(log, root) for log in logs}
    # Inspect bundles only whole folders, and fails if it cannot read one of the logs.
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".staged-") as staged:
        for log, place in places.items():
            source = Path(log.removeprefix("file://")).resolve()
            _put(source, Path(staged) / place)
        with redirect_stdout(io.StringIO()):  # it prints messages
            bundle_log_dir(log_dir=staged, output_dir=str(to), overwrite=True)
    return {log: f"{VIEWER}/index.html#/logs/{quote(str(place), safe='')}" for log, place in places.items()}


def _place(log: str, root: str | Path) -> Path:
    """Where a log lies below the folder of logs; one that is a link lies where the link does."""
    place, top = (Path(str(path).removeprefix("file://")).absolute() for path in (log, root))
    # Inspect takes line breaks and what no terminal shows out of names, and then misses the file.
    return Path(*(UNSEEN.sub("_", part).replace("\n", "_") for part in place.relative_to(top).parts))


def answer(log: str, sample: str, epoch: int) -> str:
    """The link to one answer, from the link to its log."""
    return f"{log}/samples/sample/{quote(sample, safe='')}/{epoch}/"


def _put(log: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.hardlink_to(log)
    except OSError:  # different file systems, or no support for links
        shutil.copyfile(log, place)
