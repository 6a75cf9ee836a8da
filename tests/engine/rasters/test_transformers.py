"""Each way between two coordinate systems is prepared once, whatever asks for it and how often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import write_raster
from odc.geo.crs import CRS
from pyproj import Transformer
from rasterio.warp import transform
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.protocol import InspectJob, MapJob, RasterInput
from scalescape.engine.rasters import ground
from scalescape.engine.rasters.ground import transformer
from scalescape.engine.running.progress import Monitor
from scalescape.engine.scales.inspection import Inspector


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """The pairs of systems for which a transformer was made."""
    pairs: list[tuple[str, str]] = []
    own = Transformer.from_crs

    def counted(source: str, target: str, **options: object) -> Transformer:
        pairs.append((str(source), str(target)))
        return own(source, target, **options)

    monkeypatch.setattr(ground.Transformer, "from_crs", counted)
    ground._transformer.cache_clear()
    yield pairs
    ground._transformer.cache_clear()


def test_names_of_one_system_share_a_transformer(made: list[tuple[str, str]]) -> None:
    swiss, lonlat = CRS("EPSG:21781"), CRS("EPSG:4326")
    first = transformer(swiss, lonlat)
    for source in (CRS("EPSG:21781"), CRS(swiss.to_wkt()), CRS("epsg:21781")):
        for target in (lonlat, CRS(lonlat.to_wkt())):
            assert transformer(source, target) is first
    assert len(made) == 1
    assert transformer(lonlat, swiss) is not first and len(made) == 2


def test_a_system_that_only_looks_like_a_code_keeps_its_own_way(made: list[tuple[str, str]]) -> None:
    """UTM on another ellipsoid, which says it is EPSG:32631 no more than in its name."""
    odd = CRS("+proj=utm +zone=31 +ellps=intl +type=crs")
    assert transformer(odd, CRS("EPSG:4326")) is not transformer(CRS("EPSG:32631"), CRS("EPSG:4326"))


@pytest.mark.parametrize(("source", "target"), [("EPSG:3857", "EPSG:32631"), ("EPSG:4326", "EPSG:2154")])
def test_coordinates_are_those_of_gdal(source: str, target: str) -> None:
    lonlat = np.array([2.0, 3.5]), np.array([45.0, 46.5])
    x, y = transform("EPSG:4326", source, *lonlat)
    np.testing.assert_allclose(
        transformer(CRS(source), CRS(target)).transform(x, y), transform(source, target, x, y), atol=1e-4
    )


def test_a_map_and_clicks_of_mixed_systems_make_each_way_once(
    made: list[tuple[str, str]], small_model: Path, landscape: dict[str, Path], tmp_path: Path
) -> None:
    world = write_raster(
        tmp_path / "w.tif", np.full((2, 720, 1440), 10, np.float32), 0.25, crs="EPSG:4326", corner=(-180, 90)
    )
    inputs = (RasterInput("satellite", str(landscape["satellite"])), RasterInput("bioclim", str(world)))
    job = MapJob(
        str(small_model), inputs, str(tmp_path / "o"), extent=(2.9, 45.1, 3.1, 45.2), extent_crs="EPSG:4326"
    )
    run_map(job, Monitor())
    assert made and len(set(made)) == len(made)
    number = len(made)
    inspector = Inspector()
    try:
        question = InspectJob(job.model, inputs, (3.006, 45.15), crs="EPSG:4326")
        for step in range(5):
            inspector.answer(replace(question, at=(3.006 + step * 1e-4, 45.15)))
    finally:
        inspector.close()
    assert len(made) <= number + 1 and len(set(made)) == len(made)
