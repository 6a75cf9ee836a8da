"""The dock: what may be pressed when, what is said, and what a run leaves behind."""

from __future__ import annotations

import json

import pytest
from plugin_stand_ins import (
    add_raster,
    card_values,
    polygon_layer,
    read_shapes,
    wait_until,
    write_card,
    write_raster,
)
from qgis.core import QgsCoordinateReferenceSystem, QgsRasterLayer, QgsRectangle, QgsSettings
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from scalescape.plugin.core import settings, zoo
from scalescape.plugin.gui.dock import ScalescapeDock
from scalescape.plugin.gui.labels import colour
from scalescape.plugin.gui.where_panel import CANVAS, OTHER


def hint(dock):
    return dock.run_bar.hint.text()


def press(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_nothing_is_started_before_the_dock_is_seen(dock, bridge, project, rasters):
    for name, file in rasters.items():
        add_raster(project, file, name)
    QTest.qWait(600)
    assert bridge._client is None


def test_it_says_step_by_step_what_is_missing(dock, project, rasters, model_file, tmp_path):
    dock.show()
    assert dock.output.folder.filePath(), "a folder is suggested"
    dock.output.set_folder("")
    assert "Choose a model" in hint(dock)
    dock.model.choose(str(model_file))
    assert "Choose a raster for bioclim" in hint(dock)
    assert dock.inputs.modalities["bioclim"].layer.currentText() == "— choose a raster —"
    add_raster(project, rasters["bioclim"], "climate")
    assert wait_until(lambda: "Choose a raster for satellite" in hint(dock))
    add_raster(project, rasters["satellite"], "scene")
    assert wait_until(lambda: "Choose a folder" in hint(dock))
    assert not dock.run_bar.run.isEnabled()
    dock.output.set_folder(str(tmp_path / "maps"))
    assert wait_until(dock.run_bar.run.isEnabled)
    assert hint(dock) == ""


def test_inputs_are_matched_and_marked(ready):
    satellite = ready.inputs.modalities["satellite"]
    assert [one.band for one in satellite.sources] == [1, 2, 3, 4]
    assert satellite.layer.currentLayer().name() == "satellite"
    assert satellite.found.text().count("✓") == 4 and "✗" not in satellite.found.text()


def test_the_check_fills_in_size_and_margin(ready):
    assert "128 × 124 pixels of 40 m" in ready.where.size.text()
    assert "margin lost: 570 m (satellite)" in ready.scales.aside.text()
    assert "windows of satellite leave its raster" in ready.scales.aside.toolTip()
    ready.scales.set_margin(0.0)
    assert "no margin lost" in ready.scales.aside.text() and not ready.scales.aside.toolTip()
    ready.where.set_step(2)
    assert not ready.run_bar.run.isEnabled()
    assert wait_until(lambda: "256 × 249 pixels of 20 m" in ready.where.size.text())
    assert wait_until(ready.run_bar.run.isEnabled)


def test_a_model_that_was_made_meanwhile_is_offered(ready, model_file, tmp_path, monkeypatch):
    monkeypatch.setattr("scalescape.plugin.gui.model_panel.known_models", zoo.known_models)
    made = tmp_path / "made.safetensors"
    made.write_bytes(model_file.read_bytes())
    settings.remember_model(str(made))
    combo, chosen = ready.model.combo, ready.model.path
    assert combo.findData(str(made)) < 0
    combo.showPopup()
    combo.hidePopup()
    assert combo.findData(str(made)) >= 0 and combo.findData(chosen) >= 0
    assert ready.model.path == chosen, "the choice stays"


def test_the_engine_s_devices_are_offered(ready):
    assert wait_until(lambda: ready.advanced.device.count() == 2)
    assert "no GPU" in ready.advanced.device_note.text()


def test_a_band_can_be_taken_from_elsewhere(ready, project, tmp_path):
    add_raster(project, write_raster(tmp_path / "other.tif", {"one": 1, "two": 2}), "other")
    bioclim = ready.inputs.modalities["bioclim"]
    combo = bioclim.band_combos[0]
    assert wait_until(lambda: combo.findText("other · two") >= 0)
    combo.setCurrentIndex(combo.findText("other · two"))
    combo.activated.emit(combo.currentIndex())
    assert bioclim.sources[0].file.endswith("other.tif") and bioclim.sources[0].band == 2
    assert "2 of 2 bands matched" in bioclim.layer.currentText()
    assert [len(one.bands) for one in ready.desk.draft.inputs()][:2] == [1, 1]


def test_a_wrong_choice_stays_and_the_engine_says_what_is_wrong(ready, project, rasters, tmp_path):
    write_raster(tmp_path / "more.tif", {"a": 1})
    satellite = ready.inputs.modalities["satellite"]
    satellite.choose_layer(project.mapLayersByName("bioclim")[0])
    assert wait_until(lambda: "swap the files" in hint(ready)), hint(ready)
    assert satellite.layer.currentLayer().name() == "bioclim"
    assert satellite.found.text().count("✗") == 4
    assert hint(ready).count("climate.tif holds") == 1 and str(rasters["bioclim"]) not in hint(ready)
    assert ready.run_bar.hint.toolTip() == str(rasters["bioclim"])
    assert not ready.run_bar.run.isEnabled()
    add_raster(project, tmp_path / "more.tif", "more")
    QTest.qWait(50)
    assert satellite.layer.currentLayer().name() == "bioclim", "the choice outlives other layers"
    satellite.choose_layer(project.mapLayersByName("satellite")[0])
    assert wait_until(ready.run_bar.run.isEnabled)


def test_bands_of_other_names_are_taken_in_order_and_marked(ready, project, tmp_path):
    odd = add_raster(project, write_raster(tmp_path / "odd.tif", {"a": 1, "b": 2, "c": 3, "d": 4}), "odd")
    satellite = ready.inputs.modalities["satellite"]
    satellite.choose_layer(odd)
    assert [one.band for one in satellite.sources] == [1, 2, 3, 4]
    assert "in the order of the file" in satellite.found.text()
    assert satellite.layer.currentLayer() is odd


def test_nothing_is_wrong_before_a_raster_was_chosen(dock, model_file):
    dock.show()
    dock.model.choose(str(model_file))
    text = dock.inputs.modalities["satellite"].found.text()
    assert "✗" not in text and text.count("–") == 4


def test_a_web_picture_is_refused_in_words(ready, project):
    uri = "type=xyz&url=https://example.org/{z}/{x}/{y}.png&zmax=19&zmin=0"
    picture = QgsRasterLayer(uri, "OpenStreetMap", "wms")
    project.addMapLayer(picture)
    ready.inputs.modalities["satellite"].choose_layer(picture)
    assert "WMS or XYZ picture" in hint(ready)
    assert not ready.run_bar.run.isEnabled()


def test_a_warning_that_would_spoil_the_map_must_be_acknowledged(ready, project, tmp_path):
    kelvin = add_raster(project, write_raster(tmp_path / "kelvin.tif", {"bio1": 2844, "bio12": 800}), "kelvin")
    ready.inputs.modalities["bioclim"].choose_layer(kelvin)
    assert wait_until(lambda: ready.cautions.boxes)
    assert not ready.run_bar.run.isEnabled() and "Acknowledge" in hint(ready)
    (box,) = ready.cautions.boxes.values()
    box.click()
    assert ready.run_bar.run.isEnabled()
    ready.where.set_step(8)
    assert wait_until(ready.run_bar.run.isEnabled), "another step does not change the inputs"
    ready.inputs.modalities["bioclim"].choose_layer(project.mapLayersByName("bioclim")[0])
    assert wait_until(lambda: not ready.cautions.boxes and ready.run_bar.run.isEnabled())
    ready.inputs.modalities["bioclim"].choose_layer(kelvin)
    assert wait_until(lambda: ready.cautions.boxes)
    assert not ready.run_bar.run.isEnabled(), "an acknowledgement lapses when the inputs change"


def test_scales_off_are_an_experiment_and_all_off_is_refused(ready):
    for box in ready.scales.boxes["bioclim"].values():
        box.click()
    assert "Fewer scales is an experiment" in ready.scales.note.text()
    assert wait_until(lambda: "untrained" in ready.scales.note.text())
    assert "satellite 1.15 km" in ready.scales.note.text(), "a scale is told by its width"
    assert not any(one.kind == "scales" for one in ready.cautions._shown), "it is said once"
    marks = ready.inputs.modalities["bioclim"].found.text()
    assert colour("good", ready) not in marks and "✓" in marks
    assert not ready.inputs.modalities["bioclim"].isEnabled()
    assert ready.desk.draft.job().scales == {"bioclim": ()}
    for box in ready.scales.boxes["satellite"].values():
        box.click()
    assert "All scales are off" in hint(ready)


def test_species_are_searched_ticked_and_shown_with_their_auc(ready):
    panel = ready.species
    assert panel.species() == ("Quercus ilex", "Pinus halepensis", "Fagus sylvatica")
    assert [panel.list.topLevelItem(i).text(1) for i in range(3)] == ["0.97", "0.83", "⚠ not tested"]
    assert "AUC 0.97, measured against background" in panel.list.topLevelItem(0).toolTip(1)
    panel.tick_all(False)
    assert "Tick at least one species" in hint(ready) and not ready.run_bar.run.isEnabled()
    panel.search.setText("pinus")
    panel.tick_all(True)
    assert panel.species() == ("Pinus halepensis",)
    assert "1 of 3" in panel.aside.text()
    assert ready.desk.draft.job().species == ("Pinus halepensis",)


def test_the_extent_follows_the_choice(ready, canvas):
    assert ready.draft().extent is None
    ready.where.choose_area(CANVAS)
    extent = ready.draft().extent
    assert (extent[1], extent[3]) == pytest.approx(
        (4799920, 4800000)
    ) and ready.draft().extent_crs == "EPSG:32631"
    canvas.setExtent(QgsRectangle(500000, 4799960, 500040, 4800000))
    assert ready.desk.draft.extent[3] - ready.desk.draft.extent[1] == pytest.approx(40)
    ready.where.choose_area(OTHER)
    assert ready.draft().extent[3] == pytest.approx(4800000), "it starts from the map view"
    assert "m around 500 0" in ready.where.other.told.text()
    assert ready.where.other.draw.isVisible()
    ready.where.other.field.setOutputExtentFromUser(
        QgsRectangle(1, 2, 3, 4), QgsCoordinateReferenceSystem("EPSG:4326")
    )
    # The field puts what it is given into the CRS of the map, where a box in degrees is somewhat larger.
    assert ready.draft().extent_crs == "EPSG:32631"
    assert (
        ready.draft().extent[2] == pytest.approx(500000) and "× 221 km around" in ready.where.other.told.text()
    )


def test_a_map_is_kept_within_the_polygons_of_a_layer(ready, project):
    within = ready.where.within
    assert within.combo.currentText() == "the whole extent" and ready.desk.draft.job().mask is None
    parks = polygon_layer([(500000, 4799920, 10), (500020, 4799920, 20)])
    project.addMapLayer(parks)
    assert ready.desk.draft.job().mask is None, "a layer that comes is not chosen"
    within.combo.setLayer(parks)
    first = ready.desk.draft.job().mask
    assert [area for area, _ in read_shapes(first)[:-1]] == [100, 400]
    assert not within.selected_only.isVisible()
    parks.select(2)
    assert wait_until(within.selected_only.isVisible)
    assert within.selected_only.text() == "only the selected polygon"
    within.selected_only.click()
    assert [area for area, _ in read_shapes(ready.desk.draft.job().mask)[:-1]] == [400]
    project.removeMapLayer(parks.id())
    assert wait_until(lambda: ready.desk.draft.job().mask is None)
    assert not within.selected_only.isVisible()


def test_precision_blending_and_verifying_are_asked_for(ready):
    advanced = ready.advanced
    assert advanced.verify.text() == "none"
    advanced.precision.setCurrentIndex(advanced.precision.findData("bfloat16"))
    advanced.blend.click()
    advanced.verify.setValue(200)
    assert advanced.verify.text() == "200 pixels"
    job = ready.desk.draft.job()
    assert (job.precision, job.blend, job.verify) == ("bfloat16", True, 200)


def test_a_nodata_value_belongs_to_its_file(ready, rasters):
    line = ready.advanced._nodata[str(rasters["satellite"])]
    line.setText("0")
    assert ready.desk.draft.job().nodata == {str(rasters["satellite"]): 0.0}
    line.setText("none")
    assert "no number" in hint(ready)


def test_a_run_adds_the_maps_and_says_so(ready, project, write_maps, tmp_path):
    write_maps(tmp_path / "maps")
    ends = []
    ready.ended.connect(lambda *end: ends.append(end))
    press(ready.run_bar.run)
    assert not ready.run_bar.run.isEnabled() and ready.run_bar.cancel.isEnabled()
    assert wait_until(lambda: ends)
    assert ends[0][0] == "success" and ends[0][2] == "3 species, 8 × 8 pixels, 1 s"
    assert ends[0][3] == str(tmp_path / "maps")
    (group,) = project.layerTreeRoot().findGroups()
    assert [node.name() for node in group.findLayers()] == [
        "Quercus ilex",
        "Pinus halepensis",
        "Fagus sylvatica",
    ]
    assert wait_until(ready.run_bar.run.isEnabled)
    assert not ready.run_bar.cancel.isEnabled()


def test_cancel_stops_the_run_and_adds_nothing(dock, project, rasters, tmp_path):
    for name, file in rasters.items():
        add_raster(project, file, name)
    dock.show()
    dock.model.choose(str(write_card(tmp_path / "slow.safetensors", card_values())))
    dock.output.set_folder(str(tmp_path / "maps"))
    assert wait_until(dock.run_bar.run.isEnabled)
    ends = []
    dock.ended.connect(lambda *end: ends.append(end))
    press(dock.run_bar.run)
    assert wait_until(lambda: "mapping" in dock.run_bar.progress.format())
    assert "left" in dock.run_bar.progress.format()
    press(dock.run_bar.cancel)
    assert wait_until(lambda: ends, 3)
    assert ends[0][0] == "info"
    assert project.layerTreeRoot().findGroups() == []
    assert wait_until(dock.run_bar.run.isEnabled)


def test_a_crash_becomes_one_sentence_and_run_works_again(ready, bridge, project):
    bridge._client.close()
    bridge._client = None
    bridge.behaviour.append("crash")
    ends = []
    ready.ended.connect(lambda *end: ends.append(end))
    press(ready.run_bar.run)
    assert wait_until(lambda: ends)
    assert ends[0][0] == "critical" and "RuntimeError: boom" in ends[0][2] and "Run again" in ends[0][2]
    assert wait_until(ready.run_bar.run.isEnabled), hint(ready)


def test_an_engine_that_lacks_torch_is_said_in_the_dock(dock, bridge, project, rasters, model_file, tmp_path):
    bridge.behaviour.append("lacking")
    for name, file in rasters.items():
        add_raster(project, file, name)
    dock.show()
    dock.model.choose(str(model_file))
    dock.output.set_folder(str(tmp_path / "maps"))
    assert wait_until(lambda: "lacks torch" in hint(dock))
    assert not dock.run_bar.run.isEnabled()


def test_a_python_that_does_not_exist_is_said_in_the_dock(
    project, canvas, rasters, model_file, tmp_path, monkeypatch
):
    from scalescape.plugin.core.engine_bridge import EngineBridge

    monkeypatch.setattr("scalescape.plugin.gui.model_panel.known_models", list)
    settings.set_value("engine_python", str(tmp_path / "gone" / "python"))
    for name, file in rasters.items():
        add_raster(project, file, name)
    dock = ScalescapeDock(EngineBridge(), project, canvas)
    dock.show()
    dock.model.choose(str(model_file))
    dock.output.set_folder(str(tmp_path / "maps"))
    assert wait_until(lambda: "does not exist" in hint(dock)), hint(dock)
    dock.close()


def test_a_file_that_is_no_model_is_said(dock, tmp_path):
    file = tmp_path / "other.safetensors"
    file.write_bytes(b"nonsense")
    dock.show()
    dock.model.choose(str(file))
    assert "no safetensors file" in hint(dock) and "no safetensors file" in dock.model.summary.text()


def test_a_folder_that_holds_a_run_is_left_alone(ready, tmp_path):
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "run.json").write_text("{}")
    ready.output.refresh()
    assert ready.draft().out == str(tmp_path / "maps-2")
    assert "maps-2" in ready.output.note.text()


def test_what_was_used_is_remembered_by_user_and_project(ready, project, model_file, tmp_path, write_maps):
    write_maps(tmp_path / "maps")
    ready.where.set_step(8)
    ready.species.set_species({"Quercus ilex"})
    parks = polygon_layer([(500000, 4799920, 10)])
    project.addMapLayer(parks)
    ready.where.within.combo.setLayer(parks)
    ready.advanced.restore({"precision": "float32", "blend": True, "verify": 30})
    assert wait_until(ready.run_bar.run.isEnabled)
    ends = []
    ready.ended.connect(lambda *end: ends.append(end))
    press(ready.run_bar.run)
    assert wait_until(lambda: ends)
    assert settings.recent_models() == [str(model_file)]
    run = settings.project_run(project)
    assert (run["step"], run["species"]) == (8, ["Quercus ilex"])
    assert json.loads(QgsSettings().value("scalescape/recent_models")) == [str(model_file)]
    ready.where.set_step(1)
    ready.species.tick_all(True)
    ready.where.within.combo.setLayer(None)
    ready.advanced.restore({})
    assert ready.advanced.verify.value() == 0 and not ready.advanced.blend.isChecked()
    ready.restore()
    assert ready.where.current_step == 8 and ready.species.species() == ("Quercus ilex",)
    draft = ready.draft()
    assert (draft.precision, draft.blend, draft.verify) == ("float32", True, 30)
    assert ready.where.within.mask.layer is parks and draft.mask
