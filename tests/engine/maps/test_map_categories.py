"""Maps from categorical rasters: one-hot as in training, unseen categories NoData and counted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import LEFT, TOP, band, seeded_card, seeded_network, write_raster
from plain_maps import agree_with_plain_loop
from scalescape.engine.commands.card_text import card_text
from scalescape.engine.jobs.check_job import run_check
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.protocol import CheckJob, MapJob, RasterInput
from scalescape.engine.running.progress import Monitor
from scalescape.models.card import Band, read_card
from scalescape.models.errors import ModelError
from scalescape.models.model_file import ModelFile, read_model, write_model
from scalescape.models.presets import architecture

QUANTILES = tuple(float(q) for q in np.linspace(1, 7, 101))
COVER = Band("landcover", 0.0, 1.0, 0.0, QUANTILES, categories=(1, 5, 7))
SOIL = Band("soil", 0.0, 1.0, 0.0, QUANTILES, categories=(2, 3))
ROWS, COLUMNS = 70, 80


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fine modality of red and land cover, a coarse one of soil and bio1."""
    shape = architecture(
        "default", {"satellite": 4, "bioclim": 3}, species=2, width=0.04,
        scales={"satellite": (25, 31), "bioclim": (1, 3)},
    )  # fmt: skip
    card = seeded_card(
        shape,
        {"satellite": [band("red", 100, 20), COVER], "bioclim": [SOIL, band("bio1", 10, 2, "°C")]},
        {"satellite": (10.0, "metre"), "bioclim": (200.0, "metre")},
    )
    means = {key: torch.zeros(shape.modality(key[0]).branches[0].out_size) for key in shape.branch_keys}
    path = tmp_path_factory.mktemp("model") / "categories.safetensors"
    write_model(path, ModelFile(seeded_network(shape), card, means))
    return path


@pytest.fixture
def rasters(tmp_path: Path) -> dict[str, list[Path]]:
    """With a patch of category 9, single pixels of 3, NoData in the land cover, and soils that nobody knows."""
    draw = np.random.default_rng(6)
    red = draw.normal(100, 20, (1, ROWS, COLUMNS)).astype(np.float32)
    cover = draw.choice(np.array([1, 5, 7], np.uint8), (1, ROWS, COLUMNS))
    cover[0, 30:36, 40:50] = 9
    cover[0, 20, 20], cover[0, 40, 20] = 3, 3
    cover[0, 50:54, 25:40] = 0
    soil = draw.choice(np.array([2, 3], np.uint8), (1, 20, 20))
    soil[0, 9, 10] = 8
    warmth = draw.normal(10, 2, (1, 20, 20)).astype(np.float32)
    corner = LEFT - 1480, TOP + 1530
    return {
        "satellite": [
            write_raster(tmp_path / "red.tif", red, 10),
            write_raster(tmp_path / "landcover.tif", cover, 10, nodata=0),
        ],
        "bioclim": [
            write_raster(tmp_path / "soil.tif", soil, 200, corner=corner),
            write_raster(tmp_path / "bio1.tif", warmth, 200, corner=corner),
        ],
    }


@pytest.fixture
def job(model: Path, rasters: dict[str, list[Path]], tmp_path: Path) -> MapJob:
    inputs = tuple(RasterInput(name, str(file)) for name, files in rasters.items() for file in files)
    return MapJob(str(model), inputs, str(tmp_path / "out"))


@pytest.mark.parametrize("method", ["dense", "patch"])
def test_every_pixel_equals_the_plain_loop(job: MapJob, rasters: dict[str, list[Path]], method: str) -> None:
    result = run_map(replace(job, method=method, step=2, verify=5), Monitor())
    known = agree_with_plain_loop(replace(job, step=2), rasters)
    assert 100 < known == result.valid_pixels
    assert result.verified_max_abs_diff is not None and result.verified_max_abs_diff < 1e-5


def test_unseen_categories_are_counted_once(job: MapJob, tmp_path: Path) -> None:
    """However narrow the strips: all of them lie in windows of the map."""
    result = run_map(replace(job, memory=161 * 1024**2), Monitor())
    expected = [
        "62 pixels of landcover hold categories that the model was not trained on (3, 9): they are NoData.",
        "1 pixel of soil holds categories that the model was not trained on (8): they are NoData.",
    ]
    found = [text for text in result.warnings if "categories" in text]
    assert found == expected
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert [text for text in run["warnings"] if "categories" in text] == expected


def test_a_raster_of_other_categories_wants_to_be_acknowledged(
    job: MapJob, rasters: dict[str, list[Path]], tmp_path: Path
) -> None:
    other = write_raster(tmp_path / "landcover_of_others.tif", np.full((1, ROWS, COLUMNS), 40, np.uint8), 10)
    inputs = (job.inputs[0], RasterInput("satellite", str(other)), *job.inputs[2:])
    check = CheckJob(job.model, inputs, job.out)
    (caution,) = [one for one in run_check(check, measure=False).warnings if one.kind == "category"]
    assert caution.blocking and caution.band == "landcover" and caution.modality == "satellite"
    assert "(40; it knows 1, 5, 7)" in caution.message
    fitting = run_check(CheckJob(job.model, job.inputs, job.out), measure=False)
    assert not [one for one in fitting.warnings if one.kind == "category"]


def test_a_categorical_raster_on_another_grid_is_not_interpolated(
    job: MapJob, rasters: dict[str, list[Path]], tmp_path: Path
) -> None:
    """Land cover of half the pixel size: no value between two categories may come of it."""
    draw = np.random.default_rng(7)
    fine = draw.choice(np.array([1, 5, 7], np.uint8), (1, ROWS * 2, COLUMNS * 2))
    other = write_raster(tmp_path / "landcover_5m.tif", fine, 5)
    result = run_map(
        replace(job, inputs=(job.inputs[0], RasterInput("satellite", str(other)), *job.inputs[2:])), Monitor()
    )
    assert any("landcover_5m.tif was resampled" in text for text in result.warnings)
    assert not any("pixels of landcover" in text for text in result.warnings)


def test_the_card_names_categories(model: Path) -> None:
    text = card_text(read_card(model))
    assert "landcover: categories 1, 5, 7" in text and "red: 100 ± 20" in text


def test_a_network_that_counts_bands_instead_of_channels_is_refused(model: Path, tmp_path: Path) -> None:
    whole = read_model(model)
    fine = whole.card.modalities[0]
    fewer = replace(fine, bands=(fine.bands[0], replace(COVER, categories=(1, 5))))
    card = replace(whole.card, modalities=(fewer, *whole.card.modalities[1:]))
    with pytest.raises(ModelError, match="contradicts itself"):
        write_model(tmp_path / "a.safetensors", replace(whole, card=card))
