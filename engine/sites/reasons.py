"""Why records are left out, in the words of the report of cleaning: ``12 left out, at coordinates 0, 0``."""

from __future__ import annotations

# By what the table says
RAGGED = "with another number of fields than the header"
UNNAMED = "without the name of a species"
UNSURVEYED = "with nothing where it should say whether the species was found"
ABSENCE = "an absence in a table of presences"
UNCLEAR = "with an occurrenceStatus that says neither present nor absent"
COUNTED_NONE = "with a count of 0 though said to be present"
NOT_WILD = "a fossil, or kept alive in a garden or zoo"
CAPTIVE = "captive or cultivated"
CASUAL = "of casual grade (iNaturalist)"

# By their coordinates
NO_COORDINATES = "without coordinates that are numbers"
ZERO = "at coordinates 0, 0"
OUT_OF_RANGE = "with a longitude or latitude that does not exist"
SWAPPED = "with coordinates that look swapped"
DEGREES = "with coordinates that look like degrees, in a system that has none"
METRES = "with coordinates that look like metres, in a system of degrees"
UNKNOWN_DATUM = "with a geodetic datum that is not known"
FLAGGED = "flagged by GBIF for its coordinates"
OBSCURED = "with coordinates that were obscured or made coarser"
UNCERTAIN = "more uncertain than max_uncertainty_m"
STAND_IN = "with an uncertainty that stands for a centroid or a missing value (301, 999, 3036 or 9999 m)"
BEYOND = "outside the area of its coordinate system"
OUTSIDE = "outside the rasters or where they have no value"
