"""What a card says of each band: mean, deviation, quantiles or categories over the training places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...models.card import N_QUANTILES, Band
from ..rasters.raster import Valid, Values
from ..running.errors import InputError

MOST_CATEGORIES = 256  # more are hardly categories
LARGEST_CATEGORY = 2**24  # up to it float32 holds every whole number


def band_statistics(
    modality: str,
    names: Sequence[str],
    values: Values,
    valid: Valid,
    categorical: Sequence[bool] | None = None,
    units: Sequence[str] | None = None,
) -> tuple[Band, ...]:
    """Return the card's bands from what the pixels of the training places hold.

    Parameters
    ----------
    modality
        Its name, for messages.
    names
        Of the bands.
    values, valid
        (places, bands) in the files' units, and where they hold values.
    categorical
        By band, whether it holds categories; none does by default.
    units
        By band; none by default.

    Raises
    ------
    InputError
        A band has no value at any place, has one value everywhere, or holds what is no category.
    """
    categorical = categorical or [False] * len(names)
    units = units or [""] * len(names)
    if len(names) > 1 and len(values) > 1 and _all_alike(values, valid):
        raise InputError(
            f"All {len(names)} bands of {modality} have the same values at all {len(values):,} training sites, "
            f"so the sites lie in one pixel of {modality} or it is empty; check the coordinates and their "
            "system."
        )
    bands = []
    for place, name in enumerate(names):
        held = values[valid[:, place], place].astype(np.float64)
        if held.size == 0:
            raise InputError(f"The band {name} of {modality} has no value at any training place; leave it out.")
        if held.min() == held.max():
            raise InputError(
                f"The band {name} of {modality} is {held[0]:g} at every training place; leave it out."
            )
        shares = np.linspace(0, 100, N_QUANTILES)
        if categorical[place]:
            found = _categories(np.unique(held), name, modality)
            quantiles = np.percentile(held, shares, method="nearest")
            bands.append(Band(name, 0.0, 1.0, 0.0, _floats(quantiles), unit=units[place], categories=found))
        else:
            mean, std = float(held.mean()), float(held.std())
            quantiles = np.maximum.accumulate(np.percentile(held, shares))
            bands.append(Band(name, mean, std, mean, _floats(quantiles), unit=units[place]))
    return tuple(bands)


def _all_alike(values: Values, valid: Valid) -> bool:
    """Tell whether every band has one value at all sites where it has any, and some has one."""
    spread = [np.ptp(values[held, place]) for place, held in enumerate(valid.T) if held.any()]
    return bool(spread) and not any(spread)


def _categories(found: np.ndarray, name: str, modality: str) -> tuple[int, ...]:
    if (found != np.round(found)).any() or np.abs(found).max() > LARGEST_CATEGORY:
        wrong = found[(found != np.round(found)) | (np.abs(found) > LARGEST_CATEGORY)][0]
        raise InputError(
            f"The categorical band {name} of {modality} holds {wrong:g}; categories are whole numbers up to "
            f"{LARGEST_CATEGORY}."
        )
    if len(found) > MOST_CATEGORIES:
        raise InputError(
            f"The categorical band {name} of {modality} has {len(found)} categories at the training places, "
            f"more than {MOST_CATEGORIES}; group them, or take it for continuous."
        )
    return tuple(int(one) for one in found)


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(one) for one in values)
