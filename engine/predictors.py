"""A modality's rasters, matched to the bands of a card and read as one normalised stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

from ..models.card import Card, Modality
from .errors import InputError
from .ground import crs_name, transformer, working_grid
from .protocol import RasterInput
from .raster import Raster, Valid, Values

SAMPLES = 8  # windows along rows and columns when a raster is sampled
SAMPLE_SIDE = 16  # px of such a window


@dataclass(frozen=True)
class BandSource:
    """Where one band of a modality comes from; ``band`` is counted from 1."""

    raster: Raster
    band: int


class Predictor:
    """The rasters of one modality on one grid, bands in the card's order; ``close`` it at the end."""

    def __init__(self, modality: Modality, sources: Sequence[BandSource], by_name: bool) -> None:
        self.modality = modality
        self.sources = tuple(sources)
        self.by_name = by_name
        self.grid = self.own_grid = self.sources[0].raster.grid
        self._mean = np.array([b.mean for b in modality.bands], np.float32)[:, None, None]
        self._std = np.array([b.std for b in modality.bands], np.float32)[:, None, None]
        self._fill = np.array([b.fill for b in modality.bands], np.float32)[:, None, None]

    def close(self) -> None:
        """Close all files."""
        for raster in self._rasters():
            raster.close()

    @property
    def crs(self) -> CRS:
        """The CRS of ``grid``."""
        if self.grid.crs is None:
            raise ValueError("a predictor without a CRS")
        return self.grid.crs

    @property
    def files(self) -> list[str]:
        """Each file, once."""
        return [raster.file for raster in self._rasters()]

    def put_on_working_grid(self, at: tuple[float, float], at_crs: CRS, map_area: GeoBox | None) -> list[str]:
        """Choose the grid by the model's pixel size at a point, put all files on it, and say what that meant.

        Of a grid of another pixel size only what windows over ``map_area`` hold is made, all of it if None.
        Returns sentences for the user, empty where every file is used as it is.
        """
        reference = self.sources[0].raster
        own = reference.grid
        if own.crs is None:
            raise ValueError("a raster without a CRS")
        point = transformer(at_crs, own.crs).transform(*at)
        around = None
        if map_area is not None and map_area.crs is not None:
            box = map_area.boundingbox
            margin = (max(self.modality.scales) + 1) * self.modality.pixel_size
            around = map_area.crs, (box.left, box.bottom, box.right, box.top), margin
        chosen = working_grid(own, self.modality.pixel_size, self.modality.pixel_unit, point, around)
        notes = [f"{self.modality.name}: {chosen.reason} ({reference.file})."] if chosen.reason else []
        for raster in self._rasters():
            categories = any(
                band.categories
                for band, source in zip(self.modality.bands, self.sources, strict=True)
                if source.raster is raster
            )
            bands = {source.band for source in self.sources if source.raster is raster}
            raster.put_on(chosen.grid, bands, interpolate=not categories)
            if raster.resampled and not chosen.reason:
                notes.append(
                    f"{self.modality.name}: {raster.file} was resampled onto the grid of {reference.file}."
                )
        self.grid = chosen.grid
        return notes

    def read(self, rows: slice, columns: slice) -> tuple[Values, Valid]:
        """Return a window normalised by the card, and where it holds values: each (bands, rows, columns).

        NoData, and what lies outside the raster, takes the card's fill.
        """
        values, valid = self.values(rows, columns)
        values = np.where(valid, values, self._fill)
        return (values - self._mean) / self._std, valid

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
        values: list[Any] = [None] * len(self.sources)
        valid: list[Any] = [None] * len(self.sources)
        for raster in self._rasters():
            places = [i for i, source in enumerate(self.sources) if source.raster is raster]
            bands = tuple(self.sources[i].band for i in places)
            read_values, read_valid = raster.read(bands, rows, columns)
            for place, one, mask in zip(places, read_values, read_valid, strict=True):
                values[place], valid[place] = one, mask
        return np.stack(values), np.stack(valid)

    def _rasters(self) -> list[Raster]:
        return list(dict.fromkeys(source.raster for source in self.sources))


def _spread(start: int, stop: int) -> list[slice]:
    """Return up to ``SAMPLES`` short slices, spread evenly over a longer one."""
    if stop <= start:
        return []
    side = min(SAMPLE_SIDE, stop - start)
    number = min(SAMPLES, max(1, (stop - start) // side))
    starts = np.linspace(start, stop - side, number).astype(int)
    return [slice(int(one), int(one) + side) for one in starts]


def open_predictors(
    card: Card, wanted: Sequence[str], inputs: Sequence[RasterInput], nodata: dict[str, float]
) -> dict[str, Predictor]:
    """Open the rasters of the modalities ``wanted``, by name; each is still on its file's own grid.

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
    unused = sorted(set(nodata) - {item.file for item in inputs})
    if unused:
        raise InputError(f"A NoData value is given for {unused[0]}, which is no input; name an input's file.")
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
                    rasters[item.file] = stack.enter_context(Raster(item.file, nodata.get(item.file)))
            found[name] = _matched(card, name, mine, rasters)
        stack.pop_all()
        return found


def _matched(card: Card, name: str, inputs: Sequence[RasterInput], rasters: dict[str, Raster]) -> Predictor:
    """Match bands by name where every band is found once, else take them in the order given."""
    modality = card.modality(name)
    offered: list[BandSource] = []
    names: list[str] = []
    for item in inputs:
        raster = rasters[item.file]
        for band in item.bands or range(1, raster.count + 1):
            if not 1 <= band <= raster.count:
                raise InputError(f"{item.file} has {raster.count} bands, no band {band}; choose another.")
            offered.append(BandSource(raster, band))
            names.append(raster.band_names[band - 1] or (Path(item.file).stem if raster.count == 1 else ""))
    taken = [(source.raster.file, source.band) for source in offered]
    twice = next((one for one in taken if taken.count(one) > 1), None)
    if twice is not None:
        raise InputError(f"Band {twice[1]} of {twice[0]} is given twice for {name}; name each band once.")
    matched = [i for i in modality.match(names) if i is not None]
    chosen_by_hand = any(item.bands for item in inputs)
    if not chosen_by_hand and len(matched) == len(modality.bands) and len(set(matched)) == len(matched):
        in_order = matched == list(range(len(matched)))
        return Predictor(modality, [offered[i] for i in matched], by_name=not in_order)
    for other in card.modalities:
        if other.name != name and None not in other.match(names) and len(names) == len(other.bands):
            raise InputError(
                f"{inputs[0].file} was given as {name} but holds the bands of {other.name} "
                f"({', '.join(band.name for band in other.bands)}); swap the files."
            )
    if len(offered) != len(modality.bands):
        needs = ", ".join(band.name for band in modality.bands)
        files = ", ".join(rasters)
        raise InputError(
            f"The modality {name} needs {len(modality.bands)} bands ({needs}), and {files} gives "
            f"{len(offered)}; add the missing files or choose bands (FILE#1,2)."
        )
    return Predictor(modality, offered, by_name=False)


def pixel_grid_text(grid: GeoBox) -> str:
    """Return bounds and CRS of a grid in words."""
    box = grid.boundingbox
    return f"{box.left:.10g} to {box.right:.10g}, {box.bottom:.10g} to {box.top:.10g} in {crs_name(grid.crs)}"
