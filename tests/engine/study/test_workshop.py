"""What is fitted on placebos: real branches beside random ones, by networks and rivals, patches and tiles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import LEFT, TOP
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.running.progress import Monitor
from scalescape.engine.study.placebo_parts import Placebo
from scalescape.engine.study.trial import Run, Trial
from scalescape.engine.study.variant import COORDINATES, NETWORK, RANDOM_FOREST, Addition, Variant, everything
from scalescape.engine.study.workshop import Workshop
from scalescape.engine.training.sights import LatticeSight, PatchSight
from tiny_landscape import COLUMNS, RECORDS_ALONE, ROWS, TRAINING, write_tiny_landscape

SITES = f'{RECORDS_ALONE.rstrip()}\ntest = "pa.csv"\ntest_species_columns = ["Alnus"]\n'
BRIEF = TRAINING.replace("epochs = 2", "epochs = 1") + "patience = 0\n"
KEPT = (("bioclim", (1,)), ("satellite", (3,)))


def workshop_in(folder: Path, config: Path) -> Workshop:
    return Workshop(read_config(config), folder / "fits", Monitor(), torch.device("cpu"))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Two scales of each of two modalities, judged by a survey."""
    folder = tmp_path_factory.mktemp("workshop")
    config = write_tiny_landscape(folder, SITES, BRIEF)
    text = config.read_text(encoding="utf-8").replace("scales = [1]", "scales = [1, 3]")
    text = text.replace("scales = [25]", 'scales = [3, 7]\nbackbone = "pointwise"')
    config.write_text(text + "[model.widths]\nbioclim = [4]\nsatellite = [6]\n", encoding="utf-8")
    survey = folder / "pa.csv"
    survey.write_text(survey.read_text(encoding="utf-8").replace("Corylus", "Alnus"), encoding="utf-8")
    with workshop_in(folder, config) as found:
        found.placebos.write(2, lambda done, total: None)
        yield found


def patches(workshop: Workshop, placebo: Placebo | None) -> dict[str, np.ndarray]:
    """What a network of everything sees at all places, in files' units."""
    course = workshop.seen(everything(workshop.offered).scales, placebo)
    found = {}
    for name, sight in course.places.sights.items():
        assert isinstance(sight, PatchSight)
        places = np.arange(len(course.sites) + len(course.background))
        found[name] = np.asarray(sight.patches.patches.raw(places)[0])  # type: ignore[attr-defined]
    return found


def test_what_the_reference_sees_stays_real_and_is_the_middle_of_larger_windows(workshop: Workshop) -> None:
    real, first, second = (patches(workshop, one) for one in (None, Placebo(1, KEPT), Placebo(2, KEPT)))
    assert set(first) == {"bioclim", "satellite", "bioclim_placebo_around_1", "satellite_placebo_around_3"}
    np.testing.assert_array_equal(first["bioclim"][..., 0, 0], real["bioclim"][..., 1, 1])
    np.testing.assert_array_equal(first["satellite"], real["satellite"][..., 2:5, 2:5])
    for name, middle in (("bioclim", 1), ("satellite", 3)):
        given, other = (one[f"{name}_placebo_around_{middle}"] for one in (first, second))
        edge = (given.shape[-1] - middle) // 2
        inside = np.zeros(given.shape[-2:], np.bool_)
        inside[edge : edge + middle, edge : edge + middle] = True
        np.testing.assert_array_equal(given[..., inside], real[name][..., inside])
        assert (given[..., ~inside] != real[name][..., ~inside]).mean() > 0.9
        assert (given[..., ~inside] != other[..., ~inside]).mean() > 0.9


def test_a_placebos_network_has_the_settings_of_the_one_it_stands_for(workshop: Workshop) -> None:
    shape = workshop.seen(everything(workshop.offered).scales, Placebo(1, KEPT)).architecture
    widths = {one.name: one.widths for one in shape.modalities}
    assert widths["satellite_placebo_around_3"] == widths["satellite"]
    assert widths["bioclim_placebo_around_1"] == widths["bioclim"]
    assert {one.name: one.scales for one in shape.modalities} == {
        "bioclim": (1,), "satellite": (3,), "bioclim_placebo_around_1": (3,), "satellite_placebo_around_3": (7,)
    }  # fmt: skip


@pytest.mark.parametrize("kept", [KEPT, (("bioclim", (3,)),), (("satellite", (7,)),)])
def test_networks_and_forests_on_placebos_give_a_value_wherever_they_are_judged(
    workshop: Workshop, kept: tuple[tuple[str, tuple[int, ...]], ...]
) -> None:
    assert workshop.survey is not None
    whole = everything(workshop.offered)
    windows = Variant(RANDOM_FOREST, (("bioclim", (1, 3)), ("satellite", (1, 3, 7))))
    for variant in (whole, windows):
        found = workshop.outcome(Trial(variant, Run("placebo", 1, 42, kept), 0))
        assert found.held_out.shape == (len(workshop.tested(0)), 2) and not found.diverged
        assert found.surveyed.shape == (len(workshop.survey.of_fold(0)), 2)
        mine = workshop.judged if variant.model == RANDOM_FOREST else np.arange(2)
        assert np.isfinite(found.held_out[:, mine]).all() and np.isfinite(found.surveyed[:, mine]).all()


def test_a_rival_keeps_the_references_columns(workshop: Workshop) -> None:
    windows = Variant(RANDOM_FOREST, (("bioclim", (1, 3)), ("satellite", (1, 3, 7))))
    real = workshop.values(windows)
    kept = Placebo(1, (("bioclim", (1,)),))
    made = workshop.values(windows, kept)
    assert made.shape == real.shape == (len(real), 2 * 5)
    np.testing.assert_allclose(made[:, :2], real[:, :2], atol=1e-6)
    for column in range(2, 10):
        assert not np.allclose(made[:, column], real[:, column])
    mean_real, mean_made = real[:, 2], made[:, 2]  # of the window around the real pixel
    assert np.corrcoef(mean_real, mean_made)[0, 1] > 0.1 > abs(np.corrcoef(real[:, 4], made[:, 4])[0, 1]) - 0.15


def test_coordinates_have_nothing_to_randomise(workshop: Workshop) -> None:
    assert not Addition(Variant(COORDINATES), KEPT).randomised
    assert workshop.values(Variant(COORDINATES)).shape[1] == 2


def test_where_sites_lie_on_a_lattice_placebos_are_seen_by_tiles_too(tmp_path: Path) -> None:
    config = write_tiny_landscape(tmp_path, RECORDS_ALONE, BRIEF)
    text = config.read_text(encoding="utf-8").replace("scales = [25]", "scales = [25, 27]")
    config.write_text(text, encoding="utf-8")
    draw = np.random.default_rng(0)
    rows = [
        f"{draw.choice(['Alnus', 'Betula'])},{LEFT + 10 * column + 5},{TOP - 10 * row - 5}"
        for row in range(20, ROWS - 20, 8)
        for column in range(20, COLUMNS - 20, 8)
    ]
    (tmp_path / "po.csv").write_text("\n".join(["species,x,y", *rows, ""]), encoding="utf-8")
    with workshop_in(tmp_path, config) as found:
        found.placebos.write(1, lambda done, total: None)
        kept = (("satellite", (25,)),)
        course = found.seen((("satellite", (25, 27)),), Placebo(1, kept))
        assert set(course.places.sights) == {"satellite", "satellite_placebo"}
        assert all(isinstance(one, LatticeSight) for one in course.places.sights.values())
        variant = Variant(NETWORK, (("satellite", (25, 27)),))
        outcome = found.outcome(Trial(variant, Run("placebo", 1, 42, kept), 0))
        assert np.isfinite(outcome.held_out).all()
