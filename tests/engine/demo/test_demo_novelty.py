"""The demo network knows where it has been: warmer climates and strange scenes are marked, new ones are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from scalescape.engine.demo.files import write_landscape
from scalescape.engine.demo.land_cover import CLASSES
from scalescape.engine.demo.landscape import COVER_MARGIN, Landscape, make_landscape
from scalescape.engine.demo.scene import draw_scene
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.protocol import MapJob, RasterInput
from scalescape.engine.running.progress import Monitor
from scalescape.models.card import read_card

MODEL = Path(__file__).resolve().parents[3] / "models" / "zoo" / "demo.safetensors"
SEEN = ("bioclim_1", "bioclim_5", "bioclim", "satellite_25", "satellite_59", "satellite_115", "satellite")


@pytest.fixture(scope="module")
def landscape() -> Landscape:
    return make_landscape(3, 1024)


@pytest.fixture(scope="module")
def own(landscape: Landscape, tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray]:
    return mapped(landscape, tmp_path_factory.mktemp("own"))


def mapped(landscape: Landscape, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """MESS and the largest novelty of features, at pixels with a value."""
    write_landscape(landscape, folder)
    inputs = tuple(RasterInput(name, str(folder / f"{name}.tif")) for name in ("satellite", "bioclim"))
    species = (read_card(MODEL).species[0].name,)
    job = MapJob(str(MODEL), inputs, str(folder / "maps"), step=16, species=species, products=("novelty",))
    run_map(job, Monitor())
    found = []
    for name in ("novelty", *(f"novelty_features_{one}" for one in SEEN)):
        with rasterio.open(folder / "maps" / f"{name}.tif") as source:
            found.append(source.read(1, masked=True).compressed())
    return found[0], np.max(found[1:], axis=0)


def test_an_unseen_landscape_is_not_novel(own: tuple[np.ndarray, np.ndarray]) -> None:
    mess, features = own
    assert len(mess) > 2500
    assert (mess < 0).mean() < 0.02
    assert (features > 1).mean() < 0.015


def test_a_climate_warmed_beyond_the_training_is_novel(landscape: Landscape, tmp_path: Path) -> None:
    """By 4 deviations and the landscape's own range, so that no pixel can stay within the training's."""
    band = read_card(MODEL).modality("bioclim").bands[0]
    climate = landscape.bioclim.copy()
    climate[0] += 4 * band.std + np.ptp(climate[0])
    mess, _ = mapped(replace(landscape, bioclim=climate), tmp_path)
    assert (mess < 0).mean() > 0.9


@pytest.mark.parametrize(("cover", "marked"), [("crop", 0.9), ("broadleaf", 0.3), ("grass", 0), ("urban", 0)])
def test_a_scene_of_one_land_cover_is_strange_though_its_pixels_are_not(
    landscape: Landscape, own: tuple[np.ndarray, np.ndarray], tmp_path: Path, cover: str, marked: float
) -> None:
    """All are beyond 98 % of the landscape's own pixels; not all are beyond the limit."""
    everywhere = np.full_like(landscape.surroundings.cover, CLASSES.index(cover))
    scene = draw_scene(np.random.default_rng(1), everywhere)
    inside = slice(COVER_MARGIN, COVER_MARGIN + landscape.size)
    mess, features = mapped(replace(landscape, satellite=scene[:, inside, inside].copy()), tmp_path)
    assert (mess < 0).mean() < 0.02
    assert np.median(features) > np.quantile(own[1], 0.98)
    assert (features > 1).mean() >= marked
