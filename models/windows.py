"""Which pixels a branch really sees, found by gradients: independent of how its stack was solved for.

The *true* window of a branch is where the gradient of its output at the centre pixel is not zero, whatever the
weights. The *effective* window is the centred square that holds most of the gradient of a trained network (Luo
et al. 2016, https://arxiv.org/abs/1701.04128): the rim of a window reaches the output along few paths only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from .architecture import Architecture, BranchKey, BranchShape, ModalityShape
from .network import FusionNetwork

HELD = 0.9  # share of the gradient that the effective window holds


@dataclass(frozen=True)
class Window:
    """The true window of a branch, in pixels of its modality.

    ``width`` and ``height``; ``offset`` of its centre from the centre of the site's pixel, to the right and
    down; ``padding``: how far it reaches, at its widest, beyond the patch that the branch is given, where
    layers see zeros in place of the landscape.
    """

    width: int
    height: int
    offset: tuple[float, float]
    padding: int


def true_windows(architecture: Architecture) -> dict[BranchKey, Window]:
    """Return the true window of every branch of an architecture, in float64.

    Which pixels reach an output does not depend on widths or weights, so layers of one channel with positive
    weights stand for the network's own, and the mean stands for the maximum: then no path cancels another or is
    blocked, and the gradient is zero just where there is no path.
    """
    network = FusionNetwork(_narrow(architecture)).double().eval()
    _open_all_paths(network)
    found = {}
    for modality in architecture.modalities:
        for shape in modality.branches:
            found[modality.name, shape.scale] = _window(network, modality, shape)
    return found


def _window(network: FusionNetwork, modality: ModalityShape, shape: BranchShape) -> Window:
    key = modality.name, shape.scale
    branch = network.branch(key)
    jump = shape.stack.field(modality.field).jump
    given = modality.patch or shape.scale
    # Beyond the patch the network is given so much more that the output meets no border and no padding.
    beyond = jump * -(-2 * shape.scale // jump)

    def stacked(side: int) -> tuple[Tensor, Tensor]:
        patch = torch.rand(1, modality.bands, side, side, dtype=torch.float64, requires_grad=True)
        return patch, branch.stack(network.backbones[modality.name](patch))

    _, alone = stacked(given)
    row, column = (branch.centre(side) for side in alone.shape[-2:])
    patch, wide = stacked(given + 2 * beyond)
    output = wide[0, :, row + beyond // jump, column + beyond // jump].sum()
    (gradient,) = torch.autograd.grad(output, patch)
    seen = gradient[0].abs().sum(dim=0).numpy() > 0
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) - beyond for axis in (1, 0))
    middle, last = given // 2, given - 1
    return Window(
        width=int(columns[-1] - columns[0]) + 1,
        height=int(rows[-1] - rows[0]) + 1,
        offset=(float(columns[0] + columns[-1]) / 2 - middle, float(rows[0] + rows[-1]) / 2 - middle),
        padding=int(max(0, -rows[0], rows[-1] - last, -columns[0], columns[-1] - last)),
    )


def _narrow(architecture: Architecture) -> Architecture:
    """Return an architecture of the same layers with one channel each."""
    modalities = tuple(
        replace(
            modality,
            widths=(1,) * len(modality.widths),
            branches=tuple(replace(branch, channels=1, out_size=1) for branch in modality.branches),
        )
        for modality in architecture.modalities
    )
    return replace(architecture, modalities=modalities, species=1)


def _open_all_paths(network: FusionNetwork) -> None:
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            for place, layer in enumerate(module):
                if isinstance(layer, nn.MaxPool2d):
                    module[place] = nn.AvgPool2d(layer.kernel_size, layer.stride)
    with torch.no_grad():
        for name, value in network.named_parameters():
            value.fill_(0.0 if name.endswith("bias") else 1.0)


def mean_gradients(
    network: FusionNetwork,
    batches: Iterable[Mapping[str, Tensor]],
    species: Callable[[int], Tensor],
    between: Callable[[], None] = lambda: None,
) -> dict[BranchKey, npt.NDArray[np.float64]]:
    """Return the mean absolute gradient of each branch's contribution with respect to its window.

    Parameters
    ----------
    network
        In evaluation mode.
    batches
        By modality, normalised windows (sites, bands, side, side) as wide as the modality's scales need.
    species
        Gives for a number of sites the species (sites,) whose contribution is derived at each.
    between
        Called between operations; raises to stop.

    Returns
    -------
    dict
        By branch, (reach, reach), of the window that it needs: summed over bands, averaged over sites.
    """
    totals: dict[BranchKey, npt.NDArray[np.float64]] = {}
    sites = 0
    weights = network.head_weights()
    for patches in batches:
        number = next(iter(patches.values())).shape[0]
        chosen = species(number)
        sites += number
        for modality in network.architecture.modalities:
            for scale in modality.scales:
                between()
                key = modality.name, scale
                reach = modality.reach((scale,))
                edge = (patches[modality.name].shape[-1] - reach) // 2
                side = slice(edge, edge + reach)
                patch = patches[modality.name][:, :, side, side].clone().requires_grad_()
                features = network.features({modality.name: patch}, {modality.name: (scale,)})[key]
                (gradient,) = torch.autograd.grad((features * weights[key][chosen]).sum(), patch)
                part = gradient.abs().sum(dim=(0, 1)).double().numpy()
                totals[key] = totals[key] + part if key in totals else part
    return {key: total / sites for key, total in totals.items()}


def effective_side(gradient: npt.NDArray[np.float64], held: float = HELD, shift: float = 0.0) -> int:
    """Return the side of the smallest square that holds a share of a gradient (side, side).

    Its middle is that of the gradient, or ``shift`` pixels (rounded) to the right and down.
    """
    middle = gradient.shape[0] // 2 + round(shift)
    for radius in range(max(middle, gradient.shape[0] - 1 - middle) + 1):
        square = slice(max(0, middle - radius), middle + radius + 1)
        if gradient[square, square].sum() >= held * gradient.sum():
            return 2 * radius + 1
    return int(gradient.shape[0])
