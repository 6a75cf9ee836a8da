"""The ``train`` job: from a config to a model file, its out-of-fold values and a report."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ...models.architecture import BranchKey
from ...models.feature_space import FeatureSpace
from ...models.model_file import ModelFile, model_bytes
from ...models.network import FusionNetwork
from ...models.whole_file import write_whole
from ..files.aside import published
from ..judging.calibration import calibrate, favourable
from ..judging.coordinates import coordinates_null
from ..judging.judgement import Judgement, judge
from ..judging.judgement_files import FILES, write_judgement
from ..judging.scored import Scored
from ..judging.scored_file import OOF_SUFFIX, write_scored
from ..protocol import TrainJob, TrainResult
from ..recipes.config import TrainingConfig
from ..recipes.config_file import read_config
from ..running.device import chosen
from ..running.errors import InputError
from ..running.progress import Monitor
from ..sites.fold_distance import fold_distance
from ..sites.site_table import Index
from ..training.course import Course, course_of
from ..training.feature_spaces import Features, HeldOutDistances, features_of, some_of
from ..training.fingerprint import fingerprint
from ..training.fitting import Fitted, Share, Turn, fit
from ..training.fold_fitting import fit_fold
from ..training.mapped_area import map_points
from ..training.model_card import tested_card, untested_card
from ..training.out_of_fold import held_out, places_of, scored_places
from ..training.prediction import branch_means, logits_at
from ..training.run_folder import RunFolder

MODEL_SUFFIX = ".safetensors"


def run_train(job: TrainJob, monitor: Monitor) -> TrainResult:
    """Train a network for each fold, then the one that is shipped, and judge them.

    Raises
    ------
    InputError
        The config or its data can't be used, or the files can't be written.
    Cancelled
        The user asked for it; what is done is kept for ``resume``.
    """
    return trained(read_config(Path(job.config)), Path(job.out), job.resume, job.device, monitor)


def trained(config: TrainingConfig, out: Path, resume: bool | None, on: str, monitor: Monitor) -> TrainResult:
    """Do the ``train`` job of a config that was read, on the device ``on``.

    With ``resume`` None it goes on from what an earlier run left where that is of the same training.
    """
    started = time.monotonic()
    if out.suffix != MODEL_SUFFIX:
        raise InputError(f"The model file {out} must end in {MODEL_SUFFIX}; call it {out.name}{MODEL_SUFFIX}.")
    device = chosen(on)
    monitor.report("preparing", 0, 1)
    course = course_of(config, monitor)
    if fault := untested_card(course, out.stem).fault:  # better known now than at the end
        raise InputError(f"No model can be made of these sites and rasters, since {fault}; change that.")
    with course.files, RunFolder(out, fingerprint(course), resume) as folder:
        monitor.note(folder.note)
        networks = _Networks(course, folder, device, monitor)
        shipped = networks.shipped()
        monitor.report("judging", 0, 1)
        everything = scored_places(course, networks.logits)
        scored = held_out(everything)
        null = coordinates_null(scored, networks.rows_of_folds(everything), course.recipe.seed, everything)
        judgement, model = _judged(course, shipped, scored, null, networks.folds_text, out, device)
        model = replace(model, feature_spaces=networks.feature_spaces(shipped))
        course.places.inputs.demand_unchanged()
        report, oof = out.with_suffix(".report"), out.with_suffix(OOF_SUFFIX)
        note = _distance_note(course)
        with folder.finishing(out.parent) as made:
            write_whole(made / out.name, model_bytes(model, str(out)))
            write_scored(scored, made / oof.name)
            write_judgement(judgement, made / report.name, note)
            published(made, out.parent, [*(f"{report.name}/{name}" for name in FILES), oof.name, out.name])
        folder.remove()
        return TrainResult(
            model=str(out),
            oof=str(oof),
            report=str(report / "report.html"),
            auc_median=judgement.summary["auc_median"],
            n_species=len(course.sites.species),
            n_sites=len(course.sites),
            seconds=time.monotonic() - started,
            warnings=(*course.report.sentences(), *course.blocks.notes, *monitor.notes),
        )


class _Networks:
    """The networks of a training, one a fold and one to be shipped."""

    def __init__(self, course: Course, folder: RunFolder, device: torch.device, monitor: Monitor) -> None:
        self._course = course
        self._folds = course.folds
        self._folder = folder
        self._device = device
        self._monitor = monitor
        folds, blocks = len(course.folds), course.blocks
        self._distances = HeldOutDistances()
        self._total = (folds + (folds > 1)) * course.recipe.epochs_of_all
        self.logits = np.full(
            (len(course.sites) + len(course.background), len(course.sites.species)), np.nan, np.float32
        )
        self.folds_text = (
            f"{folds} folds of {blocks.side_m / 1000:.3g} km blocks"
            if folds > 1
            else f"a fifth of the {blocks.side_m / 1000:.3g} km blocks, kept out"
        ) + f" ({course.buffer_m / 1000:.3g} km buffer)"

    def shipped(self) -> Fitted:
        """Train all networks, fill ``logits``, and return the one to be shipped."""
        course, epochs = self._course, []
        for number, fold in enumerate(self._folds):
            fitted = self._fold(number)
            tested = places_of(fold.split, len(course.sites), training=False)
            self.logits[tested] = logits_at(
                fitted.network, course.places, tested, self._device, self._monitor.check
            )
            learnt = np.intersect1d(places_of(fold.split, len(course.sites), training=True), course.learnt)
            self._note(fitted.network, learnt, tested)
            epochs.append(fitted.epochs)
        if len(self._folds) == 1:
            return fitted
        return self._whole(max(1, round(float(np.median(epochs)))))

    def _note(self, network: FusionNetwork, learnt: Index, tested: Index) -> None:
        """Take note of how far the features of places that a fold held out are from those it learnt from."""
        self._distances.add(self._features(network, learnt), self._features(network, tested))

    def _features(self, network: FusionNetwork, index: Index) -> dict[BranchKey, Features]:
        some = some_of(index, self._course.recipe.seed)
        return features_of(network, self._course.places, some, self._device, self._monitor.check)

    def feature_spaces(self, shipped: Fitted) -> dict[BranchKey, FeatureSpace]:
        """Return the spaces of the shipped network's features, over all places."""
        return self._distances.spaces(self._features(shipped.network, self._course.learnt))

    def rows_of_folds(self, everything: Scored) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return for each fold the places trained on, and the rows of the held-out places that it tests."""
        row, sites = np.cumsum(everything.fold >= 0) - 1, len(self._course.sites)
        return [
            (places_of(fold.split, sites, training=True), row[places_of(fold.split, sites, training=False)])
            for fold in self._folds
        ]

    def _fold(self, number: int) -> Fitted:
        kept = self._folder.kept(number, self._course.network)
        if kept is not None:
            return kept
        turn, checkpoint = self._turn(number, self._folds[number].name), self._folder.checkpoint(number)
        fitted = fit_fold(self._course, number, turn, checkpoint, self._monitor, self._device)
        self._folder.keep(number, fitted)
        return fitted

    def _whole(self, epochs: int) -> Fitted:
        """Return the network that learnt from all places, for so many epochs."""
        course, number = self._course, len(self._folds)
        kept = self._folder.kept(number, course.network)
        if kept is not None:
            return kept
        fitted = fit(
            course.architecture,
            course.places,
            Share(np.arange(len(course.sites)), np.arange(len(course.background)) + len(course.sites)),
            course.recipe,
            course.lambda2,
            self._turn(number, "the whole"),
            self._folder.checkpoint(number),
            self._monitor,
            self._device,
            epochs=epochs,
        )
        self._folder.keep(number, fitted)
        return fitted

    def _turn(self, number: int, name: str) -> Turn:
        return Turn(name, number, number * self._course.recipe.epochs_of_all, self._total)


def _judged(
    course: Course,
    shipped: Fitted,
    scored: Scored,
    null: Scored,
    folds: str,
    out: Path,
    device: torch.device,
) -> tuple[Judgement, ModelFile]:
    """Return the judgement on the folds' networks, and the shipped network with its card."""
    card = untested_card(course, out.stem)
    calibration = calibrate(scored, None, favourable(card, scored.species))
    judgement = judge(scored, seed=course.recipe.seed, null=null, card=card)
    card = tested_card(card, judgement, calibration, [*course.report.sentences(), *course.blocks.notes], folds)
    sites = len(course.sites)
    centre = np.arange(sites, sites + len(course.background)) if len(course.background) else np.arange(sites)
    means = branch_means(shipped.network, course.places, centre, device)
    return replace(judgement, card=card), ModelFile(shipped.network, card, means)


def _distance_note(course: Course) -> str:
    """Return how far test sites and map are from the data, in a sentence; empty without rasters to map."""
    points = map_points(course.config, course.recipe.seed)
    if points is None:
        return ""
    return fold_distance(course.blocks, points.x, points.y, points.crs, course.buffer_m).sentence()
