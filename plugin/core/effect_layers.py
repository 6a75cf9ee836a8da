"""The maps of one species' effects as layers: dominant scale, what each adds, what is lost without it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from qgis.core import QgsGradientColorRamp, QgsProject, QgsRasterLayer
from qgis.PyQt.QtGui import QColor

from ...models.card import Card
from .grid_facts import window
from .layer_metadata import QUANTITY_PROPERTY
from .layer_nodes import add_node, raster_layer
from .point_table import branch_name
from .raster_style import rounded_up, style_categories, style_diverging, style_ramp, value_range
from .result_layers import RUN_PROPERTY, SUMMARY_PROPERTY, RunSummary
from .translation import tr

CONTRIBUTION, ABLATION, DOMINANT, MARGIN = "contribution", "ablation", "dominant", "margin"
CLEAR_MARGIN = 1.0  # logits; from here on the dominant scale shows in its full colour
FADED = 215  # of 255: how white a pixel without any margin is


@dataclass(frozen=True)
class EffectMap:
    """One of the maps: its kind, its file, and its branch (None for the dominant branch and its margin)."""

    kind: str
    file: str
    branch: Optional[tuple[str, int]] = None


def effect_maps(card: Card, files: Sequence[str]) -> list[EffectMap]:
    """Return what the files of an effects job are: margin, dominant, contributions, ablations."""
    by_stem = {Path(file).stem: file for file in files}
    found = [EffectMap(kind, by_stem[kind]) for kind in (MARGIN, DOMINANT) if kind in by_stem]
    for kind in (CONTRIBUTION, ABLATION):
        for modality in card.modalities:
            for scale in modality.scales:
                file = by_stem.get(f"{kind}_{modality.name}_{scale}")
                if file is not None:
                    found.append(EffectMap(kind, file, (modality.name, scale)))
    return found


def map_title(card: Card, one: EffectMap) -> str:
    """Return the name of a map's layer."""
    if one.branch is None:
        return tr("Dominant scale") if one.kind == DOMINANT else tr("Faded: small margin")
    if one.kind == CONTRIBUTION:
        return branch_name(card, *one.branch)
    modality = card.modality(one.branch[0])
    off = [scale for scale in modality.scales if scale >= one.branch[1]]
    if len(off) == len(modality.scales):
        return tr("without {}").format(modality.name)
    return tr("without {} {}").format(modality.name, ", ".join(window(modality, scale) for scale in off))


def effect_layer(card: Card, one: EffectMap, limit: float, change: float) -> Optional[QgsRasterLayer]:
    """Return a styled layer; None where the file can't be read.

    ``limit`` (logits) is the end of the ramp of contributions, ``change`` that of ablations.
    """
    layer = raster_layer(one.file, map_title(card, one))
    if layer is not None:
        style_effect(layer, card, one, limit, change)
    return layer


def style_effect(layer: QgsRasterLayer, card: Card, one: EffectMap, limit: float, change: float) -> None:
    """Give ``layer`` its colours and say what its numbers are."""
    titles = {
        CONTRIBUTION: tr("Contribution (logit)"),
        ABLATION: tr("Change of the value"),
        MARGIN: tr("Margin (logit)"),
        DOMINANT: tr("Dominant scale"),
    }
    layer.setCustomProperty(QUANTITY_PROPERTY, titles[one.kind])
    if one.kind == DOMINANT:
        style_categories(layer, lambda name: _short(name, card))
    elif one.kind == MARGIN:
        white = QColor(255, 255, 255)
        faded, clear = QColor(white), QColor(white)
        faded.setAlpha(FADED)
        clear.setAlpha(0)
        style_ramp(layer, QgsGradientColorRamp(faded, clear), 0.0, CLEAR_MARGIN, 5)
    else:
        end = limit if one.kind == CONTRIBUTION else change
        style_diverging(layer, -end, end)


def largest_change(maps: Sequence[EffectMap]) -> float:
    """Return the largest absolute value of the ablations, from their overviews, rounded up."""
    ranges = [value_range(one.file) for one in maps if one.kind == ABLATION]
    return rounded_up(max((abs(end) for ends in ranges if ends is not None for end in ends), default=0.0))


def add_effects(
    project: QgsProject, card: Card, files: Sequence[str], limit: float, summary: RunSummary
) -> list[QgsRasterLayer]:
    """Add the maps of an effects job as one group on top, and return their layers.

    One part shows at a time: the dominant scale with its margin first, then what each scale adds, then what is
    lost without it.
    """
    maps = effect_maps(card, files)
    if not maps:
        return []
    end, change = rounded_up(limit), largest_change(maps)
    for other in project.layerTreeRoot().findGroups(True):
        if other.customProperty(RUN_PROPERTY):
            other.setExpanded(False)
            other.setItemVisibilityChecked(False)
    group = project.layerTreeRoot().insertGroup(0, summary.title)
    group.setCustomProperty(RUN_PROPERTY, uuid.uuid4().hex)
    group.setCustomProperty(SUMMARY_PROPERTY, summary.text())
    layers: list[QgsRasterLayer] = []
    parts = (
        (tr("Dominant scale"), (MARGIN, DOMINANT)),
        (tr("What each scale adds"), (CONTRIBUTION,)),
        (tr("What is lost without"), (ABLATION,)),
    )
    for title, kinds in parts:
        part = group.addGroup(title)
        for one in maps:
            if one.kind in kinds:
                layer = effect_layer(card, one, end, change)
                if layer is not None:
                    add_node(project, part, layer)
                    layers.append(layer)
        together = DOMINANT in kinds
        part.setExpanded(together)
        if not together:
            part.setIsMutuallyExclusive(True, 0)
        # Legends that say little stay shut: the margin's white, and those of layers that do not show.
        for node in part.findLayers()[:1] if together else part.findLayers()[1:]:
            node.setExpanded(False)
    group.setIsMutuallyExclusive(True, 0)
    return layers


def _short(name: str, card: Card) -> str:
    """Return ``satellite 590 m`` for the engine's ``satellite 59 px (590 m)``."""
    found = re.match(r"(.+) (\d+) px", name)
    known = {modality.name for modality in card.modalities}
    return branch_name(card, found.group(1), int(found.group(2))) if found and found.group(1) in known else name
