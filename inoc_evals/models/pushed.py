"""What `inoc-evals push` says of a run in the repository that it left on the Hugging Face Hub: `run.json`.

    about = read(folder)             # of a folder that was fetched; None where nobody pushed a run there
    about["base"], about["base_digest"], about["metadata"]

Somebody else wrote the file: it is believed only where the weights beside it are those that it names.
"""

from pathlib import Path
from typing import Any

from inoc_evals.digests import folder_digest
from inoc_evals.errors import UserError
from inoc_evals.user_files import json_object

ABOUT = "run.json"
"""Name of the file."""

_KINDS: dict[str, type] = {
    "run_digest": str,
    "base_digest": str,
    "weights_digest": str,
    "base": str,
    "seed": int,
    "metadata": dict,
}
"""What it holds at least."""


def read(folder: Path) -> dict[str, Any] | None:
    """What was written of a run.

    Args:
        folder: A folder with its files.

    Returns:
        The file's content; None where there is none, it is something else, or the weights are others.
    """
    if not (folder / ABOUT).is_file():
        return None
    try:
        about = json_object(folder / ABOUT)
    except UserError:  # some other tool's
        return None
    return about if is_about(about) and weights_digest(folder, about) == about["weights_digest"] else None


def is_about(value: Any) -> bool:
    """Whether a JSON value is what `push` writes."""
    if not isinstance(value, dict):
        return False
    return all(type(value.get(key)) is kind for key, kind in _KINDS.items())


def weights_digest(folder: Path, about: dict[str, Any]) -> str:
    """The digest of the weights in a folder, as a run's checkpoint has it."""
    return folder_digest(folder, about["base_digest"])
