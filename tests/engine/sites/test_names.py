"""One species is one however its name is typed; names that only look alike are not joined, and said."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_tables import names, read, read_text, write_points
from scalescape.engine.mapping.plan import chosen_species
from scalescape.engine.running.errors import InputError
from scalescape.engine.words.species_names import look_alikes, species_name, spelt
from scalescape.models.card import Card
from site_files import prepared

ILEX = "Quercus ilex"
WAYS = [
    "Quercus  ilex", "Quercus\u00a0ilex", "Quercus\u2009ilex", "Quercus\u202filex", "Quercus\tilex", " "
    "Quercus ilex ",
    "Quercus ilex\u200b", "\ufeffQuercus ilex", "Quer\u00adcus ilex", "Quercus\u3000ilex\u200d", "Quercus \n "
    "ilex",
    "Quercus\ufe0f ilex",
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_blanks_and_what_is_invisible_make_no_other_species(tmp_path: Path, way: str) -> None:
    rows, report = read_text(tmp_path, f'species,x,y\n{ILEX},1,40\n"{way}",2,41\nQuercus suber,3,42\n')
    assert rows.species == (ILEX, "Quercus suber") and names(rows)[:2] == [ILEX, ILEX]
    said = [one for one in report.warnings if "1 name of species in another than the plain spelling" in one]
    assert len(said) == (way.strip(" ") != ILEX)


def test_the_two_forms_of_a_letter_are_one(tmp_path: Path) -> None:
    both = [unicodedata.normalize(form, "Crépis fœtida") for form in ("NFC", "NFD")]
    rows, _ = read_text(tmp_path, f"species,x,y\n{both[0]},1,40\n{both[1]},2,41\n")
    assert rows.species == (both[0],)


@pytest.mark.parametrize(
    ("cells", "ids"),
    [
        (["12", "12.0", "12.00"], ("12",)),
        (["007", "7", "7.0"], ("007", "7")),
        (["1e+05", "100000", "100000.0"], ("100000",)),
        (["12", "12.5"], ("12", "12.5")),
        (["0", "0.0", "-1.0"], ("-1", "0")),
    ],
)
def test_whole_numbers_are_one_id_however_they_are_written(
    tmp_path: Path, cells: list[str], ids: tuple[str, ...]
) -> None:
    text = "species,x,y\n" + "".join(f"{cell},{n},40\n" for n, cell in enumerate(cells))
    assert read_text(tmp_path, text)[0].species == ids
    quoted = "species,x,y\n" + "".join(f'"{cell}",{n},40\n' for n, cell in enumerate(cells))
    assert read_text(tmp_path, quoted)[0].species == ids


def test_ids_of_a_vector_file_with_gaps_are_those_of_a_table(tmp_path: Path) -> None:
    shapes = ["POINT (1 40)", "POINT (2 41)", "POINT (3 42)"]
    file = write_points(tmp_path / "a.gpkg", shapes, species=[12.0, 13.0, float("nan")])
    assert read(file, x=None, y=None, crs=None)[0].species == ("12", "13")
    assert read_text(tmp_path, "species,x,y\n12,1,40\n13,2,41\n")[0].species == ("12", "13")


TWO = """
crs = "EPSG:32631"
x = "x"
y = "y"
{test}
[[sites.source]]
file = "a.csv"
kind = "po"
species = "species"
[[sites.source]]
file = "b.csv"
{second}
"""


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("species,x,y\nQuercus\u00a0ilex,3,97\n12.0,4,96\n", 'kind = "po"\nspecies = "species"'),
        ("x,y,Quercus  ilex,12.0\n3,97,1,0\n4,96,0,1\n", 'kind = "pa"\nspecies_columns = ["Quercus*", "12*"]'),
        ("x,y,found\n3,97,1\n4,96,0\n", 'kind = "pa"\nspecies_name = "Quercus  ilex "\npresence = "found"'),
    ],
)
def test_tables_meet_in_one_species(tmp_path: Path, text: str, second: str) -> None:
    (tmp_path / "a.csv").write_text("species,x,y\nQuercus ilex,1,99\n12,2,98\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text(text, encoding="utf-8")
    done = prepared(tmp_path, TWO.format(test="", second=second), crs="EPSG:32631")
    assert set(done.sites.species) == {ILEX, "12"}
    assert done.sites.presences()[done.sites.species.index(ILEX)] == 2


def test_the_test_table_finds_the_species_of_training(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("species,x,y\nQuercus ilex,1,99\n12,2,98\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("x,y,Quercus\u00a0ilex,12.0,quercus suber\n3,97,1,0,1\n", encoding="utf-8")
    sites = 'train = "a.csv"\nkind = "po"\nspecies = "species"\nx = "x"\ny = "y"\ncrs = "EPSG:32631"\n'
    sites += 'test = "b.csv"\ntest_species_columns = ["Quercus ilex", "12.0", "quercus suber"]'
    done = prepared(tmp_path, sites, crs="EPSG:32631")
    assert done.test is not None and done.test.species == ("12", ILEX)
    assert done.test.found.toarray().tolist() == [[False, True]]


def test_two_columns_of_one_species_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Two columns of a.csv name the species '12'; rename one"):
        read_text(tmp_path, "x,y,12,12.0\n1,40,1,0\n", species=None, species_columns=("12*",), kind="pa")


def test_names_that_differ_in_capitals_or_hyphens_are_kept_apart_and_said(tmp_path: Path) -> None:
    text = "species,x,y\nQuercus ilex,1,99\nQuercus Ilex,2,98\nQuercus ilex L.,3,97\nA × b,4,96\nA x b,5,95\n"
    (tmp_path / "po.csv").write_text(text, encoding="utf-8")
    sites = 'train = "po.csv"\nkind = "po"\nspecies = "species"\nx = "x"\ny = "y"\ncrs = "EPSG:32631"\n'
    done = prepared(tmp_path, sites, crs="EPSG:32631")
    assert len(done.sites.species) == 5
    said = [one for one in done.report.sentences() if "count as different" in one]
    assert len(said) == 1 and "'Quercus Ilex' and 'Quercus ilex'" in said[0] and "L." not in said[0]
    (tmp_path / "pa.csv").write_text("x,y,quercus ilex\n1,99,1\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"None of the species of pa.csv .*quercus ilex and .* differ in capitals"
    ):
        prepared(tmp_path, sites + 'test = "pa.csv"\ntest_species_columns = ["quercus ilex"]', crs="EPSG:32631")


def card_of(*names: str) -> Card:
    """A card with nothing but species."""
    from types import SimpleNamespace

    return SimpleNamespace(species=[SimpleNamespace(name=name) for name in names])  # type: ignore[return-value]


def test_a_map_takes_a_species_however_its_name_is_typed() -> None:
    card = card_of("Abies alba", ILEX, "12", "Old  name")
    assert chosen_species(card, ("Quercus\u00a0 ilex", "12.0", ILEX)) == (1, 2)
    assert chosen_species(card, ("Old name",)) == chosen_species(card, ("Old  name",)) == (3,)
    with pytest.raises(InputError, match="knows no species 'quercus Ilex'.* perhaps Quercus ilex"):
        chosen_species(card, ("quercus Ilex",))


@given(st.text(max_size=12))
def test_spelling_once_is_enough(text: str) -> None:
    assert spelt(spelt(text)) == spelt(text)
    assert species_name(species_name(text)) == species_name(text)
    assert spelt(unicodedata.normalize("NFD", text)) == spelt(unicodedata.normalize("NFC", text))
    assert look_alikes([spelt(text), spelt(f" {text}\u200b")]) == []
