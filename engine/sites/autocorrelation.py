"""How far apart sites must be before one says little about the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import spatial

from .metric_plane import Places

SPECIES = 30  # of those with most presences among the sampled sites
FEWEST = 10  # presences and absences of a species that has a say
LAGS = 20  # classes of distance, growing geometrically
INDEPENDENT = 0.1  # a correlation below it is none
SHARE_OF_EXTENT = 1 / 3  # pairs further apart are too few in number and kind


def autocorrelation_range(
    places: Places, labels: npt.NDArray[np.float64], known: npt.NDArray[np.bool_]
) -> float:
    """Return in metres the distance at which the labels of two sites are hardly correlated any more.

    An empirical correlogram (Moran's I by class of distance, as in Legendre & Legendre 2012, section 13.1) of
    the labels of each species, centred on their mean, is averaged over species by the median; the range is the
    middle of the first class in which it falls under 0.1. Labels are taken in place of the residuals of a model
    that does not exist yet, so the range errs to the long side: it contains what predictors will explain.

    Parameters
    ----------
    places
        (sites, 2) metres; all pairs are looked at, so give some thousands at most.
    labels
        (sites, species), 1 where found, else 0.
    known
        (sites, species), whether the label counts.

    Returns
    -------
    float
        0 where no species has presences and absences enough.
    """
    presences = (labels * known).sum(axis=0)
    telling = np.flatnonzero((presences >= FEWEST) & (known.sum(axis=0) - presences >= FEWEST))
    telling = telling[np.argsort(-presences[telling], kind="stable")][:SPECIES]
    distance = spatial.distance.pdist(places) if len(places) > 1 else np.zeros(0)
    if len(telling) == 0 or not distance.max() > 0:
        return 0.0
    longest = distance.max() * SHARE_OF_EXTENT
    shortest = max(float(np.quantile(distance[distance > 0], 1e-3)), longest / 1e4)
    edges = np.geomspace(min(shortest, longest / 2), longest, LAGS)
    lag = np.searchsorted(edges, distance)  # beyond the last edge: LAGS
    pairs = np.triu_indices(len(places), 1)  # in the order of pdist
    correlogram = np.array([_correlogram(labels[:, one], known[:, one], pairs, lag) for one in telling])
    with np.errstate(all="ignore"):
        median = np.array([np.median(column[~np.isnan(column)]) for column in correlogram.T])
    middle = np.concatenate([[edges[0] / 2], np.sqrt(edges[1:] * edges[:-1])])
    under = np.flatnonzero(median < INDEPENDENT)
    return float(middle[under[0]] if len(under) else longest)


def _correlogram(
    labels: npt.NDArray[np.float64],
    known: npt.NDArray[np.bool_],
    pairs: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]],
    lag: npt.NDArray[np.intp],
) -> npt.NDArray[np.float64]:
    """Return by class of distance the mean product of centred labels over their variance; NaN without pairs."""
    mean = labels[known].mean()
    centred = np.where(known, labels - mean, 0.0)
    first, second = pairs
    product = centred[first] * centred[second]
    both = (known[first] & known[second]).astype(np.float64)
    sums = np.bincount(lag, product, LAGS + 1)[:LAGS]
    number = np.bincount(lag, both, LAGS + 1)[:LAGS]
    variance = float(np.mean((labels[known] - mean) ** 2))
    return np.where(number > 0, sums / np.maximum(number, 1), np.nan) / variance
