"""File names of species."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ..protocol import PRODUCTS

LONGEST = 120  # letters; products and GDAL add endings of their own, and a name has at most 255 bytes
# Files of a run beside those of species; a name that begins or ends like one is not given to a species either.
OWN = frozenset(
    {*PRODUCTS, "applicability", "uncertainty", "dominant", "margin", "difference", "change", "run"}
)
OWN_ENDS = tuple(f"_{product}" for product in ("occurrence", "binary", "uncertainty"))  # a file a species
OWN_STARTS = ("novelty_", "contribution_", "ablation_")
# Devices of Windows, which has no file of such a name whatever its ending.
DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})


def slug(name: str) -> str:
    """Return ``name`` in lower-case ASCII letters and digits, joined by ``_``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "_".join(re.findall(r"[a-z0-9]+", plain.lower())) or "species"


def slugs(names: Sequence[str]) -> list[str]:
    """Return one file name (without ending) a name, all different, in any letter case and on any system.

    It is the name's ``slug``; where that is a name of a run's other files, or none that a file can have, with
    ``_species`` at its end; where it is taken already, with ``_2`` and so on. The same names, in the same
    order, get the same file names.
    """
    found: dict[str, None] = {}  # ordered, and quick to look up
    used: dict[str, int] = {}  # the last number of each name
    for name in names:
        base = slug(name)[:LONGEST].rstrip("_")
        if is_taken(base):
            base += "_species"
        unused, number = base, used.get(base, 1)
        while unused in found:
            number += 1
            unused = f"{base}_{number}"
        used[base] = number
        found[unused] = None
    return list(found)


def is_taken(file_name: str) -> bool:
    """Tell whether a file name (without ending) is kept for a run's own files, or for a device of Windows."""
    ours = file_name in OWN or file_name.startswith(OWN_STARTS) or file_name.endswith(OWN_ENDS)
    return ours or file_name in DEVICES
