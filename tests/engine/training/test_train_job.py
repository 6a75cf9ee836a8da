"""The ``train`` job from files to files: model file, out-of-fold values, card, what is refused."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from affine import Affine
from conftest import LEFT, TOP
from plain import pixel, whole
from safetensors.torch import load_file
from scalescape.engine.jobs.evaluate_job import run_evaluate
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.protocol import EvaluateJob, MapJob, RasterInput
from scalescape.engine.running.errors import Cancelled, InputError
from scalescape.engine.running.progress import Monitor
from scalescape.engine.training import fitting
from scalescape.models.ensemble import averaged
from scalescape.models.model_file import read_model
from scalescape.models.network import FusionNetwork
from sklearn.metrics import roc_auc_score
from tiny_landscape import (
    CRS,
    RECORDS,
    RECORDS_ALONE,
    SPECIES,
    SURVEYS,
    TRAINING,
    write_sites_on_a_lattice,
    write_tiny_landscape,
)
from tiny_run import Run, cancelled_at, pixel_of, train

POINTS = 100
FOLDS = 2
MARGIN = 25 // 2  # px of NoData around the rasters: a window may leave them when a network is trained


def rasters(folder: Path, margin: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray, object, object]]:
    """All values, with ``margin`` pixels of NoData around them."""
    found = {}
    for name in ("satellite", "bioclim"):
        values, valid, transform, crs = whole([folder / f"{name}.tif"])
        around = ((0, 0), (margin, margin), (margin, margin))
        moved = transform @ Affine.translation(-margin, -margin)
        found[name] = np.pad(values, around), np.pad(valid, around), moved, crs
    return found


def records(run: Run) -> list[dict[str, str]]:
    return list(csv.DictReader((run.config.parent / "po.csv").open(encoding="utf-8")))


def surveys(run: Run) -> list[dict[str, str]]:
    return list(csv.DictReader((run.config.parent / "pa.csv").open(encoding="utf-8")))


def test_model_values_and_report_are_written(run: Run) -> None:
    assert run.result.model == str(run.out) and run.out.is_file()
    assert Path(run.result.oof).is_file()
    report = Path(run.result.report).read_text(encoding="utf-8")
    assert "Corylus" in report and "data:image" in report
    assert run.result.n_species == 3
    summary = json.loads((run.out.with_suffix(".report") / "summary.json").read_text(encoding="utf-8"))
    assert summary["auc_median"] == run.result.auc_median
    assert f"po.csv: {RECORDS} records read." in run.result.warnings


def test_every_site_and_point_has_a_value_from_the_network_of_its_fold(run: Run) -> None:
    records_in = {pixel_of(row) for row in records(run)}
    places = {(float(row["x"]), float(row["y"])) for row in [*records(run), *surveys(run)]}
    sites = [row for row in run.rows if row["background"] == "0"]
    assert len(run.rows) - len(sites) == POINTS
    assert len(sites) == run.result.n_sites == len(records_in) + SURVEYS, "no survey shares a pixel's site"
    assert {(float(row["x"]), float(row["y"])) for row in sites} <= places
    fold = run.column("fold").astype(int)
    assert set(fold) == set(range(FOLDS))
    around = rasters(run.config.parent, MARGIN)
    for number in range(FOLDS):
        network = run.fold(number)
        for row in np.flatnonzero(fold == number):
            one = run.rows[row]
            expected = pixel(network, around, float(one["x"]), float(one["y"]), CRS)
            logits = [float(one[f"logit:{name}"]) for name in SPECIES]
            np.testing.assert_allclose(np.log(expected) - np.log1p(-expected), logits, atol=1e-5)


def test_what_was_not_surveyed_stands_as_empty(run: Run) -> None:
    recorded = {pixel_of(row) for row in records(run)}
    for row in run.rows:
        if row["background"] == "1":
            assert [row[f"found:{name}"] for name in SPECIES] == ["0", "0", ""]
        elif pixel_of(row) in recorded:
            assert row["found:Corylus"] == "" and {row["found:Alnus"], row["found:Betula"]} <= {"0", "1"}
        else:
            assert row["found:Alnus"] == row["found:Betula"] == ""
    found = [one["found:Corylus"] for one in run.rows if one["background"] == "0"]
    for value in "01":
        assert found.count(value) == sum(row["Corylus"] == value for row in surveys(run))


def test_the_card_says_what_the_species_were_trained_on(run: Run) -> None:
    alnus, betula, corylus = run.card.species
    for one in (alnus, betula):
        pixels = {pixel_of(row) for row in records(run) if row["species"] == one.name}
        assert (one.kind, one.presences, one.prevalence, one.lambda2) == ("po", len(pixels), None, None)
        assert one.calibration is None
    looked = [row["Corylus"] for row in surveys(run) if row["Corylus"]]
    assert (corylus.name, corylus.kind, corylus.presences) == ("Corylus", "pa", looked.count("1"))
    assert corylus.prevalence == pytest.approx(looked.count("1") / len(looked))
    assert corylus.lambda2 == 1 and run.card.quantity(corylus) == "favourability"
    assert corylus.calibration is not None
    assert run.card.training.lambda2 == 0.5
    assert run.card.training.background.startswith(f"{POINTS} points drawn at random")
    assert run.card.training.extent_crs == CRS
    assert "2 folds of 0.5 km blocks (0.05 km buffer)" in alnus.auc_against


def test_the_card_says_what_the_bands_hold_at_sites_and_background_points(run: Run) -> None:
    assert run.card.training.ranges == "sites and background"
    grids = {"satellite": (10.0, LEFT, TOP), "bioclim": (200.0, LEFT - 1480, TOP + 1530)}
    for modality in run.card.modalities:
        size, left, top = grids[modality.name]
        with rasterio.open(run.config.parent / f"{modality.name}.tif") as raster:
            values = raster.read().astype(np.float64)
        at = [pixel_of(row, size, left, top) for row in run.rows]
        for band, layer in zip(modality.bands, values, strict=True):
            held = np.array([layer[row, column] for row, column in at])
            assert band.mean == pytest.approx(held.mean()) and band.std == pytest.approx(held.std())
            np.testing.assert_allclose(band.quantiles, np.percentile(held, range(101)), rtol=1e-6)
        assert modality.pixel_size == pytest.approx(size, rel=1e-3) and modality.pixel_unit == "metre"
    assert [band.name for band in run.card.modality("satellite").bands] == ["red", "nir"]


def judged(run: Run, name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Outcome and logit of a species in each fold: presences against background, or against survey absences."""
    found, logit = run.column(f"found:{name}"), run.column(f"logit:{name}")
    background, fold = run.column("background") == 1, run.column("fold")
    counts = (found == 1) | (background if name != "Corylus" else (found == 0) & ~background)
    return [(found[counts & (fold == f)] == 1, logit[counts & (fold == f)]) for f in range(FOLDS)]


@pytest.mark.parametrize("name", SPECIES)
def test_auc_and_threshold_are_those_of_the_folds(run: Run, name: str) -> None:
    one = next(species for species in run.card.species if species.name == name)
    folds = judged(run, name)
    assert one.auc == pytest.approx(np.mean([roc_auc_score(found, logit) for found, logit in folds]), abs=1e-6)

    def tss(threshold: float) -> float:
        hits = [(1 / (1 + np.exp(-logit)) >= threshold - 1e-12, found) for found, logit in folds]
        return float(np.mean([called[found].mean() + (~called)[~found].mean() - 1 for called, found in hits]))

    candidates = np.concatenate([1 / (1 + np.exp(-logit)) for _, logit in folds])
    assert one.threshold is not None and one.thresholds["largest TSS"] == one.threshold
    assert tss(one.threshold) == pytest.approx(max(tss(value) for value in candidates), abs=1e-9)


def test_the_map_is_the_shipped_network_at_the_sites(run: Run, tmp_path: Path) -> None:
    inputs = tuple(
        RasterInput(name, str(run.config.parent / f"{name}.tif")) for name in ("satellite", "bioclim")
    )
    run_map(MapJob(str(run.out), inputs, str(tmp_path)), Monitor())
    maps = {}
    for name in SPECIES:
        with rasterio.open(tmp_path / f"{name.lower()}.tif") as raster:
            maps[name] = raster.read(1)
            transform, nodata = raster.transform, raster.nodata
    checked, model, whole_rasters = 0, read_model(run.out), rasters(run.config.parent)
    for row in run.rows[:60]:
        expected = pixel(model, whole_rasters, float(row["x"]), float(row["y"]), CRS)
        column, line = (int(v) for v in ~transform * (float(row["x"]), float(row["y"])))
        there = 0 <= line < maps["Alnus"].shape[0] and 0 <= column < maps["Alnus"].shape[1]
        values = np.array([maps[name][line, column] for name in SPECIES]) if there else np.full(3, nodata)
        if expected is None:
            assert np.isnan(values).all() or (values == nodata).all()
        else:
            np.testing.assert_allclose(values, expected, atol=1e-5)
            checked += 1
    assert checked > 30


def test_judging_reads_no_table_but_the_test(run: Run, tmp_path: Path) -> None:
    """Its figure is that of the shipped network at the surveys, the training table being unreadable by then."""
    config = write_tiny_landscape(
        tmp_path, RECORDS_ALONE + 'test = "pa.csv"\ntest_species_columns = ["Corylus"]\n'
    )
    (tmp_path / "po.csv").write_bytes(b"")
    done = run_evaluate(EvaluateJob(str(run.out), str(config), str(tmp_path / "figures")), Monitor())
    assert all("po.csv" not in one for one in done.warnings)
    known = [row for row in surveys(run) if row["Corylus"]]
    files = rasters(tmp_path, MARGIN)
    scores = [pixel(run.model, files, float(row["x"]), float(row["y"]), CRS)[2] for row in known]
    wanted = roc_auc_score([row["Corylus"] == "1" for row in known], scores)
    rows = csv.DictReader((tmp_path / "figures" / "species.csv").open(encoding="utf-8"))
    (found,) = (row for row in rows if row["species"] == "Corylus")
    assert float(found["auc"]) == pytest.approx(wanted, abs=1e-6)


def test_divergence_keeps_the_last_good_epoch(tmp_path: Path) -> None:
    training = TRAINING.replace("batch_size = 32", "batch_size = 1000\nlearning_rate = 1e30\npatience = 0")
    training += 'optimiser = "sgd"\nschedule = "none"\nscale_dropout = false\n'
    config = write_tiny_landscape(tmp_path / "data", training=training)
    out = tmp_path / "tiny.safetensors"
    with pytest.raises(
        InputError, match=r"diverged in epoch 2: the loss is .*; lower training.learning_rate\.$"
    ):
        train(config, out)
    assert not out.exists()
    state = torch.load(out.with_suffix(".partial") / "network_0.ckpt", weights_only=True)
    assert state["epoch"] == 0
    with pytest.raises(InputError, match="diverged in epoch 2"):
        train(config, out, resume=True)


def test_with_one_fold_a_fifth_of_the_blocks_is_kept_out(tmp_path: Path) -> None:
    config = write_tiny_landscape(tmp_path / "data", training=TRAINING.replace("folds = 2", "folds = 1"))
    out = tmp_path / "one.safetensors"
    result = train(config, out)
    rows = list(csv.DictReader(out.with_suffix(".oof.csv").open(encoding="utf-8")))
    sites = [row for row in rows if row["background"] == "0"]
    assert {row["fold"] for row in rows} == {"0"}
    assert 0.1 < len(sites) / result.n_sites < 0.35 and 0.05 < (len(rows) - len(sites)) / POINTS < 0.45
    model, around = read_model(out), rasters(config.parent, MARGIN)
    found = [pixel(model, around, float(one["x"]), float(one["y"]), CRS) for one in rows]
    expected = [[1 / (1 + np.exp(-float(one[f"logit:{name}"]))) for name in SPECIES] for one in rows]
    np.testing.assert_allclose(np.stack(found), expected, atol=1e-5)


def test_members_learn_apart_and_are_averaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped network gives the mean of their logits, and a run that is cut within one ends the same."""
    members: list[FusionNetwork] = []
    monkeypatch.setattr(fitting, "averaged", lambda given: members.extend(given) or averaged(given))
    training = TRAINING.replace("folds = 2", "folds = 1\nmembers = 2\npatience = 0")
    config = write_tiny_landscape(tmp_path / "data", training=training)
    out, cut = tmp_path / "two.safetensors", tmp_path / "cut.safetensors"
    train(config, out)
    shipped = read_model(out).network
    patches = {"bioclim": torch.randn(4, 2, 1, 1), "satellite": torch.randn(4, 2, 25, 25)}
    assert len(members) == 2
    with torch.no_grad():
        one, other = (network(patches) for network in members)
        assert (one - other).abs().max() > 1e-3
        torch.testing.assert_close(shipped(patches), (one + other) / 2, rtol=0, atol=1e-5)
    with pytest.raises(Cancelled):
        train(config, cut, cancelled_at(3))
    assert len(list(cut.with_suffix(".partial").glob("network_0.*ckpt"))) == 2
    train(config, cut, resume=True)
    again = read_model(cut).network.state_dict()
    for name, values in shipped.state_dict().items():
        assert torch.equal(values, again[name]), name


def test_sites_on_a_lattice_are_trained_on_by_tiles_to_the_same_end(tmp_path: Path) -> None:
    """Values are those of single windows, background moves onto the lattice, and a cut run ends the same."""
    config = write_sites_on_a_lattice(tmp_path / "data")
    whole_run, cut = tmp_path / "whole.safetensors", tmp_path / "cut.safetensors"
    result = train(config, whole_run)
    assert any("Sites lie on a lattice of 8 pixels" in one for one in result.warnings)
    with pytest.raises(Cancelled):
        train(config, cut, cancelled_at(1))
    train(config, cut, resume=True)
    for name, weight in load_file(whole_run).items():
        assert torch.equal(weight, load_file(cut)[name]), name
    model, around = read_model(whole_run), rasters(config.parent, 59 // 2)
    for one in csv.DictReader(whole_run.with_suffix(".oof.csv").open(encoding="utf-8")):
        line, column = pixel_of(one)
        assert (line % 8, column % 8) == (5, 3)
        expected = pixel(model, around, float(one["x"]), float(one["y"]), CRS)
        logits = [float(one[f"logit:{name}"]) for name in SPECIES[:2]]
        np.testing.assert_allclose(np.log(expected) - np.log1p(-expected), logits, atol=1e-5)


def test_files_that_cannot_be_written_are_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"can't be written \(.*\); choose another folder\.$"):
        train(run.config, tmp_path / "file" / "tiny.safetensors")
    with pytest.raises(InputError, match=r"must end in \.safetensors; call it tiny\.tif\.safetensors\.$"):
        train(run.config, tmp_path / "tiny.tif")
    (tmp_path / "tiny.partial").mkdir()
    (tmp_path / "tiny.partial" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match=r"is in the way and is not Scalescape's; move it away\.$"):
        train(run.config, tmp_path / "tiny.safetensors")
    (tmp_path / "tiny.partial" / "run.json").write_text(json.dumps({"pid": os.getppid(), "fingerprint": ""}))
    with pytest.raises(InputError, match=r"Another run trains .*; wait for it, or choose another place\.$"):
        train(run.config, tmp_path / "tiny.safetensors")
