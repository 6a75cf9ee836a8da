"""Products of a map: each what its own formula makes of the probabilities, in every layout and encoding."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from rasterio.transform import Affine
from scalescape.engine.cli import cli
from scalescape.engine.files.aside import Aside
from scalescape.engine.jobs.areas_job import run_areas
from scalescape.engine.jobs.check_job import run_check
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.jobs.products_job import run_products
from scalescape.engine.maps.encoding import ENCODINGS
from scalescape.engine.maps.map_tags import MapTags
from scalescape.engine.products.occurrence import Occurrence
from scalescape.engine.products.product_maps import ProductMaps
from scalescape.engine.products.species_product import MappedSpecies
from scalescape.engine.protocol import AreasJob, CheckJob, MapJob, ProductsJob
from scalescape.engine.protocol.products import OCCURRENCE, PROBABILITY
from scalescape.engine.rasters.lattice import Tile
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from surveyed_network import LINES, THRESHOLDS, expit, surveyed_copy

SPECIES = ("species_0", "species_1", "species_2")
ALL = ("probability", "occurrence", "binary", "richness", "top")


def read(job: MapJob | ProductsJob, name: str, band: int = 1) -> np.ma.MaskedArray:
    folder = job.out if isinstance(job, MapJob) else job.folder
    with rasterio.open(Path(folder) / f"{name}.tif") as source:
        numbers = source.read(band, masked=True)
        return numbers * source.scales[band - 1] if source.scales[band - 1] != 1 else numbers


def test_each_product_is_what_its_formula_makes_of_probability(job: MapJob) -> None:
    job = replace(job, products=ALL)
    result = run_map(job, Monitor())
    probability = [read(job, name) for name in SPECIES]
    assert result.valid_pixels == (~probability[0].mask).sum() > 1000
    occurrence = [expit(a * np.log(p / (1 - p)) + b) for p, (a, b) in zip(probability, LINES, strict=True)]
    yes = [p >= np.float32(t) for p, t in zip(probability, THRESHOLDS, strict=True)]
    for place, name in enumerate(SPECIES):
        np.testing.assert_allclose(read(job, f"{name}_occurrence"), occurrence[place], atol=2e-6)
        np.testing.assert_array_equal(read(job, f"{name}_binary"), yes[place])
        assert 0 < yes[place].sum() < yes[place].count()
    np.testing.assert_allclose(read(job, "richness"), sum(occurrence), atol=1e-5)
    top = read(job, "top")
    np.testing.assert_array_equal(top - 1, np.argmax(np.ma.stack(probability), axis=0))
    for name in ("richness", "top", "species_1_binary", "species_1_occurrence"):
        np.testing.assert_array_equal(read(job, name).mask, probability[0].mask)
    with rasterio.open(Path(job.out) / "top.tif") as source:
        assert [source.tags()[f"CATEGORY_{n}"] for n in (1, 2, 3)] == ["Species 0", "Species 1", "Species 2"]
        assert "not be the species most likely" in source.tags()["MEANING"]
    with rasterio.open(Path(job.out) / "richness.tif") as source:
        assert source.tags()["QUANTITY"] == "expected number of modelled species"
        assert json.loads(source.tags()["SCALESCAPE_RUN"])["job"]["products"] == list(ALL)


def test_richness_without_occurrence_counts_what_is_above_threshold(
    job: MapJob, small_model: Path, tmp_path: Path
) -> None:
    model = surveyed_copy(small_model, tmp_path / "some.safetensors", spaces=False, calibration=None)
    job = replace(job, model=str(model), products=("richness", "probability"), threshold="minimum-presence")
    run_map(job, Monitor())
    wanted = sum((read(job, name) >= np.float32(0.1)).astype(int) for name in SPECIES)
    np.testing.assert_array_equal(read(job, "richness"), wanted)
    with rasterio.open(Path(job.out) / "richness.tif") as source:
        assert source.tags()["QUANTITY"] == "number of modelled species above threshold"
        assert source.descriptions == ("Number of modelled species above threshold",)


@pytest.mark.parametrize("layout", ["per-species", "multiband"])
@pytest.mark.parametrize("encoding", ["float32", "uint8"])
def test_layouts_and_encodings_hold_the_same_map(
    job: MapJob, tmp_path: Path, layout: str, encoding: str
) -> None:
    plain = replace(job, products=ALL, out=str(tmp_path / "plain"))
    run_map(plain, Monitor())
    other = replace(job, products=ALL, layout=layout, encoding=encoding)
    run_map(other, Monitor())
    error = 0.0020001 if encoding == "uint8" else 0
    for place, name in enumerate(SPECIES):
        for product in ("probability", "occurrence", "binary"):
            file = f"{name}_{product}" if product != "probability" else name
            wanted = read(plain, file)
            found = read(other, product, place + 1) if layout == "multiband" else read(other, file)
            np.testing.assert_array_equal(found.mask, wanted.mask)
            assert np.abs(found - wanted).max() <= (0 if product == "binary" else error)
    for name in ("richness", "top"):
        np.testing.assert_array_equal(read(other, name), read(plain, name))
    files = {path.name for path in Path(other.out).glob("*.tif")}
    if layout == "multiband":
        assert files == {f"{one}.tif" for one in ALL}
        with rasterio.open(Path(other.out) / "probability.tif") as source:
            assert source.descriptions == ("Species 0", "Species 1", "Species 2")
            assert [source.tags(n)["SPECIES"] for n in (1, 2, 3)] == ["Species 0", "Species 1", "Species 2"]
            assert source.interleaving == rasterio.enums.Interleaving.band
    with rasterio.open(next(Path(other.out).glob("*occurrence*.tif"))) as source:
        assert source.dtypes[0] == encoding


def test_a_stack_is_whole_in_every_band(job: MapJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full when the last band's last pixels are written: the run fails and leaves no map."""
    copy = rasterio.shutil.copy

    def cut_short(source: object, target: Path, **options: object) -> None:
        copy(source, target, **options)
        with rasterio.open(target, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as stack:
            values = stack.read(stack.count)
            row, column = np.argwhere(values != stack.nodata)[-1]
            values[row, column] = stack.nodata
            stack.write(values, stack.count)

    monkeypatch.setattr(rasterio.shutil, "copy", cut_short)
    with pytest.raises(InputError, match=r"only (\d+) of \d+ pixels arrived"):
        run_map(replace(job, layout="multiband", products=("probability",)), Monitor())
    assert not (Path(job.out) / "probability.tif").exists()


@pytest.mark.parametrize("layout", ["per-species", "multiband"])
def test_finished_maps_give_what_the_run_gives(job: MapJob, tmp_path: Path, layout: str) -> None:
    """The same products without the network: nothing of the model file or the predictors is read."""
    whole = replace(job, products=ALL, layout=layout, out=str(tmp_path / "whole"))
    run_map(whole, Monitor())
    alone = replace(job, products=("probability",), layout=layout)
    run_map(alone, Monitor())
    made = run_products(ProductsJob(alone.out, ALL[1:]), Monitor())
    assert not made.warnings
    names = sorted(path.name for path in Path(whole.out).glob("*.tif"))
    assert sorted(path.name for path in Path(alone.out).glob("*.tif")) == names
    for name in names:
        with rasterio.open(Path(whole.out) / name) as one, rasterio.open(Path(alone.out) / name) as other:
            np.testing.assert_array_equal(one.read(), other.read())
            assert other.descriptions == one.descriptions
            models = [json.loads(file.tags()["SCALESCAPE_RUN"])["model"] for file in (one, other)]
            assert models[0] == models[1]
    record = json.loads((Path(alone.out) / "products.json").read_text())
    assert record["job"]["products"] == list(ALL[1:])
    assert json.loads((Path(alone.out) / "run.json").read_text())["job"]["products"] == ["probability"]


def test_products_of_maps_in_bytes_are_off_by_more_near_0_and_1(job: MapJob) -> None:
    run_map(replace(job, encoding="uint8"), Monitor())
    (note,) = run_products(ProductsJob(job.out, ("occurrence",)), Monitor()).warnings
    assert (
        "off by at most 0.002. Near 0 and 1 occurrence, richness and top made of them are off by more" in note
    )
    tags = MapTags(PROBABILITY, "S", "favourability", calibration=(0.5, 0.3))
    bytes_ = ENCODINGS["uint8"]
    exact = np.linspace(0.0005, 0.9995, 2000, dtype=np.float32)[None, None]
    everywhere = np.ones((1, 2000), np.bool_)
    stored = bytes_.decoded(bytes_.encoded(exact, everywhere))[0]
    occurrence = Occurrence([MappedSpecies("s", tags)], ENCODINGS["float32"])
    error = np.abs(occurrence.values(exact, 0) - occurrence.values(stored, 0))[0, 0]
    middle = (exact[0, 0] > 0.1) & (exact[0, 0] < 0.9)
    assert np.abs(stored - exact).max() <= 0.002001
    assert error[middle].max() < 0.003 < 0.02 < min(error[:10].max(), error[-10:].max())


def test_areas_take_expected_area_from_occurrence(job: MapJob, tmp_path: Path) -> None:
    job = replace(job, products=("probability", "occurrence"))
    run_map(job, Monitor())
    rows = run_areas(AreasJob((job.out,), str(tmp_path / "areas")), Monitor()).rows
    assert len(rows) == 3
    for place, row in enumerate(rows):
        occurrence = read(job, f"{SPECIES[place]}_occurrence")
        share = row["expected_km2"] / row["with_value_km2"]
        assert share == pytest.approx(occurrence.mean(), rel=1e-4)


def test_areas_tell_what_was_cut_from_what_has_no_value(job: MapJob, tmp_path: Path) -> None:
    """By predictors and by features: what the cut map lacks beyond the whole one, which has a margin."""
    whole = replace(job, products=("probability",), out=str(tmp_path / "whole"))
    cut = replace(job, products=("probability", "novelty"), cut_novel=True)
    run_map(whole, Monitor())
    run_map(cut, Monitor())
    of_whole, of_cut = (
        run_areas(AreasJob((one.out,), str(tmp_path / "areas")), Monitor()).rows[0] for one in (whole, cut)
    )
    lost = of_whole["with_value_km2"] - of_cut["with_value_km2"]
    assert lost > 0
    assert of_cut["without_value_novel_km2"] == pytest.approx(lost)
    assert of_cut["without_value_km2"] - lost == pytest.approx(of_whole["without_value_km2"])
    assert of_whole["without_value_km2"] > 0 and of_whole["without_value_novel_km2"] is None
    by_predictors = (read(cut, "novelty") < 0).sum() / read(cut, "novelty").count()
    assert by_predictors * of_whole["with_value_km2"] < 0.99 * lost, "features left out more"


def test_products_of_finished_maps_say_which_scenario_they_show(job: MapJob) -> None:
    world = replace(job, scenario="In 2050", date="2050-01-01", held=("satellite",))
    run_map(world, Monitor())
    run_products(ProductsJob(job.out, ALL[1:]), Monitor())
    for name in ("species_1", "species_1_occurrence", "species_1_binary", "richness", "top"):
        with rasterio.open(Path(job.out) / f"{name}.tif") as source:
            tags = source.tags()
        assert (tags["SCENARIO"], tags["DATE"]) == ("In 2050", "2050-01-01"), name
        assert tags["HELD"] == "satellite held at today"


def test_presence_only_species_have_no_occurrence(job: MapJob, small_model: Path) -> None:
    with pytest.raises(InputError, match="presence-only records do not say how often"):
        run_map(replace(job, model=str(small_model), products=("occurrence",)), Monitor())
    assert not list(Path(job.out).glob("*"))
    check = CheckJob(**{**vars(job), "model": str(small_model), "products": ("occurrence",)})
    with pytest.raises(InputError, match="presence-only records do not say how often"):
        run_check(check, measure=False)
    run_map(replace(job, model=str(small_model)), Monitor())
    with pytest.raises(InputError, match="presence-only records do not say how often"):
        run_products(ProductsJob(job.out, ("occurrence",)), Monitor())


def test_without_a_scale_there_is_no_occurrence(job: MapJob) -> None:
    with pytest.raises(InputError, match="scales are switched off"):
        run_map(replace(job, products=("occurrence",), scales={"bioclim": (1,)}), Monitor())


def test_where_no_rule_has_a_threshold_only_a_number_is_asked_for(job: MapJob) -> None:
    """A card's thresholds are of all its scales; a modality that is off is the reason that is told."""
    off = replace(job, products=("binary",), scales={"bioclim": ()}, inputs=job.inputs[:1])
    with pytest.raises(InputError, match=r"since scales are switched off and the card's thresholds hold"):
        run_map(off, Monitor())
    fewer = replace(job, products=("binary",), scales={"bioclim": (1,)})
    with pytest.raises(
        InputError, match=r"^No threshold by any rule for .*Give a number \(--threshold 0\.5\)\.$"
    ):
        run_map(fewer, Monitor())
    run_map(replace(fewer, threshold="0.5"), Monitor())
    assert set(np.unique(read(job, "species_0_binary").compressed())) <= {0, 1}
    other = replace(job, products=("binary",), threshold="tenth-percentile-presence")
    with pytest.raises(InputError, match="Choose another rule, or give a number"):
        run_map(other, Monitor())


def test_bad_products_are_told_in_one_sentence(job: MapJob, tmp_path: Path) -> None:
    run_map(job, Monitor())
    cases = [
        (["products", job.out, "--products", "novelty"], "can't be made of finished maps"),
        (["products", str(tmp_path), "--products", "top"], "holds no map of probability"),
        (["products", job.out, "--products", "binary", "--threshold", "most"], "neither a number nor a rule"),
        (["products", str(tmp_path / "none"), "--products", "top"], "is no folder"),
    ]
    inputs = [f"--input={one.modality}={one.file}" for one in job.inputs]
    mapping = ["map", job.model, *inputs, "--out", str(tmp_path / "o")]
    cases += [
        ([*mapping, "--products", "suitability"], "product 'suitability' is unknown"),
        ([*mapping, "--products", "top,binary", "--threshold", "tenth-percentile-presence"], "No threshold"),
    ]
    for arguments, message in cases:
        told = CliRunner().invoke(cli, arguments)
        assert told.exit_code == 2, (arguments, told.output)
        assert re.search(message, told.stderr) and len(told.stderr.strip().splitlines()) == 1, told.stderr


def test_more_species_than_a_byte_can_name_have_colours_and_names(tmp_path: Path) -> None:
    """300 species, each the most favoured in one column of the map."""
    species = [MappedSpecies(f"s_{n}", MapTags(PROBABILITY, f"S {n}", "favourability")) for n in range(300)]
    grid = GeoBox((8, 300), Affine(10, 0, 500_000, 0, -10, 5_000_000), CRS("EPSG:32631"))
    probability = np.full((300, 8, 300), 0.2, np.float32)
    probability[np.arange(300), :, np.arange(300)] = 0.9
    tile = Tile(slice(0, 8), slice(0, 300))
    with (
        Aside(tmp_path / "out") as aside,
        ProductMaps(aside, grid, {}, species, ["top"], "0.5", "float32", "per-species") as maps,
    ):
        maps.write(tile, probability, np.ones((8, 300), np.bool_))
        aside.publish(maps.made(Monitor()))
    with rasterio.open(tmp_path / "out" / "top.tif") as source:
        np.testing.assert_array_equal(source.read(1), np.broadcast_to(np.arange(1, 301), (8, 300)))
        assert source.dtypes == ("uint16",) and source.tags()["CATEGORY_300"] == "S 299"
        colours = source.colormap(1)
        assert len({colours[n] for n in range(1, 301)}) > 250
    beside = (tmp_path / "out" / "top.tif.aux.xml").read_text(encoding="utf-8")
    assert beside.count("<Row ") == 300


def test_a_threshold_of_occurrence_cuts_where_that_of_probability_does() -> None:
    tags = MapTags(PROBABILITY, "S", "favourability", thresholds={"largest TSS": 0.5}, calibration=(1.3, -2.9))
    cut = MappedSpecies("s", tags).layer(OCCURRENCE, "probability of occurrence", "")
    threshold = MapTags.of(cut.tags).thresholds["largest TSS"]
    probability = np.linspace(0.01, 0.99, 197)
    occurrence = expit(1.3 * np.log(probability / (1 - probability)) - 2.9)
    assert ((occurrence >= threshold - 1e-12) == (probability >= 0.5)).all()
    richer = MappedSpecies("s", tags).layer("binary", "above threshold", "")
    assert not MapTags.of(richer.tags).thresholds
