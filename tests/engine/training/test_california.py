"""The shipped network of real species: its card, its out-of-fold values, its map."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import rasterio
from scalescape.engine.jobs.evaluate_job import run_evaluate
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.protocol import EvaluateJob, MapJob, RasterInput
from scalescape.engine.running.progress import Monitor
from scalescape.models.model_file import read_model

MODEL = Path(__file__).resolve().parents[3] / "models" / "zoo" / "california.safetensors"
LARGEST = 5_000_000  # bytes
COAST = (-123.9, 39.2, -123.6, 39.5)  # redwoods of Mendocino
DRY = (-119.6, 35.4, -119.3, 35.7)  # the south of the San Joaquin valley
BANDS = ("cloudcover-mean", "cloudcover-stdv", "leafareaindex-mean", "leafareaindex-stdv")
BANDS += ("surfacetemp-mean", "surfacetemp-stdv")


def test_the_card_says_what_the_map_is_and_is_not() -> None:
    card = read_model(MODEL).card
    assert MODEL.stat().st_size < LARGEST
    assert [one.name for one in card.species] == ["Ariolimax", "Ariolimax buttoni", "Ariolimax columbianus"]
    assert {card.quantity(one) for one in card.species} == {"relative suitability"}
    for words in ("Where people record banana slugs", "in conditions like those recorded", "Coordinates alone",
                  "a little too good"):  # fmt: skip
        assert words in card.summary
    assert "outside California" in card.summary
    assert "CC BY-NC" in card.licence
    for words in ("elapid", "flexsdm", "GBIF", "iNaturalist"):
        assert words in card.citation
    rival = card.metrics["coordinates"]
    assert rival["gain_low"] < 0 < rival["gain_mean"], "the network is not shown to beat coordinates"


def test_figures_of_the_card_come_from_the_out_of_fold_values_beside_it(tmp_path: Path) -> None:
    card = read_model(MODEL).card
    summary = run_evaluate(EvaluateJob(str(MODEL), None, str(tmp_path / "judged")), Monitor()).summary
    for name in ("auc_median", "auc_mean", "n_sites", "n_background", "n_blocks", "n_folds"):
        assert summary[name] == pytest.approx(card.metrics[name], abs=1e-9), name
    with (tmp_path / "judged" / "species.csv").open(encoding="utf-8") as stream:
        rows = {row["species"]: row for row in csv.DictReader(stream)}
    for one in card.species:
        assert float(rows[one.name]["auc"]) == pytest.approx(one.auc, abs=1e-9)


@pytest.mark.real_data
def test_slugs_are_mapped_on_the_coast_and_not_where_it_is_dry(real_data: Path, tmp_path: Path) -> None:
    data = real_data / "california"
    inputs = [RasterInput("climate", str(data / "climate_pc.tif"))]
    inputs += [RasterInput("modis", str(data / "modis" / f"ca-{band}.tif")) for band in BANDS]
    means = {}
    for name, extent in (("coast", COAST), ("dry", DRY)):
        out = tmp_path / name
        run_map(MapJob(str(MODEL), tuple(inputs), str(out), extent=extent, extent_crs="EPSG:4326"), Monitor())
        with rasterio.open(out / "ariolimax.tif") as raster:
            means[name] = float(np.nanmean(raster.read(1, masked=True).astype(np.float64).filled(np.nan)))
    assert means["coast"] > 0.5
    assert means["dry"] < 0.1
