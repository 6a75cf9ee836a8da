"""What a layer says otherwise than its file reaches the engine, or is refused in a sentence."""

from __future__ import annotations

import pytest
from plugin_stand_ins import add_raster, wait_until, write_raster
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsRasterLayer,
    QgsRasterRange,
)
from qgis.PyQt.QtTest import QTest
from scalescape.engine.protocol import InspectJob
from scalescape.plugin.core.inputs import match, said_by_layers
from scalescape.plugin.core.raster_facts import raster_of_layer
from scalescape.plugin.processing.compare_algorithm import CompareAlgorithm
from scalescape.plugin.processing.inspect_algorithm import InspectAlgorithm
from scalescape.plugin.processing.map_algorithm import MapAlgorithm
from scalescape.plugin.processing.profile_algorithm import ProfileAlgorithm
from scalescape.plugin.processing.scenarios_algorithm import ScenariosAlgorithm

pytestmark = pytest.mark.usefixtures("qgis_app")

UTM32 = QgsCoordinateReferenceSystem("EPSG:32632")


def hide(layer, *ranges):
    for band in range(1, layer.bandCount() + 1):
        layer.dataProvider().setUserNoDataValue(band, [QgsRasterRange(*one) for one in ranges])


def test_a_plain_layer_says_nothing_more_than_its_file(rasters):
    raster = raster_of_layer(QgsRasterLayer(str(rasters["satellite"]), "scene"))
    assert (raster.crs, raster.nodata, raster.refusal, raster.note()) == ("", (), "", "")


@pytest.mark.parametrize("crs", ["EPSG:32632", "own"])
def test_a_crs_set_in_qgis_is_passed_on(rasters, crs):
    layer = QgsRasterLayer(str(rasters["satellite"]), "scene")
    if crs == "own":
        layer.setCrs(QgsCoordinateReferenceSystem.fromProj("+proj=tmerc +lon_0=8.123 +ellps=intl +units=m"))
        assert raster_of_layer(layer).crs.startswith(("PROJCRS", "BOUNDCRS"))
    else:
        layer.setCrs(QgsCoordinateReferenceSystem(crs))
        assert raster_of_layer(layer).crs == crs
    assert "as set for the layer" in raster_of_layer(layer).note()
    layer.setCrs(layer.dataProvider().crs())
    assert raster_of_layer(layer).crs == ""


def test_additional_nodata_is_passed_on_as_the_file_stores_it(tmp_path):
    from osgeo import gdal

    file = write_raster(tmp_path / "a.tif", {"bio1": 1, "bio12": 2})
    layer = QgsRasterLayer(str(file), "a")
    hide(layer, (-9999, -9999), (249, 255))
    raster = raster_of_layer(layer)
    assert raster.nodata == (-9999.0, (249.0, 255.0))
    assert "NoData -9999 249..255" in raster.note()
    dataset = gdal.Open(str(file), gdal.GA_Update)
    for band in (1, 2):
        dataset.GetRasterBand(band).SetScale(0.5)
        dataset.GetRasterBand(band).SetOffset(10)
    del dataset
    scaled = QgsRasterLayer(str(file), "a")
    hide(scaled, (12, 15))
    assert raster_of_layer(scaled).nodata == ((4.0, 10.0),)


@pytest.mark.parametrize("case", ["nodata off", "by band", "memory", "options", "no crs"])
def test_what_the_engine_cannot_see_is_refused_in_a_sentence(tmp_path, case):
    from osgeo import gdal

    file = write_raster(tmp_path / "a.tif", {"bio1": 1, "bio12": 2})
    if case == "memory":
        gdal.GetDriverByName("GTiff").CreateCopy("/vsimem/a.tif", gdal.Open(str(file)))
        layer = QgsRasterLayer("/vsimem/a.tif", "climate")
    elif case == "options":
        layer = QgsRasterLayer(f"{file}|option:NUM_THREADS=2", "climate")
    else:
        layer = QgsRasterLayer(str(file), "climate")
    if case == "nodata off":
        layer.dataProvider().setUseSourceNoDataValue(2, False)
    elif case == "by band":
        layer.dataProvider().setUserNoDataValue(1, [QgsRasterRange(0, 0)])
    elif case == "no crs":
        layer.setCrs(QgsCoordinateReferenceSystem())
    assert layer.isValid()
    refusal = raster_of_layer(layer).refusal
    words = {"nodata off": "switched off", "by band": "differ by band", "memory": "memory of QGIS",
             "options": "with options", "no crs": "CRS of climate was taken away"}  # fmt: skip
    assert words[case] in refusal and "climate" in refusal and refusal.endswith(".") and "\n" not in refusal
    if case == "memory":
        gdal.Unlink("/vsimem/a.tif")


def test_two_layers_of_a_file_that_disagree_are_refused(rasters, card):
    one = raster_of_layer(QgsRasterLayer(str(rasters["bioclim"]), "a"))
    other = QgsRasterLayer(str(rasters["bioclim"]), "b")
    other.setCrs(UTM32)
    first = match(card.modality("bioclim"), [one])
    second = match(card.modality("bioclim"), [raster_of_layer(other)])
    crs, _, fault = said_by_layers([first[0], second[1]])
    assert not crs and "Two layers of" in fault
    assert said_by_layers(second) == ({str(rasters["bioclim"]): "EPSG:32632"}, {}, "")


def test_the_dock_asks_the_engine_about_the_layer_as_it_is(ready, project):
    (bioclim,) = project.mapLayersByName("bioclim")
    file = bioclim.source()
    bioclim.setCrs(UTM32)
    assert wait_until(lambda: ready.desk.draft.check_job().file_crs == {file: "EPSG:32632"})
    assert "CRS EPSG:32632 as set for the layer" in ready.inputs.modalities["bioclim"].found.text()
    hide(bioclim, (-9999, -9999), (0, 5))
    bioclim.triggerRepaint()
    assert wait_until(lambda: ready.desk.draft.check_job().nodata == {file: (-9999.0, (0.0, 5.0))})
    assert "NoData -9999 0..5" in ready.inputs.modalities["bioclim"].found.text()
    ready.advanced._nodata[file].setText("7; 8..9 0,5")
    draft = ready.desk.draft
    wanted = {file: (-9999.0, (0.0, 5.0), 0.5, 7.0, (8.0, 9.0))}
    question = draft.inspect_job((0, 0), "", "", {}, False)
    for job in (
        draft.job(),
        draft.check_job(),
        draft.effects_job("Quercus ilex", "o"),
        draft.profile_job(()),
        question,
    ):
        assert job.nodata == wanted and job.file_crs == {file: "EPSG:32632"}
    bioclim.dataProvider().setUseSourceNoDataValue(1, False)
    bioclim.triggerRepaint()
    assert wait_until(lambda: not ready.desk.draft.check_job().file_crs)
    assert not ready.run_bar.run.isEnabled()


def test_what_is_typed_wrongly_for_nodata_is_named(ready):
    (file,) = [one for one in ready.advanced._nodata if one.endswith("climate.tif")]
    ready.advanced._nodata[file].setText("5..1")
    assert wait_until(lambda: "“5..1” is no number or range" in ready.run_bar.hint.text())


def test_a_change_of_looks_alone_asks_nothing(ready, project):
    asked = []
    ready.rasters.changed.connect(lambda: asked.append(1))
    (bioclim,) = project.mapLayersByName("bioclim")
    bioclim.triggerRepaint()
    QTest.qWait(50)
    assert not asked


def picked(project, rasters):
    layers = {name: add_raster(project, file, name) for name, file in rasters.items()}
    layers["bioclim"].setCrs(UTM32)
    hide(layers["satellite"], (0, 0))
    return [layer.id() for layer in layers.values()]


@pytest.mark.parametrize("kind", [MapAlgorithm, InspectAlgorithm, ProfileAlgorithm, ScenariosAlgorithm])
def test_algorithms_pass_on_what_layers_say(kind, project, context, model_file, rasters, tmp_path):
    parameters = {
        "MODEL": str(model_file), "LAYERS": picked(project, rasters), "OUTPUT": str(tmp_path / "o"),
        "POINT": "500040,4799960 [EPSG:32631]", "SCENARIOS": f"now:bioclim={rasters['bioclim']}",
        "NODATA": f"{rasters['satellite']}=249..255\n{rasters['satellite']}=7", "FILE_CRS": "x.tif=EPSG:4326",
    }  # fmt: skip
    job = kind().create({})._prepare(parameters, context).job
    assert job.nodata == {str(rasters["satellite"]): (0.0, 7.0, (249.0, 255.0))}
    wanted = {str(rasters["bioclim"]): "EPSG:32632", "x.tif": "EPSG:4326"}
    if kind is ScenariosAlgorithm:  # whose scenarios bring the file themselves
        wanted = {"x.tif": "EPSG:4326"} if not any(one.modality == "bioclim" for one in job.inputs) else wanted
    assert job.file_crs == wanted
    assert not isinstance(job, InspectJob) or job.crs == "EPSG:32631"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("NODATA", "a.tif=x", "FILE=249..255"),
        ("NODATA", "=1", "FILE=249..255"),
        ("FILE_CRS", "a.tif", "FILE=EPSG:4326"),
    ],
)
def test_a_parameter_that_says_nothing_is_named(context, map_parameters, tmp_path, name, value, words):
    algorithm = MapAlgorithm().create({})
    good, said = algorithm.checkParameterValues(
        {**map_parameters, "OUTPUT": str(tmp_path), name: value}, context
    )
    assert not good and words in said


def test_finished_maps_are_read_as_they_are_or_not_at_all(project, context, rasters, tmp_path):
    layer = add_raster(project, rasters["satellite"], "scene")
    layer.setCrs(UTM32)
    parameters = {"BEFORE": layer.id(), "AFTER": str(rasters["bioclim"]), "OUTPUT": str(tmp_path)}
    good, said = CompareAlgorithm().create({}).checkParameterValues(parameters, context)
    assert not good and "scene has CRS EPSG:32632 as set for the layer, but only the file itself" in said
