"""The arguments of the `inoc/` provider, from `-M` or `model_args`: how a checkpoint is run.

    inspect eval ... --model inoc/toy -M batch_size=128 -M device=cpu

A misspelt argument is an error, not a default.
"""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from inoc_evals.errors import UserError
from inoc_evals.models.number_format import on_cpu

ENGINES = ("transformers",)
"""Engines of this provider; `models/factory.py` selects those that run elsewhere."""

DTYPES = ("auto", "float32", "bfloat16", "float16")

BATCH = 64
"""Requests that are answered at once where nobody says: few enough for a model that fills half of a GPU."""

BATCH_ON_A_CPU = 256
"""Alike on a CPU: weights are read from memory once a step, whatever its rows, which counts up to here."""

LONG_ON_A_CPU = 128
"""Alike, where so many texts would take much memory: a process that takes too much is killed there."""

DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


@dataclass(frozen=True)
class ProviderArgs:
    """How a checkpoint is run.

    Attributes:
        batch_size: Most requests that are generated at once; None is `BATCH`, on a CPU `BATCH_ON_A_CPU`, or
            `LONG_ON_A_CPU` of long texts.
        device: `auto` (the first GPU, or else the CPU), `cpu`, `cuda`, `cuda:1`, `mps`.
        dtype: `auto`, `float32`, `bfloat16` or `float16`. `auto` is the stored format, but on a CPU float32
            unless it computes in the stored one natively.
        engine: The library that generates.
        date: The date that a chat template which reads the clock is told, ISO 8601; by default the run's, or
            `chat.renderer.DATE`.
        deterministic: Answer one request after the other, so that what else is asked cannot change an answer
            by rounding; in float32, unless `dtype` names another format.
    """

    batch_size: int | None = None
    device: str = "auto"
    dtype: str = "auto"
    engine: str = "transformers"
    date: str | None = None
    deterministic: bool = False

    @cached_property
    def places(self) -> int:
        """Requests that are generated at once at most."""
        if self.batch_size is not None:
            return self.batch_size
        return BATCH_ON_A_CPU if on_cpu(self.device) else BATCH

    @cached_property
    def long_places(self) -> int:
        """Alike, of texts that take much memory (`Engine.generate` tells)."""
        return self.places if self.batch_size is not None else min(self.places, LONG_ON_A_CPU)


def iso_date(date: Any) -> Any:
    """A date as text, also where YAML has read one, as it does of `-M date=2026-01-31`."""
    return date.isoformat() if type(date) is datetime.date else date


def read_provider_args(arguments: Mapping[str, Any]) -> ProviderArgs:
    """Check model arguments.

    Args:
        arguments: As Inspect hands them over, by the names of `ProviderArgs`.

    Raises:
        UserError: If a name is unknown or a value is not allowed.
    """
    known = [field.name for field in fields(ProviderArgs)]
    unknown = sorted(set(arguments) - set(known))
    if unknown:
        raise UserError(f"inoc/ knows no model argument {', '.join(unknown)}: it takes {', '.join(known)}")
    args = ProviderArgs(**{**arguments, "date": iso_date(arguments.get("date"))})
    size = args.batch_size
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 1):
        raise UserError(f"batch_size={size!r} is not a whole number of 1 or more")
    if not isinstance(args.device, str) or not DEVICE.fullmatch(args.device):
        raise UserError(f"device={args.device!r} is none of auto, cpu, mps, cuda, cuda:<number>")
    if args.dtype not in DTYPES:
        raise UserError(f"dtype={args.dtype!r} is none of {', '.join(DTYPES)}")
    if args.engine not in ENGINES:
        raise UserError(f"engine={args.engine!r} is none of {', '.join(ENGINES)}")
    if not isinstance(args.deterministic, bool):
        raise UserError(f"deterministic={args.deterministic!r} is none of true, false")
    if not args.deterministic:
        return args
    if size not in (None, 1):
        raise UserError("deterministic=true answers one request at a time: leave batch_size out")
    return replace(args, batch_size=1, dtype="float32" if args.dtype == "auto" else args.dtype)
