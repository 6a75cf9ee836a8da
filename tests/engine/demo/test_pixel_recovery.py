"""The maps of effects name the truly dominant driver, on a landscape that the network has not seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scalescape.models
from scalescape.engine.demo.landscape import Landscape, make_landscape
from scalescape.engine.demo.pixel_recovery import PixelRecovery, recover_pixels, true_contributions
from scalescape.engine.demo.virtual_species import SPECIES

MODEL = Path(scalescape.models.__file__).parent / "zoo" / "demo.safetensors"
UNSEEN_SEED, SIZE, STEP = 501, 1024, 8
KEYS = [("bioclim", 1), ("bioclim", 5), ("satellite", 25), ("satellite", 59), ("satellite", 115)]


@pytest.fixture(scope="module")
def unseen() -> Landscape:
    return make_landscape(UNSEEN_SEED, SIZE)


@pytest.fixture(scope="module")
def recovered(unseen: Landscape, tmp_path_factory: pytest.TempPathFactory) -> list[PixelRecovery]:
    return recover_pixels(MODEL, unseen, tmp_path_factory.mktemp("unseen"), STEP)


def test_the_true_terms_and_the_intercept_are_the_true_logit(unseen: Landscape) -> None:
    for place, species in enumerate(SPECIES):
        terms = true_contributions(unseen, species, KEYS)
        truth = 1 / (1 + np.exp(-(terms.sum(axis=0) + species.intercept)))
        np.testing.assert_allclose(truth, unseen.truth[place], atol=1e-5)


def test_modality_and_scale_are_the_true_ones_by_the_rule(recovered: list[PixelRecovery]) -> None:
    assert len(recovered) == 12
    assert sum(one.found_branch[0] == one.true_branch[0] for one in recovered) >= 11
    assert sum(one.found_branch == one.true_branch for one in recovered) >= 11
    right = [one for one in recovered if one.found_branch == one.true_branch]
    assert all(one.modality_margin > 1 and one.scale_margin > 1 for one in right)


def test_the_dominant_branch_is_the_true_driver_where_its_margin_is_clear(
    recovered: list[PixelRecovery],
) -> None:
    shares = {one.name: one.clear_agreement for one in recovered if one.clear_agreement is not None}
    assert set(shares) == {species.name for species in SPECIES if len(species.drivers) > 1}
    assert min(shares.values()) >= 0.7, shares
