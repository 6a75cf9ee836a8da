"""In which columns and strips a map is computed: as wide as the memory budget allows, in short operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from ...models.architecture import Architecture
from ...models.cost import ColumnCost, ColumnCosts
from ..protocol import METHODS
from ..running.errors import InputError
from .kept_costs import column_costs, patch_cost
from .pipeline import AHEAD
from .plan import Plan

WIDEST = 4096  # output px of a column
NARROWER = 1.25  # how much narrower the next width is that is tried
STRIPS = (128, 64, 32, 16, 8, 4, 2, 1)  # output rows; powers of two fill the tiles of dilated convolutions
LARGEST_FLOPS = 2e11  # a single operation; beyond it the user waits who cancels
STRIP_OVERHEAD_ROWS = 4.0  # a strip costs about so many rows more, for what is kept between strips; measured
DENSE_SPEED = 0.65  # of an operation, beside one on windows: rows come and go; measured at steps of 8 to 128
PATCH_SIDE = 64  # px; window by window, a larger tile gains nothing
GOOD_STRIP = 64  # rows; a strip so long is worth more than a wider column
OVERHEAD = 1.35  # what libraries and the allocator take beside the tensors themselves, measured
FIXED_BYTES = 160 * 1024**2  # and whatever the map: GDAL's cache, scratch memory, code; measured
FLOAT_BYTES = 4
READ_COPIES = 4  # a window of input is read, masked, normalised and handed over
SPECIES_COPIES = 3  # logits, one coarse modality's part, and what is being written


@dataclass(frozen=True)
class Layout:
    """Columns of ``width`` output pixels in strips of ``strip`` rows, and what they cost.

    ``method`` is ``dense`` or ``patch`` (window by window). ``frozen`` tells whether there is memory for the
    transformed weights of Winograd's convolutions.

    ``memory`` in bytes at the peak; ``cost`` of a column, for the dense method; ``patch_flops`` of a pixel, for
    the other.
    """

    method: str
    width: int
    strip: int
    memory: int
    cost: ColumnCost | None = None
    patch_flops: float = 0.0
    frozen: bool = True

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
    return patch if dense.flops(plan) > DENSE_SPEED * patch.flops(plan) else dense


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
    best = _best_layout(architecture, plan, frozen=True)
    if best is None or best.strip < GOOD_STRIP:
        lean = _best_layout(architecture, plan, frozen=False)
        best = min((layout for layout in (best, lean) if layout), key=lambda layout: layout.work, default=None)
    if best is None:
        costs = _costs(architecture, plan, frozen=False)
        needed = _memory(plan, costs.count(1, 1), 1, 1)
        raise InputError(
            f"A memory budget of {plan.job.memory / 1024**2:.0f} MiB is too small for this model (one pixel "
            f"takes {needed / 1024**2:.0f} MiB); allow more (--memory)."
        )
    return best


def _best_layout(architecture: Architecture, plan: Plan, frozen: bool) -> Layout | None:
    """Return the dense layout of the least work that fits, or None."""
    rows, columns = plan.reachable
    height, width = rows.stop - rows.start, columns.stop - columns.start
    costs = _costs(architecture, plan, frozen)
    best: Layout | None = None
    for across in _widths(width):
        strip = next((s for s in STRIPS if s <= height and _fits(plan, costs.at(across, s), across, s)), 0)
        if strip == 0:
            continue
        cost = costs.at(across, strip)
        layout = Layout("dense", across, strip, _memory(plan, cost, across, strip), cost, frozen=frozen)
        if best is None or layout.work < best.work:
            best = layout
        if strip >= min(height, GOOD_STRIP):
            break
    return best


def _costs(architecture: Architecture, plan: Plan, frozen: bool) -> ColumnCosts:
    return column_costs(architecture, plan.finest, plan.grid.step, plan.scales[plan.finest], frozen)


def _widths(width: int) -> Iterator[int]:
    """Yield the widths of columns that divide a map evenly, from wide to narrow."""
    number = -(-width // WIDEST)
    while number < width:
        yield -(-width // number)
        number = max(number + 1, round(number * NARROWER))
    yield 1


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
    outputs = (SPECIES_COPIES + AHEAD) * len(plan.species) + plan.further
    written = outputs * across * strip * FLOAT_BYTES
    return read + written
