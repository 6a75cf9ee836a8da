"""A copy of a network that is faster at use: batch norm folded into convolutions, channels last in memory."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .network import BasicBlock, FusionNetwork


def fused(network: FusionNetwork) -> FusionNetwork:
    """Return a copy in evaluation mode that gives the same logits, with batch norm folded away.

    Its weights lie channels-last, which on CPUs makes narrow convolutions and max-pools several times faster;
    so should its input.
    """
    network = copy.deepcopy(network).eval()
    for module in list(network.modules()):
        if isinstance(module, BasicBlock):
            module.conv1, module.norm1 = _folded(module.conv1, module.norm1)
            module.conv2, module.norm2 = _folded(module.conv2, module.norm2)
        elif isinstance(module, nn.Sequential):
            _fold_chain(module)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _fold_chain(chain: nn.Sequential) -> None:
    for i, (layer, following) in enumerate(pairwise(list(chain))):
        if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
            chain[i], chain[i + 1] = _folded(layer, following)


def _folded(convolution: nn.Conv2d, norm: nn.Module) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    if not isinstance(norm, nn.BatchNorm2d):
        raise TypeError("only batch norm can be folded")
    # Identity stands where batch norm stood; the attribute's declared type is kept for the reader's sake.
    return fuse_conv_bn_eval(convolution, norm), nn.Identity()  # type: ignore[return-value]
