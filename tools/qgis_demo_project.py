"""Runs inside QGIS (``qgis --code``): opens the demo's maps, saves the project and a picture, and ends.

SCALESCAPE_DEMO names the demo's folder, SCALESCAPE_DEMO_MODEL the model file. Where something fails or takes
too long, QGIS ends with status 1 and says why on standard error.
"""

import json
import os
from pathlib import Path

from qgis.core import QgsProject, QgsRasterLayer
from qgis.utils import iface, plugins
from qgis_steps import QgisSteps

FOLDER = Path(os.environ["SCALESCAPE_DEMO"])
MODEL = os.environ["SCALESCAPE_DEMO_MODEL"]
LONGEST_S = 150
WINDOW = (1540, 960)
WIDTHS = (345, 390)  # of the layers and of the dock
SHOWN = {"modality": "satellite", "scale": 59}
MARGIN = 1.04  # of the view around the scene


class DemoProject(QgisSteps):
    """Builds the project step by step."""

    def __init__(self):
        super().__init__(LONGEST_S, "The demo's project could not be made")
        self.after(500, self.open)

    def open(self):
        from scalescape.plugin.core.finished_run import open_run

        project = QgsProject.instance()
        project.setTitle("Scalescape: the demo landscape")
        root = project.layerTreeRoot()
        for name, shown in (("bioclim", False), ("satellite", True)):
            layer = QgsRasterLayer(str(FOLDER / "landscape" / f"{name}.tif"), name)
            if not layer.isValid():
                self.fail(f"{layer.source()} can't be opened")
            project.addMapLayer(layer, False)
            node = root.insertLayer(0, layer)
            node.setItemVisibilityChecked(shown)
            node.setExpanded(False)
            self.scene = layer
        project.setCrs(self.scene.crs())
        maps = open_run(project, FOLDER / "maps")
        if not maps:
            self.fail(f"no map in {FOLDER / 'maps'} can be opened")
        self.show(maps)
        self.dock = plugins["scalescape"].dock
        self.settle(WINDOW, self.dock, WIDTHS)
        self.after(800, self.fill)

    def show(self, maps):
        """Show a species that answers to what a small window can't see: the most telling of the dozen."""
        landscape = json.loads((FOLDER / "landscape" / "landscape.json").read_text(encoding="utf-8"))
        telling = [one["name"] for one in landscape["species"] if one["dominant"] == SHOWN]
        root = QgsProject.instance().layerTreeRoot()
        nodes = [root.findLayer(layer.id()) for layer in maps]
        chosen = next((node for node in nodes if node.name() in telling), nodes[0])
        chosen.setItemVisibilityChecked(True)
        for node in nodes:
            node.setExpanded(node is chosen)

    def fill(self):
        self.dock.model.choose(MODEL)
        self.dock.output.set_folder("~/scalescape maps")
        extent = self.scene.extent()
        extent.scale(MARGIN)
        iface.mapCanvas().setExtent(extent)
        iface.mapCanvas().refresh()
        self.after(200, self.await_dock)

    def await_dock(self):
        """Wait until the engine has said what the map would be: the picture shows a dock that is ready."""
        state = self.dock.desk.state
        if state.can_run and not iface.mapCanvas().isDrawing():
            self.after(1200, self.save)
        elif state.is_fault:
            self.fail(state.obstacle)
        else:
            self.after(200, self.await_dock)

    def save(self):
        if iface.mapCanvas().isDrawing():
            self.after(200, self.save)
            return
        project = QgsProject.instance()
        file = FOLDER / "scalescape.qgz"
        if not project.write(str(file)):
            self.fail(f"{file} can't be written: {project.error()}")
        self.after(300, self.take)

    def take(self):
        self.picture(FOLDER / "screenshot.png")
        self.leave()


demo = DemoProject()
