"""What a study will take, from a few fits that are measured on this computer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...models.architecture import Architecture
from ...models.cost import dense_cost, patch_cost, shape_of_dense
from ..files.kept_values import KeptValues
from ..recipes.shape import architecture_of
from ..training.fitting import Turn
from ..training.fold_fitting import fit_fold
from ..training.learner import DivergedError
from ..training.out_of_fold import places_of
from ..training.sights import TILE_SITES, LatticeSight
from .rivals import rival_logits
from .variant import NETWORK, Variant, everything, one_pixel
from .workers import one_thread
from .workshop import POINTWISE, Workshop


class MeasuredSeconds:
    """What was measured before, in a file of a study's folder, so that a resumed study starts at once."""

    def __init__(self, folder: Path) -> None:
        self._kept = KeptValues(folder / "seconds.json")

    def get(self, variant: Variant) -> float | None:
        """Return the seconds of a fit, None where they were not measured."""
        found = self._kept.get(variant.key)
        return float(found) if isinstance(found, (int, float)) else None

    def keep(self, seconds: Mapping[Variant, float]) -> None:
        """Keep the seconds of some variants."""
        for variant, value in seconds.items():
            self._kept.keep(variant.key, value)


def seconds_a_fit(
    workshop: Workshop, variants: Iterable[Variant], known: Mapping[Variant, float]
) -> dict[Variant, float]:
    """Return for each variant about how many seconds a fit to one fold takes on one core.

    The smallest and the largest network are trained for an epoch; between them time grows with the operations
    counted. Of forest and MaxEnt one species is fitted.

    Parameters
    ----------
    workshop
        Of the study.
    variants
        Which are asked for.
    known
        Seconds of those that earlier runs have fitted.
    """
    wanted = [one for one in variants if one not in known]
    found = dict(known)
    with one_thread():
        networks = [one for one in wanted if one.model == NETWORK]
        if networks:
            small, large = one_pixel(workshop.climate), everything(workshop.offered)
            ends = {one: (_operations(workshop, one), _epochs_seconds(workshop, one)) for one in (small, large)}
            for one in networks:
                found[one] = _between(_operations(workshop, one), ends[small], ends[large])
        for one in wanted:
            if one.model != NETWORK:
                found[one] = _rival_seconds(workshop, one)
    return found


def _between(operations: float, small: tuple[float, float], large: tuple[float, float]) -> float:
    """Return seconds for some operations, on the line through two measured networks."""
    if large[0] <= small[0]:
        return small[1]
    share = (operations - small[0]) / (large[0] - small[0])
    return max(small[1] + share * (large[1] - small[1]), min(small[1], large[1]))


def _epochs_seconds(workshop: Workshop, variant: Variant) -> float:
    """Return the seconds of all epochs, from a fit of one of them."""
    course = workshop.seen(variant.scales)
    one = replace(course, recipe=replace(course.recipe, epochs=1))
    started = time.perf_counter()
    with suppress(DivergedError):  # what it took until then has to do
        fit_fold(one, 0, Turn("measuring", 0, 0, 1), None, workshop.monitor, workshop.device)
    return (time.perf_counter() - started) * course.recipe.epochs


def _operations(workshop: Workshop, variant: Variant) -> float:
    """Return the operations of all places seen once."""
    course = workshop.course
    channels = {one.name: one.channels for one in course.modalities}
    config = workshop.config_of(variant.scales)
    architecture = architecture_of(config, channels, len(course.sites.species), course.recipe.width)
    return sum(_of_modality(workshop, architecture, name) for name, _ in variant.scales)


def _of_modality(workshop: Workshop, architecture: Architecture, name: str) -> float:
    course, scales = workshop.course, architecture.modality(name).scales
    sight = course.places.sights[name]
    if isinstance(sight, LatticeSight) and architecture.modality(name).backbone != POINTWISE:
        tile = dense_cost(shape_of_dense(architecture, name, sight.step, scales), TILE_SITES, TILE_SITES)
        return float(len(np.unique(sight.tiles)) * tile.flops)
    return float(2 * len(course.sites) * patch_cost(architecture, name, scales).flops)


def _rival_seconds(workshop: Workshop, variant: Variant) -> float:
    """Return the seconds of all species, from a fit of one in the middle."""
    if not len(workshop.judged):
        return 0.0
    course = workshop.course
    training = places_of(course.folds[0].split, len(course.sites), training=True)
    tested = workshop.tested(0)
    values = workshop.values(variant)
    one = workshop.judged[[len(workshop.judged) // 2]]
    started = time.perf_counter()
    rival_logits(variant.model, values, training, workshop.everything, one, values[tested], 0)
    return (time.perf_counter() - started) * len(workshop.judged)


def in_words(seconds: float) -> str:
    """Return a duration for a person: ``40 s``, ``25 min``, ``3 h 10 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
