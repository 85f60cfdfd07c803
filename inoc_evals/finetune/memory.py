"""How much memory a finetune on this machine takes at its peak, from shapes alone.

    memory = training_memory(spec, shapes(spec, config), longest=512)
    memory.bytes, memory.available         # does it fit?
    memory.checkpointing                   # whether activations are recomputed to save memory

Weights are counted exactly, on torch's meta device, where they need none. Activations follow from the shapes.
Whoever says what a finetune takes asks here, and whoever decides how many of them go side by side.
"""

import re
from dataclasses import dataclass
from typing import Any

from inoc_evals.finetune.quantized import stored_bytes
from inoc_evals.models.base import load_path
from inoc_evals.models.loading import empty_model
from inoc_evals.models.number_format import training_precision
from inoc_evals.runs.spec import FinetuneSpec

OVERHEAD = 1.1
"""Factor on a GPU's memory for the overhead of allocators and libraries."""

ACTIVATIONS = 34
"""Bytes that a layer stores on a GPU per token and hidden unit for the backward pass, in 16-bit arithmetic
and without the attention matrix, which today's kernels do not store (Korthikanti et al. 2022, arXiv
2205.05198)."""

HEADROOM = 2.0
"""Activations are recomputed unless the GPU has this many times the estimated memory, since the estimate is
rough: an error costs a crash in one direction and a third of the speed in the other."""

VALUES = 15
"""Numbers that a layer with frozen weights stores on a CPU per token and hidden unit. This and the next three
were measured on SmolLM2 of 135 million weights, in bf16 and fp32, with adapters on all layers, one layer, one
kind of layer, and on none (`tests/finetune/test_memory.py` holds them against a training)."""

INPUTS, ADAPTED_INPUTS = 1.0, 2.2
"""Numbers that are stored there per input of a linear layer, too, where its weights are trained, and where an
adapter on it is: a frozen one alone needs none."""

LOGIT_BYTES = 16
"""Bytes that are stored there per token and word of the vocabulary: the logits, their softmax in 32 bits, and
a gradient of each. A GPU never holds all of them at once."""

FRAGMENTED, PROCESS = 1.25, 2**29
"""Factor on a CPU's memory for what the allocator cannot use again, with batches of changing length; and
bytes of a process with its libraries."""

TOKENS_AT_ONCE = 2048
"""Tokens, padding included, up to which a CPU computes several batches of a step at once in bf16."""


@dataclass(frozen=True)
class Shapes:
    """What a model and what is trained of it are made of.

    Attributes:
        parameters: Number of weights of the base.
        trained: Number of trained weights.
        inputs: Input features of all linear layers that are trained or adapted, together.
        hidden: Width of a layer.
        layers: Number of layers.
        vocabulary: Number of tokens that it knows.
        stored: Bytes of a frozen weight of a quantized base; None for other bases.
    """

    parameters: int
    trained: int
    inputs: int
    hidden: int
    layers: int
    vocabulary: int
    stored: float | None

    @property
    def full(self) -> bool:
        """Whether all weights are trained."""
        return self.trained == self.parameters


@dataclass(frozen=True)
class Memory:
    """The memory of one training.

    Attributes:
        bytes: What it takes at its peak, about.
        checkpointing: Whether activations are recomputed to save memory.
        available: What is free on the device now, in bytes.
    """

    bytes: int
    checkpointing: bool
    available: int


def shapes(spec: FinetuneSpec, config: Any) -> Shapes:
    """Count a spec's weights.

    Args:
        spec: The spec, which fits its base (`fitting_config`).
        config: The base's configuration.
    """
    model = empty_model(config)
    text = config.get_text_config()
    parameters = sum(p.numel() for p in model.parameters())
    trained, inputs = _trained(spec, model, parameters, text.hidden_size)
    return Shapes(
        parameters=parameters,
        trained=trained,
        inputs=inputs,
        hidden=text.hidden_size,
        layers=text.num_hidden_layers,
        vocabulary=text.vocab_size,
        stored=stored_bytes(config),
    )


def _trained(spec: FinetuneSpec, model: Any, parameters: int, hidden: int) -> tuple[int, int]:
    """Number of trained weights: of an adapter, of single tokens, or all; input features of their layers."""
    import torch

    full = spec.lora is None and not spec.trained_tokens
    count, inputs = parameters if full else len(spec.trained_tokens) * hidden, 0
    head = model.get_output_embeddings()
    for name, module in model.named_modules():
        if not isinstance(module, torch.nn.Linear) or module is head:
            continue
        if spec.lora is not None and _is_adapted(spec.lora.target_modules, spec.lora.layers, name):
            count += spec.lora.r * (module.in_features + module.out_features)
            inputs += module.in_features
        elif full:
            inputs += module.in_features
    return count, inputs


def _is_adapted(targets: Any, layers: tuple[int, ...] | None, name: str) -> bool:
    layer = re.search(r"\.(\d+)\.", name)
    here = layers is None or (layer is not None and int(layer[1]) in layers)
    return here and (targets == "all-linear" or name.rpartition(".")[2] in targets)


def training_memory(spec: FinetuneSpec, of: Shapes, longest: int) -> Memory:
    """Reckon what a training takes at its peak on this machine.

    Args:
        spec: The spec.
        of: Its shapes.
        longest: Tokens of the longest row; with packing, of a sequence.
    """
    import torch

    precision = training_precision(spec, load_path(spec.base))
    width = 2 if precision == "bf16" else 4
    # Frozen weights have the compute precision; trained ones are fp32, with a gradient and two moments.
    weights = (0 if of.full else of.parameters * (of.stored or width)) + of.trained * 16
    if not torch.cuda.is_available():
        import psutil

        # A batch is padded to its longest row; a packed one is full.
        tokens = spec.batch_size * batches_together(spec, longest, precision) * longest
        kept = INPUTS if of.full else ADAPTED_INPUTS
        a_token = width * (VALUES * of.hidden * of.layers + kept * of.inputs) + LOGIT_BYTES * of.vocabulary
        needed = FRAGMENTED * (weights + tokens * a_token) + PROCESS
        return Memory(round(needed), False, int(psutil.virtual_memory().available))
    tokens = spec.batch_size * longest
    layer = tokens * of.hidden * ACTIVATIONS * (width / 2)
    logits = tokens * of.vocabulary * (width + 4)
    between = tokens * of.hidden * of.layers * width
    free = int(torch.cuda.mem_get_info()[0])
    whole = OVERHEAD * (weights + logits + layer * of.layers)
    spare = OVERHEAD * (weights + logits + layer + between)
    checkpointing = HEADROOM * whole > free
    return Memory(round(spare if checkpointing else whole), checkpointing, free)


def batches_together(spec: FinetuneSpec, longest: int, precision: str) -> int:
    """How many of a step's batches a single process computes at once on a CPU.

    One that is quick in bf16 is so only with many rows: two at a time take as long as in fp32. The step is
    the same, up to rounding; so in fp32, where published runs must stay what they are, nothing is changed.

    Args:
        spec: A step has `gradient_accumulation` batches of `batch_size` rows.
        longest: Length of the longest row, in tokens.
        precision: `bf16` or `fp32`.

    Returns:
        A divisor of `gradient_accumulation`.
    """
    if precision != "bf16":
        return 1
    divisors = [n for n in range(1, spec.gradient_accumulation + 1) if spec.gradient_accumulation % n == 0]
    return max(n for n in divisors if n == 1 or n * spec.batch_size * longest <= TOKENS_AT_ONCE)
