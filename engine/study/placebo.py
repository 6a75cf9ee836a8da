"""Placebo predictors on disk: rasters as rough as the real ones that know nothing, and how alike they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.transform import Affine

from ...models.whole_file import whole_file, write_whole
from ..files.aside import writing
from ..maps.geotiff import demand_same
from ..patches.raster_source import RasterSource, pixels_of
from ..rasters.raster import Valid, Values
from ..recipes.config import ModalityConfig, TrainingConfig
from ..recipes.shape import scales_of
from ..running.errors import InputError
from ..training.supplies import RasterSupply, Spots, supply_of
from .covariance import BandCovariances
from .given_source import GivenModality
from .likeness import Likeness, likeness_of
from .randomised_bands import RandomisedBands

PLACEBO_SEED = 8  # tells its random numbers from those of blocks and background points
TILE = 256
ATTEMPTS = 20  # draws until a band differs between sites


def can_be_randomised(config: TrainingConfig) -> bool:
    """Tell whether all modalities come from rasters; ready-made images and columns have no neighbourhood."""
    return all(one.inputs for one in config.modality.values())


@dataclass(frozen=True)
class PlaceboRasters:
    """The placebos of a study, in files that are written once.

    Attributes
    ----------
    config
        Of the real rasters.
    spots
        All places of the study; the copies cover them and the windows around them.
    sites
        How many of them, the first ones, are sites that networks are trained on.
    seed
        Decides the random phases, with the number of the draw.
    folder
        Where they lie: a folder a draw, and there a raster a modality.
    """

    config: TrainingConfig
    spots: Spots
    sites: int
    seed: int
    folder: Path

    def write(self, draws: int, report: Callable[[int, int], None]) -> None:
        """Write the rasters of so many draws, those that are not there yet.

        Parameters
        ----------
        draws
            How many.
        report
            Called before each with the number that are done, and of all.

        Raises
        ------
        InputError
            A raster can't be read, the folder can't be written, or a band has the same value at all sites in
            each of many draws.
        """
        done, total = 0, draws * len(self.config.modality)
        for number, name in enumerate(self.config.modality):
            missing = [draw for draw in range(1, draws + 1) if not self._is_there(name, draw)]
            done += draws - len(missing)
            if not missing:
                continue
            report(done, total)
            supply = self._supply(name)
            side = max(scales_of(self.config, name))
            with supply.source(self.spots, 1) as source:
                if not isinstance(source, RasterSource):
                    raise TypeError("only rasters can be randomised")
                part = _around(source, self.spots, side)
                values, valid = source.window(*part)
                source.demand_unchanged()
                self._keep_covariances(name, values, valid, source.categorical, side)
                bands = RandomisedBands(values, valid, source.categorical)
                for draw in missing:
                    report(done, total)
                    made = self._drawn(bands, (self.seed, PLACEBO_SEED, draw, number), source, part)
                    likeness = likeness_of(values, made, valid, source.bands, source.categorical)
                    self._write(made, source, part, self.file(name, draw), likeness)
                    done += 1

    def file(self, name: str, draw: int) -> Path:
        """Return the raster of a modality in a draw."""
        return self.folder / f"placebo_{draw}" / f"{name}.tif"

    def _is_there(self, name: str, draw: int) -> bool:
        file = self.file(name, draw)
        return file.is_file() and file.with_suffix(".json").is_file()

    def likeness(self, draws: int) -> dict[tuple[int, str], tuple[Likeness, ...]]:
        """Return by draw and modality how alike each band is to the real one. The rasters must be there."""
        found = {}
        for draw in range(1, draws + 1):
            for name in self.config.modality:
                text = self.file(name, draw).with_suffix(".json").read_text(encoding="utf-8")
                found[draw, name] = tuple(Likeness(**one) for one in json.loads(text))
        return found

    def modality(
        self, name: str, draw: int, scales: tuple[int, ...], backbone: str, middle: int
    ) -> ModalityConfig:
        """Return a modality of a placebo.

        Parameters
        ----------
        name
            Of the real one.
        draw
            Which placebo.
        scales, backbone
            Of the branches that see it.
        middle
            How many pixels in the middle of its windows are real; 0 for none.
        """
        real = self.config.modality[name]
        placebo = str(self.file(name, draw))
        if middle:
            fields = real.model_dump() | {"scales": scales, "backbone": backbone}
            return GivenModality(
                **fields, placebo=placebo, covariances=str(self._covariances(name)), middle=middle
            )
        return real.model_copy(
            update={
                "inputs": (placebo,),
                "nodata": {},
                "crs": {},
                "categorical": tuple(_band_name(one) for one in real.categorical),
                "scales": scales,
                "backbone": backbone,
            }
        )

    def _supply(self, name: str) -> RasterSupply:
        supply = supply_of(name, self.config.modality[name])
        if not isinstance(supply, RasterSupply):
            raise TypeError("only rasters can be randomised")
        return supply

    def _covariances(self, name: str) -> Path:
        return self.folder / "covariances" / f"{name}.npz"

    def _keep_covariances(
        self, name: str, values: Values, valid: Valid, categorical: tuple[bool, ...], side: int
    ) -> None:
        """Measure what windows given their middle need."""
        file = self._covariances(name)
        numbers = ~np.array(categorical, np.bool_)
        if file.is_file():
            return
        with writing(file.parent):
            file.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(file) as beside:
                BandCovariances.of(values[numbers], valid[numbers], side - 1).save(beside)

    def _drawn(
        self, bands: RandomisedBands, seed: tuple[int, ...], source: RasterSource, part: tuple[slice, slice]
    ) -> Values:
        """Return a draw whose bands differ between sites, as those do that a network can learn from."""
        rows, columns = (
            pixels[: self.sites] - first.start
            for pixels, first in zip(
                pixels_of(source.grid, self.spots.x, self.spots.y, self.spots.crs), part, strict=True
            )
        )
        for attempt in range(ATTEMPTS):
            made = bands.drawn((*seed, attempt) if attempt else seed)
            at_sites = made[:, rows, columns]
            held = np.isfinite(at_sites)
            lowest, highest = (
                pick(np.where(held, at_sites, other), axis=1)
                for pick, other in ((np.min, np.inf), (np.max, -np.inf))
            )
            alike = np.flatnonzero(lowest >= highest)
            if not len(alike):
                return made
        raise InputError(
            f"In {ATTEMPTS} placebos the band {source.bands[alike[0]]} has the same value at all sites, since "
            "it varies in few places; leave the band out, or make no placebos (--placebos 0)."
        )

    def _write(
        self,
        made: Values,
        source: RasterSource,
        part: tuple[slice, slice],
        file: Path,
        likeness: tuple[Likeness, ...],
    ) -> None:
        with writing(file.parent, RasterioError):
            file.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(file) as beside:
                _write_raster(beside, made, source, (part[0].start, part[1].start))
            text = json.dumps([asdict(one) for one in likeness], allow_nan=False)
            write_whole(file.with_suffix(".json"), text)


def _write_raster(file: Path, made: Values, source: RasterSource, first: tuple[int, int]) -> None:
    """Write a placebo whose first pixel is that at row and column ``first`` of the real raster."""
    with rasterio.open(
        file,
        "w",
        driver="GTiff",
        count=len(made),
        height=made.shape[1],
        width=made.shape[2],
        dtype="float32",
        crs=source.grid.crs.to_wkt() if source.grid.crs else None,
        transform=source.grid.affine * Affine.translation(first[1], first[0]),
        nodata=np.nan,
        tiled=True,
        blockxsize=TILE,
        blockysize=TILE,
    ) as raster:
        raster.write(made)
        for number, name in enumerate(source.bands, start=1):
            raster.set_band_description(number, _band_name(name))
    demand_same(file, made)


def _band_name(name: str) -> str:
    """Return what a placebo's band is called: windows given their middle have both, by different names."""
    return f"{name} (placebo)"


def _around(source: RasterSource, spots: Spots, side: int) -> tuple[slice, slice]:
    """Return rows and columns of the raster that hold all places and their windows."""
    found = []
    for pixels, length in zip(
        pixels_of(source.grid, spots.x, spots.y, spots.crs), source.grid.shape, strict=True
    ):
        radius = side // 2
        found.append(slice(max(0, int(pixels.min()) - radius), min(length, int(pixels.max()) + radius + 1)))
    return found[0], found[1]
