"""What a run chooses by itself: method, precision, layout, estimate; and that its pixels are verified."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from scalescape.engine.branches import Branches
from scalescape.engine.coarse import CoarseField
from scalescape.engine.estimate import estimated
from scalescape.engine.evaluation import Evaluator
from scalescape.engine.layout import chosen_layout
from scalescape.engine.map_job import run_map
from scalescape.engine.plan import planned
from scalescape.engine.progress import Monitor
from scalescape.engine.protocol import MapJob, RasterInput
from scalescape.engine.speed import Speeds
from scalescape.engine.verification import MismatchError
from scalescape.models.fusion import fused
from scalescape.models.model_file import read_model


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
        assert 0 < difference.max() < 0.06 and difference.mean() < 0.01


def test_each_coarse_cell_is_evaluated_once(job: MapJob, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks: list[tuple[int, int]] = []
    evaluate = Branches.everywhere

    def counted(self: Branches, values: np.ndarray, between: object) -> torch.Tensor:
        blocks.append(values.shape)
        return evaluate(self, values, between)

    monkeypatch.setattr(Branches, "everywhere", counted)
    run_map(replace(job, step=1, memory=165 * 1024**2), Monitor())
    assert len(blocks) == 1  # all cells of this landscape lie in one block, whatever the strips


def test_sparse_cells_are_looked_up_one_by_one_with_the_same_result(
    job: MapJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = run_map(job, Monitor())
    monkeypatch.setattr("scalescape.engine.coarse.SPARSE", 0)
    alone = run_map(replace(job, out=job.out + "_alone"), Monitor())
    np.testing.assert_allclose(read(together.files[0]), read(alone.files[0]), atol=1e-5)
    assert CoarseField is not None


def test_the_layout_keeps_to_the_budget_and_grows_with_it(job: MapJob) -> None:
    sizes = []
    for megabytes in (163, 200, 2048):
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
        monkeypatch.setattr("scalescape.engine.estimate.measured_dense_speed", lambda *a: pytest.fail("again"))
        assert estimated(plan, network, layout) == first
    assert first.seconds > 0 and first.memory_bytes == layout.memory and first.disk_bytes > 0


def test_speeds_that_cannot_be_kept_or_read_are_measured_again(tmp_path: Path) -> None:
    (tmp_path / "speed.json").write_text("not JSON")
    speeds = Speeds(tmp_path)
    assert speeds.known("a") is None
    speeds.keep("a", 2.0)
    assert speeds.known("a") == 2.0
    blocked = Speeds(tmp_path / "speed.json")  # a file where the folder should be
    blocked.keep("a", 1.0)
    assert blocked.known("a") is None
