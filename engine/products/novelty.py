"""Where a map leaves what the network was trained on: by predictors (MESS) and by each branch's features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import numpy as np
from odc.geo.geobox import GeoBox

from ...models.architecture import BranchKey
from ...models.card import Band
from ...models.feature_space import ALL_SCALES
from ..files.aside import Aside
from ..mapping.plan import Plan
from ..mapping.strips import Strip
from ..maps.category_raster import Category, CategoryWriter
from ..maps.map_writer import Layer, MapWriter
from ..protocol.products import FEATURES, LIMITING, NOVELTY
from ..protocol.tags import MEANING, PRODUCT, QUANTITY
from ..rasters.raster import Valid, Values
from ..running.progress import Monitor
from ..words.branch_colours import shades
from .map_mess import MapMess

LEAST_TOLD = 0.0005  # of the pixels: less would be told as 0.0 %
MESS_MEANING = (
    "MESS (Elith et al. 2010): at most 100, where all predictors are at their medians over the training "
    "places; negative where one of them lies outside the training range, by how many percent of that range."
)
LIMITING_MEANING = "The predictor by which a place is least like the training places."
FEATURES_MEANING = (
    "The Mahalanobis distance of this branch's features from those of the training, over a limit that 1 % of "
    "the places held out exceed in one branch or another: above 1 the branch sees a landscape that is unlike "
    "the training's."
)
OWN_LIMIT_MEANING = (
    "The Mahalanobis distance of this branch's features from those of the training, over its own 99th "
    "percentile at places that were held out."
)


class NoveltyMaps:
    """The maps of novelty of a plan. Use as a context manager.

    Parameters
    ----------
    keys
        The branches whose features' novelty is known, in the order of ``write``'s ``ratios``.
    """

    def __init__(
        self, aside: Aside, grid: GeoBox, tags: Mapping[str, str], plan: Plan, keys: Sequence[BranchKey]
    ) -> None:
        self.notes = unknown_ranges(plan)
        of_presences = f" {plan.card.range_note}" if plan.card.range_note else ""
        self._stack = ExitStack()
        self._mess: MapWriter | None = None
        self._features: MapWriter | None = None
        self._pixels = self._novel = self._novel_features = 0
        self._keys = list(keys)
        try:
            if not self.notes:
                self._similarity = MapMess(plan)
                meaning = MESS_MEANING + of_presences
                layer = Layer(NOVELTY, "MESS", {PRODUCT: NOVELTY, QUANTITY: "MESS", MEANING: meaning})
                self._mess = self._stack.enter_context(MapWriter(aside, grid, [layer], tags))
                mine = {**tags, PRODUCT: LIMITING, QUANTITY: "predictor", MEANING: LIMITING_MEANING}
                self._limiting = self._stack.enter_context(
                    CategoryWriter(
                        aside, grid, _categories(self._similarity.bands), LIMITING, "Limiting band", mine
                    )
                )
            if keys:
                layers = [_feature_layer(key, plan.card.limit_note) for key in keys]
                self.notes += [plan.card.limit_note] if plan.card.limit_note else []
                self._features = self._stack.enter_context(MapWriter(aside, grid, layers, tags))
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> NoveltyMaps:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def names(self) -> list[str]:
        """The names of the rasters that it makes."""
        writers = [one for one in (self._mess, self._features) if one is not None]
        found = [name for writer in writers for name in writer.names]
        return found + ([self._limiting.name] if self._mess is not None else [])

    def write(self, strip: Strip, ratios: Values) -> Valid:
        """Write a strip, and return where it is novel by predictors or features (rows, columns).

        ``ratios`` (branches, rows, columns) are distances of features over their limits.
        """
        tile, valid = strip.tile, strip.valid
        novel = np.zeros(tile.shape, np.bool_)
        if self._mess is not None:
            least, limiting = self._similarity.of(strip)
            similarity = least.astype(np.float32)
            self._mess.write(tile, similarity[None], valid)
            self._limiting.write(tile, limiting, valid)
            novel |= similarity < 0
            self._novel += int((novel & valid).sum())
        if self._features is not None:
            self._features.write(tile, ratios, valid)
            strange = (ratios > 1).any(axis=0)
            self._novel_features += int((strange & valid).sum())
            novel |= strange
        self._pixels += int(valid.sum())
        return novel & valid

    def made(self, monitor: Monitor) -> list[str]:
        """Make the files, still aside; return their names."""
        names = []
        if self._mess is not None:
            names += [*self._mess.made(monitor), *self._limiting.finish()]
        if self._features is not None:
            names += self._features.made(monitor)
        return names

    def shares(self) -> list[str]:
        """Return how much of the map is novel, in sentences."""
        found = []
        if self._mess is not None and self._novel > LEAST_TOLD * self._pixels:
            found.append(
                f"{self._novel / self._pixels:.1%} of the pixels lie outside the training range of a predictor "
                "(novelty.tif is negative there)."
            )
        if self._features is not None and self._novel_features > LEAST_TOLD * self._pixels:
            found.append(
                f"In {self._novel_features / self._pixels:.1%} of the pixels a scale sees a landscape unlike "
                "the training's (novelty_features_* above 1)."
            )
        return found


def unknown_ranges(plan: Plan) -> list[str]:
    """Return a sentence where MESS can't be told, or nothing."""
    unknown = [
        f"{band.name} ({name})"
        for name, predictor in plan.predictors.items()
        for band in predictor.modality.bands
        if not band.categories and not band.quantiles
    ]
    continuous = any(not band.categories for one in plan.predictors.values() for band in one.modality.bands)
    if not unknown and continuous:
        return []
    why = (
        f"the model does not know the training range of {unknown[0]}" if unknown else "all bands are categories"
    )
    return [f"There is no map of novelty by predictors (MESS): {why}."]


def _categories(bands: Sequence[tuple[str, Band]]) -> list[Category]:
    """Return the bands as categories: a hue a modality, lighter for its first bands."""
    found = []
    for place, name in enumerate(dict.fromkeys(name for name, _ in bands)):
        mine = [band.name for modality, band in bands if modality == name]
        colours = shades(place, len(mine))
        found += [Category(f"{name}: {one}", colour) for one, colour in zip(mine, colours, strict=True)]
    return found


def _feature_layer(key: BranchKey, limit_note: str) -> Layer:
    name, scale = key
    together = scale == ALL_SCALES
    return Layer(
        f"novelty_features_{name}" if together else f"novelty_features_{name}_{scale}",
        f"Novelty of {name}, all scales" if together else f"Novelty of {name} {scale} px",
        {
            PRODUCT: FEATURES,
            QUANTITY: "distance over its limit",
            MEANING: f"{OWN_LIMIT_MEANING} {limit_note}" if limit_note else FEATURES_MEANING,
        },
    )
