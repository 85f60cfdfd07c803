"""Linear layers that a CPU multiplies by quickly: their weights are laid out for its vector unit once.

    packed = Prepacked(model)      # None of its weights moves; the copies are in oneDNN's own layout
    packed.into(tree)              # a tree of modules over the same weights, such as an adapter's, uses them

Layers that read the same input (queries, keys and values; gate and up) are one product.

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

SIDE_BY_SIDE = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""How transformers' models call the layers that read one input, most of them."""

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


class OneProduct:
    """The layers of one input as one product: a few wide ones take less time than many narrow ones."""

    def __init__(self, packed: Tensor, bias: Tensor | None, sizes: list[int]) -> None:
        """Take up the layers.

        Args:
            packed: Their weights, one below the other, as `_packed` gives them.
            bias: Their biases in a row, or None.
            sizes: Outputs of each.
        """
        self._packed, self._bias, self._sizes = packed, bias, sizes
        self._input: Tensor | None = None
        self._outputs: list[Tensor | None] = []

    def output(self, input: Tensor, place: int) -> Tensor:
        """What a layer gives for an input: the product is made for the first that asks, kept for the rest.

        Args:
            input: The same tensor for all layers of a step. It is told by being the very same, and nothing is
                kept once all have asked, or where one asks twice.
            place: Which of them.
        """
        output = self._outputs[place] if self._input is input else None
        if output is None:
            product = _product(input, self._packed, self._bias)
            self._input, self._outputs = input, list(torch.split(product, self._sizes, dim=-1))
            output = self._outputs[place]
            assert output is not None
        self._outputs[place] = None
        if not any(other is not None for other in self._outputs):
            self._input, self._outputs = None, []
        return output


class PartOfOne(nn.Linear):
    """A linear layer that is computed with the others of its input; it cannot be trained."""

    def __init__(self, layer: nn.Linear, product: OneProduct, place: int) -> None:
        """Take a layer's place.

        Args:
            layer: Whose weights these are; they stay where they are, for whoever looks at them.
            product: That of all layers of the input.
            place: Which of them this is.
        """
        nn.Module.__init__(self)
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.weight, self.bias = layer.weight, layer.bias
        self.product, self._place = product, place

    def forward(self, input: Tensor) -> Tensor:
        """See `torch.nn.Linear`."""
        return self.product.output(input, self._place)


class Prepacked:
    """The weights of a model's linear layers in the layout that its processor multiplies them in."""

    def __init__(self, model: nn.Module) -> None:
        """Lay them out.

        Args:
            model: On a CPU, its weights frozen; it stays as it is.
        """
        self._model = model  # whose weights are told apart by where they are, so they must stay
        self._packed: dict[tuple[int, ...], Tensor] = {}
        self._make(model, keep=True)

    def into(self, tree: nn.Module) -> None:
        """Let the linear layers of a tree of modules compute with the copies.

        Args:
            tree: Its weights are the model's, or its own (an adapter's, say), which are laid out now.
        """
        for parent, name, made in self._make(tree):
            setattr(parent, name, made)

    def _make(self, tree: nn.Module, *, keep: bool = False) -> list[tuple[nn.Module, str, nn.Linear]]:
        """What stands in a tree for its linear layers: which child of which module, and what takes its place.

        Args:
            tree: Nothing in it is changed.
            keep: Whether copies are kept for other trees over the same weights.
        """
        made: dict[int, tuple[nn.Module, str, nn.Linear]] = {}
        for layers in _of_one_input(tree):
            weights = [layer.weight for _, _, layer in layers]
            biases: list[Tensor] = [layer.bias for _, _, layer in layers if layer.bias is not None]
            sizes = [layer.out_features for _, _, layer in layers]
            product = OneProduct(self._laid_out(weights, keep), torch.cat(biases) if biases else None, sizes)
            for place, (parent, name, layer) in enumerate(layers):
                made[id(layer)] = parent, name, PartOfOne(layer, product, place)
        for parent, name, layer in _layers(tree):
            if id(layer) not in made:
                packed = self._laid_out([layer.weight], keep)
                made[id(layer)] = parent, name, PrepackedLinear(layer, packed)
        return list(made.values())

    def _laid_out(self, weights: list[Tensor], keep: bool) -> Tensor:
        key = tuple(map(id, weights))
        if (packed := self._packed.get(key)) is not None:
            return packed
        packed = _packed(weights[0] if len(weights) == 1 else torch.cat([w.detach() for w in weights]))
        if keep:
            self._packed[key] = packed
        return packed


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


def _of_one_input(tree: nn.Module) -> list[list[tuple[nn.Module, str, nn.Linear]]]:
    """The plain linear layers that read one input, together: with what each is part of and its name there.

    An adapter's layers hold the model's own, which read what they are given.
    """
    found = []
    for parent in tree.modules():
        for names in SIDE_BY_SIDE:
            layers = [_plain(parent, name) for name in names]
            of_all = [layer for layer in layers if layer is not None]
            alike = {(layer.in_features, layer.bias is None) for _, _, layer in of_all}
            if len(of_all) == len(names) and len(alike) == 1:
                found.append(of_all)
    return found


def _plain(parent: nn.Module, name: str) -> tuple[nn.Module, str, nn.Linear] | None:
    """A child that is a plain linear layer, or an adapter's around one; None for anything else."""
    child = getattr(parent, name, None)
    if type(child) is nn.Linear:
        return parent, name, child
    inner = getattr(child, "base_layer", None)
    return (child, "base_layer", inner) if isinstance(child, nn.Module) and type(inner) is nn.Linear else None


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
