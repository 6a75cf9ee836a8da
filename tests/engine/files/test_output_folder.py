"""What a run does to the disk: nothing but its files, all of them or none."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from scalescape.engine.files.aside import Aside
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.protocol import MapJob, RasterInput
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.engine.words.naming import slugs

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def job(small_model: Path, landscape: dict[str, Path], tmp_path: Path) -> MapJob:
    inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    return MapJob(str(small_model), inputs, str(tmp_path / "out"), step=1)


def command(job: MapJob, *more: str) -> list[str]:
    return [
        sys.executable, str(ROOT / "engine" / "__main__.py"), "map", job.model, "--out", job.out,
        *(f"--input={one.modality}={one.file}" for one in job.inputs), *more,
    ]  # fmt: skip


def test_a_disk_that_fills_up_leaves_earlier_maps_alone(job: MapJob) -> None:
    """The limit on file size stands for the end of a disk: GDAL notices at closing, and rasterio does not."""
    first = run_map(replace(job, step=8), Monitor())
    before = {file: Path(file).read_bytes() for file in first.files}
    run = subprocess.run(
        command(job, "--json"), capture_output=True, text=True, timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )  # fmt: skip
    assert run.returncode == 2, run.stderr
    assert "can't be written" in run.stderr and "Traceback" not in run.stderr
    assert {file: Path(file).read_bytes() for file in first.files} == before


def test_a_folder_that_is_not_ours_is_not_deleted(job: MapJob) -> None:
    thesis = Path(f"{job.out}.partial") / "thesis.txt"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    with pytest.raises(InputError, match=r"in the way.*not Scalescape's"):
        run_map(job, Monitor())
    assert thesis.read_text() == "years of work"


def test_two_runs_do_not_write_to_one_folder(job: MapJob) -> None:
    partial = Path(f"{job.out}.partial")
    partial.mkdir()
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        (partial / ".scalescape.json").write_text(f'{{"pid": {sleeper.pid}}}')
        with pytest.raises(InputError, match="Another run writes"):
            run_map(job, Monitor())
    finally:
        sleeper.kill()
        sleeper.wait()
    assert run_map(job, Monitor()).files  # what a dead run left is cleared away


def test_the_current_folder_and_a_link_will_do(job: MapJob, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    run = subprocess.run(
        command(replace(job, out=".", step=9)), cwd=here, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    assert (here / "species_0.tif").exists()
    link = tmp_path / "link"
    link.symlink_to(here)
    assert Path(run_map(replace(job, out=str(link), step=9), Monitor()).files[0]).parent == here


def test_species_whose_names_differ_only_in_signs_get_files_of_their_own() -> None:
    names = ["A b", "A b 2", "A-b", "Tiles", "Ünïcode spëcies", "?"]
    assert slugs(names) == ["a_b", "a_b_2", "a_b_3", "tiles", "unicode_species", "species"]


def test_an_end_by_signal_cleans_up(job: MapJob) -> None:
    run = subprocess.Popen(command(job, "--method", "patch"), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    partial = Path(f"{job.out}.partial")
    while not any(partial.glob("*.tif")) and run.poll() is None:
        pass
    run.terminate()
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert b"Cancelled" in said
    assert not partial.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--step", "x"], "'x' is not a valid integer; see scalescape map --help."),
        (["--wings", "2"], "No such option '--wings'; see scalescape map --help."),
        (["--extent", "1,2,3"], "write four numbers"),
        (["--extent=inf,0,1,1"], "no place on earth"),
        (["--extent=0,0,1e300,1e300"], "no place on earth"),
        (["--nodata", "a.tif=nan"], "finite number"),
        (["--memory", "lots"], "a valid size"),
        (["--scales", "satellite"], "MODALITY=SCALES"),
        (["--species-file", "/nowhere.txt"], "can't be read"),
        (["--method", "magic"], "not one of"),
    ],
)
def test_a_slip_of_the_pen_is_told_in_one_line(job: MapJob, arguments: list[str], message: str) -> None:
    run = subprocess.run(command(job, *arguments), capture_output=True, text=True, timeout=120)
    assert run.returncode == 2
    assert message in run.stderr and len(run.stderr.strip().splitlines()) == 1


def test_a_map_needs_a_folder(job: MapJob) -> None:
    arguments = command(job)
    place = arguments.index("--out")
    del arguments[place : place + 2]
    run = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "Missing option '--out'; see scalescape map --help.\n"


def test_notes_beside_a_replaced_map_go_and_others_stay(job: MapJob) -> None:
    """What GDAL noted beside a map, such as its range, is not true of the next one of that name."""
    job = replace(job, step=8, products=("probability", "top"))
    run_map(job, Monitor())
    out = Path(job.out)
    beside, other, top = (out / f"{name}.tif.aux.xml" for name in ("species_0", "mine", "top"))
    categories = top.read_bytes()
    for file in (beside, other):
        file.write_text("<PAMDataset/>")
    run_map(job, Monitor())
    assert not beside.exists() and other.exists()
    assert top.read_bytes() == categories, "our own notes come with the map"


def refuse_to_link(*names: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("second_names", [True, False])
def test_files_are_published_all_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second_names: bool
) -> None:
    """A target that can't be replaced (here a folder) leaves what stood there, and the work aside."""
    if not second_names:  # as on exFAT
        monkeypatch.setattr(os, "link", refuse_to_link)
    out = tmp_path / "out"
    out.mkdir()
    names = [f"{name}.tif" for name in "abcnd"]
    for name in ("a.tif", "c.tif"):
        (out / name).write_text(f"old {name}")
    (tmp_path / "elsewhere").write_text("old b.tif")
    (out / "b.tif").symlink_to(tmp_path / "elsewhere")
    (out / "d.tif").mkdir()
    (out / "d.tif" / "mine").touch()
    with Aside(out) as aside:
        for name in names:
            aside.write(name, f"new {name}")
        with pytest.raises(InputError, match=r"can't be written"):
            aside.publish(names)
        assert {name: (out / name).read_text() for name in ("a.tif", "c.tif")} == {
            "a.tif": "old a.tif", "c.tif": "old c.tif",
        }  # fmt: skip
        assert not (out / "n.tif").exists()
        assert (out / "b.tif").is_symlink() and (out / "b.tif").read_text() == "old b.tif"
        assert all((aside.path / name).read_text() == f"new {name}" for name in names)
        shutil.rmtree(out / "d.tif")
        aside.publish(names)
        assert all((out / name).read_text() == f"new {name}" for name in names)
    assert sorted(one.name for one in out.iterdir()) == sorted(names)
