"""Estimate memory, steps and time of a finetune on this machine before it starts.

    needs = estimate(spec, rows)
    needs.bytes, needs.available           # does it fit?
    needs.seconds                          # approximate

Memory is reckoned from shapes (`memory.py`). Time is a fixed cost, one for each step, and one for each token:
the operations that it takes, at the speed of a short benchmark of matrix multiplication on this machine. Real
training reaches only a part of that speed, see `EFFICIENCY`.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from inoc_evals.chat.renderer import load_renderer
from inoc_evals.chat.rows import Row
from inoc_evals.chat.training_rows import render_rows
from inoc_evals.errors import UserError, require
from inoc_evals.finetune import schedule
from inoc_evals.finetune.fitting import fitting_config
from inoc_evals.finetune.memory import shapes, training_memory
from inoc_evals.models.base import load_path
from inoc_evals.models.checkpoint import context_length
from inoc_evals.models.number_format import training_precision
from inoc_evals.plurals import many
from inoc_evals.runs.spec import FinetuneSpec

EFFICIENCY = 0.4
"""Assumed speed of training, as a share of the measured speed of matrix multiplication."""

START, STEP = 0.7, 0.05
"""Seconds before the first step, and of each step around its arithmetic: the toy's, on two cores. Of a large
model's time they are nothing, of a small one's most."""


@dataclass(frozen=True)
class Estimate:
    """The estimated cost of a finetune.

    Attributes:
        parameters: Number of weights of the base.
        trained: Number of trained weights.
        tokens: Tokens in one pass over the rows.
        steps: Optimizer steps.
        bytes: Peak memory.
        checkpointing: Whether activations are recomputed to save memory.
        available: Free memory of the device now, in bytes.
        seconds: Wall time of the training, without loading the base.
        device: Name of the device.
        notes: What else to know before training starts, one line each.
    """

    parameters: int
    trained: int
    tokens: int
    steps: int
    bytes: int
    checkpointing: bool
    available: int
    seconds: float
    device: str
    notes: tuple[str, ...] = ()

    @property
    def advice(self) -> str:
        """What to change if it does not fit; empty if it does."""
        if self.fits:
            return ""
        return "it may not fit: lower max_length, or lower batch_size and raise gradient_accumulation instead"

    @property
    def fits(self) -> bool:
        """Whether the available memory is enough."""
        return self.bytes <= self.available

    def __str__(self) -> str:
        size = f"{self.bytes / 2**30:,.1f} of {self.available / 2**30:,.1f} GiB"
        return (
            f"{self.parameters / 1e6:,.1f} M weights, {self.trained / 1e6:,.2f} M trained; "
            f"{many(self.tokens, 'token')}, {many(self.steps, 'step')}; about {size} "
            f"and {self.seconds:,.0f} s of wall time on {self.device}"
        )


def estimate(spec: FinetuneSpec, rows: Sequence[Row]) -> Estimate:
    """Estimate a local finetune. The base must be on this machine; its weights are not loaded.

    Args:
        spec: The spec.
        rows: Training rows.

    Returns:
        The estimate.

    Raises:
        UserError: If the base does not exist or the spec does not fit it, the rows cannot be rendered, or the
            schedule would train nothing.
    """
    require("local", "torch", "transformers", "psutil")
    if spec.backend != "local":
        raise UserError(f"an estimate needs backend local, not {spec.backend}")
    import torch

    path = load_path(spec.base)
    config = fitting_config(path, spec)
    counted = shapes(spec, config)
    renderer = load_renderer(path, date=spec.date)
    longest = spec.longest(context_length(config))
    lengths = [
        len(example.input_ids)
        for example in render_rows(renderer, list(rows), longest, reasoning_loss=spec.reasoning_loss)
    ]
    units = ceil(sum(lengths) / longest) if spec.packing else len(lengths)
    steps = schedule.steps(spec, units)
    notes = schedule.check_schedule(spec, steps)
    gpu = torch.cuda.is_available()
    half = training_precision(spec, path) == "bf16"
    memory = training_memory(spec, counted, longest if spec.packing else max(lengths))
    each = sum(lengths) / len(lengths)
    rows_a_step = spec.batch_size * spec.gradient_accumulation
    seen = steps * rows_a_step * (longest if spec.packing else each)
    # Forward and backward through all weights; frozen ones need no weight gradient, recomputing adds a second
    # forward pass.
    work = (6 if counted.full else 4) + (2 if memory.checkpointing else 0)
    arithmetic = work * counted.parameters * seen / (EFFICIENCY * _rate(torch, gpu, half))
    seconds = START + STEP * steps + arithmetic
    return Estimate(
        parameters=counted.parameters,
        trained=counted.trained,
        tokens=sum(lengths),
        steps=steps,
        bytes=memory.bytes,
        checkpointing=memory.checkpointing,
        available=memory.available,
        seconds=seconds,
        device=torch.cuda.get_device_name() if gpu else "the CPU",
        notes=tuple(notes),
    )


def _rate(torch: Any, gpu: bool, half: bool) -> float:
    """Floating-point operations per second of a matrix product, the best of those of half a second.

    Eight products alone take a hundredth of a second, in which other work can slow all of them.
    """
    size = 4096 if gpu else 512
    dtype, device = torch.bfloat16 if half else torch.float32, "cuda" if gpu else "cpu"
    left = torch.randn(size, size, dtype=dtype, device=device)
    best = float("inf")
    end, runs = time.perf_counter() + 0.5, 0
    while runs < 8 or time.perf_counter() < end:
        runs += 1
        if gpu:
            torch.cuda.synchronize()
        started = time.perf_counter()
        left @ left
        if gpu:
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - started)
    return 2.0 * size**3 / best
