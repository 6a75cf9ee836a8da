"""A file that changes while a job reads it: nothing is published, and a sentence names the file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import rasterio.shutil
import shapely
from scalescape.engine.files.input_files import InputFiles
from scalescape.engine.files.raster_files import local_files
from scalescape.engine.jobs.areas_job import run_areas
from scalescape.engine.jobs.assess_job import run_assess
from scalescape.engine.jobs.compare_job import run_compare
from scalescape.engine.jobs.effects_job import run_effects
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.jobs.products_job import run_products
from scalescape.engine.jobs.profile_job import run_profile
from scalescape.engine.jobs.scenarios_job import run_scenarios
from scalescape.engine.protocol import (
    AreasJob,
    AssessJob,
    CompareJob,
    EffectsJob,
    InspectJob,
    MapJob,
    ProductsJob,
    ProfileJob,
    Progress,
    RasterInput,
    Scenario,
    ScenariosJob,
)
from scalescape.engine.rasters.raster import Raster
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.engine.scales.inspection import Inspector


def rewritten(file: Path) -> None:
    """Write other values over a raster, in place: its size stays."""
    with rasterio.open(file, "r+") as raster:
        raster.write(raster.read()[:, ::-1].copy())


def replaced(file: Path) -> None:
    copy = file.with_name(f"copy_{file.name}")
    shutil.copy(file, copy)
    os.utime(copy, (1, 1))
    copy.replace(file)


def touched(file: Path) -> None:
    os.utime(file, ns=(1, file.stat().st_mtime_ns + 1_000_000_000))


def removed(file: Path) -> None:
    file.unlink()


def shortened(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


class World:
    """A copy of model and rasters that may be changed, and finished maps of it."""

    def __init__(self, model: Path, landscape: dict[str, Path], folder: Path) -> None:
        self.folder = folder
        self.files = {name: Path(shutil.copy(file, folder)) for name, file in landscape.items()}
        self.model = Path(shutil.copy(model, folder))
        self.out = folder / "out"
        self.inputs = tuple(RasterInput(name, str(file)) for name, file in self.files.items())
        self.job = MapJob(str(self.model), self.inputs, str(self.out), step=4)

    def monitor(self, change: Callable[[Path], None], file: Path) -> Monitor:
        """A monitor that changes a file once, amid the work."""
        changed: list[bool] = []

        def amid(report: Progress) -> None:
            working = report.phase in ("mapping", "profiling", "making", "measuring", "comparing", "judging")
            if not changed and (working or (report.phase == "mapping scenarios" and report.done >= 1000)):
                changed.append(True)
                change(file)

        return Monitor(amid)

    def mapped(self) -> Path:
        """Return a folder of finished maps."""
        maps = self.folder / "maps"
        run_map(replace(self.job, out=str(maps)), Monitor())
        return maps


@pytest.fixture
def world(small_model: Path, landscape: dict[str, Path], tmp_path: Path) -> World:
    return World(small_model, landscape, tmp_path)


def refused(run: Callable[[Monitor], object], world: World, change: Callable[[Path], None], file: Path) -> None:
    """Assert that a job which is done whole is refused where a file changes amid it, and leaves nothing."""
    with pytest.raises(InputError) as told:
        run(world.monitor(change, file))
    assert str(file) in str(told.value) and "was changed while it was in use" in str(told.value)
    assert str(told.value).endswith(".") and "\n" not in str(told.value)
    assert not world.out.exists()


@pytest.mark.parametrize("change", [rewritten, replaced, touched, removed])
@pytest.mark.parametrize("name", ["satellite", "bioclim"])
def test_a_raster_that_changes_amid_a_map_is_named(
    world: World, name: str, change: Callable[[Path], None]
) -> None:
    refused(lambda monitor: run_map(world.job, monitor), world, change, world.files[name])


@pytest.mark.parametrize("change", [replaced, touched, shortened])
def test_a_model_that_changes_amid_a_map_is_named(world: World, change: Callable[[Path], None]) -> None:
    refused(lambda monitor: run_map(world.job, monitor), world, change, world.model)


def test_polygons_that_change_amid_a_map_are_named(world: World) -> None:
    mask = polygons(world.folder / "mask.gpkg")
    refused(lambda monitor: run_map(replace(world.job, mask=str(mask)), monitor), world, other_polygons, mask)


def other_polygons(file: Path) -> None:
    file.unlink()
    polygons(file, 500600)


def polygons(file: Path, right: float = 500700) -> Path:
    shape = shapely.to_wkb(np.array([shapely.box(500300, 4999300, right, 4999700)]))
    pyogrio.raw.write(file, shape, [], [], geometry_type="Polygon", crs="EPSG:32631")
    return file


def test_maps_of_before_stay_where_an_input_changes(world: World) -> None:
    first = run_map(world.job, Monitor())
    before = {file: Path(file).read_bytes() for file in (*first.files, str(world.out / "run.json"))}
    with pytest.raises(InputError, match="was changed"):
        run_map(world.job, world.monitor(rewritten, world.files["satellite"]))
    assert {file: Path(file).read_bytes() for file in before} == before
    assert sorted(file.name for file in world.out.iterdir()) == sorted(Path(file).name for file in before)
    run_map(world.job, Monitor())


def test_effects_profile_and_scenarios_name_it_too(world: World) -> None:
    raster = world.files["satellite"]
    values = {**vars(world.job), "species": ("Species 0",)}
    refused(lambda monitor: run_effects(EffectsJob(**values), monitor), world, rewritten, raster)
    profile = ProfileJob(str(world.model), world.inputs, species=("Species 0",), step=4)
    refused(lambda monitor: run_profile(profile, monitor), world, rewritten, raster)
    others = tuple(RasterInput(one.modality, one.file) for one in world.inputs)
    several = ScenariosJob(
        **vars(world.job), scenarios=(Scenario("now", others, ""), Scenario("later", others, ""))
    )
    with pytest.raises(InputError, match=r"Scenario later: .*satellite\.tif was changed"):
        run_scenarios(several, world.monitor(touched, raster))
    assert [one.name for one in world.out.iterdir()] == ["now"], "what was done before stays"


def test_a_model_that_changes_between_scenarios_is_named(world: World) -> None:
    """It is read once for all of them, and each map would name the file as it is then."""
    several = ScenariosJob(
        **vars(world.job),
        scenarios=(Scenario("now", world.inputs, ""), Scenario("later", world.inputs, "")),
    )
    with pytest.raises(InputError, match=r"Scenario later: .*small\.safetensors was changed"):
        run_scenarios(several, world.monitor(touched, world.model))


def test_a_refit_that_changes_amid_a_profile_is_named(world: World) -> None:
    refit = Path(shutil.copy(world.model, world.folder / "refit.safetensors"))
    job = ProfileJob(str(world.model), world.inputs, species=("Species 0",), step=4, refits=(str(refit),))
    refused(lambda monitor: run_profile(job, monitor), world, touched, refit)


def test_finished_maps_that_change_are_named(world: World) -> None:
    maps = world.mapped()
    one = maps / "species_1.tif"
    out = str(world.out)
    refused(
        lambda monitor: run_products(ProductsJob(str(maps), ("binary",), "0.5"), monitor), world, touched, one
    )
    assert not (maps / "species_1_binary.tif").exists()
    refused(lambda monitor: run_areas(AreasJob((str(maps),), out, threshold=0.5), monitor), world, touched, one)
    job = CompareJob(str(maps / "species_0.tif"), str(maps / "species_0.tif"), out, "0.5")
    refused(lambda monitor: run_compare(job, monitor), world, touched, maps / "species_0.tif")
    zones = polygons(world.folder / "zones.shp")
    job = AreasJob((str(maps),), out, polygons=str(zones), threshold=0.5)
    refused(lambda monitor: run_areas(job, monitor), world, touched, zones.with_suffix(".dbf"))


@pytest.mark.parametrize("which", ["map", "sites"])
def test_what_is_assessed_and_with_what_is_named(world: World, which: str) -> None:
    maps, sites = world.mapped(), world.folder / "sites.csv"
    east, north = np.meshgrid(500310 + 50 * np.arange(10), 4999690 - 40 * np.arange(12))
    rows = [f"{x},{y},{n % 2}" for n, (x, y) in enumerate(zip(east.ravel(), north.ravel(), strict=True))]
    sites.write_text("\n".join(["x,y,Species 0", *rows, ""]))
    job = AssessJob(
        str(maps / "species_0.tif"), str(sites), str(world.out), x="x", y="y", crs="EPSG:32631", threshold="0.5"
    )
    file = {"map": maps / "species_0.tif", "sites": sites}[which]
    refused(lambda monitor: run_assess(job, monitor), world, touched, file)


def test_an_answer_at_a_point_is_of_the_files_as_they_are(world: World) -> None:
    """Also where a source of a virtual raster changes, which itself stays as it is."""
    source, virtual = world.files["satellite"], world.folder / "satellite.vrt"
    rasterio.shutil.copy(source, virtual, driver="VRT")
    inputs = (RasterInput("satellite", str(virtual)), world.inputs[1])
    job = InspectJob(str(world.model), inputs, (500450.0, 4999550.0), species="Species 0")
    inspector = Inspector()
    before = inspector.answer(job).logit
    assert inspector.answer(job).logit == before
    rewritten(source)
    fresh = Inspector()
    after = inspector.answer(job).logit
    assert after == fresh.answer(job).logit != before
    with pytest.raises(InputError, match=r"satellite\.tif was changed while it was in use"):
        inspector.answer(job, lambda: touched(source))
    assert inspector.answer(job).logit == after
    inspector.close()
    fresh.close()


def virtual(raster: Path) -> list[Path]:
    """A virtual raster of a virtual raster; what it is read from."""
    inner, outer = raster.with_suffix(".inner.vrt"), raster.with_suffix(".vrt")
    rasterio.shutil.copy(raster, inner, driver="VRT")
    outer.write_text(inner.read_text().replace(raster.name, inner.name))
    return [outer, inner, raster]


def masked(raster: Path) -> list[Path]:
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(raster, "r+") as opened:
        opened.write_mask(np.ones(opened.shape, bool))
    return [raster, raster.with_name(f"{raster.name}.msk")]


def with_overviews(raster: Path) -> list[Path]:
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(raster, "r+") as opened:
        opened.build_overviews([2, 4])
    return [raster, raster.with_name(f"{raster.name}.ovr")]


def with_notes(raster: Path) -> list[Path]:
    beside = raster.with_name(f"{raster.name}.aux.xml")
    nodata = '<PAMRasterBand band="1"><NoDataValue>3</NoDataValue></PAMRasterBand>'
    beside.write_text(f"<PAMDataset>{nodata}</PAMDataset>")
    return [raster, beside]


def zipped(raster: Path) -> list[Path]:
    archive = raster.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as stream:
        stream.write(raster, "inside.tif")
    return [archive]


KINDS = {
    virtual: "{0}",
    masked: "{0}",
    with_overviews: "{0}",
    with_notes: "{0}",
    zipped: "/vsizip/{0}/inside.tif",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_that_a_raster_is_read_from_counts(
    landscape: dict[str, Path], tmp_path: Path, kind: Callable[[Path], list[Path]]
) -> None:
    files = kind(Path(shutil.copy(landscape["satellite"], tmp_path)))
    name = KINDS[kind].format(files[0])
    for file in files:
        with Raster(name) as raster:
            raster.inputs.demand_unchanged()
            file.write_bytes(file.read_bytes() + b"\n<NoDataValue>4</NoDataValue>")
            os.utime(file, ns=(1, file.stat().st_mtime_ns + 1))
            assert raster.inputs.changed == file


def test_notes_of_a_raster_that_is_merely_looked_at_do_not_count(
    landscape: dict[str, Path], tmp_path: Path
) -> None:
    """QGIS writes statistics beside a raster when it shows it."""
    file = Path(shutil.copy(landscape["satellite"], tmp_path))
    with Raster(str(file)) as raster, rasterio.open(file) as shown:
        beside = with_notes(file)[1]
        assert raster.inputs.changed is None, "they were not there when it was opened"
    with Raster(str(file)) as raster:
        text = beside.read_text()
        statistics = '<Metadata><MDI key="STATISTICS_MEAN">3</MDI></Metadata></PAMRasterBand>'
        beside.write_text(text.replace("</PAMRasterBand>", statistics))
        assert raster.inputs.changed is None
        beside.write_text(text.replace("<NoDataValue>3", "<NoDataValue>4"))
        assert raster.inputs.changed == beside
    assert shown.closed


def test_a_database_that_is_merely_opened_did_not_change(tmp_path: Path) -> None:
    """QGIS switches the journal of a GeoPackage while its layers are shown, and back."""
    file = polygons(tmp_path / "zones.gpkg")
    inputs = InputFiles([str(file)])
    before = file.read_bytes()
    with closing(sqlite3.connect(file)) as opened:
        opened.execute("PRAGMA journal_mode=WAL")
        opened.execute("SELECT count(*) FROM gpkg_contents").fetchone()
        opened.execute("PRAGMA journal_mode=DELETE")
    touched(file)
    assert file.read_bytes() != before and inputs.changed is None
    with closing(sqlite3.connect(file)) as opened:
        opened.execute("UPDATE gpkg_contents SET description = 'other'")
        opened.commit()
    assert inputs.changed == file


def test_names_of_gdal_stand_for_their_files(tmp_path: Path) -> None:
    file = tmp_path / "a b.nc"
    file.write_bytes(b"x")
    folder = tmp_path / "areas.gdb"
    folder.mkdir()
    (folder / "a0001.gdbtable").write_bytes(b"x")
    assert local_files(str(file)) == [file]
    assert local_files(f'NETCDF:"{file}":bio1') == [file]
    assert local_files(f"GPKG:{file}:layer") == [file]
    assert local_files(f"/vsigzip/{file}") == [file]
    assert local_files(f"/vsizip/{{{file}}}/inside/b.tif") == [file]
    assert local_files(str(folder)) == [folder / "a0001.gdbtable"]
    for elsewhere in ("/vsicurl/https://example.org/a.tif", "PG:dbname=x", "", "\0", "x" * 5000, "/vsimem/a"):
        assert local_files(elsewhere) == []


def test_the_first_stamp_of_a_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x")
    first = InputFiles([str(file)])
    touched(file)
    later = InputFiles([str(file)])
    assert later.changed is None
    later.join(first)
    assert later.changed is None, "what it knew itself stays"
    first.join(later)
    first.add([str(file)])
    with pytest.raises(InputError, match=r"a\.csv was changed"):
        first.demand_unchanged()
