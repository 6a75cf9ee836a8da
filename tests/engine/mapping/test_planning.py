"""What a run chooses by itself: method, precision, layout, estimate; and that its pixels are verified."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
import torch
from pyproj import Transformer
from scalescape.engine.jobs.check_job import run_check
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.mapping.branches import Branches
from scalescape.engine.mapping.estimate import estimated
from scalescape.engine.mapping.evaluation import Evaluator
from scalescape.engine.mapping.layout import chosen_layout
from scalescape.engine.mapping.plan import planned
from scalescape.engine.mapping.readiness import MEASURING, made_ready
from scalescape.engine.mapping.speed import Speeds
from scalescape.engine.mapping.strips import Strip
from scalescape.engine.mapping.verification import MismatchError
from scalescape.engine.protocol import CheckJob, MapJob, Progress, RasterInput
from scalescape.engine.running.errors import Cancelled, InputError
from scalescape.engine.running.progress import Monitor
from scalescape.models.fusion import fused
from scalescape.models.model_file import read_model

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def job(
    small_model: Path, landscape: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> MapJob:
    monkeypatch.setenv("SCALESCAPE_CACHE", str(tmp_path / "cache"))
    inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    return MapJob(str(small_model), inputs, str(tmp_path / "out"), step=2)


def read(file: str) -> np.ndarray:
    with rasterio.open(file) as source:
        return source.read(1, masked=True)


@pytest.mark.parametrize(("step", "method"), [(1, "dense"), (4, "dense"), (30, "patch")])
def test_the_planner_takes_windows_where_they_hardly_overlap(job: MapJob, step: int, method: str) -> None:
    result = run_map(replace(job, step=step), Monitor())
    assert result.method == method


def test_verified_pixels_agree(job: MapJob) -> None:
    result = run_map(replace(job, verify=25), Monitor())
    assert result.verified_max_abs_diff is not None
    assert result.verified_max_abs_diff < 1e-5


def test_a_map_that_differs_from_its_windows_is_not_written(
    job: MapJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Evaluator._dense
    monkeypatch.setattr(Evaluator, "_dense", lambda self, strip: honest(self, strip) + 0.1)
    with pytest.raises(MismatchError, match="window by window"):
        run_map(replace(job, verify=10), Monitor())
    assert not list(Path(job.out).glob("*.tif"))


def test_bfloat16_is_close_and_says_so(job: MapJob) -> None:
    exact = run_map(job, Monitor())
    assert exact.precision == "float32"  # a short map is exact
    rough = run_map(replace(job, precision="bfloat16", out=job.out + "_b"), Monitor())
    assert rough.precision == "bfloat16"
    for one, other in zip(exact.files, rough.files, strict=True):
        difference = np.abs(read(one) - read(other))
        assert difference.max() < 0.01


def test_each_coarse_cell_is_evaluated_once(job: MapJob, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks: list[tuple[int, int]] = []
    evaluate = Branches.everywhere

    def counted(self: Branches, values: np.ndarray, between: object) -> torch.Tensor:
        blocks.append(values.shape)
        return evaluate(self, values, between)

    monkeypatch.setattr(Branches, "everywhere", counted)
    run_map(replace(job, step=1, memory=161 * 1024**2), Monitor())
    assert len(blocks) == 1  # all cells of this landscape lie in one block, whatever the strips


def test_sparse_cells_are_looked_up_one_by_one_with_the_same_result(
    job: MapJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = run_map(job, Monitor())
    monkeypatch.setattr("scalescape.engine.mapping.coarse.SPARSE", 0)
    alone = run_map(replace(job, out=job.out + "_alone"), Monitor())
    np.testing.assert_allclose(read(together.files[0]), read(alone.files[0]), atol=1e-5)


def test_the_layout_keeps_to_the_budget_and_grows_with_it(job: MapJob) -> None:
    sizes = []
    for megabytes in (161, 162, 2048):
        with planned(replace(job, step=1, memory=megabytes * 1024**2)) as plan:
            layout = chosen_layout(read_model(job.model).network.architecture, plan)
        assert layout.memory <= megabytes * 1024**2
        sizes.append(layout.width * layout.strip)
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


def test_the_speed_is_measured_once_and_kept(job: MapJob, monkeypatch: pytest.MonkeyPatch) -> None:
    network = fused(read_model(job.model).network)
    with planned(job) as plan:
        layout = chosen_layout(network.architecture, plan)
        first = estimated(plan, network, layout)
        monkeypatch.setattr(
            "scalescape.engine.mapping.estimate.measured_dense_speed", lambda *a: pytest.fail("again")
        )
        assert estimated(plan, network, layout) == first
    assert first.seconds > 0 and first.memory_bytes == layout.memory and first.disk_bytes > 0


def test_measuring_is_reported_and_can_be_cancelled(job: MapJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalescape.engine.mapping.precision.PAYS_FROM_S", 0.0)
    monkeypatch.setattr(Speeds, "known", lambda self, key: None)
    job = replace(job, method="dense")
    network = read_model(job.model).network
    said: list[str] = []

    def cancel(report: Progress) -> None:
        said.append(report.phase)
        if len(said) == 2:
            monitor.cancel()

    monitor = Monitor(cancel)
    with planned(job) as plan:
        with pytest.raises(Cancelled):
            made_ready(network, plan, monitor)
        assert said == [MEASURING, MEASURING], "it stops before the next operation"
        ready = made_ready(network, plan, Monitor())
    assert ready.precision in ("float32", "bfloat16")


def test_speeds_that_cannot_be_kept_or_read_are_measured_again(tmp_path: Path) -> None:
    (tmp_path / "speed.json").write_text("not JSON")
    speeds = Speeds(tmp_path)
    assert speeds.known("a") is None
    speeds.keep("a", 2.0)
    assert speeds.known("a") == 2.0
    blocked = Speeds(tmp_path / "speed.json")  # a file where the folder should be
    blocked.keep("a", 1.0)
    assert blocked.known("a") is None


def test_estimate_says_what_a_run_will_take_and_runs_nothing(job: MapJob, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    run = subprocess.run(
        [sys.executable, str(ROOT / "engine" / "__main__.py"), "map", job.model, "--estimate", "--json",
         *(f"--input={one.modality}={one.file}" for one in job.inputs)],
        cwd=here, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert set(found) == {"width", "height", "seconds", "memory_bytes", "disk_bytes"}
    assert (found["width"], found["height"]) == (100, 90) and found["seconds"] > 0
    assert not any(here.iterdir())


def test_a_check_measures_only_where_that_disturbs_nothing(job: MapJob) -> None:
    check = CheckJob(**vars(job))
    assert run_check(check, measure=False).estimate is None
    measured = run_check(check).estimate
    assert measured is not None
    assert run_check(check, measure=False).estimate == measured


def test_a_mask_leaves_only_pixels_whose_centres_lie_in_its_polygons(job: MapJob, tmp_path: Path) -> None:
    whole = run_map(job, Monitor())
    with rasterio.open(whole.files[0]) as source:
        to_lonlat = Transformer.from_crs(source.crs, "EPSG:4326", always_xy=True)
        left, top = source.transform @ (20.2, 18.4)
        right, bottom = source.transform @ (31.7, 29.9)
    ring = [(left, top), (right, top), ((left + right) / 2, bottom), (left, top)]
    lonlat = [to_lonlat.transform(*point) for point in ring]
    path = tmp_path / "mask.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [lonlat]}))
    result = run_map(replace(job, mask=str(path), out=job.out + "_m", verify=5), Monitor())
    before, after = read(whole.files[1]), read(result.files[1])
    triangle = shapely.Polygon(ring)
    for row, column in np.ndindex(before.shape):
        with_value = not before.mask[row, column]
        with rasterio.open(whole.files[0]) as source:
            inside = triangle.contains(shapely.Point(source.transform @ (column + 0.5, row + 0.5)))
        assert (not after.mask[row, column]) == (with_value and inside)
    kept = ~np.ma.getmaskarray(after)
    assert 40 < kept.sum() == result.valid_pixels
    np.testing.assert_allclose(after[kept], before[kept], atol=1e-5)


def test_a_mask_of_no_use_is_told(job: MapJob, tmp_path: Path) -> None:
    path = tmp_path / "points.geojson"
    path.write_text(json.dumps({"type": "Point", "coordinates": [3, 45]}))
    with pytest.raises(InputError, match="holds no polygon"):
        run_map(replace(job, mask=str(path)), Monitor())
    table = tmp_path / "sites.csv"
    table.write_text("species,x,y\nA,3,45\n")
    with pytest.raises(InputError, match=r"sites\.csv holds no polygon"):
        run_map(replace(job, mask=str(table)), Monitor())
    with pytest.raises(InputError, match="can't be read"):
        run_map(replace(job, mask=str(tmp_path / "none.gpkg")), Monitor())


def test_blending_interpolates_what_climate_contributes(job: MapJob) -> None:
    """Against scipy: logits minus those without blending are the bilinear minus the nearest climate logits."""
    from scipy.interpolate import RegularGridInterpolator

    model = read_model(job.model)
    network = model.network
    with rasterio.open(job.inputs[1].file) as source:
        cells, affine = source.read(), source.transform
    stats = [(b.mean, b.std) for b in model.card.modality("bioclim").bands]
    cells = np.stack([(band - mean) / std for band, (mean, std) in zip(cells, stats, strict=True)])
    height, width = cells.shape[1:]
    windows = torch.from_numpy(
        np.stack(
            [cells[:, r - 1 : r + 2, c - 1 : c + 2] for r in range(1, height - 1) for c in range(1, width - 1)]
        )
    ).float()
    with torch.no_grad():
        parts = network.contributions(network.features({"bioclim": windows}))
        climate = sum(parts[key] for key in parts if key[0] == "bioclim")[:, 0].reshape(height - 2, width - 2)
    axes = np.arange(1, height - 1) + 0.5, np.arange(1, width - 1) + 0.5
    smooth = RegularGridInterpolator(axes, climate.numpy())
    nearest, blended = run_map(job, Monitor()), run_map(replace(job, blend=True, out=job.out + "_b"), Monitor())
    with rasterio.open(nearest.files[0]) as source:
        first, transform = source.read(1, masked=True).astype(float), source.transform
    second = read(blended.files[0]).astype(float)
    rows, columns = np.nonzero(~first.mask)
    xs, ys = transform @ (columns + 0.5, rows + 0.5)
    at = np.stack([(ys - affine.f) / affine.e, (xs - affine.c) / affine.a], axis=1)
    own = climate.numpy()[np.floor(at[:, 0]).astype(int) - 1, np.floor(at[:, 1]).astype(int) - 1]
    wanted = smooth(at) - own
    got = (np.log(second / (1 - second)) - np.log(first / (1 - first)))[rows, columns]
    assert np.abs(wanted).max() > 0.05
    np.testing.assert_allclose(got, wanted, atol=2e-3)


def test_where_memory_runs_out_strips_are_halved_and_the_map_goes_on(
    job: MapJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_map(job, Monitor())
    honest, heights = Evaluator._dense, []

    def short_of_memory(self: Evaluator, strip: Strip) -> torch.Tensor:
        heights.append(strip.tile.shape[0])
        if strip.tile.rows.start > 15 and strip.tile.shape[0] > 3:
            raise torch.OutOfMemoryError("no memory left")
        return honest(self, strip)

    monkeypatch.setattr(Evaluator, "_dense", short_of_memory)
    monkeypatch.setattr("scalescape.engine.mapping.layout.STRIPS", (8, 4, 2, 1))
    small = run_map(replace(job, out=job.out + "_small"), Monitor())
    assert max(heights) == 8 and heights[-1] <= 3
    assert small.valid_pixels == whole.valid_pixels
    for one, other in zip(whole.files, small.files, strict=True):
        np.testing.assert_allclose(read(one), read(other), atol=1e-5)
