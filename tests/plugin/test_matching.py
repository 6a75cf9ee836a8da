"""Which layers and which model are chosen: the best match by name, and what was chosen is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from plugin_stand_ins import add_raster, card_values, wait_until, write_card, write_raster
from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtTest import QTest
from scalescape.engine.protocol import RasterInput
from scalescape.plugin.core import settings, zoo
from scalescape.plugin.core.inputs import BY_LAYER, BY_NAME, BY_ORDER, match, raster_inputs, rating, rivals
from scalescape.plugin.core.project_rasters import told_apart
from scalescape.plugin.core.raster_facts import raster_of_file, raster_of_layer
from scalescape.plugin.processing.map_algorithm import MapAlgorithm

pytestmark = pytest.mark.usefixtures("qgis_app")


def files(sources):
    return [None if one is None else (Path(one.file).name, one.band) for one in sources]


def settled(dock):
    QTest.qWait(60)
    return dock


@pytest.mark.parametrize(
    "names",
    [["wc2.1_30s_bio_12", "wc2.1_30s_bio_1"], ["BIO12", "bio_01"], ["CHELSA_bio12_1981-2010_V.2.1", "bio 1"]],
)
def test_names_are_compared_by_their_parts(tmp_path, card, names):
    file = write_raster(tmp_path / "a.tif", dict.fromkeys(names, 1))
    found = match(card.modality("bioclim"), [raster_of_file(str(file))])
    assert files(found) == [("a.tif", 2), ("a.tif", 1)] and rating(found) == (2, BY_NAME)


def test_sentinel_s_bands_are_colours(tmp_path, card):
    file = write_raster(tmp_path / "a.tif", {"B02": 1, "B03": 1, "B04": 1, "B08": 1})
    assert files(match(card.modality("satellite"), [raster_of_file(str(file))])) == [
        ("a.tif", n) for n in (3, 2, 1, 4)
    ]


def test_names_beat_layers_names_and_these_beat_the_order(tmp_path, card):
    modality = card.modality("bioclim")
    nameless = write_raster(tmp_path / "bioclim.tif", {"": 1, " ": 1})
    order = raster_of_file(str(nameless))
    object.__setattr__(order, "bands", ("", ""))
    layers = [
        raster_of_layer(QgsRasterLayer(str(write_raster(tmp_path / f"{n}.tif", {"": 1})), name))
        for n, name in (("x", "bio1"), ("y", "bio12"))
    ]
    named = raster_of_file(str(write_raster(tmp_path / "z.tif", {"bio12": 1, "bio1": 1})))
    assert rating(match(modality, [order])) == (2, BY_ORDER)
    assert rating(match(modality, [order, *layers])) == (2, BY_LAYER)
    assert files(match(modality, [order, *layers])) == [("x.tif", 1), ("y.tif", 1)]
    assert files(match(modality, [order, *layers, named])) == [("z.tif", 2), ("z.tif", 1)]


def test_a_band_in_two_layers_is_nobodys_unless_both_show_one_file(tmp_path, card):
    modality = card.modality("bioclim")
    first = raster_of_file(str(write_raster(tmp_path / "bio1.tif", {"": 1})))
    (tmp_path / "b").mkdir()
    second = raster_of_file(str(write_raster(tmp_path / "b" / "bio1.tif", {"": 1})))
    assert match(modality, [first, second]) == [None, None]
    named = rivals(modality, told_apart([first, second]))
    assert named == {0: [f"bio1 ({tmp_path.name}/bio1.tif)", "bio1 (b/bio1.tif)"]}
    again = raster_of_file(str(tmp_path / "bio1.tif"))
    assert files(match(modality, [first, again])) == [("bio1.tif", 1), None]


def test_layers_of_one_name_are_told_apart(tmp_path):
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    one = raster_of_layer(QgsRasterLayer(str(write_raster(folders[0] / "x.tif", {"": 1})), "modis"))
    two = raster_of_layer(QgsRasterLayer(str(write_raster(folders[1] / "y.tif", {"": 1})), "modis"))
    three = raster_of_layer(QgsRasterLayer(str(write_raster(folders[2] / "x.tif", {"": 1})), "modis"))
    other = raster_of_layer(QgsRasterLayer(str(folders[0] / "x.tif"), "else"))
    twin = raster_of_layer(QgsRasterLayer(str(folders[0] / "x.tif"), "modis"))
    assert [raster.shown for raster in told_apart([one, two, other])] == [
        "modis (x.tif)",
        "modis (y.tif)",
        "else",
    ]
    assert [raster.shown for raster in told_apart([one, three])] == ["modis (a/x.tif)", "modis (c/x.tif)"]
    assert [raster.shown for raster in told_apart([one, twin])] == ["modis (1)", "modis (2)"]


def test_a_file_in_its_own_order_is_given_whole_so_that_the_engine_says_so(tmp_path, card):
    nameless = raster_of_file(str(write_raster(tmp_path / "bioclim.tif", {"": 1, " ": 1})))
    object.__setattr__(nameless, "bands", ("", ""))
    assert raster_inputs("bioclim", match(card.modality("bioclim"), [nameless])) == (
        RasterInput("bioclim", nameless.file),
    )
    assert raster_inputs("bioclim", match(card.modality("bioclim"), [nameless])[::-1]) == (
        RasterInput("bioclim", nameless.file, (2, 1)),
    )


def test_a_new_layer_replaces_no_match_that_is_as_good(ready, project, tmp_path):
    """Not one called like the modality without names, nor a second one with the same names."""
    bioclim, satellite = (ready.inputs.modalities[name] for name in ("bioclim", "satellite"))
    before = files(bioclim.sources), files(satellite.sources)
    scrambled = write_raster(tmp_path / "new.tif", {"": 1, " ": 1})
    add_raster(project, scrambled, "bioclim")
    again = write_raster(tmp_path / "again.tif", {"bio12": 1, "bio1": 1})
    add_raster(project, again, "bioclim")
    add_raster(
        project, write_raster(tmp_path / "s.tif", {"nir": 1, "red": 1, "green": 1, "blue": 1}), "satellite"
    )
    settled(ready)
    assert (files(bioclim.sources), files(satellite.sources)) == before
    shown = [bioclim.layer.itemText(i) for i in range(bioclim.layer.count())]
    assert len(set(shown)) == len(shown) and "bioclim (again.tif)" in shown
    assert bioclim.layer.currentText() == "bioclim (climate.tif)"


def test_a_better_match_takes_the_place_of_an_order(dock, project, model_file, tmp_path):
    add_raster(project, write_raster(tmp_path / "bioclim.tif", {"Band 1": 1, "Band 2": 1}), "bioclim")
    dock.show()
    dock.model.choose(str(model_file))
    bioclim = dock.inputs.modalities["bioclim"]
    assert files(bioclim.sources) == [("bioclim.tif", 1), ("bioclim.tif", 2)]
    assert "in the order of the file" in bioclim.found.text()
    add_raster(project, write_raster(tmp_path / "other.tif", {"bio12": 1, "bio1": 1}), "other")
    assert wait_until(lambda: files(bioclim.sources) == [("other.tif", 2), ("other.tif", 1)])


def test_what_the_user_chose_is_never_replaced(ready, project, tmp_path):
    satellite = ready.inputs.modalities["satellite"]
    odd = add_raster(project, write_raster(tmp_path / "odd.tif", {"a": 1, "b": 1, "c": 1, "d": 1}), "odd")
    satellite.choose_layer(odd)
    best = write_raster(tmp_path / "satellite.tif", {"red": 1, "green": 1, "blue": 1, "nir": 1})
    add_raster(project, best, "satellite")
    settled(ready)
    assert files(satellite.sources) == [("odd.tif", n) for n in (1, 2, 3, 4)]
    assert satellite.layer.currentLayer() is odd
    satellite.layer.setCurrentIndex(0)
    satellite.layer.activated.emit(0)
    assert satellite.sources == [None] * 4
    add_raster(project, write_raster(tmp_path / "more.tif", {"x": 1}), "more")
    settled(ready)
    assert satellite.sources == [None] * 4, "nothing is a choice, too"


def test_a_doubtful_band_is_said_to_be_in_several_layers(dock, project, model_file, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        add_raster(project, write_raster(tmp_path / folder / "bio1.tif", {"": 1}), "heat")
    add_raster(project, write_raster(tmp_path / "bio12.tif", {"": 1}), "rain")
    dock.show()
    dock.model.choose(str(model_file))
    bioclim = dock.inputs.modalities["bioclim"]
    assert files(bioclim.sources) == [None, ("bio12.tif", 1)]
    assert "bio1 is in heat (" in bioclim.found.text() and "a/bio1.tif" in bioclim.found.text()


def test_processing_names_the_layers_that_a_band_is_in(project, context, model_file, rasters, tmp_path):
    layers = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        layers.append(add_raster(project, write_raster(tmp_path / folder / "bio1.tif", {"": 1}), "heat"))
    layers.append(add_raster(project, write_raster(tmp_path / "bio12.tif", {"": 1}), "rain"))
    layers.append(add_raster(project, rasters["satellite"], "scene"))
    parameters = {
        "MODEL": str(model_file),
        "LAYERS": [one.id() for one in layers],
        "OUTPUT": str(tmp_path / "o"),
    }
    good, said = MapAlgorithm().create({}).checkParameterValues(parameters, context)
    assert not good and "bio1 (bioclim) is in several of the layers" in said and "b/bio1.tif" in said


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A zoo of three models, of which the first by name fits no raster of the tests."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    for name, bands in (("alps", ("snow", "ice")), ("demo", ("bio1", "bio12")), ("forest", ("pine", "oak"))):
        values = card_values()
        values["name"] = name
        values["modalities"] = values["modalities"][:1]
        for band, called in zip(values["modalities"][0]["bands"], bands):
            band["name"] = called
        write_card(folder / f"{name}.safetensors", values)
    monkeypatch.setattr("scalescape.plugin.gui.model_panel.known_models", lambda: zoo.known_models(folder))
    return folder


def chosen(dock):
    return Path(dock.model.path).stem


def test_a_fresh_profile_begins_with_the_demo(dock, models):
    dock.show()
    assert chosen(dock) == "demo"


def test_the_model_whose_bands_are_loaded_is_chosen_and_chosen_anew(dock, models, project, tmp_path):
    layer = add_raster(project, write_raster(tmp_path / "f.tif", {"oak": 1, "Pine": 1}), "forest")
    dock.show()
    assert chosen(dock) == "forest"
    project.removeMapLayer(layer.id())
    settled(dock)
    assert chosen(dock) == "forest", "no other fits better"
    add_raster(project, write_raster(tmp_path / "s.tif", {"Ice": 1, "snow": 1}), "snow")
    assert wait_until(lambda: chosen(dock) == "alps")
    add_raster(project, write_raster(tmp_path / "d.tif", {"bio1": 1, "bio12": 1}), "demo")
    settled(dock)
    assert chosen(dock) == "alps", "another that fits as well is no reason to change"


def test_a_model_that_the_user_chose_stays(dock, models, project, tmp_path):
    dock.show()
    dock.model.combo.opening.emit()
    index = dock.model.combo.findText("forest")
    dock.model.combo.setCurrentIndex(index)
    dock.model.combo.activated.emit(index)
    add_raster(project, write_raster(tmp_path / "s.tif", {"ice": 1, "snow": 1}), "snow")
    settled(dock)
    assert chosen(dock) == "forest"
    dock._on_project()
    settled(dock)
    assert chosen(dock) == "forest", "nor does another project change it"


def test_a_project_s_model_and_the_user_s_last_one_win(dock, models, project, tmp_path):
    add_raster(project, write_raster(tmp_path / "s.tif", {"ice": 1, "snow": 1}), "snow")
    settings.set_value("model", str(models / "forest.safetensors"))
    dock.show()
    assert chosen(dock) == "forest"
    settings.set_project_run(project, {"model": str(models / "demo.safetensors")})
    dock._on_project()
    assert chosen(dock) == "demo"


def test_opening_a_project_chooses_again(dock, models, project, tmp_path):
    dock.show()
    assert chosen(dock) == "demo"
    saved = tmp_path / "p.qgs"
    add_raster(project, write_raster(tmp_path / "s.tif", {"ice": 1, "snow": 1}), "snow")
    assert wait_until(lambda: chosen(dock) == "alps")
    assert project.write(str(saved))
    dock.model.choose(str(models / "demo.safetensors"))
    QgsProject.instance().read(str(saved))
    assert wait_until(lambda: chosen(dock) == "alps")


def test_the_shipped_models_fit_their_own_rasters(tmp_path):
    demo, california = (
        next(one.path for one in zoo.known_models() if Path(one.path).stem == name)
        for name in ("demo", "california")
    )
    models = zoo.known_models()
    assert zoo.fitting_model(models, []) == demo
    scene = write_raster(tmp_path / "satellite.tif", {"red": 1, "green": 1, "blue": 1, "nir": 1})
    assert zoo.fitting_model(models, [raster_of_file(str(scene))]) == demo
    climate = write_raster(tmp_path / "climate_pc.tif", {f"CFP_{n}": 1 for n in (1, 2, 3, 4)})
    assert zoo.fitting_model(models, [raster_of_file(str(climate))]) == california
