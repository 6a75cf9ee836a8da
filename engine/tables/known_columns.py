"""Columns whose meaning is known by their names: those of Darwin Core (GBIF), and of iNaturalist's exports."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from .vector_table import CUT

LONGITUDE, LATITUDE = (
    "decimalLongitude",
    "decimalLatitude",
)  # of Darwin Core, in WGS84 unless the datum says more
DATUM = "geodeticDatum"
UNCERTAINTY = "coordinateUncertaintyInMeters"
PRECISION = "coordinatePrecision"
ISSUE, STATUS, BASIS = "issue", "occurrenceStatus", "basisOfRecord"
COUNT, QUANTITY = "individualCount", "organismQuantity"
WITHHELD, GENERALISED = "informationWithheld", "dataGeneralizations"
MEANS, DEGREE = "establishmentMeans", "degreeOfEstablishment"
# iNaturalist's
EAST, NORTH = "longitude", "latitude"
ACCURACY, PUBLIC_ACCURACY = "positional_accuracy", "public_positional_accuracy"
OBSCURED, PRIVACY, TAXON_PRIVACY = "coordinates_obscured", "geoprivacy", "taxon_geoprivacy"
SCIENTIFIC_NAME = "scientific_name"
CAPTIVE, GRADE = "captive_cultivated", "quality_grade"
# GeoLifeCLEF's
GLC_UNCERTAINTY = "geoUncertaintyInM"

UNCERTAINTIES = (UNCERTAINTY, GLC_UNCERTAINTY, ACCURACY, PUBLIC_ACCURACY)
INATURALIST = (PUBLIC_ACCURACY, OBSCURED, TAXON_PRIVACY, CAPTIVE, GRADE)
KNOWN = (
    LONGITUDE, LATITUDE, DATUM, UNCERTAINTY, GLC_UNCERTAINTY, ISSUE, STATUS, BASIS, COUNT, QUANTITY, WITHHELD,
    GENERALISED, MEANS, DEGREE, ACCURACY, PUBLIC_ACCURACY, OBSCURED, PRIVACY, TAXON_PRIVACY, CAPTIVE, GRADE,
)  # fmt: skip


def columns_of(known: str, columns: Sequence[str]) -> list[str]:
    """Return the columns that are called like a known one, the exact name first.

    Capitals, underscores and a prefix such as ``dwc:`` do not matter: ``decimallongitude`` (GBIF's SQL
    downloads) and ``decimal_longitude`` (R's janitor) are ``decimalLongitude``.
    """
    found = [one for one in columns if _plain(one) == _plain(known)]
    return sorted(dict.fromkeys(found), key=lambda one: one != known)


def cut_columns_of(known: str, columns: Collection[str]) -> list[str]:
    """Return the columns whose names may be a known one, cut to 10 characters as in a shapefile.

    Where two names are alike when cut, GDAL writes ``occurren_1`` for the second, and others ``occurrenc1``.
    """
    stem = known[:CUT].lower()
    if len(known) <= CUT:
        return []
    numbered = re.compile(rf"{re.escape(stem[:8])}_\d|{re.escape(stem[:7])}_\d\d|{re.escape(stem[:9])}\d")
    return [one for one in columns if one.lower() == stem or numbered.fullmatch(one.lower())]


def is_inaturalist(columns: Sequence[str]) -> bool:
    """Tell whether a table is an export of iNaturalist: it has longitude, latitude and a column of theirs."""
    if not columns_of(EAST, columns) or not columns_of(NORTH, columns):
        return False
    return any(columns_of(one, columns) for one in INATURALIST)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.rpartition(":")[2].lower())
