"""Whether folds ask as much of a network as its map will: how far test sites and map are from the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from odc.geo.crs import CRS
from scipy import spatial, stats

from .blocks import Blocks
from .metric_plane import Places
from .site_table import Floats

ALIKE = 0.75  # of the larger median: above it the medians are alike, and distances differ in spread


@dataclass(frozen=True)
class FoldDistance:
    """Distances in metres to the nearest training site.

    Attributes
    ----------
    w_m
        The Wasserstein-1 distance between the two distributions, kNNDM's W (Linnenbrink et al. 2024,
        doi 10.5194/gmd-17-5897-2024): 0 where judging by folds is as far from its data as the map.
    test_median_m, map_median_m
        The middle of the distances of test sites, and of points of the map.
    """

    w_m: float
    test_median_m: float
    map_median_m: float

    @property
    def differs(self) -> bool:
        """Whether W is more than half the larger of the medians: folds and map ask different things."""
        return self.w_m > max(self.test_median_m, self.map_median_m) / 2

    def sentence(self) -> str:
        """Return what it means, for a report."""
        said = (
            f"Test sites lie {self.test_median_m / 1000:.3g} km (median) from the nearest training site, "
            f"random points of the map {self.map_median_m / 1000:.3g} km from the nearest site "
            f"(W = {self.w_m / 1000:.3g} km)"
        )
        if not self.differs:
            return f"{said}: the folds are about as hard as the map."
        near, far = sorted((self.test_median_m, self.map_median_m))
        if near > far * ALIKE:
            return (
                f"{said}: some of the map is nearer or further than the folds, so their figures may not hold."
            )
        harder = self.test_median_m > self.map_median_m
        return (
            f"{said}: the folds are {'harder' if harder else 'easier'} than the map, and so are their figures."
        )


def fold_distance(blocks: Blocks, map_x: Floats, map_y: Floats, crs: CRS, buffer_m: float) -> FoldDistance:
    """Compare distances of test sites to their folds' training sites with those of the map to all sites.

    Parameters
    ----------
    blocks
        With folds.
    map_x, map_y, crs
        (points,) some thousands of points drawn at random from all of the map. Background points do for it only
        where they are that.
    buffer_m
        Between test and training sites.
    """
    tested = []
    for fold in range(blocks.folds):
        split = blocks.split(fold, buffer_m)
        tested.append(_nearest(blocks.places[split.testing], blocks.places[split.training]))
    test = np.concatenate(tested)
    of_map = _nearest(blocks.plane.places(map_x, map_y, crs), blocks.places)
    return FoldDistance(
        float(stats.wasserstein_distance(test, of_map)), float(np.median(test)), float(np.median(of_map))
    )


def _nearest(places: Places, to: Places) -> Floats:
    """Return the distance of each place to the nearest of others: (places,) metres."""
    return np.asarray(spatial.cKDTree(to).query(places)[0], np.float64)
