"""Which raster band bears the name of which band of a model, by the parts of names. Standard library alone.

Names are compared by their words and numbers (``bio1``, ``BIO_01`` and ``Bio 1`` are one, ``bio10`` is not), as
words within longer names (``CHELSA_bio1_1981-2010``), and by what climatologies and sensors call their bands
(``sensor_bands.py``). A name that fits two bands is nobody's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

from .sensor_bands import LETTERS, bioclim_number, code_of, light_of, sensor_said, sensors_of

_PARTS = re.compile(r"[^\W\d_]+|\d+")
_GENERIC = frozenset(("band", "b", "layer", "lyr", "channel", "unnamed", "array"))

Parts = tuple[str, ...]
Frame = tuple[Parts, Parts]
"""What stands before and behind a name within another one."""
Pairs = dict[int, set[int]]
"""By a model's band the raster bands that may be it."""
Whole = dict[int, int]
"""A raster band for each of the model's bands that are open."""


@dataclass(frozen=True)
class NameMatch:
    """Which raster bands bear a model's names.

    Attributes
    ----------
    places
        For each band of the model the index of the raster band, or None.
    rivals
        For each band of the model that was not found the raster bands that bear its name equally well, or the
        one that bears another's as well; empty where none does.
    """

    places: tuple[Optional[int], ...]
    rivals: tuple[tuple[int, ...], ...]

    @property
    def missing(self) -> tuple[int, ...]:
        """The bands of the model that were not found."""
        return tuple(i for i, place in enumerate(self.places) if place is None)

    @property
    def complete(self) -> bool:
        """Whether every band was found."""
        return not self.missing

    @property
    def doubtful(self) -> Optional[int]:
        """The first band of the model whose name several raster bands bear, or None."""
        return next((i for i, some in enumerate(self.rivals) if some), None)


def matched(wanted: Sequence[str], offered: Sequence[Sequence[str]], about: Iterable[str] = ()) -> NameMatch:
    """Return which raster bands bear which names.

    Parameters
    ----------
    wanted
        The names of a model's bands.
    offered
        The names of each raster band, such as its description and its file's name; empty ones do not count.
    about
        Further names in which it may stand which sensor the raster is of, such as those of files.
    """
    return _Matching(wanted, offered, about).result()


def same_name(one: str, other: str) -> bool:
    """Return whether two names differ at most in case, spaces, punctuation and leading zeros."""
    return _Name(one).joined == _Name(other).joined


def says_other(wanted: str, names: Sequence[str]) -> bool:
    """Return whether one of a raster band's names says that it is something other than ``wanted``."""
    mine = _Name(wanted)
    return any(mine.is_other(_Name(name)) for name in names)


def says_nothing(names: Sequence[str]) -> bool:
    """Return whether names tell no more than an order: none, ``Band 3``, or one name with 1, 2, 3 behind it."""
    taken = [_Name(name) for name in names]
    if all(name.says_nothing for name in taken):
        return True
    if len(taken) < 2 or any(name.bioclim is not None for name in taken):
        return False
    stems = {name.parts[:-1] for name in taken}
    return len(stems) == 1 and [name.parts[-1] for name in taken] == [str(n + 1) for n in range(len(taken))]


class _Name:
    """A name, taken apart."""

    def __init__(self, name: str) -> None:
        raw = _PARTS.findall(unicodedata.normalize("NFKC", name).casefold())
        self.text = " ".join(raw)
        self.parts: Parts = tuple(part.lstrip("0") or "0" if part.isdecimal() else part for part in raw)
        self.joined = re.sub(r"(?<=\D) (?=\D)", "", " ".join(self.parts))  # near infrared is nearinfrared
        self.bioclim = bioclim_number(self.text)
        self.light = light_of(self.text)
        self.code = code_of(self.text)

    @property
    def says_nothing(self) -> bool:
        """Whether it is no more than a number."""
        return all(part.isdecimal() or part in _GENERIC for part in self.parts)

    def is_other(self, name: _Name) -> bool:
        """Whether both are known names, of different things: red edge is not red."""
        other_climate = None not in (self.bioclim, name.bioclim) and self.bioclim != name.bioclim
        return other_climate or bool(self.light and name.light and self.light != name.light)

    def frames_in(self, name: _Name) -> Iterator[Frame]:
        """Yield what stands around this name wherever it occurs in another one."""
        length = len(self.parts)
        for start in range(len(name.parts) - length + 1 if length else 0):
            if name.parts[start : start + length] == self.parts:
                yield name.parts[:start], name.parts[start + length :]


class _Matching:
    """One kind of evidence after another, the strongest first; what one decides stays decided."""

    def __init__(self, wanted: Sequence[str], offered: Sequence[Sequence[str]], about: Iterable[str]) -> None:
        self._wanted = [_Name(name) for name in wanted]
        self._offered = [[_Name(name) for name in names if name] for names in offered]
        self._about = " | ".join(name.text for name in map(_Name, about)) + " | ".join(
            name.text for names in self._offered for name in names
        )
        self._places: Whole = {}
        self._rivals: Pairs = {}

    def result(self) -> NameMatch:
        """Return who is who."""
        everything = range(len(self._wanted))
        self._decide(self._pairs(everything, lambda wanted, name: wanted.joined == name.joined))
        twice = set(self._rivals)  # nothing weaker decides between names that are the same
        for evidence in (self._climate, self._framed, self._inside, self._sensed, self._lit, self._unframed):
            evidence([i for i in everything if i not in self._places and i not in twice])
        return NameMatch(
            tuple(self._places.get(i) for i in everything),
            tuple(() if i in self._places else tuple(sorted(self._rivals.get(i, ()))) for i in everything),
        )

    def _climate(self, still: Sequence[int]) -> None:
        """The number of a bioclimatic variable, where the model has just one band of that number."""
        numbers = [one.bioclim for one in self._wanted]
        single = [i for i in still if numbers[i] is not None and numbers.count(numbers[i]) == 1]
        self._decide(self._pairs(single, lambda wanted, name: wanted.bioclim == name.bioclim))

    def _framed(self, still: Sequence[int]) -> None:
        """All names stand in longer ones with the same words around: ``s2_red_10m``, ``s2_nir_10m``."""
        self._decide_whole(still, self._frames(still, lambda wanted, name: wanted.frames_in(name)))

    def _inside(self, still: Sequence[int]) -> None:
        """A name stands in a longer one."""
        self._decide(self._pairs(still, lambda wanted, name: any(True for _ in wanted.frames_in(name))))

    def _sensed(self, still: Sequence[int]) -> None:
        """What sensors call their bands; without a reading that finds all of them, that which finds most."""
        ways = [
            way
            for lights in _readings([[name] for name in self._wanted], "")
            for offered in _readings(self._offered, self._about)
            if (way := self._by_light(still, lights, offered))
        ]
        whole = [way for way in ways if len(way) == len(still)]
        if not self._is_counted():
            most = max(map(len, ways), default=0)
            self._decide_whole(still, whole or [way for way in ways if len(way) == most])
        elif whole and len(self._offered) == len(self._wanted):  # b1, b2, b3 may be no more than an order
            self._decide_whole(still, [*whole, {i: i for i in still}])

    def _by_light(self, still: Sequence[int], lights: Sequence[str], offered: Sequence[str]) -> Whole:
        """Return the raster bands that alone have the light of bands of the model."""
        places: dict[str, list[int]] = {}
        for j in self._free():
            places.setdefault(offered[j], []).append(j)
        return {i: places[lights[i]][0] for i in still if lights[i] and len(places.get(lights[i], ())) == 1}

    def _is_counted(self) -> bool:
        """Whether the names are B1, B2, B3 ... and say of no sensor."""
        codes = [[name.code for name in names if name.code] for names in self._offered]
        numbers = [code[0].number if len(code) == 1 and code[0].padded is not True else "" for code in codes]
        plain = all(code and code[0].prefix == "b" for code in codes)
        return plain and numbers == [str(n + 1) for n in range(len(codes))] and not sensor_said(self._about)

    def _lit(self, still: Sequence[int]) -> None:
        """The same light in other words: ``nir`` and ``near infrared``."""
        self._decide(self._pairs(still, lambda wanted, name: bool(name.light) and wanted.light == name.light))

    def _unframed(self, still: Sequence[int]) -> None:
        """The model's names are the longer ones, with the same words around: ``ca_slope_mean``, ``slope``."""

        def around(wanted: _Name, name: _Name) -> Iterator[Frame]:
            for frame in name.frames_in(wanted):
                if len(still) > 1 or not any(part.isdecimal() for side in frame for part in side):
                    yield frame

        self._decide_whole(still, self._frames(still, around))

    def _free(self) -> list[int]:
        taken = set(self._places.values())
        return [j for j in range(len(self._offered)) if j not in taken]

    def _pairs(self, still: Sequence[int], fits: Callable[[_Name, _Name], bool]) -> Pairs:
        """Return for bands of the model the raster bands of which one name fits."""
        free = set(self._free())
        return {
            i: {
                j
                for j in free & self._rivals.get(i, free)
                if any(fits(self._wanted[i], name) for name in self._offered[j]) and self._may_be(i, j)
            }
            for i in still
        }

    def _may_be(self, i: int, j: int) -> bool:
        """Whether no name of a raster band says that it is something else, or one is the very name."""
        wanted, names = self._wanted[i], self._offered[j]
        return not any(map(wanted.is_other, names)) or any(wanted.joined == name.joined for name in names)

    def _frames(self, still: Sequence[int], around: Callable[[_Name, _Name], Iterator[Frame]]) -> list[Whole]:
        """Return for each frame in which every band is found just once which raster band each is."""
        frames: dict[Frame, Pairs] = {}
        for i in still:
            for j in self._free():
                for name in self._offered[j] if self._may_be(i, j) else ():
                    for frame in around(self._wanted[i], name):
                        frames.setdefault(frame, {}).setdefault(i, set()).add(j)
        return [
            {i: min(places) for i, places in pairs.items()}
            for pairs in frames.values()
            if len(pairs) == len(still) and all(len(places) == 1 for places in pairs.values())
        ]

    def _decide(self, pairs: Pairs) -> None:
        """Take what fits one band alone; of bands that want the same one, that with the longest name."""
        single = {i: min(places) for i, places in pairs.items() if len(places) == 1}
        lengths = [len(name.parts) for name in self._wanted]
        for i, j in single.items():
            others = [lengths[k] for k, place in single.items() if place == j and k != i]
            if all(length < lengths[i] for length in others):
                self._places[i] = j
            elif max(others) == lengths[i]:
                self._rivals[i] = {j}
        self._rivals.update({i: places for i, places in pairs.items() if len(places) > 1})

    def _decide_whole(self, still: Sequence[int], found: Sequence[Whole]) -> None:
        """Take the one way in which bands are found; where there are several, they are rivals."""
        for i in still:
            places = {one[i] for one in found if i in one and len(set(one.values())) == len(one)}
            if len(places) == 1:
                self._places[i] = min(places)
            elif places:
                self._rivals[i] = places


def _readings(names: Sequence[Sequence[_Name]], about: str) -> list[tuple[str, ...]]:
    """Return the light of each band, empty where unknown, in each way in which the names can be read."""
    said = [next((name.light for name in some if name.light), "") for some in names]
    codes = [next((name.code for name in some if name.code), None) for some in names]
    letters = [next((name.joined for name in some if name.joined in LETTERS), "") for some in names]
    if {"r", "g", "b"} <= set(letters):
        return [tuple(light or LETTERS.get(letter, "") for light, letter in zip(said, letters))]
    sensors = sensors_of([code for code in codes if code is not None], about) if any(codes) else []
    read = [
        tuple(light or (sensor.common(code) if code is not None else "") for light, code in zip(said, codes))
        for sensor in sensors
    ]
    return read or [tuple(said)]
