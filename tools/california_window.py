"""Runs inside QGIS (``qgis --code``): maps banana slugs of California with the dock, and saves a picture.

SCALESCAPE_RASTERS names the folder of the rasters, SCALESCAPE_MAPS where maps go, SCALESCAPE_MODEL the model,
SCALESCAPE_PICTURE the picture.
"""

import os
from pathlib import Path

from qgis.core import QgsProject, QgsRasterLayer
from qgis.utils import iface, plugins
from qgis_steps import QgisSteps

RASTERS = Path(os.environ["SCALESCAPE_RASTERS"])
WINDOW, WIDTHS = (1540, 1090), (345, 400)
TITLE = "Relative suitability"  # of the part of the run's group that is looked at
LONGEST_S, STEP = 400, 2
MARGIN = 1.04  # of the view around the map


class CaliforniaWindow(QgisSteps):
    """Goes the way of a user: rasters, model, Run."""

    def __init__(self):
        super().__init__(LONGEST_S, "The picture could not be taken")
        self.after(500, self.open)

    def open(self):
        project, self.dock = QgsProject.instance(), plugins["scalescape"].dock
        group = project.layerTreeRoot().addGroup("rasters")
        for file in (RASTERS / "climate_pc.tif", *sorted((RASTERS / "modis").glob("*.tif"))):
            layer = QgsRasterLayer(str(file), file.stem)
            if not layer.isValid():
                self.fail(f"{file} can't be opened")
            project.addMapLayer(layer, False)
            group.addLayer(layer)
        group.setItemVisibilityChecked(False)
        group.setExpanded(False)
        self.settle(WINDOW, self.dock, WIDTHS)
        self.dock.model.choose(os.environ["SCALESCAPE_MODEL"])
        self.dock.where.set_step(STEP)
        self.dock.output.set_folder(os.environ["SCALESCAPE_MAPS"])
        self.dock.ended.connect(lambda *said: self.after(500, lambda: self.look(*said)))
        self.await_ready(self.dock.run_bar.run.click)

    def await_ready(self, then):
        """Do ``then`` once the engine has said what the map would be and the canvas is drawn."""
        state = self.dock.desk.state
        if state.can_run and not iface.mapCanvas().isDrawing():
            self.after(1200, then)
        elif state.is_fault:
            self.fail(state.obstacle)
        else:
            self.after(200, lambda: self.await_ready(then))

    def look(self, level, _title, sentence, _folder):
        """Zoom to the first map, and have the dock ready for the next run."""
        if level != "success":
            self.fail(sentence)
        project = QgsProject.instance()
        species = project.layerTreeRoot().children()[0].findGroup(TITLE).findLayers()
        for node in species:
            node.setExpanded(node is species[0])
        species[0].setItemVisibilityChecked(True)
        layer = species[0].layer()
        project.setCrs(layer.crs())
        extent = layer.extent()
        extent.scale(MARGIN)
        iface.mapCanvas().setExtent(extent)
        iface.mapCanvas().refresh()
        self.dock.output.set_folder("~/scalescape maps")
        self.after(300, lambda: self.await_ready(self.take))

    def take(self):
        self.picture(os.environ["SCALESCAPE_PICTURE"])
        self.leave()


window = CaliforniaWindow()
