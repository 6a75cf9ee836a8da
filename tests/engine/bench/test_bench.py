"""The benchmark measures what it says, on small networks and for moments only."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import torch
from scalescape.engine.bench.bench_dense import PaperForm, bench_dense
from scalescape.engine.bench.bench_map import bench_map
from scalescape.engine.bench.bench_planner import bench_planner
from scalescape.engine.bench.bench_sites import bench_sites
from scalescape.models.presets import architecture

ROOT = Path(__file__).resolve().parents[3]


def test_dense_and_windows_agree_and_the_figures_hang_together() -> None:
    found = bench_dense("climate-only", step=1, size=40, species=5, seconds=0.05)
    assert found.max_abs_diff < 1e-5 and found.compared_px > 10
    assert found.ratio_patch == found.dense_px_per_s / found.patch_px_per_s
    assert found.fraction_of_peak < 1.5 and found.peak_gflop_per_s > 1


def test_the_papers_form_takes_its_window() -> None:
    shape = architecture("paper-multi", {"satellite": 4}, species=3, width=0.03)
    form = PaperForm(shape).eval()
    assert form({"satellite": torch.randn(2, 4, 116, 116)}).shape == (2, 3)


def test_the_command_prints_one_json_object() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "engine" / "__main__.py"), "bench", "dense", "--preset", "climate-only",
         "--size", "16", "--species-count", "2", "--seconds", "0.05", "--json"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert {"paper_px_per_s", "patch_px_per_s", "dense_px_per_s", "ratio_paper", "ratio_patch", "max_abs_diff",
            "fraction_of_peak", "peak_gflop_per_s", "device", "precision"} <= set(found)  # fmt: skip


def test_a_whole_run_is_measured_with_its_files() -> None:
    found = bench_map("climate-only", step=1, size=64, species=3, precision="float32", memory=2 * 1024**3)
    assert 0 < found.files_share < 1
    assert found.verified_max_abs_diff is not None and found.verified_max_abs_diff < 1e-5
    assert found.peak_over_idle_bytes >= 0 and found.px_per_s > 0


def test_the_planners_choice_is_measured_against_both_ways() -> None:
    found = bench_planner("climate-only", step=8, size=12, species=3, repeats=1)
    speeds = {"dense": found.dense_px_per_s, "patch": found.patch_px_per_s}
    assert found.planner_ratio == speeds[found.planner_choice] / max(speeds.values())


def test_a_table_of_records_becomes_sites() -> None:
    """A quarter of its records are vaguer than allowed, and some are flagged, repeated or off the raster."""
    found = bench_sites(records=4000, species=30)
    assert found.species == 30 and found.records == 4000
    assert 0.25 < found.left_out / found.records < 0.5
    assert 0 < found.sites <= found.presences == found.records - found.left_out
    assert found.records_per_s == found.records / found.seconds
