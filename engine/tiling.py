"""The side of the tiles of a map: as large as the memory budget allows."""

from __future__ import annotations

from ..models.cost import dense_cost, on_meta
from ..models.dense import DenseModality
from ..models.network import FusionNetwork
from .errors import InputError
from .plan import Plan

SIDES = (1024, 768, 512, 384, 256, 192, 128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)  # output px
LARGEST_FLOPS = 2e12  # a tile; beyond it a single layer would keep the user waiting who cancels
LARGEST_PATCH_SIDE = 64  # window by window, a larger tile gains nothing
OVERHEAD = 1.25  # what libraries take beside the tensors themselves, measured
FLOAT_BYTES = 4
READ_COPIES = 4  # a window of input is read, normalised, masked and handed over
SPECIES_COPIES = 3  # logits, their parts and probabilities


def tile_side(network: FusionNetwork, plan: Plan, method: str) -> int:
    """Return the side in output pixels of the tiles of a plan's map.

    Raises
    ------
    InputError
        Not even a tile of one pixel fits into the budget.
    """
    meta = on_meta(network) if method == "dense" else None
    longest = max(plan.grid.shape)
    largest = min((s for s in SIDES if s >= longest), default=SIDES[0])
    for side in SIDES:
        if side > largest or (method == "patch" and side > LARGEST_PATCH_SIDE):
            continue
        used, flops = tile_use(meta, plan, side)
        if used <= plan.job.memory and (flops <= LARGEST_FLOPS or side == 1):
            return side
    raise InputError(
        f"A memory budget of {plan.job.memory / 1024**2:.0f} MiB is too small for this model (one pixel takes "
        f"{used / 1024**2:.0f} MiB); allow more (--memory)."
    )


def tile_use(meta: FusionNetwork | None, plan: Plan, side: int) -> tuple[int, float]:
    """Return bytes at the peak and floating-point operations of a tile of ``side`` output pixels.

    ``meta`` is the network without values (``models.cost.on_meta``), None for the patch-wise method, whose
    batches are small and whose operations are not counted.
    """
    rows, columns = (min(side, length) for length in plan.grid.shape)
    used = SPECIES_COPIES * len(plan.species) * rows * columns * FLOAT_BYTES
    scales, step = plan.scales[plan.finest], plan.grid.step
    bands = len(plan.card.modality(plan.finest).bands)
    window = ((rows - 1) * step + max(scales)) * ((columns - 1) * step + max(scales))
    used += READ_COPIES * bands * window * FLOAT_BYTES
    if meta is None:
        return used, 0.0
    cost = dense_cost(DenseModality(meta, plan.finest, step, scales), rows, columns)
    return used + int(OVERHEAD * cost.peak_bytes), float(cost.flops)
