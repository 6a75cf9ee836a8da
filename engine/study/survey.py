"""Survey sites of a config's test table, each for the fold whose networks have learnt nothing near it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from odc.geo.crs import CRS

from ..judging.scored import Scored
from ..sites.blocks import Blocks, within
from ..sites.site_table import Index, SiteTable
from ..training.course import Course
from ..training.out_of_fold import scored_survey

NO_FOLD = -1


@dataclass(frozen=True)
class Survey:
    """Survey sites that a fold tests.

    Attributes
    ----------
    sites
        The sites.
    block, fold
        (sites,) the block that each lies in, and its fold.
    left_out
        How many sites of the table lie in no block that is tested, or nearer than the buffer to what the fold's
        networks learnt from.
    """

    sites: SiteTable
    block: npt.NDArray[np.int64]
    fold: npt.NDArray[np.int64]
    left_out: int

    def of_fold(self, number: int) -> Index:
        """Return the sites of a fold."""
        return np.flatnonzero(self.fold == number)

    def scored(self) -> Scored:
        """Return the sites with values of 0."""
        sites = self.sites
        none = np.zeros((len(sites), len(sites.species)))
        return scored_survey(sites, none, self.block, self.fold, sites.presences())


def survey_of(course: Course) -> Survey | None:
    """Return the survey of a course's test table, None without one or where no site of it can serve."""
    test, blocks = course.test, course.blocks
    if test is None or any(one.patches for one in course.config.modality.values()):
        return None
    places = blocks.plane.places(test.x, test.y, CRS(test.crs))
    block, fold = _squares(blocks, places)
    near = np.zeros(len(test), np.bool_)
    for number, one in enumerate(course.folds):
        mine = fold == number
        learnt = np.concatenate(
            [blocks.places[one.split.training], blocks.background_places[one.split.background_training]]
        )
        near[mine] = within(places[mine], learnt, course.buffer_m)
    kept = np.flatnonzero((fold != NO_FOLD) & ~near)
    if not len(kept):
        return None
    return Survey(test.taken(kept), block[kept], fold[kept], len(test) - len(kept))


def _squares(
    blocks: Blocks, places: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return block and fold of places by the squares that hold them; fold -1 in a square that has none."""
    known = np.concatenate([blocks.places, blocks.background_places])
    block = np.concatenate([blocks.block, blocks.background_block])
    fold = np.concatenate([blocks.fold, blocks.background_fold])
    squares = {
        (int(row), int(column)): (int(number), int(its))
        for (row, column), number, its in zip(
            np.floor(known / blocks.side_m).astype(np.int64), block, fold, strict=True
        )
    }
    found = [
        squares.get((int(row), int(column)), (0, NO_FOLD))
        for row, column in np.floor(places / blocks.side_m).astype(np.int64)
    ]
    both = np.array(found, np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]
