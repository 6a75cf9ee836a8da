"""Bands are found by name, and what can't be used is refused with the reason."""

from __future__ import annotations

import pytest
from plugin_stand_ins import write_raster
from qgis.core import QgsRasterLayer
from scalescape.engine.protocol import RasterInput
from scalescape.plugin.core.inputs import BandSource, match, match_raster, raster_inputs
from scalescape.plugin.core.raster_facts import raster_of_file, raster_of_layer

pytestmark = pytest.mark.usefixtures("qgis_app")


def bands_of(sources):
    return [None if one is None else (one.file, one.band) for one in sources]


def test_bands_are_found_by_their_description_in_any_order(tmp_path, card):
    file = write_raster(tmp_path / "s.tif", {"NIR": 1, "Blue": 1, "x": 1, "Green": 1, "Red": 1})
    found = match(card.modality("satellite"), [raster_of_file(str(file))])
    assert bands_of(found) == [(str(file), 5), (str(file), 4), (str(file), 2), (str(file), 1)]
    assert all(one.by_name for one in found)


def test_single_files_are_found_by_layer_and_by_file_name(tmp_path, card):
    first = write_raster(tmp_path / "CHELSA_bio1_1981-2010.tif", {"": 1})
    second = write_raster(tmp_path / "wc2.tif", {"": 1})
    layers = [QgsRasterLayer(str(first), "temperature"), QgsRasterLayer(str(second), "bio 12")]
    found = match(card.modality("bioclim"), [raster_of_layer(layer) for layer in layers])
    assert bands_of(found) == [(str(first), 1), (str(second), 1)]


def test_bio1_is_not_taken_from_bio12(tmp_path, card):
    file = write_raster(tmp_path / "bio12.tif", {"": 1})
    assert bands_of(match(card.modality("bioclim"), [raster_of_file(str(file))])) == [None, (str(file), 1)]


def test_the_raster_that_is_called_like_the_modality_wins(tmp_path, card):
    names = {"red": 1, "green": 1, "blue": 1, "nir": 1}
    other = write_raster(tmp_path / "drone.tif", names)
    wanted = write_raster(tmp_path / "satellite_2020.tif", names)
    found = match(card.modality("satellite"), [raster_of_file(str(other)), raster_of_file(str(wanted))])
    assert {one.file for one in found} == {str(wanted)}


def test_bands_without_names_are_taken_in_order_only_from_a_raster_of_the_right_name(tmp_path, card):
    nameless = {"": 1, " ": 1, "  ": 1, "   ": 1}
    satellite = raster_of_file(str(write_raster(tmp_path / "satellite.tif", dict(nameless))))
    other = raster_of_file(str(write_raster(tmp_path / "other.tif", dict(nameless))))
    object.__setattr__(satellite, "bands", ("", "", "", ""))
    object.__setattr__(other, "bands", ("", "", "", ""))
    modality = card.modality("satellite")
    assert match(modality, [other]) == [None] * 4
    found = match(modality, [other, satellite])
    assert bands_of(found) == [(satellite.file, number) for number in (1, 2, 3, 4)]
    assert not any(one.by_name for one in found)
    assert bands_of(match_raster(modality, other)) == [(other.file, number) for number in (1, 2, 3, 4)]


def test_swapped_files_match_nothing(rasters, card):
    assert match(card.modality("satellite"), [raster_of_file(str(rasters["bioclim"]))]) == [None] * 4


def test_a_web_picture_is_refused_with_the_reason(card):
    uri = "type=xyz&url=https://example.org/{z}/{x}/{y}.png&zmax=19&zmin=0"
    raster = raster_of_layer(QgsRasterLayer(uri, "OpenStreetMap", "wms"))
    assert "OpenStreetMap is a WMS or XYZ picture" in raster.refusal
    assert match_raster(card.modality("satellite"), raster) == [None] * 4


def test_a_broken_layer_and_a_file_that_is_no_raster_are_refused(tmp_path):
    assert "can't be read" in raster_of_layer(QgsRasterLayer(str(tmp_path / "gone.tif"), "gone")).refusal
    text = tmp_path / "notes.txt"
    text.write_text("no raster")
    assert "no raster that GDAL can open" in raster_of_file(str(text)).refusal


def test_neighbouring_bands_of_a_file_become_one_input_in_the_card_s_order():
    sources = [BandSource("a", 3, ""), BandSource("a", 1, ""), BandSource("b", 1, ""), BandSource("a", 2, "")]
    assert raster_inputs("m", sources) == (
        RasterInput("m", "a", (3, 1)),
        RasterInput("m", "b", (1,)),
        RasterInput("m", "a", (2,)),
    )
