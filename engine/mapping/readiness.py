"""A network made ready for a plan: on its device, in its layout and precision."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...models.fusion import fused
from ...models.network import FusionNetwork
from ..running.device import chosen
from ..running.progress import Monitor
from .layout import Layout, chosen_layout
from .plan import Plan
from .precision import chosen_precision

MEASURING = "measuring speed"


@dataclass(frozen=True)
class Ready:
    """A network as a plan's map is computed with, and how.

    ``precision`` is that of the finest modality; ``reference`` is the same network in float32 throughout.
    """

    network: FusionNetwork
    reference: FusionNetwork
    layout: Layout
    device: torch.device
    precision: str


def made_ready(network: FusionNetwork, plan: Plan, monitor: Monitor) -> Ready:
    """Return a network ready for a plan, by what its job asks for.

    Raises
    ------
    InputError
        What is asked for isn't available.
    Cancelled
        The job was cancelled, also amid a measurement of speed.
    """
    device = chosen(plan.job.device)
    network = fused(network).to(device)
    layout = chosen_layout(network.architecture, plan)
    dtype = chosen_precision(network, plan, layout, lambda: monitor.report(MEASURING, 0, 1))
    return Ready(
        network.in_precision(plan.finest, dtype), network, layout, device, str(dtype).removeprefix("torch.")
    )
