"""The scale explorer: a click is asked, shown and drawn; what can't be answered says why."""

from __future__ import annotations

import csv
from dataclasses import replace
from types import SimpleNamespace

import pytest
from plugin_stand_ins import add_raster, wait_until
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsPointXY,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QPoint, QRectF, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication
from scalescape.plugin.core.newest_question import NewestQuestion
from scalescape.plugin.gui import canvas_marks
from scalescape.plugin.gui.canvas_marks import moved_inside
from scalescape.plugin.gui.contribution_chart import axis_limit
from scalescape.plugin.gui.explorer import Explorer
from scalescape.plugin.gui.icons import explorer_cursor


@pytest.fixture
def canvas(canvas):
    canvas.setExtent(QgsRectangle(495000, 4795000, 505000, 4805000))
    return canvas


@pytest.fixture
def explorer(project, bridge, canvas, dock, rasters, model_file):
    """Return an explorer whose tool is on, with model and rasters chosen in a dock that nobody sees."""
    for name, file in rasters.items():
        add_raster(project, file, name)
    explorer = Explorer(bridge, dock, canvas)
    explorer.action.trigger()
    dock.model.choose(str(model_file))
    yield explorer
    explorer.close()
    explorer.panel.deleteLater()


def look(explorer, x=500000.0, y=4800000.0):
    """Point as the tool does, and wait for the answer."""
    before = explorer.desk.state.point
    explorer.tool.pointed.emit(QgsPointXY(x, y))
    assert wait_until(lambda: explorer.desk.state.point not in (None, before)), explorer.desk.state
    return explorer.desk.state


def test_the_tool_takes_the_canvas_and_gives_it_back(explorer, canvas):
    assert canvas.mapTool() is explorer.tool and explorer.action.isChecked()
    assert not explorer_cursor().pixmap().isNull()
    look(explorer)
    explorer.panel.closed.emit()
    assert canvas.mapTool() is not explorer.tool and not explorer.marks.bands


def test_a_click_on_the_canvas_is_answered_in_the_panel(explorer, canvas):
    canvas.show()
    QTest.mouseClick(
        canvas.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(200, 200)
    )
    assert wait_until(lambda: explorer.desk.state.result is not None)
    panel = explorer.panel
    expected = {("bioclim", 1): "-1.00", ("bioclim", 5): "-0.50", ("satellite", 25): "+0.00",
                ("satellite", 59): "+0.50", ("satellite", 115): "+1.00"}  # fmt: skip
    assert {key: bar.text for key, bar in panel.chart.bars.items()} == expected
    assert "Relative suitability" in panel.headline.text() and "0.300" in panel.headline.text()
    assert "Quercus ilex" in panel.headline.text()
    assert panel.top.topLevelItem(0).text(0) == "Quercus ilex"
    assert panel.top.topLevelItem(1).text(0) == "Pinus halepensis ⚠"
    assert panel.top.topLevelItem(1).toolTip(0) == "Unproven: few blocks"
    captions = [one.caption.text() for one in panel.patches.pictures]
    assert captions[0] == "satellite\n250 m" and captions[3] == "bio1\n1 km\n11.5 °C"


def test_the_windows_are_drawn_at_true_size(explorer, canvas):
    look(explorer)
    widths = [band.asGeometry().boundingBox().width() for band in explorer.marks.bands]
    assert widths == [5000, 1150, 1000, 590, 250], "the largest lies below"
    assert explorer.marks.bands[0].strokeColor().name() == "#084591"
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    assert explorer.marks.bands[0].asGeometry().boundingBox().width() < 1, "they follow the map's projection"


def test_a_window_has_one_width_on_bar_picture_and_map(explorer, canvas, monkeypatch):
    """On the ground it may differ from the card's, as 9.47 km from 9.45 km."""
    state = look(explorer)
    assert explorer.panel.chart.boxes["bioclim", 5].text() == "bioclim 5 km"
    parts = [replace(one, width_m=(1.02 * one.width_m[0],) * 2) for one in state.result.contributions]
    moved = replace(state, result=replace(state.result, contributions=tuple(parts)))
    labels = []
    monkeypatch.setattr(canvas_marks, "_Labels", lambda _canvas, texts, *rest: labels.extend(texts))
    explorer.panel.show_state(moved)
    explorer.marks.show_state(moved)
    boxes = explorer.panel.chart.boxes.values()
    assert all(box.text().split(" ", 1)[1] in box.toolTip() for box in boxes)
    shown = {
        "bars": {box.text().split(" ", 1)[1] for box in boxes},
        "pictures": {one.caption.text().split("\n")[1] for one in explorer.panel.patches.pictures},
        "map": {text for _, text, *_ in labels},
    }
    wide = {"1.02 km", "5.1 km", "255 m", "602 m", "1.17 km"}
    assert shown == {"bars": wide, "pictures": wide, "map": wide}
    explorer.panel.show_state(replace(state, result=None))
    assert explorer.panel.chart.boxes["bioclim", 5].text() == "bioclim 5 km"


def test_the_marks_can_be_painted(explorer, canvas):
    look(explorer)
    explorer.panel.pin_pressed.emit()
    canvas.show()
    assert not canvas.grab().isNull() and not explorer.panel.grab().isNull()


def test_a_click_outside_says_so_and_leaves_no_window(explorer):
    look(explorer)
    state = look(explorer, x=-5.0)
    assert state.result is None and state.is_fault and not explorer.marks.bands
    assert "lies outside the rasters of satellite" in explorer.panel.note.text()
    assert all(bar.text == "" for bar in explorer.panel.chart.bars.values())


def test_what_lacks_in_the_dock_is_said(explorer, project):
    look(explorer)
    project.removeAllMapLayers()
    assert wait_until(lambda: explorer.desk.state.is_fault)
    assert "Choose a raster" in explorer.panel.note.text()


def test_a_scale_that_is_off_is_an_experiment(explorer):
    look(explorer)
    explorer.panel.chart.boxes["satellite", 115].click()
    assert wait_until(lambda: "experiment" in explorer.panel.note.text())
    parts = {one.scale: one for one in explorer.desk.state.result.contributions}
    assert not parts[115].on and parts[59].on
    assert explorer.panel.chart.bars["satellite", 115].text == "+0.12"
    assert "replacement" in explorer.panel.chart.bars["satellite", 115].toolTip()


def test_without_any_scale_nothing_is_asked(explorer):
    look(explorer)
    for box in explorer.panel.chart.boxes.values():
        box.click()
    assert wait_until(lambda: "All scales are off" in explorer.panel.note.text())


def test_the_species_is_chosen_in_the_list_or_by_the_active_layer(explorer):
    look(explorer)
    explorer.panel.species_chosen.emit("Fagus sylvatica")
    assert wait_until(lambda: explorer.desk.state.result.species == "Fagus sylvatica")
    assert explorer.panel.species.currentText() == "Fagus sylvatica"
    layer = SimpleNamespace(
        metadata=lambda: SimpleNamespace(keywords=lambda: {"species": ["Pinus halepensis"]})
    )
    explorer.follow_layer(layer)
    assert wait_until(lambda: explorer.desk.state.result.species == "Pinus halepensis")
    explorer.follow_layer(None)
    assert explorer.desk.state.species == "Pinus halepensis"


def test_typing_a_species_chooses_it(explorer):
    choice, seen = explorer.panel.species, []
    choice.chosen.connect(seen.append)
    choice.setEditText("fagus sylvatica")
    choice.lineEdit().editingFinished.emit()
    assert seen == ["Fagus sylvatica"]
    choice.setEditText("nonsense")
    choice.lineEdit().editingFinished.emit()
    assert seen == ["Fagus sylvatica"] and choice.currentText() == "Fagus sylvatica"


def test_pins_are_compared_for_one_species_and_scales(explorer, tmp_path):
    look(explorer)
    explorer.panel.pin_pressed.emit()
    look(explorer, x=600000.0)
    explorer.panel.pin_pressed.emit()
    look(explorer, x=700000.0)
    panel = explorer.panel
    assert [panel.pins.horizontalHeaderItem(i).text() for i in range(3)] == ["1", "2", "→"]
    assert [panel.pins.item(0, i).text() for i in range(3)] == ["0.300", "0.310", "0.320"]
    panel.species_chosen.emit("Fagus sylvatica")
    pins = lambda: explorer.desk.state.pins  # noqa: E731
    assert wait_until(lambda: {pin.result.species for pin in pins()} == {"Fagus sylvatica"})
    panel.switched.emit("satellite", 25, False)
    assert wait_until(lambda: all(not pin.result.contributions[2].on for pin in pins()))
    assert panel.pins.item(4, 0).text() == "(+0.12)"
    panel.copy_pressed.emit()
    lines = QApplication.clipboard().text().splitlines()
    assert len(lines) == 1 + 3 * 5 and lines[1].split("\t")[:3] == ["1", "500000.0", "4800000.0"]
    explorer.export(tmp_path / "table")
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["contribution"] for row in rows[:5]] == ["-1.0", "-0.5", "0.125", "0.5", "1.0"]
    assert rows[0]["quantity"] == "relative suitability" and rows[2]["on"] == "no"
    panel.clear_pressed.emit()
    assert not explorer.desk.state.pins and not explorer.marks.bands and explorer.desk.state.point is None


def test_an_export_that_fails_is_a_message(explorer, tmp_path):
    look(explorer)
    said = []
    explorer.ended.connect(lambda *words: said.append(words))
    explorer.export(tmp_path / "missing" / "table.csv")
    assert said and "can't be written" in said[0][2]


def test_of_many_points_the_last_one_stays(explorer):
    for i in range(40):
        explorer.tool.pointed.emit(QgsPointXY(500000.0 + i, 4800000.0))
        QTest.qWait(3)
    assert wait_until(lambda: explorer.desk.state.point is not None and explorer.desk.state.point.x == 500039)


class SlowBridge(NewestQuestion.__base__):
    """Answers when told to."""

    from qgis.PyQt.QtCore import pyqtSignal

    answered, failed = pyqtSignal(int, object), pyqtSignal(int, object)

    def __init__(self):
        super().__init__()
        self.asked = []

    def ask(self, method, params):
        self.asked.append(params["out"])
        return len(self.asked)


@pytest.mark.parametrize(("follow", "expected"), [(False, [3]), (True, [1, 3])])
def test_never_two_questions_are_under_way_and_the_newest_counts(qgis_app, follow, expected):
    from scalescape.engine.protocol import DemoJob

    bridge, told = SlowBridge(), []
    question = NewestQuestion(bridge, "demo", lambda values: values["n"], 0, None, follow)
    question.answered.connect(told.append)
    question.ask(DemoJob("a"))
    assert wait_until(lambda: bridge.asked == ["a"])
    question.ask(DemoJob("b"))
    question.ask(DemoJob("c"))
    QTest.qWait(50)
    assert bridge.asked == ["a"]
    bridge.answered.emit(1, {"n": 1})
    assert wait_until(lambda: bridge.asked == ["a", "c"])
    bridge.answered.emit(2, {"n": 3})
    assert told == expected and not question.waiting
    question.ask(DemoJob("d"))
    assert wait_until(lambda: len(bridge.asked) == 3)
    question.forget()
    bridge.answered.emit(3, {"n": 4})
    assert told == expected, "what is forgotten is not specified"


@pytest.mark.parametrize(
    ("values", "limit"), [([], 0.5), ([0.1], 0.5), ([-0.7], 1), ([1.0, -4], 5), ([5.1], 10)]
)
def test_the_axis_ends_at_a_round_number_beyond_the_largest(values, limit):
    assert axis_limit(values) == limit


def test_a_label_is_moved_into_the_view_by_as_little_as_needed():
    room = QRectF(3, 3, 394, 294)
    assert moved_inside(QRectF(50, 60, 40, 12), room) == QRectF(50, 60, 40, 12)
    assert moved_inside(QRectF(-20, 500, 40, 12), room) == QRectF(3, 285, 40, 12)
    assert moved_inside(QRectF(390, -9, 40, 12), room) == QRectF(357, 3, 40, 12)
