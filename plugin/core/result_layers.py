"""The layers of a run: built, styled, described and put in order into one group. Main thread only."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from qgis.core import QgsLayerTreeGroup, QgsProject, QgsRasterLayer

from ...engine.protocol.products import PROBABILITY
from ...models.card import Card, Species
from .layer_metadata import fill_metadata
from .layer_nodes import add_node, raster_layer
from .map_product import MapProduct, map_products
from .product_parts import IN_PARTS, MOST_LAYERS, add_products
from .reliability import typical
from .suitability_style import apply_style
from .translation import tr

SUMMARY_PROPERTY = "scalescape/summary"  # of a group: the run, told in lines
RUN_PROPERTY = "scalescape/run"  # of a group: which run it belongs to


@dataclass(frozen=True)
class RunSummary:
    """What a group and its layers say about their run: a title, and lines for the tooltip."""

    title: str
    lines: tuple[str, ...]
    experiment: str = ""

    def text(self) -> str:
        """Return the summary as lines."""
        return "\n".join((self.title, *self.lines))


def quantity_title(card: Card, species: Species) -> str:
    """Return what the numbers are, as a legend's title."""
    if card.quantity(species) == "favourability":
        return tr("Favourability")
    return tr("Relative suitability")


class ResultGroup:
    """One group of the layer tree for one run, one layer a species in the order chosen.

    Only one of the species shows at a time, so that a click on one shows its map; the first to show is the
    ``typical`` one. Where a run has other maps, too, each kind is a part of the group, and so are the species.
    The group is open, with the legend of what shows, and groups of earlier runs are closed. Neither the active
    layer nor the extent of the canvas changes. At most ``MOST_LAYERS`` species become layers.

    Parameters
    ----------
    project
        Where the layers go.
    card
        The model's card, which says what the numbers are.
    species
        Names, in the order of the layers.
    summary
        What the group and its layers say about the run.
    products
        The kinds of maps that the run makes.

    Attributes
    ----------
    species_shown
        Of how many species the finished maps are layers.
    """

    def __init__(
        self,
        project: QgsProject,
        card: Card,
        species: Sequence[str],
        summary: RunSummary,
        products: Sequence[str] = (PROBABILITY,),
    ) -> None:
        self._project = project
        self._card = card
        self._names = list(species)[:MOST_LAYERS]
        self.species_shown = 0
        self._in_parts = tuple(products) != (PROBABILITY,)
        self._summary = summary
        self._previews: list[str] = []
        self._identity = uuid.uuid4().hex

    @property
    def group(self) -> Optional[QgsLayerTreeGroup]:
        """Return the group, or None before the first layer and after it was removed."""
        # The user may have removed or replaced the tree meanwhile: look it up rather than trust a pointer.
        for candidate in self._project.layerTreeRoot().findGroups(True):
            if candidate.customProperty(RUN_PROPERTY) == self._identity:
                return candidate
        return None

    def show_preview(self, file: str) -> list[QgsRasterLayer]:
        """Add a layer for each band of the coarse preview ``file``; they go when the maps come."""
        layers: dict[str, QgsRasterLayer] = {}
        for number, name in enumerate(self._names, start=1):
            layer = self._layer(file, number, tr("{} (preview)").format(name), name)
            if layer is None:
                break
            layers[name] = layer
        self._add(layers, typical(self._card, self._names))
        self._previews = [layer.id() for layer in layers.values()]
        return list(layers.values())

    def show_maps(self, files: Sequence[str]) -> list[QgsRasterLayer]:
        """Put the finished maps in place of the preview, and return the layers of species, then the others.

        ``files`` come in any order, known by what they say of themselves.
        """
        return self.show_products([one for file in files for one in map_products(file)])

    def show_products(self, maps: Sequence[MapProduct]) -> list[QgsRasterLayer]:
        """Put finished maps in place of the preview, as ``show_maps``; what they say of themselves is known."""
        others = [one for one in maps if one.product in IN_PARTS]
        of_species = [one for one in maps if one.product not in IN_PARTS]
        by_name: dict[str, tuple[str, int]] = {}
        for one in of_species:
            for number, name in enumerate(one.names, start=one.band):
                by_name.setdefault(name, (one.file, number))
        layers: dict[str, QgsRasterLayer] = {}
        for name in self._names:
            if name not in by_name:
                continue
            file, number = by_name[name]
            layer = self._layer(file, number, name, name)
            if layer is not None:
                layers[name] = layer
        self.species_shown = len(layers)
        shown = self._shown()
        self.drop_preview(keep_group=bool(layers or others))
        self._add(layers, shown)
        more = add_products(self._project, self._made_group(), others, self._summary.lines) if others else []
        return [*layers.values(), *more]

    def drop_preview(self, keep_group: bool = False) -> None:
        """Take the preview's layers away, and the group too if nothing else is in it."""
        self._project.removeMapLayers([i for i in self._previews if self._project.mapLayer(i) is not None])
        self._previews = []
        group = self.group
        if group is None:
            return
        for part in group.findGroups():
            if not part.findLayers():
                group.removeChildNode(part)
        if not keep_group and not group.findLayers():
            parent = group.parent() or self._project.layerTreeRoot()
            parent.removeChildNode(group)

    def retell(self, summary: RunSummary) -> None:
        """Replace what the group and the layers to come say about the run."""
        self._summary = summary
        group = self.group
        if group is not None:
            group.setName(summary.title)
            group.setCustomProperty(SUMMARY_PROPERTY, summary.text())

    def _shown(self) -> str:
        """Return the species that shows in the preview, else the one to look at first."""
        root = self._project.layerTreeRoot()
        for name, identity in zip(self._names, self._previews):
            node = root.findLayer(identity)
            if node is not None and node.itemVisibilityChecked():
                return name
        return typical(self._card, self._names)

    def _layer(self, file: str, band: int, title: str, species_name: str) -> Optional[QgsRasterLayer]:
        if self._summary.experiment:
            title = f"{title} · {self._summary.experiment}"
        layer = raster_layer(file, title, band)
        if layer is None:
            return None
        apply_style(layer, band)
        species = next((one for one in self._card.species if one.name == species_name), None)
        if species is not None:
            describe_layer(layer, self._card, species, self._summary)
        return layer

    def _add(self, layers: dict[str, QgsRasterLayer], shown: str) -> None:
        if not layers:
            return
        group = self._made_group()
        if self._in_parts:
            title = quantity_title(self._card, self._card.species[0])
            group = group.findGroup(title) or group.addGroup(title)
        group.setIsMutuallyExclusive(False)
        place = list(layers).index(shown) if shown in layers else 0
        for i, layer in enumerate(layers.values()):
            node = add_node(self._project, group, layer)
            node.setItemVisibilityChecked(i == place)
            node.setExpanded(i == place)
        group.setIsMutuallyExclusive(True, place)

    def _made_group(self) -> QgsLayerTreeGroup:
        """Return the group, which is made where there is none."""
        group = self.group
        if group is None:
            for other in self._project.layerTreeRoot().findGroups(True):
                if other.customProperty(RUN_PROPERTY):
                    other.setExpanded(False)
            group = self._project.layerTreeRoot().insertGroup(0, self._summary.title)
            group.setCustomProperty(RUN_PROPERTY, self._identity)
            group.setCustomProperty(SUMMARY_PROPERTY, self._summary.text())
            group.setExpanded(True)
        return group


def describe_layer(layer: QgsRasterLayer, card: Card, species: Species, summary: RunSummary) -> None:
    """Fill the layer's metadata: what it shows, what the numbers mean, whence it came."""
    title = quantity_title(card, species)
    fill_metadata(
        layer,
        title=f"{species.name}: {title.lower()}",
        quantity=title,
        meaning=card.meaning(species),
        run=summary.lines,
        keywords={"species": species.name, "quantity": title, "model": card.name},
        licence=card.licence,
        citation=card.citation,
    )
