"""The algorithms on finished maps in ``qgis_process``: values as computed apart, a sentence for bad input."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from pyproj import Geod
from qgis_processing import (
    ENGINE,
    MODEL,
    QGIS_PROCESS,
    layers,
    process,
    results,
    sentence,
    values,
    write_landscape,
)
from rasterio.transform import Affine
from rasterio.warp import transform as transform_points
from sklearn.metrics import roc_auc_score
from unusable_raster import CORNER, CRS

STEP = 16  # maps of 64 × 64 pixels
SPECIES, OTHER = "Nivalia frigida", "Coniferella umbrosa"
FILE, OTHER_FILE = "nivalia_frigida.tif", "coniferella_umbrosa.tif"
WARMER = 2.0  # °C
HALF = slice(None), slice(0, 32)  # rows and columns of the western half of a map
DECIMALS = 1e-4  # of areas: the area of a pixel changes by less over the map

pytestmark = pytest.mark.skipif(QGIS_PROCESS is None, reason="needs qgis_process")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a QGIS profile, a landscape, a warmer climate, and ``maps`` of two species."""
    folder = tmp_path_factory.mktemp("decisions")
    write_landscape(folder)
    climate = folder / "landscape" / "bioclim.tif"
    shutil.copy(climate, folder / "warmer.tif")
    with rasterio.open(folder / "warmer.tif", "r+") as raster:
        raster.write(raster.read(1) + np.float32(WARMER), 1)
    made = ("PRODUCTS=probability", "PRODUCTS=novelty", f"OUTPUT={folder / 'maps'}")
    results(process(folder, "map", *mapped(folder), *made))
    return folder


@pytest.fixture(scope="module")
def futures(place: Path) -> Path:
    """The folder of two scenarios: the same as today, and warmer."""
    lines = (
        f"same:bioclim={place / 'landscape' / 'bioclim.tif'}\nwarmer@2050-01-01:bioclim={place / 'warmer.tif'}"
    )
    out = place / "futures"
    found = results(process(place, "scenarios", *mapped(place), f"SCENARIOS={lines}", f"OUTPUT={out}"))
    assert found["REPORT"] == str(out / "scenarios.json")
    return out


def mapped(place: Path) -> list[str]:
    """What all maps here have in common."""
    return [f"MODEL={MODEL}", *layers(place), f"STEP={STEP}", f"SPECIES={SPECIES}\n{OTHER}"]


def threshold(rule: str = "", file: str = FILE) -> float:
    """The card's threshold of a species, the usual one by default; the card is read apart from the program."""
    data = MODEL.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    species = json.loads(header["__metadata__"]["scalescape"])["species"]
    (card,) = (one for one in species if one["name"].lower().replace(" ", "_") == Path(file).stem)
    return card["thresholds"][rule] if rule else card["threshold"]


def pixel_km2(file: Path) -> float:
    """The area of a pixel in the middle of a map on the ellipsoid, not on the plane of the projection."""
    with rasterio.open(file) as raster:
        transform, (height, width), crs = raster.transform, raster.shape, raster.crs
    corners = [(width // 2 + i, height // 2 + j) for i, j in ((0, 0), (0, 1), (1, 1), (1, 0))]
    x, y = zip(*(transform * corner for corner in corners), strict=True)
    longitudes, latitudes = transform_points(crs, "EPSG:4326", x, y)
    return abs(Geod(ellps="WGS84").polygon_area_perimeter(longitudes, latitudes)[0]) / 1e6


def test_areas_are_counted_pixels(place: Path) -> None:
    maps, out = place / "maps", place / "areas"
    with rasterio.open(maps / FILE) as raster:
        left, bottom, right, top = raster.bounds
        crs = raster.crs.to_string()
    west = shapely.to_wkb(np.array([shapely.box(left, bottom, (left + right) / 2, top)], object))
    district = place / "district.gpkg"
    pyogrio.raw.write(
        district, west, [np.array(["west"], object)], ["name"], driver="GPKG", geometry_type="Polygon", crs=crs
    )
    given = (f"FOLDER={maps}", f"POLYGONS={district}", f"OUTPUT={out}")
    assert results(process(place, "areas", *given))["ROWS"] == "4"
    with (out / "areas.csv").open(encoding="utf-8", newline="") as table:
        rows = {(row["map"], row["zone"]): row for row in csv.DictReader(table)}
    novel, pixel = values(maps / "novelty.tif") < 0, pixel_km2(maps / FILE)
    for file in (FILE, OTHER_FILE):
        for zone, part in (("all", (slice(None), slice(None))), ("west", HALF)):
            shown, row = values(maps / file)[part], rows[file, zone]
            above = shown >= np.float32(threshold(file=file))
            assert 0 < above.sum() < np.isfinite(shown).sum()
            counted = {
                "with_value_km2": np.isfinite(shown),
                "without_value_km2": np.isnan(shown),
                "novel_km2": novel[part] & np.isfinite(shown),
                "above_largest_tss_km2": above,
                "above_largest_tss_novel_km2": above & novel[part],
                "above_minimum_presence_km2": shown >= np.float32(threshold("minimum presence", file)),
            }
            for column, pixels in counted.items():
                assert float(row[column]) == pytest.approx(pixels.sum() * pixel, rel=DECIMALS), (zone, column)
            assert float(row["threshold_largest_tss"]) == pytest.approx(threshold(file=file))


def test_scenarios_are_maps_of_their_rasters(place: Path, futures: Path) -> None:
    np.testing.assert_allclose(values(futures / "same" / FILE), values(place / "maps" / FILE), atol=1e-6)
    inputs = [
        f"--input=satellite={place / 'landscape' / 'satellite.tif'}",
        f"--input=bioclim={place / 'warmer.tif'}",
    ]
    options = [
        "--step",
        str(STEP),
        "--species",
        SPECIES,
        "--products",
        "probability",
        "--out",
        str(place / "cli"),
    ]
    subprocess.run([*ENGINE, "map", str(MODEL), *inputs, *options], check=True)
    warmer = values(futures / "warmer" / FILE)
    np.testing.assert_allclose(warmer, values(place / "cli" / FILE), atol=1e-5)
    assert np.nanmean(warmer) < np.nanmean(values(place / "maps" / FILE)) - 0.05, "it likes the cold"
    with rasterio.open(futures / "warmer" / FILE) as raster:
        tags = raster.tags()
    assert (tags["SCENARIO"], tags["DATE"], tags["HELD"]) == ("warmer", "2050-01-01", "satellite held at today")


def test_a_comparison_counts_gain_and_loss(place: Path, futures: Path) -> None:
    before, after = place / "maps" / FILE, futures / "warmer" / FILE
    out = place / "change"
    found = results(process(place, "compare", f"BEFORE={before}", f"AFTER={after}", f"OUTPUT={out}"))
    was, now = (values(file) for file in (before, after))
    both, limit, pixel = np.isfinite(was) & np.isfinite(now), np.float32(threshold()), pixel_km2(before)
    counted = {
        "GAIN_KM2": (was < limit) & (now >= limit),
        "LOSS_KM2": (was >= limit) & (now < limit),
        "STABLE_PRESENT_KM2": (was >= limit) & (now >= limit),
        "STABLE_ABSENT_KM2": (was < limit) & (now < limit),
    }
    assert counted["LOSS_KM2"].sum() > 50
    for name, pixels in counted.items():
        assert float(found[name]) == pytest.approx((pixels & both).sum() * pixel, rel=DECIMALS), name
    assert float(found["MEAN_DIFFERENCE"]) == pytest.approx(np.nanmean(now - was), rel=1e-3)
    np.testing.assert_allclose(values(out / "difference.tif"), now - was, atol=1e-6)


def test_a_survey_gives_the_auc_of_scikit_learn(place: Path) -> None:
    file = place / "maps" / FILE
    with (place / "landscape" / "sites_pa.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    x, y = (np.array([float(row[name]) for row in rows]) for name in "xy")
    seen = np.array([int(row[SPECIES]) for row in rows], np.int32)
    points, sites = shapely.to_wkb(shapely.points(x, y)), place / "survey.gpkg"
    pyogrio.raw.write(sites, points, [seen], ["seen"], driver="GPKG", geometry_type="Point", crs=CRS)
    given = (f"MAP={file}", f"SITES={sites}", "PRESENCE=seen", f"OUTPUT={place / 'assessed'}")
    found = results(process(place, "assess", *given))
    with rasterio.open(file) as raster:
        sampled = np.ma.stack(list(raster.sample(zip(x, y, strict=True), masked=True)))[:, 0]
    held = ~np.ma.getmaskarray(sampled)
    value, seen = sampled.data[held], seen[held]
    assert (int(found["N_PRESENCE"]), int(found["N_ABSENCE"])) == (seen.sum(), (1 - seen).sum())
    auc = roc_auc_score(seen, value)
    assert 0.7 < auc < 1 and float(found["AUC"]) == pytest.approx(auc, abs=1e-9)
    above = value >= np.float32(threshold())
    assert float(found["TSS"]) == pytest.approx(above[seen == 1].mean() - above[seen == 0].mean(), abs=1e-9)
    assert float(found["AUC_LOW"]) < auc < float(found["AUC_HIGH"])


def test_products_follow_from_the_maps(place: Path) -> None:
    folder = Path(shutil.copytree(place / "maps", place / "more"))
    given = (f"FOLDER={folder}", "PRODUCTS=binary", "PRODUCTS=richness", "RULE=tenth-percentile-presence")
    results(process(place, "products", *given))
    above = []
    for file in (FILE, OTHER_FILE):
        shown = values(folder / file)
        limit = np.float32(threshold("tenth-percentile presence", file))
        above.append(np.where(np.isnan(shown), np.nan, shown >= limit))
        np.testing.assert_array_equal(values(folder / file.replace(".tif", "_binary.tif")), above[-1])
    np.testing.assert_array_equal(values(folder / "richness.tif"), sum(above))
    assert set(np.unique(sum(above)[np.isfinite(sum(above))])) == {0, 1, 2}


def test_a_record_names_what_was_run(place: Path) -> None:
    found = results(process(place, "odmap", f"FOLDER={place / 'maps'}"))
    with (place / "maps" / "odmap.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    answers = {row["element"]: row["Value"] for row in rows}
    assert int(found["ANSWERED"]) == sum(1 for row in rows if row["Value"]) > 20
    assert int(found["LEFT"]) > 0 and Path(found["PAGE"]).is_file()
    assert answers["Taxon names"] == f"{SPECIES}, {OTHER}"


def bad_inputs(place: Path) -> dict[str, tuple[str, list[str], str]]:
    """By algorithm: parameters that can't be used, and a part of the sentence that says so."""
    maps, out = place / "maps", f"OUTPUT={place / 'never'}"
    foreign = place / "foreign.tif"
    with rasterio.open(
        foreign, "w", driver="GTiff", count=1, height=4, width=4, dtype="float32", crs=CRS,
        transform=CORNER @ Affine.scale(100),
    ) as raster:  # fmt: skip
        raster.write(np.full((1, 4, 4), 0.5, np.float32))
    empty = place / "empty"
    empty.mkdir(exist_ok=True)
    everywhere = place / "everywhere.gpkg"
    points = shapely.to_wkb(shapely.points([(485_000, 5_195_000), (486_000, 5_196_000)]))
    seen = np.ones(2, np.int32)
    pyogrio.raw.write(everywhere, points, [seen], ["seen"], driver="GPKG", geometry_type="Point", crs=CRS)
    return {
        "areas": ([f"MAPS={foreign}", out], "says no threshold"),
        "compare": (
            [f"BEFORE={maps / FILE}", f"AFTER={maps / OTHER_FILE}", out],
            "give two maps of one species",
        ),
        "assess": ([f"MAP={maps / FILE}", f"SITES={everywhere}", "PRESENCE=seen", out], "a test needs both"),
        "products": ([f"FOLDER={maps}", "PRODUCTS=occurrence"], "presence-only records do not say how often"),
        "odmap": ([f"FOLDER={empty}"], "holds no run.json"),
        "scenarios": ([*mapped(place), "SCENARIOS=2050@soon:bioclim=a.tif", out], "is no date"),
    }


@pytest.mark.parametrize("algorithm", ["areas", "compare", "assess", "products", "odmap", "scenarios"])
def test_bad_input_gets_its_sentence_and_writes_nothing(place: Path, algorithm: str) -> None:
    parameters, wanted = bad_inputs(place)[algorithm]
    assert wanted in sentence(process(place, algorithm, *parameters))
    assert not (place / "never").exists()
