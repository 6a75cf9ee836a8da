"""Places with the species seen there, and what was not surveyed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]


@dataclass(frozen=True)
class SiteTable:
    """Sites, each one place, and for every species whether it was found there, not found, or not surveyed.

    Attributes
    ----------
    x, y
        (sites,) coordinates in ``crs``.
    crs
        Any text that pyproj reads, such as ``EPSG:4326``.
    species
        Names, in the order of all columns below.
    kinds
        By species: ``po``, ``pa`` or ``pa-balanced``.
    found
        (sites, species) of bool, sparse: True where the species was found.
    group
        (sites,) row of ``surveyed`` that holds for a site.
    surveyed
        (groups, species): species that the tables which the sites come from name at all.
    holes
        (sites, species) of bool, sparse: True where a cell was left empty: not surveyed all the same.
    columns
        Predictor values that came with the sites (samples with data), (sites,) by column name.
    patch_ids
        (sites,) names of ready-made image patches, where the table names them.
    """

    x: Floats
    y: Floats
    crs: str
    species: tuple[str, ...]
    kinds: tuple[str, ...]
    found: sparse.csr_array
    group: npt.NDArray[np.int32]
    surveyed: npt.NDArray[np.bool_]
    holes: sparse.csr_array
    columns: Mapping[str, npt.NDArray[np.generic]] = field(default_factory=dict)
    patch_ids: npt.NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        """Drop what was found where nobody is said to have looked."""
        found = self.found.tocoo()
        counts = self.surveyed[self.group[found.row], found.col] & np.asarray(found.data, np.bool_)
        kept = sparse.csr_array(
            (np.ones(int(counts.sum()), np.bool_), (found.row[counts], found.col[counts])), self.found.shape
        )
        object.__setattr__(self, "found", sparse.csr_array(kept > kept.multiply(self.holes)))

    def __len__(self) -> int:
        return len(self.x)

    def labels(self, index: Index) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Return for some sites what was found (1 or 0) and what counts, each (sites, species)."""
        found = self.found[index].toarray().astype(np.float32)
        known = self.surveyed[self.group[index]] & ~self.holes[index].toarray()
        return found, known

    def presences(self) -> npt.NDArray[np.int64]:
        """Return the number of sites where each species was found: (species,)."""
        return np.asarray(self.found.sum(axis=0, dtype=np.int64)).ravel()

    def surveys(self) -> npt.NDArray[np.int64]:
        """Return the number of sites where each species was surveyed: (species,)."""
        by_group = np.bincount(self.group, minlength=len(self.surveyed))
        total = (by_group[:, None] * self.surveyed).sum(axis=0)
        return np.asarray(total - np.asarray(self.holes.sum(axis=0, dtype=np.int64)).ravel(), np.int64)

    def taken(self, index: Index) -> SiteTable:
        """Return the sites of ``index``, in its order."""
        return replace(
            self,
            x=self.x[index],
            y=self.y[index],
            found=self.found[index],
            group=self.group[index],
            holes=self.holes[index],
            columns={name: values[index] for name, values in self.columns.items()},
            patch_ids=None if self.patch_ids is None else self.patch_ids[index],
        )

    def with_species(self, chosen: Index) -> SiteTable:
        """Return the same sites with the species of ``chosen`` alone, in its order."""
        return replace(
            self,
            species=tuple(self.species[i] for i in chosen),
            kinds=tuple(self.kinds[i] for i in chosen),
            found=sparse.csr_array(self.found[:, chosen]),
            surveyed=self.surveyed[:, chosen],
            holes=sparse.csr_array(self.holes[:, chosen]),
        )
