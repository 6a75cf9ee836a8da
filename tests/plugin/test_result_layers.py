"""A run's layers: one group, the chosen order, one style, and words that say what the numbers mean."""

from __future__ import annotations

from dataclasses import replace

import pytest
from plugin_stand_ins import write_raster
from qgis.core import QgsRasterLayer
from scalescape.plugin.core.result_layers import (
    SUMMARY_PROPERTY,
    ResultGroup,
    RunSummary,
    quantity_title,
)

SUMMARY = RunSummary("test · 40 m", ("Model: test", "Step: 4"))
ORDER = ("Fagus sylvatica", "Quercus ilex", "Pinus halepensis")


@pytest.fixture
def group(project, card):
    return ResultGroup(project, card, ORDER, SUMMARY)


def names(group):
    return [node.layer().name() for node in group.group.findLayers()]


def test_layers_stand_in_one_group_on_top_in_the_chosen_order(project, group, write_maps, tmp_path):
    below = QgsRasterLayer(str(write_raster(tmp_path / "below.tif", {"a": 1})), "below")
    project.addMapLayer(below)
    group.show_maps(write_maps(tmp_path / "maps"))
    root = project.layerTreeRoot()
    assert [node.name() for node in root.children()] == ["test · 40 m", "below"]
    assert names(group) == list(ORDER)
    assert group.group.customProperty(SUMMARY_PROPERTY) == "test · 40 m\nModel: test\nStep: 4"


def test_each_layer_shows_its_own_values(group, write_maps, tmp_path):
    layers = {layer.name(): layer for layer in group.show_maps(write_maps(tmp_path / "maps"))}
    for name, value in (("Quercus ilex", 0.2), ("Pinus halepensis", 0.4), ("Fagus sylvatica", 0.6)):
        layer = layers[name]
        sampled, good = layer.dataProvider().sample(layer.extent().center(), 1)
        assert good and sampled == pytest.approx(value)


def test_the_style_is_the_same_for_all_and_fixed_to_0_1(group, write_maps, tmp_path):
    items = []
    for layer in group.show_maps(write_maps(tmp_path / "maps")):
        function = layer.renderer().shader().rasterShaderFunction()
        assert (function.minimumValue(), function.maximumValue()) == (0, 1)
        items.append([(round(i.value, 6), i.color.name()) for i in function.colorRampItemList()])
    assert items[0] == items[1] == items[2]
    assert items[0][0] == (0, "#440154") and items[0][-1] == (1, "#fde725")


def test_the_ramp_gets_lighter_all_the_way(group, write_maps, tmp_path):
    layer = group.show_maps(write_maps(tmp_path / "maps"))[0]
    colours = [i.color for i in layer.renderer().shader().rasterShaderFunction().colorRampItemList()]
    luminance = [
        0.2126 * c.redF() ** 2.2 + 0.7152 * c.greenF() ** 2.2 + 0.0722 * c.blueF() ** 2.2 for c in colours
    ]
    assert luminance == sorted(luminance)


def test_legend_title_and_metadata_say_what_the_numbers_are(project, group, write_maps, tmp_path):
    layer = group.show_maps(write_maps(tmp_path / "maps"))[0]
    node = project.layerTreeRoot().findLayer(layer.id())
    assert node.customProperty("legend/label-0") == "Relative suitability"
    metadata = layer.metadata()
    assert metadata.title() == "Fagus sylvatica: relative suitability"
    assert "not a probability of occurrence" in metadata.abstract()
    assert metadata.licenses() == ["CC0-1.0"]
    assert metadata.crs().authid() == "EPSG:32631"


def test_surveys_without_background_give_favourability(card):
    training = replace(card.training, lambda2=1, background="")
    species = replace(card.species[0], kind="pa", prevalence=0.2)
    assert quantity_title(replace(card, training=training), species) == "Favourability"
    assert quantity_title(card, species) == "Relative suitability"


def test_one_layer_shows_at_a_time(group, write_maps, tmp_path):
    group.show_maps(write_maps(tmp_path / "maps"))
    nodes = group.group.findLayers()
    # Of all species the one at the upper quartile of AUC: that of 0.83 and 0.97, one has none.
    assert [node.itemVisibilityChecked() for node in nodes] == [False, True, False]
    assert [node.isExpanded() for node in nodes] == [False, True, False]
    nodes[2].setItemVisibilityChecked(True)
    assert [node.itemVisibilityChecked() for node in nodes] == [False, False, True]


def test_of_some_species_the_first_shows(project, card, write_maps, tmp_path):
    names = ("Fagus sylvatica", "Quercus ilex")
    group = ResultGroup(project, card, names, SUMMARY)
    group.show_maps(write_maps(tmp_path / "maps"))
    assert [node.itemVisibilityChecked() for node in group.group.findLayers()] == [True, False]


def test_the_newest_group_is_open_and_earlier_ones_are_closed(project, card, group, write_maps, tmp_path):
    files = write_maps(tmp_path / "maps")
    theirs = project.layerTreeRoot().addGroup("the user's")
    group.show_maps(files)
    newer = ResultGroup(project, card, ORDER, replace(SUMMARY, title="newer"))
    newer.show_maps(files)
    assert newer.group.isExpanded() and not group.group.isExpanded() and theirs.isExpanded()
    assert [node.name() for node in project.layerTreeRoot().children()] == [
        "newer",
        "test · 40 m",
        "the user's",
    ]


def test_the_preview_is_replaced_and_the_species_shown_stays(project, group, write_maps, tmp_path):
    preview = write_raster(tmp_path / "preview.tif", dict(zip(ORDER, (0.1, 0.2, 0.3))))
    shown = group.show_preview(str(preview))
    assert names(group) == [f"{name} (preview)" for name in ORDER]
    assert [layer.renderer().band() for layer in shown] == [1, 2, 3]
    group.group.findLayers()[2].setItemVisibilityChecked(True)
    group.show_maps(write_maps(tmp_path / "maps"))
    assert names(group) == list(ORDER)
    assert len(project.mapLayers()) == 3
    assert [node.itemVisibilityChecked() for node in group.group.findLayers()] == [False, False, True]


def test_a_preview_without_maps_leaves_nothing_behind(project, group, tmp_path):
    group.show_preview(str(write_raster(tmp_path / "preview.tif", dict(zip(ORDER, (0.1, 0.2, 0.3))))))
    group.drop_preview()
    assert project.mapLayers() == {} and project.layerTreeRoot().children() == []


def test_a_group_that_the_user_removed_is_made_again(project, group, write_maps, tmp_path):
    group.show_preview(str(write_raster(tmp_path / "preview.tif", dict(zip(ORDER, (0.1, 0.2, 0.3))))))
    project.clear()
    group.show_maps(write_maps(tmp_path / "maps"))
    assert names(group) == list(ORDER)


def test_an_experiment_is_named_in_the_layers(project, card, write_maps, tmp_path):
    summary = replace(SUMMARY, experiment="without satellite 115")
    layers = ResultGroup(project, card, ORDER, summary).show_maps(write_maps(tmp_path / "maps"))
    assert layers[0].name() == "Fagus sylvatica · without satellite 115"
