"""In which precision a map is computed: bfloat16 where it is asked for, or where it pays."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ...models.network import FusionNetwork
from ..protocol import PRECISIONS
from ..running.errors import InputError
from .estimate import at_once, dense_speed, estimated
from .layout import Layout
from .plan import Plan

PAYS_FROM_S = 60.0  # a shorter map is computed in float32: its numbers are exact, and the same everywhere
PAYS_FACTOR = 1.3  # and bfloat16 must be faster by so much


def chosen_precision(
    network: FusionNetwork, plan: Plan, layout: Layout, between: Callable[[], None] = at_once
) -> torch.dtype:
    """Return float32 or bfloat16 for a plan; ``network`` is in float32, on the device that computes.

    ``auto`` takes bfloat16 where the map would take more than a minute and a short measurement shows that the
    device is faster in it. It holds for the widest layers of the finest modality, which is where the time goes;
    all else stays in float32, so that probabilities differ by less than 0.01. ``between`` is called between the
    operations of that measurement; it raises to stop.

    Raises
    ------
    InputError
        There is no such precision, or the device can't compute in it.
    """
    wanted = plan.job.precision
    if wanted not in PRECISIONS:
        raise InputError(f"The precision {wanted!r} is unknown; choose from {', '.join(PRECISIONS)}.")
    if wanted == "float32":
        return torch.float32
    device = network.head.weight.device
    able = _computes_bfloat16(device)
    if wanted == "bfloat16":
        if not able:
            raise InputError(f"The device {device.type} can't compute in bfloat16; choose float32.")
        return torch.bfloat16
    if not able or layout.method != "dense":
        return torch.float32
    if estimated(plan, network, layout, between).seconds < PAYS_FROM_S:
        return torch.float32
    measured_as = plan.finest, plan.scales[plan.finest], plan.grid.step
    speed = dense_speed(network, *measured_as, between)
    rounded = network.in_precision(plan.finest, torch.bfloat16)
    short = dense_speed(rounded, *measured_as, between)
    return torch.bfloat16 if short > PAYS_FACTOR * speed else torch.float32


def _computes_bfloat16(device: torch.device) -> bool:
    """Tell whether a convolution in bfloat16 works there."""
    try:
        with torch.inference_mode():
            image = torch.ones(1, 8, 4, 4, dtype=torch.bfloat16, device=device)
            kernel = torch.ones(8, 8, 3, 3, dtype=torch.bfloat16, device=device)
            return bool(torch.nn.functional.conv2d(image, kernel)[0, 0, 0, 0] == 72)
    except RuntimeError:
        return False
