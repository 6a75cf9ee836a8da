"""Coordinates alone: what x and y say of a species, on the folds and buffers given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up_values import scored
from scalescape.engine.judging import location
from scalescape.engine.judging.coordinates import coordinates_null
from scalescape.engine.judging.scored import Scored
from scalescape.engine.running.errors import InputError
from sklearn.metrics import roc_auc_score

Folds = list[tuple[np.ndarray, np.ndarray]]


@pytest.fixture(autouse=True)
def small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(location, "TREES", 25)


def folds_of(values: Scored) -> Folds:
    return [
        (np.flatnonzero(values.fold != f), np.flatnonzero(values.fold == f)) for f in np.unique(values.fold)
    ]


def in_the_east(**options: object) -> Scored:
    """Species found where x is large, whatever the logit says, in folds that mix all over."""
    values = scored(species=2, rows=500, **options)
    draw = np.random.default_rng(1)
    found = (draw.random((500, 2)) < np.where(values.x > 600, 0.9, 0.05)[:, None]) & ~values.background[:, None]
    return replace(values, found=found, fold=draw.integers(0, 3, 500))


def test_it_finds_what_location_alone_explains() -> None:
    values = in_the_east()
    null = coordinates_null(values, folds_of(values))
    assert null.known.all() and (null.fold == values.fold).all()
    assert roc_auc_score(values.found[:, 0], null.logit[:, 0]) > 0.9


def test_it_learns_from_the_rows_given_and_from_nothing_else() -> None:
    values = in_the_east()
    folds = [(train[:200], test) for train, test in folds_of(values)]
    used = np.unique(np.concatenate([train for train, _ in folds]))
    others = np.setdiff1d(np.arange(500), used)
    found = values.found.copy()
    found[others] = ~found[others]
    first = (folds[0],)
    mine, theirs = (coordinates_null(one, first) for one in (values, replace(values, found=found)))
    assert (mine.logit == theirs.logit).all()
    assert mine.known[folds[0][1]].all() and not mine.known[folds[1][1]].any()


def test_presence_only_species_learn_against_background() -> None:
    values = in_the_east(kinds="po", background=0.5)
    null = coordinates_null(values, folds_of(values))
    rows = values.present[:, 0] | values.absent[:, 0]
    # two in five background points lie in the east, too, so that even the truth reaches only about 0.77
    assert roc_auc_score(values.found[rows, 0], null.logit[rows, 0]) > 0.65


def test_a_species_without_both_classes_and_those_not_drawn_are_masked() -> None:
    values = scored(species=6, rows=300)
    found = values.found.copy()
    found[:, 4] = False
    values = replace(values, found=found, presences=np.array([5, 1, 9, 3, 0, 7]))
    null = coordinates_null(values, folds_of(values), most_species=3)
    assert null.known.any(axis=0).tolist() == [True, True, True, False, False, False]


def test_training_rows_may_come_from_another_table() -> None:
    sites, test = in_the_east(), in_the_east(seed=5)
    everything = np.arange(500)
    null = coordinates_null(test, [(everything, everything)], sites=sites)
    assert roc_auc_score(test.found[:, 1], null.logit[:, 1]) > 0.85
    with pytest.raises(InputError, match="species or CRS"):
        coordinates_null(test, [(everything, everything)], sites=replace(sites, crs="EPSG:4326"))
