"""A layer becomes a file that says what the layer says: its own where that is so, else a copy."""

from __future__ import annotations

import shutil

import pytest
from plugin_stand_ins import polygon_layer, read_shapes
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from scalescape.plugin.core.mask_layer import MaskLayer
from scalescape.plugin.core.vector_file import VectorFileError, copy_of, own_file

pytestmark = pytest.mark.usefixtures("qgis_app")


@pytest.fixture
def parks():
    return polygon_layer([(500000, 4799920, 10), (500020, 4799920, 20)])


@pytest.fixture
def on_disk(parks, tmp_path):
    return QgsVectorLayer(copy_of(parks, file=tmp_path / "parks.gpkg"), "parks")


def test_a_memory_layer_is_copied_with_its_crs_and_its_fields_even_one_called_fid(parks):
    shapes = read_shapes(copy_of(parks))
    assert [area for area, _ in shapes[:-1]] == [100, 400] and shapes[-1] == "EPSG:32631"
    assert all(attributes["fid"] == "the same" for _, attributes in shapes[:-1])


def test_a_selection_alone_and_geometries_alone(parks):
    parks.select(2)
    (area, attributes), _ = read_shapes(copy_of(parks, selected_only=True, attributes=False))
    assert area == 400 and "fid" not in {name for name in attributes if name != "scalescape_fid"}


def test_a_file_is_taken_as_it_is(on_disk, tmp_path):
    assert own_file(on_disk) == str(tmp_path / "parks.gpkg")
    named = QgsVectorLayer(f"{tmp_path / 'parks.gpkg'}|layername=parks", "parks")
    assert own_file(named) == str(tmp_path / "parks.gpkg")


def test_a_filter_an_edit_and_another_crs_need_a_copy(on_disk):
    on_disk.setCrs(QgsCoordinateReferenceSystem("EPSG:32632"))
    assert own_file(on_disk) == "" and read_shapes(copy_of(on_disk))[-1] == "EPSG:32632"
    on_disk.setCrs(QgsCoordinateReferenceSystem("EPSG:32631"))
    assert own_file(on_disk)
    on_disk.setSubsetString("scalescape_fid = 2")
    assert own_file(on_disk) == "" and [area for area, _ in read_shapes(copy_of(on_disk))[:-1]] == [400]
    on_disk.setSubsetString("")
    on_disk.startEditing()
    assert own_file(on_disk)
    on_disk.deleteFeature(1)
    assert own_file(on_disk) == "" and [area for area, _ in read_shapes(copy_of(on_disk))[:-1]] == [400]
    on_disk.rollBack()


def test_one_layer_among_several_in_a_file_needs_a_copy(parks, tmp_path):
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.layerName = "more"
    options.actionOnExistingFile = QgsVectorFileWriter.ActionOnExistingFile.CreateOrOverwriteLayer
    file = copy_of(parks, file=tmp_path / "parks.gpkg")
    options.layerOptions = ["FID=key"]
    said = QgsVectorFileWriter.writeAsVectorFormatV3(
        polygon_layer([]), file, QgsCoordinateTransformContext(), options
    )
    assert said[0] == QgsVectorFileWriter.WriterError.NoError, said
    for name, count in (("more", 0), ("parks", 2)):
        layer = QgsVectorLayer(f"{file}|layername={name}", name)
        assert layer.featureCount() == count and own_file(layer) == ""


def test_a_file_that_cannot_be_written_is_one_sentence(parks, tmp_path):
    with pytest.raises(VectorFileError, match=r"gone/x.gpkg can't be written"):
        copy_of(parks, file=tmp_path / "gone" / "x.gpkg")


def test_a_mask_is_written_once_and_again_after_an_edit_or_a_selection(parks):
    mask = MaskLayer()
    said = []
    mask.changed.connect(lambda: said.append(1))
    assert (mask.file(), mask.error()) == ("", "")
    mask.set_layer(parks)
    first = mask.file()
    assert said and mask.file() == first and len(read_shapes(first)) == 3
    parks.select(1)
    mask.set_selected_only(True)
    assert mask.selected_only and [area for area, _ in read_shapes(mask.file())[:-1]] == [100]
    parks.removeSelection()
    assert not mask.selected_only and len(read_shapes(mask.file())) == 3
    parks.startEditing()
    feature = QgsFeature(parks.fields())
    feature.setGeometry(QgsGeometry.fromWkt("Polygon((0 0, 3 0, 3 3, 0 0))"))
    parks.addFeature(feature)
    assert len(read_shapes(mask.file())) == 4
    mask.set_layer(None)
    assert mask.file() == ""


def test_a_layer_that_is_deleted_is_forgotten(parks):
    mask = MaskLayer()
    mask.set_layer(parks)
    QgsProject.instance().addMapLayer(parks)
    QgsProject.instance().removeMapLayer(parks.id())
    assert mask.layer is None and mask.file() == ""


def test_a_layer_from_a_server_is_refused_in_words():
    remote = QgsVectorLayer("https://example.invalid/wfs", "far", "WFS")
    mask = MaskLayer()
    mask.set_layer(remote)
    assert mask.file() == "" and "far comes from the provider “WFS”; save it as a file" in mask.error()


def test_a_zipped_file_needs_a_copy(on_disk, tmp_path):
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "parks.gpkg")
    packed = QgsVectorLayer(f"/vsizip/{tmp_path / 'packed.zip'}/parks.gpkg", "packed")
    assert packed.isValid() and own_file(packed) == ""
