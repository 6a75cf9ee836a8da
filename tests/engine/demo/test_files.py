"""The files of a demo landscape are those that scripts rely on."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import tomllib
from scalescape.engine.demo.files import write_landscape
from scalescape.engine.demo.landscape import Landscape
from scalescape.engine.demo.sites import RECORD_RATE
from scalescape.engine.demo.virtual_species import SPECIES
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.running.progress import Monitor
from scalescape.engine.training.course import course_of
from scalescape.engine.training.sights import LatticeSight


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_satellite_is_the_scene_at_ten_metres(folder: Path, landscape: Landscape) -> None:
    with rasterio.open(folder / "satellite.tif") as raster:
        assert raster.shape == (landscape.size, landscape.size)
        assert raster.res == (10, 10)
        assert raster.dtypes == ("uint16",) * 4
        assert raster.descriptions == ("red", "green", "blue", "nir")
        assert raster.crs.to_epsg() == 32632
        assert raster.profile["tiled"]
        assert raster.compression.name == "deflate"
        np.testing.assert_array_equal(raster.read(), landscape.satellite)
        assert raster.read_masks().all()


def test_bioclim_is_aligned_and_reaches_twelve_cells_beyond_the_satellite(
    folder: Path, landscape: Landscape
) -> None:
    with rasterio.open(folder / "bioclim.tif") as climate, rasterio.open(folder / "satellite.tif") as satellite:
        assert climate.res == (1000, 1000)
        assert climate.dtypes == ("float32", "float32")
        assert climate.descriptions == ("bio1", "bio12")
        assert climate.units == ("°C", "mm")
        assert climate.crs == satellite.crs
        inner, outer = satellite.bounds, climate.bounds
        assert inner.left - outer.left == 12_000
        assert outer.top - inner.top == 12_000
        assert outer.right - inner.right >= 12_000
        assert inner.bottom - outer.bottom >= 12_000
        np.testing.assert_array_equal(climate.read(), landscape.bioclim)
        temperature, precipitation = climate.read()
        assert -40 < temperature.min() < temperature.max() < 50
        assert precipitation.min() >= 0


def test_the_description_has_the_promised_keys_and_agrees_with_the_truth_files(
    folder: Path, landscape: Landscape
) -> None:
    description = json.loads((folder / "landscape.json").read_text(encoding="utf-8"))
    assert list(description) == ["seed", "size", "crs", "species"]
    assert (description["seed"], description["size"]) == (landscape.seed, landscape.size)
    assert len(description["species"]) == 12
    for index, species in enumerate(description["species"]):
        assert list(species) == ["name", "truth", "prevalence", "drivers", "dominant"]
        assert species["name"] == SPECIES[index].name
        with rasterio.open(folder / species["truth"]) as raster:
            assert raster.descriptions == (species["name"],)
            assert raster.dtypes == ("float32",)
            truth = raster.read(1)
            assert raster.transform == landscape.satellite_transform
        np.testing.assert_array_equal(truth, landscape.truth[index])
        assert species["prevalence"] == pytest.approx((truth >= 0.5).mean())
        for driver in species["drivers"]:
            assert list(driver) == ["modality", "scale", "variable", "share"]
            assert driver["scale"] in {"bioclim": (1, 5), "satellite": (25, 59, 115)}[driver["modality"]]
        assert sum(driver["share"] for driver in species["drivers"]) == pytest.approx(1)
        strongest = max(species["drivers"], key=lambda driver: driver["share"])
        assert species["dominant"] == {key: strongest[key] for key in ("modality", "scale")}
    assert sorted(path.name for path in (folder / "truth").iterdir()) == sorted(
        Path(species["truth"]).name for species in description["species"]
    )


def test_records_are_drawn_in_proportion_to_truth_on_a_lattice_of_160_m(
    folder: Path, landscape: Landscape
) -> None:
    rows = rows_of(folder / "sites_po.csv")
    assert list(rows[0]) == ["species", "x", "y"]
    lattice = landscape.truth[:, 8::16, 8::16]
    for index, species in enumerate(SPECIES):
        mine = [(float(row["x"]), float(row["y"])) for row in rows if row["species"] == species.name]
        assert len(set(mine)) == len(mine)
        columns = np.array([(x - landscape.satellite_transform.c) / 10 - 0.5 for x, _ in mine])
        lines = np.array([(landscape.satellite_transform.f - y) / 10 - 0.5 for _, y in mine])
        assert set(columns % 16) == set(lines % 16) == {8}
        drawn = np.zeros(lattice.shape[1:], dtype=bool)
        drawn[lines.astype(int) // 16, columns.astype(int) // 16] = True
        assert drawn.sum() == len(mine)
        for likely in (lattice[index] > 0.5, lattice[index] <= 0.5):
            chance = RECORD_RATE * lattice[index][likely].astype(float)
            deviation = np.sqrt((chance * (1 - chance)).sum())
            assert abs(drawn[likely].sum() - chance.sum()) < 5 * deviation, species.name


def test_surveys_have_a_column_of_zeros_and_ones_for_each_species(folder: Path, landscape: Landscape) -> None:
    rows = rows_of(folder / "sites_pa.csv")
    assert list(rows[0]) == ["x", "y", *(species.name for species in SPECIES)]
    places = {(row["x"], row["y"]) for row in rows}
    assert len(places) == len(rows) == 2000
    for index, species in enumerate(SPECIES):
        found = [row[species.name] for row in rows]
        assert set(found) == {"0", "1"}
        assert np.mean([value == "1" for value in found]) == pytest.approx(
            landscape.truth[index].mean(), abs=0.05
        )


def test_the_training_config_names_files_that_exist_and_every_setting(folder: Path) -> None:
    config = tomllib.loads((folder / "train.toml").read_text(encoding="utf-8"))
    for name in (
        config["sites"]["train"],
        config["sites"]["test"],
        *config["modality"]["bioclim"]["inputs"],
        *config["modality"]["satellite"]["inputs"],
    ):
        assert (folder / name).is_file()
    assert config["sites"]["test_species_columns"] == [species.name for species in SPECIES]
    assert set(config["training"]) == {
        "epochs",
        "seed",
        "lambda2",
        "n_background",
        "min_records",
        "thin_m",
        "batch_size",
        "learning_rate",
        "width",
        "folds",
        "blocks_km",
        "buffer_km",
    }


def test_the_training_config_can_be_trained_with(folder: Path) -> None:
    """The smallest landscape leaves every fold sites, on a lattice that makes training quick."""
    course = course_of(read_config(folder / "train.toml"), Monitor())
    with course.files:
        assert len(course.folds) == 5
        assert all(len(fold.learnt.training) > 200 for fold in course.folds)
        assert isinstance(course.places.sights["satellite"], LatticeSight)


def test_progress_counts_the_files(landscape: Landscape, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    written = write_landscape(landscape, tmp_path, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, len(written)) for done in range(1, len(written) + 1)]
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(written)
