"""The demo's project is accepted only where it finds its rasters beside it."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from qgis_demo import DemoError, demand_sources


@pytest.fixture
def maps(tmp_path):
    files = [tmp_path / "demo" / "maps" / name for name in ("a & b.tif", "c.tif")]
    files[0].parent.mkdir(parents=True)
    for file in (*files, tmp_path / "c.tif"):
        file.write_bytes(b"x")
    return files


def project(tmp_path, *sources):
    file = tmp_path / "demo" / "scalescape.qgz"
    layers = "".join(f"<maplayer><datasource>{source}</datasource></maplayer>" for source in sources)
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("scalescape.qgs", f"<qgis>{layers}</qgis>")
    return file


def test_sources_beside_the_project_are_good(tmp_path, maps):
    demand_sources(project(tmp_path, "./maps/a &amp; b.tif", "./maps/c.tif"), maps)


@pytest.mark.parametrize("odd", ["../c.tif", "./maps/gone.tif"])
def test_a_source_elsewhere_or_nowhere_is_refused(tmp_path, maps, odd):
    with pytest.raises(DemoError, match="which is no file in"):
        demand_sources(project(tmp_path, "./maps/a &amp; b.tif", odd), maps)


def test_a_map_that_the_project_lacks_is_named(tmp_path, maps):
    with pytest.raises(DemoError, match="lacks .*c.tif"):
        demand_sources(project(tmp_path, "./maps/a &amp; b.tif"), maps)
