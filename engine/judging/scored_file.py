"""Out-of-fold values as a table: ``MODEL.oof.csv``, one row a site or background point."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ...models.whole_file import whole_file
from ..running.errors import InputError
from .scored import Scored

OOF_SUFFIX = ".oof.csv"  # in place of a model file's own
PLACE = ("x", "y", "block", "fold", "background")
LOGIT, FOUND = "logit:", "found:"
FOUND_TEXT = ("0", "1", "")  # not found, found, not surveyed
DIGITS = "%.9g"  # nine significant digits give back every float32


def write_scored(scored: Scored, path: Path) -> None:
    """Write x, y, block, fold, background, and for each species ``logit:NAME`` and ``found:NAME``.

    Logits are written as float32, with digits enough to read back the same float32. ``found`` is 1, 0 or
    empty (not surveyed). Raises OSError where the file can't be written.
    """
    names = [prefix + name for name in scored.species for prefix in (LOGIT, FOUND)]
    line = ",".join(["%r,%r,%d,%d,%d", *[f"{DIGITS},%s"] * len(scored.species)]) + "\n"
    place = (scored.x.tolist(), scored.y.tolist(), scored.block, scored.fold, scored.background)
    cells: list[object] = [None] * len(names)
    with whole_file(path) as beside, beside.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerow([*PLACE, *names])
        for row, first in enumerate(zip(*place, strict=True)):
            cells[0::2] = scored.logit[row].astype(np.float32).tolist()
            code = np.where(scored.known[row], scored.found[row], 2)
            cells[1::2] = [FOUND_TEXT[one] for one in code.tolist()]
            stream.write(line % (*first, *cells))


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
        table = pd.read_csv(path, dtype=np.float64, low_memory=False)
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
