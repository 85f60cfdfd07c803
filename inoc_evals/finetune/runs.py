"""Moved to `inoc_evals.runs.directory`: what 0.1.0 had here is still imported from here, with a warning."""

import warnings
from typing import Any

from inoc_evals.runs import directory


def __getattr__(name: str) -> Any:
    if name.startswith("__") or not hasattr(directory, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    now = f"import {name} from {directory.__name__}"
    warnings.warn(f"{__name__} has moved: {now}", DeprecationWarning, stacklevel=2)
    return getattr(directory, name)
