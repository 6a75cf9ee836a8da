"""File names of species: all different, possible everywhere, none that of another file, and found again."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from scalescape.engine.jobs.areas_job import run_areas
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.jobs.odmap_job import run_odmap
from scalescape.engine.jobs.products_job import run_products
from scalescape.engine.protocol import PRODUCTS, AreasJob, MapJob, OdmapJob, ProductsJob, RasterInput
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.engine.words.naming import DEVICES, LONGEST, is_taken, slugs
from scalescape.models.model_file import read_model, write_model

pytestmark = pytest.mark.slow

EVERYTHING = ("probability", "occurrence", "binary", "richness", "top", "novelty")
OF_SPECIES = ("", "_occurrence", "_binary", "_uncertainty")
OTHERS = {
    "run", "richness", "top", "novelty", "novelty_limiting", "novelty_features_satellite",
    "novelty_features_satellite_25", "applicability", "probability", "dominant", "margin",
}  # fmt: skip
LONG = "Taraxacum " + "officinale " * 30

NAMES = {
    "products": ("Richness", "Novelty", "Top"),
    "products and a species": ("A a", "A a occurrence", "A a binary"),
    "in another order": ("A a binary", "A a occurrence", "A a"),
    "a map of all": ("Probability", "Occurrence", "probability"),
    "parts of novelty": ("Novelty limiting", "novelty features satellite 25", "Novelty"),
    "devices": ("CON", "nul", "Lpt1"),
    "letter case": ("Quercus ilex", "quercus ILEX", "Quercus-ilex."),
    "numbers": ("A b", "A b 2", "a B"),
    "no letters": ("...", "- -", "дуб"),
    "long": (LONG, f"{LONG}x", f"{LONG} occurrence"),
    "a record": ("run", "Run species", "richness species"),
}


def slots(names: list[str]) -> list[str]:
    """All that a run may write for species with these file names, and beside them."""
    return [name + end for name in names for end in OF_SPECIES] + sorted(OTHERS)


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES.keys())
def test_no_two_files_of_a_run_have_one_name(names: tuple[str, ...]) -> None:
    found = slugs(names)
    assert len(set(slots(found))) == len(slots(found))


TEXT = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(
            [*EVERYTHING, *sorted(DEVICES), "A a", "a_a_2", "A a occurrence", "species", "Species 2"]
        ),
        st.text("aA bé.-_", max_size=400),
    ),
    unique=True,
    max_size=12,
)


@given(names=TEXT)
def test_any_names_become_files_that_every_system_can_have(names: list[str]) -> None:
    found = slugs(names)
    assert len(found) == len(names)
    assert len(set(slots(found))) == len(slots(found))
    for one in found:
        assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", one)
        assert one not in DEVICES and len(one) <= LONGEST + 20
        assert len(f".{one}_occurrence.tiles.tif.aux.xml") < 255
    for number in range(len(names)):
        assert slugs(names[:number]) == found[:number], "what comes later changes no name"


def test_usual_names_are_as_they_were() -> None:
    named = {
        "Quercus ilex L.": "quercus_ilex_l", "A b": "a_b", "A b 2": "a_b_2", "A-b": "a_b_3", "Tiles": "tiles",
        "Ünïcode spëcies": "unicode_species", "?": "species", "Top hat": "top_hat", "Topaz": "topaz",
    }  # fmt: skip
    assert slugs(list(named)) == list(named.values())
    assert slugs(["Richness", "CON", "A a binary"]) == ["richness_species", "con_species", "a_a_binary_species"]
    assert all(is_taken(product) for product in PRODUCTS)


def test_ten_thousand_species_of_one_name_take_no_time() -> None:
    """Each name is looked at once or twice, however many are alike."""
    looked = []

    class Name(str):
        def lower(self) -> str:
            looked.append(self)
            return super().lower()

    found = slugs([Name(f"Species {'.' * n}") for n in range(10_000)])
    assert found[0] == "species" and found[-1] == "species_10000" and len(set(found)) == 10_000


@pytest.fixture
def inputs(landscape: dict[str, Path]) -> tuple[RasterInput, ...]:
    return tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))


def model_of(names: tuple[str, ...], small_model: Path, folder: Path) -> Path:
    """A model whose species, surveyed and calibrated, have these names."""
    model = read_model(small_model)
    species = tuple(
        replace(
            one, name=name, kind="pa", calibration=(1.0, 0.0), thresholds={"largest TSS": 0.5}, threshold=0.5
        )
        for one, name in zip(model.card.species, names, strict=True)
    )
    training = replace(model.card.training, lambda2=1.0, background="")
    file = folder / "named.safetensors"
    write_model(file, replace(model, card=replace(model.card, species=species, training=training)))
    return file


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES.keys())
def test_maps_of_species_with_odd_names_are_made_and_found_again(
    small_model: Path, inputs: tuple[RasterInput, ...], tmp_path: Path, names: tuple[str, ...]
) -> None:
    job = MapJob(str(model_of(names, small_model, tmp_path)), inputs, str(tmp_path / "out"), step=8)
    files = run_map(replace(job, products=EVERYTHING), Monitor()).files
    assert len({Path(file).name.lower() for file in files}) == len(files)
    assert species_in(files, "probability") == species_in(files, "occurrence") == sorted(names)
    assert sum(Path(file).name == "richness.tif" for file in files) == 1
    later = replace(job, out=str(tmp_path / "later"))
    run_map(later, Monitor())
    made = run_products(ProductsJob(later.out, EVERYTHING[1:5]), Monitor()).files
    assert by_product(made) == {
        product: found for product, found in by_product(files).items() if product in EVERYTHING[1:5]
    }
    rows = run_areas(AreasJob((later.out,), str(tmp_path / "areas")), Monitor()).rows
    assert {row["species"] for row in rows} == set(names)
    assert run_odmap(OdmapJob(later.out)).answered


def tags(file: str) -> dict[str, str]:
    with rasterio.open(file) as raster:
        return {"PRODUCT": "", **raster.tags(), **raster.tags(1)}


def by_product(files: tuple[str, ...]) -> dict[str, set[str]]:
    """The names of files by their product."""
    found: dict[str, set[str]] = {}
    for file in files:
        found.setdefault(tags(file)["PRODUCT"], set()).add(Path(file).name)
    return found


def species_in(files: tuple[str, ...], product: str) -> list[str]:
    """The species of the maps of a product, as their bands are described."""
    found = []
    for file in files:
        if tags(file)["PRODUCT"] == product:
            with rasterio.open(file) as raster:
                found.append(raster.descriptions[0].removesuffix(f": {product}"))
            assert tags(file)["SPECIES"] == found[-1]
    return sorted(found)


def test_a_species_has_one_file_name_whichever_are_mapped(
    small_model: Path, inputs: tuple[RasterInput, ...], tmp_path: Path
) -> None:
    names = ("A b", "A-b", "Richness")
    job = MapJob(str(model_of(names, small_model, tmp_path)), inputs, str(tmp_path / "out"), step=8)
    files = run_map(replace(job, species=("A-b", "Richness")), Monitor()).files
    assert [Path(file).name for file in files] == ["a_b_2.tif", "richness_species.tif"]


def test_maps_of_before_are_read_by_what_they_say_of_themselves(
    small_model: Path, inputs: tuple[RasterInput, ...], tmp_path: Path
) -> None:
    """Once a species called Richness was mapped into richness.tif, which a product must not replace."""
    names = ("Richness", "A a", "A a occurrence")
    job = MapJob(str(model_of(names, small_model, tmp_path)), inputs, str(tmp_path / "out"), step=8)
    run_map(job, Monitor())
    out = Path(job.out)
    old = out / "richness.tif"
    (out / "richness_species.tif").rename(old)
    before = old.read_bytes()
    with pytest.raises(InputError, match=r"richness\.tif is the map of Richness, .* rename the map"):
        run_products(ProductsJob(job.out, ("richness",)), Monitor())
    assert old.read_bytes() == before
    made = run_products(ProductsJob(job.out, ("binary",)), Monitor()).files
    assert "richness_species_binary.tif" in {Path(file).name for file in made}
    assert old.read_bytes() == before
    shutil.move(old, out / "mine.tif")
    made = run_products(ProductsJob(job.out, ("richness", "occurrence")), Monitor()).files
    assert {Path(file).name for file in made} == {
        "richness.tif", "mine_occurrence.tif", "a_a_occurrence.tif", "a_a_occurrence_species_occurrence.tif",
    }  # fmt: skip
