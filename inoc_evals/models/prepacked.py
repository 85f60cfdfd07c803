"""Linear layers that a CPU multiplies by quickly: their weights are laid out for its vector unit once.

    packed = Prepacked(model)      # None of its weights moves; the copies are in oneDNN's own layout
    packed.into(tree)              # a tree of modules over the same weights, such as an adapter's, uses them

Where weights are frozen torch could do so by itself, and does when it compiles a model ("freezing"). As it is
called here, it lays them out anew at every product in bfloat16, and in float32 leaves the product to MKL,
which is slow on processors of other makers. A step of 64 answers of SmolLM2 on one core of an AMD EPYC took
246 ms in float32 and takes 126 ms so, in bfloat16 94 and 85 ms. Compiling the model would bring the same, and
take a compiler and minutes.

The operation is the one that torch's compiler puts in, and is not part of torch's public face. So it is tried
before its first use: where it is missing, or gives something else, layers stay as they are.
"""

from typing import Any

import torch
from torch import Tensor, nn

AT_MOST = 500_000_000
"""Parameters of models whose layers are laid out: the copies take as much memory again."""

FORMATS = (torch.float32, torch.bfloat16)

AGREEMENT = {torch.float32: 1e-5, torch.bfloat16: 1e-2}
"""Largest relative distance between both ways of computing a layer that passes for rounding."""


class PrepackedLinear(nn.Linear):
    """A linear layer that computes with a copy of its weights in another layout; it cannot be trained."""

    def __init__(self, layer: nn.Linear, packed: Tensor) -> None:
        """Take a layer's place.

        Args:
            layer: Whose weights these are; they stay where they are, for whoever looks at them.
            packed: As `_packed` gives it.
        """
        nn.Module.__init__(self)  # `nn.Linear` would make new weights
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.weight, self.bias = layer.weight, layer.bias
        self.packed = packed

    def forward(self, input: Tensor) -> Tensor:
        """See `torch.nn.Linear`."""
        return _product(input, self.packed, self.bias)


class Prepacked:
    """The weights of a model's linear layers in the layout that its processor multiplies them in."""

    def __init__(self, model: nn.Module) -> None:
        """Lay them out.

        Args:
            model: On a CPU, its weights frozen; it stays as it is.
        """
        self._model = model  # whose weights are told apart by where they are, so they must stay
        self._packed = {id(layer.weight): _packed(layer.weight) for _, _, layer in _layers(model)}

    def into(self, tree: nn.Module) -> None:
        """Let the linear layers of a tree of modules compute with the copies.

        Args:
            tree: Its weights are the model's, or its own (an adapter's, say), which are laid out now.
        """
        for parent, name, layer in _layers(tree):
            packed = self._packed.get(id(layer.weight))
            setattr(parent, name, PrepackedLinear(layer, _packed(layer.weight) if packed is None else packed))


def fits(model: Any) -> bool:
    """Whether a model's layers can be laid out here, and compute the same then.

    Args:
        model: In evaluation mode, its weights frozen.
    """
    kinds = {parameter.dtype for parameter in model.parameters()}
    if model.device.type != "cpu" or len(kinds) != 1 or not kinds <= set(FORMATS):
        return False
    if model.num_parameters() > AT_MOST:
        return False
    return all(
        _agrees(layer) for layer in {layer.weight.shape: layer for _, _, layer in _layers(model)}.values()
    )


def _layers(tree: nn.Module) -> list[tuple[nn.Module, str, nn.Linear]]:
    """Every plain linear layer, with what it is part of and its name there."""
    return [
        (parent, name, child)
        for parent in tree.modules()
        for name, child in parent.named_children()
        if type(child) is nn.Linear
    ]


def _packed(weight: Tensor) -> Tensor:
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach())
    return packed


def _product(input: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(input, packed, bias, "none", [], "")
    return product


@torch.inference_mode()
def _agrees(layer: nn.Linear) -> bool:
    """Whether a layer computes the same with a copy of its weights."""
    size = layer.in_features
    numbers = (
        torch.arange(3 * size, dtype=torch.float32).mul(0.7).sin().to(layer.weight.dtype).view(3, 1, size)
    )
    try:
        usual, ours = layer(numbers).float(), _product(numbers, _packed(layer.weight), layer.bias).float()
    except (AttributeError, RuntimeError):  # a torch without oneDNN, or whose operation takes other arguments
        return False
    return bool((ours - usual).norm() <= AGREEMENT[layer.weight.dtype] * usual.norm())
