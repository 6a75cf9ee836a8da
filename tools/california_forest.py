"""Compares a trained network with forests on its own folds, pixels and background.

For a model file with its out-of-fold values and the config that made both: random forests of scikit-learn on
all predictors at the pixel, on these and their means over larger windows, and on coordinates alone. Each fold's
forest of a species learns its presences against the background points of the network's own split. ``--card``
writes the outcome into a model's card, this one's or that of a sibling. Needs the packages of the extra
``train``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scalescape.engine.judging.coordinates import coordinates_null
from scalescape.engine.judging.judgement import judge
from scalescape.engine.judging.resampling import Estimate, average
from scalescape.engine.judging.scored import Scored
from scalescape.engine.judging.scored_file import OOF_SUFFIX, read_scored
from scalescape.engine.patches.cache import PatchCache
from scalescape.engine.patches.patch_set import PatchSet
from scalescape.engine.progress import Monitor
from scalescape.engine.training.config import read_config
from scalescape.engine.training.course import Course, course_of, spots_of
from scalescape.engine.training.out_of_fold import held_out, places_of, scored_places
from scalescape.models.model_file import read_model, write_model
from sklearn.ensemble import RandomForestClassifier

WINDOWS = (5, 17)  # px, means of which are predictors beside the pixel's own
LEAVES = (1, 5)  # records in a leaf at least: scikit-learn's default, and a smoother forest
TREES = 100  # scikit-learn's default
CHUNK = 2000  # places whose windows are held at once
SMALLEST_SHARE = 0.5  # of a tree: no forest is surer than that


@dataclass(frozen=True)
class Rival:
    """What the network is compared with: its name, and its values in the network's rows."""

    name: str
    scored: Scored


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("config", type=Path)
    parser.add_argument("--trees", type=int, default=TREES)
    parser.add_argument("--jobs", type=int, default=1, help="trees that grow at the same time")
    parser.add_argument("--card", type=Path, help="the model whose card the outcome is added to")
    parser.add_argument("--coordinates-only", action="store_true", help="leave out the forests on predictors")
    arguments = parser.parse_args()

    model = read_model(arguments.model)
    course = course_of(read_config(arguments.config), Monitor())
    names = {one.name: one for one in model.card.species}
    network = read_scored(
        arguments.model.with_suffix(OOF_SUFFIX),
        course.sites.crs,
        {name: one.kind for name, one in names.items()},
        {name: one.presences for name, one in names.items()},
    )
    everything = scored_places(
        course, np.zeros((len(course.sites) + len(course.background), len(course.sites.species)), np.float32)
    )
    mine = held_out(everything)
    if not (np.array_equal(mine.x, network.x) and np.array_equal(mine.fold, network.fold)):
        parser.error("the config gives other folds or places than the model was made with")
    sentences = []
    for rival in rivals(course, network, everything, arguments):
        sentence = compared(network, rival, course)
        sentences.append(sentence)
        print(sentence, flush=True)
    if arguments.card:
        told = read_model(arguments.card)
        metrics = dict(told.card.metrics)
        metrics["notes"] = [*metrics.get("notes", []), *sentences]
        write_model(arguments.card, replace(told, card=replace(told.card, metrics=metrics)))


def rivals(
    course: Course, network: Scored, everything: Scored, arguments: argparse.Namespace
) -> Iterator[Rival]:
    """Yield the rivals one by one."""
    if not arguments.coordinates_only:
        pixels, windows = predictors(course)
        for values, what in ((pixels, "the pixel"), (windows, "the pixel and window means")):
            for leaf in LEAVES:
                forest = forests(course, network, everything, values, leaf, arguments.trees, arguments.jobs)
                yield Rival(f"random forest on {what}, leaves of {leaf} or more", forest)
    rows = fold_rows(course, everything)
    yield Rival("coordinates alone", coordinates_null(network, rows, course.recipe.seed, everything))


def predictors(course: Course) -> tuple[np.ndarray, np.ndarray]:
    """Return all bands at the pixels of sites and then background points, and these with window means."""
    cache, spots = PatchCache(), spots_of(course.sites, course.background)
    pixels, means = [], []
    for supply, modality in zip(course.supplies, course.modalities, strict=True):
        with supply.source(spots, max(WINDOWS)) as source:
            patches = PatchSet(cache.patches(source, Monitor(), supply.name), modality)
        parts = [
            patches.batch(np.arange(start, min(start + CHUNK, len(patches))))
            for start in range(0, len(patches), CHUNK)
        ]
        centre = max(WINDOWS) // 2
        pixels.append(np.concatenate([part[:, :, centre, centre] for part in parts]))
        for side in WINDOWS:
            inside = slice(centre - side // 2, centre + side // 2 + 1)
            means.append(np.concatenate([part[:, :, inside, inside].mean(axis=(2, 3)) for part in parts]))
    return np.hstack(pixels), np.hstack([*pixels, *means])


def fold_rows(course: Course, everything: Scored) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each fold the places to train on, and the rows of the out-of-fold values that it tests."""
    row, sites = np.cumsum(everything.fold >= 0) - 1, len(course.sites)
    splits = [course.blocks.split(fold, course.buffer_m) for fold in range(course.blocks.folds)]
    return [(places_of(one, sites, True), row[places_of(one, sites, False)]) for one in splits]


def forests(
    course: Course, network: Scored, everything: Scored, values: np.ndarray, leaf: int, trees: int, jobs: int
) -> Scored:
    """Return the network's rows with the values of forests on ``values`` (places, predictors)."""
    logit = np.zeros_like(network.logit)
    tested_places = np.flatnonzero(everything.fold >= 0)
    for fold, (train, test) in enumerate(fold_rows(course, everything)):
        for species in range(len(network.species)):
            here = everything.present[train, species] | everything.absent[train, species]
            forest = RandomForestClassifier(trees, min_samples_leaf=leaf, random_state=fold, n_jobs=jobs)
            forest.fit(values[train[here]], everything.present[train[here], species])
            share = forest.predict_proba(values[tested_places[test]])[:, 1]
            share = np.clip(share, SMALLEST_SHARE / trees, 1 - SMALLEST_SHARE / trees)
            logit[test, species] = np.log(share) - np.log1p(-share)
    return replace(network, logit=logit)


def compared(network: Scored, rival: Rival, course: Course) -> str:
    """Return in a sentence how much better the network is, by AUC, with intervals from resampled blocks."""
    seed = course.recipe.seed
    buffer = f"{course.buffer_m / 1000:.3g} km buffer" if course.buffer_m else "no buffer"
    ours, theirs = judge(network, seed=seed).figures, judge(rival.scored, seed=seed).figures
    gains = ours.auc - theirs.auc
    by_species = "; ".join(
        f"{one.name} {_signed(Estimate.of(gains[:, number]))}" for number, one in enumerate(ours.species)
    )
    first = ours.species[0]
    return (
        f"Against {rival.name} ({buffer}; mean AUC {theirs.auc[0].mean():.3f}, the network's "
        f"{ours.auc[0].mean():.3f}): {_signed(Estimate.of(average(gains)))} over {len(ours.species)} species "
        f"({by_species}); {first.n_presence:,} presences of {first.name} in {first.n_blocks} blocks, "
        f"{first.n_absence:,} background points."
    )


def _signed(gain: Estimate) -> str:
    if gain.value is None:
        return "unknown"
    interval = "" if gain.low is None or gain.high is None else f" [{gain.low:+.3f}, {gain.high:+.3f}]"
    return f"{gain.value:+.3f}{interval}"


if __name__ == "__main__":
    main()
