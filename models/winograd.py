"""Convolutions of 3 x 3 with a quarter of the multiplications: Winograd's minimal filtering, F(4 x 4, 3 x 3).

16 outputs of a 3 x 3 convolution take 144 multiplications directly, and 36 by Toom and Cook's way: the kernel
and a tile of 6 x 6 inputs, as polynomials, are evaluated at six points a side, multiplied there and
interpolated; see Lavin and Gray 2016, https://arxiv.org/abs/1509.09308. Over many channels what is multiplied
at each point are matrices. A dilated convolution is as many plain ones as it has phases: their tiles lie
interlaced in the same map and are picked by strides.

The points are 0, +-3/4, +-3/2 and infinity. In float32 they make the rounding error of a convolution of 512
channels 1.3e-6 of the deviation of its outputs, half of what the usual 0, +-1, +-2 and infinity make it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cache

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

KERNEL = 3
OUTPUTS = 4  # of a tile, along a side
INPUTS = OUTPUTS + KERNEL - 1
POINTS = tuple(Fraction(n, 4) for n in (0, 3, -3, 6, -6))  # and infinity
# Its time beside a direct convolution's, by inputs i and outputs o: SHARE + MOVING * (1 / i + 1 / o), for each
# position that tiles cover; measured for 64 to 512.
SHARE, MOVING = 0.32, 16.0
WORTH_IT = 0.9
FEWEST_POSITIONS = 1024  # with fewer, reading the transformed weights costs what is saved
TILES = 128  # at a time, so that they stay in the processor's cache; measured
DTYPES = (torch.float32, torch.float64)


class Winograd:
    """Convolutions whose weights do not change: they are transformed once, when they are first met."""

    def __init__(self) -> None:
        self._weights: dict[nn.Conv2d, Tensor] = {}
        self._scratch: dict[str, Tensor] = {}

    def pays(self, layer: nn.Conv2d, values: Tensor, stride: int, dilation: int) -> bool:
        """Tell whether ``convolve`` can do this, and in less time than a direct convolution.

        It is for processors, where products in bfloat16 are too fast to gain; GPUs have libraries of their own.
        """
        able = values.device.type == "cpu" and layer.weight.dtype in DTYPES and len(values) == 1
        return able and share_of_time(values.shape, layer.weight.shape, stride, dilation) < 1

    def convolve(
        self,
        values: Tensor,
        layer: nn.Conv2d,
        dilation: int,
        rectify: bool,
        out: Tensor,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        """Write the convolution of a map, without padding and at stride 1, to ``out``.

        Parameters
        ----------
        values
            (1, inputs, rows, columns).
        layer
            A convolution for which this ``pays``.
        dilation
            Distance between the kernel's taps, which takes the place of the layer's own.
        rectify
            Whether a ReLU follows.
        out
            (1, outputs, rows - 2 * dilation, columns - 2 * dilation), channels last.
        between
            Called between operations; raises to stop.
        """
        if values.stride(1) != 1:
            values = values.contiguous(memory_format=torch.channels_last)
        side, halo = OUTPUTS * dilation, (KERNEL - 1) * dilation
        inputs, (outputs, rows, columns) = values.shape[1], out.shape[1:]
        whole_rows, whole_columns = rows - rows % side, columns - columns % side
        # What tiles fill, and the rest at the right and at the bottom.
        for top, bottom, left, right in (
            (0, whole_rows, 0, whole_columns),
            (0, whole_rows, whole_columns, columns),
            (whole_rows, rows, 0, columns),
        ):
            height, width = bottom - top, right - left
            if height == 0 or width == 0:
                continue
            source = values[:, :, top : bottom + halo, left : right + halo]
            target = out[:, :, top:bottom, left:right]
            if _share(inputs, outputs, height, width, dilation) > WORTH_IT:
                made = functional.conv2d(source, layer.weight, layer.bias, dilation=dilation)
                target.copy_(made.relu_() if rectify else made)
                continue
            missing_rows, missing_columns = -height % side, -width % side
            if missing_rows or missing_columns:
                padded = functional.pad(source, (0, missing_columns, 0, missing_rows))
                made = out.new_empty(1, height + missing_rows, width + missing_columns, out.shape[1])
                made = made.permute(0, 3, 1, 2)
                padded = padded.contiguous(memory_format=torch.channels_last)
                self._convolve_tiles(padded, layer, dilation, rectify, made, between)
                target.copy_(made[:, :, :height, :width])
            else:
                self._convolve_tiles(source, layer, dilation, rectify, target, between)

    def _convolve_tiles(
        self,
        values: Tensor,
        layer: nn.Conv2d,
        dilation: int,
        rectify: bool,
        out: Tensor,
        between: Callable[[], None],
    ) -> None:
        """Do the same where tiles fill ``out``.

        Row (t * 4 + i) * dilation + p of the output is row i of a tile, in phase p; columns likewise.
        """
        weight, (at_points, back) = self._transformed(layer), _transforms(values.dtype, values.device)
        inputs, outputs = weight.shape[1:]
        down, across = (length // (OUTPUTS * dilation) for length in out.shape[-2:])
        # About TILES at a time: a part of a row of tiles, or several rows.
        wide = -(-across // max(1, round(across * dilation / TILES)))
        phases = max(1, min(dilation, TILES // (wide * dilation)))
        many = max(1, TILES // (wide * dilation * phases)) if wide == across else 1
        for first in range(0, down, many):
            for phase in range(0, dilation, phases):
                for left in range(0, across, wide):
                    between()
                    shape = (min(many, down - first), min(phases, dilation - phase), min(wide, across - left))
                    at = first * OUTPUTS * dilation + phase, left * OUTPUTS * dilation
                    tiles = math.prod(shape) * dilation
                    taken = self._buffer("tiles", values, tiles * INPUTS**2 * inputs)
                    source = _tiles(values, at, dilation, shape, INPUTS)
                    taken.view(source.shape).copy_(source)
                    seen = self._buffer("seen", values, taken.numel()).view(tiles, INPUTS**2, inputs)
                    torch.bmm(at_points.expand(tiles, -1, -1), taken.view_as(seen), out=seen)
                    products = self._buffer("products", values, tiles * INPUTS**2 * outputs)
                    products = products.view(INPUTS**2, tiles, outputs)
                    torch.bmm(seen.transpose(0, 1), weight, out=products)
                    made = self._buffer("made", values, tiles * OUTPUTS**2 * outputs)
                    made = made.view(tiles, OUTPUTS**2, outputs)
                    torch.bmm(back.expand(tiles, -1, -1), products.transpose(0, 1), out=made)
                    if layer.bias is not None:
                        made += layer.bias
                    target = _tiles(out, at, dilation, shape, OUTPUTS)
                    made = made.view(target.shape)
                    if rectify:
                        torch.clamp_min(made, 0, out=target)
                    else:
                        target.copy_(made)

    def _transformed(self, layer: nn.Conv2d) -> Tensor:
        """Return a layer's weights at the points: (36, inputs, outputs)."""
        found = self._weights.get(layer)
        if found is None:
            weight = layer.weight
            kernels = weight.permute(2, 3, 1, 0).reshape(KERNEL**2, -1)
            found = _kernel_at_points().to(weight) @ kernels
            found = self._weights[layer] = found.view(INPUTS**2, weight.shape[1], weight.shape[0])
        return found

    def _buffer(self, name: str, like: Tensor, size: int) -> Tensor:
        """Return memory for ``size`` values; it is the same each time."""
        found = self._scratch.get(name)
        if found is None or found.numel() < size:
            self._scratch.pop(name, None)
            found = self._scratch[name] = like.new_empty(size)
        return found[:size]


def transformed_bytes(layers: Iterable[nn.Module]) -> int:
    """Return the bytes that the transformed weights of some layers take, with room to work in."""
    kept, room = 0, 0
    for layer in layers:
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (KERNEL, KERNEL):
            inputs, outputs, size = layer.in_channels, layer.out_channels, layer.weight.element_size()
            if _share(inputs, outputs, 1 << 20, 1 << 20, 1) <= WORTH_IT:
                kept += INPUTS**2 * inputs * outputs * size
                room = max(room, TILES * INPUTS**2 * (2 * inputs + 2 * outputs) * size)
    return kept + room


def _tiles(image: Tensor, at: tuple[int, int], dilation: int, shape: tuple[int, int, int], side: int) -> Tensor:
    """Return tiles of ``side`` x ``side`` pixels, ``dilation`` apart, of an image in channels last.

    (tiles down, phases down, tiles across, phases across, side, side, channels), from row and column ``at``;
    ``shape`` gives the first three.
    """
    _, channels, row, column = image.stride()
    period = OUTPUTS * dilation
    return image.as_strided(
        (*shape, dilation, side, side, image.shape[1]),
        (period * row, row, period * column, column, dilation * row, dilation * column, channels),
        image.storage_offset() + at[0] * row + at[1] * column,
    )


def share_of_time(image: Sequence[int], weight: Sequence[int], stride: int, dilation: int) -> float:
    """Return what share of a direct convolution's time Winograd's way takes; 1 where it can't or does not pay.

    ``image`` is (1, inputs, rows, columns), ``weight`` (outputs, inputs, kernel rows, kernel columns).
    """
    rows, columns = (side - (KERNEL - 1) * dilation for side in image[-2:])
    outputs, inputs, *kernel = weight
    if kernel != [KERNEL, KERNEL] or stride != 1 or inputs != image[1] or rows * columns < FEWEST_POSITIONS:
        return 1.0
    share = _share(inputs, outputs, rows, columns, dilation)
    return share if share <= WORTH_IT else 1.0


def _share(inputs: int, outputs: int, rows: int, columns: int, dilation: int) -> float:
    side = OUTPUTS * dilation
    covered = (rows + -rows % side) * (columns + -columns % side)
    return (SHARE + MOVING * (1 / inputs + 1 / outputs)) * covered / (rows * columns)


@cache
def _transforms(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return what evaluates tiles at the points, (36, 36), and what takes products back, (16, 36)."""
    _, tile, back = toom_cook(POINTS, OUTPUTS)
    return torch.kron(tile, tile).to(device, dtype), torch.kron(back, back).to(device, dtype)


@cache
def _kernel_at_points() -> Tensor:
    """Return what evaluates kernels at the points: (36, 9) in float64."""
    kernel, _, _ = toom_cook(POINTS, OUTPUTS)
    return torch.kron(kernel, kernel)


def toom_cook(points: tuple[Fraction, ...], outputs: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the three matrices of minimal filtering along one axis, in float64.

    With G (points, 3), B (points, points) and A (outputs, points), counting infinity among the points, the
    ``outputs`` sums of three neighbours of d weighted with g are A ((G g) * (B d)).
    """
    highest = outputs - 1
    back = [[point**power for point in points] + [Fraction(int(power == highest))] for power in range(outputs)]
    kernel, tile = [], []
    for point in points:
        others = [other for other in points if other != point]
        divisor = Fraction(1)
        for other in others:
            divisor *= point - other
        kernel.append([point**power / divisor for power in range(KERNEL)])
        tile.append([*_with_roots(others), Fraction(0)])
    kernel.append([Fraction(int(power == KERNEL - 1)) for power in range(KERNEL)])
    tile.append(_with_roots(points))
    g, b, a = (
        torch.tensor([[float(v) for v in row] for row in m], dtype=torch.float64) for m in (kernel, tile, back)
    )
    # Rows of B of about the same size, by powers of two, which rounding does not feel.
    size = torch.exp2(torch.round(torch.log2(b.norm(dim=1, keepdim=True))))
    return g * size, b / size, a


def _with_roots(roots: tuple[Fraction, ...] | list[Fraction]) -> list[Fraction]:
    """Return the coefficients, lowest power first, of the polynomial with these roots and a leading 1."""
    found = [Fraction(1)]
    for root in roots:
        raised, lowered = [Fraction(0), *found], [*found, Fraction(0)]
        found = [high - root * low for high, low in zip(raised, lowered, strict=True)]
    return found
