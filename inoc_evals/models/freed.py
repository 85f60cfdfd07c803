"""Give back memory that nobody uses: a model's parts refer to each other, and devices keep what is freed.

del model
give_back()
"""

import gc

import torch


def give_back() -> None:
    """Find models that nobody holds, and return their memory to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
