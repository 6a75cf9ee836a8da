"""Names of species as they are compared: the same letters are the same name, however they are typed."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

WHOLE = re.compile(r"([+-]?(?:0|[1-9]\d*))\.0+")  # an id that went through a column of floats
POWER = re.compile(r"[1-9](?:\.\d+)?e\+?\d{1,2}")  # 1e+05, as R writes 100000
MOST_DIGITS = 15  # that a float keeps
JOINER, VARIATIONS = "\u034f", "".join(map(chr, range(0xFE00, 0xFE10)))  # marks that show nothing themselves
MARKS = {"NA", "N/A", "NAN", "NULL", "NONE", r"\N", "#N/A"}  # of a missing value, in place of a name


def spelt(text: str) -> str:
    """Return text with one blank between words, letters in their composed form and nothing invisible.

    Blanks of any kind (no-break, thin, tabs) are one blank; characters without a width (U+200B, U+FEFF and the
    like) and control characters are none. Letters, their case and all signs stay.
    """
    shown = text if text.isascii() and text.isprintable() else _composed(text)
    return " ".join(shown.split())


def species_name(text: str) -> str:
    """Return the name of a species as it is compared: spelt, and a whole number without a decimal point.

    ``12``, ``12.0`` and ``1.2e+01`` are one id; ``007`` stays as it is.
    """
    name = spelt(text)
    if WHOLE.fullmatch(name):
        return name.partition(".")[0]
    if POWER.fullmatch(name) and float(name).is_integer() and float(name) < 10**MOST_DIGITS:
        return str(int(float(name)))
    return name


def is_missing(name: str) -> bool:
    """Tell whether a name is a mark of a missing value, such as R's ``NA``."""
    return name.upper() in MARKS


def look_alikes(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return groups of names that differ in the case of letters, hyphens or the like alone."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        groups[loose(name)].append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def loose(name: str) -> str:
    """Return what names that a person would take for each other have in common."""
    plain = unicodedata.normalize("NFKC", name).replace("×", " x ").replace("_", " ")
    plain = "".join("-" if unicodedata.category(sign) == "Pd" else sign for sign in plain)
    return " ".join(plain.replace("’", "'").casefold().split())


def said_alike(groups: Sequence[tuple[str, ...]], where: str = "") -> list[str]:
    """Return a sentence on names that look alike and count as different species; none where there are none."""
    if not groups:
        return []
    shown = "; ".join(" and ".join(repr(name) for name in group) for group in groups[:3])
    more = f" and {len(groups) - 3} more" if len(groups) > 3 else ""
    return [
        f"{where}Species that differ in upper and lower case, hyphens or the like count as different: "
        f"{shown}{more}; write them alike if they are one."
    ]


def _composed(text: str) -> str:
    shown = unicodedata.normalize("NFC", text)
    return "".join(sign for sign in shown if sign.isspace() or not _is_invisible(sign))


def _is_invisible(sign: str) -> bool:
    return unicodedata.category(sign) in {"Cf", "Cc"} or sign == JOINER or sign in VARIATIONS
