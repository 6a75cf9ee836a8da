"""The dock in little room: nothing is cut off, pushed out or wider than it."""

from __future__ import annotations

from plugin_stand_ins import add_raster, card_values, wait_until, write_card
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QLabel
from scalescape.engine.protocol import Caution
from scalescape.plugin.gui.labels import breakable


def test_a_short_dock_still_shows_three_species_and_a_tall_one_more(ready):
    row = ready.species.list.sizeHintForRow(0)
    heights = []
    for height in (500, 1400):
        ready.resize(400, height)
        QTest.qWait(50)
        heights.append(ready.species.list.height())
    assert heights[0] >= 3 * row
    assert heights[1] <= 4 * row, "three species need no more than three rows"


def test_the_list_of_species_gives_way_before_the_output_does(dock, project, rasters, tmp_path):
    values = card_values()
    values["species"] = [{**values["species"][0], "name": f"Species {i}"} for i in range(60)]
    for name, file in rasters.items():
        add_raster(project, file, name)
    dock.show()
    dock.model.choose(str(write_card(tmp_path / "many.safetensors", values)))
    dock.output.set_folder(str(tmp_path / "maps"))
    dock.resize(400, 950)
    assert wait_until(dock.run_bar.run.isEnabled)
    QTest.qWait(50)
    before = dock.species.list.height()
    dock.species.tick_all(False)
    QTest.qWait(50)
    assert dock.run_bar.hint.text() and dock.species.list.height() < before
    assert dock.scroll.verticalScrollBar().maximum() == 0, "nothing is pushed out of sight"


def test_a_long_warning_is_not_cut_off(ready):
    name = "S2A_MSIL2A_20200627T104031_N0214_R008_T31TFJ_20200627T124412.tif"
    long = " ".join([f"In {name} red averages 3.26e+04 (trained on 774.8 ± 601 ten-thousandths)"] * 4)
    cautions = tuple(Caution("range", f"{i}: {long}?", True) for i in range(3))
    ready.cautions.show_cautions(cautions, frozenset())
    ready.resize(360, 700)
    QTest.qWait(100)
    for label in ready.cautions.findChildren(QLabel):
        if label.text():
            assert label.height() >= label.heightForWidth(label.width())
            assert (
                label.mapTo(ready.scroll.widget(), label.rect().topRight()).x()
                <= ready.scroll.viewport().width()
            )
            words = label.text().replace("\u200b", " ").split()
            widest = max(label.fontMetrics().horizontalAdvance(word) for word in words)
            assert widest <= label.width()


def test_long_words_get_places_to_break_and_short_ones_stay():
    assert breakable("In scene.tif, N/A") == "In scene.tif, N/A"
    assert breakable("a_" * 15) == ("a_\u200b" * 15)[:-1]


def test_nothing_is_wider_than_a_narrow_dock(ready):
    ready.resize(360, 900)
    QTest.qWait(50)
    content = ready.scroll.widget()
    assert content.width() <= ready.scroll.viewport().width()
    for panel in (ready.model, ready.inputs, ready.scales, ready.where, ready.species, ready.output):
        assert panel.minimumSizeHint().width() <= content.width(), panel
