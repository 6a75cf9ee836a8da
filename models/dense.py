"""Dense evaluation: the network at every position of a lattice, with all that neighbours share done once.

The answer at a position is that of the network on the window around it, exactly: without padding every layer
commutes with translation, so a layer of kernel k and stride s at jump j becomes, on a grid that is g pixels
apart, the same layer with dilation j / g. For a lattice of step S only some positions of each layer are ever
read. Walking backwards from the output, whose positions are S apart, the input of a layer with k > 1 at jump
j is read at gcd(spacing of its output, j), and that of a layer with k = 1 as its output; so real strides come
back where S allows them.

Windows of different scales start at different phases of that grid. A shared layer runs once for each phase
that some branch needs.

Rows come and go in strips: every feature map keeps only the rows that its readers still need, so nothing is
computed twice along a column of any length, memory does not grow with it, and each operation is short.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from .architecture import BranchKey, ModalityShape
from .errors import ModelError
from .feature_rows import Beside, FeatureRows, InputRows, Lattice, LayerRows, Reading, kernel_side
from .network import BasicBlock, Features, FusionNetwork
from .winograd import Winograd

ELEMENTWISE = (nn.BatchNorm2d, nn.ReLU, nn.Identity)


class DenseModality:
    """The branches of one modality at all positions of a lattice.

    Parameters
    ----------
    network
        The network, whose layers are used as they are: in training mode gradients flow and batch norm sees
        the tile. ``fusion.fused`` gives a copy that is faster at use.
    name
        The modality.
    step
        Distance between outputs in input pixels, along rows and columns.
    scales
        Which of the modality's scales; all by default.
    frozen
        The weights will not change and no gradient is asked for: convolutions may take Winograd's way.

    Raises
    ------
    ModelError
        The network is padded (no window has a value of its own then), or has a layer of an unknown kind.
    """

    def __init__(
        self,
        network: FusionNetwork,
        name: str,
        step: int,
        scales: Iterable[int] | None = None,
        frozen: bool = False,
    ) -> None:
        if network.architecture.patchwise:
            raise ModelError("A padded network can't be evaluated densely; use the patch-wise method.")
        if step < 1:
            raise ModelError(f"The step is {step}; choose 1 or more.")
        shape: ModalityShape = network.architecture.modality(name)
        self.network = network
        self.name = name
        self.step = step
        self.scales = tuple(sorted(shape.scales if scales is None else scales))
        self.window = max(self.scales)
        self.winograd = Winograd() if frozen else None
        shared = network.backbones[name]
        if not isinstance(shared, nn.Sequential):
            raise ModelError(f"The backbone of {name} is no chain of layers.")
        self.shared: list[nn.Module] = list(shared)
        self.stacks = {scale: list(network.branch((name, scale)).stack) for scale in self.scales}
        self.needs = {scale: spacings([*self.shared, *self.stacks[scale]], step) for scale in self.scales}

    @property
    def layers(self) -> list[nn.Module]:
        """All layers of the backbone and of the branches that are used, those inside blocks too."""
        chains = [*self.shared, *(layer for stack in self.stacks.values() for layer in stack)]
        return [module for layer in chains for module in layer.modules()]

    def input_side(self, positions: int) -> int:
        """Return how many input pixels a row of ``positions`` outputs reads."""
        return (positions - 1) * self.step + self.window

    def features(self, tile: Tensor, between: Callable[[], None] = lambda: None) -> Features:
        """Return the features of every branch at every position of the lattice.

        Parameters
        ----------
        tile
            (tiles, bands, rows, columns), normalised. A tile's first window starts at its first pixel,
            so rows = (outputs - 1) * step + largest scale.
        between
            Called before every layer; raises to stop.

        Returns
        -------
        Features
            By branch, (tiles, out_size, output rows, output columns).
        """
        rows, columns = ((side - self.window) // self.step + 1 for side in tile.shape[-2:])
        strips = DenseStrips(self, columns, between=between)
        strips.feed(tile)
        return strips.take(rows)


class DenseStrips:
    """One pass down a column of a map, ``columns`` outputs wide, strip by strip.

    Feed input rows from the top (rows of ``input_side(columns)`` pixels), and take output rows as soon as
    enough was fed: ``outputs`` rows in all need ``input_side(outputs)`` rows of input. ``strip`` is how many
    output rows will be taken at a time; no operation then does more than that takes, not even at the top. None
    does all in one operation a layer, as training with batch norm needs.
    """

    def __init__(
        self,
        dense: DenseModality,
        columns: int,
        strip: int | None = None,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self._strip = strip
        self._dense = dense
        self._columns = columns
        self._between = between
        self._taken = 0
        self._input = InputRows(dense.input_side(columns))
        starts = {scale: (dense.window - scale) // 2 for scale in dense.scales}
        self._leaves: dict[int, Reading] = {}
        self._grow(self._input, dense.shared, 0, starts)

    def feed(self, rows: Tensor) -> None:
        """Add input rows, (tiles, bands, rows, input_side(columns)), below those fed before."""
        self._input.append(rows)

    def available(self) -> int:
        """Return how many output rows can be taken now."""
        fed = self._input.produced - self._taken * self._dense.step
        return max(0, (fed - self._dense.window) // self._dense.step + 1)

    def take(self, rows: int) -> Features:
        """Return the features of the next ``rows`` output rows: by branch, (tiles, out_size, rows, columns)."""
        found: Features = {}
        for key, matrix in self.take_stacks(rows):
            project = self._dense.network.branch(key).project
            matrix = matrix.to(project.weight.dtype)
            features = torch.relu_(functional.linear(matrix, project.weight, project.bias))
            found[key] = features.reshape(-1, rows, self._columns, features.shape[1]).permute(0, 3, 1, 2)
        return found

    def take_stacks(self, rows: int) -> Iterator[tuple[BranchKey, Tensor]]:
        """Yield for each branch what its stack gives for the next ``rows`` output rows, before its projection.

        Matrices are (positions, channels), tile by tile and row by row; take all before the next rows.
        """
        self._taken += rows
        for scale, leaf in self._leaves.items():
            values = leaf.rows(self._taken, self._between)
            self._between()
            # Channels last, a feature map is a matrix already: no copy.
            yield (self._dense.name, scale), values.permute(0, 2, 3, 1).reshape(-1, values.shape[1])

    def _grow(
        self, source: FeatureRows, layers: Sequence[nn.Module], index: int, starts: Mapping[int, int]
    ) -> None:
        """Put what remains of the backbone on ``source``, apart for each phase, and the stacks on top."""
        if not layers:
            for scale, start in starts.items():
                self._stack(source, scale, start)
            return
        used = 1 + _followers(layers)
        for group in phases(starts, self._spacing(starts, index + used)):
            spacing = self._spacing(group, index + used)
            top = self._layer(source, layers[0], layers[1:used], spacing, group)
            self._grow(top, layers[used:], index + used, group)

    def _stack(self, source: FeatureRows, scale: int, start: int) -> None:
        layers = self._dense.stacks[scale]
        index = 0
        while index < len(layers):
            used = 1 + _followers(layers[index:])
            spacing = self._dense.needs[scale][len(self._dense.shared) + index + used]
            source = self._layer(
                source, layers[index], layers[index + 1 : index + used], spacing, {scale: start}
            )
            index += used
        top = replace(source.lattice, spacing=self._dense.step)
        self._leaves[scale] = source.read_by(start, top, tap=1, kernel=1, columns=self._columns)

    def _spacing(self, starts: Mapping[int, int], index: int) -> int:
        """Return the spacing at which some branch reads the input of layer ``index``."""
        return math.gcd(*(self._dense.needs[scale][index] for scale in starts))

    def _layer(
        self,
        source: FeatureRows,
        layer: nn.Module,
        after: Sequence[nn.Module],
        spacing: int,
        group: Mapping[int, int],
    ) -> FeatureRows:
        """Return the output of one layer, at positions ``spacing`` input pixels apart."""
        start = min(group.values())
        if isinstance(layer, BasicBlock):
            jump = source.lattice.jump
            inner = math.gcd(spacing, jump * layer.stride)
            first = self._simple(source, layer.conv1, [layer.norm1, nn.ReLU()], start, inner, group)
            aside = start + layer.margin * jump
            lattice = _after(first.lattice, layer.conv2, start, spacing)
            columns = lattice.positions(self._end(group))
            shortcut = source.read_by(aside, lattice, tap=1, kernel=1, columns=columns)
            beside = Beside(shortcut, layer.shortcut)
            return self._simple(first, layer.conv2, [layer.norm2], start, spacing, group, beside)
        return self._simple(source, layer, after, start, spacing, group)

    def _simple(
        self,
        source: FeatureRows,
        layer: nn.Module,
        after: Sequence[nn.Module],
        start: int,
        spacing: int,
        group: Mapping[int, int],
        beside: Beside | None = None,
    ) -> FeatureRows:
        if not isinstance(layer, (nn.Conv2d, nn.MaxPool2d)):
            raise ModelError(f"Dense evaluation can't start with a layer {type(layer).__name__}.")
        lattice = _after(source.lattice, layer, start, spacing)
        columns = lattice.positions(self._end(group))
        reading = source.read_by(start, lattice, source.lattice.jump, kernel_of(layer), columns)
        at_once = None if self._strip is None else -(-self._strip * self._dense.step // spacing)
        return LayerRows(reading, layer, after, lattice, columns, beside, at_once, self._dense.winograd)

    def _end(self, starts: Mapping[int, int]) -> int:
        """Return where the last windows of these scales end along a row (exclusive)."""
        last = max(start + scale for scale, start in starts.items())
        return (self._columns - 1) * self._dense.step + last


def _after(lattice: Lattice, layer: nn.Module, start: int, spacing: int) -> Lattice:
    field = lattice.field + (kernel_of(layer) - 1) * lattice.jump
    return Lattice(start, spacing, lattice.jump * stride_of(layer), field)


def _followers(layers: Sequence[nn.Module]) -> int:
    """Return how many element-wise layers follow the first."""
    number = 0
    for layer in layers[1:]:
        if not isinstance(layer, ELEMENTWISE):
            break
        number += 1
    return number


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
    if isinstance(layer, (nn.Conv2d, nn.MaxPool2d)):
        return kernel_side(layer)
    if isinstance(layer, ELEMENTWISE):
        return 1
    raise ModelError(f"Dense evaluation knows no layer {type(layer).__name__}; use the patch-wise method.")


def stride_of(layer: nn.Module) -> int:
    """Return the stride of a layer."""
    if isinstance(layer, BasicBlock):
        return layer.stride
    if isinstance(layer, nn.Conv2d):
        return int(layer.stride[0])
    if isinstance(layer, nn.MaxPool2d):
        return _side(layer.stride)
    return 1


def _side(size: int | tuple[int, ...]) -> int:
    return size if isinstance(size, int) else size[0]
