"""What fits the models of a study, one trial after another; each process has one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch

from ...models.flags import FEWEST_BLOCKS
from ..judging.coordinates import MOST_SPECIES, evenly
from ..judging.scored import Scored
from ..recipes.config import ModalityConfig, TrainingConfig
from ..recipes.shape import backbone_of, scales_of
from ..running.progress import Monitor
from ..sites.site_table import Index
from ..training.course import Course, course_of, seen_as, seen_elsewhere, spots_of
from ..training.fitting import Turn
from ..training.fold_fitting import fit_fold
from ..training.learner import DivergedError
from ..training.out_of_fold import places_of, scored_places
from ..training.prediction import logits_at
from ..training.sights import LatticeSight
from ..training.supplies import Spots, supply_of
from .placebo import PlaceboRasters
from .placebo_parts import Part, Placebo, parts_of, placebo_of
from .predictor_table import PredictorTable, Windows
from .rivals import Rows, rival_logits
from .survey import Survey, survey_of
from .trial import Outcome, Trial
from .variant import COORDINATES, NETWORK, PIXEL, Scales, Variant

KEPT_COURSES = 2  # variants whose rasters stay open
KEPT_TABLES = 2  # that on real rasters, and a placebo's
POINTWISE = "pointwise"


class Workshop:
    """Fits trials. Use as a context manager: rasters stay open.

    Parameters
    ----------
    config
        Of the study.
    folder
        Where placebo rasters lie.
    monitor
        Asked whether to go on.
    device
        Where networks run.
    """

    def __init__(self, config: TrainingConfig, folder: Path, monitor: Monitor, device: torch.device) -> None:
        self._folder = folder
        self.monitor = monitor
        self.device = device
        self.course = course_of(config, monitor)
        self.survey: Survey | None = survey_of(self.course)
        self._seen: dict[tuple[Scales, Placebo | None], Course] = {}
        self._table = lru_cache(KEPT_TABLES)(self._table_anew)

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *error: object) -> None:
        for course in (self.course, *self._seen.values()):
            course.files.close()

    @cached_property
    def offered(self) -> dict[str, tuple[int, ...]]:
        """The scales of the config by modality."""
        config = self.course.config
        return {name: tuple(sorted(scales_of(config, name))) for name in config.modality}

    @cached_property
    def climate(self) -> str:
        """The modality of the one-pixel network: of those with a pointwise backbone, or all, the coarsest."""
        config = self.course.config
        pointwise = [name for name in self.offered if backbone_of(config, name) == POINTWISE]
        sizes = {one.name: (one.pixel_unit == "degree", one.pixel_size) for one in self.course.modalities}
        return max(pointwise or list(self.offered), key=lambda name: sizes[name])

    @cached_property
    def everything(self) -> Scored:
        """All sites and background points, with values of 0."""
        course = self.course
        rows = len(course.sites) + len(course.background)
        return scored_places(course, np.zeros((rows, len(course.sites.species)), np.float32))

    @cached_property
    def judged(self) -> Index:
        """The species that rivals are fitted to: those in enough blocks to be judged, at most 50 of them."""
        everything = self.everything
        enough = self.course.blocks.blocks_of_species(self.course.sites) >= FEWEST_BLOCKS
        both = everything.present.any(axis=0) & everything.absent.any(axis=0)
        return evenly(np.flatnonzero(enough & both), everything, MOST_SPECIES)

    def tested(self, fold: int) -> Index:
        """Return the places, sites and then background points, that a fold tests."""
        return places_of(self.course.folds[fold].split, len(self.course.sites), training=False)

    @cached_property
    def placebos(self) -> PlaceboRasters:
        """The placebos' rasters."""
        course = self.course
        return PlaceboRasters(
            course.config, self._all_spots, len(course.sites), course.recipe.seed, self._folder
        )

    def seen(self, scales: Scales, placebo: Placebo | None = None) -> Course:
        """Return a network's course: its modalities and scales, on real rasters or beside a placebo."""
        key = scales, placebo
        if key not in self._seen:
            while len(self._seen) >= KEPT_COURSES:
                self._seen.pop(next(iter(self._seen))).files.close()
            parts = self._parts(scales, placebo)
            config = self._config_of(parts)
            stands_for = {one.name: one.real for one in parts}
            self._seen[key] = seen_as(self.course, config, self.monitor, stands_for)
        return self._seen[key]

    def values(self, variant: Variant, placebo: Placebo | None = None) -> Rows:
        """Return what a rival learns from: (sites, background points and survey sites, predictors)."""
        if variant.model == COORDINATES:
            return np.column_stack([self._all_spots.x, self._all_spots.y])
        parts = self._parts(variant.scales, placebo)
        table = self._table(None if placebo is None else (variant.scales, placebo))
        return table.rows([(one.name, one.scales) for one in parts])

    def outcome(self, trial: Trial) -> Outcome:
        """Fit a trial and return what it gives where its fold is tested: NaN where its training diverged."""
        started = time.perf_counter()
        epochs, diverged = 0, False
        try:
            if trial.variant.model == NETWORK:
                held_out, surveyed, epochs = self._network(trial)
                diverged = held_out.size > 0 and not np.isfinite(held_out).any()  # in its very last step
            else:
                held_out, surveyed = self._rival(trial)
        except DivergedError:
            diverged = True
        if diverged:
            held_out, surveyed, epochs = *self._nothing(trial.fold), 0
        seconds = time.perf_counter() - started
        return Outcome(held_out.astype(np.float32), surveyed.astype(np.float32), seconds, epochs, diverged)

    def _nothing(self, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """Return NaN for what a fold tests."""
        species = len(self.course.sites.species)
        surveyed = 0 if self.survey is None else len(self.survey.of_fold(fold))
        return np.full((len(self.tested(fold)), species), np.nan), np.full((surveyed, species), np.nan)

    def _network(self, trial: Trial) -> tuple[np.ndarray, np.ndarray, int]:
        course = self.seen(trial.variant.scales, placebo_of(trial.run))
        course = replace(course, recipe=replace(course.recipe, seed=trial.run.seed))
        turn = Turn(trial.variant.name, trial.fold, 0, course.recipe.epochs_of_all)
        fitted = fit_fold(course, trial.fold, turn, None, self.monitor, self.device)
        check = self.monitor.check
        held_out = logits_at(fitted.network, course.places, self.tested(trial.fold), self.device, check)
        surveyed = np.zeros((0, held_out.shape[1]), np.float32)
        if self.survey is not None and len(mine := self.survey.of_fold(trial.fold)):
            places = seen_elsewhere(course, self.survey.sites, self.monitor)
            surveyed = logits_at(fitted.network, places, mine, self.device, check)
        return held_out, surveyed, fitted.epochs

    def _rival(self, trial: Trial) -> tuple[np.ndarray, np.ndarray]:
        course, survey = self.course, self.survey
        sites, points = len(course.sites), len(course.sites) + len(course.background)
        split = course.folds[trial.fold].split
        values = self.values(trial.variant, placebo_of(trial.run))
        tested = self.tested(trial.fold)
        mine = survey.of_fold(trial.fold) + points if survey is not None else np.zeros(0, np.intp)
        found = rival_logits(
            trial.variant.model,
            values,
            places_of(split, sites, training=True),
            self.everything,
            self.judged,
            values[np.concatenate([tested, mine])],
            trial.run.seed,
        )
        return found[: len(tested)], found[len(tested) :]

    @cached_property
    def _all_spots(self) -> Spots:
        """Sites, background points and survey sites as places."""
        course = self.course
        spots = spots_of(course.sites, course.background)
        return spots if self.survey is None else joined(spots, spots_of(self.survey.sites))

    def config_of(self, scales: Scales) -> TrainingConfig:
        """Return the config of some scales on real rasters; a pointwise backbone always sees a single pixel."""
        return self._config_of(self._parts(scales, None))

    def _config_of(self, parts: Sequence[Part]) -> TrainingConfig:
        config = self.course.config
        modalities = {one.name: self._modality(one) for one in parts}
        widths = {one.name: config.model.widths[one.real] for one in parts if one.real in config.model.widths}
        model = config.model.model_copy(update={"widths": widths})
        return config.model_copy(update={"modality": modalities, "model": model})

    def _modality(self, part: Part) -> ModalityConfig:
        backbone = POINTWISE if part.scales == PIXEL else backbone_of(self.course.config, part.real)
        if part.draw:
            return self.placebos.modality(part.real, part.draw, part.scales, backbone, part.middle)
        real = self.course.config.modality[part.real]
        return real.model_copy(update={"scales": part.scales, "backbone": backbone})

    def _parts(self, scales: Scales, placebo: Placebo | None) -> tuple[Part, ...]:
        if placebo is None:
            return tuple(Part(name, name, its) for name, its in scales)
        sights = self.course.places.sights
        tiled = frozenset(name for name, one in sights.items() if isinstance(one, LatticeSight))
        return parts_of(scales, placebo, tiled)

    def _table_anew(self, key: tuple[Scales, Placebo] | None) -> PredictorTable:
        """Return the predictors of all windows on real rasters, or those of some scales beside a placebo."""
        if key is None:
            every = tuple((name, tuple(sorted({1, *its}))) for name, its in self.offered.items())
            parts = self._parts(every, None)
        else:
            parts = self._parts(*key)
        bands = {one.name: one.bands for one in self.course.modalities}
        windows = {
            one.name: Windows(supply_of(one.name, self._modality(one)), bands[one.real], one.scales)
            for one in parts
        }
        return PredictorTable(windows, self._all_spots, self.monitor)


def joined(one: Spots, other: Spots) -> Spots:
    """Return the places of both; ``other``'s columns and images are those that ``one`` has too."""
    columns: Mapping[str, np.ndarray] = {
        name: np.concatenate([values, other.columns[name]]) for name, values in one.columns.items()
    }
    images = None
    if one.patch_ids is not None and other.patch_ids is not None:
        images = np.concatenate([one.patch_ids, other.patch_ids])
    return Spots(np.concatenate([one.x, other.x]), np.concatenate([one.y, other.y]), one.crs, columns, images)
