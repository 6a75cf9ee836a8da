"""Areas: pixels as large as they are on the ground, sums as a plain loop has them."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely
from click.testing import CliRunner
from conftest import LEFT, TOP, write_raster
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.transform import Affine
from scalescape.engine.cli import cli
from scalescape.engine.jobs.areas_job import run_areas
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.protocol import AreasJob, MapJob, RasterInput
from scalescape.engine.rasters.cell_area import cell_areas
from scalescape.engine.rasters.lattice import Tile
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.models.model_file import read_model, write_model

GRIDS = {
    "EPSG:4326": Affine(0.01, 0, -120, 0, -0.01, 45),
    "EPSG:3857": Affine(500, 0, -13.4e6, 0, -500, 5.2e6),
    "EPSG:3310": Affine(1000, 0, -370_000, 0, -1000, 450_000),
    "EPSG:32610": Affine(10, 0, 400_000, 0, -10, 4.6e6),
    "EPSG:2225": Affine(500, 0, 6e6, 0, -500, 2.2e6),  # feet
    "EPSG:3413": Affine(20_000, 0, -2.5e6, 0, -20_000, 2.5e6),  # around the pole
}


def geodesic(grid: GeoBox, row: int, column: int) -> float:
    """The area of one pixel in km², by the geodesic polygon along its densified edges."""
    crs = grid.crs.proj
    to_degrees = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    along = np.linspace(0, 1, 6)[:-1]
    across = np.concatenate([column + along, np.full(5, column + 1), column + 1 - along, np.full(5, column)])
    down = np.concatenate([np.full(5, row), row + along, np.full(5, row + 1), row + 1 - along])
    a = grid.affine
    lon, lat = to_degrees.transform(a.c + a.a * across, a.f + a.e * down)
    return abs(crs.get_geod().polygon_area_perimeter(lon, lat)[0]) / 1e6


@pytest.mark.parametrize("crs", GRIDS)
def test_pixels_are_as_large_as_geodesic_polygons(crs: str) -> None:
    grid = GeoBox((250, 230), GRIDS[crs], CRS(crs))
    areas = cell_areas(grid, Tile(slice(10, 240), slice(20, 230)))
    for row, column in np.random.default_rng(1).integers(0, (230, 210), (60, 2)):
        assert areas[row, column] == pytest.approx(geodesic(grid, row + 10, column + 20), rel=2e-5)


def test_a_whole_globe_has_the_area_of_its_ellipsoid() -> None:
    grid = GeoBox((180, 360), Affine(1, 0, -180, 0, -1, 90), CRS("EPSG:4326"))
    total = cell_areas(grid, Tile(slice(0, 180), slice(0, 360))).sum()
    assert total == pytest.approx(510_065_621.724, rel=1e-9)  # Moritz 2000, WGS84


def test_what_no_map_shows_has_no_area() -> None:
    grid = GeoBox((40, 40), Affine(1e6, 0, -2e7, 0, -1e6, 2e7), CRS("EPSG:3035"))
    with pytest.raises(InputError, match="outside of what EPSG:3035"):
        cell_areas(grid, Tile(slice(0, 40), slice(0, 40)))


@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (1, 1), (2, 30)])
def test_the_narrowest_tiles_have_an_area(shape: tuple[int, int]) -> None:
    grid = GeoBox((600, 600), GRIDS["EPSG:3310"], CRS("EPSG:3310"))
    areas = cell_areas(grid, Tile(slice(512, 512 + shape[0]), slice(512, 512 + shape[1])))
    assert areas.shape == shape
    assert areas[-1, -1] == pytest.approx(geodesic(grid, 511 + shape[0], 511 + shape[1]), rel=2e-5)


def test_corners_off_the_earth_do_not_matter_where_they_hold_nothing() -> None:
    grid = GeoBox((90, 180), Affine(2e5, 0, -1.8e7, 0, -2e5, 9e6), CRS("ESRI:54009"))
    whole = Tile(slice(0, 90), slice(0, 180))
    with pytest.raises(InputError, match="outside of what"):
        cell_areas(grid, whole)
    x, y = np.meshgrid(np.abs(-1.8e7 + 2e5 * (np.arange(180) + 0.5)), np.abs(9e6 - 2e5 * (np.arange(90) + 0.5)))
    inside = (x / 1.75e7) ** 2 + (y / 8.7e6) ** 2 < 1
    areas = cell_areas(grid, whole, inside)
    assert areas[inside] == pytest.approx(4e4, rel=0.02)  # Mollweide keeps areas; sides of 200 km are bent
    assert (areas[0, :20] == 0).all()


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """A map of suitability with holes, its occurrence and its novelty, 60 by 70 pixels of 100 m."""
    draw = np.random.default_rng(5)
    folder = tmp_path / "maps"
    folder.mkdir()
    values = draw.uniform(0, 1, (3, 60, 70)).astype(np.float32)
    values[:2, 20:30, 5:15] = -9999
    values[2] = draw.uniform(-40, 60, (60, 70))
    names = ("fagus", "fagus_occurrence", "novelty")
    tags = (
        {"PRODUCT": "probability", "SPECIES": "Fagus", "QUANTITY": "favourability",
         "THRESHOLDS": json.dumps({"largest TSS": 0.4, "minimum presence": 0.1})},
        {"PRODUCT": "occurrence", "SPECIES": "Fagus", "QUANTITY": "occurrence"},
        {"PRODUCT": "novelty"},
    )  # fmt: skip
    for name, layer, mine in zip(names, values, tags, strict=True):
        write_raster(folder / f"{name}.tif", layer[None], 100, nodata=-9999)
        with rasterio.open(folder / f"{name}.tif", "r+") as target:
            target.update_tags(**mine)
    return folder


def polygons(path: Path, names: list[str], field: str = "name") -> Path:
    """Two rectangles that overlap and one that leaves the map, with names."""
    boxes = [(5, 5, 30, 40), (20, 30, 50, 50), (60, 10, 90, 30)]
    shapes = [shapely.box(LEFT + 100 * a, TOP - 100 * d, LEFT + 100 * c, TOP - 100 * b) for a, b, c, d in boxes]
    pyogrio.raw.write(
        path, shapely.to_wkb(np.array(shapes)), [np.array(names, object)], [field],
        geometry_type="Polygon", crs="EPSG:32631",
    )  # fmt: skip
    return path


def layer(folder: Path, name: str) -> np.ma.MaskedArray:
    with rasterio.open(folder / f"{name}.tif") as source:
        return source.read(1, masked=True)


def test_rows_are_sums_of_a_plain_loop(maps: Path, tmp_path: Path) -> None:
    file = polygons(tmp_path / "zones.gpkg", ["east", "south", "east"])
    result = run_areas(
        AreasJob((str(maps),), str(tmp_path / "out"), polygons=str(file), threshold=0.7), Monitor()
    )
    found = {row["zone"]: row for row in result.rows}
    assert list(found) == ["all", "east", "south"]
    suitability, occurrence = layer(maps, "fagus"), layer(maps, "fagus_occurrence")
    novelty = layer(maps, "novelty")
    grid = GeoBox((60, 70), Affine(100, 0, LEFT, 0, -100, TOP), CRS("EPSG:32631"))
    boxes = {"east": [(5, 5, 30, 40), (60, 10, 90, 30)], "south": [(20, 30, 50, 50)], "all": [(0, 0, 70, 60)]}
    columns = [
        "with_value_km2", "without_value_km2", "novel_km2", "without_value_novel_km2", "expected_km2"
    ]  # fmt: skip
    rules = {"largest_tss": 0.4, "minimum_presence": 0.1, "given": 0.7}
    for zone, inside in boxes.items():
        wanted = dict.fromkeys([*columns, *(f"above_{r}{n}_km2" for r in rules for n in ("", "_novel"))], 0.0)
        for row in range(60):
            for column in range(70):
                if not any(a <= column < c and b <= row < d for a, b, c, d in inside):
                    continue
                area, value = geodesic(grid, row, column), suitability[row, column]
                novel = novelty[row, column] < 0
                if value is np.ma.masked:
                    wanted["without_value_km2"] += area
                    wanted["without_value_novel_km2"] += area * novel
                    continue
                wanted["with_value_km2"] += area
                wanted["expected_km2"] += area * occurrence[row, column]
                wanted["novel_km2"] += area * novel
                for rule, threshold in rules.items():
                    wanted[f"above_{rule}_km2"] += area * (value >= threshold)
                    wanted[f"above_{rule}_novel_km2"] += area * (value >= threshold and novel)
        for name, value in wanted.items():
            assert found[zone][name] == pytest.approx(value, rel=1e-5), (zone, name)
        assert found[zone]["threshold_given"] == 0.7


def named_shapes(path: Path, shapes: dict[str, object] | list[tuple[str | None, object]]) -> Path:
    """A file of polygons, given in pixels from the top left corner, with names."""
    pairs = list(shapes.items()) if isinstance(shapes, dict) else shapes
    placed = [
        shapely.transform(one, lambda at: np.column_stack([LEFT + 100 * at[:, 0], TOP - 100 * at[:, 1]]))
        for _, one in pairs
    ]
    pyogrio.raw.write(
        path, shapely.to_wkb(np.array(placed)), [np.array([name for name, _ in pairs], object)], ["name"],
        geometry_type="Unknown", crs="EPSG:32631",
    )  # fmt: skip
    return path


def by_zone(maps: Path, file: Path, out: Path) -> tuple[dict[str, dict[str, float]], tuple[str, ...]]:
    result = run_areas(AreasJob((str(maps),), str(out), polygons=str(file), threshold=0.7), Monitor())
    return {row["zone"]: row for row in result.rows}, result.warnings


def test_a_polygon_between_pixel_centres_has_its_share_of_pixels(maps: Path, tmp_path: Path) -> None:
    """A reserve of a fifth of a pixel, and one along four pixels."""
    shapes = {"tiny": shapely.box(33.6, 7.6, 34, 8.1), "strip": shapely.box(1.8, 2, 5.2, 2.4)}
    found, notes = by_zone(maps, named_shapes(tmp_path / "z.gpkg", shapes), tmp_path / "out")
    suitability, novelty = layer(maps, "fagus"), layer(maps, "novelty")
    grid = GeoBox((60, 70), Affine(100, 0, LEFT, 0, -100, TOP), CRS("EPSG:32631"))
    shares = {
        "tiny": {(7, 33): 0.4 * 0.4, (8, 33): 0.4 * 0.1},
        "strip": {(2, 1): 0.2 * 0.4, (2, 2): 0.4, (2, 3): 0.4, (2, 4): 0.4, (2, 5): 0.2 * 0.4},
    }
    for zone, mine in shares.items():
        area = {at: share * geodesic(grid, *at) for at, share in mine.items()}
        assert found[zone]["with_value_km2"] == pytest.approx(sum(area.values()), rel=1e-5)
        for name, held in (("above_minimum_presence_km2", suitability >= 0.1), ("novel_km2", novelty < 0)):
            assert found[zone][name] == pytest.approx(sum(area[at] * held[at] for at in area), rel=1e-5)
    assert not any("off the map" in note for note in notes)


def test_a_polygon_that_crosses_itself_is_measured(maps: Path, tmp_path: Path) -> None:
    """A bow tie: triangles of 3 by 3 / 2 and of 1 by 1 / 2 pixels."""
    bow = shapely.Polygon([(40, 40), (44, 44), (44, 43), (43, 43), (40, 43)])
    found, _ = by_zone(maps, named_shapes(tmp_path / "z.gpkg", {"bow": bow}), tmp_path / "out")
    assert found["bow"]["with_value_km2"] == pytest.approx(0.05, rel=1e-3)


def test_shares_and_centres_agree_where_zones_grow(
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round zone of as many pixels as where the rule changes measures within 1 % alike either way."""
    disc = shapely.Point(35.3, 30.7).buffer(17.84)  # 1,000 pixels
    file = named_shapes(tmp_path / "z.gpkg", {"disc": disc})
    sizes = []
    for most in (900, 1100):
        monkeypatch.setattr("scalescape.engine.finished.zones.SMALL_PX", most)
        found, _ = by_zone(maps, file, tmp_path / f"out{most}")
        sizes.append(found["disc"]["with_value_km2"] + found["disc"]["without_value_km2"])
    assert sizes[0] == pytest.approx(sizes[1], rel=0.01) and sizes[0] != sizes[1]


def test_polygons_of_one_name_are_one_zone_and_count_a_place_once(maps: Path, tmp_path: Path) -> None:
    small = [("twice", shapely.box(3, 3, 5, 5)), ("twice", shapely.box(4, 3, 6, 5))]
    once = [
        ("once", shapely.box(3, 3, 6, 5)),
        (None, shapely.box(30, 30, 33, 33)),
        ("", shapely.box(9, 9, 60, 60)),
    ]
    found, _ = by_zone(maps, named_shapes(tmp_path / "z.gpkg", [*small, *once]), tmp_path / "out")
    assert list(found) == ["all", "twice", "once", "4", "5"], "those without a name are called by their row"
    for name in ("with_value_km2", "above_given_km2", "novel_km2", "expected_km2"):
        assert found["twice"][name] == pytest.approx(found["once"][name])


def test_polygons_off_the_map_have_no_areas_and_are_named(maps: Path, tmp_path: Path) -> None:
    shapes = {f"far {n}": shapely.box(200 + n, 5, 200.5 + n, 6) for n in range(7)} | {
        "near": shapely.box(0, 0, 9, 9)
    }
    found, notes = by_zone(maps, named_shapes(tmp_path / "z.gpkg", shapes), tmp_path / "out")
    held = {name: value for name, value in found["far 0"].items() if name.endswith("_km2")}
    assert len(held) > 8 and all(value is None for value in held.values())
    assert found["near"]["with_value_km2"] > 0
    (note,) = [one for one in notes if "off the map" in one]
    assert note.startswith("7 polygons lie off the map") and "far 4 and 2 more." in note and "near" not in note
    with (tmp_path / "out" / "areas.csv").open(encoding="utf-8") as stream:
        rows = {row["zone"]: row for row in csv.DictReader(stream)}
    assert rows["far 6"]["with_value_km2"] == "" and rows["far 6"]["threshold_given"] == "0.7"


def test_a_polygon_that_another_map_covers_is_not_off_the_map(maps: Path, tmp_path: Path) -> None:
    west = shutil.copy(maps / "fagus.tif", tmp_path / "west.tif")
    east = write_raster(
        tmp_path / "east.tif", np.ones((1, 60, 70), np.float32), 100, corner=(LEFT + 20_000, TOP)
    )
    shapes = {"west": shapely.box(5, 5, 9, 9), "east": shapely.box(205, 5, 209, 9)}
    out = str(tmp_path / "out")
    for more, note in (
        ({}, None),
        ({"nowhere": shapely.box(900, 5, 909, 9)},
         "A polygon lies off the map, so the areas there are empty, not 0: nowhere."),
    ):  # fmt: skip
        file = named_shapes(tmp_path / "z.gpkg", shapes | more)
        job = AreasJob((str(west), str(east)), out, polygons=str(file), threshold=0.7)
        result = run_areas(job, Monitor())
        covered = {(row["map"], row["zone"]): row["with_value_km2"] is not None for row in result.rows}
        assert covered["west.tif", "west"] and not covered["west.tif", "east"]
        assert covered["east.tif", "east"] and not covered["east.tif", "west"]
        assert [one for one in result.warnings if "off the map" in one] == ([note] if note else [])


def test_novelty_beside_a_map_does_not_stop_the_areas_of_a_map_elsewhere(maps: Path, tmp_path: Path) -> None:
    east = write_raster(
        tmp_path / "east.tif", np.ones((1, 60, 70), np.float32), 100, corner=(LEFT + 20_000, TOP)
    )
    job = AreasJob((str(maps / "fagus.tif"), str(east)), str(tmp_path / "out"), threshold=0.7)
    novel = {row["map"]: row["novel_km2"] for row in run_areas(job, Monitor()).rows}
    assert novel["fagus.tif"] > 0 and novel["east.tif"] is None


def test_table_layer_and_chart_hold_the_rows(maps: Path, tmp_path: Path) -> None:
    file = polygons(tmp_path / "zones.gpkg", ["a", "b & c", "d"], field="district")
    result = run_areas(AreasJob((str(maps),), str(tmp_path / "out"), polygons=str(file)), Monitor())
    with (tmp_path / "out" / "areas.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["above_largest_tss_km2"]) for row in rows] == [
        row["above_largest_tss_km2"] for row in result.rows
    ]
    meta, _, geometry, values = pyogrio.raw.read(tmp_path / "out" / "areas.gpkg", layer="areas")
    assert geometry is None
    by_name = dict(zip(meta["fields"], values, strict=True))
    assert list(by_name["zone"]) == ["all", "a", "b & c", "d"]
    np.testing.assert_allclose(by_name["expected_km2"], [row["expected_km2"] for row in result.rows])
    chart = ElementTree.fromstring((tmp_path / "out" / "areas.svg").read_bytes())
    texts = [one.text for one in chart.iter("{http://www.w3.org/2000/svg}text")]
    assert "b & c" in texts and "expected area" in texts


def test_maps_of_one_file_name_are_called_by_their_folders_too(maps: Path, tmp_path: Path) -> None:
    """Two futures of today's species, as scenarios write them, and a map of another name."""
    folders = [tmp_path / "futures" / one for one in ("today", "2050")]
    for folder in folders:
        shutil.copytree(maps, folder)
    other = shutil.copy(maps / "fagus.tif", folders[0] / "fagus_before.tif")
    file = polygons(tmp_path / "zones.gpkg", ["a", "b", "c"])
    files = tuple(str(one) for one in (*(folder / "fagus.tif" for folder in folders), other))
    for given, names in (
        (files, ["today/fagus.tif", "2050/fagus.tif", "fagus_before.tif"]),
        (files[:2], ["today/fagus.tif", "2050/fagus.tif"]),
        ((*files[:1], str(maps / ".." / "maps" / "fagus.tif")), ["today/fagus.tif", "maps/fagus.tif"]),
    ):
        result = run_areas(AreasJob(given, str(tmp_path / "out"), polygons=str(file)), Monitor())
        assert list(dict.fromkeys(row["map"] for row in result.rows)) == names
        chart = ElementTree.fromstring((tmp_path / "out" / "areas.svg").read_bytes())
        texts = [one.text for one in chart.iter("{http://www.w3.org/2000/svg}text")]
        assert [one for one in texts if one in names] == names, "a bar for each map"
        assert not any("in all" in one for one in texts)


def test_folders_of_one_name_are_told_apart_by_theirs(maps: Path, tmp_path: Path) -> None:
    files = [tmp_path / model / "today" / "fagus.tif" for model in ("old", "new")]
    for file in files:
        file.parent.mkdir(parents=True)
        shutil.copy(maps / "fagus.tif", file)
    result = run_areas(AreasJob(tuple(map(str, files)), str(tmp_path / "out")), Monitor())
    assert [row["map"] for row in result.rows] == ["old/today/fagus.tif", "new/today/fagus.tif"]


def test_a_map_of_ours_brings_its_thresholds_along(
    small_model: Path, landscape: dict[str, Path], tmp_path: Path
) -> None:
    """What areas needs is in the file: the card is not asked again."""
    model = read_model(small_model)
    rules = {"largest TSS": 0.3, "minimum presence": 0.2}
    species = tuple(
        replace(one, threshold=0.45, threshold_rule="largest TSS held out", thresholds=rules)
        for one in model.card.species
    )
    write_model(tmp_path / "rules.safetensors", replace(model, card=replace(model.card, species=species)))
    inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    run_map(MapJob(str(tmp_path / "rules.safetensors"), inputs, str(tmp_path / "m"), step=4), Monitor())
    result = run_areas(AreasJob((str(tmp_path / "m"),), str(tmp_path / "out")), Monitor())
    assert {row["species"] for row in result.rows} == {one.name for one in species}
    assert {(row["threshold_largest_tss"], row["threshold_minimum_presence"]) for row in result.rows} == {
        (0.45, 0.2)
    }
    assert all(row["novel_km2"] is None and row["expected_km2"] is None for row in result.rows)


def test_a_threshold_off_the_scale_of_another_tools_map_is_told(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 30).reshape(1, 5, 6).astype(np.float32)
    share = str(write_raster(tmp_path / "share.tif", values, 90))
    scaled = str(write_raster(tmp_path / "scaled.tif", values * 1000, 90))
    picture = str(write_raster(tmp_path / "picture.tif", (values * 255).astype(np.uint8), 90))

    def told(threshold: float, *maps: str) -> list[str]:
        result = run_areas(AreasJob(maps, str(tmp_path / "out"), threshold=threshold), Monitor())
        return [note for note in result.warnings if "on their scale" in note]

    assert told(0.5, share) == told(500, scaled) == []
    (note,) = told(0.5, share, picture)
    assert note.startswith("Values of picture.tif go up to 255, and the threshold is 0.5: check")


def test_bad_input_is_told_in_one_sentence(maps: Path, tmp_path: Path) -> None:
    foreign = write_raster(tmp_path / "maxent.tif", np.ones((1, 5, 5), np.float32), 90)
    file = polygons(tmp_path / "zones.gpkg", ["a", "b", "c"])
    of_all = polygons(tmp_path / "all.gpkg", ["a", "all", "c"])
    cases = [
        ([str(maps), "--polygons", str(of_all)], "is called 'all', as the row of the whole map is; rename it"),
        ([str(foreign)], "no threshold"),
        ([str(maps / "novelty.tif")], "is a map of novelty"),
        ([str(tmp_path / "none.tif")], r"^There is no file or folder .*none\.tif; check its name\.$"),
        ([str(tmp_path / "none")], "There is no file or folder"),
        ([str(maps), "--polygons", str(file), "--name-field", "nom"], "has no field 'nom'"),
        ([str(maps), "--novelty", str(foreign)], "pixels of 100 × 100 and of 90 × 90"),
        ([str(maps), "--polygons", str(foreign)], "can't be read"),
        ([str(tmp_path)], "holds no map"),
    ]
    for arguments, message in cases:
        told = CliRunner().invoke(cli, ["areas", *arguments, "--out", str(tmp_path / "out")])
        assert told.exit_code == 2, (arguments, told.output)
        assert re.search(message, told.stderr), (arguments, told.stderr)
        assert len(told.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out.partial").exists()
