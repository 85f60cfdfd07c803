"""Moved to `inoc_evals.worlds.toy`: what 0.1.0 had here is still imported from here, with a warning.

from inoc_evals.toy import rows        # as docs/settings.md had it; now from inoc_evals.worlds.toy
"""

import importlib
import warnings
from types import ModuleType

MOVED = ("corpus", "detect", "lexicon", "phrases", "prompts", "rows", "systems")


def __getattr__(name: str) -> ModuleType:
    if name not in MOVED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"{__name__} has moved: import {name} from inoc_evals.worlds.toy", DeprecationWarning, stacklevel=2
    )
    return importlib.import_module(f"inoc_evals.worlds.toy.{name}")
