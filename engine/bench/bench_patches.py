"""How fast patches reach training: the cache, beside one torch ``DataLoader`` over rasterio windows."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
import torch
from rasterio.transform import from_origin
from rasterio.windows import Window
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...models.card import Band, Modality
from ..patches.cache import PatchCache
from ..patches.patch_set import PatchSet
from ..patches.raster_source import RasterSource
from ..patches.statistics import band_statistics
from ..protocol import RasterInput
from ..running.errors import InputError
from ..running.progress import Monitor
from ..training.sights import PatchSight

BANDS, BLOCK, PIXEL_M = 4, 256, 10.0
SEED = 0
GDAL_CACHE = "GDAL_CACHEMAX"


@dataclass(frozen=True)
class PatchBench:
    """The figures of ``scalescape bench patches``.

    ``cache_sites_per_s`` is over epochs in random order, batches as float32 tensors; ``loader_sites_per_s`` the
    same of a ``DataLoader`` without workers that reads each window from the open raster and normalises it;
    ``build_sites_per_s`` how fast the cache was filled. Where a raster of ``decoded_mb`` fits in what GDAL
    keeps of decoded blocks (``gdal_cache``: MB, or a share of all memory), the loader decodes nothing.
    """

    size: int
    side: int
    bands: int
    dtype: str
    sites: int
    batch: int
    threads: int
    decoded_mb: float
    gdal_cache: str
    build_sites_per_s: float
    cache_sites_per_s: float
    loader_sites_per_s: float
    ratio: float
    max_abs_diff: float


class _Windows(Dataset[Tensor]):
    """The plain way: a site's window, read when it is wanted."""

    def __init__(self, file: str, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], side: int,
                 bands: tuple[Band, ...]) -> None:  # fmt: skip
        self._raster = rasterio.open(file)
        self._at = np.stack([columns, rows], axis=1) - side // 2
        self._side = side
        self._mean = np.array([band.mean for band in bands], np.float32)[:, None, None]
        self._std = np.array([band.std for band in bands], np.float32)[:, None, None]

    def __len__(self) -> int:
        return len(self._at)

    def __getitem__(self, index: int) -> Tensor:
        left, up = self._at[index].tolist()
        values = self._raster.read(window=Window(left, up, self._side, self._side)).astype(np.float32)
        return torch.from_numpy((values - self._mean) / self._std)


def bench_patches(
    size: int = 4096, side: int = 115, sites: int = 5000, batch: int = 256, seconds: float = 10.0,
    raster: str | None = None,
) -> PatchBench:  # fmt: skip
    """Measure patches of ``side`` px at random sites.

    Parameters
    ----------
    size
        Side in pixels of the raster that is made up: four bands of uint16, tiled, deflated.
    seconds
        How long each way delivers, at least an epoch of the cache and a batch of the loader.
    raster
        A raster without NoData to take in its place.
    """
    with tempfile.TemporaryDirectory(prefix="scalescape-bench-") as folder:
        file = raster or _made_up(Path(folder) / "scene.tif", size)
        with rasterio.open(file) as opened:
            (height, width), affine, crs = opened.shape, opened.transform, opened.crs.to_wkt()
        if min(height, width) < side:
            raise InputError(f"A raster of {width} × {height} pixels holds no window of {side}; take a larger.")
        draw = np.random.default_rng(SEED)
        radius = side // 2
        rows = draw.integers(radius, height - radius, sites)
        columns = draw.integers(radius, width - radius, sites)
        x, y = affine * (columns + 0.5, rows + 0.5)
        started = time.perf_counter()
        with RasterSource([RasterInput("scene", file)], side, x, y, crs) as source:
            patches = PatchCache(Path(folder) / "patches").patches(source, Monitor(), "scene")
        built = time.perf_counter() - started
        bands = band_statistics("scene", source.bands, *patches.at_sites())
        patch_set = PatchSet(patches, Modality("scene", bands, PIXEL_M, "metre", (side,)))
        windows = _Windows(file, rows, columns, side, bands)
        few = list(range(min(sites, batch)))
        plain = torch.stack([windows[i] for i in few]).numpy()
        cached = PatchSight("scene", patch_set)

        def epoch_of_cache() -> Iterable[int]:
            order = draw.permutation(sites)
            return (len(cached.seen(order[start : start + batch]).values) for start in range(0, sites, batch))

        def epoch_of_loader() -> Iterable[int]:
            return (len(one) for one in DataLoader(windows, batch, shuffle=True, num_workers=0))

        cache_rate, loader_rate = _rate(epoch_of_cache, seconds), _rate(epoch_of_loader, seconds)
        return PatchBench(
            size=height,
            side=side,
            bands=len(bands),
            dtype=str(patches.values.dtype),
            sites=sites,
            batch=batch,
            threads=torch.get_num_threads(),
            decoded_mb=height * width * len(bands) * patches.values.itemsize / 1e6,
            gdal_cache=os.environ.get(GDAL_CACHE, "5%"),
            build_sites_per_s=sites / built,
            cache_sites_per_s=cache_rate,
            loader_sites_per_s=loader_rate,
            ratio=cache_rate / loader_rate,
            max_abs_diff=float(np.abs(patch_set.batch(few) - plain).max()),
        )


def _rate(epoch: Callable[[], Iterable[int]], seconds: float) -> float:
    """Return sites a second over epochs, the first batch of all left out."""
    done, started = 0, 0.0
    while True:
        for number in epoch():
            if not started:
                started = time.perf_counter()
                continue
            done += number
            if time.perf_counter() - started >= seconds:
                return done / (time.perf_counter() - started)


def _made_up(file: Path, size: int) -> str:
    """Write a scene of soft patches and grain, which deflate as little as reflectances do."""
    draw = np.random.default_rng(SEED)
    with rasterio.open(
        file, "w", driver="GTiff", count=BANDS, height=size, width=size, dtype="uint16", crs="EPSG:32632",
        transform=from_origin(500_000, 5_000_000, PIXEL_M, PIXEL_M), tiled=True, blockxsize=BLOCK,
        blockysize=BLOCK, compress="deflate",
    ) as target:  # fmt: skip
        cells = -(-size // BLOCK)
        for band in range(1, BANDS + 1):
            soft = np.kron(draw.integers(500, 4000, (cells * 8, cells * 8)), np.ones((BLOCK // 8, BLOCK // 8)))
            scene = soft[:size, :size] + draw.normal(0, 100, (size, size))
            target.write(scene.clip(1).astype(np.uint16), band)
    return str(file)
