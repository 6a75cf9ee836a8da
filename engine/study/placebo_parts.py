"""What the networks of a placebo see: real branches beside random ones, each set as a modality of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .trial import Run
from .variant import Scales


@dataclass(frozen=True)
class Placebo:
    """A draw of placebo rasters, and what stays real beside it: what the reference sees."""

    draw: int
    kept: Scales


@dataclass(frozen=True)
class Part:
    """Branches that see the same rasters.

    Attributes
    ----------
    name
        Of the modality that they make.
    real
        Of the config's modality whose place it takes.
    scales
        Of the branches.
    draw
        Which placebo they see; 0 for real rasters.
    middle
        How many pixels in the middle of a placebo's windows are real.
    """

    name: str
    real: str
    scales: tuple[int, ...]
    draw: int = 0
    middle: int = 0


def placebo_of(run: Run) -> Placebo | None:
    """Return the placebo of a run, None on real predictors."""
    return Placebo(run.draw, run.kept) if run.draw else None


def parts_of(scales: Scales, placebo: Placebo, tiled: Collection[str]) -> tuple[Part, ...]:
    """Return what a model of ``scales`` sees on a placebo: first what is kept, then what is randomised.

    A window wider than the widest that is kept of its modality is random *given* that one: its middle is real.
    A window inside one that is kept, and one of a modality of which nothing is kept, sees another place of a
    random raster. So does every window where sites lie on a lattice (``tiled``): there neighbours share one
    raster, and no window has a middle of its own.
    """
    kept = dict(placebo.kept)
    taken = {*kept, *dict(scales)}
    found = [Part(name, name, its) for name, its in placebo.kept]
    for name, its in scales:
        mine = kept.get(name, ())
        middle = 0 if name in tiled else max(mine, default=0)
        added = [one for one in its if one not in mine]
        wider = tuple(one for one in added if middle and one > middle)
        others = tuple(one for one in added if one not in wider)
        if others:
            found.append(Part(_free(f"{name}_placebo", taken), name, others, placebo.draw))
        if wider:
            found.append(
                Part(_free(f"{name}_placebo_around_{middle}", taken), name, wider, placebo.draw, middle)
            )
    return tuple(found)


def _free(name: str, taken: Collection[str]) -> str:
    """Return a name that no modality has."""
    while name in taken:
        name += "_"
    return name
