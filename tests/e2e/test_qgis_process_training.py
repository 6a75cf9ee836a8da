"""Training in ``qgis_process``: from a layer and rasters to a model, its map and its figures."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from qgis_processing import QGIS_PROCESS, make_profile, process, results, sentence
from tiny_landscape import CRS, write_tiny_landscape

pytestmark = pytest.mark.skipif(QGIS_PROCESS is None, reason="needs qgis_process")
SMALL = (
    "SCALES=bioclim=1\nsatellite=25", "EPOCHS=2", "FOLDS=1", "BLOCKS_KM=0.25", "BUFFER_KM=0.05",
    "N_BACKGROUND=100",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a QGIS profile, rasters, and records as one layer of two in a GeoPackage."""
    folder = tmp_path_factory.mktemp("training")
    make_profile(folder)
    write_tiny_landscape(folder / "data")
    rows = list(csv.DictReader((folder / "data" / "po.csv").read_text(encoding="utf-8").splitlines()))
    points = shapely.to_wkb(shapely.points([(float(row["x"]), float(row["y"])) for row in rows]))
    names = np.array([row["species"] for row in rows], object)
    for layer in ("records", "others"):
        pyogrio.raw.write(
            folder / "data" / "sites.gpkg", points, [names], ["species"], layer=layer, geometry_type="Point",
            crs=CRS, driver="GPKG", append=layer == "others",
        )  # fmt: skip
    return folder


def given(place: Path, out: Path, *changed: str) -> tuple[str, ...]:
    """Parameters of a small training; those of ``changed`` take the place of others."""
    parameters = (
        f"SITES={place / 'data' / 'sites.gpkg'}|layername=records", "SPECIES_FIELD=species", "KIND=po",
        f"CLIMATE={place / 'data' / 'bioclim.tif'}", f"IMAGERY={place / 'data' / 'satellite.tif'}",
        *SMALL, f"OUTPUT={out}",
    )  # fmt: skip
    names = {one.partition("=")[0] for one in changed}
    return (*(one for one in parameters if one.partition("=")[0] not in names), *changed)


def test_a_layer_becomes_a_model_that_is_mapped_and_judged(place: Path) -> None:
    model = place / "out" / "tiny.safetensors"
    done = process(place, "train", *given(place, model))
    assert done.returncode == 0, done.stdout + done.stderr
    assert model.is_file() and (place / "out" / "tiny.report" / "report.html").is_file()
    assert "2 species, 110 sites" in done.stdout
    config = (place / "out" / "tiny.toml").read_text(encoding="utf-8")
    assert 'train = "tiny.train.gpkg"' in config and "blocks_km = 0.25" in config

    rasters = [f"LAYERS={place / 'data' / name}.tif" for name in ("satellite", "bioclim")]
    done = process(place, "map", f"MODEL={model}", *rasters, "STEP=4", f"OUTPUT={place / 'maps'}")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("alnus", "betula"):
        with rasterio.open(place / "maps" / f"{name}.tif") as raster:
            values = raster.read(1, masked=True)
        assert values.count() > 2000 and 0 < values.min() < values.max() < 1

    done = process(place, "evaluate", f"MODEL={model}", f"OUTPUT={place / 'figures'}")
    said = results(done)
    figures = csv.DictReader((place / "figures" / "species.csv").read_text(encoding="utf-8").splitlines())
    assert float(said["AUC_MEDIAN"]) == pytest.approx(np.median([float(row["auc"]) for row in figures]))


def test_all_faults_are_told_at_once(place: Path) -> None:
    bad = ("SCALES=bioclim=1\nsatellite=26", "LAMBDA2=2")
    done = process(place, "train", *given(place, place / "bad" / "bad.safetensors", *bad))
    said = sentence(done)
    assert "modality.satellite.scales: " in said and "training.lambda2: must be at most 1" in said
