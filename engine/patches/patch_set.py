"""Patches as they were read, and as the network takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...models.card import Modality
from ..rasters.normalisation import Normalisation
from ..rasters.raster import Valid, Values
from ..running.errors import InputError
from .source import Places

WORKED_ON = 1 << 16  # values at once, so that they stay in the processor's cache

Raw = npt.NDArray[Any]
Index = npt.NDArray[np.integer[Any]] | Sequence[int]


@dataclass(frozen=True)
class Patches:
    """What a source gave, in files' units, mostly on disk.

    Attributes
    ----------
    bands
        Names.
    values
        (patches, bands, side, side).
    bits
        Which values hold: (patches, bytes), a bit each in the order of ``values``; None where all do.
    whole
        (patches,) whether all of a patch's values hold.
    centres, centres_valid
        (patches, bands): the pixel of the site itself.
    places
        (sites,) the patch of each site, -1 where it has none.
    """

    bands: tuple[str, ...]
    values: Raw
    bits: npt.NDArray[np.uint8] | None
    whole: Valid
    centres: Values
    centres_valid: Valid
    places: Places

    def __len__(self) -> int:
        """Return the number of sites."""
        return len(self.places)

    def __getstate__(self) -> dict[str, Any]:
        """Send what lies on disk to other processes by its name."""
        return {name: _Stored.of(value) for name, value in self.__dict__.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value.opened() if isinstance(value, _Stored) else value)

    @property
    def side(self) -> int:
        """Side of a patch in pixels."""
        return int(self.values.shape[-1])

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """(sites,) whether the site's own pixel holds a value in every band."""
        return np.asarray(self.at_sites()[1].all(axis=1))

    def at_sites(self) -> tuple[Values, Valid]:
        """Return what the sites' own pixels hold and where they hold it: each (sites, bands)."""
        return self.centres[self.places], self.centres_valid[self.places] & (self.places >= 0)[:, None]

    def taken(self, index: Index) -> Patches:
        """Return the patches of some of the sites, in the order of ``index``."""
        return replace(self, places=self.places[np.asarray(index, np.int64)])

    def raw(self, index: Index) -> tuple[Raw, Valid | None]:
        """Return values and validity (k, bands, side, side) of some sites; validity is None where all hold."""
        places = self.places[np.asarray(index, np.int64)]
        if (places < 0).any():
            raise ValueError("a site without a patch was asked for")
        alone = len(places) == 1  # then it need not be copied
        values = self.values[places[0] : places[0] + 1] if alone else self.values[places]
        if self.bits is None or self.whole[places].all():
            return values, None
        bits = np.unpackbits(self.bits[places], axis=1, count=int(np.prod(values.shape[1:])))
        return values, bits.view(np.bool_).reshape(values.shape)


class PatchSet:
    """The patches of some sites as the network's channels, by the card that mapping uses too.

    Parameters
    ----------
    patches
        Of the modality's bands.
    modality
        The card's.
    """

    def __init__(self, patches: Patches, modality: Modality) -> None:
        if patches.bands != tuple(band.name for band in modality.bands):
            raise InputError(
                f"The sites have patches of {', '.join(patches.bands)}, and the bands of {modality.name} are "
                f"{', '.join(band.name for band in modality.bands)}; give the same rasters."
            )
        self.patches = patches
        self._normalisation = Normalisation(modality.bands)

    def __len__(self) -> int:
        """Return the number of sites."""
        return len(self.patches)

    @property
    def side(self) -> int:
        """Side of a patch in pixels."""
        return self.patches.side

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self._normalisation.channels

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """(sites,) whether the site's own pixel holds a value that the card knows in every band."""
        values, valid = self.patches.at_sites()
        known = self._normalisation.known(values[..., None, None], valid[..., None, None])
        return np.asarray(known[..., 0, 0].all(axis=1))

    def batch(self, index: Index) -> Values:
        """Return the normalised patches of some sites, float32 (k, channels, side, side), NoData filled."""
        places = np.asarray(index, np.int64)
        out = np.empty((len(places), self.channels, self.side, self.side), np.float32)
        step = max(1, WORKED_ON // int(np.prod(self.patches.values.shape[1:])))
        for start in range(0, len(places), step):
            part = slice(start, start + step)
            values, valid = self.patches.raw(places[part])
            self._normalisation.channels_of(values, valid, out[part])
        return out


@dataclass(frozen=True)
class _Stored:
    """An array on disk, by the name of its file."""

    file: str

    @classmethod
    def of(cls, value: Any) -> Any:
        """Return ``value``, or where it lies if that is a file."""
        return cls(str(value.filename)) if isinstance(value, np.memmap) else value

    def opened(self) -> Raw:
        """Return the array."""
        return np.asanyarray(np.load(self.file, mmap_mode="r"))
