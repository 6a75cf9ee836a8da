"""A draft says what it lacks, and becomes the job that was meant."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scalescape.engine.protocol import MapResult, RasterInput
from scalescape.plugin.core.grid_facts import distance, duration, ordinal_step, window
from scalescape.plugin.core.inputs import BandSource
from scalescape.plugin.core.map_draft import MapDraft
from scalescape.plugin.core.map_run import run_summary, run_title

pytestmark = pytest.mark.usefixtures("qgis_app")


@pytest.fixture
def draft(card, model_file, tmp_path):
    bands = {
        modality.name: tuple(BandSource(modality.name, i + 1, "") for i in range(len(modality.bands)))
        for modality in card.modalities
    }
    return MapDraft(
        model=str(model_file),
        card=card,
        bands=bands,
        scales={modality.name: modality.scales for modality in card.modalities},
        species=tuple(one.name for one in card.species),
        out=str(tmp_path / "maps"),
        step=4,
    )


def test_a_complete_draft_has_no_obstacle_and_asks_for_everything(draft):
    assert draft.obstacle() == ""
    job = draft.job()
    assert job.inputs == (
        RasterInput("bioclim", "bioclim", (1, 2)),
        RasterInput("satellite", "satellite", (1, 2, 3, 4)),
    )
    assert (job.species, job.scales, job.step, job.out) == ((), {}, 4, draft.out)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"card": None}, "Choose a model."),
        ({"model_error": "x is cut short."}, "x is cut short."),
        ({"scales": {"bioclim": (), "satellite": ()}}, "All scales are off"),
        ({"bands": {}}, "Choose a raster for bioclim"),
        ({"bands": {"bioclim": (BandSource("a", 1, ""), None)}}, "bioclim lacks bio12"),
        ({"refusals": ("OSM is a picture.",)}, "OSM is a picture."),
        ({"nodata_error": "“x” is no number."}, "no number"),
        ({"extent_error": "Draw one."}, "Draw one."),
        ({"mask_error": "WFS is far."}, "WFS is far."),
        ({"species": ()}, "Tick at least one species."),
        ({"out": ""}, "Choose a folder"),
        ({"out": "maps"}, "whole path"),
    ],
)
def test_each_lack_is_named(draft, changes, said):
    assert said in replace(draft, **changes).obstacle()


def test_a_modality_that_is_off_needs_no_raster_and_is_named_as_off(draft):
    bands = {"satellite": draft.bands["satellite"]}
    off = replace(draft, bands=bands, scales={"bioclim": (), "satellite": (25, 59)})
    assert off.obstacle() == ""
    assert off.job().scales == {"bioclim": (), "satellite": (25, 59)}
    assert {one.modality for one in off.job().inputs} == {"satellite"}


def test_a_chosen_file_without_a_fitting_band_goes_to_the_engine_as_it_is(draft):
    wrong = replace(draft, bands={**draft.bands, "satellite": (None,) * 4}, unmatched={"satellite": "b.tif"})
    assert wrong.obstacle() == ""
    assert wrong.inputs()[-1] == RasterInput("satellite", "b.tif")


def test_a_run_s_title_tells_it_from_others(draft):
    off = replace(draft, scales={"bioclim": (1, 5), "satellite": (25,)})
    assert run_title(draft.card, draft.job(), "23:19") == "test model · 40 m · 23:19"
    assert (
        run_title(off.card, off.job(), "23:19")
        == "test model · 40 m · without satellite 590 m, 1.15 km · 23:19"
    )
    some = replace(draft, species=("Quercus ilex",), extent=(0, 0, 1, 1), edge="fill")
    assert (
        run_title(some.card, some.job(), "x") == "test model · 40 m · Quercus ilex · a part · edge filled · x"
    )
    two = replace(draft, species=("Quercus ilex", "Fagus sylvatica"))
    assert "2 of 3 species" in run_title(two.card, two.job(), "x")
    lines = run_summary(off.card, off.job(), None).lines
    assert "Output pixel: 40 m (every 4th pixel)" in lines
    assert "Scales: without satellite 590 m, 1.15 km" in lines


def test_how_and_within_what_goes_into_job_title_and_summary(draft, tmp_path):
    how = {"mask": str(tmp_path / "parks.gpkg"), "precision": "float32", "blend": True, "verify": 500}
    told = replace(draft, **how)
    job = told.job()
    assert {name: getattr(job, name) for name in how} == how and told.check_job().mask == how["mask"]
    assert (draft.job().mask, draft.job().verify) == (None, 0)
    assert run_title(told.card, job, "x") == "test model · 40 m · within parks · blended · x"
    result = MapResult((), 1, 1, 1, 1.0, 1.0, "cpu", "float32", "dense", 3.2e-7, ())
    lines = run_summary(told.card, job, result).lines
    assert "Within the polygons of parks.gpkg" in lines and "Coarse cells blended" in lines
    assert "500 pixels checked window by window, largest difference 3e-07" in lines


def test_acknowledgement_depends_on_model_and_inputs_alone(draft):
    assert replace(draft, step=1, species=()).acknowledged_for() == draft.acknowledged_for()
    assert replace(draft, nodata={"satellite": 0.0}).acknowledged_for() != draft.acknowledged_for()
    assert replace(draft, bands={}).acknowledged_for() != draft.acknowledged_for()


def test_numbers_read_well(card):
    assert [distance(m) for m in (250, 590, 1150, 5000, 0.5)] == ["250 m", "590 m", "1.15 km", "5 km", "0.5 m"]
    assert window(card.modality("satellite"), 115) == "1.15 km"
    assert window(replace(card.modality("bioclim"), pixel_unit="degree", pixel_size=1 / 120), 1) == "≈ 928 m"
    assert [duration(s) for s in (0.2, 8, 200, 4900, 7300)] == ["1 s", "8 s", "3 min", "82 min", "2 h 02 min"]
    assert [ordinal_step(n) for n in (1, 2, 3, 4, 11, 32)] == [
        "every pixel",
        "every 2nd pixel",
        "every 3rd pixel",
        "every 4th pixel",
        "every 11th pixel",
        "every 32nd pixel",
    ]
