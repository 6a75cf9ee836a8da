"""Virtual rasters (GDAL's VRT): some bands of a file as we want them read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# XML is written here and never parsed, so what bandit fears of this module can not happen.
from xml.etree.ElementTree import Element, SubElement, tostring  # nosec B405

from rasterio.transform import Affine

TYPES = {"float32": "Float32", "uint8": "Byte"}  # of numpy, and as GDAL writes them


@dataclass(frozen=True)
class BandView:
    """One band of a view: where it comes from, and which of its pixels are NoData.

    ``use_mask`` heeds the source's own mask (flag, mask band or alpha); ``source_nodata`` is one more value
    that means NoData in the source; ``scale`` is said of the numbers and changes none.
    """

    file: str
    band: int
    use_mask: bool = False
    source_nodata: float | None = None
    description: str = ""
    scale: float = 1.0


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
        source = SubElement(band, "ComplexSource" if picky else "SimpleSource")
        SubElement(source, "SourceFilename", relativeToVRT=str(int(relative))).text = view.file
        SubElement(source, "SourceBand").text = str(view.band)
        if view.use_mask:
            SubElement(source, "UseMaskBand").text = "true"
        if view.source_nodata is not None:
            SubElement(source, "NODATA").text = repr(view.source_nodata)
    return tostring(root)
