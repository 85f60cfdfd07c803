"""Estimate memory, steps and time of a finetune on this machine before it starts.

    needs = estimate(spec, rows)
    needs.bytes, needs.available           # does it fit?
    needs.seconds                          # approximate

Weights are counted exactly, on torch's meta device, where they need no memory. Activations follow from the
shapes. Time is a fixed cost, one for each step, and one for each token: the operations that it takes, at the
speed of a short benchmark of matrix multiplication on this machine.
Real training reaches only a part of that speed, see `EFFICIENCY`.
"""

import re
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
from inoc_evals.finetune.quantized import stored_bytes
from inoc_evals.models.base import load_path
from inoc_evals.models.checkpoint import context_length
from inoc_evals.models.loading import empty_model
from inoc_evals.models.number_format import training_precision
from inoc_evals.plurals import many
from inoc_evals.runs.spec import FinetuneSpec

EFFICIENCY = 0.4
"""Assumed speed of training, as a share of the measured speed of matrix multiplication."""

START, STEP = 0.7, 0.05
"""Seconds before the first step, and of each step around its arithmetic: the toy's, on two cores. Of a large
model's time they are nothing, of a small one's most."""

OVERHEAD = 1.1
"""Factor on the memory for the overhead of allocators and libraries."""

ACTIVATIONS = 34
"""Bytes that a layer stores per token and hidden unit for the backward pass, in 16-bit arithmetic and without
the attention matrix, which today's kernels do not store (Korthikanti et al. 2022, arXiv 2205.05198)."""

HEADROOM = 2.0
"""Activations are recomputed unless the device has this many times the estimated memory, since the estimate
is rough: an error costs a crash in one direction and a third of the speed in the other."""


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
    model = empty_model(config)
    text = config.get_text_config()
    parameters = sum(p.numel() for p in model.parameters())
    trained = _trained(spec, model, parameters, text.hidden_size)
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
    width = 2 if half else 4
    # A batch is padded to its longest row; a packed one is full.
    batch = spec.batch_size * (longest if spec.packing else max(lengths))
    # Frozen weights have the compute precision; trained ones are fp32, with a gradient and two moments.
    frozen = 0 if trained == parameters else parameters * (stored_bytes(config) or width)
    weights = frozen + trained * 16
    layer = batch * text.hidden_size * ACTIVATIONS * (width / 2)
    logits = batch * text.vocab_size * (width + 4)
    kept = batch * text.hidden_size * text.num_hidden_layers * width
    free = _free(torch, gpu)
    whole = OVERHEAD * (weights + logits + layer * text.num_hidden_layers)
    spare = OVERHEAD * (weights + logits + layer + kept)
    checkpointing = gpu and HEADROOM * whole > free
    each = sum(lengths) / len(lengths)
    rows_a_step = spec.batch_size * spec.gradient_accumulation
    seen = steps * rows_a_step * (longest if spec.packing else each)
    # Forward and backward through all weights; frozen ones need no weight gradient, recomputing adds a second
    # forward pass.
    work = (6 if trained == parameters else 4) + (2 if checkpointing else 0)
    arithmetic = work * parameters * seen / (EFFICIENCY * _rate(torch, gpu, half))
    seconds = START + STEP * steps + arithmetic
    return Estimate(
        parameters=parameters,
        trained=trained,
        tokens=sum(lengths),
        steps=steps,
        bytes=round(spare if checkpointing else whole),
        checkpointing=checkpointing,
        available=free,
        seconds=seconds,
        device=torch.cuda.get_device_name() if gpu else "the CPU",
        notes=tuple(notes),
    )


def _trained(spec: FinetuneSpec, model: Any, parameters: int, hidden: int) -> int:
    """Number of trained weights: of an adapter, of single tokens, or all."""
    if spec.lora is None and not spec.trained_tokens:
        return parameters
    count = len(spec.trained_tokens) * hidden
    if spec.lora is not None:
        import torch

        head = model.get_output_embeddings()
        names = spec.lora.target_modules
        for name, module in model.named_modules():
            adapted = names == "all-linear" or name.rpartition(".")[2] in names
            if spec.lora.layers is not None:
                layer = re.search(r"\.(\d+)\.", name)
                adapted = adapted and layer is not None and int(layer[1]) in spec.lora.layers
            if adapted and isinstance(module, torch.nn.Linear) and module is not head:
                count += spec.lora.r * (module.in_features + module.out_features)
    return count


def _free(torch: Any, gpu: bool) -> int:
    if gpu:
        return int(torch.cuda.mem_get_info()[0])
    import psutil

    return int(psutil.virtual_memory().available)


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
