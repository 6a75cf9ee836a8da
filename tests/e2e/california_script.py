"""The scale explorer on the California model: ``qgis --code california_script.py`` with SCALESCAPE_E2E set.

The variable names a JSON file: ``data`` (the folder of the rasters), ``model``, ``report`` (a JSON file written
here), ``pictures`` (a folder).
"""

from pathlib import Path

from qgis.core import (
    QgsColorRampShader,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsGradientColorRamp,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRasterShader,
    QgsRectangle,
    QgsSingleBandPseudoColorRenderer,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QDockWidget
from qgis.utils import iface, plugins
from visit import TASK, Visit

WINDOW = (1280, 860)
LONGEST_S = 200
PLACE = (-122.17, 37.21)  # in the Santa Cruz Mountains, where banana slugs are recorded most
AROUND_M = 17_000  # of the canvas to each side of it
SEA, LEAFY = QColor("#dbe7ee"), 5.0  # the canvas where no raster holds a value; leaf area index of a forest
PLACES = {
    "ocean": (-123.2, 36.6),
    "desert": (-116.9, 35.6),
    "sierra": (-119.6, 37.8),
    "coast": PLACE,
}


class CaliforniaVisit(Visit):
    """Clicks at a few places and takes down what panel and canvas show."""

    def __init__(self):
        super().__init__(LONGEST_S)
        self.report["places"] = {}
        self.after(1000, self.open)

    def open(self):
        self.settle(*WINDOW)
        data = Path(TASK["data"])
        for file in (data / "climate_pc.tif", *sorted((data / "modis").glob("*.tif"))):
            layer = QgsRasterLayer(str(file), file.stem)
            QgsProject.instance().addMapLayer(layer)
            QgsProject.instance().layerTreeRoot().findLayer(layer.id()).setExpanded(False)
            visible = file.stem == "ca-leafareaindex-mean"
            QgsProject.instance().layerTreeRoot().findLayer(layer.id()).setItemVisibilityChecked(visible)
            if visible:
                self.shown = layer
        self.style(self.shown)
        QgsProject.instance().setCrs(self.shown.crs())
        iface.mapCanvas().setCanvasColor(SEA)
        self.explorer, self.dock = plugins["scalescape"].explorer, plugins["scalescape"].dock
        self.dock.setUserVisible(True)
        self.dock.model.choose(TASK["model"])
        self.dock.output.set_folder(str(Path(TASK["report"]).parent / "maps"))
        self.until(lambda: self.dock.desk.state.result is not None, self.see_dock, 100)

    @staticmethod
    def style(layer):
        """Show the leaf area index from bare ground to forest."""
        ramp = QgsGradientColorRamp(QColor("#f6f1e3"), QColor("#1d5b34"))
        function = QgsColorRampShader(0.0, LEAFY, ramp, QgsColorRampShader.Type.Interpolated)
        function.classifyColorRamp(5, -1)
        shader = QgsRasterShader(0.0, LEAFY)
        shader.setRasterShaderFunction(function)
        layer.setRenderer(QgsSingleBandPseudoColorRenderer(layer.dataProvider(), 1, shader))

    def see_dock(self):
        self.report["matched"] = {name: one.found.text() for name, one in self.dock.inputs.modalities.items()}
        self.report["margin"] = self.dock.scales.aside.text()
        self.report["cautions"] = [one.message for one in self.dock.desk.state.cautions]
        self.after(800, self.explore)

    def explore(self):
        self.picture("dock")
        self.dock.close()
        self.explorer.action.trigger()
        window = iface.mainWindow()
        docks = [window.findChild(QDockWidget, "Layers"), self.explorer.panel]
        window.resizeDocks(docks, [205, 400], Qt.Orientation.Horizontal)
        self.left = list(PLACES.items())
        self.after(500, self.visit_next)

    def visit_next(self):
        if not self.left:
            self.leave()
            return
        self.name, place = self.left.pop(0)
        wgs = QgsCoordinateReferenceSystem("EPSG:4326")
        canvas = iface.mapCanvas()
        here = canvas.mapSettings().destinationCrs()
        centre = QgsCoordinateTransform(wgs, here, QgsProject.instance()).transform(QgsPointXY(*place))
        box = QgsRectangle.fromCenterAndSize(centre, 2 * AROUND_M, 2 * AROUND_M)
        canvas.setExtent(box)
        canvas.refresh()
        self.until(lambda: not canvas.isDrawing(), lambda: self.after(800, self.click))

    def click(self):
        before = self.explorer.desk.state
        self.click_canvas(0.5, 0.5)
        desk = self.explorer.desk
        self.until(lambda: desk.state.point not in (None, before.point), self.note)

    def note(self):
        panel, state = self.explorer.panel, self.explorer.desk.state
        windows = [band.asGeometry().boundingBox().width() for band in self.explorer.marks.bands]
        self.report["places"][self.name] = {
            "at": [state.point.x, state.point.y, state.point.crs],
            "headline": panel.headline.text(),
            "note": panel.note.text(),
            "bars": {f"{m} {s}": bar.text for (m, s), bar in panel.chart.bars.items()},
            "windows_m": windows,
            "captions": [one.caption.text() for one in panel.patches.pictures if not one.isHidden()],
            "top": [panel.top.topLevelItem(i).text(0) for i in range(panel.top.topLevelItemCount())],
        }
        QTest.qWait(500)
        self.picture(self.name)
        self.after(100, self.visit_next)


visit = CaliforniaVisit()
