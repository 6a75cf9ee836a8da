"""In which columns and strips a map is computed: as wide as the memory budget allows, in short operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..models.architecture import Architecture
from ..models.cost import ColumnCost, column_cost, column_costs
from .errors import InputError
from .pipeline import AHEAD
from .plan import Plan

WIDTHS = (4096, 3072, 2048, 1536, 1024, 768, 512, 384, 256, 192, 128, 96, 64, 32, 16, 8, 4, 2, 1)  # output px
STRIPS = (128, 96, 64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1)  # output rows
LARGEST_FLOPS = 2e11  # a single operation; beyond it the user waits who cancels
STRIP_OVERHEAD_ROWS = 4.0  # a strip costs about so many rows more, for what is kept between strips; measured
PATCH_SIDE = 64  # px; window by window, a larger tile gains nothing
GOOD_STRIP = 32  # rows; a strip so long is worth more than a wider column
OVERHEAD = 1.35  # what libraries and the allocator take beside the tensors themselves, measured
FIXED_BYTES = 160 * 1024**2  # and whatever the map: GDAL's cache, scratch memory, code; measured
FLOAT_BYTES = 4
READ_COPIES = 4  # a window of input is read, masked, normalised and handed over
SPECIES_COPIES = 3  # logits, one coarse modality's part, and what is being written


@dataclass(frozen=True)
class Layout:
    """Columns of ``width`` output pixels in strips of ``strip`` rows; ``cost`` is a column's, if known."""

    width: int
    strip: int
    memory: int
    cost: ColumnCost | None = None

    @property
    def work(self) -> float:
        """Return operations for each output pixel, with what strips cost beside; for comparing layouts."""
        flops = self.cost.row_flops if self.cost is not None else 0.0
        return flops / self.width * (1 + STRIP_OVERHEAD_ROWS / self.strip)

    def columns(self, total: int) -> Iterator[slice]:
        """Yield the columns of a map that is ``total`` pixels wide, all about equally wide."""
        number = -(-total // self.width)
        edges = [round(i * total / number) for i in range(number + 1)]
        for left, right in zip(edges, edges[1:], strict=False):
            yield slice(left, right)


def chosen_layout(architecture: Architecture, plan: Plan, method: str) -> Layout:
    """Return the layout that costs least within the memory budget.

    Raises
    ------
    InputError
        Not even a column of one pixel fits into the budget.
    """
    height, width = plan.grid.shape
    if method == "patch":
        across, strip = min(width, PATCH_SIDE), min(height, PATCH_SIDE)
        return Layout(across, strip, _other_memory(plan, across, strip))
    costs = column_costs(architecture, plan.finest, plan.grid.step, plan.scales[plan.finest])
    best: Layout | None = None
    for across in (w for w in (min(width, WIDTHS[0]), *WIDTHS[1:]) if w <= width):
        strip = next((s for s in STRIPS if s <= height and _fits(plan, costs.at(across, s), across, s)), 0)
        if strip == 0:
            continue
        cost = costs.at(across, strip)
        layout = Layout(across, strip, _memory(plan, cost, across, strip), cost)
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
    step, window = plan.grid.step, max(plan.scales[plan.finest])
    bands = len(plan.card.modality(plan.finest).bands)
    pixels = (strip * step + window) * ((across - 1) * step + window)
    read = (READ_COPIES + AHEAD) * bands * pixels * FLOAT_BYTES
    written = (SPECIES_COPIES + AHEAD) * len(plan.species) * across * strip * FLOAT_BYTES
    return read + written
