"""Out-of-fold values as a table: ``MODEL.oof.csv``, one row a site or background point."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError
from .scored import Scored

PLACE = ("x", "y", "block", "fold", "background")
LOGIT, FOUND = "logit:", "found:"
DIGITS = "%.9g"  # nine significant digits give back every float32


def write_scored(scored: Scored, path: Path) -> None:
    """Write x, y, block, fold, background, and for each species ``logit:NAME`` and ``found:NAME``.

    Logits are written as float32, with digits enough to read back the same float32. ``found`` is 1, 0 or
    empty (not surveyed).
    """
    values = np.empty((len(scored), 2 * len(scored.species)), np.float32)
    values[:, 0::2] = scored.logit
    values[:, 1::2] = np.where(scored.known, scored.found, np.nan)
    names = [prefix + name for name in scored.species for prefix in (LOGIT, FOUND)]
    place = pd.DataFrame(
        {
            "x": [repr(float(value)) for value in scored.x],
            "y": [repr(float(value)) for value in scored.y],
            "block": scored.block,
            "fold": scored.fold,
            "background": scored.background.astype(np.int8),
        }
    )
    table = pd.concat([place, pd.DataFrame(values, columns=names)], axis=1)
    table.to_csv(path, index=False, float_format=DIGITS, lineterminator="\n")


def read_scored(path: Path, crs: str, kinds: Mapping[str, str], presences: Mapping[str, int]) -> Scored:
    """Read what ``write_scored`` wrote.

    Parameters
    ----------
    crs
        Of x and y.
    kinds, presences
        By species name, as the card has them; they may name more species than the table.

    Raises
    ------
    InputError
        The file can't be read, a column is missing or holds text, or a species is not in ``kinds``.
    """
    try:
        table = pd.read_csv(path, dtype=np.float64, float_precision="round_trip", low_memory=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"The out-of-fold values {path} can't be read ({reason}); train again or give another file."
        ) from error
    species = [str(name).removeprefix(LOGIT) for name in table.columns if str(name).startswith(LOGIT)]
    wanted = [*PLACE, *(FOUND + name for name in species)]
    missing = [name for name in wanted if name not in table.columns]
    if missing or not species:
        lacking = missing[0] if missing else f"{LOGIT}NAME"
        raise InputError(f"The out-of-fold values {path} have no column {lacking}; train again.")
    unknown = [name for name in species if name not in kinds or name not in presences]
    if unknown:
        raise InputError(
            f"The out-of-fold values {path} name species {unknown[0]}, which the card does not know; "
            "give the file that was written with this model."
        )
    place = table[list(PLACE)].to_numpy()
    if not np.isfinite(place).all():
        raise InputError(f"The out-of-fold values {path} lack a coordinate, block or fold; train again.")
    found = table[[FOUND + name for name in species]].to_numpy()
    return Scored(
        species=tuple(species),
        logit=table[[LOGIT + name for name in species]].to_numpy().astype(np.float32).astype(np.float64),
        found=found > 0,
        known=~np.isnan(found),
        block=place[:, 2].astype(np.int64),
        fold=place[:, 3].astype(np.int64),
        x=place[:, 0],
        y=place[:, 1],
        crs=crs,
        background=place[:, 4] > 0,
        kinds=tuple(kinds[name] for name in species),
        presences=np.array([presences[name] for name in species], np.int64),
    )
