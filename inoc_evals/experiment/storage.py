"""Where an experiment keeps what it makes, known to be writable before anything is made.

storage = storage_of(experiment)       # UserError where nothing can be kept there
storage.runs, storage.logs
"""

from dataclasses import dataclass
from pathlib import Path

from inoc_evals.errors import UserError, one_line
from inoc_evals.experiment.evaluate import refuse_unreadable
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.files import is_url, refuse_unwritable
from inoc_evals.runs.directory import runs_root
from inoc_evals.user_files import user_path


@dataclass(frozen=True)
class Storage:
    """Where an experiment keeps what it makes; on a cluster, paths that every node sees under the same name.

    Attributes:
        runs: Folder of run directories, local or by URL (`remote.py`).
        logs: Folder of Inspect logs, local or by URL.
        models_from: Whose runs of the Hugging Face Hub are taken in place of training; empty for nobody's.
    """

    runs: str
    logs: str
    models_from: str = ""


def storage_of(experiment: Experiment) -> Storage:
    """Where an experiment keeps what it makes, by absolute paths, so that every worker finds it.

    Nothing is touched.

    Raises:
        UserError: If nothing can be written there, or what is there cannot be read.
    """
    places = []
    for place, option in ((experiment.log_dir, "--log-dir"), (experiment.runs or "", "--runs")):
        if is_url(place):
            _check_url(place, option)
            places.append(place)
        else:
            folder = user_path(place) if place else runs_root()
            refuse_unwritable(folder, f"give another {option}")
            places.append(str(folder.resolve()))
    logs, runs = places
    if not is_url(logs):
        refuse_unreadable(Path(logs))
    return Storage(runs=runs, logs=logs, models_from=experiment.models_from)


def _check_url(place: str, option: str) -> None:
    """Whether the file system of a URL is known, installed, and lets us look."""
    from upath import UPath

    try:
        UPath(place).exists()
    except Exception as error:  # each file system has errors of its own
        raise UserError(f"{place} cannot be used ({one_line(error)}): give another {option}") from error
