"""What a map job will do, before any pixel is computed: model, rasters, grid, windows, cautions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

from ...models.card import Card, Modality, read_card
from ..files.input_files import InputFiles
from ..protocol import EDGES, Caution, MapJob
from ..rasters import plausibility
from ..rasters.ground import METRES_A_DEGREE, Bounds, crs_named, ground_size
from ..rasters.lattice import Extent, MapGrid, map_grid
from ..rasters.longitudes import ROUNDING, box_onto, columns_of_turn, turn_of
from ..rasters.predictors import Predictor, open_predictors, pixel_grid_text
from ..rasters.raster_file import FARTHEST
from ..running.errors import InputError
from ..words.species_names import loose, species_name
from .margin import Margin, ends_inside, margin_of
from .species_notes import species_notes

if TYPE_CHECKING:
    from ..rasters.mask import PolygonMask

LARGEST_MAP = 2_000_000  # px along a side


@dataclass(frozen=True)
class Plan:
    """A map job with its rasters open.

    ``scales`` gives for each modality that is on its scales that are on, ascending; ``species`` the places in
    the card's list of those that are mapped; ``finest`` the modality whose grid is the map's; ``further`` how
    many outputs of the network are computed beside the species'; ``inputs`` what all of it is read from.
    """

    job: MapJob
    card: Card
    scales: dict[str, tuple[int, ...]]
    species: tuple[int, ...]
    finest: str
    predictors: dict[str, Predictor]
    grid: MapGrid
    cautions: tuple[Caution, ...]
    margin: Margin
    mask: PolygonMask | None = None
    further: int = 0
    inputs: InputFiles = field(default_factory=InputFiles)

    def reach(self, name: str) -> int:
        """Return the side (px, odd) of the centred window that a modality's scales need."""
        return self.card.modality(name).reach(self.scales[name])

    @property
    def reachable(self) -> tuple[slice, slice]:
        """The rows and columns of the map whose windows of the finest modality lie within its raster."""
        radius = 0 if self.job.edge == "fill" else (self.reach(self.finest) - 1) // 2
        height, width = self.grid.fine.shape

        def span(index: npt.NDArray[np.int64], side: int) -> slice:
            inside = np.flatnonzero((index >= radius) & (index < side - radius))
            return slice(int(inside[0]), int(inside[-1]) + 1) if inside.size else slice(0, 0)

        return span(self.grid.input_rows(), height), span(self.grid.input_columns(), width)

    @property
    def pixel_m(self) -> tuple[float, float]:
        """Width and height of an output pixel on the ground, at the middle of the map, in metres."""
        width, height = _fine_pixel_m(self.grid)
        return width * self.grid.step, height * self.grid.step


@contextmanager
def planned(job: MapJob, between: Callable[[], None] = lambda: None) -> Iterator[Plan]:
    """Open what a map job needs; everything is closed again at the end.

    ``between`` is called between operations; it raises to stop.

    Raises
    ------
    InputError, ModelError
        The job can't be done; the message says what, which file or value, and what to do.
    """
    if job.step < 1:
        raise InputError(f"The step is {job.step}; choose 1 or more input pixels.")
    if job.edge not in EDGES:
        raise InputError(f"The edge rule {job.edge!r} is unknown; choose nodata or fill.")
    inputs = InputFiles([job.model])
    card = read_card(job.model)
    scales = chosen_scales(card, job.scales)
    species = chosen_species(card, job.species)
    predictors = open_predictors(card, list(scales), job.inputs, job.nodata, job.file_crs)
    try:
        for predictor in predictors.values():
            inputs.join(predictor.inputs)
        finest = min(scales, key=lambda name: _metres(card.modality(name)))
        extent = _extent(job, predictors[finest])
        notes = [Caution("scales", text) for text in scale_notes(card, scales)]
        notes += [Caution("species", text) for text in species_notes(card, species)]
        if card.range_note and (job.wants_novelty or job.clamp):
            notes.append(Caution("novelty", card.range_note))
        extent, turned = _turned(predictors[finest], extent, job.step)
        at, at_crs = _middle(extent, predictors[finest])
        notes += [*turned, *_put_on_grid(predictors[finest], at, at_crs, None)]
        grid = map_grid(predictors[finest].grid, job.step, extent)
        _demand_pixels(grid, predictors[finest], extent)
        _demand_size(grid)
        for name, predictor in predictors.items():
            if name != finest:
                notes += _moved(predictor, grid.geobox.boundingbox.bbox, grid.crs)
                _demand_overlap(grid, predictor)
                notes += _put_on_grid(predictor, at, at_crs, grid.geobox)
            between()
        for predictor in predictors.values():
            notes += plausibility.cautions(predictor, *window_over(predictor.grid, grid), between)
        margin = margin_of(grid, predictors, _radii(job, card, scales), _fine_pixel_m(grid))
        notes += ends_inside(margin, predictors)
        if job.clamp:
            for predictor in predictors.values():
                predictor.clamp()
        inputs.add([job.mask] if job.mask else [])
        mask = _mask(job, grid)
        plan = Plan(
            job, card, scales, species, finest, predictors, grid, tuple(notes), margin, mask, inputs=inputs
        )
        _demand_room(plan)
        yield plan
    finally:
        for predictor in predictors.values():
            predictor.close()


def _radii(job: MapJob, card: Card, scales: dict[str, tuple[int, ...]]) -> dict[str, int]:
    """Return how many pixels around a cell must lie in its raster, by modality."""
    if job.edge == "fill":
        return dict.fromkeys(scales, 0)
    return {name: (card.modality(name).reach(on) - 1) // 2 for name, on in scales.items()}


def _fine_pixel_m(grid: MapGrid) -> tuple[float, float]:
    """Width and height of a pixel of the finest grid on the ground, at the middle of the map, in metres."""
    box = grid.geobox.boundingbox
    return ground_size(grid.fine, ((box.left + box.right) / 2, (box.bottom + box.top) / 2))


def _mask(job: MapJob, grid: MapGrid) -> PolygonMask | None:
    if not job.mask:
        return None
    from ..rasters.mask import PolygonMask  # its libraries take a moment to load, and most maps have no mask

    return PolygonMask(job.mask, grid)


def _put_on_grid(
    predictor: Predictor, at: tuple[float, float], at_crs: CRS, map_area: GeoBox | None
) -> Iterator[Caution]:
    yield from predictor.cautions
    for text in predictor.put_on_working_grid(at, at_crs, map_area):
        yield Caution("resampled", text, modality=predictor.modality.name)


def _turned(finest: Predictor, extent: Extent | None, step: int) -> tuple[Extent | None, list[Caution]]:
    """Move the finest rasters by whole turns of longitude to an extent; return it, and what is to be said.

    Rasters around the earth are continued over their seam, so without an extent their own box is one. An extent
    around the earth means wherever the rasters lie.
    """
    turn, crs = turn_of(finest.crs), finest.crs
    box = finest.own_grid.boundingbox.bbox
    if extent is None:
        if turn and finest.own_grid.shape[1] >= columns_of_turn(finest.own_grid) > 0:
            extent = Extent((box[0], box[1], box[0] + turn, box[3]), crs)
        return extent, list(_moved(finest, box, crs, step)) if extent is not None else []
    left, bottom, right, top = extent.bounds
    around = turn_of(extent.crs)
    if turn and around and right - left >= around * (1 - ROUNDING):
        if finest.own_grid.shape[1] < columns_of_turn(finest.own_grid) or not columns_of_turn(finest.own_grid):
            left, right = box[0], box[2]
        extent = Extent((left, bottom, right, top), extent.crs)
    return extent, list(_moved(finest, extent.bounds, extent.crs, step))


def _moved(predictor: Predictor, area: Bounds, crs: CRS, step: int = 1) -> Iterator[Caution]:
    for text in predictor.turn(area, crs, step):
        yield Caution("longitudes", text, modality=predictor.modality.name)


def chosen_scales(card: Card, wanted: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Return the scales that are on by modality; a modality without any is left out."""
    names = [m.name for m in card.modalities]
    for name, scales in wanted.items():
        if name not in names:
            raise InputError(f"The model knows no modality {name!r}; choose from {', '.join(names)}.")
        unknown = sorted(set(scales) - set(card.modality(name).scales))
        if unknown:
            have = ", ".join(str(s) for s in card.modality(name).scales)
            raise InputError(
                f"The model has no scale of {unknown[0]} pixels for {name}; choose from {have}, or none."
            )
    on = {m.name: tuple(sorted(set(wanted.get(m.name, m.scales)))) for m in card.modalities}
    on = {name: scales for name, scales in on.items() if scales}
    if not on:
        raise InputError("All scales are switched off; leave at least one on.")
    return on


def chosen_species(card: Card, wanted: tuple[str, ...]) -> tuple[int, ...]:
    """Return the places of the species wanted in the card's list; all of them by default."""
    names = [s.name for s in card.species]
    place = {species_name(name): number for number, name in enumerate(names)}
    place |= {name: number for number, name in enumerate(names)}
    unknown = [name for name in wanted if name not in place and species_name(name) not in place]
    if unknown:
        near = [n for n in names if loose(n) == loose(unknown[0])]
        near = near or [n for n in names if n.split(" ")[0].lower() == unknown[0].split(" ")[0].lower()]
        hint = f", perhaps {near[0]}" if near else ""
        raise InputError(
            f"The model knows no species {unknown[0]!r}; choose one of its {len(names)} species{hint}."
        )
    if not wanted:
        return tuple(range(len(names)))
    return tuple(dict.fromkeys(place.get(name, place.get(species_name(name), 0)) for name in wanted))


def window_over(raster: GeoBox, grid: MapGrid) -> tuple[slice, slice]:
    """Return the rows and columns of a raster's grid that a map covers; they may leave that grid."""
    if raster.crs is None:
        raise ValueError("a raster without a CRS covers nothing")
    box = box_onto(grid.geobox.boundingbox.bbox, grid.crs, raster)
    left, bottom, right, top = box
    if not all(map(math.isfinite, box)):
        return slice(0, raster.shape[0]), slice(0, raster.shape[1])
    a = raster.affine
    return (
        slice(math.floor((top - a.f) / a.e), math.ceil((bottom - a.f) / a.e)),
        slice(math.floor((left - a.c) / a.a), math.ceil((right - a.c) / a.a)),
    )


def _metres(modality: Modality) -> float:
    return modality.pixel_size * (METRES_A_DEGREE if modality.pixel_unit == "degree" else 1)


def _extent(job: MapJob, finest: Predictor) -> Extent | None:
    if job.extent is None:
        return None
    left, bottom, right, top = job.extent
    crs = finest.crs if job.extent_crs is None else crs_named(job.extent_crs, "The extent's CRS")
    if right < left and bottom < top and -turn_of(crs) / 2 <= right < left <= turn_of(crs) / 2:
        raise InputError(
            f"The extent {left:g},{bottom:g},{right:g},{top:g} ends west of where it begins; to cross the "
            f"antimeridian, write {left:g},{bottom:g},{right + turn_of(crs):g},{top:g}."
        )
    if not (left < right and bottom < top and all(abs(v) <= FARTHEST for v in job.extent)):
        raise InputError(
            f"The extent {left:g},{bottom:g},{right:g},{top:g} is empty or no place on earth; give "
            "xmin,ymin,xmax,ymax."
        )
    return Extent(job.extent, crs)


def _middle(extent: Extent | None, finest: Predictor) -> tuple[tuple[float, float], CRS]:
    """Return the middle of what extent and raster share, where pixel sizes are measured, and its CRS."""
    part = extent.clipped(finest.grid) if extent is not None else None
    if part is not None:
        return part.centre, part.crs
    box = finest.grid.boundingbox
    return ((box.left + box.right) / 2, (box.bottom + box.top) / 2), finest.crs


def scale_notes(card: Card, scales: dict[str, tuple[int, ...]]) -> Iterator[str]:
    """Say what switching off scales means; nested scale dropout trained only without the largest."""
    stand_in = "the branch's mean stands" if card.training.centred else "zeros stand"
    learnt = "" if card.training.scale_dropout else f" ({stand_in} for it)"
    for modality in card.modalities:
        on = scales.get(modality.name, ())
        off = [s for s in modality.scales if s not in on]
        if not off:
            continue
        nested = on == modality.scales[: len(on)]
        honest = nested and card.training.scale_dropout
        what = modality.name if not on else f"{modality.name} {', '.join(str(s) for s in off)} px"
        yield f"Without {what}: an experiment; the card's figures no longer hold" + (
            "." if honest else f", and the network was not trained for this choice{learnt}."
        )


def uncentred(card: Card) -> list[str]:
    """Return a sentence where contributions are not centred on a mean, or nothing."""
    if card.training.centred:
        return []
    return [
        "The model file does not know the mean of each branch's features: contributions are counted from zero "
        "and not from an average place, so that branches and scales compare less well by them."
    ]


def _demand_pixels(grid: MapGrid, finest: Predictor, extent: Extent | None) -> None:
    if 0 not in grid.shape:
        return
    file = finest.files[0]
    if extent is None:
        raise InputError(
            f"{file} is {grid.fine.shape[1]} × {grid.fine.shape[0]} pixels, too small for a step of "
            f"{grid.step}; choose a smaller step or a larger raster."
        )
    raise InputError(
        f"The extent holds no pixel of {file}, which spans {pixel_grid_text(grid.fine)}; choose an extent "
        "inside it."
    )


def _demand_size(grid: MapGrid) -> None:
    height, width = grid.shape
    if max(height, width) > LARGEST_MAP:
        raise InputError(
            f"The map would be {width} × {height} pixels; give an extent (--extent) or a larger step (--step)."
        )


def _demand_overlap(grid: MapGrid, predictor: Predictor) -> None:
    rows, columns = window_over(predictor.own_grid, grid)
    height, width = predictor.own_grid.shape
    if rows.stop <= 0 or columns.stop <= 0 or rows.start >= height or columns.start >= width:
        raise InputError(
            f"{predictor.files[0]} ({predictor.modality.name}) does not overlap the area to be mapped: it "
            f"spans {pixel_grid_text(predictor.own_grid)}, the map {pixel_grid_text(grid.geobox)}; choose "
            "rasters of one area."
        )


def _demand_room(plan: Plan) -> None:
    """Refuse a map on which every window would leave a raster."""
    if plan.job.edge == "fill":
        return
    for name, predictor in plan.predictors.items():
        margin = (plan.reach(name) - 1) // 2
        height, width = predictor.grid.shape
        rows, columns = window_over(predictor.grid, plan.grid)
        if name == plan.finest:
            held_rows, held_columns = plan.grid.input_rows(), plan.grid.input_columns()
            rows = slice(int(held_rows[0]), int(held_rows[-1]) + 1)
            columns = slice(int(held_columns[0]), int(held_columns[-1]) + 1)
        fits = rows.stop > margin and columns.stop > margin
        if not fits or rows.start >= height - margin or columns.start >= width - margin:
            raise InputError(
                f"The area holds no pixel whose window of {2 * margin + 1} pixels lies within "
                f"{predictor.files[0]} ({width} × {height} pixels); use smaller scales, a larger raster, or "
                "fill the edge (--edge fill)."
            )
