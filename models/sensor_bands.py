"""What climatologies and sensors call their bands: the tables behind matching by name. Standard library alone.

A name comes here as a text of its parts: words in lower case and numbers as they are written, a space between
two of them (``wc 2 1 30 s bio 01``).

Sources: file names of WorldClim 1.4 and 2.1 (https://worldclim.org) and of CHELSA 1.2 and 2.1
(https://chelsa-climate.org); common names of the STAC extension EO (https://github.com/stac-extensions/eo);
Sentinel-2 User Handbook (ESA 2015); Landsat Collection 2 Level-2 guides LSDS-1618 and LSDS-1619 (USGS); HLS
User Guide 2.0 (NASA 2023); MOD09 User's Guide 1.4; NAIP in the catalogue of Earth Engine (R, G, B, N).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

MOST_BIOCLIM = 19
SURFACE_REFLECTANCE = "sr b"
_NUMBER = r"(\d{1,3})(?= |$)"
_RESOLUTION = r"(?:\d+ (?:\d+ )?(?:s|m|min|arcsec|arcmin) )?"
_BIOCLIM = tuple(
    re.compile(rf"(?:^| ){pattern}")
    for pattern in (
        rf"chelsa bio 10 {_NUMBER}",  # CHELSA 1.2: bio10 is the name of the data set
        r"[a-z]{2} (?:26|45|60|85) bi [57]0(\d\d?)(?= |$)",  # WorldClim 1.4, futures of 2050 and 2070
        rf"[a-z]{{2}}(?:mid|lgm)bi {_NUMBER}",  # WorldClim 1.4, mid-Holocene and glacial maximum
        r"bioc (?:.* )?(\d\d?)$",  # WorldClim 2.1, futures: the number at the end
        rf"(?:bio|bioclim|bioc|biovar) {_RESOLUTION}{_NUMBER}",
    )
)

ALIASES = {
    "coastal": ("coastal", "coastal aerosol", "coastal blue", "aerosol"),
    "blue": ("blue",),
    "green": ("green",),
    "red": ("red",),
    "rededge": ("red edge", "rededge"),
    "nir": ("nir", "near infrared", "near ir", "nearinfrared", "infrared"),
    "nir08": ("narrow nir", "nir narrow", "nir 08"),
    "swir16": ("swir 1", "swir 16"),
    "swir22": ("swir 2", "swir 22"),
    "pan": ("pan", "panchromatic"),
}
"""What people call a band of light, by its common name."""
_BY_LENGTH = sorted(
    ((alias, common) for common, aliases in ALIASES.items() for alias in aliases),
    key=lambda one: -len(one[0]),
)
LETTERS = {"r": "red", "g": "green", "b": "blue", "n": "nir"}
"""NAIP's names, which mean light only where R, G and B are all there."""


@dataclass(frozen=True)
class Code:
    """A sensor's own name of a band, such as ``SR_B2``; ``padded`` is None where its number takes no zero."""

    prefix: str
    number: str
    padded: Optional[bool]


@dataclass(frozen=True)
class Sensor:
    """What a sensor calls its bands.

    ``bands`` gives the common name by number. ``prefixes`` may stand before a number; ``padded`` tells whether
    a single digit has a zero before it, None where both are usual. ``hint`` is a pattern of its files' names.
    ``reflectance`` are the digits of the bands that Landsat's surface reflectance (``SR_B``) has.
    """

    name: str
    bands: dict[str, str]
    prefixes: tuple[str, ...]
    padded: Optional[bool]
    hint: str
    reflectance: str = ""

    def common(self, code: Code) -> str:
        """Return the common name of a band by its code; empty where the sensor has none of that code."""
        usual = self.padded is None or code.padded is None or self.padded == code.padded
        reflectance = code.prefix != SURFACE_REFLECTANCE or code.number in self.reflectance
        return self.bands.get(code.number, "") if code.prefix in self.prefixes and usual and reflectance else ""


_OLI = {
    "1": "coastal", "2": "blue", "3": "green", "4": "red", "5": "nir", "6": "swir16", "7": "swir22",
    "8": "pan", "9": "cirrus", "10": "lwir11", "11": "lwir12",
}  # fmt: skip
_TM = {
    "1": "blue", "2": "green", "3": "red", "4": "nir", "5": "swir16", "6": "lwir", "7": "swir22", "8": "pan",
}  # fmt: skip
_MSI = {
    "1": "coastal", "2": "blue", "3": "green", "4": "red", "5": "rededge071", "6": "rededge075",
    "7": "rededge078", "8": "nir", "8a": "nir08", "9": "nir09", "10": "cirrus", "11": "swir16", "12": "swir22",
}  # fmt: skip
_MODIS = {
    "1": "red", "2": "nir", "3": "blue", "4": "green", "5": "nir12", "6": "swir16", "7": "swir21",
}  # fmt: skip
SENSORS = (
    Sensor("Sentinel-2", _MSI, ("b",), None, r"s 2 [abc]|sentinel 2|hls s 30|t \d\d [a-z]{3} \d{8} t"),
    Sensor("Landsat 8 or 9", _OLI, ("b", SURFACE_REFLECTANCE), False, r"l[co] 0[89]|landsat [89]", "1234567"),
    Sensor("Landsat 4 to 7", _TM, ("b", SURFACE_REFLECTANCE), False, r"l[tem] 0[4-7]|landsat [4-7]", "123457"),
    Sensor("HLS L30", {n: light for n, light in _OLI.items() if n != "8"}, ("b",), True, r"hls l 30"),
    Sensor("MODIS", _MODIS, ("sur refl b", "nadir reflectance band"), None, r"modis|m[oyc]d (?:09|43)"),
)

_CODE = re.compile(r"(?:^| )(sr b|sur refl b|nadir reflectance band|b) (\d{1,2})( a)?(?= |$)")


def bioclim_number(text: str) -> Optional[int]:
    """Return which of the 19 bioclimatic variables a name means, None where it means none or several."""
    for pattern in _BIOCLIM:
        found = {int(number) for number in pattern.findall(text)}
        if found:
            return min(found) if len(found) == 1 and 1 <= min(found) <= MOST_BIOCLIM else None
    return None


def light_of(text: str) -> str:
    """Return the common name of the light that a name says in words; empty where it says none, or several."""
    rest, found = f" {text} ", set()
    for alias, common in _BY_LENGTH:
        if f" {alias} " in rest:
            rest = rest.replace(f" {alias} ", " | ")  # red edge is no red
            found.add(common)
    return found.pop() if len(found) == 1 else ""


def code_of(text: str) -> Optional[Code]:
    """Return the code of a sensor's band that a name bears, None where it bears none or several."""
    found = _CODE.findall(text)
    if len(found) != 1:
        return None
    prefix, number, letter = found[0]
    padded = number.startswith("0") if int(number) < 10 and not letter else None
    return Code(prefix, f"{int(number)}{letter.strip()}", padded)


def sensor_said(about: str) -> list[Sensor]:
    """Return the sensors that a text of names says in so many words."""
    return [one for one in SENSORS if re.search(rf"(?:^| )(?:{one.hint})(?= |$)", about)]


def sensors_of(codes: Sequence[Code], about: str) -> list[Sensor]:
    """Return the sensors that have all bands of some codes; where ``about`` says some, of those alone."""
    return [one for one in sensor_said(about) or SENSORS if all(one.common(code) for code in codes)]
