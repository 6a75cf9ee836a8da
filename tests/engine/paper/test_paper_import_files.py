"""The authors' files: what does not fit is said, nothing in them is run, tables are read as they are."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from paper_configs import BANDS, CONFIGS
from paper_networks import Params, blocks, plain_network, write_checkpoint
from scalescape.engine.cli import cli
from scalescape.engine.jobs.import_job import run_import
from scalescape.engine.protocol import ImportPaperJob
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.models.model_file import read_model


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
