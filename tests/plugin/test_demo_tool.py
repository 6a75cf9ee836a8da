"""The demo's project is accepted only where it finds its rasters beside it; made again, it deletes nothing."""

from __future__ import annotations

import os
import sys
import time
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import qgis_demo
from demo_steps import is_written
from qgis_demo import DemoError, demand_sources, make_demo


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


def test_a_map_of_another_run_is_refused(tmp_path, maps):
    with pytest.raises(DemoError, match=r"shows .*c.tif, a map of another run"):
        demand_sources(project(tmp_path, "./maps/a &amp; b.tif", "./maps/c.tif"), maps[:1])


def test_what_was_written_before_is_told_apart(maps):
    now = time.time()
    os.utime(maps[0], (now - 60, now - 60))
    assert [is_written(file, now) for file in maps] == [False, True]


def test_made_again_it_leaves_what_it_did_not_make(tmp_path, maps, monkeypatch):
    """Programs are played: each writes what the real one would, so that the order of things is the tool's."""
    folder = tmp_path / "demo"
    mine = {folder / "maps" / "odmap.csv": "my answers", folder / "landscape" / "notes.txt": "my notes"}
    (folder / "landscape").mkdir()
    for file, text in mine.items():
        file.write_text(text)
    for file in maps:
        os.utime(file, (1e9, 1e9))

    def played(title, *rest, **told):
        names = {
            "Making the landscape": ["landscape/satellite.tif", "landscape/bioclim.tif"],
            "Mapping the species": ["maps/a & b.tif", "maps/run.json"],
            "Opening QGIS": ["screenshot.png"],
        }
        for name in names[title]:
            (folder / name).write_text("new")
        project(tmp_path, "./maps/a &amp; b.tif")

    monkeypatch.setattr(qgis_demo, "step", played)
    monkeypatch.setattr(qgis_demo, "window_step", played)
    monkeypatch.setattr(qgis_demo, "program", lambda *names: names[0])
    monkeypatch.setattr(qgis_demo, "demo_environment", dict)
    found = make_demo(folder, tmp_path / "any.safetensors", 512, 1, 4)
    assert {file: file.read_text() for file in mine} == mine
    assert maps[0] in found and maps[0].read_text() == "new"
    assert maps[1] not in found and maps[1].read_bytes() == b"x"
