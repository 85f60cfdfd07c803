"""Load models for training and for evaluation by the same rules.

with silent():
    ...                     # transformers' progress bars, which would break those of Inspect and of ours
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def silent() -> Iterator[None]:
    """Hide transformers' progress bars, and restore its setting afterwards."""
    import transformers

    bar: Any = transformers.utils.logging  # not typed
    shown = bar.is_progress_bar_enabled()
    bar.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bar.enable_progress_bar()
