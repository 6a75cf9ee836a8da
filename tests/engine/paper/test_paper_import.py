"""Checkpoints of the authors' code as model files: the same logits, windows and maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from conftest import LEFT, TOP, write_raster
from paper_configs import BANDS, CONFIGS
from paper_networks import Params, climate_model, image_model, noise, plain_network, write_checkpoint
from scalescape.engine.jobs.check_job import run_estimate
from scalescape.engine.jobs.effects_job import run_effects
from scalescape.engine.jobs.import_job import run_import
from scalescape.engine.jobs.inspect_job import run_inspect
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.jobs.profile_job import run_profile
from scalescape.engine.paper.config import image_patch
from scalescape.engine.protocol import (
    EffectsJob,
    ImportPaperJob,
    ImportPaperResult,
    InspectJob,
    MapJob,
    ProfileJob,
    RasterInput,
)
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.engine.scales.window_audit import audit_windows
from scalescape.models.model_file import ModelFile, read_model
from scalescape.models.windows import true_windows
from torch import nn

NAMES = {"env_model": "bioclim", "sat_model": "satellite"}
PATCHES = 1000
FEW = 100  # where patches are large
BATCH = 50


def imported(folder: Path, config: Params, network: nn.Module) -> tuple[ImportPaperResult, ModelFile]:
    """Import a network by way of its files."""
    files = write_checkpoint(folder, config, network, BANDS)
    out = folder / "imported.safetensors"
    result = run_import(ImportPaperJob(**{k: str(v) for k, v in files.items()}, out=str(out)), Monitor())
    return result, read_model(out)


def compare(network: nn.Module, model: ModelFile, config: Params, number: int = PATCHES) -> float:
    """Return the largest difference of logits on random patches; they must differ from patch to patch."""
    draw = torch.Generator().manual_seed(1)
    names = [name for key, name in NAMES.items() if config.get(key)]
    largest, seen = 0.0, []
    for _ in range(number // BATCH):
        patches = noise(config, BANDS, BATCH, draw)
        with torch.inference_mode():
            truth = network(*patches)
            found = model.network(dict(zip(names, patches, strict=True)))
        largest = max(largest, float((truth - found).abs().max()))
        seen.append(truth)
    assert float(torch.cat(seen).std(dim=0).min()) > 1
    return largest


def test_the_authors_patch_sizes() -> None:
    assert [image_patch(size) for size in (25, 59, 115, 128, 200)] == [24, 60, 116, 128, 128]


@pytest.mark.parametrize("name", CONFIGS)
def test_logits_are_theirs(name: str, tmp_path: Path) -> None:
    config = CONFIGS[name]
    network = plain_network(config, BANDS, species=6)
    result, model = imported(tmp_path, config, network)
    large = name != "bimodal, small" and any(size in name for size in ("59", "115", "bimodal"))
    assert compare(network, model, config, FEW if large else PATCHES) <= 1e-4
    assert result.n_species == 6 and model.card.metrics["epoch"] == 12
    assert result.dense == ("satellite" not in [one.name for one in model.card.modalities])


def test_two_linear_layers_in_a_row_become_one(tmp_path: Path) -> None:
    config = {"env_model": climate_model([[1], [5]], 5), "sat_model": image_model((25, 59))}
    network = plain_network(config, BANDS, species=6, embed=9)
    _, model = imported(tmp_path, config, network)
    assert compare(network, model, config, FEW) <= 1e-4


def test_a_changed_weight_changes_the_logits(tmp_path: Path) -> None:
    """The comparison itself: every kind of weight counts."""
    config = CONFIGS["bimodal, small"]
    network = plain_network(config, BANDS, species=6)
    _, model = imported(tmp_path, config, network)
    for name in (
        "modelA.backbone.layers.0.bias", "modelA.aspp_branches.0.conv_layers.0.bias",
        "modelB.backbone.layer2.0.downsample.1.running_mean", "modelB.backbone.layer1.1.bn2.bias",
        "modelB.aspp_branches.0.linear_layers.0.weight", "fc.weight",
    ):  # fmt: skip
        state = network.state_dict()
        kept = state[name].clone()
        state[name] += 0.5
        assert compare(network, model, config, 50) > 1e-3, name
        state[name].copy_(kept)


def test_the_windows_of_the_multi_scale_images_are_where_the_paper_s_facts_say(tmp_path: Path) -> None:
    config = CONFIGS["satellite 25-59-115"]
    _, model = imported(tmp_path, config, plain_network(config, BANDS, species=2))
    windows = {scale: one for (_, scale), one in true_windows(model.network.architecture).items()}
    # The pixel's own is number 58 of the patch's 116, whose middle is 57.5.
    large = windows[115]
    first = 58 + large.offset[0] - 57
    assert (first, first + large.width - 1, large.padding) == (-12, 102, 12)
    assert 58 + windows[25].offset[0] == 57.5 - 1.5 and windows[25].padding == 0
    (modality,) = model.card.modalities
    assert modality.patch == 116 and modality.shifts == (-2, windows[59].offset[0], -13)
    assert modality.span(115) == (-70, 44) and modality.reach((25,)) == 117
    assert "115 sees 115 px, 13 px up and to the left of the pixel, with 12 px of zeros" in model.card.summary
    audit = audit_windows(MapJob(str(tmp_path / "imported.safetensors"), (), ""))
    assert [one.offset_px[0] for one in audit.branches] == list(modality.shifts)
    assert all(0 < one.effective_px <= one.scale for one in audit.branches)


def test_a_spike_outside_the_span_changes_nothing(tmp_path: Path) -> None:
    config = CONFIGS["any convolutions"]
    _, model = imported(tmp_path, config, plain_network(config, BANDS, species=2))
    network, (modality,) = model.network.double(), model.card.modalities
    patch = torch.randn(16, 4, 40, 40, dtype=torch.float64)
    for scale in modality.scales:
        seen = []
        for column in range(40):
            changed = 0.0
            for sign in (-30.0, 30.0):
                spiked = patch.clone()
                spiked[:, :, :, column] = sign
                before, after = (network.features({"satellite": one}) for one in (patch, spiked))
                changed += float((after["satellite", scale] - before["satellite", scale]).abs().sum())
            if changed > 0:
                seen.append(column - 20)
        first, last = modality.span(scale)
        assert first <= seen[0] and seen[-1] <= last
        assert seen[-1] - seen[0] >= 0.7 * (min(last, 19) - max(first, -20))


@pytest.fixture
def rasters(tmp_path: Path) -> dict[str, Path]:
    draw = np.random.default_rng(4)
    image = draw.normal(0, 2, (4, 160, 150)).astype(np.float32)
    image[:, :, 60:] += 3
    climate = draw.normal(5, 3, (3, 30, 30)).astype(np.float32)
    return {
        "satellite": write_raster(
            tmp_path / "sat.tif", image, 10, names=[f"b{i}" for i in range(1, 5)], nodata=-99
        ),
        "bioclim": write_raster(
            tmp_path / "clim.tif", climate, 1000, names=[f"bio{i}" for i in range(1, 4)],
            corner=(LEFT - 14_000, TOP + 14_000),
        ),
    }  # fmt: skip


def test_a_map_s_pixel_is_the_plain_network_on_its_patch(tmp_path: Path, rasters: dict[str, Path]) -> None:
    config = CONFIGS["bimodal"]
    network = plain_network(config, BANDS, species=3)
    files = write_checkpoint(tmp_path, config, network, BANDS)
    model = tmp_path / "paper.safetensors"
    job = ImportPaperJob(**{k: str(v) for k, v in files.items()}, out=str(model), pixels={"bioclim": "1000m"})
    notes = run_import(job, Monitor()).notes
    assert any("window by window" in note for note in notes)
    inputs = tuple(RasterInput(name, str(path)) for name, path in rasters.items())
    result = run_map(MapJob(str(model), inputs, str(tmp_path / "maps"), step=9, verify=3), Monitor())
    assert result.method == "patch" and result.verified_max_abs_diff < 1e-5
    arrays = {}
    for name, path in rasters.items():
        with rasterio.open(path) as source:
            count = source.count
            scale = np.arange(count, dtype=np.float32)[:, None, None]
            arrays[name] = (source.read() - 10 * scale) / (scale + 1)
    with rasterio.open(result.files[1]) as source:
        found, transform = source.read(1, masked=True), source.transform
    known = 0
    for row in range(found.shape[0]):
        for column in range(found.shape[1]):
            x, y = transform * (column + 0.5, row + 0.5)
            r, c = int((TOP - y) // 10), int((x - LEFT) // 10)
            if min(r, c) < 58 or r + 58 >= 160 or c + 58 >= 150:
                assert found.mask[row, column]
                continue
            known += 1
            image = torch.from_numpy(arrays["satellite"][:, r - 58 : r + 58, c - 58 : c + 58].copy())
            r, c = int((TOP + 14_000 - y) // 1000), int((x - LEFT + 14_000) // 1000)
            climate = torch.from_numpy(arrays["bioclim"][:, r - 2 : r + 3, c - 2 : c + 3].copy())
            truth = torch.sigmoid(network(climate[None], image[None]))[0, 1]
            assert abs(found[row, column] - float(truth)) < 1e-5
    assert known == result.valid_pixels > 10

    at = (LEFT + 755.0, TOP - 805.0)
    seen = run_inspect(InspectJob(str(model), inputs, at, species="Species 1", patches=True))
    image = torch.from_numpy(arrays["satellite"][:, 80 - 58 : 80 + 58, 75 - 58 : 75 + 58].copy())
    climate = torch.from_numpy(arrays["bioclim"][:, 14 - 2 : 14 + 3, 14 - 2 : 14 + 3].copy())
    assert abs(seen.logit - float(network(climate[None], image[None])[0, 1])) < 1e-4
    largest = next(one for one in seen.contributions if one.scale == 115)
    # The window's upper left corner: 70 px from the pixel's own, up and to the left.
    assert largest.window[0] == pytest.approx((LEFT + 750 - 700, TOP - 800 + 700))
    assert any("counted from zero" in one for one in seen.warnings)
    assert len([one for one in seen.patches if one.modality == "satellite"]) == 3

    options = {"inputs": inputs, "step": 16, "scales": {"satellite": (25, 59)}}
    effects = run_effects(
        EffectsJob(str(model), out=str(tmp_path / "effects"), species=("Species 1",), **options), Monitor()
    )
    assert any("zeros" in one for one in effects.warnings)
    profile = run_profile(ProfileJob(str(model), **options), Monitor())
    assert profile.pixels == effects.valid_pixels and any("counted from zero" in o for o in profile.warnings)


def test_dense_is_refused_where_patches_count(tmp_path: Path, rasters: dict[str, Path]) -> None:
    config = CONFIGS["satellite 25"]
    imported(tmp_path, config, plain_network(config, BANDS, species=2))
    job = MapJob(
        str(tmp_path / "imported.safetensors"), (RasterInput("satellite", str(rasters["satellite"])),),
        str(tmp_path / "maps"), method="dense",
    )  # fmt: skip
    with pytest.raises(InputError, match="can't be evaluated densely"):
        run_map(job, Monitor())


def test_an_estimate_counts_windows(tmp_path: Path, rasters: dict[str, Path]) -> None:
    config = CONFIGS["satellite 25"]
    imported(tmp_path, config, plain_network(config, BANDS, species=2))
    inputs = (RasterInput("satellite", str(rasters["satellite"])),)
    job = MapJob(str(tmp_path / "imported.safetensors"), inputs, str(tmp_path / "maps"))
    coarse = MapJob(job.model, inputs, job.out, step=40)
    assert run_estimate(job).seconds > run_estimate(coarse).seconds
