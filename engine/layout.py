"""In which columns and strips a map is computed: as wide as the memory budget allows, in short operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from ..models.architecture import Architecture
from ..models.cost import ColumnCost, column_cost, column_costs, patch_cost
from .errors import InputError
from .pipeline import AHEAD
from .plan import Plan
from .protocol import METHODS

WIDTHS = (4096, 3072, 2048, 1536, 1024, 768, 512, 384, 256, 192, 128, 96, 64, 32, 16, 8, 4, 2, 1)  # output px
STRIPS = (128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)  # output rows
LARGEST_FLOPS = 2e11  # a single operation; beyond it the user waits who cancels
STRIP_OVERHEAD_ROWS = 4.0  # a strip costs about so many rows more, for what is kept between strips; measured
DENSE_ADVANTAGE = 1.1  # so much faster is an operation than one on small windows; measured
PATCH_SIDE = 64  # px; window by window, a larger tile gains nothing
GOOD_STRIP = 32  # rows; a strip so long is worth more than a wider column
OVERHEAD = 1.35  # what libraries and the allocator take beside the tensors themselves, measured
FIXED_BYTES = 160 * 1024**2  # and whatever the map: GDAL's cache, scratch memory, code; measured
FLOAT_BYTES = 4
READ_COPIES = 4  # a window of input is read, masked, normalised and handed over
SPECIES_COPIES = 3  # logits, one coarse modality's part, and what is being written


@dataclass(frozen=True)
class Layout:
    """Columns of ``width`` output pixels in strips of ``strip`` rows, and what they cost.

    ``method`` is ``dense`` or ``patch`` (window by window).

    ``memory`` in bytes at the peak; ``cost`` of a column, for the dense method; ``patch_flops`` of a pixel, for
    the other.
    """

    method: str
    width: int
    strip: int
    memory: int
    cost: ColumnCost | None = None
    patch_flops: float = 0.0

    def halved(self) -> Layout | None:
        """Return the layout with strips half as long, None where they are one row already."""
        return replace(self, strip=self.strip // 2) if self.strip > 1 else None

    @property
    def work(self) -> float:
        """Return operations for each output pixel, with what strips cost beside; for comparing layouts."""
        flops = self.cost.row_flops if self.cost is not None else 0.0
        return flops / self.width * (1 + STRIP_OVERHEAD_ROWS / self.strip)

    def flops(self, plan: Plan) -> float:
        """Return the operations of a whole map, of the finest modality."""
        rows, columns = plan.reachable
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if self.cost is None:
            return float(self.patch_flops * height * width)
        return float(self.cost.flops(height) * width / self.width)

    def columns(self, across: slice) -> Iterator[slice]:
        """Yield the columns of the part ``across`` of a map, all about equally wide."""
        total = across.stop - across.start
        number = -(-total // self.width)
        edges = [across.start + round(i * total / number) for i in range(number + 1)]
        for left, right in pairwise(edges):
            yield slice(left, right)


def chosen_layout(architecture: Architecture, plan: Plan) -> Layout:
    """Return the layout that costs least within the memory budget, by the job's method or the cheaper one.

    Raises
    ------
    InputError
        The network can't be evaluated so, or not even a column of one pixel fits into the budget.
    """
    wanted, padded = plan.job.method, architecture.patchwise
    if wanted not in METHODS:
        raise InputError(f"The method {wanted!r} is unknown; choose from {', '.join(METHODS)}.")
    if wanted == "dense" and padded:
        raise InputError("The model's network is padded and can't be evaluated densely; use --method patch.")
    if wanted == "patch" or padded:
        return _patch_layout(architecture, plan)
    dense = _dense_layout(architecture, plan)
    if wanted == "dense":
        return dense
    patch = _patch_layout(architecture, plan)
    return patch if dense.flops(plan) > DENSE_ADVANTAGE * patch.flops(plan) else dense


def _patch_layout(architecture: Architecture, plan: Plan) -> Layout:
    rows, columns = plan.reachable
    across = min(max(1, columns.stop - columns.start), PATCH_SIDE)
    strip = min(max(1, rows.stop - rows.start), PATCH_SIDE)
    used = FIXED_BYTES + _other_memory(plan, across, strip)
    while used > plan.job.memory and across * strip > 1:
        across, strip = max(1, across // 2), max(1, strip // 2)
        used = FIXED_BYTES + _other_memory(plan, across, strip)
    if architecture.patchwise:
        return Layout("patch", across, strip, used)
    flops = patch_cost(architecture, plan.finest, plan.scales[plan.finest]).flops
    return Layout("patch", across, strip, used, patch_flops=flops)


def _dense_layout(architecture: Architecture, plan: Plan) -> Layout:
    rows, columns = plan.reachable
    height, width = rows.stop - rows.start, columns.stop - columns.start
    costs = column_costs(architecture, plan.finest, plan.grid.step, plan.scales[plan.finest])
    best: Layout | None = None
    for across in (w for w in (min(width, WIDTHS[0]), *WIDTHS[1:]) if w <= width):
        strip = next((s for s in STRIPS if s <= height and _fits(plan, costs.at(across, s), across, s)), 0)
        if strip == 0:
            continue
        cost = costs.at(across, strip)
        layout = Layout("dense", across, strip, _memory(plan, cost, across, strip), cost)
        if best is None or layout.work < best.work:
            best = layout
        if strip >= min(height, GOOD_STRIP):
            break
    if best is None:
        needed = _memory(plan, column_cost(costs.dense, 1, 1), 1, 1)
        raise InputError(
            f"A memory budget of {plan.job.memory / 1024**2:.0f} MiB is too small for this model (one pixel "
            f"takes {needed / 1024**2:.0f} MiB); allow more (--memory)."
        )
    return best


def _fits(plan: Plan, cost: ColumnCost, across: int, strip: int) -> bool:
    """Tell whether a layout is within the budget, and its operations within patience."""
    short = strip == 1 or cost.largest_flops <= LARGEST_FLOPS
    return short and _memory(plan, cost, across, strip) <= plan.job.memory


def _memory(plan: Plan, cost: ColumnCost, across: int, strip: int) -> int:
    return FIXED_BYTES + _other_memory(plan, across, strip) + int(OVERHEAD * cost.peak_bytes)


def _other_memory(plan: Plan, across: int, strip: int) -> int:
    """Return the bytes of a strip's input and output, in all stages of the pipeline."""
    step, window = plan.grid.step, plan.reach(plan.finest)
    bands = plan.card.modality(plan.finest).channels
    pixels = (strip * step + window) * ((across - 1) * step + window)
    read = (READ_COPIES + AHEAD) * bands * pixels * FLOAT_BYTES
    written = (SPECIES_COPIES + AHEAD) * len(plan.species) * across * strip * FLOAT_BYTES
    return read + written
