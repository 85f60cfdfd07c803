"""How a checkpoint is run: what `-M` and `model_args` may say to the `inoc/` provider.

    inspect eval ... --model inoc/toy -M batch_size=128 -M device=cpu

A misspelt argument is an error, not a default.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from inoc_evals.errors import UserError

ENGINES = ("transformers",)
"""What can generate. Others come in beside it, behind the same provider."""

DTYPES = ("auto", "float32", "bfloat16", "float16")

DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


@dataclass(frozen=True)
class Settings:
    """How a checkpoint is run.

    Attributes:
        batch_size: Most requests that are generated at once.
        device: `auto` (the GPU if there is one), `cpu`, `cuda`, `cuda:1`, `mps`.
        dtype: `auto`, `float32`, `bfloat16` or `float16`. `auto` is float32 on a CPU and the stored type
            elsewhere.
        engine: What generates.
    """

    batch_size: int = 64
    device: str = "auto"
    dtype: str = "auto"
    engine: str = "transformers"


def read_settings(arguments: Mapping[str, Any]) -> Settings:
    """Check model arguments.

    Args:
        arguments: As Inspect hands them over, by the names of `Settings`.

    Raises:
        UserError: If a name is unknown or a value is none that it can have.
    """
    known = [field.name for field in fields(Settings)]
    unknown = sorted(set(arguments) - set(known))
    if unknown:
        raise UserError(f"inoc/ knows no model argument {', '.join(unknown)}: it takes {', '.join(known)}")
    settings = Settings(**arguments)
    size = settings.batch_size
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise UserError(f"batch_size={size!r} is not a whole number of 1 or more")
    if not isinstance(settings.device, str) or not DEVICE.fullmatch(settings.device):
        raise UserError(f"device={settings.device!r} is none of auto, cpu, mps, cuda, cuda:<number>")
    if settings.dtype not in DTYPES:
        raise UserError(f"dtype={settings.dtype!r} is none of {', '.join(DTYPES)}")
    if settings.engine not in ENGINES:
        raise UserError(f"engine={settings.engine!r} is none of {', '.join(ENGINES)}")
    return settings
