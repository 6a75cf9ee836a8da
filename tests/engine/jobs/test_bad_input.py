"""Every bad input gets one clear sentence, and costs nothing that was there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import LEFT, TOP, write_raster
from rasterio.transform import Affine
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.protocol import MapJob, RasterInput
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.models.errors import ModelError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def job(small_model: Path, landscape: dict[str, Path], tmp_path: Path) -> MapJob:
    inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    return MapJob(str(small_model), inputs, str(tmp_path / "out"), step=8)


def satellite(job: MapJob, file: Path | str, *bands: int) -> MapJob:
    return replace(job, inputs=(RasterInput("satellite", str(file), bands), job.inputs[1]))


def noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).normal(80, 20, shape).astype(np.float32)


def missing_band(job: MapJob, folder: Path) -> MapJob:
    return satellite(job, job.inputs[0].file, 1)


def band_out_of_range(job: MapJob, folder: Path) -> MapJob:
    return satellite(job, job.inputs[0].file, 1, 7)


def swapped_files(job: MapJob, folder: Path) -> MapJob:
    first, second = job.inputs
    return replace(job, inputs=(RasterInput("satellite", second.file), RasterInput("bioclim", first.file)))


def no_climate(job: MapJob, folder: Path) -> MapJob:
    return replace(job, inputs=job.inputs[:1])


def elsewhere(job: MapJob, folder: Path) -> MapJob:
    far = write_raster(folder / "far.tif", noise((2, 20, 20)), 200, corner=(LEFT + 1e5, TOP))
    return replace(job, inputs=(job.inputs[0], RasterInput("bioclim", str(far))))


def no_crs(job: MapJob, folder: Path) -> MapJob:
    return satellite(job, write_raster(folder / "no_crs.tif", noise((2, 90, 100)), 10, crs=None))


def rotated(job: MapJob, folder: Path) -> MapJob:
    turned = Affine.translation(LEFT, TOP) @ Affine.rotation(20) @ Affine.scale(10, -10)
    return satellite(job, write_raster(folder / "rotated.tif", noise((2, 90, 100)), 10, transform=turned))


def one_pixel(job: MapJob, folder: Path) -> MapJob:
    return satellite(replace(job, step=1), write_raster(folder / "one.tif", noise((2, 1, 1)), 10))


def extent_outside(job: MapJob, folder: Path) -> MapJob:
    return replace(job, extent=(0, 0, 100, 100))


def extent_empty(job: MapJob, folder: Path) -> MapJob:
    return replace(job, extent=(LEFT + 500, TOP - 500, LEFT + 400, TOP))


def extent_of_unknown_crs(job: MapJob, folder: Path) -> MapJob:
    return replace(job, extent=(0, 0, 1, 1), extent_crs="EPSG:99999999")


def extent_in_the_margin(job: MapJob, folder: Path) -> MapJob:
    return replace(job, step=1, extent=(LEFT, TOP - 100, LEFT + 100, TOP))


def unknown_species(job: MapJob, folder: Path) -> MapJob:
    return replace(job, species=("Bufo bufo",))


def all_scales_off(job: MapJob, folder: Path) -> MapJob:
    return replace(job, scales={"satellite": (), "bioclim": ()})


def unknown_scale(job: MapJob, folder: Path) -> MapJob:
    return replace(job, scales={"satellite": (26,)})


def unknown_modality(job: MapJob, folder: Path) -> MapJob:
    return replace(job, inputs=(*job.inputs, RasterInput("radar", job.inputs[0].file)))


def picture_service(job: MapJob, folder: Path) -> MapJob:
    return satellite(job, "type=xyz&url=https://tile.example/{z}/{x}/{y}.png")


def picture_file(job: MapJob, folder: Path) -> MapJob:
    path = folder / "service.xml"
    path.write_text(
        "<GDAL_WMS><Service name='TMS'><ServerUrl>http://127.0.0.1:9/${z}/${x}/${y}.png</ServerUrl></Service>"
        "<DataWindow><UpperLeftX>-20037508</UpperLeftX><UpperLeftY>20037508</UpperLeftY>"
        "<LowerRightX>20037508</LowerRightX><LowerRightY>-20037508</LowerRightY><TileLevel>2</TileLevel>"
        "<TileCountX>1</TileCountX><TileCountY>1</TileCountY></DataWindow><Projection>EPSG:3857</Projection>"
        "<BandsCount>3</BandsCount></GDAL_WMS>"
    )
    return satellite(job, path)


def missing_file(job: MapJob, folder: Path) -> MapJob:
    return satellite(job, folder / "not_there.tif")


def no_raster(job: MapJob, folder: Path) -> MapJob:
    (folder / "text.tif").write_text("not a raster")
    return satellite(job, folder / "text.tif")


def cut_raster(job: MapJob, folder: Path) -> MapJob:
    path = folder / "cut.tif"
    path.write_bytes(Path(job.inputs[0].file).read_bytes()[:40_000])
    return satellite(job, path)


def all_nodata(job: MapJob, folder: Path) -> MapJob:
    values = np.zeros((2, 90, 100), np.float32)
    return satellite(job, write_raster(folder / "empty.tif", values, 10, nodata=0))


def out_is_a_file(job: MapJob, folder: Path) -> MapJob:
    (folder / "file").write_text("mine")
    return replace(job, out=str(folder / "file"))


def step_zero(job: MapJob, folder: Path) -> MapJob:
    return replace(job, step=0)


def no_model(job: MapJob, folder: Path) -> MapJob:
    return replace(job, model=str(folder / "none.safetensors"))


def tiny_memory(job: MapJob, folder: Path) -> MapJob:
    return replace(job, memory=1000)


def nodata_for_a_stranger(job: MapJob, folder: Path) -> MapJob:
    return replace(job, nodata={"other.tif": 0.0})


CASES: dict[Callable[[MapJob, Path], MapJob], str] = {
    missing_band: r"satellite needs 2 bands \(red, nir\).*gives 1",
    band_out_of_range: r"has 2 bands, no band 7",
    swapped_files: r"holds the bands of bioclim.*swap",
    no_climate: r"bioclim has no raster.*bio1, bio12",
    elsewhere: r"far\.tif.*does not overlap",
    no_crs: r"no_crs\.tif has no coordinate system",
    rotated: r"rotated\.tif is rotated.*gdalwarp",
    one_pixel: r"window of 31 pixels.*1 × 1 pixels",
    extent_outside: r"extent holds no pixel of .*satellite\.tif",
    extent_empty: r"extent .* is empty",
    extent_of_unknown_crs: r"EPSG:99999999.*unknown",
    extent_in_the_margin: r"no pixel whose window of 31 pixels",
    unknown_species: r"no species 'Bufo bufo'",
    all_scales_off: r"All scales are switched off",
    unknown_scale: r"no scale of 26 pixels for satellite; choose from 25, 31",
    unknown_modality: r"no modality 'radar'",
    picture_service: r"picture service.*values",
    picture_file: r"picture service.*values",
    missing_file: r"not_there\.tif can't be opened",
    no_raster: r"text\.tif can't be opened",
    cut_raster: r"cut\.tif can't be",
    all_nodata: r"NoData there",
    out_is_a_file: r"can't be written",
    step_zero: r"step is 0",
    no_model: r"none\.safetensors can't be read",
    tiny_memory: r"memory budget.*too small",
    nodata_for_a_stranger: r"other\.tif, which is no input",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_it_is_refused_in_one_sentence(
    case: Callable[[MapJob, Path], MapJob], job: MapJob, tmp_path: Path
) -> None:
    kept = Path(job.out) / "species_0.tif"
    kept.parent.mkdir()
    kept.write_text("an earlier map")
    with pytest.raises((InputError, ModelError), match=CASES[case]) as caught:
        run_map(case(job, tmp_path), Monitor())
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".") and len(message) < 600
    assert kept.read_text() == "an earlier map"
    assert not Path(f"{job.out}.partial").exists()


def test_a_full_disk_is_told_and_spares_earlier_maps(
    job: MapJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_map(job, Monitor())
    before = Path(first.files[0]).read_bytes()

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rasterio.shutil, "copy", full)
    with pytest.raises(InputError, match="No space left on device"):
        run_map(replace(job, step=4), Monitor())
    assert Path(first.files[0]).read_bytes() == before


@pytest.mark.skipif(os.name == "nt" or (os.geteuid() == 0 and not Path("/proc").exists()), reason="needs /proc")
def test_an_unwritable_folder_is_told(job: MapJob) -> None:
    with pytest.raises(InputError, match="can't be written"):
        run_map(replace(job, out="/proc/maps"), Monitor())


def test_the_command_line_ends_with_2_and_no_traceback(job: MapJob, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "engine" / "__main__.py"), "map", job.model,
         "--input", f"satellite={tmp_path / 'none.tif'}", "--input", f"bioclim={job.inputs[1].file}",
         "--out", str(tmp_path / "out")],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 2
    assert run.stdout == ""
    assert "none.tif can't be opened" in run.stderr and "Traceback" not in run.stderr


def test_values_of_another_unit_are_told_and_block(job: MapJob, tmp_path: Path) -> None:
    from scalescape.engine.jobs.check_job import run_check
    from scalescape.engine.protocol import CheckJob

    with rasterio.open(job.inputs[1].file) as source:
        climate = source.read()
    climate[0] = (climate[0] + 273.15) * 10
    kelvin = write_raster(tmp_path / "kelvin.tif", climate, 200, corner=(LEFT - 1480, TOP + 1530))
    job = replace(job, inputs=(job.inputs[0], RasterInput("bioclim", str(kelvin))))
    (caution,) = [c for c in run_check(CheckJob(**vars(job))).warnings if c.blocking]
    assert (caution.kind, caution.modality, caution.band) == ("range", "bioclim", "bio1")
    assert caution.message.endswith("are these Kelvin tenths?") and "kelvin.tif" in caution.message


def test_bands_that_are_wrong_alike_are_told_once(job: MapJob, tmp_path: Path) -> None:
    from scalescape.engine.jobs.check_job import run_check
    from scalescape.engine.protocol import CheckJob

    with rasterio.open(job.inputs[0].file) as source:
        scene = source.read() * 10
    path = write_raster(tmp_path / "ten.tif", scene, 10, names=["red", "nir"])
    (caution,) = [c for c in run_check(CheckJob(**vars(satellite(job, path)))).warnings if c.blocking]
    assert "red averages" in caution.message and "nir averages" in caution.message
    assert caution.message.endswith("are these ten times too large?")
