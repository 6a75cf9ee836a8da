"""Windows of a placebo around the real middle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import write_raster
from rough_rasters import grainy, mask
from scalescape.engine.patches.statistics import band_statistics
from scalescape.engine.recipes.config import TrainingConfig
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.running.progress import Monitor
from scalescape.engine.study.placebo import PlaceboRasters
from scalescape.engine.study.predictor_table import PredictorTable, Windows, window_means
from scalescape.engine.training.supplies import Spots, supply_of
from tiny_landscape import CRS, write_tiny_landscape

SHAPE, SIDE, MIDDLE, DRAWS = (90, 80), 9, 3, 12


class Made:
    """A raster of three bands with gaps, the last of categories; its placebos; and places on it."""

    def __init__(self, folder: Path) -> None:
        values = grainy(SHAPE)
        values[2] = np.digitize(values[2], [90, 110])
        valid = mask(SHAPE, 0.3)
        values[:, ~valid] = -9999
        config = read_config(write_tiny_landscape(folder))
        one = config.modality["satellite"].model_copy(
            update={"scales": (MIDDLE, SIDE), "backbone": "pointwise", "categorical": ("cover",)}
        )
        self.config: TrainingConfig = config.model_copy(update={"modality": {"satellite": one}})
        write_raster(Path(one.inputs[0]), values, 10, names=["red", "nir", "cover"], nodata=-9999)
        rows, columns = (part[::5] for part in np.nonzero(valid))
        x, y = 500_000 + 10 * (columns + 0.5), 5_000_000 - 10 * (rows + 0.5)
        self.spots = Spots(x, y, CRS)
        self.placebos = PlaceboRasters(self.config, self.spots, len(x), 42, folder / "placebos")
        self.placebos.write(DRAWS, lambda done, total: None)

    def patches(self, draw: int, middle: int) -> tuple[np.ndarray, np.ndarray]:
        """Windows of a placebo, or of the real raster (draw 0), at the places, and where they hold values."""
        one = self.config.modality["satellite"]
        if draw:
            one = self.placebos.modality("satellite", draw, (SIDE,), "pointwise", middle)
        with supply_of("satellite", one).source(self.spots, SIDE) as source:
            both = zip(*source.chunks(lambda: None), strict=True)
            values, valid = (np.concatenate(one)[source.places] for one in both)
        return values, valid


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    yield Made(tmp_path_factory.mktemp("given"))


def test_the_middle_is_the_real_one_and_gaps_are_where_they_were(made: Made) -> None:
    real, held = made.patches(0, 0)
    given, valid = made.patches(1, MIDDLE)
    np.testing.assert_array_equal(valid, held)
    edge = (SIDE - MIDDLE) // 2
    inside = slice(edge, SIDE - edge)
    np.testing.assert_array_equal(given[:, :, inside, inside][held[:, :, inside, inside]],
                                  real[:, :, inside, inside][held[:, :, inside, inside]])  # fmt: skip
    around = held.copy()
    around[:, :, inside, inside] = False
    assert (given[:, :2][around[:, :2]] != real[:, :2][around[:, :2]]).mean() > 0.99
    assert set(given[:, 2][held[:, 2]]) <= {0, 1, 2}, "categories stay categories"


def test_pixels_go_with_the_middle_as_they_do_in_real_windows(made: Made) -> None:
    """Of a placebo that lies elsewhere altogether they do not."""
    real, held = made.patches(0, 0)
    centre = SIDE // 2
    ring = (0, 2, 6)  # rows of the window beyond its middle
    found: dict[int, list[list[float]]] = {0: [], MIDDLE: []}

    def correlations(values: np.ndarray) -> list[float]:
        found = []
        for band in (0, 1):
            for row in ring:
                both = held[:, 0, centre, centre] & held[:, band, row, centre]
                found.append(
                    float(np.corrcoef(real[both, 0, centre, centre], values[both, band, row, centre])[0, 1])
                )
        return found

    for draw in range(1, DRAWS + 1):
        for middle, kept in found.items():
            kept.append(correlations(made.patches(draw, middle)[0]))
    expected = np.array(correlations(real))
    assert np.abs(expected).min() > 0.1
    given, elsewhere = (np.mean(found[middle], axis=0) for middle in (MIDDLE, 0))
    np.testing.assert_allclose(given, expected, atol=0.1)
    np.testing.assert_allclose(elsewhere, 0, atol=0.15)


def test_around_the_middle_nothing_is_told_of_what_really_lies_there(made: Made) -> None:
    """What the middle does not predict of the real surroundings, and of a placebo's, have nothing in common."""
    real, held = made.patches(0, 0)
    edge = (SIDE - MIDDLE) // 2
    whole = held.all(axis=(1, 2, 3))
    middle = real[whole][:, :2, edge : SIDE - edge, edge : SIDE - edge].reshape(int(whole.sum()), -1)
    design = np.column_stack([middle, np.ones(len(middle))])
    kept = []
    for draw in range(1, DRAWS + 1):
        given, _ = made.patches(draw, MIDDLE)
        left = []
        for values in (real, given):
            corner = values[whole][:, 0, 0, 0].astype(float)
            left.append(corner - design @ np.linalg.lstsq(design, corner, rcond=None)[0])
        kept.append(np.corrcoef(*left)[0, 1])
        assert left[1].std() == pytest.approx(left[0].std(), rel=0.25), "as random as the real surroundings"
    assert abs(np.mean(kept)) < 0.15


def test_means_over_windows_of_a_rival_are_of_the_same_windows(made: Made) -> None:
    one = made.placebos.modality("satellite", 1, (SIDE,), "pointwise", MIDDLE)
    real = made.config.modality["satellite"]
    with supply_of("satellite", real).source(made.spots, 1) as source:
        values, valid = (np.concatenate(part) for part in zip(*source.chunks(lambda: None), strict=True))
        statistics = band_statistics(
            "satellite", source.bands, values[..., 0, 0], valid[..., 0, 0], source.categorical
        )
    windows = {"given": Windows(supply_of("given", one), statistics, (SIDE,))}
    found = PredictorTable(windows, made.spots, Monitor()).rows([("given", (SIDE,))])
    given, held = made.patches(1, MIDDLE)
    first = np.where(held[:, 0], (given[:, 0] - statistics[0].mean) / statistics[0].std, 0)
    np.testing.assert_allclose(found[:, 0], window_means(first[:, None], (SIDE,))[0][:, 0], atol=1e-4)
