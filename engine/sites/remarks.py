"""What a table says about its records beside where and what: how certain, wild or kept, present or absent."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..tables import known_columns as known
from ..tables.cell_numbers import Floats, Numbers, numbers_of
from ..tables.cells import TEXT, Cells, Row, Rows, Texts
from ..tables.known_columns import columns_of, cut_columns_of
from ..tables.table_file import TableFile
from ..words.listing import counted
from ..words.species_names import is_missing, species_name
from .cleaning import Cleaning
from .reasons import CAPTIVE, CASUAL, COUNTED_NONE, FLAGGED, NOT_WILD, OBSCURED, UNCLEAR

FLAGS = {
    "ZERO_COORDINATE",
    "COORDINATE_OUT_OF_RANGE",
    "COORDINATE_INVALID",
    "COORDINATE_REPROJECTION_FAILED",
    "COORDINATE_REPROJECTION_SUSPICIOUS",
    "PRESUMED_SWAPPED_COORDINATE",
    "PRESUMED_NEGATED_LATITUDE",
    "PRESUMED_NEGATED_LONGITUDE",
    "COUNTRY_COORDINATE_MISMATCH",
}
KEPT_OR_DEAD = {"FOSSILSPECIMEN", "LIVINGSPECIMEN"}
TAME = {"captive", "cultivated", "managed"}
GRADES = {"research", "needsid", "casual"}
PRIVATE = {"obscured", "private"}
TRUE, FALSE = {"true", "t", "yes", "1"}, {"false", "f", "no", "0"}
ABSENT_WORDS = {
    "0",
    "false",
    "no",
    "notdetected",
    "notfound",
    "notobserved",
    "notpresent",
    "undetected",
    "excluded",
}
PRESENT_WORDS = {
    "1", "true", "yes", "detected", "found", "observed", "confirmed", "common", "rare", "irregular", "abundant",
    "occasional", "frequent", "dominant",
}  # fmt: skip
# Names of columns that often tell presences from absences, without capitals and signs.
SOUNDING = {
    "presence", "present", "pres", "pa", "prab", "presabs", "presenceabsence", "presabsence", "absence",
    "absent", "detected", "detection", "found", "occ", "occurrence", "occurred", "status",
}  # fmt: skip
BEGINS_ABSENT, BEGINS_PRESENT = ("abs", "abw", "aus"), ("pres", "prés", "präs")  # in several languages
# Words that show that a place was changed, and not a collector's name withheld: in several languages, too.
OF_PLACE = re.compile(
    r"[ck]oord|locat|lokal|locali|georef|position|obscur|uncertaint|grid|raster|degree|blur|round|square|"
    r"\d ?k?m\b|°",
    re.IGNORECASE,
)
STAND_INS = (301.0, 999.0, 3036.0, 9999.0)  # m: centroids of GEOLocate, and codes for a missing value
MOSTLY = 0.9  # of the cells of a cut column that must fit what its name may be


@dataclass(frozen=True)
class Remarks:
    """What is remarked about each row.

    Attributes
    ----------
    unfit
        By reason, (rows,) which are not to be used; a row may have several.
    absent
        (rows,) whether a row says that the species was not there.
    uncertainty
        (rows,) of the coordinates in metres, NaN where not known; None without such a column.
    stand_in
        (rows,) whether the uncertainty is a number that stands for a centroid or a missing value.
    datum
        (rows,) the geodetic datum, as it stands there; None without such a column.
    """

    unfit: Mapping[str, Rows]
    absent: Rows
    uncertainty: Floats | None = None
    stand_in: Rows | None = None
    datum: Texts | None = None


@dataclass
class RemarkColumns:
    """The columns of a table whose meaning is known, to be read as text, and what they say.

    Attributes
    ----------
    table
        Whose columns they are.
    texts
        The columns that are read: those called like a known one, those that may be one cut to 10 characters,
        and those whose names sound as if they told presences from absences.
    """

    table: TableFile
    texts: list[str] = field(init=False)
    _named: dict[str, list[str]] = field(init=False)
    _cut: dict[str, list[str]] = field(init=False)
    _sounding: list[str] = field(init=False)

    def __post_init__(self) -> None:
        columns = self.table.columns
        remarks = [one for one in known.KNOWN if one not in (known.LONGITUDE, known.LATITUDE)]
        self._named = {one: columns_of(one, columns) for one in remarks}
        taken = {column for some in self._named.values() for column in some}
        free = [one for one in dict.fromkeys(columns) if one not in taken]
        self._cut = {one: cut_columns_of(one, free) for one in remarks if not self._named[one]}
        self._sounding = [one for one in free if re.sub(r"[\W_]", "", one.lower()) in SOUNDING]
        mangled = self.table.text_columns if self.table.cut else []  # some tools shorten names otherwise
        if not self._named[known.STATUS]:
            others = [one for one in dict.fromkeys((*self._sounding, *mangled)) if one in free]
            self._cut[known.STATUS] += [one for one in others if one not in self._cut[known.STATUS]]
        every = [*self._named.values(), *self._cut.values(), self._sounding]
        self.texts = list(dict.fromkeys(column for some in every for column in some))

    def read(self, cells: Cells, cleaning: Cleaning, counts: bool, used: Collection[str] = ()) -> Remarks:
        """Return what ``cells`` says; what is taken for a known column goes into ``cleaning``.

        Parameters
        ----------
        cells
            With the columns of ``texts``.
        cleaning
            Learns what columns of cut names were taken for, and what could not be read.
        counts
            Whether a count of 0 means an absence; not where another column says what was found.
        used
            Columns that the config names: what they say of absences is followed already.
        """
        held = _Held(self._columns(cells, cleaning, used), len(cells))
        said = held.any_of(known.STATUS, lambda text: bool(_plain(text)))
        absent = held.any_of(known.STATUS, lambda text: _is_absent(text) is True)
        unfit = held.unfit()
        unfit[UNCLEAR] = said & held.any_of(known.STATUS, _is_unclear)
        if counts:
            none = held.any_of(known.COUNT, _is_nought) | held.any_of(known.QUANTITY, _is_nought)
            unfit[COUNTED_NONE] = none & said & ~absent & ~unfit[UNCLEAR]
            absent = absent | (none & ~said)
        needs_id = int(held.any_of(known.GRADE, lambda text: _plain(text) == "needsid").sum())
        if needs_id:
            cleaning.warnings.append(
                f"{self.table.name}: {needs_id:,} kept without a confirmed identification (quality_grade "
                "needs_id); where = 'quality_grade == \"research\"' leaves them out."
            )
        uncertainty = self._uncertainty(held, cells.row, cleaning)
        stand_in = None
        if uncertainty is not None and known.UNCERTAINTY in held.columns:
            stand_in = np.isin(uncertainty, STAND_INS)
        datum = held.columns.get(known.DATUM, [None])[0]
        unfit = {why: rows for why, rows in unfit.items() if rows.any()}
        return Remarks(unfit, absent, uncertainty, stand_in, datum)

    def _columns(self, cells: Cells, cleaning: Cleaning, used: Collection[str]) -> dict[str, list[Texts]]:
        """Return the columns there are by what they are known as; of cut names those whose cells fit."""
        held = {one: [cells.texts[name] for name in names] for one, names in self._named.items() if names}
        taken = set()
        for one, names in self._cut.items():
            fits = FITS.get(one, _is_some_text)
            for name in names:
                is_cut = name in cut_columns_of(one, [name])
                if fits(cells.texts[name]) and (is_cut or _tells_absence(cells.texts[name])):
                    held.setdefault(one, []).append(cells.texts[name])
                    taken.add(name)
                    cleaning.warnings.append(f"{self.table.name}: the column {name} is taken for {one}.")
                    break
        for name in self._sounding:
            texts = cells.texts[name]
            absent = texts.where(lambda text: _is_absent(text) is True)
            if name not in taken and name not in used and absent.any() and _is_status(texts):
                cleaning.warnings.append(
                    f"{self.table.name}: the column {name} says no in {counted(int(absent.sum()), 'row')} (for "
                    f"example row {cells.row[int(np.argmax(absent))]}) and is not followed; if it tells "
                    "absences, leave them out with where, or name it as presence."
                )
        return held

    def _uncertainty(self, held: _Held, row: Row, cleaning: Cleaning) -> Floats | None:
        """Return the largest uncertainty that any column gives, NaN where none does; None without a column."""
        found = []
        for column in known.UNCERTAINTIES:
            for texts in held.columns.get(column, ()):
                read = text_numbers(texts, row, column, self.table.name)
                found.append(read.values)
                if read.odd.any():
                    cleaning.warnings.append(
                        f"{self.table.name}: {counted(int(read.odd.sum()), 'cell')} of {column} without a "
                        f"number, counted as not known (for example row {row[int(np.argmax(read.odd))]}: "
                        f"{read.shown})."
                    )
        if not found:
            return None
        largest = np.fmax.reduce(found)
        return np.where(largest > 0, largest, np.nan)


@dataclass(frozen=True)
class _Held:
    """Columns by what they are known as."""

    columns: Mapping[str, list[Texts]]
    rows: int

    def any_of(self, column: str, holds: Callable[[str], bool]) -> Rows:
        """Tell for each row whether ``holds`` is true of a cell in one of the columns known as one."""
        found = np.zeros(self.rows, np.bool_)
        for texts in self.columns.get(column, ()):
            found |= texts.where(holds)
        return found

    def unfit(self) -> dict[str, Rows]:
        """Return by reason the rows that are of no use for what single columns say."""
        place, wild = np.zeros(self.rows, np.bool_), np.zeros(self.rows, np.bool_)
        for column, holds in OF_OBSCURED.items():
            place |= self.any_of(column, holds)
        for column, holds in OF_CAPTIVE.items():
            wild |= self.any_of(column, holds)
        return {
            FLAGGED: self.any_of(known.ISSUE, lambda text: bool(FLAGS & set(re.split(r"\W+", text.upper())))),
            OBSCURED: place,
            NOT_WILD: self.any_of(known.BASIS, lambda text: _plain(text).upper() in KEPT_OR_DEAD),
            CAPTIVE: wild,
            CASUAL: self.any_of(known.GRADE, lambda text: _plain(text) == "casual"),
        }


def text_numbers(texts: Texts, row: Row, column: str, table: str) -> Numbers:
    """Return what a column of text says as numbers, as ``numbers_of`` does."""
    used, first = np.unique(texts.codes, return_index=True)
    raw = np.array([texts.values[code] for code in used], TEXT)
    found = numbers_of(raw, row[first], column, table)
    place = np.searchsorted(used, texts.codes)
    return Numbers(found.values[place], found.odd[place], found.shown)


def _plain(text: str) -> str:
    """Return a word of a vocabulary without capitals and signs; nothing for a mark of a missing value."""
    if is_missing(text.strip()):
        return ""
    return re.sub(r"[\W_]", "", text.rpartition("/")[2].lower())


def _is_true(text: str) -> bool:
    return _plain(text) in TRUE


def _is_tame(text: str) -> bool:
    return _plain(text) in TAME


def _is_private(text: str) -> bool:
    return _plain(text) in PRIVATE


def _is_of_place(text: str) -> bool:
    return OF_PLACE.search(text) is not None


def _is_nought(text: str) -> bool:
    try:
        return float(text) == 0
    except ValueError:
        return False


def _is_absent(text: str) -> bool | None:
    """Tell whether an occurrenceStatus says absent (True) or present (False); None where it says neither."""
    word = _plain(species_name(text))
    if word in ABSENT_WORDS or word.startswith(BEGINS_ABSENT):
        return True
    return False if word in PRESENT_WORDS or word.startswith(BEGINS_PRESENT) else None


def _is_unclear(text: str) -> bool:
    return bool(_plain(text)) and _is_absent(text) is None


def _is_status(texts: Texts) -> bool:
    """Tell whether all cells say present or absent, or nothing."""
    return not texts.where(_is_unclear).any()


def _mostly(texts: Texts, fits: Callable[[str], bool]) -> bool:
    """Tell whether nearly all cells that are not empty fit."""
    filled = texts.where(lambda text: bool(text.strip()))
    return bool(filled.any()) and bool((filled & texts.where(fits)).sum() >= MOSTLY * filled.sum())


def _tells_absence(texts: Texts) -> bool:
    """Tell whether a column says ``absent`` in so many words, and nothing but that and ``present``."""

    def is_status(text: str) -> bool:
        return _plain(text).startswith((*BEGINS_ABSENT[:1], *BEGINS_PRESENT[:1]))

    filled = texts.where(lambda text: bool(text.strip()))
    absent = texts.where(lambda text: _plain(text).startswith(BEGINS_ABSENT[:1]))
    return bool(absent.any()) and bool((texts.where(is_status) == filled).all())


def _is_some_text(texts: Texts) -> bool:
    return not _mostly(texts, lambda text: _is_number(text))


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?[\d.,]+(e[+-]?\d+)?", text.strip(), re.I) is not None


def _is_uncertainty(texts: Texts) -> bool:
    """Tell a column of metres from one of degrees (coordinatePrecision), which are 1 at most."""
    return _mostly(texts, _is_number) and bool(
        texts.where(lambda text: _is_number(text) and _amount(text) > 1).any()
    )


def _amount(text: str) -> float:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return 0.0


OF_OBSCURED: Mapping[str, Callable[[str], bool]] = {
    known.OBSCURED: _is_true,
    known.PRIVACY: _is_private,
    known.TAXON_PRIVACY: _is_private,
    known.WITHHELD: _is_of_place,
    known.GENERALISED: _is_of_place,
}
OF_CAPTIVE: Mapping[str, Callable[[str], bool]] = {
    known.CAPTIVE: _is_true,
    known.MEANS: _is_tame,
    known.DEGREE: _is_tame,
}
FITS: Mapping[str, Callable[[Texts], bool]] = {
    known.STATUS: lambda texts: _mostly(texts, lambda text: _is_absent(text) is not None),
    known.UNCERTAINTY: _is_uncertainty,
    known.GLC_UNCERTAINTY: _is_uncertainty,
    known.ACCURACY: _is_uncertainty,
    known.PUBLIC_ACCURACY: _is_uncertainty,
    known.COUNT: lambda texts: _mostly(texts, _is_number),
    known.QUANTITY: lambda texts: _mostly(texts, _is_number),
    known.OBSCURED: lambda texts: _mostly(texts, lambda text: _plain(text) in TRUE | FALSE),
    known.CAPTIVE: lambda texts: _mostly(texts, lambda text: _plain(text) in TRUE | FALSE),
    known.GRADE: lambda texts: _mostly(texts, lambda text: _plain(text) in GRADES),
    known.TAXON_PRIVACY: lambda texts: _mostly(texts, lambda text: _plain(text) in PRIVATE | {"open"}),
}
