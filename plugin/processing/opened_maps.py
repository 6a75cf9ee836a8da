"""Has Processing open the maps of a run, styled and described as the dock's."""

from __future__ import annotations

from functools import partial

from qgis.core import QgsProcessingContext, QgsRasterLayer

from ...engine.protocol import MapJob, MapResult
from ...models.card import Card
from ..core.map_run import run_summary, run_title
from ..core.raster_facts import raster_of_file
from ..core.result_layers import RunSummary, describe_layer
from ..core.suitability_style import apply_style
from .opened_layers import open_layer
from .opened_products import open_products


def open_maps(card: Card, job: MapJob, result: MapResult, context: QgsProcessingContext, output: str) -> None:
    """Put the maps of ``result`` among what Processing opens at the end, for the algorithm's ``output``."""
    title, summary = run_title(card, job), run_summary(card, job, result)
    of_species = {one.name for one in card.species}
    others = []
    for file in result.files:
        bands = raster_of_file(file).bands
        if len(bands) == 1 and bands[0] in of_species:
            name = bands[0]
            open_layer(file, name, title, partial(_finish, card, summary, name), context, output)
        else:
            others.append(file)
    open_products(others, title, summary.lines, context, output)


def _finish(card: Card, summary: RunSummary, name: str, layer: QgsRasterLayer) -> None:
    apply_style(layer)
    for species in card.species:
        if species.name == name:
            describe_layer(layer, card, species, summary)
