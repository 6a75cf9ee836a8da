"""Virtual rasters (GDAL's VRT): some bands of a file as we want them read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# XML is written here and never parsed, so what bandit fears of this module can not happen.
from xml.etree.ElementTree import Element, SubElement, tostring  # nosec B405

import numpy as np
from rasterio.transform import Affine

TYPES = {"float32": "Float32", "uint8": "Byte"}  # of numpy, and as GDAL writes them
SEEN, UNSEEN = 255, 0  # in a mask

Piece = tuple[int, int, int]
"""First column in the source, first column in the view, and how many."""


@dataclass(frozen=True)
class BandView:
    """One band of a view: where it comes from, and which of its pixels are NoData.

    ``use_mask`` heeds the source's own mask (flag, mask band or alpha); ``source_nodata`` is one more value
    that means NoData in the source; ``scale`` is said of the numbers and changes none. ``mask`` names a file
    and a band that is 0 where this one is to be masked; ``masked_ranges`` are values to be masked, none within
    another range, in order. Both make a mask, which a view of the view heeds. ``pieces`` are the columns of the
    source that the view has; all of them where it is empty.
    """

    file: str
    band: int
    use_mask: bool = False
    source_nodata: float | None = None
    description: str = ""
    scale: float = 1.0
    mask: tuple[str, int] | None = None
    masked_ranges: tuple[tuple[float, float], ...] = ()
    pieces: tuple[Piece, ...] = ()


def view_of(
    bands: Sequence[BandView],
    shape: tuple[int, int],
    transform: Affine,
    wkt: str,
    nodata: float,
    tags: Mapping[str, str] | None = None,
    relative: bool = False,
    dtype: str = "float32",
) -> bytes:
    """Return the XML of a view, rows x columns as ``shape``, whose NoData is ``nodata``.

    ``relative`` takes the files' names from where the view itself will be written; ``dtype`` is one of
    ``TYPES``.
    """
    root = Element("VRTDataset", rasterXSize=str(shape[1]), rasterYSize=str(shape[0]))
    SubElement(root, "SRS").text = wkt
    SubElement(root, "GeoTransform").text = ", ".join(repr(float(v)) for v in transform.to_gdal())
    metadata = SubElement(root, "Metadata")
    for key, value in (tags or {}).items():
        SubElement(metadata, "MDI", key=key).text = value
    for number, view in enumerate(bands, start=1):
        band = SubElement(root, "VRTRasterBand", dataType=TYPES[dtype], band=str(number))
        SubElement(band, "Description").text = view.description
        SubElement(band, "NoDataValue").text = repr(nodata)
        if view.scale != 1:
            SubElement(band, "Scale").text = repr(view.scale)
        picky = view.use_mask or view.source_nodata is not None
        for piece in view.pieces or (None,):
            source = _source(band, "ComplexSource" if picky else "SimpleSource", view.file, view.band, relative)
            if piece is not None:
                _cut(source, piece, shape[0])
            if view.use_mask:
                SubElement(source, "UseMaskBand").text = "true"
            if view.source_nodata is not None:
                SubElement(source, "NODATA").text = repr(view.source_nodata)
        if view.mask is not None or view.masked_ranges:
            _mask(band, view, relative)
    return tostring(root)


def _source(parent: Element, kind: str, file: str, band: int, relative: bool) -> Element:
    source = SubElement(parent, kind)
    SubElement(source, "SourceFilename", relativeToVRT=str(int(relative))).text = file
    SubElement(source, "SourceBand").text = str(band)
    return source


def _cut(source: Element, piece: Piece, height: int) -> None:
    """Take some columns of a source alone, all rows of them."""
    for name, left in (("SrcRect", piece[0]), ("DstRect", piece[1])):
        SubElement(source, name, xOff=str(left), yOff="0", xSize=str(piece[2]), ySize=str(height))


def _mask(band: Element, view: BandView, relative: bool) -> None:
    """Give a band a mask: a table of values, between which GDAL interpolates, says what is seen."""
    inner = SubElement(SubElement(band, "MaskBand"), "VRTRasterBand", dataType=TYPES["uint8"])
    file, number = view.mask or (view.file, view.band)
    source = _source(inner, "ComplexSource", file, number, relative)
    points: list[tuple[float, int]] = []
    if view.mask is not None:
        points = [(0.0, UNSEEN), (float(np.finfo(np.float32).tiny), SEEN)]
    for low, high in view.masked_ranges:
        first, last = np.float32(low), np.float32(high)
        points += [
            (float(np.nextafter(first, -np.float32(np.inf))), SEEN), (float(first), UNSEEN),
            (float(last), UNSEEN), (float(np.nextafter(last, np.float32(np.inf))), SEEN),
        ]  # fmt: skip
    finite = [(value, seen) for value, seen in points if np.isfinite(value)]
    SubElement(source, "LUT").text = ",".join(f"{value!r}:{seen}" for value, seen in finite)
