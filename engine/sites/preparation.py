"""From a training config to clean sites and background points: all that is known before a raster is cut."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from scipy import sparse

from ..recipes.config import SourceConfig, TrainingConfig
from ..recipes.recipe import Recipe
from ..running.errors import InputError
from ..words.species_names import look_alikes, said_alike, species_name
from .background import Area, Background, points_by_effort, random_points
from .cleaning import Cleaning, example_at, listed
from .coordinate_checks import Inside, with_sound_coordinates, within_rasters
from .declared_system import with_declared_system
from .merging import Stack, crs_text, merged, places_of, stacked, without_repeats
from .metric_plane import MetricPlane
from .observations import check_columns, read_observations
from .observed_rows import Observations, Predictors
from .reasons import BEYOND, NO_COORDINATES, OUT_OF_RANGE, OUTSIDE, SWAPPED, ZERO
from .site_table import Index, SiteTable
from .thinning import merged_in_pixels, pixels, squares, thinned

OF_PLACE = {NO_COORDINATES, ZERO, OUT_OF_RANGE, SWAPPED, BEYOND, OUTSIDE}  # what a wrong system leads to
UNREACHED = "outside the area, with no species found"
WITHOUT_SPECIES = "only of species with too few records"


@dataclass(frozen=True)
class Prepared:
    """What training starts from.

    Attributes
    ----------
    sites
        To train on.
    test
        Surveyed sites to judge by, with the same species in the same order; a species that the test table does
        not name is surveyed nowhere. None without a test table.
    background
        Background points; none where the recipe has none and the config no file.
    report
        What was left out of all tables, and why.
    """

    sites: SiteTable
    test: SiteTable | None
    background: Background
    report: Cleaning


def prepare(
    config: TrainingConfig,
    recipe: Recipe,
    grid_crs: CRS | None,
    inside: Inside | None,
    smallest_scale_m: float | None,
    pixel_grid: GeoBox | None,
) -> Prepared:
    """Read, clean, merge and thin the tables of a config, and draw its background points.

    Parameters
    ----------
    config, recipe
        What is wanted.
    grid_crs
        The coordinate system that everything is brought to; the first table's for None (samples with data).
    inside
        Tells of points (x, y, CRS) where the predictors have values; None where there is no raster.
    smallest_scale_m
        Width of the smallest window on the ground; records more uncertain than that are warned about.
    pixel_grid
        The grid of the finest modality: for thinning to a record a pixel, and to draw background points from.

    Raises
    ------
    InputError
        A table, a column or a value can't be used; no record or species is left; a species is at every site
        that it was looked for at and there are no background points.
    """
    report = Cleaning()
    predictors = _predictors(config)
    cleaner = _Cleaner(config, predictors, grid_crs, inside, smallest_scale_m, report)
    tables = [cleaner.read(source) for source in config.sites.sources()]
    report.warnings += said_alike(look_alikes(name for one in tables for name in one.species))
    crs = tables[0].crs
    area = Area(config.sites.area, crs) if config.sites.area else None
    has_patches = any(one.patches for one in config.modality.values())  # they are finer than any raster
    sites = _sites(tables, recipe, None if has_patches else pixel_grid, report)
    sites = _reachable(sites, area, "the training tables", report)
    test = _test(config, cleaner, sites.species, sites.kinds)
    background = _background(config, recipe, cleaner, crs, area, pixel_grid)
    _check_absences(sites, recipe, background)
    return Prepared(sites, test, background, report)


def prepare_test(
    config: TrainingConfig,
    species: tuple[str, ...],
    kinds: tuple[str, ...],
    grid_crs: CRS | None,
    inside: Inside | None,
    smallest_scale_m: float | None,
) -> tuple[SiteTable, Cleaning]:
    """Read, clean and merge the test table of a config alone, and return it with what was left out, and why.

    Parameters
    ----------
    config
        It names a test table.
    species, kinds
        Those trained on, and the order wanted; one that the test table does not name is surveyed nowhere.
    grid_crs, inside, smallest_scale_m
        As for ``prepare``.

    Raises
    ------
    InputError
        The table, a column or a value can't be used; no record is left, or none of the species is named.
    """
    report = Cleaning()
    cleaner = _Cleaner(config, _predictors(config), grid_crs, inside, smallest_scale_m, report)
    test = _test(config, cleaner, species, kinds)
    if test is None:
        raise ValueError("a config without a test table")
    return test, report


class _Cleaner:
    """Reads tables one by one into one coordinate system, and leaves out what can't be used."""

    def __init__(
        self,
        config: TrainingConfig,
        predictors: Predictors,
        crs: CRS | None,
        inside: Inside | None,
        smallest_scale_m: float | None,
        report: Cleaning,
    ) -> None:
        self._uncertainty = config.sites.max_uncertainty_m
        self._keep_obscured = config.sites.keep_obscured
        self._smallest_scale_m = smallest_scale_m
        self.predictors = predictors
        self.inside = inside
        self.report = report
        self.crs = crs

    def read(self, source: SourceConfig) -> Observations:
        """Return the records of a table that can be used."""
        rows = read_observations(source, self.predictors, self.report)
        if self.crs is None:
            self.crs = rows.crs
        rows = with_declared_system(rows, self.report, self.crs if self.inside else None, self.inside)
        rows = with_sound_coordinates(
            rows, self.report, self._uncertainty, self._smallest_scale_m, self._keep_obscured
        )
        rows = within_rasters(rows, self.report, self.crs, self.inside)
        if not len(rows):
            gone = [one for one in self.report.dropped if one.table == rows.table]
            reasons = listed([f"{one.count:,} {one.reason}" for one in gone])
            of_place = any(one.reason in OF_PLACE for one in gone)
            advice = "its columns, its coordinate system and the rasters" if of_place else "the table"
            raise InputError(f"No record of {rows.table} can be used: {reasons}; check {advice}.")
        check_columns(rows, self.predictors.categorical)
        return rows


def _predictors(config: TrainingConfig) -> Predictors:
    columns = [name for one in config.modality.values() for name in one.columns]
    categorical = {name for one in config.modality.values() if one.columns for name in one.categorical}
    return Predictors(tuple(dict.fromkeys(columns)), frozenset(categorical))


def _sites(
    tables: list[Observations], recipe: Recipe, pixel_grid: GeoBox | None, report: Cleaning
) -> SiteTable:
    stack = stacked(tables)
    stack, place = without_repeats(stack, places_of(stack), report)
    if recipe.thin_m > 0:
        plane = MetricPlane(stack.x, stack.y, stack.crs)
        cell = squares(plane.places(stack.x, stack.y, stack.crs), recipe.thin_m)
        stack, place, _ = thinned(stack, place, cell, report)
    elif pixel_grid is not None:
        stack, place, pixel = thinned(stack, place, _pixels(pixel_grid, stack), report)
        place = merged_in_pixels(stack, place, pixel)
    stack, place = _with_enough_records(stack, place, recipe.min_records, report)
    return merged(stack, place, report)


def _pixels(grid: GeoBox, stack: Stack) -> Index:
    if grid.crs is not None and grid.crs != stack.crs:
        raise ValueError("the pixel grid must be in grid_crs")
    return pixels(grid, stack.x, stack.y)


def _reachable(sites: SiteTable, area: Area | None, what: str, report: Cleaning) -> SiteTable:
    """Return the sites so that no absence counts outside the area; presences there still do."""
    if area is None:
        return sites
    outside = ~area.holds(sites.x, sites.y)
    empty = np.diff(sites.found.indptr) == 0
    gone = outside & empty
    report.drop(what, UNREACHED, int(gone.sum()), example_at(sites.x, sites.y, gone))
    sites, outside = sites.taken(np.flatnonzero(~gone)), outside[~gone]
    if not outside.any():
        return sites
    report.warnings.append(
        f"{int(outside.sum()):,} sites of {what} with presences lie outside the area; absences there "
        "do not count."
    )
    index = np.flatnonzero(outside)
    found, known = sites.labels(index)
    row, species = np.nonzero(known & (found == 0))
    masked = sparse.csr_array((np.ones(len(row), np.bool_), (index[row], species)), shape=sites.holes.shape)
    return replace(sites, holes=sparse.csr_array((sites.holes.astype(np.int8) + masked.astype(np.int8)) > 0))


def _with_enough_records(stack: Stack, place: Index, fewest: int, report: Cleaning) -> tuple[Stack, Index]:
    """Return rows and places with those species that were found at enough places."""
    to_place = sparse.csr_array((np.ones(len(place), np.int32), (place, np.arange(len(place)))))
    presences = np.asarray((to_place @ stack.found.astype(np.int32) > 0).sum(axis=0)).ravel()
    enough = presences >= fewest
    report.left_out = {stack.species[i]: int(presences[i]) for i in np.flatnonzero(~enough)}
    if not presences.any():
        raise InputError(
            "No row of the training tables says that a species was found: there are absences alone; check the "
            "columns of species and presence."
        )
    if not enough.any():
        remedy = "set min_records lower" if presences.max() else "check what the tables say was found"
        raise InputError(
            f"No species was found at {fewest} places or more, the most at {presences.max()}"
            f"{report.thinning()}; {remedy}."
        )
    stack = stack.with_species(np.flatnonzero(enough))
    bare = stack.presence_only() & (np.diff(stack.found.indptr) == 0)
    report.drop("the training tables", WITHOUT_SPECIES, int(bare.sum()), "")
    return stack.kept(~bare), place[~bare]


def _test(
    config: TrainingConfig,
    cleaner: _Cleaner,
    species: tuple[str, ...],
    kinds: tuple[str, ...],
) -> SiteTable | None:
    source = config.sites.test_source()
    if source is None:
        return None
    report = cleaner.report
    rows = cleaner.read(source)
    area = Area(config.sites.area, rows.crs) if config.sites.area else None
    stack = stacked([rows])
    stack, place = without_repeats(stack, places_of(stack), report)
    test = _reachable(merged(stack, place, report), area, rows.table, report)
    known = {species_name(name) for name in species}
    unknown = [name for name in test.species if name not in known]
    alike = [pair for pair in look_alikes([*unknown, *species]) if set(pair) & set(unknown)]
    if len(unknown) == len(test.species):
        hint = (
            f"; {alike[0][0]} and {alike[0][1]} differ in capitals, hyphens or the like alone" if alike else ""
        )
        raise InputError(
            f"None of the species of {rows.table} ({listed(unknown[:3], len(unknown[3:]))}) is among those "
            f"trained on ({listed(species[:3], len(species[3:]))}){hint}; check the names in both tables."
        )
    report.warnings += said_alike(alike, f"{rows.table}: ")
    if unknown:
        report.warnings.append(
            f"{rows.table}: {len(unknown):,} species are not trained on, and not tested: "
            f"{listed(unknown[:5], len(unknown[5:]))}."
        )
    return aligned(test, species, kinds)


def aligned(test: SiteTable, species: tuple[str, ...], kinds: tuple[str, ...]) -> SiteTable:
    """Return test sites with the species and the order of others; what they lack is surveyed nowhere."""
    place = {name: number for number, name in enumerate(test.species)}
    source = np.array([place.get(species_name(name), -1) for name in species])
    have = np.flatnonzero(source >= 0)
    chosen = test.with_species(source[have])

    def spread(matrix: sparse.csr_array) -> sparse.csr_array:
        parts = (matrix.data, have[matrix.indices], matrix.indptr)
        return sparse.csr_array(parts, shape=(len(test), len(species)))

    surveyed = np.zeros((len(test.surveyed), len(species)), np.bool_)
    surveyed[:, have] = chosen.surveyed
    of_kind = list(kinds)
    for number, kind in zip(have, chosen.kinds, strict=True):
        of_kind[number] = kind
    return replace(
        chosen,
        species=species,
        kinds=tuple(of_kind),
        found=spread(chosen.found),
        surveyed=surveyed,
        holes=spread(chosen.holes),
    )


def _background(
    config: TrainingConfig,
    recipe: Recipe,
    cleaner: _Cleaner,
    crs: CRS,
    area: Area | None,
    pixel_grid: GeoBox | None,
) -> Background:
    sites, text = config.sites, crs_text(crs)
    if sites.background:
        return _background_file(config, cleaner, crs, area)
    none = np.zeros(0)
    if recipe.n_background == 0:
        return Background(none, none, text, how="none")
    if sites.bias:
        x, y = points_by_effort(sites.bias, crs, recipe.n_background, recipe.seed, cleaner.inside, area)
        how, where = "effort", f"where {sites.bias} is positive"
    elif pixel_grid is not None:
        x, y = random_points(pixel_grid, recipe.n_background, recipe.seed, cleaner.inside, area)
        how, where = "random", "where the rasters have values"
    else:
        raise InputError(
            "Background points can't be drawn without rasters; name a file of points (background), or set "
            "n_background = 0 and lambda2 = 1."
        )
    within = " in the area" if area is not None else ""
    if not len(x):
        raise InputError(f"No background point can be had {where}{within}; check that they overlap.")
    if len(x) < recipe.n_background:
        cleaner.report.warnings.append(
            f"{len(x):,} background points could be had of {recipe.n_background:,} {where}{within}."
        )
    return Background(x, y, text, how=how)


def _background_file(config: TrainingConfig, cleaner: _Cleaner, crs: CRS, area: Area | None) -> Background:
    """Return all points of the file that can be used, with their own predictor columns."""
    file = str(config.sites.background)
    sites = config.sites
    own = sites.sources()[0]
    source = SourceConfig(file=file, kind="po", species_name="background", x=own.x, y=own.y, crs=own.crs)
    rows = cleaner.read(source)
    if area is not None:
        outside = ~area.holds(rows.x, rows.y)
        cleaner.report.drop(
            rows.table, "outside the area", int(outside.sum()), example_at(rows.x, rows.y, outside)
        )
        rows = rows.kept(~outside)
        if not len(rows):
            raise InputError(f"No point of {rows.table} lies in the area {sites.area}; check both.")
    return Background(rows.x, rows.y, crs_text(crs), rows.columns, rows.patch, how="file")


def _check_absences(sites: SiteTable, recipe: Recipe, background: Background) -> None:
    """Refuse a species that has no absence of any kind."""
    if recipe.lambda2 < 1 and len(background):
        return
    everywhere = np.flatnonzero(sites.presences() == sites.surveys())
    if len(everywhere):
        names = listed([sites.species[i] for i in everywhere[:3]], len(everywhere[3:]))
        raise InputError(
            f"{names} {'is' if len(everywhere) == 1 else 'are'} at every site looked at, so there is nothing "
            "to tell presences from; add background points (n_background, lambda2 below 1), other species or "
            "surveys."
        )
