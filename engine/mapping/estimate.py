"""What a map will take: time, memory and disk, from counted operations and measured speed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...models.network import FusionNetwork
from .layout import Layout
from .output_size import output_of
from .plan import Plan
from .speed import Speeds, measured_dense_speed, measured_patch_rate, speed_key

START_S = 0.3  # opening, planning, loading the network, in an engine that runs already; measured
VALUE_S = 1.5e-7  # compressing and writing one value of one species, on one core; measured


@dataclass(frozen=True)
class Estimate:
    """Seconds, bytes of memory at the peak, bytes of disk while the map is made."""

    seconds: float
    memory_bytes: int
    disk_bytes: int


def at_once() -> None:
    """Do nothing between two operations."""


def estimated(
    plan: Plan, network: FusionNetwork, layout: Layout, between: Callable[[], None] = at_once
) -> Estimate:
    """Return the estimate for a plan; the network's speed is measured if it is not known yet.

    ``between`` is called between the operations of a measurement; it raises to stop.
    """
    rows, columns = plan.reachable
    height, width = plan.grid.shape
    output = output_of(plan)
    reached = (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
    seconds = START_S + output.values * reached * VALUE_S
    if network.architecture.patchwise:
        windows = (rows.stop - rows.start) * (columns.stop - columns.start)
        seconds += windows / patch_rate(network, plan.finest, plan.scales[plan.finest], between)
    else:
        speed = dense_speed(network, plan.finest, *_measured_as(plan, layout), between)
        seconds += layout.flops(plan) / speed
    return Estimate(seconds, layout.memory, output.disk_bytes)


def speed_is_known(plan: Plan, network: FusionNetwork, layout: Layout) -> bool:
    """Tell whether the speed that an estimate needs was measured before."""
    return Speeds().known(speed_key(network, plan.finest, *_measured_as(plan, layout))) is not None


def _measured_as(plan: Plan, layout: Layout) -> tuple[tuple[int, ...], int]:
    """Return the scales and the step at which a plan's speed is measured: of windows, where they touch."""
    return plan.scales[plan.finest], plan.grid.step if layout.method == "dense" else plan.reach(plan.finest)


def patch_rate(
    network: FusionNetwork, name: str, scales: tuple[int, ...], between: Callable[[], None] = at_once
) -> float:
    """Return windows a second, as kept from before or measured now."""
    speeds = Speeds()
    key = speed_key(network, name, scales, network.architecture.modality(name).reach(scales))
    known = speeds.known(key)
    if known is None:
        known = measured_patch_rate(network, name, scales, between)
        speeds.keep(key, known)
    return known


def dense_speed(
    network: FusionNetwork,
    name: str,
    scales: tuple[int, ...],
    step: int,
    between: Callable[[], None] = at_once,
) -> float:
    """Return operations a second, as kept from before or measured now."""
    speeds = Speeds()
    key = speed_key(network, name, scales, step)
    known = speeds.known(key)
    if known is None:
        known = measured_dense_speed(network, name, step, scales, between)
        speeds.keep(key, known)
    return known
