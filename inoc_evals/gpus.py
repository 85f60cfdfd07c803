"""NVIDIA GPUs of this machine, read from the driver without importing torch.

    installed_gpus()    # [Gpu(name="NVIDIA H100 80GB HBM3", mebibytes=81559)]
    visible_gpus()      # ["0"], or what CUDA_VISIBLE_DEVICES lists

The driver's library is read through `nvidia-ml-py` (module `pynvml`, extra `local`). Where the library
or the driver is missing, the lists are empty, without an error.
"""

import os
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Gpu:
    """One GPU.

    Attributes:
        name: The product's name, as the driver gives it.
        mebibytes: Its own memory, in MiB; None where it shares the computer's and the driver gives no size.
    """

    name: str
    mebibytes: int | None

    def __str__(self) -> str:
        return self.name if self.mebibytes is None else f"{self.name}, {self.mebibytes} MiB"


def installed_gpus() -> list[Gpu]:
    """All GPUs that the driver knows, in its order; `CUDA_VISIBLE_DEVICES` plays no part."""
    try:
        import pynvml
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver, or one that does not answer
        return []
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return [Gpu(pynvml.nvmlDeviceGetName(handle), _mebibytes(handle)) for handle in handles]
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()


def _mebibytes(handle: Any) -> int | None:
    import pynvml

    try:
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle).total) // 2**20
    except pynvml.NVMLError:  # "not supported", where memory is shared
        return None


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, each as `CUDA_VISIBLE_DEVICES` would name it.

    Returns:
        The entries of `CUDA_VISIBLE_DEVICES` where it is set, else the numbers of the installed GPUs.
    """
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        return [part.strip() for part in listed.split(",") if part.strip() not in ("", "-1")]
    return [str(index) for index in range(len(installed_gpus()))]
