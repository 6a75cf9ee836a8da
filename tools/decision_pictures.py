"""Runs inside QGIS (``qgis --code``): draws the pictures of docs/decisions.md as print layouts, and ends.

SCALESCAPE_EXAMPLE names the folder of the example (see decision_example.py), SCALESCAPE_SPECIES the file name
of the species, SCALESCAPE_PICTURES where the pictures go.
"""

import os
from pathlib import Path

from qgis.core import (
    QgsFillSymbol,
    QgsLayoutExporter,
    QgsLayoutItemLabel,
    QgsLayoutItemLegend,
    QgsLayoutItemMap,
    QgsLayoutItemScaleBar,
    QgsLayoutSize,
    QgsLegendRenderer,
    QgsLegendStyle,
    QgsMapLayerLegendUtils,
    QgsPalLayerSettings,
    QgsPrintLayout,
    QgsProject,
    QgsRasterLayer,
    QgsSingleSymbolRenderer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsUnitTypes,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QRectF, Qt
from qgis.PyQt.QtGui import QColor, QFont
from qgis_steps import QgisSteps

FOLDER, PICTURES = Path(os.environ["SCALESCAPE_EXAMPLE"]), Path(os.environ["SCALESCAPE_PICTURES"])
SPECIES = os.environ["SCALESCAPE_SPECIES"]
LONGEST_S = 120
DPI = 144
FONT = "DejaVu Sans"
MM = QgsUnitTypes.LayoutUnit.LayoutMillimeters
INK, BORDER = "#1f2f3f", "#20262e"


class DecisionPictures(QgisSteps):
    """Draws the map of a decision, and where not to believe a map."""

    def __init__(self):
        super().__init__(LONGEST_S, "The pictures could not be drawn")
        self.after(500, self.draw)

    def draw(self):
        self.districts = self.opened_districts()
        self.draw_areas()
        self.draw_novelty()
        self.leave()

    def opened_districts(self):
        """Return the districts as outlines, each with its name and area above threshold."""
        project = QgsProject.instance()
        areas = QgsVectorLayer(f"{FOLDER / 'areas' / 'areas.gpkg'}|layername=areas", "areas", "ogr")
        layer = QgsVectorLayer(str(FOLDER / "districts.gpkg"), "District", "ogr")
        if not (areas.isValid() and layer.isValid()):
            self.fail("the districts or their areas can't be opened")
        project.setCrs(layer.crs())
        for one in (areas, layer):
            project.addMapLayer(one, False)
        outline = {"color": "0,0,0,0", "outline_color": BORDER, "outline_width": "0.5"}
        layer.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple(outline)))
        return layer

    def label_districts(self, expression, size):
        """Write an expression into each district."""
        buffer = QgsTextBufferSettings()
        buffer.setEnabled(True)
        buffer.setSize(0.9)
        buffer.setColor(QColor(255, 255, 255, 215))
        text = text_format(size, bold=True)
        text.setBuffer(buffer)
        settings = QgsPalLayerSettings()
        settings.setFormat(text)
        settings.fieldName, settings.isExpression = expression, True
        settings.geometryGeneratorEnabled = True
        settings.geometryGenerator = (
            "pole_of_inaccessibility($geometry, 100)"  # well inside, whatever the shape
        )
        settings.geometryGeneratorType = QgsWkbTypes.GeometryType.PointGeometry
        settings.placement = QgsPalLayerSettings.Placement.OverPoint
        settings.displayAll = True
        self.districts.setLabeling(QgsVectorLayerSimpleLabeling(settings))
        self.districts.setLabelsEnabled(True)

    def draw_areas(self):
        """Draw the thresholded map with the districts, their names and areas."""
        found = "attribute(get_feature('areas', 'zone', \"name\"), 'above_largest_tss_km2')"
        self.label_districts(f"\"name\" || '\\n' || format_number({found}, 1) || ' km²'", 9)
        layer, meaning = self.opened(FOLDER / "maps" / f"{SPECIES}_binary.tif")
        page = Page("areas", 190, 132)
        page.map([self.districts, layer], QRectF(3, 3, 126, 126))
        page.text(in_two(layer.name()), QRectF(133, 3, 55, 10))
        page.text(meaning, QRectF(133, 16, 54, 30), 8)
        page.legend([layer, self.districts], 132, 33)
        page.text(
            "White: no value, since the largest window would leave the scene.", QRectF(133, 54, 54, 20), 8
        )
        page.scale_bar(132, 118)
        page.export(self, "decision-areas.png")

    def draw_novelty(self):
        """Draw MESS of the warmer climate beside what the climate branches see together."""
        self.label_districts('"name"', 7)
        page = Page("novelty", 190, 136)
        for file, left in (("novelty.tif", 3), ("novelty_features_bioclim.tif", 97)):
            layer, _ = self.opened(FOLDER / "futures" / "warmer" / file)
            page.text(in_two(layer.name()), QRectF(left, 3, 90, 10))
            page.map([self.districts, layer], QRectF(left, 14, 90, 90))
            page.legend([layer], left - 1, 104)
        page.export(self, "decision-novelty.png")

    def opened(self, file):
        """Return a map as the plugin shows it, and what its values mean."""
        from scalescape.plugin.core.map_product import map_product, style_product

        one = map_product(str(file))
        layer = QgsRasterLayer(str(file), one.title)
        if not layer.isValid():
            self.fail(f"{file} can't be opened")
        style_product(layer, one)
        QgsProject.instance().addMapLayer(layer, False)
        return layer, one.meaning


class Page:
    """A print layout of one page; places and sizes in millimetres."""

    def __init__(self, name, width, height):
        self.layout = QgsPrintLayout(QgsProject.instance())
        self.layout.setName(name)
        self.layout.initializeDefaults()
        self.layout.pageCollection().page(0).setPageSize(QgsLayoutSize(width, height, MM))

    def put(self, item, box):
        item.attemptSetSceneRect(box)
        self.layout.addLayoutItem(item)
        return item

    def map(self, layers, box):
        """Show ``layers``, the first on top, over the extent of the first."""
        item = self.main = self.put(QgsLayoutItemMap(self.layout), box)
        item.setLayers(layers)
        extent = layers[0].extent()
        extent.scale(1.01)
        item.zoomToExtent(extent)

    def text(self, text, box, size=9):
        item = QgsLayoutItemLabel(self.layout)
        item.setText(text)
        item.setFont(QFont(FONT, size))
        item.setFontColor(QColor(INK))
        item.setHAlign(Qt.AlignmentFlag.AlignLeft)
        self.put(item, box)

    def legend(self, layers, left, top):
        """Tell what colours mean, without the titles of layers and bands."""
        item = QgsLayoutItemLegend(self.layout)
        item.setAutoUpdateModel(False)
        tree = item.model().rootGroup()  # the legend's own since it does not follow the project
        tree.removeAllChildren()
        for layer in layers:
            node = tree.addLayer(layer)
            if isinstance(layer, QgsRasterLayer):
                QgsLegendRenderer.setNodeLegendStyle(node, QgsLegendStyle.Style.Hidden)
                count = len(item.model().layerLegendNodes(node))
                QgsMapLayerLegendUtils.setLegendNodeOrder(node, list(range(1, count)))  # the first is the band
                item.model().refreshLayerLegend(node)
        item.setSymbolWidth(6)
        item.setSymbolHeight(3.2)
        item.setStyleMargin(QgsLegendStyle.Style.Symbol, 1.3)
        item.setStyleFont(QgsLegendStyle.Style.SymbolLabel, QFont(FONT, 8))
        self.put(item, QRectF(left, top, 50, 20))
        item.adjustBoxSize()

    def scale_bar(self, left, top):
        item = QgsLayoutItemScaleBar(self.layout)
        item.setStyle("Line Ticks Up")
        item.setLinkedMap(self.main)
        item.setUnits(QgsUnitTypes.DistanceUnit.DistanceKilometers)
        item.setUnitLabel("km")
        item.setUnitsPerSegment(5)
        item.setNumberOfSegments(1)
        item.setNumberOfSegmentsLeft(0)
        item.setFont(QFont(FONT, 8))
        item.setHeight(2)
        self.put(item, QRectF(left, top, 50, 10))

    def export(self, steps, name):
        picture = QgsLayoutExporter(self.layout).renderPageToImage(0, dpi=DPI)
        if not picture.save(str(PICTURES / name)):
            steps.fail(f"{PICTURES / name} can't be written")


def in_two(title):
    """Return a layer's title in two lines."""
    what, _, how = title.partition(": ")
    return f"{what}\n{how}"


def text_format(size, bold=False):
    """Return how text looks; ``size`` in points."""
    text = QgsTextFormat()
    text.setFont(QFont(FONT, -1, QFont.Weight.Bold if bold else QFont.Weight.Normal))
    text.setSize(size)
    text.setColor(QColor(INK))
    return text


pictures = DecisionPictures()
