"""Effects and profiles from the explorer: what is asked, and how their ends are told."""

from __future__ import annotations

import pytest
from plugin_stand_ins import read_shapes, wait_until
from qgis.core import QgsRectangle
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest
from scalescape.plugin.core.inputs import BandSource
from scalescape.plugin.core.map_draft import MapDraft
from scalescape.plugin.gui.profile_dialog import CANVAS, DRAWN
from scalescape.plugin.gui.scale_jobs import ScaleJobs


@pytest.fixture
def draft(card, model_file, rasters, tmp_path):
    bands = {
        modality.name: tuple(
            BandSource(str(rasters[modality.name]), number, band.name)
            for number, band in enumerate(modality.bands, start=1)
        )
        for modality in card.modalities
    }
    scales = {modality.name: modality.scales for modality in card.modalities}
    out = str(tmp_path / "maps")
    return MapDraft(
        model=str(model_file), card=card, bands=bands, scales=scales, species=("Quercus ilex",), out=out
    )


@pytest.fixture
def canvas(canvas):
    canvas.setExtent(QgsRectangle(500000, 4799600, 500400, 4800000))
    return canvas


@pytest.fixture
def jobs(project, bridge, canvas):
    jobs = ScaleJobs(project, bridge, canvas)
    jobs.ends = []
    jobs.ended.connect(lambda *words: jobs.ends.append(words))
    yield jobs
    jobs.close()


def test_effects_go_into_a_folder_of_their_own_and_end_with_a_message(jobs, draft, tmp_path):
    told = []
    jobs.mapping.connect(told.append)
    jobs.map_effects(draft, "Fagus sylvatica")
    assert wait_until(lambda: bool(jobs.ends))
    level, title, sentence, folder = jobs.ends[0]
    assert (level, title) == ("success", "Effects mapped") and sentence.startswith("Fagus sylvatica")
    assert folder == str(tmp_path / "maps effects Fagus sylvatica") and told == [True, False]


def test_effects_that_can_t_be_mapped_say_why(jobs):
    jobs.map_effects(MapDraft(), "Fagus sylvatica")
    assert jobs.ends == [("warning", "No effects", "Choose a model.", "")]


def test_a_profile_of_the_map_view_fills_its_window(jobs, draft, canvas, tmp_path):
    jobs.show_profile(draft)
    dialog = jobs.dialog
    dialog.area.setCurrentIndex(CANVAS)
    view = canvas.extent()
    assert dialog.job().extent == (view.xMinimum(), view.yMinimum(), view.xMaximum(), view.yMaximum())
    dialog.compute.click()
    assert wait_until(dialog.table.isVisible), dialog.note.text()
    assert dialog.species.currentText() == "Quercus ilex"
    assert [dialog.table.item(0, k).text() for k in range(4)] == ["bioclim 1 km", "0.250", "–", "-6.2 %"]
    assert "at the end of the range tried" in dialog.note.text()
    assert "One model gives no uncertainty" in dialog.note.text()
    assert not dialog.grab().isNull()
    dialog.write(tmp_path / "profile")
    assert (tmp_path / "profile.csv").read_text().count("\n") == 6


def test_refits_give_whiskers_and_agreement(jobs, draft, model_file):
    jobs.show_profile(draft)
    dialog = jobs.dialog
    dialog.refits.setFilePath(f'"{model_file}" "{model_file}"')
    assert dialog.job().refits == (str(model_file), str(model_file))
    dialog.compute.click()
    assert wait_until(dialog.table.isVisible), dialog.note.text()
    assert dialog.table.item(0, 2).text() == "0.200 – 1.500" and "3 of 3 models agree" in dialog.note.text()
    assert dialog.table.item(0, 4).text() == "-18.8 – 18.8 %"
    assert not dialog.chart.grab().isNull()


def test_a_polygon_can_be_drawn(jobs, draft, canvas):
    canvas.show()
    jobs.show_profile(draft)
    dialog = jobs.dialog
    dialog.area.setCurrentIndex(DRAWN)
    dialog.area.activated.emit(DRAWN)
    assert canvas.mapTool() is dialog.tool
    assert dialog.job() is None and "Draw a polygon first" in dialog.note.text()
    plain = Qt.KeyboardModifier.NoModifier
    for x, y in ((100, 100), (300, 100), (300, 300), (100, 300)):
        QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, plain, QPoint(x, y))
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.RightButton, plain, QPoint(100, 300))
    ((area, _), crs) = read_shapes(dialog.job().mask)
    side = 200 * canvas.mapUnitsPerPixel()
    assert area == pytest.approx(side * side, rel=0.02) and crs == "EPSG:32631"
    dialog.close()
    assert canvas.mapTool() is not dialog.tool
