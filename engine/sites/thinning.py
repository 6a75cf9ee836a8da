"""One record of a species in each pixel or square."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas
from odc.geo.geobox import GeoBox
from scipy import sparse

from .cleaning import Cleaning
from .merging import Stack, codes_of
from .metric_plane import Places
from .site_table import Floats, Index


def pixels(grid: GeoBox, x: Floats, y: Floats) -> Index:
    """Return for each point (in the grid's CRS) the number of the pixel that holds it."""
    a = grid.affine
    columns = np.floor((x - a.c) / a.a).astype(np.int64)
    rows = np.floor((y - a.f) / a.e).astype(np.int64)
    return codes_of([rows, columns])


def squares(places: Places, side_m: float) -> Index:
    """Return for each place (in metres) the number of its square, whose corners are multiples of the side."""
    corner = np.floor(places / side_m).astype(np.int64)
    return codes_of([corner[:, 0], corner[:, 1]])


def thinned(stack: Stack, place: Index, cell: Index, cleaning: Cleaning) -> tuple[Stack, Index, Index]:
    """Return rows, places and cells with one presence of a species in each cell, the first.

    Presence-absence surveys stay as they are. Presence-only rows that have no species left are dropped.
    """
    presence_only = stack.presence_only()
    entries = sparse.coo_array(stack.found)
    row, species = entries.coords
    order = np.argsort(row, kind="stable")
    row, species = row[order], species[order]
    thin = presence_only[row]
    repeated = pandas.Series(codes_of([cell[row[thin]], species[thin]])).duplicated().to_numpy()
    keep = np.ones(len(row), np.bool_)
    keep[thin] = ~repeated
    before = np.bincount(species[thin], minlength=len(stack.species))
    after = np.bincount(species[thin & keep], minlength=len(stack.species))
    for number in np.flatnonzero(before):
        cleaning.thinned[stack.species[number]] = int(before[number]), int(after[number])
    found = sparse.csr_array(
        (np.ones(int(keep.sum()), np.bool_), (row[keep], species[keep])), shape=stack.found.shape
    )
    left = ~presence_only | (np.diff(found.indptr) > 0)
    return replace(stack, found=found).kept(left), place[left], cell[left]


def merged_in_pixels(stack: Stack, place: Index, pixel: Index) -> Index:
    """Return places where presence-only rows of one pixel (and patch and day) are at one place.

    A network sees the same windows for all of them. Places of surveys stay as they are.
    """
    surveyed = np.zeros(int(place.max()) + 1 if len(place) else 0, np.bool_)
    surveyed[place[~stack.presence_only()]] = True
    alone = surveyed[place]
    own = np.where(alone, place, -1)
    shared = np.where(alone, -1, pixel)
    keys = [own, shared, np.where(alone, -1, stack.day)]
    return codes_of(keys if stack.patch is None else [*keys, np.where(alone, "", stack.patch)])
