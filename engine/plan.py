"""What a map job will do, before any pixel is computed: model, rasters, grid, windows, cautions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from odc.geo.crs import CRS
from pyproj.exceptions import CRSError

from ..models.card import Card, Modality, read_card
from . import plausibility
from .errors import InputError
from .ground import bounds_in, ground_size
from .lattice import Extent, MapGrid, map_grid
from .predictors import Predictor, open_predictors, pixel_grid_text
from .protocol import EDGES, Caution, MapJob

METRES_A_DEGREE = 111_320.0  # along a meridian; only to rank modalities by pixel size


@dataclass(frozen=True)
class Plan:
    """A map job with its rasters open.

    ``scales`` gives for each modality that is on its scales that are on, ascending; ``species`` the places in
    the card's list of those that are mapped; ``finest`` the modality whose grid is the map's.
    """

    job: MapJob
    card: Card
    scales: dict[str, tuple[int, ...]]
    species: tuple[int, ...]
    finest: str
    predictors: dict[str, Predictor]
    grid: MapGrid
    cautions: tuple[Caution, ...]

    @property
    def pixel_m(self) -> tuple[float, float]:
        """Width and height of an output pixel on the ground, at the middle of the map, in metres."""
        fine = self.grid.fine
        box = self.grid.geobox.boundingbox
        width, height = ground_size(fine, ((box.left + box.right) / 2, (box.bottom + box.top) / 2))
        return width * self.grid.step, height * self.grid.step

    @property
    def margin_m(self) -> float:
        """How wide the strip along the rasters' edge is that can't be mapped, in metres (0 with edge fill)."""
        if self.job.edge == "fill":
            return 0.0
        margins = [0.0]
        for name, scales in self.scales.items():
            modality = self.card.modality(name)
            metres = modality.pixel_size * (METRES_A_DEGREE if modality.pixel_unit == "degree" else 1)
            margins.append((max(scales) - 1) / 2 * metres)
        return max(margins)


@contextmanager
def planned(job: MapJob) -> Iterator[Plan]:
    """Open what a map job needs; everything is closed again at the end.

    Raises
    ------
    InputError, ModelError
        The job can't be done; the message says what, which file or value, and what to do.
    """
    if job.step < 1:
        raise InputError(f"The step is {job.step}; choose 1 or more input pixels.")
    if job.edge not in EDGES:
        raise InputError(f"The edge rule {job.edge!r} is unknown; choose nodata or fill.")
    card = read_card(job.model)
    scales = chosen_scales(card, job.scales)
    species = chosen_species(card, job.species)
    predictors = open_predictors(card, list(scales), job.inputs, job.nodata)
    try:
        finest = min(scales, key=lambda name: _metres(card.modality(name)))
        extent = _extent(job, predictors[finest])
        at, at_crs = _centre(extent, predictors[finest])
        notes = [Caution("scales", text) for text in _scale_notes(card, scales)]
        for name, predictor in predictors.items():
            if predictor.by_name:
                notes.append(Caution("order", f"The bands of {name} were matched by name.", modality=name))
            notes += [
                Caution("resampled", text, modality=name) for text in predictor.put_on_working_grid(at, at_crs)
            ]
        grid = map_grid(predictors[finest].grid, job.step, extent)
        _demand_overlap(grid, predictors, finest, extent)
        for predictor in predictors.values():
            notes += plausibility.cautions(predictor, *window_over(predictor, grid))
        plan = Plan(job, card, scales, species, finest, predictors, grid, tuple(notes))
        _demand_room(plan)
        yield plan
    finally:
        for predictor in predictors.values():
            predictor.close()


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
    """Return the places of the species wanted in the card's list; all of them unless told."""
    names = [s.name for s in card.species]
    unknown = [name for name in wanted if name not in names]
    if unknown:
        near = [n for n in names if n.split(" ")[0].lower() == unknown[0].split(" ")[0].lower()]
        hint = f", perhaps {near[0]}" if near else ""
        raise InputError(
            f"The model knows no species {unknown[0]!r}; choose one of its {len(names)} species{hint}."
        )
    return tuple(names.index(name) for name in dict.fromkeys(wanted)) if wanted else tuple(range(len(names)))


def window_over(predictor: Predictor, grid: MapGrid) -> tuple[slice, slice]:
    """Return the rows and columns of a predictor's grid that a map covers; they may leave that grid."""
    box = grid.geobox.boundingbox
    left, bottom, right, top = bounds_in((box.left, box.bottom, box.right, box.top), grid.crs, predictor.crs)
    a = predictor.grid.affine
    columns = slice(int(np.floor((left - a.c) / a.a)), int(np.ceil((right - a.c) / a.a)))
    rows = slice(int(np.floor((top - a.f) / a.e)), int(np.ceil((bottom - a.f) / a.e)))
    return rows, columns


def _metres(modality: Modality) -> float:
    return modality.pixel_size * (METRES_A_DEGREE if modality.pixel_unit == "degree" else 1)


def _extent(job: MapJob, finest: Predictor) -> Extent | None:
    if job.extent is None:
        return None
    left, bottom, right, top = job.extent
    if not (left < right and bottom < top):
        raise InputError(
            f"The extent {left:g},{bottom:g},{right:g},{top:g} is empty; give xmin,ymin,xmax,ymax."
        )
    if job.extent_crs is None:
        return Extent(job.extent, finest.crs)
    try:
        return Extent(job.extent, CRS(job.extent_crs))
    except (CRSError, ValueError) as error:
        raise InputError(
            f"The extent's CRS {job.extent_crs!r} is unknown; give one such as EPSG:4326."
        ) from error


def _centre(extent: Extent | None, finest: Predictor) -> tuple[tuple[float, float], CRS]:
    if extent is not None:
        return extent.centre, extent.crs
    box = finest.grid.boundingbox
    return ((box.left + box.right) / 2, (box.bottom + box.top) / 2), finest.crs


def _scale_notes(card: Card, scales: dict[str, tuple[int, ...]]) -> Iterator[str]:
    """Say what switching off scales means; nested scale dropout trained only without the largest."""
    for modality in card.modalities:
        on = scales.get(modality.name, ())
        off = [s for s in modality.scales if s not in on]
        if not off:
            continue
        nested = on == modality.scales[: len(on)]
        honest = nested and card.training.scale_dropout
        what = modality.name if not on else f"{modality.name} {', '.join(str(s) for s in off)} px"
        yield f"Without {what}: an experiment; the card's figures no longer hold" + (
            "." if honest else ", and the network was not trained for this choice."
        )


def _demand_overlap(
    grid: MapGrid, predictors: dict[str, Predictor], finest: str, extent: Extent | None
) -> None:
    file = predictors[finest].files[0]
    if 0 in grid.shape:
        if extent is None:
            raise InputError(
                f"{file} is {grid.fine.shape[1]} × {grid.fine.shape[0]} pixels, too small for a step of "
                f"{grid.step}; choose a smaller step or a larger raster."
            )
        raise InputError(
            f"The extent holds no pixel of {file}, which spans {pixel_grid_text(grid.fine)}; choose an "
            "extent inside it."
        )
    for name, predictor in predictors.items():
        rows, columns = window_over(predictor, grid)
        height, width = predictor.grid.shape
        if rows.stop <= 0 or columns.stop <= 0 or rows.start >= height or columns.start >= width:
            raise InputError(
                f"{predictor.files[0]} ({name}) does not overlap the area to be mapped: it spans "
                f"{pixel_grid_text(predictor.grid)}, the map {pixel_grid_text(grid.geobox)}; choose rasters "
                "of one area."
            )


def _demand_room(plan: Plan) -> None:
    """Refuse a map on which every window would leave a raster."""
    if plan.job.edge == "fill":
        return
    for name, predictor in plan.predictors.items():
        margin = (max(plan.scales[name]) - 1) // 2
        height, width = predictor.grid.shape
        rows, columns = window_over(predictor, plan.grid)
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
