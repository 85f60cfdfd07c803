"""Where the time of a training step goes: torch's profiler over a few warm steps of our trainer.

    found = profile(rows, spec, folder)
    print_profile(found)

Time is an operation's own, without what it calls: on the GPU where there is one, else on the CPU. Families go
by what an operation is part of, then by its name: a multiplication inside the optimizer is the optimizer's.
Profiling slows the CPU's side, so a step's time here is no measurement of speed.
"""

import re
import time
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from rich.console import Console
from rich.table import Table
from torch.profiler import ProfilerActivity
from transformers import TrainerControl, TrainerState, TrainingArguments

from inoc_evals.finetune import FinetuneSpec, finetune, local
from inoc_evals.finetune.trainer import LossCurve

WARM, TAKEN = 3, 4
"""Steps before the profile and in it."""

TOP = 12

INSIDE = {
    "optimizer": re.compile(r"Optimizer\.|clip_grad"),
    "communication": re.compile(r"c10d|nccl|gloo|all_?reduce|all_?gather|reduce_?scatter"),
    "attention": re.compile(r"scaled_dot_product|flash_attn|flash_attention|efficient_attention"),
    "loss": re.compile(r"cross_entropy|nll_loss|log_softmax|LogSoftmax|NllLoss|logsumexp", re.IGNORECASE),
}
"""What an operation may be part of, the first that fits."""

NAMED = {
    "matmul": re.compile(r"::(mm|addmm|bmm|baddbmm|matmul|linear|mkldnn_linear|addmv|mv|dot)\b|gemm"),
    "attention": re.compile(r"::_?softmax"),
    "data and copies": re.compile(
        r"copy|::(_to_copy|to|clone|contiguous|cat|stack|index|gather|scatter|embedding|fill_|zero_|zeros|empty"
        r"|resize|item|_local_scalar_dense|arange|select|slice|nonzero|where|full|ones|pad|new_)|Memcpy|Memset"
        r"|dataloader|cudaMemcpy",
        re.IGNORECASE,
    ),
    "norm and elementwise": re.compile(r"aten::"),
}


class ProfiledCurve(LossCurve):
    """The loss curve of a training that is watched for `TAKEN` steps, after `WARM` others."""

    taken: "ProfiledCurve | None" = None

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start watching."""
        if state.global_step != WARM:
            return
        activities = [ProfilerActivity.CPU]
        if torch.cuda.is_available():
            activities.append(ProfilerActivity.CUDA)
            torch.cuda.synchronize()
        self.profiler = torch.profiler.profile(activities=activities)
        self.profiler.start()
        self.started = time.perf_counter()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Stop."""
        if state.global_step != WARM + TAKEN:
            return
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds = time.perf_counter() - self.started
        self.profiler.stop()
        ProfiledCurve.taken = self


def profile(rows: list[Any], spec: FinetuneSpec, folder: Path) -> dict[str, Any]:
    """Train a few steps and say where the time went.

    Args:
        rows: Training rows.
        spec: What is trained, of at least `WARM + TAKEN` steps.
        folder: Where the run goes.

    Returns:
        Shares of the families and the operations that take most, in ms a step.
    """
    with patch.object(local, "LossCurve", ProfiledCurve):
        finetune(spec, rows, name="profiled", runs=folder, progress=False)
    curve = ProfiledCurve.taken
    assert curve is not None
    return summary(list(curve.profiler.events() or ()), curve.seconds)


def summary(events: list[Any], seconds: float) -> dict[str, Any]:
    """Sum up what a profiler saw in `seconds`."""
    gpu = torch.cuda.is_available()
    families: Counter[str] = Counter()
    operations: Counter[tuple[str, str]] = Counter()
    calls: Counter[tuple[str, str]] = Counter()
    kernels = 0.0
    for event in events:
        if (
            event.device_type != torch.autograd.DeviceType.CPU
        ):  # a kernel: the operation that began it has its time
            kernels += event.self_device_time_total
            continue
        spent = event.self_device_time_total if gpu else event.self_cpu_time_total
        key = family(event), event.name
        families[key[0]] += spent
        operations[key] += spent
        calls[key] += 1
    if gpu and kernels > sum(families.values()):
        families["not attributed"] = kernels - sum(families.values())
    total = sum(families.values())
    return {
        "time_of": "GPU" if gpu else "CPU",
        "steps": TAKEN,
        "ms_a_step": round(seconds * 1e3 / TAKEN, 2),
        "busy": round(total / 1e6 / seconds, 3),
        "families": {name: round(spent / total, 4) for name, spent in families.most_common()},
        "operations": [
            {
                "operation": name,
                "family": kind,
                "share": round(spent / total, 4),
                "ms_a_step": round(spent / 1e3 / TAKEN, 3),
                "calls_a_step": calls[kind, name] / TAKEN,
            }
            for (kind, name), spent in operations.most_common(TOP)
        ],
    }


def family(event: Any) -> str:
    """The family of an operation."""
    chain = [event]
    while chain[-1].cpu_parent is not None:
        chain.append(chain[-1].cpu_parent)
    for name, pattern in INSIDE.items():
        if any(pattern.search(part.name) for part in chain):
            return name
    for name, pattern in NAMED.items():
        if pattern.search(event.name):
            return name
    return "python and launching"


def print_profile(found: dict[str, Any]) -> None:
    """Print a profile as two tables."""
    console = Console()
    console.print(
        f"profile: {found['steps']} warm steps of {found['ms_a_step']} ms, {found['time_of']} busy "
        f"{found['busy']:.0%}"
    )
    table = Table("family", "share")
    for name, share in found["families"].items():
        table.add_row(name, f"{share:.1%}")
    console.print(table)
    table = Table("operation", "family", "share", "ms a step", "calls a step")
    for row in found["operations"]:
        numbers = f"{row['share']:.1%}", f"{row['ms_a_step']:.3f}", f"{row['calls_a_step']:g}"
        table.add_row(row["operation"], row["family"], *numbers)
    console.print(table)
