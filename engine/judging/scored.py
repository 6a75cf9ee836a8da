"""Values of a network at places that it did not learn from, beside what was found there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...models.card import KINDS
from ..running.errors import InputError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

SURVEY, BACKGROUND = "survey", "background"


@dataclass(frozen=True)
class Scored:
    """Out-of-fold or test values, one row a site or background point, one column a species.

    What counts as an absence depends on the species' kind. For a presence-only species (``po``) it is a
    background point and nothing else: that other species were recorded at a site does not mean that this one
    is not there. For surveyed species (``pa``, ``pa-balanced``) it is a site where the species was looked for
    and not found; background points are ignored.

    Attributes
    ----------
    species
        Names, in the order of all columns.
    logit
        (rows, species) the network's output before the sigmoid.
    found
        (rows, species) whether the species was found; False at background points.
    known
        (rows, species) False where the species was not surveyed: that value never counts. At a background
        point it says whether the point serves this presence-only species.
    block
        (rows,) number of the spatial block; intervals come from resampled blocks.
    fold
        (rows,) number of the fold that the row was held out in; folds are scored one by one.
    x, y
        (rows,) coordinates in ``crs``.
    crs
        Any text that pyproj reads.
    background
        (rows,) True at background points.
    kinds
        By species, what it is tested on: ``po``, ``pa`` or ``pa-balanced``.
    presences
        (species,) presences that the network was trained on.

    Raises
    ------
    InputError
        Shapes that do not fit, a kind that is none, or a value that counts and is not finite.
    """

    species: tuple[str, ...]
    logit: Floats
    found: Flags
    known: Flags
    block: Integers
    fold: Integers
    x: Floats
    y: Floats
    crs: str
    background: Flags
    kinds: tuple[str, ...]
    presences: Integers

    def __post_init__(self) -> None:
        rows, columns = len(self.x), len(self.species)
        wanted: dict[str, tuple[int, ...]] = {
            **dict.fromkeys(("logit", "found", "known"), (rows, columns)),
            **dict.fromkeys(("block", "fold", "x", "y", "background"), (rows,)),
            "presences": (columns,),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise InputError(
                    f"The values to judge have {name} of shape {getattr(self, name).shape} where "
                    f"{rows} rows and {columns} species ask for {shape}; make them again."
                )
        if len(self.kinds) != columns or not set(self.kinds) <= set(KINDS):
            raise InputError(
                f"The kinds of data {', '.join(self.kinds)} do not fit {columns} species; "
                f"name one of {', '.join(KINDS)} for each."
            )
        if len(set(self.species)) != columns:
            raise InputError("Two species to judge have one name; rename one of them.")
        if not rows:
            raise InputError("There is no site to judge by; check the test table or the out-of-fold values.")
        faulty = self.known & ~np.isfinite(self.logit)
        if faulty.any():
            row, column = (int(index) for index in np.argwhere(faulty)[0])
            raise InputError(
                f"The network's value for {self.species[column]} at row {row + 1} "
                f"(x {self.x[row]:g}, y {self.y[row]:g}) is {self.logit[row, column]}, one of "
                f"{int(faulty.sum())} that are no numbers; check the predictors there and train again."
            )

    def __len__(self) -> int:
        return len(self.x)

    @cached_property
    def surveyed(self) -> Flags:
        """Return by species whether it is tested against survey absences: (species,)."""
        return np.array([kind != "po" for kind in self.kinds], np.bool_)

    @property
    def against(self) -> tuple[str, ...]:
        """Return by species what presences are compared with: ``survey`` or ``background``."""
        return tuple(SURVEY if surveyed else BACKGROUND for surveyed in self.surveyed)

    @cached_property
    def present(self) -> Flags:
        """Return where a species counts as present: (rows, species)."""
        return self.known & self.found & ~self.background[:, None]

    @cached_property
    def absent(self) -> Flags:
        """Return where a species counts as absent: (rows, species)."""
        place = self.background[:, None] != self.surveyed
        return np.asarray(self.known & ~self.found & place, np.bool_)

    @cached_property
    def compared(self) -> Flags:
        """Return surveyed species at the sites where they were looked for: (rows, species)."""
        return self.known & self.surveyed & ~self.background[:, None]

    def probability(self, column: int) -> Floats:
        """Return the network's output for one species: (rows,)."""
        return sigmoid(self.logit[:, column])

    def taken(self, index: npt.NDArray[np.intp] | Flags) -> Scored:
        """Return the rows of ``index``, in its order."""
        return replace(
            self,
            **{
                name: getattr(self, name)[index]
                for name in ("logit", "found", "known", "block", "fold", "x", "y", "background")
            },
        )

    def with_species(self, names: Sequence[str]) -> Scored:
        """Return the same rows with the species of ``names``, in that order."""
        columns = np.array([self.species.index(name) for name in names], np.intp)
        return replace(
            self,
            species=tuple(names),
            kinds=tuple(self.kinds[column] for column in columns),
            presences=self.presences[columns],
            **{name: getattr(self, name)[:, columns] for name in ("logit", "found", "known")},
        )


def sigmoid(logit: Floats) -> Floats:
    """Return the probability of a logit, without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -logit)), np.float64)
