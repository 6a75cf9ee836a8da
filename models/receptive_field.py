"""Receptive fields of chains of layers, and the stack of layers that gives a branch the scale one wants.

For a chain of layers with kernel k_l and stride s_l, the jump (how many input pixels apart two neighbouring
outputs look) is j_l = product of the strides before layer l, and the receptive field is
1 + sum of (k_l - 1) * j_l; see Araujo, Norris and Sim 2019, https://doi.org/10.23915/distill.00021.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from .errors import ScaleError

KERNELS = (3, 2)  # an even one lets a stack that pools have an odd receptive field on a backbone of jump 1
POOLS = (2, 1)
LONGEST_STACK = 6  # convolutions; longer ones are hard to train and no scale below 400 px needs them


@dataclass(frozen=True)
class Field:
    """The receptive field (px) of a chain of layers and the jump (px) of its output."""

    size: int = 1
    jump: int = 1

    def after(self, kernel: int, stride: int = 1) -> Field:
        """Return the field after one more layer."""
        return Field(self.size + (kernel - 1) * self.jump, self.jump * stride)


BACKBONE_FIELDS = {"residual": Field(25, 2), "pointwise": Field(1, 1)}


@dataclass(frozen=True)
class Stack:
    """A chain of (convolution without padding, ReLU, max-pool): kernels and pools (size = stride), one each.

    ``strides`` of the convolutions are all 1 where there are none.
    """

    kernels: tuple[int, ...]
    pools: tuple[int, ...]
    strides: tuple[int, ...] = ()

    @property
    def layers(self) -> tuple[tuple[int, int, int], ...]:
        """Kernel, stride and pool of each step of the chain."""
        strides = self.strides or (1,) * len(self.kernels)
        return tuple(zip(self.kernels, strides, self.pools, strict=True))

    def field(self, start: Field) -> Field:
        """Return the field after this stack on top of ``start``."""
        for kernel, stride, pool in self.layers:
            start = start.after(kernel, stride).after(pool, pool)
        return start


def stack_for(scale: int, backbone: str) -> Stack:
    """Return the stack whose receptive field on top of ``backbone`` is exactly ``scale`` pixels.

    Of several, the one with the fewest convolutions, then with the most 3x3 ones, then the one that pools
    first (the cheapest). For the
    paper's scales it is the paper's: 25 -> [1]; 59 -> [3, 3, 3] with pools [2, 2, 1]; 115 -> [3, 3, 3, 3]
    with pools [2, 2, 2, 2].

    Raises
    ------
    ScaleError
        The scale is even, smaller than the backbone's own receptive field, or between two that can be had.
    """
    start = BACKBONE_FIELDS[backbone]
    if scale < 1 or scale % 2 == 0:
        near = _neighbours(scale, start)
        raise ScaleError(
            f"A scale of {scale} pixels isn't possible, since a window needs a centre pixel: "
            f"choose an odd number, {near}."
        )
    stack = _stacks(start).get(scale)
    if stack is None:
        raise ScaleError(
            f"A scale of {scale} pixels isn't possible with the {backbone} backbone, which itself sees "
            f"{start.size}: choose {_neighbours(scale, start)}."
        )
    return stack


def available_scales(backbone: str) -> tuple[int, ...]:
    """Return all scales (odd, px, ascending) that a branch on ``backbone`` can have."""
    return tuple(sorted(s for s in _stacks(BACKBONE_FIELDS[backbone]) if s % 2))


def _neighbours(scale: int, start: Field) -> str:
    odd = sorted(s for s in _stacks(start) if s % 2)
    near = [*[s for s in odd if s < scale][-1:], *[s for s in odd if s > scale][:1]]
    return " or ".join(str(s) for s in near)


@cache
def _stacks(start: Field) -> dict[int, Stack]:
    """Return for every receptive field that can be had its best stack, by breadth-first search."""
    best = {start.size: Stack((1,), (1,))}
    level: list[tuple[Stack, Field]] = [(Stack((), ()), start)]
    for _ in range(LONGEST_STACK):
        level = list(_longer(level))
        for stack, field in sorted(level, key=lambda pair: -pair[0].kernels.count(KERNELS[0])):
            best.setdefault(field.size, stack)
    return best


def _longer(level: Iterable[tuple[Stack, Field]]) -> Iterable[tuple[Stack, Field]]:
    """Yield every stack of ``level`` with one more convolution, those that pool early first."""
    for stack, field in level:
        for kernel in KERNELS:
            for pool in POOLS:
                longer = Stack((*stack.kernels, kernel), (*stack.pools, pool))
                yield longer, field.after(kernel).after(pool, pool)
