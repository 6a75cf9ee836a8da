"""Areas on maps of suitability: above thresholds, expected, novel, without a value; in all and by polygon."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox
from scipy import sparse

from ...models.flags import joined
from ..judging.threshold_rules import GIVEN, reaches
from ..judging.thresholds import RULES
from ..protocol.tags import RUN_TAG
from ..rasters.cell_area import cell_areas, demand_areas
from ..rasters.lattice import Tile
from ..rasters.raster import Valid, Values, lattice_offset
from ..running.errors import InputError
from ..words.naming import slug
from .finished_map import MapBand, OpenMaps, common_part, tiles_of
from .map_names import map_names
from .zones import Zones

TILE = 512  # px; of the blocks in which maps are read
BEFORE_RULES = 5  # sums that need no threshold


@dataclass(frozen=True)
class AreaRow:
    """What one map says about one zone, in km² on the ground.

    Attributes
    ----------
    with_value, without_value
        Pixels with and without a value; None, as all other areas, of a zone that lies off the map.
    novel
        Pixels with a value whose predictors lie outside of the training range; None without a map of novelty.
    without_value_novel
        Pixels without a value that are novel; None likewise.
    thresholds, above, above_novel
        By the rule's name: the threshold, the area of values at it or higher, and the novel part of that area.
    expected
        The sum of occurrence times area; None without a map of occurrence.
    flag
        Why the species' tests prove little (``models.flags``), as the map's tags have it; else empty.
    """

    species: str
    map: str
    zone: str
    with_value: float | None
    without_value: float | None
    novel: float | None
    without_value_novel: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    above: Mapping[str, float] = field(default_factory=dict)
    above_novel: Mapping[str, float] = field(default_factory=dict)
    expected: float | None = None
    flag: str = ""

    def cells(self, rules: Sequence[str]) -> dict[str, str | float | None]:
        """Return the row by column name; ``rules`` are those that have columns."""
        found: dict[str, str | float | None] = {
            "species": self.species,
            "map": self.map,
            "zone": self.zone,
            "with_value_km2": self.with_value,
            "without_value_km2": self.without_value,
            "novel_km2": self.novel,
            "without_value_novel_km2": self.without_value_novel,
            "expected_km2": self.expected,
        }
        for rule in rules:
            name = slug(rule)
            found[f"threshold_{name}"] = self.thresholds.get(rule)
            found[f"above_{name}_km2"] = self.above.get(rule)
            found[f"above_{name}_novel_km2"] = self.above_novel.get(rule)
        found["flag"] = self.flag
        return found


@dataclass(frozen=True)
class Subject:
    """One map of a species: suitability with its thresholds, its occurrence, or both.

    ``name`` is what it is called among all that are measured: its file's, as ``map_names`` has it.
    """

    suitability: MapBand | None
    occurrence: MapBand | None
    thresholds: Mapping[str, float]
    name: str

    @property
    def band(self) -> MapBand:
        """The suitability, else the occurrence."""
        one = self.suitability or self.occurrence
        if one is None:
            raise ValueError("a subject needs a map")
        return one


def subjects_of(bands: Sequence[MapBand], given: float | None) -> list[Subject]:
    """Return what is to be measured: each map of suitability, with the map of occurrence beside it.

    Raises
    ------
    InputError
        A map has no threshold, neither of its own nor a given one.
    """
    beside = {(band.species, Path(band.file).parent): band for band in bands if band.is_occurrence}
    alone = {} if given is None else {GIVEN: given}
    names = map_names(band.file for band in bands)
    subjects = []
    for band in bands:
        if band.is_occurrence:
            continue
        thresholds = {**band.tags.thresholds, **alone}
        if not thresholds:
            raise InputError(
                f"{band.file} says no threshold for {band.species}; give a number (--threshold 0.5)."
            )
        mine = beside.pop((band.species, Path(band.file).parent), None)
        if mine is not None and lattice_offset(band.grid, mine.grid) is None:
            beside[band.species, Path(band.file).parent], mine = mine, None
        subjects.append(Subject(band, mine, thresholds, names[band.file]))
    return [*subjects, *(Subject(None, band, alone, names[band.file]) for band in beside.values())]


def rules_of(rows: Sequence[AreaRow]) -> list[str]:
    """Return the rules by which any row has an area, in their usual order."""
    held = {rule for row in rows for rule in row.above}
    return [*(rule for rule in RULES if rule in held), *sorted(held - set(RULES))]


class AreaTable:
    """Sums of areas over the maps of one grid.

    Parameters
    ----------
    subjects
        Maps on one lattice.
    novelty
        The map that is negative where predictors lie outside of the training range, if there is one.
    polygons, field
        See ``Zones``.

    Attributes
    ----------
    highest
        The highest value of each map that ``rows`` has read, by the map's name.

    Raises
    ------
    InputError
        Maps do not fit each other, or the polygons can't be used.
    """

    def __init__(
        self, subjects: Sequence[Subject], novelty: MapBand | None, polygons: str | None, field: str | None
    ) -> None:
        self._subjects = list(subjects)
        self._novelty = novelty
        self.highest: dict[str, float] = {}
        first = subjects[0].band
        self.grid: GeoBox = first.grid
        if self.grid.crs is None:
            raise ValueError("a map without a CRS has no area")
        if novelty is not None:
            common_part(first, [novelty])
        self._zones = Zones(polygons, field, self.grid)

    def rows(self, done: Callable[[int, int], None]) -> list[AreaRow]:
        """Return a row for each map and zone; ``done`` is told of pixels done and their total."""
        run = self._cut_run()
        sums = [_Sums(one, len(self._zones.names)) for one in self._subjects]
        cuts = [run is not None and one.band.provenance.get(RUN_TAG) == run for one in self._subjects]
        height, width = self.grid.shape
        total, read = height * width * len(sums), 0
        with OpenMaps(self.grid) as maps:
            for tile in tiles_of(self.grid, TILE):
                areas = cell_areas(self.grid, tile, np.zeros(tile.shape, np.bool_))
                members = self._zones.members(tile)
                novel, known = self._novel(maps, tile)
                for one, cut in zip(sums, cuts, strict=True):
                    one.add(members, one.layers(maps, tile, areas, novel, known if cut else novel))
                    read += areas.size
                    done(read, total)
        for one in sums:
            self.highest[one.map] = max(self.highest.get(one.map, -np.inf), one.highest)
        return [row for one in sums for row in one.rows(self._zones.names, self._novelty is not None)]

    def _novel(self, maps: OpenMaps, tile: Tile) -> tuple[Valid, Valid]:
        """Return where the map of novelty is negative, and where it has a value: (rows, columns) each."""
        if self._novelty is None:
            nothing = np.zeros(tile.shape, np.bool_)
            return nothing, nothing
        values, valid = maps.read(self._novelty, tile)
        return np.asarray(valid & (values < 0), np.bool_), valid

    def _cut_run(self) -> str | None:
        """Return the record of the run that made the map of novelty, where it left out what is novel.

        A map of that run lacks a value only there, of all that its map of novelty covers: also where a scale's
        features are novel and MESS is not negative.
        """
        novelty = self._novelty
        if novelty is None or not dict(novelty.run.get("job") or {}).get("cut_novel"):
            return None
        return novelty.provenance[RUN_TAG]


class _Sums:
    """The sums of one map, by zone: with value, without, novel, without and novel, expected, then above and
    novel by rule.
    """

    def __init__(self, subject: Subject, zones: int) -> None:
        self._subject = subject
        self._rules = list(subject.thresholds)
        self._sums = np.zeros((zones, BEFORE_RULES + 2 * len(self._rules)))
        self._pixels = np.zeros(zones)
        self.map = subject.name
        self.highest = -np.inf

    def layers(
        self, maps: OpenMaps, tile: Tile, areas: npt.NDArray[np.float64], novel: Valid, cut: Valid
    ) -> npt.NDArray[np.float64]:
        """Return what each pixel adds to each sum: (sums, rows, columns).

        ``novel`` tells where a pixel with a value is novel, ``cut`` where one without is (rows, columns).
        """
        subject = self._subject
        values, valid = maps.read(subject.band, tile)
        demand_areas(subject.band.grid, areas, valid)
        self.highest = max(self.highest, float(values.max(where=valid, initial=-np.inf)))
        held = [valid, ~valid, valid & novel, ~valid & cut]
        layers = [*(areas * one for one in held), self._expected(maps, tile, areas)]
        for rule in self._rules:
            above = valid & reaches(values, subject.thresholds[rule])
            layers += [areas * above, areas * (above & novel)]
        return np.stack(layers)

    def _expected(
        self, maps: OpenMaps, tile: Tile, areas: npt.NDArray[np.float64]
    ) -> Values | npt.NDArray[np.float64]:
        if self._subject.occurrence is None:
            return np.zeros_like(areas)
        values, valid = maps.read(self._subject.occurrence, tile)
        return np.where(valid, values, 0) * areas

    def add(self, members: sparse.csr_array, layers: npt.NDArray[np.float64]) -> None:
        self._sums += members @ layers.reshape(len(layers), -1).T
        self._pixels += members.sum(axis=1)

    def rows(self, zones: Sequence[str], with_novelty: bool) -> list[AreaRow]:
        named = zip(zones, self._sums, self._pixels, strict=True)
        return [self._row(zone, sums if pixels else None, with_novelty) for zone, sums, pixels in named]

    def _row(self, zone: str, sums: npt.NDArray[np.float64] | None, with_novelty: bool) -> AreaRow:
        """Return the row of a zone; one without ``sums`` lies off the map."""
        subject, rules = self._subject, self._rules
        one = AreaRow(
            species=subject.band.species,
            map=subject.name,
            zone=zone,
            with_value=None,
            without_value=None,
            novel=None,
            thresholds=dict(subject.thresholds),
            flag=joined(subject.band.tags.flags),
        )
        if sums is None:
            return one
        km2 = [float(value) for value in sums]
        return replace(
            one,
            with_value=km2[0],
            without_value=km2[1],
            novel=km2[2] if with_novelty else None,
            without_value_novel=km2[3] if with_novelty else None,
            expected=km2[4] if subject.occurrence is not None else None,
            above={rule: km2[BEFORE_RULES + 2 * n] for n, rule in enumerate(rules)},
            above_novel={rule: km2[BEFORE_RULES + 1 + 2 * n] for n, rule in enumerate(rules) if with_novelty},
        )
