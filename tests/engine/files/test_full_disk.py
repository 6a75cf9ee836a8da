"""A full disk, at the start or at any moment: one sentence, nothing lost or half; then the next run works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scalescape.engine.cli import cli
from scalescape.engine.jobs.areas_job import run_areas
from scalescape.engine.jobs.assess_job import run_assess
from scalescape.engine.jobs.compare_job import run_compare
from scalescape.engine.jobs.effects_job import run_effects
from scalescape.engine.jobs.inspect_job import run_inspect, write_patches
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.jobs.odmap_job import run_odmap
from scalescape.engine.jobs.products_job import run_products
from scalescape.engine.jobs.scenarios_job import run_scenarios
from scalescape.engine.protocol import (
    AreasJob,
    AssessJob,
    CompareJob,
    EffectsJob,
    InspectJob,
    MapJob,
    OdmapJob,
    ProductsJob,
    Progress,
    RasterInput,
    Scenario,
    ScenariosJob,
)
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from small_disk import KIB, SmallDisk, disk  # noqa: F401

STEP = 3


class World:
    """A model, its rasters and a finished map on the small disk."""

    def __init__(self, model: Path, landscape: dict[str, Path], small: SmallDisk) -> None:
        self.disk = small
        self.inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
        self.model = str(model)
        self.maps = small.path / "maps"
        self.job = MapJob(self.model, self.inputs, str(self.maps), step=STEP)
        run_map(self.job, Monitor())
        self.map = str(self.maps / "species_0.tif")
        self.sites = self.maps.parent / "sites.csv"
        east, north = np.meshgrid(500310 + 50 * np.arange(10), 4999690 - 40 * np.arange(12))
        rows = [f"{x},{y},{n % 2}" for n, (x, y) in enumerate(zip(east.ravel(), north.ravel(), strict=True))]
        self.sites.write_text("\n".join(["x,y,Species 0", *rows, ""]))
        self.out = str(small.path / "new" / "out")


@pytest.fixture
def world(small_model: Path, landscape: dict[str, Path], disk: SmallDisk) -> World:  # noqa: F811
    return World(small_model, landscape, disk)


def a_map(world: World) -> None:
    run_map(replace(world.job, out=world.out, products=("probability", "top")), Monitor())


def a_map_of_bands(world: World) -> None:
    run_map(replace(world.job, layout="multiband", encoding="uint8"), Monitor())


def effects(world: World) -> None:
    values = {**vars(world.job), "out": world.out, "species": ("Species 0",)}
    run_effects(EffectsJob(**values), Monitor())


def products(world: World) -> None:
    run_products(ProductsJob(str(world.maps), ("binary", "top"), "0.5"), Monitor())


def areas(world: World) -> None:
    run_areas(AreasJob((str(world.maps),), world.out, threshold=0.5), Monitor())


def compare(world: World) -> None:
    run_compare(CompareJob(world.map, world.map, world.out, "0.5"), Monitor())


def assess(world: World) -> None:
    job = AssessJob(world.map, str(world.sites), world.out, x="x", y="y", crs="EPSG:32631", threshold="0.5")
    run_assess(job, Monitor())


def odmap(world: World) -> None:
    run_odmap(OdmapJob(str(world.maps)))


def patches(world: World) -> None:
    job = InspectJob(world.model, world.inputs, (500450.0, 4999550.0), patches=True)
    write_patches(run_inspect(job), Path(world.out))


def scenarios(world: World) -> None:
    values = {**vars(world.job), "out": world.out}
    run_scenarios(ScenariosJob(**values, scenarios=(Scenario("now", world.inputs, ""),)), Monitor())


JOBS = (a_map, a_map_of_bands, effects, products, areas, compare, assess, odmap, patches, scenarios)


@pytest.mark.parametrize("leave", [0, 12 * KIB])
@pytest.mark.parametrize("job", JOBS)
def test_a_disk_that_is_full_at_the_start_is_named_and_nothing_is_lost(
    world: World, job: Callable[[World], None], leave: int
) -> None:
    before = world.disk.files()
    world.disk.fill(leave)
    with pytest.raises(InputError) as told:
        job(world)
    assert str(world.disk.path) in str(told.value) and "free some space" in str(told.value)
    assert str(told.value).endswith(".") and "\n" not in str(told.value)
    assert world.disk.files() == before
    assert not (world.disk.path / "new").exists(), "an empty folder is left"
    world.disk.make_space()
    job(world)


@pytest.mark.parametrize("leave", [0, 1, 40, 200])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_disk_that_fills_up_during_a_map_is_named_and_nothing_is_lost(
    world: World, share: float, leave: int
) -> None:
    before = world.disk.files()
    filled: list[str] = []

    def fill(report: Progress) -> None:
        if not filled and report.phase in ("mapping", "writing") and report.done >= share * report.total:
            filled.append(report.phase)
            world.disk.fill(leave * KIB)

    job = replace(world.job, step=1, products=("probability", "richness"), threshold="0.5")
    try:
        run_map(job, Monitor(fill))
    except InputError as told:
        assert "can't be written (" in str(told) and "free some space" in str(told)
        assert world.disk.files() == before
    else:
        assert leave, "without any room it can't be"
    assert filled
    world.disk.make_space()
    assert run_map(job, Monitor()).files


def test_the_command_ends_with_status_2_and_one_sentence(world: World) -> None:
    world.disk.fill()
    inputs = [f"--input={one.modality}={one.file}" for one in world.inputs]
    done = CliRunner().invoke(cli, ["map", world.model, *inputs, "--out", world.out])
    assert done.exit_code == 2 and done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("The folder ") and line.endswith("free some space, or choose another folder.")
