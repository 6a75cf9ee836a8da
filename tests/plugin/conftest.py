"""Register the repository root as the package ``scalescape``, as the engine does, whatever its name."""

from __future__ import annotations

import importlib.util
import json
import os
import struct
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAKE_ENGINE = Path(__file__).with_name("fake_engine.py")

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def _register(root: Path) -> None:
    spec = importlib.util.spec_from_file_location("engine_main", root / "engine" / "__main__.py")
    main = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(main)


_register(ROOT)

from scalescape.plugin.core.engine_client import EngineClient, Patience  # noqa: E402
from scalescape.plugin.core.engine_launch import EngineLaunch, clean_environment  # noqa: E402

QUICK = Patience(grace=0.5, silence=0.4, hang=0.4, tick=0.02)


@pytest.fixture
def fake_launch():
    """Return a function that gives the launch of the fake engine, with its behaviour as arguments."""

    def launch(*arguments: str) -> EngineLaunch:
        return EngineLaunch((sys.executable, str(FAKE_ENGINE), *arguments), clean_environment(os.environ))

    return launch


@pytest.fixture
def make_client(fake_launch, tmp_path):
    """Return a function that gives a client of the fake engine; all are closed at the end."""
    clients = []

    def make(*arguments: str, patience: Patience = QUICK) -> EngineClient:
        client = EngineClient(fake_launch(*arguments), tmp_path / "logs" / "engine.log", patience)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


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


@pytest.fixture
def model_file(tmp_path) -> Path:
    """Return a model file with a card and no weights, enough for all but mapping."""
    return write_card(tmp_path / "test model.safetensors", card_values())


@pytest.fixture
def card(model_file):
    """Return the card of ``model_file``."""
    from scalescape.models.card import read_card

    return read_card(model_file)


def write_raster(path: Path, bands: dict, *, pixel: float = 10.0, size: int = 8, epsg: int = 32631) -> Path:
    """Write a float32 GeoTIFF whose bands have the names and constant values of ``bands``."""
    from osgeo import gdal, osr

    gdal.UseExceptions()
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), size, size, len(bands), gdal.GDT_Float32)
    dataset.SetGeoTransform((500000.0, pixel, 0.0, 4800000.0, 0.0, -pixel))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(epsg)
    dataset.SetProjection(crs.ExportToWkt())
    for number, (name, value) in enumerate(bands.items(), start=1):
        band = dataset.GetRasterBand(number)
        if name:
            band.SetDescription(name)
        band.SetNoDataValue(-9999.0)
        band.Fill(value)
    dataset.FlushCache()
    return path
