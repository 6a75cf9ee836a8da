"""Finished maps as layers: titles, colours and legends from what their files say."""

from __future__ import annotations

import pytest
from plugin_stand_ins import tag_raster, write_raster
from qgis.core import QgsRasterLayer
from scalescape.plugin.core.map_product import describe_product, map_product, style_product

pytestmark = pytest.mark.usefixtures("qgis_app")


@pytest.fixture
def styled(tmp_path):
    """Return a function that writes a map with tags and gives its layer, styled, and what the map is."""

    def make(value=0.5, name="band", byte=False, **tags):
        file = str(tag_raster(write_raster(tmp_path / "map.tif", {name: value}, byte=byte), **tags))
        one = map_product(file)
        layer = QgsRasterLayer(file, one.title)
        style_product(layer, one)
        return layer, one

    return make


def ends(layer):
    renderer = layer.renderer()
    return renderer.classificationMin(), renderer.classificationMax()


def colour_of(layer, value):
    """Return the colour in which a ramp shows ``value``."""
    good, red, green, blue, _ = layer.renderer().shader().shade(value)
    assert good
    return red, green, blue


def test_a_map_of_another_tool_is_suitability_called_by_its_band(styled):
    layer, one = styled(name="suitability of Picea")
    assert one.title == "suitability of Picea" and ends(layer) == (0, 1)


def test_occurrence_is_called_a_probability(styled):
    layer, one = styled(PRODUCT="occurrence", SPECIES="Picea", QUANTITY="occurrence")
    assert one.title == "Picea: probability of presence" and ends(layer) == (0, 1)


def test_bytes_show_on_the_scale_of_probabilities(styled):
    layer, _ = styled(200, byte=True, scale=1 / 250, PRODUCT="probability", SPECIES="Picea")
    assert ends(layer) == (0, 1)
    value, good = layer.dataProvider().sample(layer.extent().center(), 1)
    assert good and value == pytest.approx(0.8)


def test_yes_or_no_has_two_colours_and_names_its_rule(styled):
    layer, one = styled(1, PRODUCT="binary", SPECIES="Picea", QUANTITY="above threshold (largest TSS)")
    assert one.title == "Picea: above threshold (largest TSS)"
    labels = {item.value: item.label for item in layer.renderer().classes()}
    assert labels == {0: "below threshold", 1: "at or above threshold"}


def test_richness_is_called_what_it_is_and_fills_its_ramp(styled):
    layer, one = styled(
        4.87, "Number of modelled species above threshold", PRODUCT="richness", SPECIES_COUNT="9"
    )
    assert one.title == "Number of modelled species above threshold" and ends(layer) == (0, 4.9)


def is_purple(colour):
    return colour[2] > colour[1]


def labels(layer):
    return [item.label for item in layer.renderer().shader().rasterShaderFunction().colorRampItemList()]


def test_novelty_changes_colour_at_the_end_of_the_training_range(styled):
    layer, one = styled(-30, "MESS", PRODUCT="novelty")
    assert "negative is outside" in one.title
    assert all(is_purple(colour_of(layer, value)) for value in (-1e4, -30, -5, -0.01))
    assert not any(is_purple(colour_of(layer, value)) for value in (0, 0.01, 30, 100))
    assert labels(layer)[0].startswith("below −20") and labels(layer)[2] == "−10 to 0: just outside"


def test_novelty_of_features_changes_colour_at_one(styled):
    layer, one = styled(0.4, "Novelty of satellite 25 px", PRODUCT="novelty of features")
    assert one.title == "Novelty of satellite 25 px: above 1 is novel"
    assert one.short_title == "satellite 25 px: above 1 is novel"
    assert not any(is_purple(colour_of(layer, value)) for value in (0, 0.6, 1))
    assert all(is_purple(colour_of(layer, value)) for value in (1.001, 1.7, 90))
    assert labels(layer)[3] == "1 to 1.5: novel"


@pytest.mark.parametrize(("value", "end"), [(-0.313, 0.32), (0.0871, 0.088)])
def test_a_difference_is_symmetric_about_zero(styled, value, end):
    layer, one = styled(value, PRODUCT="difference", SPECIES="Picea")
    assert one.title == "Picea: difference, second minus first map"
    assert ends(layer) == pytest.approx((-end, end))


@pytest.mark.parametrize("product", ["change", "top", "novelty_limiting"])
def test_categories_have_the_names_and_colours_of_the_file(styled, product):
    categories = {"gain": (33, 102, 172), "loss": (217, 95, 2)}
    layer, _ = styled(1, byte=True, categories=categories, PRODUCT=product, SPECIES="Picea")
    found = {item.label: (item.value, *item.color.getRgb()[:3]) for item in layer.renderer().classes()}
    assert found == {"gain": (1, 33, 102, 172), "loss": (2, 217, 95, 2)}


def test_a_file_of_several_bands_says_which_one_shows(tmp_path):
    file = str(write_raster(tmp_path / "all.tif", {"Picea": 0.1, "Fagus": 0.2, "Abies": 0.3}))
    assert map_product(file).title == "Picea (the first of 3 bands)"


def test_a_layer_says_what_it_means_and_whence_it_came(styled):
    layer, one = styled(PRODUCT="top", QUANTITY="most favoured species", MEANING="Most favoured.")
    describe_product(layer, one, ("From a run",))
    assert layer.abstract() == "Most favoured.\nFrom a run" and layer.title() == one.title
    assert layer.metadata().keywords() == {"quantity": ["most favoured species"]}
    assert layer.metadata().history() == ["Scalescape: From a run"]


def test_a_file_that_is_gone_has_no_tags():
    assert map_product("/nowhere/gone.tif").title == "gone"
