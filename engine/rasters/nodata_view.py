"""A file with NaN wherever anything says NoData: masks, alpha, the file's own value, and the user."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader, MemoryFile
from rasterio.transform import Affine

from ..protocol.nodata import Range
from .raster_file import opened_quietly
from .view import BandView, Piece, view_of

MOST_LAYERS = 3  # single values; more are masked by a table
LARGEST = float(np.finfo(np.float32).max)


class NoDataView:
    """A view of a file; ``close`` it before the file.

    Parameters
    ----------
    dataset
        The file.
    wkt
        Its CRS.
    bands
        Those that will be read. GDAL takes the fourth band of an image for alpha, a mask of the others, even
        where it is infrared; so alpha is heeded only where it is not itself one of them.
    transform
        Where the view lies; its rows run as the file's.
    nodata
        Ranges of stored values that mean NoData, beside what the file says itself.
    pieces
        The columns that the view has where it has not just the file's.
    """

    def __init__(
        self,
        dataset: DatasetReader,
        wkt: str,
        bands: Collection[int],
        transform: Affine,
        nodata: Sequence[Range] = (),
        pieces: Sequence[Piece] = (),
    ) -> None:
        self._file = dataset
        self._wkt = wkt
        self._transform = transform
        self._layers: list[MemoryFile] = []
        numbers = range(1, dataset.count + 1)
        alpha = [n for n, colour in enumerate(dataset.colorinterp, start=1) if colour == ColorInterp.alpha]
        use_alpha = bool(alpha) and not set(alpha) & set(bands)
        flags = [set(some) for some in dataset.mask_flag_enums]
        name = self._keep(
            [
                BandView(
                    dataset.name,
                    n,
                    use_mask=MaskFlags.all_valid not in flags[n - 1]
                    and (use_alpha or MaskFlags.alpha not in flags[n - 1]),
                )
                for n in numbers
            ]
        )
        # GDAL heeds just one of internal mask, mask file, NoData value and alpha; what it passed over follows.
        unheeded = [n for n in numbers if use_alpha and MaskFlags.alpha not in flags[n - 1]]
        if unheeded:
            name = self._masked(name, dict.fromkeys(unheeded, (dataset.name, alpha[0])))
        mask_file = f"{dataset.name}.msk"
        if mask_file in dataset.files:
            with opened_quietly(mask_file) as mask:
                count, fits = mask.count, mask.shape == dataset.shape
            if fits:
                name = self._masked(name, {n: (mask_file, min(n, count)) for n in numbers})
        own = {
            n: value
            for n, value in zip(numbers, dataset.nodatavals, strict=True)
            if value is not None and np.isfinite(value) and flags[n - 1] != {MaskFlags.nodata}
        }
        self.is_joined = bool(own) or len(self._layers) > 1
        name = self._without(name, {n: [*nodata, *([(own[n], own[n])] if n in own else [])] for n in numbers})
        if pieces:
            name = self._keep([BandView(name, n, pieces=tuple(pieces)) for n in numbers], pieces)
        self.dataset = rasterio.open(name)

    def close(self) -> None:
        """Close the view."""
        self.dataset.close()
        for layer in reversed(self._layers):
            layer.close()

    def _masked(self, name: str, masks: dict[int, tuple[str, int]]) -> str:
        """Return the name of a view whose bands are NoData where their masks (file and band) are 0, too."""
        numbers = range(1, self._file.count + 1)
        name = self._keep([BandView(name, n, mask=masks.get(n)) for n in numbers])
        return self._keep([BandView(name, n, use_mask=n in masks) for n in numbers])

    def _without(self, name: str, ranges: dict[int, list[Range]]) -> str:
        """Return the name of a view in which values in some ranges are NoData, too."""
        numbers = sorted(ranges)
        singles = {n: sorted({low for low, high in some if low == high}) for n, some in ranges.items()}
        layers = max(map(len, singles.values()))
        if layers <= MOST_LAYERS and all(len(singles[n]) == len(set(ranges[n])) for n in numbers):
            for i in range(layers):  # a view of the view, since GDAL heeds one value for each
                name = self._keep(
                    [
                        BandView(name, n, source_nodata=singles[n][i] if i < len(singles[n]) else None)
                        for n in numbers
                    ]
                )
            return name
        name = self._keep([BandView(name, n, masked_ranges=_merged(ranges[n])) for n in numbers])
        return self._keep([BandView(name, n, use_mask=bool(ranges[n])) for n in numbers])

    def _keep(self, bands: list[BandView], pieces: Sequence[Piece] = ()) -> str:
        """Keep a view in memory until all is closed; return its name."""
        height, width = self._file.shape
        shape = height, max((left + number for _, left, number in pieces), default=width)
        xml = view_of(bands, shape, self._transform, self._wkt, np.nan)
        self._layers.append(MemoryFile(xml, ext=".vrt"))
        return str(self._layers[-1].name)


def _merged(ranges: Sequence[Range]) -> tuple[Range, ...]:
    """Return ranges as float32 has them, in order, and as one where no number lies between two."""
    found: list[Range] = []
    for low, high in sorted((max(low, -LARGEST), min(high, LARGEST)) for low, high in ranges):
        if found and np.float32(low) <= _next(_next(np.float32(found[-1][1]))):
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return tuple(found)


def _next(value: np.float32) -> np.float32:
    return np.float32(np.nextafter(value, np.float32(np.inf)))
