"""Rows of several tables, put under each other and merged into sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas
from odc.geo.crs import CRS
from scipy import sparse

from ..rasters.ground import crs_name
from ..tables.cells import Rows
from .cleaning import Cleaning
from .observed_rows import Observations
from .site_table import Floats, Index, SiteTable

SAME_PLACE = {True: 1e-6, False: 0.1}  # degrees (a decimetre), else units of the CRS; finer is no finding
KINDS = ("po", "pa-balanced", "pa")  # of a species named by tables of several kinds, the first that occurs
REPEATED = "a repeat of a species at a place"


@dataclass(frozen=True)
class Stack:
    """Rows of several tables in one coordinate system.

    Attributes
    ----------
    x, y, crs
        (rows,) coordinates.
    table
        (rows,) which of the tables a row comes from.
    names, kinds, one_each
        By table: its file, its kind, and whether its rows are records of one species each.
    species
        All that any table names.
    named
        (tables, species): which table names which species.
    found, holes
        (rows, species) of bool, sparse.
    patch, day
        (rows,) patch (or an empty text) and day (or -1).
    columns
        (rows,) predictor values by name.
    """

    x: Floats
    y: Floats
    crs: CRS
    table: npt.NDArray[np.int32]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    one_each: tuple[bool, ...]
    species: tuple[str, ...]
    named: npt.NDArray[np.bool_]
    found: sparse.csr_array
    holes: sparse.csr_array
    patch: npt.NDArray[np.str_] | None
    day: npt.NDArray[np.int64]
    columns: Mapping[str, npt.NDArray[Any]]

    def presence_only(self) -> Rows:
        """Tell which rows come from presence-only tables: (rows,)."""
        return np.array([kind == "po" for kind in self.kinds], np.bool_)[self.table]

    def with_species(self, chosen: Index) -> Stack:
        """Return the same rows with the species of ``chosen`` alone."""
        return replace(
            self,
            species=tuple(self.species[i] for i in chosen),
            named=self.named[:, chosen],
            found=sparse.csr_array(self.found[:, chosen]),
            holes=sparse.csr_array(self.holes[:, chosen]),
        )

    def kept(self, keep: Rows) -> Stack:
        """Return the rows where ``keep`` is True."""
        return replace(
            self,
            x=self.x[keep],
            y=self.y[keep],
            table=self.table[keep],
            found=self.found[keep],
            holes=self.holes[keep],
            patch=None if self.patch is None else self.patch[keep],
            day=self.day[keep],
            columns={name: values[keep] for name, values in self.columns.items()},
        )


def stacked(tables: Sequence[Observations]) -> Stack:
    """Return the rows of tables that are in one coordinate system already."""
    species = tuple(dict.fromkeys(name for one in tables for name in one.species))
    place = {name: number for number, name in enumerate(species)}
    columns = [np.array([place[name] for name in one.species], np.int32) for one in tables]
    named = np.zeros((len(tables), len(species)), np.bool_)
    for number, mine in enumerate(columns):
        named[number, mine] = True

    def widened(matrix: sparse.csr_array, mine: npt.NDArray[np.int32]) -> sparse.csr_array:
        parts = (matrix.data, mine[matrix.indices], matrix.indptr)
        return sparse.csr_array(parts, shape=(matrix.shape[0], len(species)))

    pairs = list(zip(tables, columns, strict=True))
    has_patches = any(one.patch is not None for one in tables)
    return Stack(
        x=np.concatenate([one.x for one in tables]),
        y=np.concatenate([one.y for one in tables]),
        crs=tables[0].crs,
        table=np.repeat(np.arange(len(tables), dtype=np.int32), [len(one) for one in tables]),
        names=tuple(one.table for one in tables),
        kinds=tuple(one.kind for one in tables),
        one_each=tuple(one.one_each for one in tables),
        species=species,
        named=named,
        found=sparse.csr_array(sparse.vstack([widened(one.found, mine) for one, mine in pairs], "csr")),
        holes=sparse.csr_array(sparse.vstack([widened(one.holes, mine) for one, mine in pairs], "csr")),
        patch=np.concatenate([np.full(len(one), "") if one.patch is None else one.patch for one in tables])
        if has_patches
        else None,
        day=np.concatenate([np.full(len(one), -1) if one.day is None else one.day for one in tables]),
        columns={name: np.concatenate([one.columns[name] for one in tables]) for name in tables[0].columns},
    )


def places_of(stack: Stack) -> Index:
    """Return for each row the number of its place, counted from 0 as they first occur.

    Rows are at one place if their coordinates agree to a decimetre or so and, where tables have them, patch
    and day too (a site of GeoLifeCLEF).
    """
    size = SAME_PLACE[bool(stack.crs.geographic)]
    parts = [np.rint(stack.x / size).astype(np.int64), np.rint(stack.y / size).astype(np.int64), stack.day]
    return codes_of(parts if stack.patch is None else [*parts, stack.patch])


def codes_of(parts: Sequence[npt.NDArray[Any]]) -> Index:
    """Return one number for each different combination of several arrays, counted as they first occur."""
    codes = np.zeros(len(parts[0]), np.int64)
    for part in parts:
        mine, values = pandas.factorize(part)
        codes, _ = pandas.factorize(codes * max(len(values), 1) + mine)
    return np.asarray(codes, np.intp)


def without_repeats(stack: Stack, place: Index, cleaning: Cleaning) -> tuple[Stack, Index]:
    """Return rows and places without a table's further records of a species at a place, which are counted."""
    keep = np.ones(len(place), np.bool_)
    for number, name in enumerate(stack.names):
        rows = np.flatnonzero(stack.table == number)
        if not stack.one_each[number]:
            merged = len(rows) - len(np.unique(place[rows]))
            if merged:
                cleaning.warnings.append(f"{name}: {merged:,} merged with another survey at the place.")
            continue
        mine = stack.found[rows]
        species = np.full(len(rows), -1)
        species[np.diff(mine.indptr) > 0] = mine.indices
        again = pandas.Series(codes_of([place[rows], species])).duplicated().to_numpy()
        if again.any():
            first = rows[int(np.argmax(again))]
            example = f"for example at {stack.x[first]:.10g}, {stack.y[first]:.10g}"
            cleaning.drop(name, REPEATED, int(again.sum()), f"{example} in {crs_name(stack.crs)}")
            keep[rows[again]] = False
    return stack.kept(keep), place[keep]


def merged(stack: Stack, place: Index, cleaning: Cleaning) -> SiteTable:
    """Return one site for each place.

    A species is found at a site if any of its rows found it. It is surveyed there if any table named it that
    has a row there, and is a hole if all those rows left its cell empty.
    """
    place = codes_of([place])
    count = int(place.max()) + 1 if len(place) else 0
    first = np.zeros(count, np.intp)
    first[place[::-1]] = np.arange(len(place))[::-1]
    to_site = sparse.csr_array((np.ones(len(place), np.int32), (place, np.arange(len(place)))))
    found = sparse.csr_array(to_site @ stack.found.astype(np.int32)) > 0
    rows = np.zeros((count, len(stack.names)), np.int32)
    np.add.at(rows, (place, stack.table), 1)
    group = codes_of([rows[:, number] > 0 for number in range(len(stack.names))])
    groups = np.zeros((int(group.max()) + 1, len(stack.names)), np.bool_)
    groups[group] = rows > 0
    surveyed: npt.NDArray[np.bool_] = groups.astype(np.int32) @ stack.named.astype(np.int32) > 0
    _warn_of_different_values(stack, place, first, cleaning)
    return SiteTable(
        x=stack.x[first],
        y=stack.y[first],
        crs=crs_text(stack.crs),
        species=stack.species,
        kinds=tuple(_kind(stack, number, cleaning) for number in range(len(stack.species))),
        found=sparse.csr_array(found),
        group=group.astype(np.int32),
        surveyed=surveyed,
        holes=_holes(stack, to_site, rows),
        columns={name: values[first] for name, values in stack.columns.items()},
        patch_ids=None if stack.patch is None else stack.patch[first],
    )


def crs_text(crs: CRS) -> str:
    """Return a text from which pyproj makes the same system."""
    return f"EPSG:{crs.epsg}" if crs.epsg else crs.to_wkt()


def _holes(stack: Stack, to_site: sparse.csr_array, rows: npt.NDArray[np.int32]) -> sparse.csr_array:
    """Return (sites, species): where every row of a table that names the species left it empty."""
    empty = sparse.coo_array(to_site @ stack.holes.astype(np.int32))
    site, species = empty.coords
    naming = np.zeros(len(site), np.int64)
    for number in range(len(stack.names)):
        naming += rows[site, number] * stack.named[number, species]
    hole = empty.data == naming
    shape = (len(rows), len(stack.species))
    return sparse.csr_array((np.ones(int(hole.sum()), np.bool_), (site[hole], species[hole])), shape=shape)


def _kind(stack: Stack, species: int, cleaning: Cleaning) -> str:
    """Return the kind of a species: the least informative of the tables that name it."""
    kinds = {stack.kinds[number] for number in np.flatnonzero(stack.named[:, species])}
    kind = next(one for one in KINDS if one in kinds)
    if len(kinds) > 1:
        cleaning.warnings.append(
            f"{stack.species[species]} stands in tables of different kinds ({', '.join(sorted(kinds))}); its "
            f"figures are those of {kind}."
        )
    return kind


def _warn_of_different_values(stack: Stack, place: Index, first: Index, cleaning: Cleaning) -> None:
    for name, values in stack.columns.items():
        other = values != values[first[place]]
        if other.any():
            cleaning.warnings.append(
                f"The value of {name} differs from that of the first record at the place {int(other.sum()):,} "
                "times; the first is taken."
            )
