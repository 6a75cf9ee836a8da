"""A run that lies in a folder opens as the dock would have shown it."""

from __future__ import annotations

import json

import pytest
from osgeo import gdal
from scalescape.engine.protocol import MapJob, RasterInput, to_params
from scalescape.plugin.core.engine_error import EngineError
from scalescape.plugin.core.finished_run import open_run
from scalescape.plugin.core.output_folder import fresh_folder


def write_run(folder, files, model_file, rasters) -> dict:
    """Write run.json into a folder, and its record into the tags of ``files``."""
    inputs = (RasterInput("satellite", str(rasters["satellite"])),)
    job = MapJob(str(model_file), inputs, str(folder), step=4, scales={"bioclim": ()})
    species = ["Fagus sylvatica", "Quercus ilex"]
    run = {"job": to_params(job), "species": species, "date": "2024-05-06T07:08:09", "warnings": ["a note"]}
    run["model"] = {"name": "test model", "sha256": "ab"}
    (folder / "run.json").write_text(json.dumps(run))
    for file in files:
        tag(file, run)
    return run


def tag(file, run) -> None:
    dataset = gdal.Open(str(file), gdal.GA_Update)
    dataset.SetMetadataItem("SCALESCAPE_RUN", json.dumps({**run, "warnings": []}))


def test_the_maps_open_in_the_run_s_order_with_its_summary(project, model_file, rasters, write_maps, tmp_path):
    folder = tmp_path / "maps"
    run = write_run(folder, write_maps(folder), model_file, rasters)
    layers = open_run(project, folder)
    assert [layer.name() for layer in layers] == [f"{name} · without bioclim" for name in run["species"]]
    (group,) = project.layerTreeRoot().findGroups()
    assert group.name() == "test model · 40 m · without bioclim · 2024-05-06 07:08"
    assert "Note: a note" in group.customProperty("scalescape/summary")


@pytest.mark.parametrize("other", [{"date": "2024-05-06T07:08:10"}, {"model": {"sha256": "cd"}}, None])
def test_a_map_of_another_run_gets_no_layer(project, model_file, rasters, write_maps, tmp_path, other):
    """Nor does one that says of no run."""
    folder = tmp_path / "maps"
    write_maps(folder)
    kept = folder / "quercus_ilex.tif"
    run = write_run(folder, [kept], model_file, rasters)
    if other is not None:
        tag(folder / "fagus_sylvatica.tif", {**run, **other})
    (layer,) = open_run(project, folder)
    assert layer.source() == str(kept)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"job": {"nonsense": 1}, "species": []}'])
def test_a_folder_without_a_run_is_one_sentence(project, tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(EngineError, match="holds no run that can be opened"):
        open_run(project, tmp_path)


def test_no_run_is_written_over_another(tmp_path):
    maps = tmp_path / "maps"
    assert fresh_folder(str(maps)) == str(maps)
    for expected in ("maps-2", "maps-3"):
        taken = fresh_folder(str(maps))
        (tmp_path / taken).mkdir()
        (tmp_path / taken / "run.json").write_text("{}")
        assert fresh_folder(str(maps)) == str(tmp_path / expected)
    assert fresh_folder("") == ""
