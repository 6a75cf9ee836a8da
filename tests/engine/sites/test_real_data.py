"""Real tables: banana slugs and firs of California, the NCEAS benchmark, the GeoLifeCLEF 2023 sample."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scalescape.engine.rasters.raster import Raster
from scalescape.engine.sites.blocks import make_blocks
from scalescape.engine.sites.fold_distance import fold_distance
from scalescape.engine.sites.merging import REPEATED
from scalescape.engine.sites.reasons import OUTSIDE
from site_files import prepared

pytestmark = pytest.mark.real_data

SLUGS = 'train = "{}"\nkind = "po"\nspecies = "species"\n'
TWO_TABLES = """
[[sites.source]]
file = "{}"
kind = "po"
species = "species"
[[sites.source]]
file = "{}"
kind = "pa-balanced"
species_name = "Abies concolor"
presence = "pr_ab"
x = "x"
y = "y"
crs = "EPSG:3310"
"""


def rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(raw.decode().splitlines(), delimiter=delimiter))


@pytest.fixture(scope="module")
def land(real_data: Path) -> Iterator[tuple[GeoBox, Callable[..., np.ndarray]]]:
    """The grid of California's climate, and where it has values."""
    with Raster(str(real_data / "california" / "climate_pc.tif")) as raster:
        grid = raster.grid
        raster.put_on(grid, [1, 2, 3, 4])
        valid = raster.read((1, 2, 3, 4), slice(0, grid.shape[0]), slice(0, grid.shape[1]))[1].all(axis=0)

    def inside(x: np.ndarray, y: np.ndarray, crs: CRS) -> np.ndarray:
        assert crs == grid.crs
        a = grid.affine
        column, row = np.floor((x - a.c) / a.a).astype(int), np.floor((y - a.f) / a.e).astype(int)
        on = (column >= 0) & (column < grid.shape[1]) & (row >= 0) & (row < grid.shape[0])
        found = np.zeros(len(x), bool)
        found[on] = valid[row[on], column[on]]
        return found

    yield grid, inside


def test_slugs_are_thinned_to_a_record_a_pixel(
    tmp_path: Path, real_data: Path, land: tuple[GeoBox, Callable[..., np.ndarray]]
) -> None:
    grid, inside = land
    file = real_data / "california" / "slugs.csv"
    done = prepared(tmp_path, SLUGS.format(file), crs="EPSG:3310", grid=grid, inside=inside, n_background=2000)
    to_grid = Transformer.from_crs("EPSG:4326", "EPSG:3310", always_xy=True)
    kept: set[tuple[str, int, int]] = set()
    seen: set[tuple[str, int, int]] = set()
    outside = repeated = 0
    for row in rows(file):
        x, y = to_grid.transform(float(row["decimalLongitude"]), float(row["decimalLatitude"]))
        if not inside(np.array([x]), np.array([y]), grid.crs)[0]:
            outside += 1
            continue
        place = (row["species"], *_place(x, y))
        repeated += place in seen
        seen.add(place)
        a = grid.affine
        kept.add((row["species"], int((x - a.c) // a.a), int((y - a.f) // a.e)))
    assert done.report.read == {"slugs.csv": 3732}
    assert done.report.count(OUTSIDE) == outside and done.report.count(REPEATED) == repeated
    by_species = Counter(species for species, _, _ in kept)
    presences = dict(zip(done.sites.species, done.sites.presences().tolist(), strict=True))
    assert presences == dict(by_species)
    assert len(done.sites) == len({(column, row) for _, column, row in kept})
    assert {name: after for name, (_, after) in done.report.thinned.items()} == presences
    assert inside(done.background.x, done.background.y, grid.crs).all() and len(done.background) == 2000


def test_slugs_fall_into_blocks_as_the_reference_says(
    tmp_path: Path, real_data: Path, land: tuple[GeoBox, Callable[..., np.ndarray]]
) -> None:
    grid, inside = land
    file = real_data / "california" / "slugs.csv"
    done = prepared(tmp_path, SLUGS.format(file), crs="EPSG:3310", grid=grid, inside=inside, n_background=2000)
    blocks = make_blocks(done.sites, done.background, 5, 100.0, 9_000.0, 42)
    few = dict(zip(done.sites.species, blocks.too_few(done.sites).tolist(), strict=True))
    assert few["Ariolimax dolichophallus"] and not few["Ariolimax columbianus"]
    split = blocks.split(0, 20_000.0)
    x, y = done.sites.x, done.sites.y
    for i in split.training[::25]:
        assert np.hypot(x[split.testing] - x[i], y[split.testing] - y[i]).min() > 20_000
    distance = fold_distance(blocks, done.background.x, done.background.y, CRS("EPSG:3310"), 20_000.0)
    assert distance.test_median_m > 20_000


def test_firs_and_slugs_are_masked_where_they_were_not_looked_for(
    tmp_path: Path, real_data: Path, land: tuple[GeoBox, Callable[..., np.ndarray]]
) -> None:
    grid, inside = land
    folder = real_data / "california"
    sites = TWO_TABLES.format(folder / "slugs.csv", folder / "abies.csv")
    done = prepared(tmp_path, sites, crs="EPSG:3310", grid=grid, inside=inside)
    fir = done.sites.species.index("Abies concolor")
    slugs = [i for i in range(len(done.sites.species)) if i != fir]
    assert done.sites.kinds[fir] == "pa-balanced" and {done.sites.kinds[i] for i in slugs} == {"po"}
    found, known = done.sites.labels(np.arange(len(done.sites)))
    assert (known[:, fir] != known[:, slugs].all(axis=1)).all()
    assert (known[:, slugs].all(axis=1) == known[:, slugs].any(axis=1)).all()
    given = {_place(float(r["x"]), float(r["y"])): float(r["pr_ab"]) for r in rows(folder / "abies.csv")}
    fir_sites = np.flatnonzero(known[:, fir])
    outside = sum(one.count for one in done.report.dropped if (one.reason, one.table) == (OUTSIDE, "abies.csv"))
    assert 1400 - outside - 40 < len(fir_sites) < 1400 - outside  # some thirty stand twice, millimetres apart
    for i in fir_sites:
        assert given[_place(done.sites.x[i], done.sites.y[i])] == found[i, fir]
    assert 0 < found[fir_sites, fir].sum() < len(fir_sites)


def _place(x: float, y: float) -> tuple[int, int]:
    return round(x / 0.1), round(y / 0.1)


REGIONS = {
    "AWT": ("EPSG:28355", "awt[0-9]*", [], 1161),
    "NZ": ("EPSG:27200", "nz[0-9]*", ["age", "toxicats"], 2508),
    "SWI": ("EPSG:21781", "swi[0-9]*", ["calc"], 11429),
}


@pytest.mark.parametrize("region", REGIONS)
def test_the_nceas_regions_are_read_as_they_come(tmp_path: Path, real_data: Path, region: str) -> None:
    crs, pattern, categorical, places = REGIONS[region]
    folder = real_data / "nceas"
    tests = rows(folder / f"{region}_test_pa.csv.gz")
    keys = {"siteid", "spid", "x", "y", "occ", "group"}
    predictors = [name for name in rows(folder / f"{region}_train_bg.csv.gz")[0] if name not in keys]
    done = prepared(
        tmp_path,
        f"""
        train = "{folder}/{region}_train_po.csv.gz"
        test = "{folder}/{region}_test_pa.csv.gz"
        background = "{folder}/{region}_train_bg.csv.gz"
        kind = "po"
        species = "spid"
        test_species_columns = ["{pattern}"]
        x = "x"
        y = "y"
        crs = "{crs}"
        """,
        modality=f"columns = {predictors!r}\ncategorical = {categorical!r}",
    )
    assert len(done.sites) == places and len(done.background) == 10_000
    assert set(done.sites.columns) == set(done.background.columns) == set(predictors)
    for name in categorical:
        assert done.sites.columns[name].dtype.kind == "U"
    training = rows(folder / f"{region}_train_po.csv.gz")
    wanted = Counter(species for species, _, _ in {(r["spid"], r["x"], r["y"]) for r in training})
    assert dict(zip(done.sites.species, done.sites.presences().tolist(), strict=True)) == dict(wanted)
    assert done.test is not None and done.test.species == done.sites.species
    for number, species in enumerate(done.test.species):
        column = [row[species] for row in tests]
        assert done.test.presences()[number] == column.count("1")
        assert done.test.surveys()[number] == column.count("1") + column.count("0")
    found, known = done.test.labels(np.arange(0, len(done.test), 37))
    given = {(float(row["x"]), float(row["y"])): row for row in tests}
    for i, index in enumerate(range(0, len(done.test), 37)):
        row = given[float(done.test.x[index]), float(done.test.y[index])]
        cells = [row[species] for species in done.test.species]
        assert known[i].tolist() == [cell != "" for cell in cells]
        assert found[i].tolist() == [cell == "1" for cell in cells]


def test_the_geolifeclef_sample_keeps_its_patches(tmp_path: Path, real_data: Path) -> None:
    folder = real_data / "glc23_sample"
    presences = folder / "Presence_only_occurrences" / "Presences_only_train_sample.csv"
    surveys = folder / "Presence_Absence_surveys" / "Presences_Absences_train_sample.csv"
    done = prepared(
        tmp_path,
        f'train = "{presences}"\ntest = "{surveys}"\nkind = "po"\nspecies = "speciesId"\nx = "lon"\ny = "lat"\n'
        'crs = "EPSG:4326"\n',
        modality=f'patches = "{folder / "SatelliteImages"}"\nscales = [25]\n[training]\nlambda2 = 1.0\n'
        "n_background = 0",
        crs="EPSG:4326", n_background=0, lambda2=1.0,
    )  # fmt: skip
    assert len(done.sites) == 100 and len(done.sites.species) == 96
    assert done.sites.patch_ids is not None and done.test is not None and done.test.patch_ids is not None
    assert set(done.sites.patch_ids.tolist()) == {row["patchID"] for row in rows(presences, ";")}
    assert len(done.test) == 99
    both = {row["speciesId"] for row in rows(presences, ";")} & {row["speciesId"] for row in rows(surveys, ";")}
    assert {done.test.species[i] for i in np.flatnonzero(done.test.surveyed.any(axis=0))} == both
