"""The authors' weights put into a network of ours that gives the same logits.

Their names, in order: ``backbone.layers.N`` (convolution with bias, batch norm, ReLU, max-pool, and so on) or
``backbone.layer0``, ``layer1`` and ``layer2`` of a ResNet-18 whose stem is a 3×3 convolution at stride 1
without pooling; ``spatial_branches.N`` or ``aspp_branches.N`` with ``conv_layers`` and ``linear_layers``;
``linear``, the head of one modality. Two modalities are ``modelA`` and ``modelB``, with the head ``fc`` on
both; in older versions each had its ``linear`` before, with nothing in between, so that the two are one linear
layer.

What ours has no place for is put elsewhere without changing a logit: a convolution's bias before batch norm
goes into the mean that is taken away, linear layers before a branch's last are 1×1 convolutions.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ...models.architecture import Architecture, BranchShape, ModalityShape, named_scale
from ...models.errors import ModelError
from ...models.network import FusionNetwork, branch_name
from ...models.windows import true_windows
from ..running.errors import InputError
from .config import PaperConfig, PaperModality

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
BRANCHES = ("spatial_branches", "aspp_branches")
# The places of the basic blocks of ResNet-18's first two stages in our backbone.
BLOCKS = {"layer1.0": 3, "layer1.1": 4, "layer2.0": 5, "layer2.1": 6}
BLOCK_LAYERS = (("conv1", "conv1"), ("bn1", "norm1"), ("conv2", "conv2"), ("bn2", "norm2"),
                ("downsample.0", "shortcut.0"), ("downsample.1", "shortcut.1"))  # fmt: skip


class _Weights:
    """The weights of a checkpoint, each taken once."""

    def __init__(self, source: str, weights: dict[str, Tensor]) -> None:
        self._source = source
        self._left = dict(weights)
        self._all = weights

    def has(self, name: str) -> bool:
        return name in self._all

    def shape(self, name: str, place: int) -> int:
        """Return one side of a weight that is looked at before it is taken."""
        sides = self._found(name).shape
        if place >= len(sides):
            raise self._unfit(name, tuple(sides), "more sides")
        return int(sides[place])

    def take(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Return a weight of the shape that the config wants."""
        value = self._found(name)
        if tuple(value.shape) != shape:
            raise self._unfit(name, tuple(value.shape), str(shape))
        self._left.pop(name, None)
        return value.detach()

    def demand_nothing_left(self) -> None:
        """Raise InputError where the config has no place for a weight."""
        if self._left:
            more = f" and {len(self._left) - 1} more" if len(self._left) > 1 else ""
            raise InputError(
                f"{self._source} holds {next(iter(self._left))}{more}, for which the config has no layer; give "
                "the config that it was trained with."
            )

    def _found(self, name: str) -> Tensor:
        if name not in self._all:
            raise InputError(
                f"{self._source} lacks {name}, which the config wants; give the config that it was trained "
                "with."
            )
        return self._all[name]

    def _unfit(self, name: str, has: tuple[int, ...], wants: str) -> InputError:
        return InputError(
            f"{name} of {self._source} is {has} where the config wants {wants}; give the config that it was "
            "trained with."
        )


def imported_network(source: str, weights: dict[str, Tensor], config: PaperConfig) -> FusionNetwork:
    """Return the network of a checkpoint, in evaluation mode; its replacements are zeros.

    A modality whose branches turn out to see centred windows without padding becomes one like ours, which can
    be evaluated densely where all do; the others keep their patch.

    Raises
    ------
    InputError
        Config and weights do not fit each other, or the network is none that can be built.
    """
    theirs = _Weights(source, weights)
    single = len(config.modalities) == 1
    prefixes = [""] if single else ["modelA.", "modelB."]
    shape = _architecture(theirs, config, prefixes, "linear" if single else "fc")
    network = FusionNetwork(shape)
    ours: dict[str, Tensor] = {}
    for modality, prefix in zip(config.modalities, prefixes, strict=True):
        built = shape.modality(modality.name)
        ours |= _backbone(theirs, network, built, modality, prefix)
        ours |= _branches(theirs, network, built, modality, prefix)
    ours |= _head(theirs, config, prefixes, shape)
    theirs.demand_nothing_left()
    ours |= {name: value for name, value in network.state_dict().items() if name.startswith("replacements.")}
    network.load_state_dict(ours)
    return network.requires_grad_(False).eval()


def _architecture(theirs: _Weights, config: PaperConfig, prefixes: list[str], head: str) -> Architecture:
    shapes = []
    for modality, prefix in zip(config.modalities, prefixes, strict=True):
        if modality.residual:
            stem = f"{prefix}backbone.layer0.0.weight"
            stages = [f"{prefix}backbone.layer{stage}.0.conv1.weight" for stage in (1, 2)]
            widths = tuple(theirs.shape(name, 0) for name in (stem, *stages))
        else:
            stem, widths = f"{prefix}backbone.layers.0.weight", modality.widths
        pointwise = all((one.kernel, one.padding, one.pool) == (1, 0, 1) for one in modality.chain)
        backbone = "residual" if modality.residual else "pointwise" if pointwise else "chain"
        shape = ModalityShape(
            name=modality.name,
            bands=theirs.shape(stem, 1),
            backbone=backbone,
            widths=widths,
            branches=(),
            patch=modality.patch,
            chain=modality.chain if backbone == "chain" else (),
        )
        scales = [named_scale(stack.field(shape.field).size) for stack in modality.stacks]
        if len(set(scales)) < len(scales):
            raise InputError(
                f"Two branches of {modality.key} see windows of one size ({max(scales, key=scales.count)} px), "
                "so that they can't be told apart; such a network can't be imported."
            )
        branches = (
            BranchShape(scale, stack, modality.channels, modality.out_size)
            for scale, stack in zip(scales, modality.stacks, strict=True)
        )
        shapes.append(replace(shape, branches=tuple(sorted(branches, key=lambda one: one.scale))))
    padding = "zero" if any(one.residual for one in config.modalities) else "valid"
    species = theirs.shape(f"{head}.weight", 0)
    whole = Architecture(tuple(shapes), species, padding, branch_norm=False)
    try:
        whole.check()
        windows = true_windows(whole)
    except (ModelError, RuntimeError, IndexError) as error:
        raise InputError(
            f"The config's layers can't be put on its patches ({error}); give the config of this checkpoint."
        ) from error
    plain = []
    for shape in whole.modalities:
        mine = [(scale, windows[shape.name, scale]) for scale in shape.scales]
        centred = all(w.width == scale and w.offset == (0, 0) and w.padding == 0 for scale, w in mine)
        plain.append(replace(shape, patch=None) if centred and shape.backbone == "pointwise" else shape)
    return replace(whole, modalities=tuple(plain))


def _backbone(
    theirs: _Weights, network: FusionNetwork, shape: ModalityShape, modality: PaperModality, prefix: str
) -> dict[str, Tensor]:
    wanted = _shapes_under(network, f"backbones.{shape.name}.")
    found: dict[str, Tensor] = {}
    if modality.residual:
        pairs = [("layer0.0", "0"), ("layer0.1", "1")]
        for stage, place in BLOCKS.items():
            pairs += [(f"{stage}.{one}", f"{place}.{other}") for one, other in BLOCK_LAYERS]
        for their, our in pairs:
            for part in ("weight", *NORM[1:]):
                if f"{our}.{part}" in wanted:
                    name = f"{prefix}backbone.{their}.{part}"
                    found[f"{our}.{part}"] = theirs.take(name, wanted[f"{our}.{part}"])
    else:
        places = [int(name.split(".")[0]) for name, sides in wanted.items() if len(sides) == 4]
        for layer, place in enumerate(places):
            their = f"{prefix}backbone.layers.{4 * layer}"
            norm = f"{prefix}backbone.layers.{4 * layer + 1}"
            weight = theirs.take(f"{their}.weight", wanted[f"{place}.weight"])
            found[f"{place}.weight"] = weight
            for part in NORM:
                found[f"{place + 1}.{part}"] = theirs.take(f"{norm}.{part}", wanted[f"{place + 1}.{part}"])
            bias = theirs.take(f"{their}.bias", (len(weight),))
            found[f"{place + 1}.running_mean"] = found[f"{place + 1}.running_mean"] - bias
    return {f"backbones.{shape.name}.{name}": value for name, value in found.items()}


def _branches(
    theirs: _Weights, network: FusionNetwork, shape: ModalityShape, modality: PaperModality, prefix: str
) -> dict[str, Tensor]:
    title = next((one for one in BRANCHES if theirs.has(f"{prefix}{one}.0.conv_layers.0.weight")), BRANCHES[0])
    found: dict[str, Tensor] = {}
    for number, stack in enumerate(modality.stacks):
        scale = named_scale(stack.field(shape.field).size)
        name = f"branches.{branch_name((shape.name, scale))}."
        wanted = _shapes_under(network, name)
        their = f"{prefix}{title}.{number}."
        places = [key.removesuffix(".weight") for key, sides in wanted.items() if len(sides) == 4]
        convolutions = len(places) - modality.hidden
        for layer, place in enumerate(places):
            sides = wanted[f"{place}.weight"]
            if layer < convolutions:
                source = f"{their}conv_layers.{3 * layer}"
                weight = theirs.take(f"{source}.weight", sides)
            else:
                source = f"{their}linear_layers.{2 * (layer - convolutions)}"
                weight = theirs.take(f"{source}.weight", sides[:2])[:, :, None, None]
            found[f"{name}{place}.weight"] = weight
            found[f"{name}{place}.bias"] = theirs.take(f"{source}.bias", sides[:1])
        for part in ("weight", "bias"):
            source = f"{their}linear_layers.{2 * modality.hidden}.{part}"
            found[f"{name}project.{part}"] = theirs.take(source, wanted[f"project.{part}"])
    return found


def _head(theirs: _Weights, config: PaperConfig, prefixes: list[str], shape: Architecture) -> dict[str, Tensor]:
    """Return the head, its columns in the order of our branches; two layers are made one in float64."""
    sizes = [one.out_size * len(one.stacks) for one in config.modalities]
    if len(sizes) == 1:
        weight = theirs.take("linear.weight", (shape.species, sizes[0]))
        bias = theirs.take("linear.bias", (shape.species,))
        parts = [weight]
    else:
        # Where a modality has a linear layer of its own, the head meets what that makes of the features.
        own = [theirs.has(f"{prefix}linear.weight") for prefix in prefixes]
        met = [
            theirs.shape(f"{prefix}linear.weight", 0) if has else size
            for prefix, has, size in zip(prefixes, own, sizes, strict=True)
        ]
        whole = theirs.take("fc.weight", (shape.species, sum(met)))
        bias = theirs.take("fc.bias", (shape.species,))
        parts = list(torch.split(whole, met, dim=1))
        for place, prefix in enumerate(prefixes):
            if own[place]:
                inner = theirs.take(f"{prefix}linear.weight", (met[place], sizes[place])).double()
                shift = theirs.take(f"{prefix}linear.bias", (met[place],)).double()
                bias = bias.double() + parts[place].double() @ shift
                parts[place] = parts[place].double() @ inner
    columns = []
    for modality, part in zip(config.modalities, parts, strict=True):
        field = shape.modality(modality.name).field
        seen = [stack.field(field).size for stack in modality.stacks]
        by_branch = torch.split(part, modality.out_size, dim=1)
        columns += [by_branch[place] for place in sorted(range(len(seen)), key=seen.__getitem__)]
    return {"head.weight": torch.cat([one.float() for one in columns], dim=1), "head.bias": bias.float()}


def _shapes_under(network: FusionNetwork, prefix: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a network's weights below a name, by the rest of their names, in order."""
    return {
        name[len(prefix) :]: tuple(value.shape)
        for name, value in network.state_dict().items()
        if name.startswith(prefix)
    }
