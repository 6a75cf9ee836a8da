"""Rasters that lie nowhere, or are no files at all: a sentence each, at once and from every job."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from conftest import LEFT, TOP, write_raster
from rasterio.control import GroundControlPoint
from rasterio.transform import Affine
from scalescape.engine.cli import cli
from scalescape.engine.jobs.check_job import run_check
from scalescape.engine.jobs.inspect_job import run_inspect
from scalescape.engine.jobs.odmap_job import run_odmap
from scalescape.engine.jobs.profile_job import run_profile
from scalescape.engine.patches.raster_source import RasterSource
from scalescape.engine.protocol import CheckJob, InspectJob, OdmapJob, ProfileJob, RasterInput
from scalescape.engine.rasters.raster import Raster
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.engine.tables.table_file import TableFile
from scalescape.engine.words.values import species_in
from scalescape.models.errors import ModelError

LOCAL = 'LOCAL_CS["site grid",LOCAL_DATUM["site",0],UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]'
ENGINEERING = (
    'ENGCRS["mine",EDATUM["mine"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
)


def scene(path: Path, **options: object) -> Path:
    values = np.full((2, 90, 100), 80, np.float32)
    return write_raster(path, values, 10, **options)


def with_crs(crs: str) -> Callable[[Path], Path]:
    return lambda path: scene(path, crs=crs)


def placed(*numbers: float, crs: str = "EPSG:32631") -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        """As a virtual raster, since GeoTIFF and rasterio refuse some of these themselves."""
        scene(path.with_suffix(".tif"))
        path = path.with_suffix(".vrt")
        bands = "".join(
            f"<VRTRasterBand dataType='Float32' band='{n}'><SimpleSource>"
            f"<SourceFilename relativeToVRT='1'>{path.stem}.tif</SourceFilename><SourceBand>{n}</SourceBand>"
            "</SimpleSource></VRTRasterBand>"
            for n in (1, 2)
        )
        path.write_text(
            f"<VRTDataset rasterXSize='100' rasterYSize='90'><SRS>{crs}</SRS>"
            f"<GeoTransform>{', '.join(map(str, numbers))}</GeoTransform>{bands}</VRTDataset>"
        )
        return path

    return write


def no_transform(path: Path) -> Path:
    return scene(path, transform=Affine.identity())


def ground_control_points(path: Path) -> Path:
    points = [
        GroundControlPoint(row, column, LEFT + 10 * column, TOP - 10 * row)
        for row, column in ((0, 0), (0, 99), (89, 0))
    ]
    values = np.full((2, 90, 100), 80, np.float32)
    with rasterio.open(
        path, "w", driver="GTiff", count=2, height=90, width=100, dtype="float32", gcps=points, crs="EPSG:32631"
    ) as target:
        target.write(values)
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def complex_numbers(path: Path) -> Path:
    return write_raster(path, np.full((2, 90, 100), 80 + 1j, np.complex64), 10)


INF, NAN = "inf", "nan"
CASES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "local": (with_crs(LOCAL), "local coordinate system site grid.*gdalwarp -t_srs"),
    "engineering": (with_crs(ENGINEERING), "local coordinate system mine"),
    "vertical": (placed(LEFT, 10, 0, TOP, 0, -10, crs="EPSG:5773"), "vertical coordinate system EPSG:5773"),
    "geocentric": (with_crs("EPSG:4978"), "geocentric coordinate system EPSG:4978"),
    "none": (with_crs(""), "no coordinate system.*--file-crs"),
    "identity": (no_transform, "no position on the ground"),
    "gcps": (ground_control_points, "ground control points alone.*gdalwarp"),
    "origin inf": (placed(INF, 10, 0, TOP, 0, -10), "origin or a pixel size that is no number or zero"),
    "origin nan": (placed(LEFT, 10, 0, NAN, 0, -10), "no number or zero"),
    "pixel nan": (placed(LEFT, NAN, 0, TOP, 0, -10), "no number or zero"),
    "pixel inf": (placed(LEFT, 10, 0, TOP, 0, "-inf"), "no number or zero"),
    "width zero": (placed(LEFT, 0, 0, TOP, 0, -10), "no number or zero"),
    "height zero": (placed(LEFT, 10, 0, TOP, 0, 0), "no number or zero"),
    "rotated": (placed(LEFT, 9, 3, TOP, 3, -9), "rotated or mirrored"),
    "sheared": (placed(LEFT, 10, 2, TOP, 0, -10), "rotated or mirrored"),
    "mirrored": (placed(LEFT, -10, 0, TOP, 0, -10), "rotated or mirrored"),
    "far": (placed(1e300, 10, 0, TOP, 0, -10), "no place on earth"),
    "too wide": (placed(LEFT, 1e308, 0, TOP, 0, -10), "no place on earth"),
    "tiny": (placed(LEFT, 1e-320, 0, TOP, 0, -1e-320), "too small to be told apart"),
    "tiny at zero": (placed(0, 1e-320, 0, 0, 0, -1e-320), "too small to be told apart"),
    "below the numbers": (placed(LEFT, 1e-9, 0, TOP, 0, -1e-9), "too small to be told apart"),
    "pole": (placed(7, 0.1, 0, 98, 0, -0.1, crs="EPSG:4326"), "beyond a pole"),
    "south pole": (placed(7, 0.1, 0, -85, 0, -0.1, crs="EPSG:4326"), "beyond a pole"),
    "swapped axes": (placed(45, 0.1, 0, 120, 0, -0.1, crs="EPSG:4326"), "beyond a pole"),
    "two turns": (placed(-400, 8, 0, 40, 0, -0.1, crs="EPSG:4326"), "more than once around the earth"),
    "far turns": (placed(1000, 0.1, 0, 40, 0, -0.1, crs="EPSG:4326"), "more than once around the earth"),
    "metres called degrees": (placed(LEFT, 10, 0, TOP, 0, -10, crs="EPSG:4326"), "beyond a pole"),
    "off its projection": (placed(4e8, 10, 0, 4e8, 0, -10), "no place on earth|does not overlap"),
    "pipe": (pipe, "is a pipe or a device"),
    "zero": (lambda path: Path("/dev/zero"), "is a pipe or a device"),
    "standard input": (lambda path: Path("/vsistdin/"), "is a pipe or a device"),
    "folder": (folder, "can't be opened.*choose a raster file"),
    "empty": (empty, "can't be opened.*choose a raster file"),
    "nul": (lambda path: Path("a\0b.tif"), "can't be opened"),
    "complex": (complex_numbers, "complex numbers"),
}  # fmt: skip


@pytest.fixture
def job(small_model: Path, landscape: dict[str, Path]) -> CheckJob:
    inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    return CheckJob(str(small_model), inputs, "")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("place", [0, 1])
def test_it_gets_a_sentence_as_finest_and_as_coarse_raster(
    case: str, place: int, job: CheckJob, tmp_path: Path
) -> None:
    make, sentence = CASES[case]
    file = str(make(tmp_path / "odd.tif"))
    inputs = list(job.inputs)
    inputs[place] = RasterInput(inputs[place].modality, file, (1, 2))
    with pytest.raises(InputError, match=sentence) as caught:
        run_check(replace(job, inputs=tuple(inputs)))
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".") and len(message) < 600
    assert Path(file).name.split("\0")[0] in message or "no place on earth" in message


@pytest.mark.parametrize("case", CASES)
def test_it_gets_the_same_sentence_in_training(case: str, tmp_path: Path) -> None:
    make, sentence = CASES[case]
    file = str(make(tmp_path / "odd.tif"))
    at = np.array([LEFT + 500]), np.array([TOP - 450])
    with (
        pytest.raises(InputError, match=f"{sentence}|No site lies on") as caught,
        RasterSource([RasterInput("satellite", file)], 3, *at, "EPSG:32631") as source,
    ):
        source.pixel_size()
    assert "\n" not in str(caught.value)


def test_a_crs_from_the_user_stands_in_place_of_the_files(job: CheckJob, tmp_path: Path) -> None:
    file = str(scene(tmp_path / "none.tif", crs=None))
    inputs = (RasterInput("satellite", file), job.inputs[1])
    assert run_check(replace(job, inputs=inputs, file_crs={file: "EPSG:32631"})).crs == "EPSG:32631"
    with pytest.raises(InputError, match=r"For .*none\.tif the CRS 'EPSG:0' is unknown"):
        run_check(replace(job, inputs=inputs, file_crs={file: "EPSG:0"}))
    with pytest.raises(InputError, match=r"the CRS 'EPSG:5773' is vertical"):
        run_check(replace(job, inputs=inputs, file_crs={file: "EPSG:5773"}))
    with pytest.raises(InputError, match=r"A CRS is given for x\.tif, which is no input"):
        run_check(replace(job, file_crs={"x.tif": "EPSG:4326"}))


@pytest.mark.parametrize("crs", ["EPSG:4978", "EPSG:5773", LOCAL])
def test_extents_and_points_in_such_systems_are_refused(job: CheckJob, crs: str) -> None:
    with pytest.raises(InputError, match=r"extent's CRS .* says nothing of longitude"):
        run_check(replace(job, extent=(0, 0, 1, 1), extent_crs=crs))
    with pytest.raises(InputError, match=r"point's CRS .* says nothing of longitude"):
        run_inspect(InspectJob(job.model, job.inputs, (0, 0), crs=crs))


@pytest.mark.parametrize("step", [0, -1, -(10**12), 250, 10**12, 2**63, 10**30])
def test_a_step_without_sense_gets_a_sentence(job: CheckJob, step: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"[Ss]tep") as caught:
        run_check(replace(job, step=step))
    assert "\n" not in str(caught.value)
    if step:
        with pytest.raises(InputError, match=r"[Ss]tep"):
            run_profile(ProfileJob(job.model, job.inputs, step=step), Monitor())
    names = [f"--input={one.modality}={one.file}" for one in job.inputs]
    run = CliRunner().invoke(cli, ["map", job.model, *names, "--out", str(tmp_path / "o"), f"--step={step}"])
    assert run.exit_code == 2 and len(run.output.strip().splitlines()) == 1


def test_a_pipe_is_no_model_and_no_mask_either(job: CheckJob, tmp_path: Path) -> None:
    pipe(tmp_path / "pipe")
    with pytest.raises(ModelError, match=r"pipe is no file; choose a Scalescape model file"):
        run_check(replace(job, model=str(tmp_path / "pipe")))
    with pytest.raises(InputError, match=r"The mask .*pipe is a pipe or a device"):
        run_check(replace(job, mask=str(tmp_path / "pipe")))


def test_a_pipe_is_no_table_config_list_record_or_source_either(job: CheckJob, tmp_path: Path) -> None:
    file = pipe(tmp_path / "pipe")
    for opened in (read_config, species_in, lambda path: TableFile(str(path)), lambda path: run_model(path)):
        with pytest.raises(InputError, match=r"The \w+( file)? .*pipe is a pipe or a device"):
            opened(file)
    pipe(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match=r"The table .*pipe\.csv is a pipe or a device"):
        TableFile(str(tmp_path / "pipe.csv"))
    source = pipe(tmp_path / "pipe.tif")
    virtual = giant(tmp_path / "a.vrt", 1.0, "EPSG:32631", 0.0, 0.0)
    text = virtual.read_text().replace(
        "<Description>red</Description>",
        f"<SimpleSource><SourceFilename>{source}</SourceFilename><SourceBand>1</SourceBand>"
        "<SourceProperties RasterXSize='9' RasterYSize='9' DataType='Float32' BlockXSize='9' BlockYSize='9'/>"
        "</SimpleSource>",
    )
    virtual.write_text(text)
    with pytest.raises(InputError, match=r"source of .*a\.vrt, .*pipe\.tif is a pipe or a device"):
        Raster(str(virtual))


def run_model(path: Path) -> None:
    """Ask for the record of a run whose model file is ``path``."""
    (path.parent / "run.json").write_text("{}", encoding="utf-8")
    run_odmap(OdmapJob(str(path.parent), str(path)))


def giant(path: Path, size: float, crs: str, left: float, top: float) -> Path:
    """A virtual raster of 2³¹ - 1 pixels along each side, of which nothing stands anywhere."""
    side = 2**31 - 1
    bands = "".join(
        f"<VRTRasterBand dataType='Float32' band='{n}' blockXSize='128' blockYSize='128'>"
        f"<Description>{name}</Description></VRTRasterBand>"
        for n, name in ((1, "red"), (2, "nir"))
    )
    path.write_text(
        f"<VRTDataset rasterXSize='{side}' rasterYSize='{side}'><SRS>{crs}</SRS>"
        f"<GeoTransform>{left},{size},0,{top},0,{-size}</GeoTransform>{bands}</VRTDataset>"
    )
    return path


def test_a_giant_raster_costs_no_memory(job: CheckJob, tmp_path: Path) -> None:
    file = str(giant(tmp_path / "giant.vrt", 0.01, "EPSG:32631", LEFT, TOP))
    small = giant(tmp_path / "ten.vrt", 10, "EPSG:32631", LEFT, TOP)
    assert small.exists()
    wide = replace(job, inputs=(RasterInput("satellite", file), job.inputs[1]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match=r"cut it to the area|The map would be \d+ × \d+ pixels"):
        run_check(wide)
    with Raster(file) as raster:
        raster.put_on(raster.grid, (1,))
        _, valid = raster.read((1,), slice(2**30, 2**30 + 5), slice(2**30, 2**30 + 5))
    assert valid.all()  # GDAL has 0 where a virtual raster has no source
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes
