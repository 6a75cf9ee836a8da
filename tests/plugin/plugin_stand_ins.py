"""What tests of the plugin are made of: a card, model files without weights, small rasters, waiting."""

from __future__ import annotations

import json
import struct
from pathlib import Path


def card_values() -> dict:
    """Return the card of a model with two modalities and three species, as JSON values."""

    def band(name: str, mean: float, std: float) -> dict:
        return {
            "name": name,
            "mean": mean,
            "std": std,
            "fill": mean,
            "quantiles": [mean + (i - 50) / 50 * std for i in range(101)],
            "description": f"{name} of the landscape",
            "unit": "1",
        }

    return {
        "format_version": 1,
        "name": "test landscape",
        "summary": "A card for tests.",
        "licence": "CC0-1.0",
        "citation": "none",
        "architecture": {},
        "modalities": [
            {
                "name": "bioclim",
                "bands": [band("bio1", 11.0, 4.0), band("bio12", 800.0, 200.0)],
                "pixel_size": 1000.0,
                "pixel_unit": "metre",
                "scales": [1, 5],
            },
            {
                "name": "satellite",
                "bands": [band(name, 0.2, 0.1) for name in ("red", "green", "blue", "nir")],
                "pixel_size": 10.0,
                "pixel_unit": "metre",
                "scales": [25, 59, 115],
            },
        ],
        "species": [
            {"name": "Quercus ilex", "presences": 400, "kind": "po", "auc": 0.97, "auc_against": "background"},
            {
                "name": "Pinus halepensis",
                "presences": 90,
                "kind": "po",
                "auc": 0.83,
                "auc_against": "background",
            },
            {"name": "Fagus sylvatica", "presences": 12, "kind": "po"},
        ],
        "training": {"data": "virtual species", "lambda2": 0.5, "background": "random points"},
    }


def write_card(path: Path, values: dict) -> Path:
    """Write a model file that holds a card and no weights."""
    header = json.dumps({"__metadata__": {"scalescape": json.dumps(values)}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


def write_raster(
    path: Path, bands: dict, *, pixel: float = 10.0, size: int = 8, epsg: int = 32631, byte: bool = False
) -> Path:
    """Write a GeoTIFF, float32 or ``byte``, whose bands have the names and constant values of ``bands``."""
    from osgeo import gdal, osr

    gdal.UseExceptions()
    kind = gdal.GDT_Byte if byte else gdal.GDT_Float32
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), size, size, len(bands), kind)
    dataset.SetGeoTransform((500000.0, pixel, 0.0, 4800000.0, 0.0, -pixel))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(epsg)
    dataset.SetProjection(crs.ExportToWkt())
    for number, (name, value) in enumerate(bands.items(), start=1):
        band = dataset.GetRasterBand(number)
        if name:
            band.SetDescription(name)
        band.SetNoDataValue(255 if byte else -9999.0)
        band.Fill(value)
    dataset.FlushCache()
    return path


def tag_raster(path: Path, categories: dict | None = None, scale: float | None = None, **tags: str) -> Path:
    """Give a GeoTIFF the tags of a map, names and colours of its categories from 1 on, and a scale."""
    from osgeo import gdal

    dataset = gdal.Open(str(path), gdal.GA_Update)
    dataset.SetMetadata(tags)
    band = dataset.GetRasterBand(1)
    if scale is not None:
        band.SetScale(scale)
    if categories:
        table = gdal.ColorTable()
        for number, colour in enumerate(categories.values(), start=1):
            table.SetColorEntry(number, (*colour, 255))
        band.SetColorTable(table)
        band.SetCategoryNames(["no value", *categories])
    del band, dataset
    return path


def add_raster(project, file, name: str):
    """Return a raster layer that was added to ``project``."""
    from qgis.core import QgsRasterLayer

    layer = QgsRasterLayer(str(file), name)
    project.addMapLayer(layer)
    return layer


def polygon_layer(squares, name: str = "parks", epsg: int = 32631):
    """Return a memory layer of square polygons, each (x, y, side) with its corner at the south-west."""
    from qgis.core import QgsFeature, QgsGeometry, QgsRectangle, QgsVectorLayer

    layer = QgsVectorLayer(f"Polygon?crs=EPSG:{epsg}&field=fid:string", name, "memory")
    features = []
    for x, y, side in squares:
        feature = QgsFeature(layer.fields())
        feature.setAttributes(["the same"])
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(x, y, x + side, y + side)))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


def point_layer(rows, name: str = "records", epsg: int = 32631):
    """Return a memory layer of points with the fields species, oak and beech (0, 1 or None)."""
    from qgis.core import QgsFeature, QgsGeometry, QgsPointXY, QgsVectorLayer

    fields = "field=species:string&field=oak:int&field=beech:int"
    layer = QgsVectorLayer(f"Point?crs=EPSG:{epsg}&{fields}", name, "memory")
    features = []
    for i, row in enumerate(rows):
        feature = QgsFeature(layer.fields())
        feature.setAttributes(list(row))
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(500005 + 10 * i, 4799995)))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


def read_attributes(file) -> list:
    """Return the attributes of the features in a vector file."""
    return [attributes for _, attributes in read_shapes(file)[:-1]]


def read_shapes(file: str) -> list:
    """Return (area, attributes) of the features in a vector file, and its CRS as the last entry."""
    from qgis.core import QgsVectorLayer

    layer = QgsVectorLayer(str(file), "x")
    shapes = [
        (one.geometry().area(), dict(zip((f.name() for f in layer.fields()), one.attributes())))
        for one in layer.getFeatures()
    ]
    return [*shapes, layer.crs().authid()]


def wait_until(condition, seconds: float = 10.0) -> bool:
    """Let Qt's events run until ``condition()`` holds; return whether it did."""
    from qgis.PyQt.QtTest import QTest

    waited = 0.0
    while not condition() and waited < seconds:
        QTest.qWait(20)
        waited += 0.02
    return bool(condition())
