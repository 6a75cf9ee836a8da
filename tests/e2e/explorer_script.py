"""What a user does with the scale explorer: ``qgis --code explorer_script.py`` with SCALESCAPE_E2E set.

The variable names a JSON file: ``landscape``, ``model``, ``clicks`` (how many), ``out`` (a folder for effects),
``report`` (a JSON file written here), ``pictures`` (a folder).
"""

import random
import time
from pathlib import Path

from qgis.core import QgsContrastEnhancement, QgsProject, QgsRasterLayer, QgsRasterMinMaxOrigin
from qgis.PyQt.QtCore import QPoint, Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QDockWidget
from qgis.utils import iface, plugins
from visit import TASK, Visit

WINDOW = (1280, 800)
LONGEST_S = 150  # and a second a click
DRAGGED, DRAG_MS = 60, 25  # moves of a drag, and the time between two
BRIGHTNESS = 45  # so that the scene can be seen below the windows
MIDDLE = (0.52, 0.47)  # of the canvas: where the first click goes
SPREAD = 0.55  # of the canvas, around its middle: where the clicks go


class ExplorerVisit(Visit):
    """Clicks, drags, pins, maps effects and a profile, and takes down what is shown."""

    def __init__(self):
        super().__init__(LONGEST_S + TASK["clicks"])
        self.report |= {"clicks": [], "times_ms": []}
        self.random = random.Random(1)
        self.after(1000, self.open)

    def open(self):
        window = self.settle(*WINDOW)
        for name in ("bioclim", "satellite"):
            layer = QgsRasterLayer(str(Path(TASK["landscape"]) / f"{name}.tif"), name)
            QgsProject.instance().addMapLayer(layer)
        layer.setContrastEnhancement(
            QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum,
            QgsRasterMinMaxOrigin.Limits.MinMax,
        )
        layer.brightnessFilter().setBrightness(BRIGHTNESS)
        iface.mapCanvas().setExtent(layer.extent())
        self.scene = layer
        self.plugin = plugins["scalescape"]
        self.explorer, self.dock = self.plugin.explorer, self.plugin.dock
        self.report["was_hidden"] = not self.explorer.panel.isVisible()
        self.explorer.action.trigger()
        self.report["tool_is_on"] = iface.mapCanvas().mapTool() is self.explorer.tool
        self.dock.model.choose(TASK["model"])
        self.dock.output.set_folder(TASK["out"])
        window.resizeDocks(
            [window.findChild(QDockWidget, "Layers"), self.explorer.panel],
            [200, 390],
            Qt.Orientation.Horizontal,
        )
        self.explorer.desk.changed.connect(self.on_state)
        self.until(lambda: not iface.mapCanvas().isDrawing(), self.zoom, 200)

    def zoom(self):
        canvas = iface.mapCanvas()
        extent = self.scene.extent()
        extent.scale(0.55)
        canvas.setExtent(extent)
        canvas.refresh()
        self.after(800, lambda: self.click(*MIDDLE))

    def click(self, x, y):
        """Click on the canvas, at shares of its width and height, and go on once it is answered."""
        self.result = None
        self.sent = time.perf_counter()
        self.click_canvas(x, y)
        then = self.next if self.report["clicks"] else self.after_first
        self.until(lambda: self.result is not None, then, 1)

    def on_state(self, state):
        done = state.result is not None or state.is_fault
        if done and getattr(self, "result", False) is None and state.point is not None:
            self.result = state
            self.took = 1000 * (time.perf_counter() - self.sent)

    def note(self):
        """Take down what the panel shows."""
        panel, state = self.explorer.panel, self.result
        top = panel.top
        self.report["clicks"].append(
            {
                "at": [state.point.x, state.point.y, state.point.crs],
                "headline": panel.headline.text(),
                "bars": {f"{m} {s}": bar.text for (m, s), bar in panel.chart.bars.items()},
                "top": [[top.topLevelItem(i).text(k) for k in (0, 1)] for i in range(top.topLevelItemCount())],
                "windows": len(self.explorer.marks.bands),
                "pictures": sum(not one.isHidden() for one in panel.patches.pictures),
                "note": panel.note.text(),
            }
        )

    def after_first(self):
        self.report["first_ms"] = self.took
        self.note()
        self.after(600, self.show)

    def show(self):
        self.picture("explorer")
        self.left = TASK["clicks"]
        self.next_click()

    def next_click(self):
        if not self.left:
            self.after(0, self.drag)
            return
        self.left -= 1
        x, y = (0.5 + SPREAD * (self.random.random() - 0.5) for _ in range(2))
        self.after(60, lambda: self.click(x, y))

    def next(self):
        self.report["times_ms"].append(self.took)
        self.note()
        self.next_click()

    def drag(self):
        """Drag over the canvas: answers come while the button is held, and the last is for the last place."""
        canvas, seen = iface.mapCanvas(), []
        self.result = None
        count = seen.append
        self.explorer.desk.changed.connect(count)
        port, button, plain = canvas.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        places = [QPoint(round(canvas.width() * (0.35 + 0.01 * i)), canvas.height() // 2) for i in range(25)]
        QTest.mousePress(port, button, plain, places[0])
        for place in places[1:]:
            self.explorer.tool.pointed.emit(self.explorer.tool.toMapCoordinates(place))
            QTest.qWait(10)
        during = len(seen)
        QTest.mouseRelease(port, button, plain, places[-1])
        QTest.qWait(300)
        self.explorer.desk.changed.disconnect(count)
        last = self.explorer.tool.toMapCoordinates(places[-1])
        point = self.explorer.desk.state.point
        self.report["drag"] = {"answers": during, "last": abs(point.x - last.x()) + abs(point.y - last.y())}
        self.after(0, self.pins)

    def pins(self):
        """Pin two points, choose a species, switch a scale off, copy."""
        panel = self.explorer.panel
        for x in (0.42, 0.56):
            self.click_canvas(x, 0.42)
            QTest.qWait(400)
            panel.pin.click()
        panel.species.setCurrentIndex(5)
        panel.species.activated.emit(5)
        QTest.qWait(400)
        modality, scale = max(panel.chart.boxes)
        panel.chart.boxes[modality, scale].click()
        QTest.qWait(400)
        panel.copy.click()
        self.report["copied"] = QApplication.clipboard().text()
        self.report["pins"] = panel.pins.columnCount()
        self.report["off_note"] = panel.note.text()
        self.after(500, self.outside)

    def outside(self):
        self.picture("explorer_pins")
        modality, scale = max(self.explorer.panel.chart.boxes)
        self.explorer.panel.chart.boxes[modality, scale].click()
        extent = self.scene.extent()
        extent.scale(2.4)
        iface.mapCanvas().setExtent(extent)
        QTest.qWait(300)
        self.result = None
        self.click_canvas(0.03, 0.03)
        self.until(lambda: self.result is not None and self.result.is_fault, self.after_outside, 20)

    def after_outside(self):
        self.report["outside"] = self.explorer.panel.note.text()
        self.report["outside_windows"] = len(self.explorer.marks.bands)
        self.picture("explorer_outside")
        self.map_effects()

    def map_effects(self):
        """Map the effects of the species that is shown, over the panel's extent at a coarse step."""
        iface.mapCanvas().setExtent(self.scene.extent())
        self.dock.where.set_step(4)
        self.result = None
        QTest.qWait(300)
        self.click_canvas(0.5, 0.5)
        self.until(lambda: self.result is not None and self.result.result is not None, self.press_effects)

    def press_effects(self):
        self.ends = []
        self.explorer.ended.connect(lambda *words: self.ends.append(words))
        self.explorer.panel.effects.click()
        self.report["stop_offered"] = self.explorer.panel.effects.text()
        QTest.qWait(100)
        self.drag_while_mapping()
        self.until(lambda: bool(self.ends), self.see_effects, 50)

    def drag_while_mapping(self):
        """Drag while effects are mapped: how long answers take, and how long the window stands still."""
        canvas, desk, times, gaps = iface.mapCanvas(), self.explorer.desk, [], []
        sent, last = {}, [time.perf_counter()]

        def answered(state):
            if state.result is not None and (at := sent.pop((state.point.x, state.point.y), None)) is not None:
                times.append(1000 * (time.perf_counter() - at))

        def tick():
            gaps.append(1000 * (time.perf_counter() - last[0]))
            last[0] = time.perf_counter()

        clock = QTimer()
        clock.timeout.connect(tick)
        desk.changed.connect(answered)
        clock.start(5)
        running = []
        for i in range(DRAGGED):
            place = QPoint(round(canvas.width() * (0.3 + 0.4 * i / DRAGGED)), round(canvas.height() * 0.55))
            point = self.explorer.tool.toMapCoordinates(place)
            sent[point.x(), point.y()] = time.perf_counter()
            self.explorer.tool.pointed.emit(point)
            running.append(not self.ends)
            QTest.qWait(DRAG_MS)
        QTest.qWait(1000)
        clock.stop()
        desk.changed.disconnect(answered)
        self.report["drag_while_mapping"] = {
            "times_ms": times, "longest_gap_ms": max(gaps), "while_running": sum(running), "moves": DRAGGED,
            "last": abs(desk.state.point.x - point.x()) + abs(desk.state.point.y - point.y()),
        }  # fmt: skip

    def see_effects(self):
        self.report["effects"] = self.ends[0][:3]
        (group,) = [one for one in QgsProject.instance().layerTreeRoot().findGroups() if one.isExpanded()]
        self.report["effect_parts"] = {
            part.name(): [node.name() for node in part.findLayers()] for part in group.findGroups()
        }
        window = iface.mainWindow()
        docks = [window.findChild(QDockWidget, "Layers"), self.explorer.panel]
        window.resizeDocks(docks, [240, 360], Qt.Orientation.Horizontal)
        for name in ("satellite", "bioclim"):
            QgsProject.instance().layerTreeRoot().findLayer(
                QgsProject.instance().mapLayersByName(name)[0].id()
            ).setExpanded(False)
        iface.messageBar().clearWidgets()
        self.group = group
        self.after(1500, self.see_contributions)

    def see_contributions(self):
        self.picture("effects_dominant")
        parts = self.group.findGroups()
        parts[1].setItemVisibilityChecked(True)
        parts[0].setExpanded(False)
        parts[1].setExpanded(True)
        nodes = parts[1].findLayers()
        shown = nodes[-2]  # of a middle scale, where there is more to see than at the ends
        shown.setItemVisibilityChecked(True)
        for node in nodes:
            node.setExpanded(node is shown)
        self.after(1500, self.profile)

    def profile(self):
        self.picture("effects_contribution")
        self.explorer.panel.profile.click()
        dialog = self.explorer.jobs.dialog
        dialog.compute.click()
        self.until(lambda: dialog.table.isVisible(), self.see_profile, 50)

    def see_profile(self):
        dialog = self.explorer.jobs.dialog
        QTest.qWait(300)
        dialog.grab().save(str(Path(TASK["pictures"]) / "profile.png"))
        rows = range(dialog.table.rowCount())
        self.report["profile"] = {
            "species": dialog.species.currentText(),
            "note": dialog.note.text(),
            "rows": [[dialog.table.item(i, k).text() for k in range(4)] for i in rows],
        }
        dialog.close()
        self.explorer.panel.close()
        self.report["left_marks"] = len(self.explorer.marks.bands)
        self.report["tool_is_off"] = iface.mapCanvas().mapTool() is not self.explorer.tool
        self.leave()


visit = ExplorerVisit()
