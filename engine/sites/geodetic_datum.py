"""What a table says of the geodetic datum of each row, and coordinates brought to one datum."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
from odc.geo.crs import CRS
from pyproj.exceptions import CRSError

from ..rasters.ground import crs_name, transformer
from ..rasters.same_system import is_same_system
from ..running.errors import InputError
from ..tables.cell_numbers import Floats
from ..tables.cells import Row, Rows, Texts
from ..tables.known_columns import DATUM
from ..words.listing import counted, listed
from .cleaning import Cleaning

# As people write them, without blanks and signs, alone or among other words; PROJ knows more (ED50, Tokyo).
WRITTEN = {
    "wgs84": 4326, "wgs1984": 4326, "worldgeodeticsystem1984": 4326, "crs84": 4326, "nad27": 4267,
    "nad1927": 4267, "northamericandatum1927": 4267, "northamerican1927": 4267, "nad83": 4269, "nad1983": 4269,
    "northamericandatum1983": 4269, "northamerican1983": 4269, "europeandatum1950": 4230, "european1950": 4230,
    "etrs89": 4258, "etrs1989": 4258, "osgb36": 4277, "osgb1936": 4277, "agd66": 4202, "agd1966": 4202,
    "australiangeodeticdatum1966": 4202, "agd84": 4203, "agd1984": 4203, "gda94": 4283, "gda1994": 4283,
    "geocentricdatumofaustralia1994": 4283, "sad69": 4618, "sad1969": 4618, "southamericandatum1969": 4618,
    "psad56": 4248, "psad1956": 4248, "sirgas2000": 4674, "tokyo1918": 4301, "wgs72": 4322, "wgs1972": 4322,
    "nzgd49": 4272, "nzgd1949": 4272,
}  # fmt: skip
EXACTLY = {"wgs": 4326, "gps": 4326, "ch1903": 4149}
UNTOLD = {
    "", "unknown", "notrecorded", "notgiven", "unrecorded", "undefined", "na", "none", "null", "nan",
    "notspecified", "unspecified", "notprovided", "notstated", "undetermined", "unknowndatum", "notapplicable",
    "nodata",
}  # fmt: skip
MOST_NAMES = 4  # that a message lists


@cache
def datum_of(text: str) -> CRS | None:
    """Return the system of longitudes and latitudes that a text names; None where it names none, or several."""
    plain = re.sub(r"[^a-z0-9]", "", text.lower())
    code = re.fullmatch(r"(?:epsg)?(\d{4,5})", plain) or re.search(r"epsg(\d{4,5})$", plain)
    among = {number for word, number in WRITTEN.items() if word in plain}
    known = {EXACTLY[plain]} if plain in EXACTLY else among | ({int(code[1])} if code else set())
    if len(known) > 1:
        return None
    try:
        crs = CRS(f"EPSG:{known.pop()}" if known else text.strip())
    except (CRSError, ValueError):
        return None
    return crs if crs.geographic else None


def is_untold(text: str) -> bool:
    """Tell whether a text says that the datum is not known, or nothing."""
    return re.sub(r"[^a-z0-9]", "", text.lower()) in UNTOLD


def say_not_followed(crs: CRS, row: Row, datum: Texts, table: str, cleaning: Cleaning) -> None:
    """Say where rows of points name another datum than the file's own system, which counts.

    Parameters
    ----------
    crs
        The system that the file states for its points.
    row, datum
        (rows,) number in the file, and what the table says.
    table
        The file's name, for messages.
    cleaning
        Learns how many rows there are, with an example.
    """

    def differs(text: str) -> bool:
        own = None if is_untold(text) else datum_of(text)
        return own is not None and not is_same_system(own, crs)

    other = datum.where(differs)
    if other.any():
        first = int(np.argmax(other))
        cleaning.warnings.append(
            f"{table}: the points are in {crs_name(crs)} by what the file says, and {DATUM} names another in "
            f"{counted(int(other.sum()), 'row')} (for example row {row[first]}: "
            f"{datum.values[datum.codes[first]]}); the file's system counts."
        )


def in_one_datum(
    x: Floats, y: Floats, crs: CRS, row: Row, datum: Texts, named: bool, table: str, cleaning: Cleaning
) -> tuple[Floats, Floats, Rows]:
    """Return longitudes and latitudes in the datum of ``crs``, and the rows whose own datum nobody knows.

    Parameters
    ----------
    x, y
        (rows,) coordinates in degrees.
    crs
        The system that they are wanted in, and that rows without a datum are in.
    row, datum
        (rows,) number in the file, and what the table says.
    named
        Whether the user named the system: then no row may say another.
    table
        The file's name, for messages.
    cleaning
        Learns how many were converted, or taken for ``crs``.

    Raises
    ------
    InputError
        A row's datum is another than the user's system.
    """
    untold = datum.where(is_untold)
    unknown = ~untold & datum.where(lambda text: datum_of(text) is None)
    x, y = x.copy(), y.copy()
    moved: dict[str, int] = {}
    for code, text in enumerate(datum.values):
        own = None if is_untold(text) else datum_of(text)
        mine = datum.codes == code
        if own is None or not mine.any() or is_same_system(own, crs):
            continue
        if named:
            raise InputError(
                f"The crs of {table} is {crs_name(crs)}, and its column {DATUM} says {text!r} in row "
                f"{row[int(np.argmax(mine))]}; leave crs out to have each row read in its own datum, or rename "
                "that column to have all read in crs."
            )
        x[mine], y[mine] = transformer(own, crs).transform(x[mine], y[mine])
        moved[text] = int(mine.sum())
    if moved:
        shown = listed([f"{text} ({count:,})" for text, count in moved.items()], MOST_NAMES)
        cleaning.warnings.append(
            f"{table}: {counted(sum(moved.values()), 'place')} brought from {shown} to {crs_name(crs)}."
        )
    if untold.any() and not untold.all():
        cleaning.warnings.append(
            f"{table}: {int(untold.sum()):,} without a geodetic datum, taken for {crs_name(crs)} (for "
            f"example row {row[int(np.argmax(untold))]})."
        )
    return x, y, unknown
