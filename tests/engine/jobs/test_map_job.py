"""Maps against an independent answer, and what a run promises about its files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import plain
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_maps import agree_with_plain_loop, read
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.protocol import MapJob, Progress, RasterInput
from scalescape.engine.running.errors import Cancelled, InputError
from scalescape.engine.running.progress import Monitor
from scalescape.models.model_file import digest, read_model

LEFT, TOP = 500_000.0, 5_000_000.0


@pytest.fixture
def job(small_model: Path, landscape: dict[str, Path], tmp_path: Path) -> MapJob:
    inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    return MapJob(str(small_model), inputs, str(tmp_path / "out"), step=7)


@pytest.mark.parametrize("method", ["dense", "patch"])
@pytest.mark.parametrize("step", [2, 3, 16])
def test_every_pixel_equals_the_plain_loop(
    job: MapJob, landscape: dict[str, Path], method: str, step: int
) -> None:
    if method == "patch" and step < 3:
        pytest.skip("the reference itself is checked at longer steps")
    job = replace(job, step=step, method=method)
    result = run_map(job, Monitor())
    known = agree_with_plain_loop(job, {name: [path] for name, path in landscape.items()})
    assert known == result.valid_pixels > 5


def test_nodata_holes_give_nodata_at_centres_and_fill_inside_windows(
    job: MapJob, landscape: dict[str, Path], with_nodata: Callable[[str, list[tuple[int, int]]], Path]
) -> None:
    holes = [(r, c) for r in range(40, 50) for c in range(43, 60)]
    satellite = with_nodata("satellite", holes)
    job = replace(job, step=4, inputs=(RasterInput("satellite", str(satellite)), job.inputs[1]))
    result = run_map(job, Monitor())
    known = agree_with_plain_loop(job, {"satellite": [satellite], "bioclim": [landscape["bioclim"]]})
    whole = run_map(replace(job, inputs=(RasterInput("satellite", str(landscape["satellite"])), job.inputs[1])),
                    Monitor())  # fmt: skip
    assert 0 < known == result.valid_pixels < whole.valid_pixels


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(step=st.integers(1, 6), split=st.integers(20, 80), memory_mib=st.sampled_from([161, 162, 400]))
def test_adjoining_extents_join_and_tiles_do_not_matter(
    job: MapJob, step: int, split: int, memory_mib: int
) -> None:
    job = replace(job, step=step)
    cut = LEFT + split * 10 + 3.7
    box = (LEFT, TOP - 900, LEFT + 1000, TOP)
    out = Path(job.out)
    run_map(replace(job, extent=box), Monitor())
    try:
        run_map(
            replace(job, extent=(box[0], box[1], cut, box[3]), out=f"{out}_w", memory=memory_mib * 1024**2),
            Monitor(),
        )
        run_map(replace(job, extent=(cut, box[1], box[2], box[3]), out=f"{out}_e"), Monitor())
    except InputError as error:
        assert "no pixel" in str(error).lower()
        return
    whole, west, east = (read(folder / "species_1.tif") for folder in (out, Path(f"{out}_w"), Path(f"{out}_e")))
    joined = np.ma.concatenate([west, east], axis=1)
    assert joined.shape == whole.shape
    assert (joined.mask == whole.mask).all()
    np.testing.assert_allclose(joined.filled(0), whole.filled(0), atol=1e-5, rtol=0)


def test_the_georeference_puts_pixel_centres_on_input_centres(job: MapJob) -> None:
    run_map(job, Monitor())
    with rasterio.open(Path(job.out) / "species_0.tif") as source:
        assert source.res == (70, 70)
        assert source.transform * (0.5, 0.5) == (LEFT + 10 * (7 // 2 + 0.5), TOP - 10 * (7 // 2 + 0.5))


def test_files_are_cogs_that_carry_name_nodata_and_provenance(job: MapJob) -> None:
    result = run_map(job, Monitor())
    assert [Path(file).name for file in result.files] == ["species_0.tif", "species_1.tif", "species_2.tif"]
    with rasterio.open(result.files[1]) as source:
        assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert source.descriptions == ("Species 1",)
        assert source.nodata == -9999
        assert source.dtypes == ("float32",)
        assert source.crs.to_epsg() == 32631
        assert source.tags()["QUANTITY"] == "relative suitability"
        run = json.loads(source.tags()["SCALESCAPE_RUN"])
    assert run["model"]["sha256"] == digest(job.model)
    assert run["scales_on"] == {"bioclim": [1, 3], "satellite": [25, 31]}
    record = json.loads((Path(job.out) / "run.json").read_text())
    assert record["job"]["step"] == 7
    assert record.pop("warnings") is not None and run == record, "warnings are known when all is mapped"
    assert not Path(f"{job.out}.partial").exists()


def test_only_the_wanted_species_are_written(job: MapJob) -> None:
    all_three = run_map(job, Monitor())
    one = run_map(replace(job, species=("Species 2",), out=job.out + "_one"), Monitor())
    assert [Path(file).name for file in one.files] == ["species_2.tif"]
    np.testing.assert_allclose(
        read(one.files[0]).filled(0), read(all_three.files[2]).filled(0), atol=1e-5, rtol=0
    )


def test_margin_shrinks_with_the_scales_and_is_filled_on_request(job: MapJob) -> None:
    job = replace(job, step=1)
    assert run_map(job, Monitor()).valid_pixels == (90 - 30) * (100 - 30)
    small = replace(job, scales={"satellite": (25,), "bioclim": ()}, inputs=job.inputs[:1])
    assert run_map(small, Monitor()).valid_pixels == (90 - 24) * (100 - 24)
    assert run_map(replace(job, edge="fill"), Monitor()).valid_pixels == 90 * 100


def test_a_scale_that_is_off_is_replaced_by_what_was_learned(job: MapJob, landscape: dict[str, Path]) -> None:
    result = run_map(replace(job, scales={"satellite": (25,)}), Monitor())
    model = read_model(job.model)
    with rasterio.open(result.files[0]) as source:
        x, y = source.transform * (5.5, 5.5)
        got = source.read(1)[5, 5]
    column, row = int((x - LEFT) / 10), int((TOP - y) / 10)
    network = model.network
    replacement = network.replacements["satellite_31"]
    network.branch(("satellite", 31)).forward = lambda features: replacement.double()[None]  # type: ignore
    arrays = {name: plain.whole([path]) for name, path in landscape.items()}
    assert (row, column) == (38, 38)
    truth = plain.pixel(model, arrays, x, y, "EPSG:32631")
    assert truth is not None
    assert got == pytest.approx(truth[0], abs=1e-5)
    assert any("experiment" in warning for warning in result.warnings)


def test_an_extent_in_another_crs_holds_the_pixels_whose_centres_it_holds(job: MapJob) -> None:
    (x0, x1), (y0, y1) = rasterio.warp.transform(
        "EPSG:32631", "EPSG:4326", [LEFT + 300, LEFT + 700], [TOP - 600, TOP - 250]
    )
    job = replace(job, step=2, extent=(x0, y0, x1, y1), extent_crs="EPSG:4326")
    result = run_map(job, Monitor())
    with rasterio.open(result.files[0]) as source:
        values = source.read(1, masked=True)
        rows, columns = np.nonzero(~values.mask)
        xs, ys = source.transform * (columns + 0.5, rows + 0.5)
    lon, lat = rasterio.warp.transform("EPSG:32631", "EPSG:4326", xs, ys)
    assert (min(lon) >= x0) & (max(lon) < x1) & (min(lat) > y0) & (max(lat) <= y1)
    assert len(lon) == pytest.approx(20 * 17.5, rel=0.1)


def test_cancelling_stops_and_leaves_earlier_maps_alone(job: MapJob) -> None:
    first = run_map(job, Monitor())
    before = Path(first.files[0]).read_bytes()
    monitor = Monitor(lambda report: monitor.cancel() if report.phase == "mapping" else None)
    with pytest.raises(Cancelled):
        run_map(replace(job, step=3), monitor)
    assert Path(first.files[0]).read_bytes() == before
    assert not Path(f"{job.out}.partial").exists()


def test_progress_counts_to_the_end_with_rate_and_time_left(job: MapJob) -> None:
    reports: list[Progress] = []
    run_map(replace(job, step=1, memory=161 * 1024**2), Monitor(reports.append))
    mapping = [r for r in reports if r.phase == "mapping"]
    assert mapping[-1].done == mapping[-1].total == (90 - 30) * (100 - 30)
    assert [r.done for r in mapping] == sorted(r.done for r in mapping)
    assert mapping[-1].rate is not None and mapping[-1].rate > 0
    assert mapping[-1].eta == 0


def test_a_preview_is_the_same_map_with_a_longer_step(job: MapJob, tmp_path: Path) -> None:
    seen: list[str] = []
    job = replace(job, step=1, preview=str(tmp_path / "preview.tif"))
    result = run_map(job, Monitor(), seen.append)
    assert seen == [job.preview]
    with rasterio.open(job.preview) as coarse, rasterio.open(result.files[2]) as fine:
        assert coarse.count == 3 and coarse.res[0] > fine.res[0]
        x, y = coarse.transform * (coarse.width // 2 + 0.5, coarse.height // 2 + 0.5)
        assert next(coarse.sample([(x, y)]))[2] == pytest.approx(next(fine.sample([(x, y)]))[0], abs=1e-6)
