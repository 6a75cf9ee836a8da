"""Checkpoints of the authors' code as model files: the same logits, and nothing in them is run."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from click.testing import CliRunner
from conftest import LEFT, TOP, write_raster
from paper_networks import (
    Params,
    blocks,
    climate_model,
    image_model,
    noise,
    plain_network,
    write_checkpoint,
)
from scalescape.engine.check_job import run_estimate
from scalescape.engine.cli import cli
from scalescape.engine.effects_job import run_effects
from scalescape.engine.errors import InputError
from scalescape.engine.import_job import run_import
from scalescape.engine.inspect_job import run_inspect
from scalescape.engine.map_job import run_map
from scalescape.engine.paper.config import image_patch
from scalescape.engine.profile_job import run_profile
from scalescape.engine.progress import Monitor
from scalescape.engine.protocol import (
    EffectsJob,
    ImportPaperJob,
    ImportPaperResult,
    InspectJob,
    MapJob,
    ProfileJob,
    RasterInput,
)
from scalescape.engine.window_audit import audit_windows
from scalescape.models.model_file import ModelFile, read_model
from scalescape.models.windows import true_windows
from torch import nn

BANDS = {"env_model": 3, "sat_model": 4}
NAMES = {"env_model": "bioclim", "sat_model": "satellite"}
PATCHES = 1000
FEW = 100  # where patches are large
BATCH = 50

CHAIN: Params = {
    "model_name": "MultiResolutionModel", "covariates": ["sat"], "patch_size": 40, "backbone": "CNN",
    "backbone_params": {"n_filters": [4, 6, 5], "kernel_sizes": [3, 5, 2], "paddings": [1, 0, 0],
                        "pooling_sizes": [2, 1, 1]},
    "spatial_block_params": blocks([[3, 2], [1]], [[2, 1], [1]], strides=[[2, 1], [1]], n_linear_layers=3),
}  # fmt: skip
CONFIGS: dict[str, Params] = {
    "climate 1": {"env_model": climate_model([[1]], 1), "sat_model": ""},
    "climate 1-5": {"env_model": climate_model([[1], [5]], 5), "sat_model": ""},
    "climate 9-1, out of order": {
        "env_model": climate_model([[3, 7], [1]], 9, "spatial_block_params", n_linear_layers=2)
    },
    "satellite 25": {"env_model": "", "sat_model": image_model((25,))},
    "satellite 59": {"env_model": None, "sat_model": image_model((59,), "spatial_block_params")},
    "satellite 115": {"sat_model": image_model((115,))},
    "satellite 25-59-115": {"sat_model": image_model((25, 59, 115))},
    "any convolutions": {"sat_model": CHAIN},
    "bimodal": {
        "env_model": climate_model([[1], [5]], 5, "spatial_block_params"),
        "sat_model": image_model((25, 59, 115), "spatial_block_params"),
    },
    "bimodal, small": {"env_model": climate_model([[1]], 1), "sat_model": image_model((25,))},
    "bimodal, convolutions": {"env_model": climate_model([[1]], 1), "sat_model": CHAIN},
}


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


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.path,)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("how", ["torch", "pickle", "inside"])
def test_a_malicious_pickle_is_refused_and_not_run(how: str, tmp_path: Path) -> None:
    config = CONFIGS["climate 1"]
    files = write_checkpoint(tmp_path, config, plain_network(config, BANDS, species=2), BANDS)
    mark = tmp_path / "run"
    if how == "torch":
        torch.save(Evil(mark), files["checkpoint"])
    elif how == "pickle":
        files["checkpoint"].write_bytes(pickle.dumps(Evil(mark)))
    else:
        state = torch.load(files["checkpoint"], weights_only=False)
        torch.save({**state, "train_loss": Evil(mark)}, files["checkpoint"])
    job = ImportPaperJob(**{k: str(v) for k, v in files.items()}, out=str(tmp_path / "m.safetensors"))
    with pytest.raises(InputError, match=r"^[^\n]+best_val_auc.pth[^\n]+\.$"):
        run_import(job, Monitor())
    assert not mark.exists() and not (tmp_path / "m.safetensors").exists()


def _changed(config: Params, **values: object) -> Params:
    return {"env_model": {**config["env_model"], **values}}


BASE = CONFIGS["climate 1-5"]
FAULTS: dict[str, tuple[object, str]] = {
    "missing key": (lambda f: _state(f, {"linear.weight": None}), "lacks linear.weight, which"),
    "wrong shape": (lambda f: _state(f, {"backbone.layers.4.weight": torch.zeros(7, 5, 1, 1)}),
                    r"backbone.layers.4.weight of best_val_auc.pth is \(7, 5, 1, 1\) where"),
    "one too many": (lambda f: _state(f, {"decoder.weight": torch.zeros(2)}), "holds decoder.weight, for"),
    "vector head": (lambda f: _state(f, {"backbone.layers.0.weight": torch.zeros(4)}), "more sides"),
    "no weights": (lambda f: torch.save([1, 2], f["checkpoint"]), "holds no weights by name"),
    "not torch": (lambda f: f["checkpoint"].write_bytes(b"PK\x03\x04 nothing"), "is no checkpoint"),
    "no checkpoint": (lambda f: f["checkpoint"].unlink(), "can't be read"),
    "NaN": (lambda f: _state(f, {"linear.bias": torch.full((2,), torch.nan)}), "not finite"),
    "config is a list": (lambda f: f["config"].write_text("[]"), "names neither env_model nor sat_model"),
    "config is no JSON": (lambda f: f["config"].write_text("{"), "can't be read as JSON"),
    "another kind": (lambda f: _config(f, _changed(BASE, model_name="MLP")), "is a MLP; only"),
    "no branches": (lambda f: _config(f, _changed(BASE, aspp_params=None)), "has neither spatial_block_params"),
    "no size": (lambda f: _config(f, _changed(BASE, patch_size="big")), "env_model.patch_size in"),
    "dilated": (lambda f: _config(f, _changed(BASE, aspp_params=blocks([[1], [3]], [[1], [1]],
                                                                      dilations=[[1], [2]]))), "are dilated"),
    "twins": (lambda f: _config(f, _changed(BASE, aspp_params=blocks([[1], [1]], [[1], [1]]))),
              "can't be told apart"),
    "wider than its patch": (lambda f: _config(f, _changed(BASE, patch_size=3)), "can't be put on its patches"),
    "few species": (lambda f: f["species"].write_text("Only one\n"), "names 1 species where the network has 2"),
    "one species twice": (lambda f: f["species"].write_text("A\nA\n"), "names the species 'A' twice"),
    "few bands": (lambda f: f["stats"].write_text("band,mean,std\nbio1,0,1\n"), "describes 1 bands of bioclim"),
    "no std": (lambda f: f["stats"].write_text("band,mean\nbio1,0\n"), "has no column std"),
    "zero std": (lambda f: f["stats"].write_text("band,mean,std\na,0,1\nb,0,0\nc,0,1\n"), "no positive std"),
    "no names": (lambda f: f["stats"].write_text("mean,std\n0,1\n0,1\n0,1\n"), "does not name band 1"),
    "another modality": (lambda f: f["stats"].write_text("modality,band,mean,std\nsoil,a,0,1\n"),
                         "a band of 'soil'"),
}  # fmt: skip


def _state(files: dict[str, Path], changes: dict[str, torch.Tensor | None]) -> None:
    checkpoint = torch.load(files["checkpoint"], weights_only=False)
    state = {**checkpoint["state_dict"], **changes}
    checkpoint["state_dict"] = {name: value for name, value in state.items() if value is not None}
    torch.save(checkpoint, files["checkpoint"])


def _config(files: dict[str, Path], config: Params) -> None:
    files["config"].write_text(json.dumps(config))


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_fit_is_said_in_one_sentence(fault: str, tmp_path: Path) -> None:
    files = write_checkpoint(tmp_path, BASE, plain_network(BASE, BANDS, species=2), BANDS)
    spoil, said = FAULTS[fault]
    spoil(files)
    job = ImportPaperJob(**{k: str(v) for k, v in files.items()}, out=str(tmp_path / "m.safetensors"))
    with pytest.raises((InputError, ValueError), match=said) as caught:
        run_import(job, Monitor())
    assert "\n" not in str(caught.value).strip() and str(caught.value).endswith(".")
    assert not (tmp_path / "m.safetensors").exists()


def test_the_authors_tables_are_read_as_they_are(tmp_path: Path) -> None:
    config = CONFIGS["bimodal"]
    files = write_checkpoint(tmp_path, config, plain_network(config, BANDS, species=2), BANDS)
    files["species"].write_text("species,n_occ,auc\n12,5,0.75\n7,90,\n")
    files["stats"].write_text(
        "band;mean;std_dev\nbio1;1;2\nbio2;3;4\nbio3;5;6\n" + "".join(f";{i};{i + 1}\n" for i in range(4))
    )
    out = tmp_path / "m.safetensors"
    run_import(ImportPaperJob(**{k: str(v) for k, v in files.items()}, out=str(out)), Monitor())
    card = read_model(out).card
    assert [(one.name, one.presences, one.auc) for one in card.species] == [("12", 5, 0.75), ("7", 90, None)]
    assert [band.name for band in card.modality("satellite").bands] == ["red", "green", "blue", "nir"]
    assert [(b.mean, b.std, b.fill) for b in card.modality("bioclim").bands] == [
        (1, 2, 1),
        (3, 4, 3),
        (5, 6, 5),
    ]
    assert card.modality("bioclim").pixel_unit == "degree" and card.modality("bioclim").patch is None


def test_the_command_makes_a_model_file_and_refuses_in_a_sentence(tmp_path: Path) -> None:
    config = CONFIGS["satellite 25"]
    files = write_checkpoint(tmp_path, config, plain_network(config, BANDS, species=2), BANDS)
    out = tmp_path / "m.safetensors"
    arguments = ["import-paper", str(files["checkpoint"]), str(files["config"]), "--species"]
    arguments += [str(files["species"]), "--stats", str(files["stats"]), "--out", str(out), "--json"]
    ran = CliRunner().invoke(cli, [*arguments, "--pixel", "satellite=20m"])
    assert ran.exit_code == 0
    assert {**json.loads(ran.stdout), "notes": ""} == {
        "model": str(out), "n_species": 2, "dense": False, "notes": "",
    }  # fmt: skip
    assert "Note: The network is padded or takes whole patches" in ran.stderr
    assert read_model(out).card.modality("satellite").pixel_size == 20
    shown = CliRunner().invoke(cli, ["card", str(out)])
    assert "presences unknown" in shown.stdout and "25 px (500 m)" in shown.stdout
    assert CliRunner().invoke(cli, [*arguments, "--pixel", "soil=20m"]).exit_code == 2
    assert CliRunner().invoke(cli, [*arguments, "--pixel", "satellite=20 feet"]).exit_code == 2
    files["species"].unlink()
    refused = CliRunner().invoke(cli, arguments)
    assert refused.exit_code == 2 and "Traceback" not in refused.stderr and "species.txt" in refused.stderr


def test_an_estimate_counts_windows(tmp_path: Path, rasters: dict[str, Path]) -> None:
    config = CONFIGS["satellite 25"]
    imported(tmp_path, config, plain_network(config, BANDS, species=2))
    inputs = (RasterInput("satellite", str(rasters["satellite"])),)
    job = MapJob(str(tmp_path / "imported.safetensors"), inputs, str(tmp_path / "maps"))
    coarse = MapJob(job.model, inputs, job.out, step=40)
    assert run_estimate(job).seconds > run_estimate(coarse).seconds
