"""Dense evaluation: the network at every position of a lattice, with all that neighbours share done once.

The answer at a position is that of the network on the window around it, exactly: without padding every layer
commutes with translation, so a layer of kernel k and stride s at jump j becomes, on a grid that is g pixels
apart, the same layer with dilation j / g. For a lattice of step S only some positions of each layer are ever
read. Walking backwards from the output, whose positions are S apart, the input of a layer with k > 1 at jump
j is read at gcd(spacing of its output, j), and that of a layer with k = 1 as its output; so real strides come
back where S allows them.

Windows of different scales start at different phases of that grid. A shared layer runs once for each phase
that some branch needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from .architecture import ModalityShape
from .errors import ModelError
from .network import BasicBlock, Features, FusionNetwork

Convolution = nn.Conv2d
ELEMENTWISE = (nn.BatchNorm2d, nn.ReLU, nn.Identity)


@dataclass(frozen=True)
class Lattice:
    """Positions of a feature map over the input tile, the same along rows and columns.

    ``origin``: input pixel at which the window of the first position starts; ``spacing``: input pixels between
    positions; ``jump``: input pixels that one step of the original layer means; ``field``: receptive field.
    """

    origin: int = 0
    spacing: int = 1
    jump: int = 1
    field: int = 1


@dataclass(frozen=True)
class Feature:
    """A feature map (1, channels, rows, columns) and where its positions lie."""

    values: Tensor
    lattice: Lattice

    def cut(self, start: int, spacing: int, ends: tuple[int, int]) -> Feature:
        """Return the positions whose windows start at ``start`` or later and end by ``ends``.

        ``ends`` are input pixels (exclusive) along rows and columns; of the positions only each
        ``spacing``-th pixel is kept.
        """
        old = self.lattice
        first = (start - old.origin) // old.spacing
        rows, columns = (first + (end - start - old.field) // old.spacing + 1 for end in ends)
        every = spacing // old.spacing
        values = self.values[:, :, first:rows:every, first:columns:every]
        return Feature(values, replace(old, origin=start, spacing=spacing))


class DenseModality:
    """The branches of one modality, evaluated over a tile.

    Parameters
    ----------
    network
        The network, whose layers are used as they are: in training mode gradients flow and batch norm sees
        the tile. ``fused`` gives a copy that is faster at use.
    name
        The modality.
    step
        Distance between outputs in input pixels, along rows and columns.
    scales
        Which of the modality's scales; all unless told.

    Raises
    ------
    ModelError
        The network is padded (no window has a value of its own then), or has a layer of an unknown kind.
    """

    def __init__(
        self, network: FusionNetwork, name: str, step: int, scales: Iterable[int] | None = None
    ) -> None:
        if network.architecture.padding != "valid":
            raise ModelError("A padded network can't be evaluated densely; use the patch-wise method.")
        if step < 1:
            raise ModelError(f"The step is {step}; choose 1 or more.")
        shape: ModalityShape = network.architecture.modality(name)
        self.network = network
        self.name = name
        self.step = step
        self.scales = tuple(sorted(shape.scales if scales is None else scales))
        self.window = max(self.scales)
        shared = network.backbones[name]
        if not isinstance(shared, nn.Sequential):
            raise ModelError(f"The backbone of {name} is no chain of layers.")
        self._shared: list[nn.Module] = list(shared)
        self._stacks = {scale: list(network.branch((name, scale)).stack) for scale in self.scales}
        self._needs = {scale: spacings([*self._shared, *self._stacks[scale]], step) for scale in self.scales}

    def input_side(self, positions: int) -> int:
        """Return how many input pixels a row of ``positions`` outputs reads."""
        return (positions - 1) * self.step + self.window

    def features(self, tile: Tensor, between: Callable[[], None] = lambda: None) -> Features:
        """Return the features of every branch at every position of the lattice.

        Parameters
        ----------
        tile
            (1, bands, rows, columns), normalised. The window of the first output starts at its first pixel,
            so rows = (outputs - 1) * step + largest scale.
        between
            Called before every layer; raises to stop.

        Returns
        -------
        Features
            By branch, (1, out_size, output rows, output columns).
        """
        rows, columns = ((side - self.window) // self.step + 1 for side in tile.shape[-2:])
        starts = {scale: (self.window - scale) // 2 for scale in self.scales}
        whole = Feature(tile, Lattice())
        found: Features = {}
        shared = self._backbone(whole, self._shared, 0, starts, (rows, columns), between)
        for scale, feature in shared.items():
            needs = self._needs[scale]
            for index, layer in enumerate(self._stacks[scale], start=len(self._shared)):
                between()
                feature = apply(layer, feature, needs[index + 1])
            project = self.network.branch((self.name, scale)).project
            values = feature.values[:, :, :rows, :columns]
            found[self.name, scale] = torch.relu(
                functional.conv2d(values, project.weight[:, :, None, None], project.bias)
            )
        return found

    def _backbone(
        self,
        feature: Feature,
        layers: Sequence[nn.Module],
        index: int,
        starts: Mapping[int, int],
        outputs: tuple[int, int],
        between: Callable[[], None],
    ) -> dict[int, Feature]:
        """Return for each scale in ``starts`` the backbone's feature map, cut to what its windows hold."""
        found: dict[int, Feature] = {}
        spacing = math.gcd(*(self._needs[scale][index] for scale in starts))
        for group in phases(starts, spacing):
            start = min(group.values())
            ends = self._ends(group, outputs)
            mine = feature.cut(start, spacing, ends)
            if not layers:
                (scale,) = group  # cut apart below, once there is nothing left to share
                found[scale] = mine
                continue
            after = math.gcd(*(self._needs[scale][index + 1] for scale in group))
            for sub in phases(group, after):
                apart = mine.cut(min(sub.values()), spacing, self._ends(sub, outputs))
                between()
                done = apply(layers[0], apart, after)
                rest = [sub] if len(layers) > 1 else [{scale: sub[scale]} for scale in sub]
                for part in rest:
                    found |= self._backbone(done, layers[1:], index + 1, part, outputs, between)
        return found

    def _ends(self, starts: Mapping[int, int], outputs: tuple[int, int]) -> tuple[int, int]:
        """Return where the last windows of these scales end, along rows and columns (exclusive)."""
        last = max(start + scale for scale, start in starts.items())
        rows, columns = ((n - 1) * self.step + last for n in outputs)
        return rows, columns


def phases(starts: Mapping[int, int], spacing: int) -> list[dict[int, int]]:
    """Group scales by the phase of their windows' starts on a grid of ``spacing`` pixels."""
    groups: dict[int, dict[int, int]] = {}
    for scale, start in starts.items():
        groups.setdefault(start % spacing, {})[scale] = start
    return list(groups.values())


def spacings(layers: Sequence[nn.Module], step: int) -> list[int]:
    """Return the spacing at which the input of each layer, and at last the output, is read.

    ``layers`` are walked backwards by the rule at the head of this file.
    """
    jumps = [1]
    for layer in layers:
        jumps.append(jumps[-1] * stride_of(layer))
    needed = [step]
    for layer, (jump, _) in zip(reversed(layers), reversed(list(pairwise(jumps))), strict=True):
        reads_neighbours = kernel_of(layer) > 1
        needed.append(math.gcd(needed[-1], jump) if reads_neighbours else needed[-1])
    return needed[::-1]


def kernel_of(layer: nn.Module) -> int:
    """Return how many pixels (at its jump) a layer reads along a side; more than 1 for a block."""
    if isinstance(layer, BasicBlock):
        return 3 + 2 * layer.stride
    if isinstance(layer, Convolution):
        return int(layer.kernel_size[0])
    if isinstance(layer, nn.MaxPool2d):
        return _side(layer.kernel_size)
    if isinstance(layer, ELEMENTWISE):
        return 1
    raise ModelError(f"Dense evaluation knows no layer {type(layer).__name__}; use the patch-wise method.")


def stride_of(layer: nn.Module) -> int:
    """Return the stride of a layer."""
    if isinstance(layer, BasicBlock):
        return layer.stride
    if isinstance(layer, Convolution):
        return int(layer.stride[0])
    if isinstance(layer, nn.MaxPool2d):
        return _side(layer.stride)
    return 1


def _side(size: int | tuple[int, ...]) -> int:
    return size if isinstance(size, int) else size[0]


def apply(layer: nn.Module, feature: Feature, spacing: int) -> Feature:
    """Return a layer's output at positions ``spacing`` input pixels apart, the first where the input starts."""
    if isinstance(layer, BasicBlock):
        return _apply_block(layer, feature, spacing)
    before = feature.lattice
    kernel, stride = kernel_of(layer), stride_of(layer)
    if isinstance(layer, ELEMENTWISE):
        return replace(feature, values=layer(feature.values))
    every = spacing // before.spacing
    dilation = max(1, before.jump // before.spacing)
    values = feature.values
    if isinstance(layer, Convolution):
        if kernel == 1 and every > 1:
            values = values[:, :, ::every, ::every]
            every = 1
        values = functional.conv2d(values, layer.weight, layer.bias, every, 0, dilation if kernel > 1 else 1)
    else:
        values = functional.max_pool2d(values, kernel, every, 0, dilation)
    after = Lattice(before.origin, spacing, before.jump * stride, before.field + (kernel - 1) * before.jump)
    return Feature(values, after)


def _apply_block(block: BasicBlock, feature: Feature, spacing: int) -> Feature:
    """Return a residual block's output; its shortcut reads the pixels under the convolutions' centres."""
    before = feature.lattice
    inner = math.gcd(spacing, before.jump * block.stride)
    main = apply(block.norm1, apply(block.conv1, feature, inner), inner)
    main = apply(block.conv2, replace(main, values=torch.relu(main.values)), spacing)
    main = apply(block.norm2, main, spacing)
    rows, columns = main.values.shape[-2:]
    first = block.margin * before.jump // before.spacing
    every = spacing // before.spacing
    aside = feature.values[:, :, first::every, first::every][:, :, :rows, :columns]
    return replace(main, values=torch.relu(main.values + block.shortcut(aside)))
