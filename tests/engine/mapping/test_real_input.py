"""Real rasters: two coordinate systems, forgotten NoData, other pixel sizes, other projections."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import plain
import pytest
import rasterio
import rasterio.warp
import torch
from conftest import band, seeded_card, seeded_network
from rasterio.enums import Resampling
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.mapping.plan import planned
from scalescape.engine.protocol import CheckJob, MapJob, RasterInput
from scalescape.engine.running.progress import Monitor
from scalescape.models.model_file import ModelFile, read_model, write_model
from scalescape.models.presets import architecture

DEMO = Path(__file__).resolve().parents[3] / "models" / "zoo" / "demo.safetensors"

pytestmark = pytest.mark.real_data


def save(path: Path, shape, card) -> Path:
    means = {key: torch.zeros(shape.modality(key[0]).branches[0].out_size) for key in shape.branch_keys}
    write_model(path, ModelFile(seeded_network(shape), card, means))
    return path


@pytest.fixture(scope="module")
def montpellier(
    real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[MapJob, dict[str, list[Path]]]:
    """A job over the Sentinel-2 square: one satellite band, four climate bands, sea = 0 by the user's word."""
    folder = real_data / "montpellier"
    climate = [folder / f"bio{i}.tif" for i in range(1, 5)]
    scene = [folder / "sentinel2_10m.tif"]
    shape = architecture(
        "default", {"satellite": 1, "bioclim": 4}, species=2, width=0.04,
        scales={"satellite": (25, 59), "bioclim": (1, 5)},
    )  # fmt: skip
    bands = {"satellite": [band("b8", 2000, 1000)], "bioclim": []}
    for file in climate:
        values, valid, *_ = plain.whole([file])
        good = values[valid & (values != 0)]
        bands["bioclim"].append(band(file.stem, float(good.mean()), float(good.std())))
    card = seeded_card(shape, bands, {"satellite": (10.0, "metre"), "bioclim": (1 / 120, "degree")})
    model = save(tmp_path_factory.mktemp("montpellier") / "model.safetensors", shape, card)
    inputs = tuple(RasterInput("satellite", str(f)) for f in scene)
    inputs += tuple(RasterInput("bioclim", str(f)) for f in climate)
    nodata = {str(f): 0.0 for f in climate if f.stem != "bio3"}
    return MapJob(str(model), inputs, "", nodata=nodata), {"satellite": scene, "bioclim": climate}


# Where the coast crosses the square, so that NoData and values meet.
BOXES = {
    1: (569_000, 4_829_000, 569_300, 4_829_300),
    2: (569_000, 4_829_000, 569_800, 4_829_700),
    3: (568_500, 4_828_500, 569_700, 4_829_500),
    16: None,
}


@pytest.mark.parametrize("step", [1, 2, 3, 16])
def test_every_pixel_of_the_sentinel_square_equals_the_plain_loop(
    montpellier: tuple[MapJob, dict[str, list[Path]]], step: int, tmp_path: Path
) -> None:
    job, rasters = montpellier
    job = replace(job, out=str(tmp_path / "out"), step=step, extent=BOXES[step])
    result = run_map(job, Monitor())
    model = read_model(job.model)
    zero = {Path(file): value for file, value in job.nodata.items()}
    arrays = {name: plain.whole(files, zero) for name, files in rasters.items()}
    with rasterio.open(result.files[0]) as first, rasterio.open(result.files[1]) as second:
        maps = np.ma.stack([first.read(1, masked=True), second.read(1, masked=True)])
        transform, crs = first.transform, first.crs
    known = 0
    for row, column in np.ndindex(maps.shape[1:]):
        truth = plain.pixel(model, arrays, *(transform * (column + 0.5, row + 0.5)), crs)
        if truth is None:
            assert maps.mask[:, row, column].all()
        else:
            known += 1
            np.testing.assert_allclose(maps[:, row, column].filled(np.nan), truth, atol=1e-4)
    assert known == result.valid_pixels > 0


def test_adjoining_extents_of_the_sentinel_square_join(
    montpellier: tuple[MapJob, dict[str, list[Path]]], tmp_path: Path
) -> None:
    job, _ = montpellier
    job = replace(job, step=3)
    left, bottom, cut, right, top = 568_000, 4_827_000, 569_987, 572_000, 4_830_000

    def mapped(name: str, box: tuple[float, float, float, float]) -> np.ndarray:
        result = run_map(replace(job, out=str(tmp_path / name), extent=box), Monitor())
        with rasterio.open(result.files[0]) as source:
            return source.read(1)

    whole = mapped("whole", (left, bottom, right, top))
    joined = np.concatenate(
        [mapped("west", (left, bottom, cut, top)), mapped("east", (cut, bottom, right, top))], axis=1
    )
    assert joined.shape == whole.shape
    np.testing.assert_allclose(joined, whole, atol=1e-5, rtol=0)


@pytest.fixture(scope="module")
def naip(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> MapJob:
    """The aerial image (5 m) mapped by the demo's model (10 m) without climate, one species."""
    folder = tmp_path_factory.mktemp("naip")
    file = real_data / "naip" / "naip_2010_rgbn_5m.tif"
    return MapJob(
        str(DEMO), (RasterInput("satellite", str(file)),), str(folder / "out"), step=2,
        scales={"bioclim": ()}, species=("Segetaria vicina",),
    )  # fmt: skip


def reprojected(source_file: str, crs: str, target: Path) -> Path:
    with rasterio.open(source_file) as source:
        transform, width, height = rasterio.warp.calculate_default_transform(
            source.crs, crs, source.width, source.height, *source.bounds
        )
        with rasterio.open(
            target, "w", driver="GTiff", crs=crs, transform=transform, width=width, height=height,
            count=source.count, dtype=source.dtypes[0], nodata=0,
        ) as out:  # fmt: skip
            for number in range(1, source.count + 1):
                rasterio.warp.reproject(
                    rasterio.band(source, number), rasterio.band(out, number), resampling=Resampling.cubic
                )
    return target


def test_an_image_of_5_m_is_warped_to_10_m_with_its_georeference(naip: MapJob) -> None:
    result = run_map(replace(naip, step=1), Monitor())
    assert any("resampled" in warning for warning in result.warnings)
    with rasterio.open(naip.inputs[0].file) as source, rasterio.open(result.files[0]) as target:
        assert target.crs == source.crs and target.res == (10, 10)
        # The map covers the image to a pixel, and a pixel of it covers four of the image's.
        assert abs(target.bounds.left - source.bounds.left) < 10
        assert abs(target.bounds.top - source.bounds.top) < 10
        with planned(replace(naip, step=1)) as plan:
            predictor = plan.predictors["satellite"]
            values, valid = predictor.values(slice(100, 101), slice(200, 201))
        assert valid.all()
        x, y = predictor.grid.affine * (200.5, 100.5)
        row, column = source.index(x, y)
        window = source.read(window=((row - 2, row + 3), (column - 2, column + 3))).astype(float)
        assert (values[:, 0, 0] >= window.min(axis=(1, 2))).all()
        assert (values[:, 0, 0] <= window.max(axis=(1, 2))).all()


def test_warped_pixels_lie_where_they_should_to_a_tenth_of_a_pixel(naip: MapJob) -> None:
    """Shift the independent answer (means of 2 x 2 pixels) against ours: the best fit is within a tenth."""
    with planned(replace(naip, step=1)) as plan:
        predictor = plan.predictors["satellite"]
        values, _ = predictor.values(slice(50, 250), slice(50, 250))
        affine = predictor.grid.affine
    with rasterio.open(naip.inputs[0].file) as source:
        image = source.read(1).astype(float)
        x, y = affine * (50, 50)
        column, row = ~source.transform * (x, y)
    ours = values[0]

    def difference(shift: float) -> float:
        shifted = np.empty_like(ours)
        at = column + shift * 2 + 2 * np.arange(200) + 0.5  # centres of 10-m pixels, in 5-m pixel indices
        rows = row + 2 * np.arange(200) + 0.5
        for i, r in enumerate(rows):
            line = (
                (image[math.floor(r)] * (1 - r % 1) + image[math.floor(r) + 1] * (r % 1))
                if r % 1
                else image[int(r)]
            )
            shifted[i] = np.interp(at, np.arange(image.shape[1]), line)
        return float(np.abs(shifted - ours).mean())

    shifts = np.round(np.arange(-0.5, 0.51, 0.1), 1)
    assert abs(shifts[int(np.argmin([difference(s) for s in shifts]))]) <= 0.1


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:4326"])
def test_the_same_image_in_another_projection_gives_the_same_map(
    naip: MapJob, crs: str, tmp_path: Path
) -> None:
    naip = replace(naip, step=1)  # both grids lie on multiples of 10 m, so pixels coincide
    other = reprojected(naip.inputs[0].file, crs, tmp_path / "other.tif")
    ours = run_map(naip, Monitor())
    job = replace(naip, inputs=(RasterInput("satellite", str(other)),), out=str(tmp_path / "out"))
    with planned(job) as plan:
        assert plan.pixel_m == pytest.approx((10, 10), rel=0.02)  # on the ground
        assert str(plan.grid.crs) == "EPSG:32614"
    theirs = run_map(job, Monitor())
    with rasterio.open(ours.files[0]) as a, rasterio.open(theirs.files[0]) as b:
        first, first_crs, transform = a.read(1, masked=True), a.crs, a.transform
        rows, columns = np.nonzero(~first.mask)
        xs, ys = transform * (columns + 0.5, rows + 0.5)
        bx, by = rasterio.warp.transform(first_crs, b.crs, xs, ys)
        second = np.array([v[0] for v in b.sample(zip(bx, by, strict=True))])
    both = second >= 0
    assert both.mean() > 0.95
    left, right = first[rows[both], columns[both]], second[both]
    assert np.corrcoef(left, right)[0, 1] > 0.99
    assert np.abs(left - right).mean() < 0.02


def test_nodata_of_the_image_stays_nodata_after_warping(naip: MapJob, tmp_path: Path) -> None:
    with rasterio.open(naip.inputs[0].file) as source:
        image, profile = source.read(), source.profile
    image[:, 300:420, 300:420] = 0
    path = tmp_path / "hole.tif"
    with rasterio.open(path, "w", **profile) as target:
        target.write(image)
    result = run_map(
        replace(naip, inputs=(RasterInput("satellite", str(path)),), out=str(tmp_path / "out")), Monitor()
    )
    with rasterio.open(path) as source, rasterio.open(result.files[0]) as made:
        x, y = source.transform * (360, 360)
        assert next(made.sample([(x, y)]))[0] == made.nodata
        x, y = source.transform * (290, 360)
        assert next(made.sample([(x, y)]))[0] != made.nodata


def test_the_check_names_the_margin_and_what_was_resampled(naip: MapJob) -> None:
    from scalescape.engine.jobs.check_job import run_check

    result = run_check(CheckJob(**vars(naip)))
    assert result.margin_m == pytest.approx(570, rel=1e-3) and result.margin_modality == "satellite"
    assert {w.kind for w in result.warnings} >= {"resampled", "scales"}
