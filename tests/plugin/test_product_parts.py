"""A run of several kinds of maps: a part of the group for each, species first to be seen."""

from __future__ import annotations

import pytest
from plugin_stand_ins import tag_raster, write_raster
from scalescape.plugin.core import product_parts
from scalescape.plugin.core.result_layers import ResultGroup, RunSummary

SUMMARY = RunSummary("test · 40 m", ("Model: test",))
ORDER = ("Fagus sylvatica", "Quercus ilex", "Pinus halepensis")
COLOURS = {"bioclim: bio1": (1, 2, 3), "satellite: red": (4, 5, 6)}


@pytest.fixture
def files(write_maps, tmp_path):
    """Return the files of a run of all kinds of maps."""
    folder = tmp_path / "maps"
    found = write_maps(folder)

    def make(name, band, value, byte=False, categories=None, **tags):
        raster = write_raster(folder / f"{name}.tif", {band: value}, byte=byte)
        found.append(str(tag_raster(raster, categories=categories, **tags)))

    for species in ORDER:
        make(
            f"binary_{species}", species, 1, True, PRODUCT="binary", SPECIES=species, QUANTITY="above threshold"
        )
    make("richness", "Richness", 3, PRODUCT="richness", QUANTITY="number of species")
    make("novelty", "MESS", -5, PRODUCT="novelty", QUANTITY="MESS")
    make("novelty_limiting", "band", 1, True, COLOURS, PRODUCT="novelty_limiting", QUANTITY="predictor")
    make("novelty_features_bioclim_1", "Novelty of bioclim 1 px", 0.5, PRODUCT="novelty of features")
    return found


def shown(project, files, card, products):
    """Return the group of a run after its maps were shown, and the layers that came of them."""
    group = ResultGroup(project, card, ORDER, SUMMARY, products)
    layers = group.show_maps(files)
    return group.group, layers


def test_each_kind_is_a_part_and_the_typical_species_shows(project, card, files):
    group, layers = shown(project, files, card, ("probability", "binary", "richness", "novelty"))
    assert [part.name() for part in group.children()] == [
        "Novelty", "Richness and top species", "Above threshold", "Relative suitability",
    ]  # fmt: skip
    *others, species = group.children()
    assert [node.name() for node in species.findLayers()] == list(ORDER)
    assert len(layers) == len(files) and [layer.name() for layer in layers[:3]] == list(ORDER)
    visible = [node.name() for node in group.findLayers() if node.isVisible()]
    assert len(visible) == 1 and visible[0] in ORDER
    assert species.isExpanded() and not any(part.isExpanded() for part in others)


def test_a_click_lays_another_map_over_the_species(project, card, files):
    group, _ = shown(project, files, card, ("probability", "novelty"))
    before = [node.name() for node in group.findLayers() if node.isVisible()]
    novelty = group.children()[0].findLayers()
    assert [node.name() for node in novelty] == [
        "MESS: negative is outside the training range", "the least familiar predictor",
        "bioclim 1 px: above 1 is novel",
    ]  # fmt: skip
    novelty[0].setItemVisibilityChecked(True)
    novelty[1].setItemVisibilityChecked(True)
    visible = [node.name() for node in group.findLayers() if node.isVisible()]
    assert visible == [novelty[1].name(), *before], "of a part one shows at a time"


def test_the_preview_stands_where_the_species_will(project, card, files, tmp_path):
    preview = write_raster(tmp_path / "preview.tif", dict.fromkeys(ORDER, 0.3))
    group = ResultGroup(project, card, ORDER, SUMMARY, ("probability", "novelty"))
    group.show_preview(str(preview))
    assert [part.name() for part in group.group.children()] == ["Relative suitability"]
    group.show_maps(files)
    assert [node.name() for node in group.group.findGroup("Relative suitability").findLayers()] == list(ORDER)


def test_without_maps_of_species_the_others_stand_alone(project, card, files, tmp_path):
    novelty = [file for file in files if "novelty" in file]
    group = ResultGroup(project, card, ORDER, SUMMARY, ("novelty",))
    group.show_preview(str(write_raster(tmp_path / "preview.tif", dict.fromkeys(ORDER, 0.3))))
    layers = group.show_maps(novelty)
    assert [part.name() for part in group.group.children()] == ["Novelty"] and len(layers) == 3
    assert group.species_shown == 0


def test_a_file_for_all_species_gives_a_layer_for_each(project, card, tmp_path):
    values = {name: 0.1 * number for number, name in enumerate(ORDER, start=1)}
    file = tag_raster(
        write_raster(tmp_path / "binary.tif", values), PRODUCT="binary", QUANTITY="above threshold"
    )
    _, layers = shown(project, [str(file)], card, ("binary",))
    sampled = [
        layer.dataProvider().sample(layer.extent().center(), layer.renderer().band()) for layer in layers
    ]
    assert [value for value, _ in sampled] == pytest.approx([0.1, 0.2, 0.3])
    assert [layer.name() for layer in layers] == list(ORDER)


def test_of_very_many_species_the_first_become_layers(project, card, files, monkeypatch):
    monkeypatch.setattr(product_parts, "MOST_LAYERS", 2)
    group, _ = shown(project, files, card, ("probability", "binary"))
    assert len(group.findGroup("Above threshold").findLayers()) == 2
