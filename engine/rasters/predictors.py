"""A modality's rasters, matched to the bands of a card and read as one normalised stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType

import numpy as np
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

from ...models.card import Card, Modality
from ..files.input_files import InputFiles
from ..protocol import NoData, RasterInput
from ..running.errors import InputError
from .band_choice import BandChoice, band_choice
from .band_stack import BandSource, BandStack
from .foreign_categories import ForeignCategories
from .ground import METRES_A_DEGREE, Bounds, crs_name, working_grid
from .longitudes import box_onto, onto, turn_of
from .normalisation import Normalisation
from .raster import Raster, Valid, Values

FARTHEST_NORTH = 20.0  # degrees of longitude for one of latitude, at 87 degrees
SAMPLES = 8  # windows along rows and columns when a raster is sampled
SAMPLE_SIDE = 16  # px of such a window


class Predictor:
    """The rasters of one modality on one grid, bands in the card's order; ``close`` it at the end."""

    def __init__(self, modality: Modality, choice: BandChoice) -> None:
        self.modality = modality
        self.cautions = choice.cautions
        self.foreign = ForeignCategories(modality.bands)
        self._stack = BandStack(choice.sources)
        self.own_grid = self._stack.grid
        self._normalisation = Normalisation(modality.bands)
        self._range: tuple[Values, Values] | None = None

    def close(self) -> None:
        """Close all files."""
        self._stack.close()

    @property
    def sources(self) -> tuple[BandSource, ...]:
        """Where each band comes from, in the card's order."""
        return self._stack.sources

    @property
    def grid(self) -> GeoBox:
        """The grid on which windows are read."""
        return self._stack.grid

    @property
    def crs(self) -> CRS:
        """The CRS of ``grid``."""
        if self.grid.crs is None:
            raise ValueError("a predictor without a CRS")
        return self.grid.crs

    @property
    def files(self) -> list[str]:
        """Each file, once."""
        return [raster.file for raster in self._stack.rasters]

    @property
    def inputs(self) -> InputFiles:
        """What all of it is read from."""
        found = InputFiles()
        for raster in self._stack.rasters:
            found.join(raster.inputs)
        return found

    def turn(self, area: Bounds, crs: CRS, step: int = 1) -> list[str]:
        """Move all files by whole turns of longitude to an area and what windows see around it.

        Parameters
        ----------
        area, crs
            A box: xmin, ymin, xmax, ymax.
        step
            As for ``Raster.turn``.

        Returns
        -------
        list of str
            Sentences for the user, empty where all stay as they are.
        """
        turn, own = turn_of(self.crs), self.own_grid.affine.a
        pixel = self.modality.pixel_size
        if self.modality.pixel_unit != "degree":
            pixel *= FARTHEST_NORTH / METRES_A_DEGREE
        reach = (self.modality.reach(self.modality.scales) + 2) * max(own, pixel * turn / 360)
        said = [raster.turn(area, crs, reach, step) for raster in self._stack.rasters]
        self.own_grid = self._stack.grid = self.sources[0].raster.grid
        return [f"{self.modality.name}: {one}" for one in said if one]

    def put_on_working_grid(self, at: tuple[float, float], at_crs: CRS, map_area: GeoBox | None) -> list[str]:
        """Choose the grid by the model's pixel size at a point, put all files on it, and say what that meant.

        Of a grid of another pixel size only what windows over ``map_area`` hold is made, all of it if None.
        Returns sentences for the user, empty where every file is used as it is.
        """
        reference = self.sources[0].raster
        own = reference.grid
        if own.crs is None:
            raise ValueError("a raster without a CRS")
        x, y = onto(*at, at_crs, own)
        point = float(x), float(y)
        around = None
        if map_area is not None and map_area.crs is not None:
            crs, box = map_area.crs, map_area.boundingbox.bbox
            if own.crs.geographic and self.modality.pixel_unit == "degree":
                crs, box = own.crs, box_onto(box, crs, own)
            margin = (self.modality.reach(self.modality.scales) + 1) * self.modality.pixel_size
            around = crs, box, margin
        chosen = working_grid(own, self.modality.pixel_size, self.modality.pixel_unit, point, around)
        notes = [f"{self.modality.name}: {chosen.reason} ({reference.file})."] if chosen.reason else []
        resampled = self._stack.put_on(chosen.grid, [bool(band.categories) for band in self.modality.bands])
        if not chosen.reason:
            notes += [
                f"{self.modality.name}: {raster.file} was resampled onto the grid of {reference.file}."
                for raster in resampled
            ]
        return notes

    def clamp(self) -> None:
        """Make ``read`` pull values of continuous bands into the range of the training.

        Raises
        ------
        InputError
            The card does not know that range.
        """
        unknown = [band.name for band in self.modality.bands if not band.categories and not band.quantiles]
        if unknown:
            raise InputError(
                f"The model does not know the training range of {unknown[0]} ({self.modality.name}), so "
                "predictors can't be clamped to it; map without clamping."
            )
        ends = [
            (-np.inf, np.inf) if b.categories else b.quantiles[:: len(b.quantiles) - 1]
            for b in self.modality.bands
        ]
        least, largest = np.array(ends, np.float32).T[:, :, None, None]
        self._range = least, largest

    def read(self, rows: slice, columns: slice) -> tuple[Values, Valid]:
        """Return a window as the network's channels, and where bands hold values that the card knows.

        They are (channels, rows, columns) and (bands, rows, columns). NoData, and what lies outside the raster,
        takes the card's fill; a category that the card does not know is NoData, and noted in ``foreign``.
        """
        return self.channels(*self.values(rows, columns), rows.start, columns.start)

    def channels(self, values: Values, valid: Valid, up: int, left: int) -> tuple[Values, Valid]:
        """Return, as ``read`` does, what ``values`` gave of a window that starts at ``up`` and ``left``."""
        if self._range is not None:
            values = np.clip(values, *self._range)
        known = self._normalisation.known(values, valid)
        if known is not valid:
            self.foreign.note(values, valid & ~known, up, left)
        return self._normalisation.channels_of(values, known), known

    def sample(self, rows: slice, columns: slice, between: Callable[[], None]) -> tuple[Values, Valid]:
        """Return pixels of a few small windows spread over a window of the grid, and where they hold values.

        Both are (bands, pixels), in the files' units.
        """
        height, width = self.grid.shape
        up, down = max(rows.start, 0), min(rows.stop, height)
        left, right = max(columns.start, 0), min(columns.stop, width)
        values, valid = [], []
        for row in _spread(up, down):
            for column in _spread(left, right):
                between()
                one, mask = self.values(row, column)
                values.append(one.reshape(len(one), -1))
                valid.append(mask.reshape(len(mask), -1))
        if not values:
            return np.zeros((len(self.sources), 0), np.float32), np.zeros((len(self.sources), 0), np.bool_)
        return np.concatenate(values, axis=1), np.concatenate(valid, axis=1)

    def values(self, rows: slice, columns: slice) -> tuple[Values, Valid]:
        """Return a window in the files' units and where it holds values: each (bands, rows, columns)."""
        return self._stack.values(rows, columns)


def _spread(start: int, stop: int) -> list[slice]:
    """Return up to ``SAMPLES`` short slices, spread evenly over a longer one."""
    if stop <= start:
        return []
    side = min(SAMPLE_SIDE, stop - start)
    number = min(SAMPLES, max(1, (stop - start) // side))
    starts = np.linspace(start, stop - side, number).astype(int)
    return [slice(int(one), int(one) + side) for one in starts]


def open_predictors(
    card: Card,
    wanted: Sequence[str],
    inputs: Sequence[RasterInput],
    nodata: Mapping[str, NoData],
    file_crs: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Predictor]:
    """Open the rasters of the modalities ``wanted``, by name; each is still on its file's own grid.

    ``nodata`` gives for a file what means NoData in it, beside what it says itself, ``file_crs`` the CRS that
    stands in place of its own.

    Raises
    ------
    InputError
        A modality is unknown or has no raster, a file can't be used, bands are missing or are another
        modality's.
    """
    known = [m.name for m in card.modalities]
    for item in inputs:
        if item.modality not in known:
            raise InputError(
                f"The model knows no modality {item.modality!r}; name one of {', '.join(known)} "
                f"for {item.file}."
            )
    for what, by_file in (("NoData value", nodata), ("CRS", file_crs)):
        unused = sorted(set(by_file) - {item.file for item in inputs})
        if unused:
            raise InputError(f"A {what} is given for {unused[0]}, which is no input; name an input's file.")
    with ExitStack() as stack:
        found: dict[str, Predictor] = {}
        for name in wanted:
            mine = [item for item in inputs if item.modality == name]
            if not mine:
                needs = ", ".join(band.name for band in card.modality(name).bands)
                raise InputError(
                    f"The modality {name} has no raster: add one with the bands {needs}, or switch it off."
                )
            rasters: dict[str, Raster] = {}
            for item in mine:
                if item.file not in rasters:
                    rasters[item.file] = stack.enter_context(
                        Raster(item.file, nodata.get(item.file, ()), file_crs.get(item.file, ""))
                    )
            choice = band_choice(card, name, mine, rasters)
            for idle in set(rasters.values()) - {source.raster for source in choice.sources}:
                idle.close()
            found[name] = Predictor(card.modality(name), choice)
        stack.pop_all()
        return found


def pixel_grid_text(grid: GeoBox) -> str:
    """Return bounds and CRS of a grid in words."""
    box = grid.boundingbox
    return f"{box.left:.10g} to {box.right:.10g}, {box.bottom:.10g} to {box.top:.10g} in {crs_name(grid.crs)}"
