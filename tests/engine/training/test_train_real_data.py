"""Training on real tables: firs beside slugs in one network, and the layout of GeoLifeCLEF 2023."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pyproj import Transformer
from scalescape.engine.jobs.evaluate_job import run_evaluate
from scalescape.engine.jobs.train_job import run_train
from scalescape.engine.protocol import EvaluateJob, TrainJob
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.engine.training.batches import Batches, Moment
from scalescape.engine.training.course import Course, course_of
from scalescape.engine.training.learner import Learner
from scalescape.models.loss import FullWeightedLoss
from scalescape.models.model_file import read_model
from scalescape.models.network import FusionNetwork
from sklearn.metrics import roc_auc_score

pytestmark = pytest.mark.real_data

FIR = "Abies concolor"
FIRS_AND_SLUGS = """
[[sites.source]]
file = "{folder}/slugs.csv"
kind = "po"
species = "species"
[[sites.source]]
file = "{folder}/abies.csv"
kind = "pa-balanced"
species_name = "Abies concolor"
presence = "pr_ab"
x = "x"
y = "y"
crs = "EPSG:3310"
[modality.bioclim]
inputs = ["{folder}/climate_pc.tif"]
scales = [1, 5]
[training]
epochs = 2
folds = 2
blocks_km = 50
buffer_km = 20
n_background = 500
width = 0.03
"""


@pytest.fixture(scope="module")
def firs_and_slugs(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = tmp_path_factory.mktemp("california") / "train.toml"
    config.write_text(FIRS_AND_SLUGS.format(folder=real_data / "california"), encoding="utf-8")
    return config


@pytest.fixture(scope="module")
def course(firs_and_slugs: Path) -> Course:
    return course_of(read_config(firs_and_slugs), Monitor())


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def fir_places(real_data: Path) -> dict[tuple[int, int], str]:
    """Where firs were looked for, to a decimetre, and whether they were found."""
    rows = table(real_data / "california" / "abies.csv")
    return {place(float(row["x"]), float(row["y"])): row["pr_ab"] for row in rows}


def slug_places(real_data: Path) -> set[tuple[int, int]]:
    to_grid = Transformer.from_crs("EPSG:4326", "EPSG:3310", always_xy=True)
    rows = table(real_data / "california" / "slugs.csv")
    return {
        place(*to_grid.transform(float(row["decimalLongitude"]), float(row["decimalLatitude"]))) for row in rows
    }


def place(x: float, y: float) -> tuple[int, int]:
    return round(x * 10), round(y * 10)


def test_a_loss_teaches_slugs_nothing_of_firs_nor_firs_of_slugs(course: Course, real_data: Path) -> None:
    """The loss of a batch does not depend on a species' logit where that species was not looked for."""
    sites, points = course.sites, len(course.background)
    fir = sites.species.index(FIR)
    slugs = [number for number in range(len(sites.species)) if number != fir]
    firs, snails = fir_places(real_data), slug_places(real_data)
    looked_for_fir = np.array([place(x, y) in firs for x, y in zip(sites.x, sites.y, strict=True)])
    looked_for_slugs = np.array([place(x, y) in snails for x, y in zip(sites.x, sites.y, strict=True)])
    assert looked_for_fir.sum() > 600 and looked_for_slugs.sum() > 200
    assert (looked_for_fir | looked_for_slugs).all()

    network = FusionNetwork(course.architecture)
    given: list[torch.Tensor] = []
    plain = network.logits

    def watched(*arguments: object) -> torch.Tensor:
        logits = plain(*arguments)
        logits.retain_grad()
        given.append(logits)
        return logits

    network.logits = watched  # type: ignore[method-assign]
    loss = FullWeightedLoss(
        torch.from_numpy(sites.presences()), len(sites), course.lambda2, torch.from_numpy(sites.surveys())
    )
    learner = Learner(network, course.places.sights, loss, course.recipe, (1, 2))
    order = np.arange(len(sites))
    batches = Batches(
        course.places, order, order[:points] % points + len(sites), 100_000, (1,), lambda: Moment(0)
    )
    (batch,) = batches
    learner.training_step(batch, 0).backward()
    (logits,) = given
    assert logits.grad is not None
    slope = logits.grad.numpy()
    drawn = np.random.default_rng([1, 0]).permutation(order)  # the order of that batch
    at_sites, beside = slope[: len(sites)], slope[len(sites) :]
    assert (at_sites[:, fir] != 0).tolist() == looked_for_fir[drawn].tolist()
    for number in slugs:
        assert (at_sites[:, number] != 0).tolist() == looked_for_slugs[drawn].tolist()
    assert (beside[:, fir] == 0).all(), "surveys stand against presences of the fir, background does not"
    assert (beside[:, slugs] != 0).all()


def test_no_figure_of_slugs_counts_firs_nor_the_reverse(firs_and_slugs: Path, real_data: Path) -> None:
    out = firs_and_slugs.parent / "california.safetensors"
    result = run_train(TrainJob(str(firs_and_slugs), str(out)), Monitor())
    rows, species = table(Path(result.oof)), table(out.with_suffix(".report") / "species.csv")
    firs, snails = fir_places(real_data), slug_places(real_data)
    folds = np.array([int(row["fold"]) for row in rows])
    background = np.array([row["background"] == "1" for row in rows])
    at = [place(float(row["x"]), float(row["y"])) for row in rows]
    for one in species:
        name = one["species"]
        found = np.array([row[f"found:{name}"] == "1" for row in rows]) & ~background
        if name == FIR:
            present = np.array([firs.get(key) == "1.0" for key in at]) & ~background
            absent = np.array([firs.get(key) == "0.0" for key in at]) & ~background
            assert (one["against"], (found == present).all()) == ("survey", True)
        else:
            absent = background
            assert one["against"] == "background" and all(at[row] in snails for row in np.flatnonzero(found))
        assert (int(one["n_presence"]), int(one["n_absence"])) == (found.sum(), absent.sum())
        if one["auc"]:
            logit = np.array([float(row[f"logit:{name}"]) for row in rows])
            both = [(found | absent) & (folds == number) for number in range(2)]
            expected = np.mean([roc_auc_score(found[part], logit[part]) for part in both if found[part].any()])
            assert float(one["auc"]) == pytest.approx(expected, abs=1e-5)
    card = read_model(out).card
    kinds = {one.name: (one.kind, one.lambda2, one.calibration) for one in card.species}
    assert kinds[FIR] == ("pa-balanced", 1.0, None)
    assert kinds["Ariolimax columbianus"] == ("po", None, None)


GEOLIFECLEF = """
[sites]
train = "{train}"
{test}
kind = "po"
species = "speciesId"
x = "lon"
y = "lat"
crs = "EPSG:4326"
{climate}
[modality.satellite]
patches = "{folder}/SatelliteImages"
scales = [25, 59, 115]
[training]
epochs = 2
folds = 2
n_background = 0
lambda2 = 1
min_records = 1
width = 0.03
"""
RECORDS = "Presence_only_occurrences/Presences_only_train_sample.csv"
SURVEYS = "Presence_Absence_surveys/Presences_Absences_train_sample.csv"


def geolifeclef(folder: Path, data: Path, train: Path | None = None, test: str = "", climate: str = "") -> Path:
    sample = data / "glc23_sample"
    config = folder / "glc.toml"
    text = GEOLIFECLEF.format(train=train or sample / RECORDS, test=test, climate=climate, folder=sample)
    config.write_text(text, encoding="utf-8")
    return config


def test_geolifeclef_trains_and_evaluates(tmp_path: Path, real_data: Path) -> None:
    """The sample has images of its records alone, so some of them stand in for surveys."""
    lines = (real_data / "glc23_sample" / RECORDS).read_text(encoding="utf-8").splitlines()
    species = lines[0].split(";").index("speciesId")
    again = [line for line in lines[1:] if sum(f";{line.split(';')[species]};" in one for one in lines) > 1]
    (tmp_path / "test.csv").write_text("\n".join([lines[0], *again, *lines[1:20]]), encoding="utf-8")
    config = geolifeclef(tmp_path, real_data, test='test = "test.csv"')
    out = tmp_path / "glc.safetensors"
    result = run_train(TrainJob(str(config), str(out)), Monitor())
    assert (result.n_sites, result.n_species) == (100, 96)
    assert result.auc_median is None, "no species is in blocks enough"
    card = read_model(out).card
    assert [band.name for band in card.modality("satellite").bands] == ["red", "green", "blue", "nir"]
    assert card.modality("satellite").pixel_size == 10
    judged = run_evaluate(EvaluateJob(str(out), str(config), str(tmp_path / "figures")), Monitor())
    assert judged.summary["against"] == "survey" and judged.summary["n_sites"] == len({*again, *lines[1:20]})
    assert judged.summary["micro_f1"] is not None
    on_disk = json.loads((tmp_path / "figures" / "summary.json").read_text(encoding="utf-8"))
    assert on_disk == judged.summary

    geolifeclef(tmp_path, real_data, test=f'test = "{real_data / "glc23_sample" / SURVEYS}"')
    with pytest.raises(
        InputError, match=r"SatelliteImages holds no image of any site \(such as rgb/\S+\); \S.*\.$"
    ):
        run_evaluate(EvaluateJob(str(out), str(config), str(tmp_path / "figures")), Monitor())


def test_geolifeclef_with_climate_that_two_records_lie_on_is_refused(tmp_path: Path, real_data: Path) -> None:
    climate = f"""
[modality.bioclim]
inputs = ["{real_data}/montpellier/bio1.tif", "{real_data}/montpellier/bio2.tif"]
scales = [1]
nodata = 0
"""
    config = geolifeclef(tmp_path, real_data, climate=climate)
    with pytest.raises(
        InputError, match=r"lie in one block, so that none is left .*; make blocks_km smaller .*\.$"
    ):
        run_train(TrainJob(str(config), str(tmp_path / "glc.safetensors")), Monitor())
    config.write_text(
        config.read_text(encoding="utf-8").replace("epochs = 2", "epochs = 2\nblocks_km = 1\npatience = 0")
    )
    with pytest.raises(
        InputError, match=r"For fold 1 of 2 1 of 2 sites are left to train on; give more sites, .*\.$"
    ):
        run_train(TrainJob(str(config), str(tmp_path / "glc.safetensors")), Monitor())
