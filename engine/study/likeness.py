"""How alike a placebo is to the real raster: roughness, spread and correlations of bands, inside the mask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..rasters.raster import Valid, Values
from .adjustment import MOST_OFF, MOST_ROUGHNESS
from .variogram import changes, lags_of, variogram

MOST_NAMED = 5  # bands


@dataclass(frozen=True)
class Likeness:
    """A placebo's band beside the real one.

    Attributes
    ----------
    band
        The real one's name.
    roughness_low, roughness_high
        The smallest and the largest of the placebo's variogram as a share of the real one's, over the lags;
        None where the real band does not vary at any lag. Of categories: of how often pixels differ.
    lags
        How many lags there are, 1 px and on.
    std_ratio
        The placebo's standard deviation as a share of the real one's; None of categories.
    correlation_off
        The largest difference of its correlations with other bands; None of a single band, and of categories.
    """

    band: str
    roughness_low: float | None
    roughness_high: float | None
    lags: int
    std_ratio: float | None
    correlation_off: float | None

    @property
    def good(self) -> bool:
        """Whether all of it is as near as a placebo has to be."""
        roughness = [one for one in (self.roughness_low, self.roughness_high) if one is not None]
        return (
            all(1 / MOST_ROUGHNESS <= one <= MOST_ROUGHNESS for one in roughness)
            and (self.std_ratio is None or abs(self.std_ratio - 1) <= MOST_OFF)
            and (self.correlation_off is None or self.correlation_off <= MOST_OFF)
        )


def likeness_of(
    real: Values, placebo: Values, valid: Valid, names: Iterable[str], categorical: Iterable[bool]
) -> tuple[Likeness, ...]:
    """Compare bands (bands, rows, columns) where they hold values."""
    lags = lags_of(real.shape[1:])
    off = _correlations_off(real, placebo, valid, np.array(tuple(categorical), np.bool_))
    found = []
    for band, (name, of_categories) in enumerate(zip(names, categorical, strict=True)):
        measure = changes if of_categories else variogram
        held = valid[band]
        before, after = (measure(one[band], held, lags) for one in (real, placebo))
        there = np.isfinite(before) & (before > 0)
        ratio = after[there] / before[there]
        spread = None
        if not of_categories and held.any():
            deviations = [float(one[band][held].std(dtype=np.float64)) for one in (real, placebo)]
            spread = deviations[1] / deviations[0] if deviations[0] > 0 else None
        found.append(
            Likeness(
                band=name,
                roughness_low=float(ratio.min()) if len(ratio) else None,
                roughness_high=float(ratio.max()) if len(ratio) else None,
                lags=len(lags),
                std_ratio=spread,
                correlation_off=off[band],
            )
        )
    return tuple(found)


def likeness_notes(found: Mapping[tuple[int, str], tuple[Likeness, ...]]) -> tuple[str, ...]:
    """Return a sentence on placebos that are not as alike as they have to be; none where all are."""
    bad = [(draw, name, one) for (draw, name), bands in found.items() for one in bands if not one.good]
    if not bad:
        return ()
    total = sum(len(bands) for bands in found.values())
    named = "; ".join(
        f"{one.band} of {name}, placebo {draw}: {_off(one)}" for draw, name, one in bad[:MOST_NAMED]
    )
    more = f"; and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else ""
    return (
        f"{len(bad)} of {total} placebo bands are less like the real ones than they should be (a variogram of "
        f"0.8 to 1.25 of the real one's, a deviation within 10 %, correlations within {MOST_OFF}): "
        f"{named}{more}. Gains of what contains them are judged by a placebo that is too rough or too smooth; "
        "placebos.csv has all of them.",
    )


def likeness_range(found: Mapping[tuple[int, str], tuple[Likeness, ...]]) -> tuple[float, float] | None:
    """Return the smallest and the largest share of a real variogram over all bands and placebos."""
    every = [one for bands in found.values() for one in bands]
    low = [one.roughness_low for one in every if one.roughness_low is not None]
    high = [one.roughness_high for one in every if one.roughness_high is not None]
    return (min(low), max(high)) if low and high else None


def _off(one: Likeness) -> str:
    said = []
    if one.roughness_low is not None and one.roughness_high is not None:
        said.append(f"variogram {one.roughness_low:.2f} to {one.roughness_high:.2f}")
    if one.std_ratio is not None:
        said.append(f"deviation {one.std_ratio:.2f}")
    if one.correlation_off is not None:
        said.append(f"correlations off by up to {one.correlation_off:.2f}")
    return ", ".join(said)


def _correlations_off(
    real: Values, placebo: Values, valid: Valid, categorical: np.ndarray
) -> list[float | None]:
    """Return for each band the largest difference of its correlations with others, where both hold values."""
    bands = len(real)
    found: list[float | None] = [None] * bands
    for one in range(bands):
        for other in range(one + 1, bands):
            both = valid[one] & valid[other]
            if categorical[one] or categorical[other] or both.sum() < 3:
                continue
            pair = [
                np.corrcoef(fields[one][both], fields[other][both])[0, 1]
                if fields[one][both].std() > 0 and fields[other][both].std() > 0
                else 0.0
                for fields in (real, placebo)
            ]
            off = abs(float(pair[1] - pair[0]))
            found[one], found[other] = max(found[one] or 0.0, off), max(found[other] or 0.0, off)
    return found
