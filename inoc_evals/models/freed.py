"""Give back memory that nobody uses: the parts of a model refer to each other, and what is freed is kept.

del model
give_back()
"""

import ctypes
import gc
import sys

import torch


def give_back() -> None:
    """Find models that nobody holds, and return their memory to the device or to the system."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
    _trim()


def _trim() -> None:
    """Let the C library return what was freed, where it is the GNU one, which keeps most of it.

    Otherwise a worker that asks a model keeps what it took to train it, which the others that train lack.
    """
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
