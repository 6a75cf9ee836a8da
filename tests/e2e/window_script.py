"""What a user does, in the real QGIS window: ``qgis --code window_script.py`` with SCALESCAPE_E2E set.

The variable names a JSON file: ``landscape``, ``model``, ``out``, ``reference`` (the command line's maps),
``step``, ``products`` to tick, ``bad`` (unusable rasters by name), ``report`` (a JSON file written here),
``pictures`` (a folder).
"""

import time
from pathlib import Path

from osgeo import gdal
from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QPoint, Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.utils import iface, plugins
from visit import TASK, Visit

TICK_MS = 20
READY_S, RUN_S, LONGEST_S = 90, 300, 550
WINDOW = (1500, 1000)


class WindowVisit(Visit):
    """Fills in the dock, presses Run, and takes down what happens."""

    def __init__(self):
        super().__init__(LONGEST_S)
        self.report["events"] = []
        self.previews = 0
        self.gap = 0.0
        self.gaps = []
        self.last = None
        self.clock = QTimer()
        self.clock.setInterval(TICK_MS)
        self.clock.setTimerType(Qt.TimerType.PreciseTimer)
        self.clock.timeout.connect(self.tick)
        self.after(1000, self.open)

    def tick(self):
        now = time.monotonic()
        if self.last is not None:
            gap = now - self.last
            if gap > 0.1:
                self.gaps.append([round(now - self.pressed, 2), round(gap, 3)])
            self.gap = max(self.gap, gap)
        self.last = now

    def picture(self, name):
        self.clock.stop()  # drawing and packing a picture is the test's own doing, not the plugin's
        super().picture(name)
        if "end" not in self.report and hasattr(self, "pressed"):
            self.last = None
            self.clock.start()

    def open(self):
        window = iface.mainWindow()
        window.showNormal()
        window.resize(*WINDOW)
        project = QgsProject.instance()
        for name in ("bioclim", "satellite"):
            layer = QgsRasterLayer(str(Path(TASK["landscape"]) / f"{name}.tif"), name)
            project.addMapLayer(layer)
        iface.mapCanvas().setExtent(layer.extent())
        self.plugin = plugins["scalescape"]
        self.dock = self.plugin.dock
        self.was_hidden = not self.dock.isVisible()
        self.plugin._action.trigger()
        self.after(500, self.fill)

    def fill(self):
        self.dock.model.choose(TASK["model"])
        self.dock.where.set_step(TASK["step"])
        self.dock.output.set_folder(TASK["out"])
        self.tick_products()
        self.deadline = time.monotonic() + READY_S
        self.after(100, self.await_ready)

    def tick_products(self):
        """Click in the list of maps on what is to be ticked and is not, as a user does."""
        combo = self.dock.output.products.maps
        combo.showPopup()
        view = combo.view()
        for place in range(combo.count()):
            if (combo.itemData(place) in TASK["products"]) != (
                combo.itemCheckState(place) == Qt.CheckState.Checked
            ):
                at = view.visualRect(combo.model().index(place, 0)).center()
                QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
        combo.hidePopup()
        self.report["ticked"] = list(self.dock.draft().products)

    def await_ready(self):
        if self.dock.run_bar.run.isEnabled():
            self.after(600, self.press)
        elif time.monotonic() > self.deadline:
            self.picture("not_ready")
            raise TimeoutError(f"Run was never enabled: {self.dock.run_bar.hint.text()}")
        else:
            self.after(100, self.await_ready)

    def press(self):
        self.picture("ready")
        project = QgsProject.instance()
        self.extent_before = iface.mapCanvas().extent().toString(3)
        self.active_before = iface.activeLayer().id() if iface.activeLayer() else ""
        project.layersAdded.connect(self.on_layers)
        self.dock.ended.connect(self.on_end)
        button = self.dock.run_bar.run
        self.pressed = time.monotonic()
        self.clock.start()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(20, 10))
        self.report["cancel_enabled"] = self.dock.run_bar.cancel.isEnabled()
        self.after(RUN_S * 1000, self.give_up)

    def on_layers(self, layers):
        seconds = round(time.monotonic() - self.pressed, 2)
        self.report["events"].append([seconds, len(layers), layers[0].name()])
        if "preview" in layers[0].name():
            self.previews += 1
            if self.previews == 1:
                self.report["preview_s"] = seconds
                self.after(400, lambda: self.picture("preview"))

    def on_end(self, level, title, sentence, _folder):
        self.report["run_s"] = round(time.monotonic() - self.pressed, 2)
        self.report["longest_gap_s"] = round(self.gap, 3)
        self.report["gaps_over_100_ms"] = self.gaps
        self.report["end"] = [level, title, sentence]
        self.after(1500, self.look)

    def look(self):
        self.clock.stop()
        self.report["longest_gap_with_drawing_s"] = round(self.gap, 3)
        self.report["previews"] = self.previews
        self.report["canvas_kept"] = iface.mapCanvas().extent().toString(3) == self.extent_before
        active = iface.activeLayer().id() if iface.activeLayer() else ""
        self.report["active_kept"] = active == self.active_before
        self.report["was_hidden"] = self.was_hidden
        groups = QgsProject.instance().layerTreeRoot().findGroups()
        self.report["groups"] = [group.name() for group in groups]
        *others, species = groups[0].children() if groups else [None]
        self.report["layers"] = [self.facts(node.layer()) for node in species.findLayers()] if species else []
        self.report["parts"] = {
            part.name(): [[node.name(), *self.same(Path(node.layer().source()))] for node in part.findLayers()]
            for part in others
        }
        self.report["left_over"] = [
            layer.name() for layer in QgsProject.instance().mapLayers().values() if "preview" in layer.name()
        ]
        self.picture("finished")
        self.others = others
        self.after(100, self.next_part)

    def next_part(self):
        """Look at the first layer of one part after another, laid over the species."""
        if not self.others:
            self.report["said"] = {}
            self.bad = list(TASK["bad"].items())
            self.after(100, self.next_bad)
            return
        part = self.others.pop(0)
        (*_, node) = part.findLayers()[:1]
        part.setExpanded(True)
        node.setExpanded(True)
        node.setItemVisibilityChecked(True)
        self.after(2000, lambda: self.look_at(part, node))

    def look_at(self, part, node):
        self.picture("part_" + part.name().lower().replace(" ", "_"))
        part.setExpanded(False)
        node.setItemVisibilityChecked(False)
        self.after(100, self.next_part)

    def next_bad(self):
        """Choose one unusable raster after another, and take down what stands above Run."""
        if not self.bad:
            self.leave()
            return
        name, (modality, file) = self.bad.pop(0)
        for one in self.dock.inputs.modalities:
            good = Path(TASK["landscape"]) / f"{one}.tif"
            self.dock.inputs.modalities[one].choose_file(file if one == modality else str(good))
        self.since = time.monotonic()
        self.after(1000, lambda: self.await_verdict(name))

    def await_verdict(self, name):
        bar = self.dock.run_bar
        waiting = self.dock.desk.state.checking and time.monotonic() - self.since < READY_S
        if waiting or time.monotonic() - self.since < 1.5:
            self.after(200, lambda: self.await_verdict(name))
            return
        self.report["said"][name] = [bar.hint.text(), bar.run.isEnabled()]
        self.picture("bad_" + name.replace(" ", "_"))
        self.after(100, self.next_bad)

    def facts(self, layer):
        shader = layer.renderer().shader()
        file = Path(layer.source())
        dataset = gdal.Open(str(file))
        ours, nodata = dataset.ReadAsArray(), dataset.GetRasterBand(1).GetNoDataValue()
        valid = ours == ours if nodata != nodata else ours != nodata
        same, difference = self.same(file)
        return {
            "name": layer.name(),
            "file": str(file),
            "min": float(ours[valid].min()),
            "max": float(ours[valid].max()),
            "spread": float(ours[valid].std()),
            "share_valid": float(valid.mean()),
            "difference": difference,
            "same_nodata": same,
            "style": [shader.minimumValue(), shader.maximumValue()],
            "title": layer.metadata().title(),
        }

    @staticmethod
    def same(file):
        """Return whether a map has its values where the command line's has, and the largest difference."""
        dataset = gdal.Open(str(file))
        ours, nodata = dataset.ReadAsArray(), dataset.GetRasterBand(1).GetNoDataValue()
        theirs = gdal.Open(str(Path(TASK["reference"]) / file.name)).ReadAsArray()
        valid = ours == ours if nodata != nodata else ours != nodata
        same = (valid == (theirs == theirs if nodata != nodata else theirs != nodata)).all()
        far = abs(ours[valid].astype(float) - theirs[valid]).max() if valid.any() else 0.0
        return bool(same), float(far)

    def give_up(self):
        if "end" not in self.report:
            self.picture("gave_up")
            raise TimeoutError(f"The map was not finished after {RUN_S} s")


visit = WindowVisit()
