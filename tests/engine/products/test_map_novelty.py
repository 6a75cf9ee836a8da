"""Novelty on maps: MESS of the values under the pixels, distances of features, and what is left out."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch
from rasterio.windows import Window
from scalescape.engine.jobs.check_job import run_estimate
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.maps.map_writer import disk_use
from scalescape.engine.products import novelty
from scalescape.engine.products.mess import Mess
from scalescape.engine.products.novelty import LEAST_TOLD
from scalescape.engine.protocol import MapJob, RasterInput
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.models.card import read_card
from scalescape.models.feature_space import ALL_SCALES
from scalescape.models.model_file import read_model, write_model
from surveyed_network import surveyed_copy

PRODUCTS = ("probability", "novelty")


def read(job: MapJob, name: str) -> np.ma.MaskedArray:
    with rasterio.open(Path(job.out) / f"{name}.tif") as source:
        return source.read(1, masked=True)


def feature_map(name: str, scale: int) -> str:
    return f"novelty_features_{name}" if scale == ALL_SCALES else f"novelty_features_{name}_{scale}"


def under(file: str, points: list[tuple[float, float]]) -> np.ndarray:
    """Values of a raster at points, (points, bands)."""
    with rasterio.open(file) as source:
        return np.array([list(one) for one in source.sample(points)], np.float64)


def centres(job: MapJob, name: str) -> tuple[np.ndarray, list[tuple[float, float]]]:
    with rasterio.open(Path(job.out) / f"{name}.tif") as source:
        spots = np.argwhere(~source.read(1, masked=True).mask)
        return spots, [source.xy(*spot) for spot in spots]


@pytest.mark.parametrize(
    "change",
    [
        {"step": 1},
        {"step": 1, "memory": 162 * 1024**2},  # short strips
        {"step": 3, "blend": True},
        {"step": 3, "clamp": True},
        {"step": 20, "edge": "fill", "method": "patch"},
        {"step": 2, "extent": (500_233.0, 4_999_291.0, 500_777.0, 4_999_666.0)},
    ],
)
def test_mess_is_that_of_the_values_under_each_pixel(job: MapJob, change: dict[str, Any]) -> None:
    job = replace(job, products=PRODUCTS, **change)
    run_map(job, Monitor())
    card = read_card(job.model)
    spots, points = centres(job, "novelty")
    if len(spots) > 400:
        keep = np.random.default_rng(0).choice(len(spots), 400, replace=False)
        spots, points = spots[keep], [points[k] for k in keep]
    values = np.hstack([under(one.file, points) for one in job.inputs])
    bands = [(one.modality, band) for one in job.inputs for band in card.modality(one.modality).bands]
    similarity = Mess([band.quantiles for _, band in bands]).similarity(values.T.astype(np.float32))
    novelty, limiting = read(job, "novelty"), read(job, "novelty_limiting")
    with rasterio.open(Path(job.out) / "novelty_limiting.tif") as source:
        names = source.tags()
    for number, (row, column) in enumerate(spots):
        assert novelty[row, column] == pytest.approx(similarity[:, number].min(), abs=1e-4)
        modality, band = bands[int(similarity[:, number].argmin())]
        assert names[f"CATEGORY_{limiting[row, column]}"] == f"{modality}: {band.name}"
    np.testing.assert_array_equal(novelty.mask, read(job, "species_0").mask)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "dense"},
        {"method": "patch"},
        {"species": ("Species 0",), "scales": {"bioclim": (3,)}},
    ],
)
def test_novelty_of_features_is_the_distance_of_the_window(job: MapJob, change: dict[str, Any]) -> None:
    """The branch's own features of the window around a pixel, through numpy, against the map."""
    job = replace(job, products=PRODUCTS, step=4, verify=3, **change)
    assert run_map(job, Monitor()).verified_max_abs_diff < 1e-5
    model = read_model(job.model)
    spots, points = centres(job, "species_0")
    chosen = np.random.default_rng(1).choice(len(spots), 12, replace=False)
    for (name, scale), space in model.feature_spaces.items():
        on = job.scales.get(name)
        if on is not None and scale not in on:
            assert not (Path(job.out) / f"{feature_map(name, scale)}.tif").exists()
            continue
        found = read(job, feature_map(name, scale))
        file = next(one.file for one in job.inputs if one.modality == name)
        modality = model.card.modality(name)
        mean = np.array([band.mean for band in modality.bands], np.float32)[:, None, None]
        std = np.array([band.std for band in modality.bands], np.float32)[:, None, None]
        side = max(modality.scales)
        with rasterio.open(file) as source:
            for place in chosen:
                row, column = source.index(*points[place])
                window = Window(column - side // 2, row - side // 2, side, side)
                patch = torch.from_numpy((source.read(window=window) - mean) / std)[None].float()
                with torch.inference_mode():
                    seen = model.network.features({name: patch})
                features = np.concatenate(
                    [seen[name, one][0].numpy() for one in modality.scales if scale in (one, ALL_SCALES)]
                )
                coordinates = space.axes.numpy() @ (features - space.centre.numpy())
                wanted = np.sqrt((coordinates**2).sum()) / space.limit
                assert found[tuple(spots[place])] == pytest.approx(wanted, rel=1e-4)


def test_an_estimate_counts_what_novelty_takes(job: MapJob) -> None:
    plain = run_estimate(job)
    for change in ({"products": PRODUCTS}, {"cut_novel": True}):
        told = run_estimate(replace(job, **change))
        assert told.seconds > plain.seconds
        assert told.disk_bytes == 3 * plain.disk_bytes + disk_use(told.width * told.height, 2)
        assert told.memory_bytes > plain.memory_bytes


def test_what_is_novel_is_left_out_of_every_product(job: MapJob, tmp_path: Path) -> None:
    whole = replace(job, products=("probability", "occurrence", "richness", "top", "novelty"))
    cut = replace(whole, cut_novel=True, out=str(tmp_path / "cut"))
    run_map(whole, Monitor())
    notes = run_map(cut, Monitor()).warnings
    novel = read(whole, "novelty") < 0
    card = read_card(job.model)
    for modality in card.modalities:
        for scale in (*modality.scales, ALL_SCALES):
            novel |= read(whole, feature_map(modality.name, scale)) > 1
    assert 0 < novel.sum() < novel.count()
    for name in ("species_0", "species_2_occurrence", "richness", "top"):
        kept, all_of_it = read(cut, name), read(whole, name)
        np.testing.assert_array_equal(kept.mask, all_of_it.mask | novel.filled(True))
        np.testing.assert_array_equal(kept.compressed(), all_of_it[~kept.mask].compressed())
    np.testing.assert_array_equal(read(cut, "novelty"), read(whole, "novelty"))
    share = novel.sum() / novel.count()
    told = next(float(re.search(r"([\d.]+)%", note)[1]) for note in notes if "were left out" in note)
    assert told == pytest.approx(100 * share, abs=0.06)


def test_shares_that_round_to_nothing_are_not_told(job: MapJob, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (f"{LEAST_TOLD:.1%}", f"{LEAST_TOLD - 1e-9:.1%}") == ("0.1%", "0.0%")

    def told() -> list[str]:
        notes = run_map(replace(job, products=PRODUCTS), Monitor()).warnings
        return [note for note in notes if "of the pixels" in note]

    assert len(told()) == 2
    monkeypatch.setattr(novelty, "LEAST_TOLD", 1.0)
    assert not told()


def test_clamped_predictors_give_what_clamped_rasters_give(job: MapJob, tmp_path: Path) -> None:
    card = read_card(job.model)
    inputs = []
    for one in job.inputs:
        copy = tmp_path / f"clamped_{one.modality}.tif"
        bands = card.modality(one.modality).bands
        with rasterio.open(one.file) as source, rasterio.open(copy, "w", **source.profile) as target:
            for number, band in enumerate(bands, start=1):
                ends = band.quantiles[0], band.quantiles[-1]
                target.write(np.clip(source.read(number), *np.array(ends, source.dtypes[0])), number)
                target.set_band_description(number, source.descriptions[number - 1] or "")
        inputs.append(RasterInput(one.modality, str(copy)))
    clamped = replace(job, clamp=True)
    run_map(job, Monitor())
    free = read(job, "species_0")
    run_map(clamped, Monitor())
    mine = read(clamped, "species_0")
    run_map(replace(job, inputs=tuple(inputs), out=str(tmp_path / "other")), Monitor())
    other = read(replace(job, out=str(tmp_path / "other")), "species_0")
    np.testing.assert_allclose(mine, other, atol=1e-6)
    assert np.abs(mine - free).max() > 1e-3


def test_a_card_without_quantiles_says_that_it_cannot_tell(job: MapJob, tmp_path: Path) -> None:
    model = read_model(job.model)
    modalities = tuple(
        replace(one, bands=tuple(replace(band, quantiles=()) for band in one.bands))
        for one in model.card.modalities
    )
    unknown = replace(model, card=replace(model.card, modalities=modalities), feature_spaces={})
    write_model(tmp_path / "unknown.safetensors", unknown)
    job = replace(job, model=str(tmp_path / "unknown.safetensors"), products=PRODUCTS)
    result = run_map(job, Monitor())
    assert any("does not know the training range" in note for note in result.warnings)
    assert not (Path(job.out) / "novelty.tif").exists()
    for change in ({"cut_novel": True}, {"clamp": True}):
        with pytest.raises(InputError, match="does not know the training range"):
            run_map(replace(job, **change), Monitor())


def test_a_file_of_before_feature_spaces_is_still_read(job: MapJob, small_model: Path, tmp_path: Path) -> None:
    assert read_model(small_model).feature_spaces == {}
    old = surveyed_copy(small_model, tmp_path / "old.safetensors", spaces=False)
    result = run_map(replace(job, model=str(old), products=PRODUCTS), Monitor())
    names = {Path(file).name for file in result.files}
    assert "novelty.tif" in names and not any("features" in name for name in names)
