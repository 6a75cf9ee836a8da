"""Feature maps whose rows come and go: each layer computes the rows it is asked for, from those above it.

Every map keeps only the rows that its readers still need, so nothing is computed twice, and memory does not
grow with the length of the column. Rows are counted from the first of the column and never renumbered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from .winograd import Winograd

Between = Callable[[], None]

CACHED_BYTES = 1024**2


@dataclass(frozen=True)
class Lattice:
    """Positions of a feature map over the input, the same along rows and columns.

    ``origin``: input pixel at which the window of the first position starts; ``spacing``: input pixels between
    positions; ``jump``: input pixels that one step of the original layer means; ``field``: receptive field.
    """

    origin: int = 0
    spacing: int = 1
    jump: int = 1
    field: int = 1

    def positions(self, end: int) -> int:
        """Return how many positions have their windows end at input pixel ``end`` (exclusive) or before."""
        return (end - self.origin - self.field) // self.spacing + 1


class FeatureRows:
    """A feature map (1, channels, rows, columns) of which some rows are there.

    ``produced`` rows were made so far; those from ``first`` on are kept.
    """

    def __init__(self, lattice: Lattice, columns: int) -> None:
        self.lattice = lattice
        self.columns = columns
        self.produced = 0
        self.first = 0
        self.readings: list[Reading] = []
        self._kept: Tensor | None = None

    def produce(self, upto: int, between: Between) -> None:
        """Make sure that ``upto`` rows were produced."""
        raise NotImplementedError

    def append(self, rows: Tensor) -> None:
        """Add rows below those that are there."""
        self._kept = rows if self._kept is None else torch.cat([self._kept, rows], dim=2)
        self.produced += rows.shape[2]

    def room(self, rows: int, channels: int, like: Tensor) -> Tensor:
        """Return room for rows below those that are there, which count as there: fill it at once."""
        there = 0 if self._kept is None else self._kept.shape[2]
        whole = like.new_empty(len(like), there + rows, self.columns, channels).permute(0, 3, 1, 2)
        if self._kept is not None:
            whole[:, :, :there] = self._kept
        self._kept = whole
        self.produced += rows
        return whole[:, :, there:]

    def kept(self, start: int, stop: int) -> Tensor:
        """Return rows ``start`` to ``stop``, which are there."""
        if self._kept is None:
            raise RuntimeError("rows are read before any was produced")
        return self._kept[:, :, start - self.first : stop - self.first]

    def release(self) -> None:
        """Forget the rows that no reading needs any more."""
        needed = min(reading.next_row for reading in self.readings)
        if self._kept is None or needed <= self.first:
            return
        if needed >= self.produced:
            self._kept = None
        else:  # a copy, since a slice would keep all rows in memory
            self._kept = self._kept[:, :, needed - self.first :].clone(memory_format=torch.preserve_format)
        self.first = min(needed, self.produced)

    def read_by(self, start: int, lattice: Lattice, tap: int, kernel: int, columns: int) -> Reading:
        """Return a new reading of this map, for an output on ``lattice``.

        The output's position o reads the positions of this map that lie ``start`` + o * spacing + t * ``tap``
        input pixels from the input's first, for t = 0 to ``kernel`` - 1.
        """
        mine = self.lattice.spacing
        reading = Reading(
            self, (start - self.lattice.origin) // mine, lattice.spacing // mine, tap // mine, kernel, columns
        )
        self.readings.append(reading)
        return reading


class InputRows(FeatureRows):
    """The input itself, fed from outside."""

    def __init__(self, columns: int) -> None:
        super().__init__(Lattice(), columns)

    def produce(self, upto: int, between: Between) -> None:
        if upto > self.produced:
            raise RuntimeError(f"{upto} rows of input are wanted and {self.produced} were fed")


class Reading:
    """How one layer reads the map above it; ``next_row`` is the first row of that map that it still needs.

    Output row o reads rows ``offset`` + o * ``stride`` + t * ``tap``, and columns likewise; all in rows of the
    map that is read.
    """

    def __init__(
        self, source: FeatureRows, offset: int, stride: int, tap: int, kernel: int, columns: int
    ) -> None:
        self._source = source
        self._offset = offset
        self._stride = stride
        self._reach = (kernel - 1) * tap + 1
        # Of every so many rows one is read: a layer that reads neighbours reads at their distance.
        self._thinning = math.gcd(stride, tap) if kernel > 1 else stride
        self.stride = stride // self._thinning
        self.dilation = max(1, tap // self._thinning) if kernel > 1 else 1
        across = (columns - 1) * stride + self._reach
        self._columns = slice(offset, offset + across, self._thinning)
        self.done = 0

    @property
    def next_row(self) -> int:
        """The first row that is still needed."""
        return self._offset + self.done * self._stride

    def rows(self, upto: int, between: Between) -> Tensor:
        """Return what output rows ``done`` to ``upto`` read, thinned; they count as done from now on."""
        stop = self._offset + (upto - 1) * self._stride + self._reach
        self._source.produce(stop, between)
        values = self._source.kept(self.next_row, stop)[:, :, :: self._thinning, self._columns]
        self.done = upto
        self._source.release()
        return values


class LayerRows(FeatureRows):
    """The output of a convolution or max-pool, and of the element-wise layers that follow it.

    Parameters
    ----------
    reading
        What it reads.
    layer
        Convolution (of any stride; where it is applied is up to ``reading``) or max-pool.
    after
        Element-wise layers, in order.
    beside
        For the end of a residual block: its shortcut, which is added after those, and a ReLU at last.
    at_once
        How many rows are made in one operation at most; all by default.
    winograd
        Convolutions with fewer multiplications, for weights that don't change.
    """

    def __init__(
        self,
        reading: Reading,
        layer: nn.Conv2d | nn.MaxPool2d,
        after: Sequence[nn.Module],
        lattice: Lattice,
        columns: int,
        beside: Beside | None = None,
        at_once: int | None = None,
        winograd: Winograd | None = None,
    ) -> None:
        super().__init__(lattice, columns)
        self._reading = reading
        self._layer = layer
        self._after = [module for module in after if not isinstance(module, nn.Identity)]
        self._beside = beside
        self._at_once = at_once
        self._winograd = winograd

    def produce(self, upto: int, between: Between) -> None:
        while self.produced < upto:
            self._make(min(upto, self.produced + (self._at_once or upto)), between)

    def _make(self, upto: int, between: Between) -> None:
        values = self._reading.rows(upto, between)
        between()
        rows, after = upto - self.produced, self._after
        layer, stride, dilation = self._layer, self._reading.stride, self._reading.dilation
        if isinstance(layer, nn.Conv2d):
            values = values.to(layer.weight.dtype)
        # Where a layer can write to where its output is kept, it does.
        if (
            isinstance(layer, nn.Conv2d)
            and self._winograd
            and self._winograd.pays(layer, values, stride, dilation)
        ):
            made = self.room(rows, layer.out_channels, values)
            rectify = bool(after) and isinstance(after[0], nn.ReLU)
            self._winograd.convolve(values, layer, dilation, rectify, made, between)
            made.copy_(self._finished(made, after[rectify:], upto, between))
        elif (
            isinstance(layer, nn.MaxPool2d) and stride == 1 < kernel_side(layer) and not torch.is_grad_enabled()
        ):
            made = self.room(rows, values.shape[1], values)
            _largest(values, kernel_side(layer), dilation, made)
            made.copy_(self._finished(made, after, upto, between))
        else:
            made = self._applied(values)
            del values
            self.append(self._finished(made, after, upto, between))

    def _applied(self, values: Tensor) -> Tensor:
        layer, stride, dilation = self._layer, self._reading.stride, self._reading.dilation
        if isinstance(layer, nn.Conv2d):
            return functional.conv2d(values, layer.weight, layer.bias, stride, padding=0, dilation=dilation)
        return functional.max_pool2d(values, layer.kernel_size, stride, padding=0, dilation=dilation)

    def _finished(self, made: Tensor, after: Sequence[nn.Module], upto: int, between: Between) -> Tensor:
        for module in after:
            made = torch.relu_(made) if isinstance(module, nn.ReLU) else module(made)
        if self._beside is not None:
            made = torch.relu_(made.add_(self._beside.rows(upto, between)))
        return made


def kernel_side(layer: nn.Conv2d | nn.MaxPool2d) -> int:
    """Return the side of a square kernel."""
    size = layer.kernel_size
    return size if isinstance(size, int) else int(size[0])


def _largest(values: Tensor, kernel: int, dilation: int, out: Tensor) -> None:
    """Write the max-pool of a map at stride 1 to ``out``.

    One axis after the other, and so few rows at a time that they stay in the processor's cache: three times as
    fast there as a dilated max-pool.
    """
    rows, columns = out.shape[-2:]
    some = max(1, CACHED_BYTES // (values[:, :, :1].numel() * values.element_size()))
    for top in range(0, rows, some):
        bottom = min(rows, top + some)
        tall, wide = values[:, :, top:bottom], out[:, :, top:bottom]
        for tap in range(dilation, kernel * dilation, dilation):
            tall = torch.maximum(tall, values[:, :, top + tap : bottom + tap])
        so_far = tall[..., :columns]
        for tap in range(dilation, kernel * dilation, dilation):
            so_far = torch.maximum(so_far, tall[..., tap : columns + tap], out=wide)


class Beside:
    """The shortcut of a residual block."""

    def __init__(self, reading: Reading, layers: nn.Module) -> None:
        self._reading = reading
        self._layers = layers

    def rows(self, upto: int, between: Between) -> Tensor:
        """Return the shortcut's next rows, up to ``upto``."""
        shortcut: Tensor = self._layers(self._reading.rows(upto, between))
        return shortcut
