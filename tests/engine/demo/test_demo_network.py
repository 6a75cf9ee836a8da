"""The shipped demo network recovers the truth of landscapes that it has not seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scalescape.models
from scalescape.engine.demo.landscape import make_landscape
from scalescape.engine.demo.recovery import Judged, recover
from scalescape.engine.demo.virtual_species import SPECIES
from scalescape.models.model_file import ModelFile, read_model

FILE = Path(scalescape.models.__file__).parent / "zoo" / "demo.safetensors"
UNSEEN_SEEDS = (7, 42, 2026)


@pytest.fixture(scope="module")
def model() -> ModelFile:
    return read_model(FILE)


@pytest.fixture(scope="module")
def judged(model: ModelFile) -> list[Judged]:
    return [recover(model, make_landscape(seed, 1024)) for seed in UNSEEN_SEEDS]


def test_maps_agree_with_truth(judged: list[Judged]) -> None:
    for landscape in judged:
        figures = [one.auc_truth for one in landscape.species]
        assert np.median(figures) >= 0.95
        assert min(figures) >= 0.75


def test_the_scale_shown_as_responsible_is_the_true_one_for_all_but_one_species_at_most(
    judged: list[Judged],
) -> None:
    for landscape in judged:
        wrong = [(one.name, one.found_branch) for one in landscape.species if not one.right]
        assert len(wrong) <= 1, wrong


def test_the_card_says_what_the_network_is(model: ModelFile) -> None:
    card = model.card
    assert [one.name for one in card.species] == [species.name for species in SPECIES]
    assert [(one.name, one.scales) for one in card.modalities] == [
        ("bioclim", (1, 5)),
        ("satellite", (25, 59, 115)),
    ]
    assert all(one.kind == "po" and one.presences > 0 for one in card.species)
    assert all(one.auc is not None and "not trained on" in one.auc_against for one in card.species)
    assert all(one.threshold is not None and 0 < one.threshold < 1 for one in card.species)
    assert card.training.lambda2 == 0.5
    assert card.training.background
    assert card.licence
    assert "2411.04016" in card.citation


def test_the_file_is_small() -> None:
    assert FILE.stat().st_size < 1_000_000
